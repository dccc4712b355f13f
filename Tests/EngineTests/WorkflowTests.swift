import Engine
import EngineSystem
import Support
import Testing

@Suite struct WorkflowTests {
    /// A pack in YAML, without its head.
    private func pack(_ body: String) throws -> PromptPack {
        let head = "id: t\nname: T\nversion: 1.0.0\ntemplate_engine: {version: v1, syntax: '{{variable}}'}\n"
        let read = try #require(document(head + body, "t.pack.yaml").value)
        let loaded = PackLoader.load(read, patterns: PCREPatternCompiler())
        return try #require(loaded.value, "\(loaded.diagnostics)")
    }

    private func harness(
        _ pack: PromptPack, _ provider: ScriptedProvider, handlers: [any ToolHandler] = [],
        store: any SessionStore = MemoryStore(), change: @escaping (inout Agent) -> Void = { _ in }
    ) throws -> Harness {
        let prompt = try pack.choose(nil)
        return Harness(provider, handlers: handlers, prompt: prompt, store: store) { agent in
            agent.pack = pack
            change(&agent)
        }
    }

    private func prompts(_ names: String...) -> String {
        "prompts:\n"
            + names.map {
                "  \($0): {id: \($0), name: N, version: 1.0.0, system_template: 'I am \($0). {{x}}', variables: [{name: x, type: string, required: false}]}\n"
            }
            .joined()
    }

    private func transition(_ id: String, _ event: String, _ context: String = "so far") -> [ScriptedProvider.Step] {
        ScriptedProvider.calls([(id, "workflow__transition", ["event": .string(event), "context": .string(context)])])
    }

    private let desk = """
        prompts:
          ask: {id: ask, name: A, version: 1.0.0, system_template: Ask.}
          solve: {id: solve, name: S, version: 1.0.0, system_template: "Solve {{artifacts.wish}} ({{workflow_context}})."}
          end: {id: end, name: E, version: 1.0.0, system_template: Bye.}
        workflow:
          version: 2
          entry: Ask
          states:
            Ask: {prompt_task: ask, on_event: {Known: Solve}, artifacts: {wish: {type: text, mode: append}}}
            Solve: {prompt_task: solve, on_event: {Unclear: Ask, Done: End}, max_visits: 2, on_max_visits: End}
            End: {prompt_task: end, terminal: true}
        """

    @Test func theModelMovesTheWorkflowAndTheTurnGoesOn() async throws {
        let provider = ScriptedProvider([
            ScriptedProvider.calls([
                ("a", "workflow__set_artifact", ["name": "wish", "value": "tea"]),
                ("b", "workflow__transition", ["event": "Known", "context": "wants tea"]),
            ]),
            ScriptedProvider.says("Here is tea."),
        ])
        let events = try await harness(try pack(desk), provider).say("tea please")
        #expect(events.moves.map(\.to) == ["Ask", "Solve"])
        #expect(events.messages.last?.text == "Here is tea.")
        #expect(provider.requests.map(\.system) == ["Ask.", "Solve tea (wants tea)."])
        let offered = provider.requests.map { $0.tools.map(\.name) }
        #expect(offered[0] == ["workflow__transition", "workflow__set_artifact"])
        let events0 = provider.requests[0].tools[0].inputSchema["properties"]?["event"]?["enum"]
        #expect(events0 == ["Known"])
    }

    @Test func anUnknownEventIsAResultThatTheModelCanRead() async throws {
        let provider = ScriptedProvider([transition("a", "Konwn"), ScriptedProvider.says("hm")])
        let events = try await harness(try pack(desk), provider).say("x")
        #expect(events.outcomes.first?.status == .failed)
        #expect(events.moves.map(\.to) == ["Ask"])
    }

    @Test func aStateThatIsFullSendsElsewhere() async throws {
        let provider = ScriptedProvider([
            transition("a", "Known"), transition("b", "Unclear"), transition("c", "Known"), transition("d", "Unclear"),
            transition("e", "Known"), ScriptedProvider.says("bye"),
        ])
        var pack = try pack(desk)
        for index in pack.prompts.indices { pack.prompts[index].policy.maxRounds = 9 }
        let events = try await harness(pack, provider).say("x")
        #expect(events.moves.map(\.to) == ["Ask", "Solve", "Ask", "Solve", "Ask", "End"])
        #expect(events.moves.last?.meant == "Solve")
        #expect(events.moves.last?.isEnd == true)
        // An end offers no way out.
        #expect(provider.requests.last?.tools.map(\.name) == ["workflow__set_artifact"])
    }

