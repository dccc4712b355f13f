/// RFC 0005, 0007, 0008, 0009 of promptpack-spec; RFC 0010 and 0011 as PromptKit has them.
extension PackShape {
    static let workflow = Shape.object([
        .need("version", .integer(min: 1)), .need("entry", .text()), .need("states", .map(state, atLeast: 1)),
        Field("engine", .object([Field("budget", budget, in: .spec140)], rest: .open)),
    ])

    private static let sinceLoops = Editions.since(.spec140)

    private static let state = Shape.all([
        .object([
            Field("prompt_task", .text(), required: .spec), Field("description", .text()),
            Field("on_event", .map(.text())),
            Field("persistence", .all([.text(), .only(.promptKit, .word("transient", "persistent"))])),
            Field(
                "orchestration",
                .all([.text(), .only(.promptKit, .word("internal", "external", "hybrid", "composition"))])),
            Field("skills", .text(), in: .since(.spec131)), Field("terminal", .boolean, in: sinceLoops),
            Field("max_visits", .integer(min: 1), in: sinceLoops), Field("on_max_visits", .text(), in: sinceLoops),
            Field("artifacts", .map(artifact), in: sinceLoops), Field("composition", .text(), in: .promptKit),
        ]),
        .only(
            .promptKit,
            .needs { state in
                let runs = state["orchestration"]?.string == "composition" ? "composition" : "prompt_task"
                let leaves = state["terminal"] == .bool(true) ? nil : "on_event"
                return [runs, leaves].compactMap(\.self).filter { state[$0] == nil }
            }),
    ])

    private static let artifact = Shape.object([
        .need("type", .text()), Field("description", .text()), Field("mode", .word("replace", "append")),
    ])

    private static let budget = Shape.object([
        Field("max_total_visits", .integer(min: 1)), Field("max_tool_calls", .integer(min: 1)),
        Field("max_wall_time_sec", .integer(min: 1)),
    ])

    static let agents = Shape.object([
        .need("entry", .text()),
        .need(
            "members",
            .map(
                .object([
                    Field("description", .text()), Field("tags", .texts), Field("input_modes", .texts),
                    Field("output_modes", .texts), Field("state", .text(), in: .promptKit),
                ]), atLeast: 1)),
    ])

    static let skill = Shape.one([
        .text(),
        .object([.need("path", .text()), Field("preload", .boolean)]),
        .object([
            .need("name", .text(TextRule(atLeast: 1))), .need("description", .text(TextRule(atLeast: 1))),
            .need("instructions", .text(TextRule(atLeast: 1))),
        ]),
    ])

    // MARK: Compositions

    static let composition = Shape.object([
        .need("version", .all([.integer(), .number(min: 1, max: 1)])), Field("description", .text()),
        Field("input_schema", .text()), Field("output_schema", .text()), Field("output", .text()),
        .need("steps", .list(.later { step }, atLeast: 1)), Field("engine", .object([], rest: .open)),
    ])

    private static let step: Shape = .all([
        .object(
            [
                .need("id", .text(TextRule(form: .identifier))), .need("kind", .text()),
                Field("description", .text()), Field("depends_on", .texts),
                Field(
                    "modifiers",
                    .object(
                        [
                            Field(
                                "retry", .object([Field("max_attempts", .integer(min: 1))], rest: .open)),
                            Field("eval", .texts),
                        ], rest: .open)),
            ], rest: .open),
        .one([promptStep, agentStep, toolStep, branchStep, parallelStep]),
    ])

    private static let input = Shape.one([.text(), .object([], rest: .open)])

    private static let promptStep = Shape.object(
        [
            .need("kind", .word("prompt")), .need("prompt_task", .text()), Field("input", input),
            Field("output_schema", .text()),
        ], rest: .open)

    private static let agentStep = Shape.object(
        [
            .need("kind", .word("agent")), .need("prompt_task", .text()), Field("input", input),
            Field("output_schema", .text()), Field("tools", .texts), .need("termination", termination),
        ], rest: .open)

    private static let termination = Shape.all([
        .object([Field("max_steps", .integer(min: 1)), Field("tool_called", .text())], rest: .open),
        .needs { $0["max_steps"] == nil && $0["tool_called"] == nil ? ["max_steps"] : [] },
    ])

    private static let toolStep = Shape.object(
        [.need("kind", .word("tool")), .need("tool", .text()), Field("args", .object([], rest: .open))], rest: .open)

    private static let branchStep: Shape = .object(
        [
            .need("kind", .word("branch")), .need("predicate", .later { predicate }), .need("then", .text()),
            Field("else", .text()),
        ], rest: .open)

    private static let parallelStep: Shape = .object(
        [
            .need("kind", .word("parallel")), .need("branches", .list(.later { step }, atLeast: 2)),
            .need("reduce", .object([.need("strategy", .text()), .need("into", .text())], rest: .open)),
        ], rest: .open)

    private static let operators = [
        "equals", "not_equals", "in", "not_in", "less_than", "less_than_or_equals", "greater_than",
        "greater_than_or_equals",
    ]

    private static let predicate: Shape = .one([
        .object(
            [
                .need("path", .text()), .need("op", .text(TextRule(words: operators))), .need("value", .anything),
            ], rest: .open),
        .object([.need("path", .text()), .need("exists", .boolean)], rest: .open),
        .object([.need("all_of", .list(.later { predicate }))], rest: .open),
        .object([.need("any_of", .list(.later { predicate }))], rest: .open),
        .object([.need("not", .later { predicate })], rest: .open),
    ])
}
