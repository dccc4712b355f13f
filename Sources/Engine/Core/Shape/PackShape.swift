/// The shape of a PromptPack in every published edition (promptpack-spec, `schema/promptpack.schema.json`, and
/// PromptKit, `runtime/prompt/schema/promptpack.schema.json`).
package enum PackShape {
    package static let root = Shape.object([
        Field("$schema", .text()),
        .need("id", .text(TextRule(atLeast: 1, atMost: 100, form: .packID))),
        .need("name", .text(TextRule(atLeast: 1, atMost: 200))),
        .need("version", version),
        Field("description", .text(TextRule(atMost: 5_000))),
        .need("template_engine", templateEngine),
        .need("prompts", .map(prompt, atLeast: 1)),
        Field("fragments", .map(.text())),
        Field("tools", .map(tool)),
        Field("metadata", metadata),
        Field("compilation", compilation),
        Field("evals", .list(eval), in: .since(.spec130)),
        Field("workflow", workflow, in: .since(.spec130)),
        Field("agents", agents, in: .since(.spec130)),
        Field("skills", .list(skill), in: .since(.spec131)),
        Field("compositions", .map(composition), in: .promptKit),
    ])

    static let version = Shape.text(TextRule(form: .version))

    private static let templateEngine = Shape.object([
        .need("version", .text()), .need("syntax", .text()),
        Field("features", .list(.word("basic_substitution", "fragments", "conditionals", "loops", "filters"))),
    ])

    private static let metadata = Shape.object(
        [
            Field("domain", .text()), Field("language", .text(TextRule(form: .language))), Field("tags", .texts),
            Field(
                "cost_estimate",
                .object(
                    ["min_cost_usd", "max_cost_usd", "avg_cost_usd"].map { Field($0, .number(min: 0)) }, rest: .open)),
        ], rest: .open)

    private static let compilation = Shape.object(
        [
            .need("compiled_with", .text()), .need("created_at", .text()), .need("schema", .text()),
            Field("source", .text()),
        ], rest: .open)

    // MARK: A prompt

    private static let prompt = Shape.object([
        .need("id", .text(TextRule(form: .promptID))),
        .need("name", .text(TextRule(atLeast: 1))),
        Field("description", .text()),
        .need("version", version),
        .need("system_template", .text(TextRule(atLeast: 1))),
        Field("variables", .list(variable)),
        Field("tools", .texts),
        Field("tool_policy", toolPolicy),
        Field("pipeline", pipeline),
        Field("parameters", parameters),
        Field("validators", .list(validator)),
        Field("evals", .list(eval), in: .since(.spec130)),
        Field("tested_models", .list(testedModel)),
        Field("model_overrides", .map(modelOverride)),
        Field("media", media, in: .since(.spec11)),
    ])

    static let variableTypes = ["string", "number", "boolean", "object", "array"]

    private static let variable = Shape.object([
        .need("name", .text(TextRule(form: .identifier))),
        .need(
            "type",
            .all([
                .text(),
                .only(Editions.spec10.union(.promptKit), .text(TextRule(words: variableTypes))),
            ])),
        .need("required", .boolean),
        Field("default", .anything), Field("description", .text()), Field("example", .anything),
        Field(
            "validation",
            .object([
                Field("pattern", .text()), Field("min_length", .integer(min: 0)), Field("max_length", .integer(min: 1)),
                Field("minimum", .number()), Field("maximum", .number()), Field("enum", .list(.anything)),
            ])),
        Field(
            "binding",
            .object([
                Field("kind", .text()), Field("field", .text()), Field("auto_populate", .boolean),
                Field("filter", .text()),
            ]), in: Editions.since(.spec11).subtracting(.promptKit)),
    ])

    private static let tool = Shape.object([
        .need("name", .text(TextRule(form: .identifier))),
        .need("description", .text(TextRule(atLeast: 1))),
        Field(
            "parameters",
            .object(
                [
                    .need("type", .word("object")), .need("properties", .map(.object([], rest: .open))),
                    Field("required", .texts),
                ], rest: .open)),
    ])

    static let toolPolicy = Shape.object([
        Field("tool_choice", .word("auto", "required", "none")),
        Field("max_rounds", .integer(min: 1)), Field("max_tool_calls_per_turn", .integer(min: 1)),
        Field("blocklist", .texts),
    ])

    private static let pipeline = Shape.object([
        .need("stages", .texts),
        Field("middleware", .list(.object([.need("type", .text()), Field("config", .object([], rest: .open))]))),
    ])

    private static let parameters = Shape.object([
        Field("temperature", .number(min: 0, max: 2)), Field("max_tokens", .integer(min: 1)),
        Field("top_p", .number(min: 0, max: 1)), Field("top_k", .some([.integer(min: 1), .null])),
        Field("frequency_penalty", .number(min: -2, max: 2)), Field("presence_penalty", .number(min: -2, max: 2)),
    ])

    private static let firstValidators = [
        "banned_words", "max_length", "min_length", "regex_match", "json_schema", "sentiment", "toxicity",
        "pii_detection", "custom",
    ]

    private static let validator = Shape.object([
        .need(
            "type", .all([.text(TextRule(atLeast: 1)), .only(.spec10, .text(TextRule(words: firstValidators)))])),
        Field("enabled", .boolean, required: Editions.spec10.union(.promptKit)),
        Field("message", .text(), in: Editions.since(.spec11).subtracting(.promptKit)),
        Field("fail_on_violation", .boolean),
        Field("params", .object([], rest: .open)),
    ])

    private static let testedModel = Shape.object([
        .need("provider", .text()), .need("model", .text()), .need("date", .text()),
        Field("success_rate", .number(min: 0, max: 1)), Field("avg_tokens", .number(min: 0)),
        Field("avg_cost", .number(min: 0)), Field("avg_latency_ms", .number(min: 0)), Field("notes", .text()),
    ])

    private static let modelOverride = Shape.object([
        Field("system_template_prefix", .text()), Field("system_template_suffix", .text()),
        Field("system_template", .text()), Field("parameters", parameters),
    ])

    // MARK: Evals

    private static let eval = Shape.object([
        .need("id", .text(TextRule(atLeast: 1))), Field("description", .text()),
        .need("type", .text(TextRule(atLeast: 1))),
        .need(
            "trigger",
            .all([
                .text(),
                .only(.promptKit, .word("every_turn", "on_session_complete", "sample_turns", "sample_sessions")),
            ])),
        Field("sample_percentage", .number(min: 0, max: 100)), Field("enabled", .boolean),
        Field("params", .object([], rest: .open)), Field("metric", metric),
        Field("threshold", .object([Field("operator", .text()), Field("value", .number())]), in: .spec),
        Field("message", .text(), in: .spec), Field("when", .object([], rest: .open), in: .spec),
        Field("groups", .texts, in: .spec),
    ])

    private static let metric = Shape.object(
        [
            .need("name", .text(TextRule(form: .metric))),
            .need("type", .word("gauge", "counter", "histogram", "boolean")),
            Field("range", .object([Field("min", .number()), Field("max", .number())], rest: .open)),
        ], rest: .open)
}
