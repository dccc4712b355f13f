/// The shape of an authoring file of the kind PromptConfig (promptarena, `schemas/v1alpha1/promptconfig.json`).
package enum PromptConfigShape {
    package static let root = Shape.object([
        Field("$schema", .text()), .need("apiVersion", .text()), .need("kind", .text()),
        Field(
            "metadata",
            .object([
                Field("name", .text()), Field("namespace", .text()), Field("labels", .map(.text())),
                Field("annotations", .map(.text())),
            ])),
        .need("spec", spec),
    ])

    private static let spec = Shape.object([
        .need("task_type", .text()), .need("version", .text()), .need("description", .text()),
        .need("system_template", .text()),
        Field(
            "template_engine",
            .object([.need("version", .text()), .need("syntax", .text()), Field("features", .texts)])),
        Field(
            "fragments",
            .list(.object([.need("name", .text()), .need("required", .boolean), Field("path", .text())]))),
        Field("variables", .list(variable)),
        Field(
            "model_overrides",
            .map(.object([Field("system_template", .text()), Field("system_template_suffix", .text())]))),
        Field("allowed_tools", .texts), Field("media", media), Field("validators", .list(validator)),
        Field("tested_models", .list(testedModel)),
        Field(
            "tool_policy",
            .object([
                Field("tool_choice", .text()), Field("max_rounds", .integer()),
                Field("max_tool_calls_per_turn", .integer()), Field("blocklist", .texts),
            ])),
        Field(
            "parameters",
            .object([
                Field("temperature", .number()), Field("max_tokens", .integer()), Field("top_p", .number()),
                Field("top_k", .integer()),
            ])),
        Field("evals", .list(eval)), Field("metadata", metadata),
        Field(
            "compilation",
            .object([.need("compiled_with", .text()), .need("created_at", .text()), Field("schema", .text())])),
    ])

    private static let variable = Shape.object([
        .need("name", .text()), .need("required", .boolean), Field("type", .text()), Field("default", .anything),
        Field("description", .text()), Field("example", .anything), Field("validation", .object([], rest: .open)),
        Field(
            "binding",
            .object([
                .need("kind", .text()), Field("field", .text()), Field("autoPopulate", .boolean),
                Field("filter", .object([Field("capability", .text()), Field("labels", .map(.text()))])),
            ])),
    ])

    private static let validator = Shape.object([
        .need("type", .text()), .need("params", .object([], rest: .open)), Field("enabled", .boolean),
        Field("fail_on_violation", .boolean), Field("message", .text()),
    ])

    private static let testedModel = Shape.object([
        .need("provider", .text()), .need("model", .text()), .need("date", .text()), .need("success_rate", .number()),
        Field("avg_tokens", .integer()), Field("avg_cost", .number()), Field("avg_latency_ms", .integer()),
    ])

    private static let eval = Shape.object([
        .need("id", .text()), .need("type", .text()), .need("trigger", .text()),
        .need("params", .object([], rest: .open)), Field("description", .text()), Field("enabled", .boolean),
        Field("sample_percentage", .number()),
        Field(
            "metric",
            .object([
                .need("name", .text()), .need("type", .text()),
                Field("range", .object([Field("min", .number()), Field("max", .number())])),
                Field("labels", .map(.text())),
            ])),
        Field(
            "threshold",
            .object([Field("passed", .boolean), Field("min_score", .number()), Field("max_score", .number())])),
        Field("message", .text()),
        Field(
            "when",
            .object([
                Field("tool_called", .text()), Field("tool_called_pattern", .text()),
                Field("any_tool_called", .boolean), Field("min_tool_calls", .integer()),
            ])),
        Field("groups", .texts),
    ])

    private static let metadata = Shape.object([
        Field("domain", .text()), Field("language", .text()), Field("tags", .texts),
        Field(
            "cost_estimate",
            .object(["min_cost_usd", "max_cost_usd", "avg_cost_usd"].map { .need($0, .number()) })),
        Field(
            "performance",
            .object([
                .need("avg_latency_ms", .integer()), .need("p95_latency_ms", .integer()),
                .need("avg_tokens", .integer()), .need("success_rate", .number()),
            ])),
        Field(
            "changelog",
            .list(
                .object([
                    .need("version", .text()), .need("date", .text()), Field("author", .text()),
                    .need("description", .text()),
                ]))),
    ])

    // MARK: Media

    private static let size = Field("max_size_mb", .integer())
    private static let formats = Field("allowed_formats", .texts)

    private static let timed = Shape.object([
        size, formats, Field("max_duration_sec", .integer()), Field("require_metadata", .boolean),
    ])

    private static let media = Shape.object([
        .need("enabled", .boolean), Field("supported_types", .texts),
        Field(
            "image",
            .object([
                size, formats, Field("default_detail", .text()), Field("require_caption", .boolean),
                Field("max_images_per_msg", .integer()),
            ])),
        Field("audio", timed), Field("video", timed),
        Field(
            "examples",
            .list(
                .object([
                    .need("name", .text()), .need("role", .text()), Field("description", .text()),
                    .need("parts", .list(part)),
                ]))),
    ])

    private static let part = Shape.object([
        .need("type", .text()), Field("text", .text()),
        Field(
            "media",
            .object([
                .need("mime_type", .text()), Field("file_path", .text()), Field("url", .text()),
                Field("detail", .text()), Field("caption", .text()),
            ])),
    ])
}
