/// Writes PromptKit's `kind: Tool` files.
package enum ToolManifest {
    /// A tool that always gives this answer. JSON, which is YAML, too.
    package static func mock(of tool: ToolDescriptor, answering answer: ToolAnswer) -> String {
        let result = answer.structured ?? (try? JSONParser.parse(answer.text)) ?? .string(answer.text)
        let manifest: JSONValue = [
            "apiVersion": "promptkit.altairalabs.ai/v1alpha1", "kind": "Tool",
            "metadata": ["name": .string(tool.name)],
            "spec": [
                "name": .string(tool.name), "description": .string(tool.description),
                "input_schema": tool.inputSchema, "mode": "mock", "mock_result": result,
            ],
        ]
        // What the tool said is no variable.
        return manifest.prettyText.replacing("${", with: "$${")
    }
}