    @Test func budgetsEndTheMoves() async throws {
        var pack = try pack(desk)
        pack.workflow?.budget.maxTotalVisits = 2
        let provider = ScriptedProvider([
            transition("a", "Known"), transition("b", "Unclear"), ScriptedProvider.says("stuck"),
        ])
        let events = try await harness(pack, provider).say("x")
        #expect(events.moves.map(\.to) == ["Ask", "Solve"])
        #expect(events.outcomes.last?.text.contains("max_total_visits") == true)
    }

    @Test func theBudgetHoldsInsideAState() async throws {
        var pack = try pack(desk)
        pack.workflow?.budget.maxToolCalls = 1
        let tool = FakeHandler("f", tools: [Harness.tool("echo")]) { _ throws(EngineError) in ToolAnswer(text: "x") }
        func provider() -> ScriptedProvider {
            ScriptedProvider([
                ScriptedProvider.calls([("a", "echo", [:]), ("b", "echo", [:])]), ScriptedProvider.says("ok"),
            ])
        }
        let strict = try await harness(pack, provider(), handlers: [tool]).say("x")
        #expect(strict.outcomes.map(\.status) == [.ok, .denied])
        #expect(strict.outcomes.last?.text.contains("budget of 1 tool calls is used up") == true)
        let kit = try await harness(pack, provider(), handlers: [tool]) { $0.semantics = .promptKit }.say("x")
        #expect(kit.outcomes.map(\.status) == [.ok, .ok])
        pack.workflow?.budget.maxWallTimeSeconds = 0
        let late = try await harness(pack, provider(), handlers: [tool]).say("x")
        #expect(late.failure?.message.contains("max_wall_time_sec") == true)
    }

    @Test func movesAreInTheTrace() async throws {
        let provider = ScriptedProvider([transition("a", "Known"), ScriptedProvider.says("ok")])
        let events = try await harness(try pack(desk), provider).say("x")
        let spans = events.compactMap { event -> TraceSpan? in
            if case .spanClosed(let span) = event.body { span } else { nil }
        }
        let move = try #require(spans.first { $0.name == "Ask → Solve" })
        #expect(move.parent == spans.last?.id && move.attributes["cleo.workflow.event"] == "Known")
    }

    @Test func theStateSurvivesARestart() async throws {
        let store = MemoryStore()
        let pack = try pack(desk)
        let first = try harness(
            pack, ScriptedProvider([transition("a", "Known"), ScriptedProvider.says("ok")]), store: store)
        _ = try await first.say("x")
        await first.client.close()
        let provider = ScriptedProvider([ScriptedProvider.says("again")])
        let events = try await harness(pack, provider, store: store).say("y")
        #expect(events.moves.isEmpty)
        #expect(provider.requests[0].system == "Solve  (so far).")
    }

