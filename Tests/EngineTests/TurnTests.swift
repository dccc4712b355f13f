import Engine
import EngineSystem
import Support
import Synchronization
import Testing

@Suite struct TurnTests {
    private let echo = FakeHandler("fake", tools: [Harness.tool("echo"), Harness.tool("write", readOnly: false)]) {
        call throws(EngineError) in ToolAnswer(text: call.arguments["text"]?.string ?? "nothing")
    }

    @Test func aTextIsATurn() async throws {
        let provider = ScriptedProvider([ScriptedProvider.says("hello")])
        let events = try await Harness(provider).say("hi")
        #expect(events.messages.map(\.text) == ["hello"])
        #expect(events.reason == .completed)
        #expect(provider.requests.map(\.system) == ["be kind"])
        #expect(events.kinds.first == "turn.started" && events.kinds.last == "turn.finished")
    }

    @Test func toolsRunAndTheirResultsGoBackInTheOrderOfTheCalls() async throws {
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "echo", ["text": "one"]), ("b", "echo", ["text": "two"])]),
            ScriptedProvider.says("done"),
        ])
        let events = try await Harness(provider, handlers: [echo]).say("go")
        #expect(events.reason == .completed)
        let second = try #require(provider.requests.last)
        #expect(second.messages.map(\.role) == [.user, .assistant, .tool, .tool])
        #expect(second.messages.suffix(2).map(\.text) == ["one", "two"])
        #expect(second.messages.suffix(2).map(\.answers) == [CallID("a"), CallID("b")])
    }

    @Test func callsOfOneRoundRunSideBySide() async throws {
        let running = Mutex((now: 0, most: 0))
        let slow = FakeHandler("slow", tools: [Harness.tool("slow")]) { _ throws(EngineError) in
            running.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            _ = await eventually { running.withLock { $0.most } == 3 }
            running.withLock { $0.now -= 1 }
            return ToolAnswer(text: "ok")
        }
        let calls = (1...3).map { ("c\($0)", "slow", JSONValue.object(JSONObject())) }
        let provider = ScriptedProvider([ScriptedProvider.calls(calls), ScriptedProvider.says("done")])
        let events = try await Harness(provider, handlers: [slow]).say("go")
        #expect(events.outcomes.count == 3)
        #expect(running.withLock { $0.most } == 3)
    }

    @Test func aToolThatIsNotReadOnlyAsksFirst() async throws {
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "write", ["text": "x"])]), ScriptedProvider.says("done"),
        ])
        let events = try await Harness(provider, handlers: [echo]).say("go") { event, client in
            guard case .approvalRequested(let request) = event.body else { return }
            #expect(request.call.tool == "write")
            try await client.submit(.answerApproval(event.session, request.call.id, .once))
        }
        #expect(events.outcomes.map(\.status) == [.ok])
        #expect(events.kinds.filter { $0.hasPrefix("approval") } == ["approval.requested", "approval.answered"])
    }

    @Test func aGrantForTheSessionIsNotAskedAgain() async throws {
        let one = ScriptedProvider.calls([("a", "write", ["text": "x"])])
        let provider = ScriptedProvider([one, one, ScriptedProvider.says("done")])
        let events = try await Harness(provider, handlers: [echo]).say("go") { event, client in
            guard case .approvalRequested(let request) = event.body else { return }
            try await client.submit(.answerApproval(event.session, request.call.id, .session))
        }
        #expect(events.outcomes.map(\.status) == [.ok, .ok])
        #expect(events.kinds.count { $0 == "approval.requested" } == 1)
    }

    @Test func aRefusalTellsTheModelWhy() async throws {
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "write", ["text": "x"])]), ScriptedProvider.says("sorry"),
        ])
        let events = try await Harness(provider, handlers: [echo]).say("go") { event, client in
            guard case .approvalRequested(let request) = event.body else { return }
            try await client.submit(.answerApproval(event.session, request.call.id, .deny(reason: "too late")))
        }
        #expect(events.outcomes.map(\.status) == [.denied])
        #expect(provider.requests.last?.messages.last?.text.contains("too late") == true)
    }

    @Test func theConfigurationCanAskAlwaysOrNever() async throws {
        for (rule, asks) in [(ApprovalPolicy.Rule.always, true), (.never, false)] {
            let tool = asks ? "echo" : "write"
            let provider = ScriptedProvider([
                ScriptedProvider.calls([("a", tool, ["text": "x"])]), ScriptedProvider.says("done"),
            ])
            let harness = Harness(provider, handlers: [echo]) { $0.approval.tools[tool] = rule }
            let events = try await harness.say("go") { event, client in
                guard case .approvalRequested(let request) = event.body else { return }
                try await client.submit(.answerApproval(event.session, request.call.id, .once))
            }
            #expect(events.kinds.contains("approval.requested") == asks)
        }
    }

    @Test func cancellingKeepsWhatCameAndEndsTheTurn() async throws {
        let provider = ScriptedProvider([[.events([.text("half an ans")]), .hang]])
        let events = try await Harness(provider).say("go") { event, client in
            if case .messageDelta = event.body { try await client.submit(.cancelTurn(event.session)) }
        }
        #expect(events.reason == .cancelled)
        #expect(events.messages.map(\.text) == ["half an ans"])
        #expect(events.messages.map(\.interrupted) == [true])
    }

    @Test func cancellingWhileAToolAsksEndsTheTurn() async throws {
        let provider = ScriptedProvider([ScriptedProvider.calls([("a", "write", ["text": "x"])])])
        let events = try await Harness(provider, handlers: [echo]).say("go") { event, client in
            if case .approvalRequested = event.body { try await client.submit(.cancelTurn(event.session)) }
        }
        #expect(events.reason == .cancelled)
        #expect(events.outcomes.map(\.status) == [.cancelled])
    }

    @Test func theRoundsEndAtTheLimit() async throws {
        let one = ScriptedProvider.calls([("a", "echo", ["text": "x"])])
        let provider = ScriptedProvider(Array(repeating: one, count: 9))
        let events = try await Harness(provider, handlers: [echo], prompt: Harness.prompt(maxRounds: 3)).say("go")
        #expect(events.reason == .roundLimit)
        #expect(provider.requests.count == 3)
        // A model that gives every call the same name still gets one result for each.
        #expect(Set(events.outcomes.map(\.call)).count == 3)
    }

    @Test func callsBeyondThePolicyAreRefused() async throws {
        let calls = (1...4).map { ("c\($0)", "echo", JSONValue.object(["text": "x"])) }
        let provider = ScriptedProvider([ScriptedProvider.calls(calls), ScriptedProvider.says("done")])
        let events = try await Harness(provider, handlers: [echo], prompt: Harness.prompt(maxCalls: 2)).say("go")
        #expect(events.outcomes.count { $0.status == .ok } == 2)
        #expect(events.outcomes.count { $0.status == .denied } == 2)
        #expect(provider.requests.last?.messages.count == 6)
    }

    @Test func argumentsAreCheckedBeforeTheCall() async throws {
        let schema: JSONValue = ["type": "object", "properties": ["id": ["type": "integer"]], "required": ["id"]]
        let strict = FakeHandler("strict", tools: [Harness.tool("get", schema: schema)]) { _ throws(EngineError) in
            Issue.record("called all the same")
            return ToolAnswer(text: "")
        }
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "get", ["id": "x"]), ("b", "get", .string("{broken")), ("c", "got", [:])]),
            ScriptedProvider.says("done"),
        ])
        let events = try await Harness(provider, handlers: [strict]).say("go")
        #expect(events.outcomes.map(\.status) == [.failed, .failed, .failed])
        let texts = Dictionary(uniqueKeysWithValues: events.outcomes.map { ($0.call.rawValue, $0.text) })
        #expect(texts["a"]?.contains("/id: expected an integer, got the string \"x\"") == true)
        #expect(texts["b"]?.contains("not a JSON object") == true)
        #expect(texts["c"]?.contains("there is no tool 'got'") == true)
    }

    @Test func aToolThatIsTooSlowBecomesAResult() async throws {
        let slow = FakeHandler("slow", timeout: 20, tools: [Harness.tool("slow")]) { _ throws(EngineError) in
            while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(2)) }
            throw EngineError(.cancelled, "cancelled")
        }
        let provider = ScriptedProvider([ScriptedProvider.calls([("a", "slow", [:])]), ScriptedProvider.says("ok")])
        let events = try await Harness(provider, handlers: [slow]).say("go")
        #expect(events.outcomes.map(\.text) == ["Error: the tool 'slow' gave no answer within 20ms"])
        #expect(events.reason == .completed)
    }

    @Test func aLongResultIsCutAndSaysSo() async throws {
        let long = FakeHandler("long", tools: [Harness.tool("long")]) { _ throws(EngineError) in
            ToolAnswer(text: String(repeating: "ä", count: 2_000))
        }
        let provider = ScriptedProvider([ScriptedProvider.calls([("a", "long", [:])]), ScriptedProvider.says("ok")])
        let harness = Harness(provider, handlers: [long]) { $0.limits.toolResultBytes = 1_025 }
        let outcome = try #require(try await harness.say("go").outcomes.first)
        #expect(outcome.cutBytes == 4_000 - 1_024)
        #expect(outcome.text.hasSuffix("[2976 more bytes were cut]"))
    }

    @Test func aProviderThatFailsInMidStreamKeepsWhatCame() async throws {
        let error = EngineError(.unreachable, "the connection was closed", hint: "try again")
        let provider = ScriptedProvider([[.events([.text("half")]), .failure(error)], ScriptedProvider.says("whole")])
        let harness = Harness(provider)
        let events = try await harness.say("go")
        #expect(events.failure == error.info)
        #expect(events.messages.map(\.interrupted) == [true])
        // The session goes on, and the model sees its half answer.
        let more = try await harness.say("again")
        #expect(more.messages.map(\.text) == ["whole"])
        #expect(provider.requests.last?.messages.map(\.text) == ["go", "half", "again"])
    }

    @Test func aSecondMessageIsRefusedWhileATurnRuns() async throws {
        let harness = Harness(ScriptedProvider([[.hang]]))
        _ = try await harness.say("go") { event, client in
            guard case .turnStarted = event.body else { return }
            let error = await #expect(throws: EngineError.self) {
                try await client.submit(.send(event.session, text: "again"))
            }
            #expect(error?.code == .busy)
            try await client.submit(.cancelTurn(event.session))
        }
    }

    @Test func usageIsPricedAndUnknownPricesAreUnknown() async throws {
        let usage = TokenUsage(input: 1_000, cacheRead: 500, output: 100)
        let answer: [ScriptedProvider.Step] = [.events([.text("x"), .usage(usage), .finished(.stop)])]
        let price = ModelPrice(rates: .init(input: 1, output: 4, cacheRead: 0.1))
        let priced = try await Harness(
            ScriptedProvider([answer]), price: PriceTable.Found(price: price, source: "test")
        ).say("go")
        #expect(priced.usage.map(\.cost) == [Money(nanodollars: 1_450_000)])
        #expect(priced.usage.map(\.source) == [.reported])
        let unpriced = try await Harness(ScriptedProvider([answer])).say("go")
        #expect(unpriced.usage.map(\.cost) == [nil])
        let estimated = try await Harness(ScriptedProvider([ScriptedProvider.says("x")])).say("go")
        #expect(estimated.usage.map(\.source) == [.estimated])
    }

    @Test func secretsReachNeitherLogNorModel() async throws {
        let leaky = FakeHandler("leaky", tools: [Harness.tool("leak")]) { _ throws(EngineError) in
            ToolAnswer(text: "the key is sk-canary-123456", attributes: ["url": "http://x/?key=sk-canary-123456"])
        }
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "leak", [:])]), ScriptedProvider.says("it is sk-canary-123456"),
        ])
        let store = MemoryStore()
        let harness = Harness(provider, handlers: [leaky], store: store, secrets: [Secret("sk-canary-123456")])
        let events = try await harness.say("go")
        let all = (events + (try await store.events(of: harness.session, after: 0))).map(\.json.text).joined()
        #expect(!all.contains("canary"))
        #expect(provider.requests.last?.messages.last?.text == "the key is •••")
    }

    @Test func aPromptThatCannotBeRenderedFailsTheTurnWithItsReason() async throws {
        let prompt = Harness.prompt("hello {{name}}")
        let events = try await Harness(ScriptedProvider([]), prompt: prompt).say("go")
        #expect(events.failure?.code == "invalidInput")
        #expect(events.failure?.message.contains("'{{name}}'") == true)
    }

    @Test func theSpansOfATurnAreATree() async throws {
        let provider = ScriptedProvider([
            ScriptedProvider.calls([("a", "echo", ["text": "x"])]), ScriptedProvider.says("done"),
        ])
        var tree = TraceTree()
        for event in try await Harness(provider, handlers: [echo]).say("go") { tree.apply(event) }
        let rows = TraceTree.rows(of: try #require(tree.turns.first)).filter { $0.span.name != "wait for tools" }
        #expect(rows.map(\.span.name) == ["turn", "render main", "chat test-model", "echo", "chat test-model"])
        #expect(rows.map(\.depth) == [0, 1, 1, 1, 1])
        #expect(rows.allSatisfy { $0.span.ended != nil })
    }

    @Test func aPersonsCallRunsWithoutTheModel() async throws {
        let provider = ScriptedProvider([ScriptedProvider.says("done")])
        let harness = Harness(provider, handlers: [echo])
        await harness.tools.start()
        let feed = try await harness.client.feed(of: harness.session, after: 0)
        try await harness.client.submit(.callTool(harness.session, tool: "write", arguments: ["text": "by hand"]))
        var outcome: ToolOutcome?
        while outcome == nil, let events = await feed.next() { outcome = events.outcomes.first }
        #expect(outcome?.text == "by hand")
        _ = try await harness.say("go")
        #expect(provider.requests.first?.messages.map(\.text) == ["go"])
    }

    @Test func aPersonsCallCanBeStopped() async throws {
        let slow = FakeHandler("slow", tools: [Harness.tool("slow")]) { _ throws(EngineError) in
            while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(2)) }
            throw EngineError(.cancelled, "cancelled")
        }
        let harness = Harness(ScriptedProvider([]), handlers: [slow])
        await harness.tools.start()
        let feed = try await harness.client.feed(of: harness.session, after: 0)
        try await harness.client.submit(.callTool(harness.session, tool: "slow", arguments: [:]))
        var transcript = Transcript()
        while !transcript.isWorking, let events = await feed.next() { for event in events { transcript.apply(event) } }
        try await harness.client.submit(.cancelTurn(harness.session))
        while transcript.isWorking, let events = await feed.next() { for event in events { transcript.apply(event) } }
        guard case .tool(let entry)? = transcript.items.last?.content else {
            Issue.record("no call in \(transcript.items)")
            return
        }
        #expect(entry.outcome?.status == .cancelled)
    }
}
