/// An arena file names the parts of a pack.
extension PackSources {
    mutating func takeArena(_ document: SourceDocument) {
        guard let spec = document.value["spec"], spec.object != nil else {
            return fail("'spec' is missing", in: document, at: "")
        }
        for (index, entry) in (spec["prompt_configs"]?.array ?? []).enumerated() {
            let origin = "/spec/prompt_configs/\(index)"
            guard let file = entry.text("file") else {
                fail("'file' is missing", in: document, at: origin)
                continue
            }
            let path = Self.resolve(file, beside: document.file)
            guard let prompt = read(path, for: document, at: origin + "/file") else { continue }
            takePrompt(prompt, defaults: entry["vars"]?.object ?? JSONObject())
        }
        for (name, inner) in spec.entries("prompt_specs") {
            let origin = "/spec/prompt_specs/" + JSONPointer.escape(name)
            takePrompt(inner, name: name, document, at: origin, defaults: JSONObject())
        }
        takeTools(spec, document)
        for key in ["workflow", "agents", "compositions"] {
            guard let value = spec[key], !value.isNull else { continue }
            pack[key] = value
            parts.append(SourceDocument.Part(at: "/" + key, of: document, from: "/spec/" + key))
        }
        takeSkills(spec["skills"]?.array ?? [], document)
        if let evals = spec["pack_evals"]?.array, !evals.isEmpty {
            pack["evals"] = .array(
                evals.enumerated().map { eval($1, document, at: "/spec/pack_evals/\($0)") })
            parts.append(SourceDocument.Part(at: "/evals", of: document, from: "/spec/pack_evals"))
        }
    }

    private mutating func takeTools(_ spec: JSONValue, _ document: SourceDocument) {
        for (index, entry) in (spec["tools"]?.array ?? []).enumerated() {
            let origin = "/spec/tools/\(index)"
            guard let file = entry.text("file") else { continue }
            let path = Self.resolve(file, beside: document.file)
            guard let tool = read(path, for: document, at: origin + "/file") else { continue }
            let inner = tool.value["spec"] == nil ? "" : "/spec"
            takeTool(tool.value["spec"] ?? tool.value, tool.value["metadata"]?.text("name"), tool, at: inner)
        }
        for (name, inner) in spec.entries("tool_specs") {
            takeTool(inner, name, document, at: "/spec/tool_specs/" + JSONPointer.escape(name))
        }
    }

    private mutating func takeTool(
        _ spec: JSONValue, _ name: String?, _ document: SourceDocument, at origin: String
    ) {
        guard let name = name ?? spec.text("name"), let description = spec.text("description") else {
            return fail("a tool needs 'metadata.name' and 'description'", in: document, at: origin)
        }
        var tool: JSONObject = ["name": .string(name), "description": .string(description)]
        if var schema = spec["input_schema"]?.object {
            if schema["type"] == nil { schema["type"] = "object" }
            if schema["properties"] == nil { schema["properties"] = [:] }
            tool["parameters"] = .object(schema)
        }
        put(.object(tool), under: "tools", name, of: document, from: origin)
        parts.append(
            SourceDocument.Part(
                at: "/tools/\(JSONPointer.escape(name))/parameters", of: document, from: origin + "/input_schema"))
    }

    private mutating func takeSkills(_ skills: [JSONValue], _ document: SourceDocument) {
        guard !skills.isEmpty else { return }
        pack["skills"] = .array(
            skills.map { skill in
                guard let entry = skill.object, let path = entry["dir"] ?? entry["path"] else { return skill }
                return ["path": path, "preload": entry["preload"] ?? false]
            })
        parts.append(SourceDocument.Part(at: "/skills", of: document, from: "/spec/skills"))
    }
}