    @Test func aTransientStateBeginsTheConversationAnew() async throws {
        let body = """
            prompts:
              ask: {id: ask, name: A, version: 1.0.0, system_template: Ask.}
              solve: {id: solve, name: S, version: 1.0.0, system_template: Solve.}
            workflow:
              version: 1
              entry: Ask
              states:
                Ask: {prompt_task: ask, on_event: {Known: Solve}}
                Solve: {prompt_task: solve, persistence: transient, on_event: {Back: Ask}}
            """
        let provider = ScriptedProvider([
            ScriptedProvider.says("what?"), transition("a", "Known", "wants tea"), ScriptedProvider.says("here"),
            ScriptedProvider.says("more"),
        ])
        let harness = try harness(try pack(body), provider)
        _ = try await harness.say("hello")
        _ = try await harness.say("tea")
        _ = try await harness.say("and milk")
        #expect(provider.requests[2].messages.map(\.role) == [.user, .assistant, .tool])
        #expect(provider.requests[2].messages.first?.text == "tea")
        #expect(provider.requests[2].system == "Solve.\n\n# Before\nwants tea")
        #expect(
            provider.requests[3].messages.map(\.text) == [
                "tea", "", provider.requests[2].messages[2].text, "here", "and milk",
            ])
    }

    @Test func anExternalStateIsMovedByHand() async throws {
        let body =
            prompts("one", "two")
                + """
                workflow:
                  version: 1
                  entry: One
                  states:
                    One: {prompt_task: one, orchestration: external, on_event: {Go: Two}}
                    Two: {prompt_task: two, terminal: true}
                """
        let provider = ScriptedProvider([ScriptedProvider.says("a"), ScriptedProvider.says("b")])
        let harness = try harness(try pack(body), provider)
        _ = try await harness.say("x")
        #expect(provider.requests[0].tools.isEmpty)
        let wrong = await #expect(throws: EngineError.self) {
            try await harness.client.submit(.moveWorkflow(harness.session, event: "Og"))
        }
        #expect(wrong?.hint == "did you mean 'Go'?")
        try await harness.client.submit(.moveWorkflow(harness.session, event: "Go"))
        _ = try await harness.say("y")
        #expect(provider.requests[1].system == "I am two. ")
    }

    // MARK: Agents and skills

    @Test func membersAreToolsForWhoeverNamesThem() async throws {
        let body = """
            prompts:
              lead: {id: lead, name: L, version: 1.0.0, system_template: Lead., tools: [expert]}
              expert: {id: expert, name: E, version: 1.0.0, system_template: Expert., tools: [echo]}
            agents: {entry: lead, members: {lead: {}, expert: {description: Knows it.}}}
            """
        let echo = FakeHandler("f", tools: [Harness.tool("echo")]) { _ throws(EngineError) in ToolAnswer(text: "42") }
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "a2a__expert", ["query": "how many?"])]),
            ScriptedProvider.calls([("b", "echo", [:])]), ScriptedProvider.says("It is 42."),
            ScriptedProvider.says("The expert says 42."),
        ])
        let events = try await harness(try pack(body), provider, handlers: [echo]).say("how many?")
        #expect(events.messages.last?.text == "The expert says 42.")
        #expect(provider.requests.map(\.system) == ["Lead.", "Expert.", "Expert.", "Lead."])
        #expect(provider.requests[1].messages.map(\.text) == ["how many?"])
        #expect(provider.requests[1].tools.map(\.name) == ["echo"])
        #expect(provider.requests[3].messages.last?.text == #"{"response":"It is 42."}"#)
        #expect(events.usage.count == 4)
    }

    @Test func agentsDoNotAskEachOtherForEver() async throws {
        let body = """
            prompts:
              a: {id: a, name: A, version: 1.0.0, system_template: A., tools: [b]}
              b: {id: b, name: B, version: 1.0.0, system_template: B., tools: [a]}
            agents: {entry: a, members: {a: {}, b: {}}}
            """
        let asks = (1...12).map { number in
            ScriptedProvider.calls([("c\(number)", number % 2 == 1 ? "a2a__b" : "a2a__a", ["query": "?"])])
        }
        let provider = ScriptedProvider(asks)
        let events = try await harness(try pack(body), provider).say("go")
        #expect(events.outcomes.contains { $0.text.contains("deep") })
    }

    @Test func skillsAreLoadedOnDemandAndBringTheirTools() async throws {
        let body = """
            prompts:
              p: {id: p, name: P, version: 1.0.0, system_template: P., tools: []}
            skills: [{name: refunds, description: Money back., instructions: Ask for the order.}]
            """
        let echo = FakeHandler("f", tools: [Harness.tool("echo")]) { _ throws(EngineError) in ToolAnswer(text: "x") }
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "skill__activate", ["name": "refunds"])]), ScriptedProvider.says("ok"),
        ])
        let harness = try harness(try pack(body), provider, handlers: [echo]) {
            $0.skills = [
                Skill(name: "refunds", description: "Money back.", instructions: "Ask.", tools: ["echo"]),
                Skill(name: "manners", description: "", instructions: "Be kind.", preload: true),
            ]
        }
        let events = try await harness.say("money")
        #expect(events.outcomes[0].text == #"{"instructions":"Ask.","added_tools":["echo"]}"#)
        #expect(provider.requests[0].tools.map(\.name) == ["skill__activate"])
        #expect(provider.requests[1].tools.map(\.name) == ["skill__activate", "skill__deactivate", "echo"])
        #expect(provider.requests[0].system == "P.\n\n# manners\nBe kind.")
    }

    // MARK: Compositions

    private let analysis = """
        prompts:
          kind: {id: kind, name: K, version: 1.0.0, system_template: Kind.}
          write: {id: write, name: W, version: 1.0.0, system_template: "Write about {{topic}}.", variables: [{name: topic, type: string, required: false}]}
        compositions:
          c:
            version: 1
            output: last
            steps:
              - {id: kind, kind: prompt, prompt_task: kind, input: "${input}", output_schema: k.json, modifiers: {retry: {max_attempts: 2}}}
              - {id: way, kind: branch, predicate: {path: "${kind.output.size}", op: greater_than, value: 3}, then: long, else: short}
              - {id: long, kind: prompt, prompt_task: write, input: {topic: "long ${input}"}}
              - {id: short, kind: prompt, prompt_task: write, input: "short"}
              - id: both
                kind: parallel
                branches:
                  - {id: one, kind: tool, tool: echo, args: {text: "${kind.output.size}"}}
                  - {id: two, kind: tool, tool: echo, args: {text: "b"}}
                reduce: {strategy: append, into: all}
              - {id: last, kind: prompt, prompt_task: write, input: "${both.output.all}"}
        workflow:
          version: 1
          entry: C
          states: {C: {orchestration: composition, composition: c, terminal: true}}
        """

    private let echo = FakeHandler("f", tools: [Harness.tool("echo")]) { call throws(EngineError) in
        ToolAnswer(text: call.arguments["text"].map { $0.text } ?? "")
    }

    @Test func stepsRunInOrderWithBranchesAndReducers() async throws {
        let provider = ScriptedProvider([
            ScriptedProvider.says(#"{"size": 5}"#), ScriptedProvider.says("long text"),
            ScriptedProvider.says("the end"),
        ])
        let events = try await harness(try pack(analysis), provider, handlers: [echo]).say("tea")
        #expect(events.messages.map(\.text) == ["the end"])
        #expect(provider.requests.map(\.system) == ["Kind.", "Write about long tea.", "Write about ."])
        #expect(provider.requests.last?.messages.map(\.text) == [#"[5,"b"]"#])
        let statuses = events.steps.filter { !$0.isResult }.map { "\($0.step) \($0.status.rawValue)" }
        #expect(
            statuses == ["kind ok", "way ok", "long ok", "short skipped", "one ok", "two ok", "both ok", "last ok"])
    }

    @Test func aStepIsTriedAgainAndAFailureNamesIt() async throws {
        let broken = EngineError(.unreachable, "no line")
        let again = ScriptedProvider([
            [.failure(broken)], ScriptedProvider.says(#"{"size": 1}"#), ScriptedProvider.says("s"),
            ScriptedProvider.says("e"),
        ])
        #expect(try await harness(try pack(analysis), again, handlers: [echo]).say("x").messages.last?.text == "e")
        let never = ScriptedProvider([[.failure(broken)], [.failure(broken)]])
        let events = try await harness(try pack(analysis), never, handlers: [echo]).say("x")
        #expect(events.failure?.message == "the step 'kind' of 'c' failed: no line")
        #expect(events.steps.map(\.status) == [.failed])
    }

    @Test func outputsFitTheirSchemasAndAreJudged() async throws {
        var pack = try pack(analysis)
        pack.evals = [EvalSpec(id: "e", type: "contains", trigger: "never", params: ["patterns": ["size"]])]
        pack.compositions[0].steps[0].evals = ["e"]
        let schema: JSONValue = ["type": "object", "properties": ["size": ["type": "integer"]]]
        let provider = ScriptedProvider([
            ScriptedProvider.says(#"{"size": "big"}"#), ScriptedProvider.says(#"{"size": 5}"#),
            ScriptedProvider.says("l"), ScriptedProvider.says("end"),
        ])
        let events = try await harness(pack, provider, handlers: [echo]) { $0.schemas = ["k.json": schema] }.say("x")
        #expect(events.messages.last?.text == "end")
        #expect(events.evals.map(\.score) == [1])
        let never = ScriptedProvider([ScriptedProvider.says("no"), ScriptedProvider.says("json")])
        let failed = try await harness(pack, never, handlers: [echo]) { $0.schemas = ["k.json": schema] }.say("x")
        #expect(failed.failure?.message.contains("is not the JSON that 'k.json' asks for") == true)
    }

    @Test func anAgentStepEndsWithItsTool() async throws {
        let body = """
            prompts: {w: {id: w, name: W, version: 1.0.0, system_template: W.}}
            compositions:
              c: {version: 1, steps: [{id: a, kind: agent, prompt_task: w, tools: [echo], termination: {tool_called: echo}}]}
            workflow:
              version: 1
              entry: C
              states: {C: {orchestration: composition, composition: c, terminal: true}}
            """
        let provider = ScriptedProvider([ScriptedProvider.calls([("a", "echo", ["text": "done"])])])
        let events = try await harness(try pack(body), provider, handlers: [echo]).say("x")
        #expect(events.messages.last?.text == #""done""#)
        #expect(provider.requests.count == 1)
    }
}
