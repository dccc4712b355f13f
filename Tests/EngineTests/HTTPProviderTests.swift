import Engine
import EngineSystem
import Support
import Synchronization
import Testing

/// Everything a provider hands over.
private final class Collected: Sendable {
    private let state = Mutex<[ProviderEvent]>([])
    var events: [ProviderEvent] { state.withLock { $0 } }
    func add(_ events: [ProviderEvent]) { state.withLock { $0 += events } }

    var text: String { events.map { if case .text(let text) = $0 { text } else { "" } }.joined() }
    var retries: [ModelRetry] { events.compactMap { if case .retrying(let retry) = $0 { retry } else { nil } } }
    var exchanges: [WireExchange] {
        var last: [String: WireExchange] = [:]
        for case .wire(let exchange) in events { last[exchange.id] = exchange }
        return last.values.sorted { $0.id < $1.id }
    }
}

private let hello = """
    data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}

    data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}

    data: [DONE]


    """

private struct Setup {
    let transport: ScriptedTransport
    let clock = HastyClock()
    let redactor = Redactor([])
    let provider: HTTPProvider

    init(_ answers: [ScriptedTransport.Answer], _ change: (inout HTTPProvider.Settings) -> Void = { _ in }) {
        transport = ScriptedTransport(answers)
        var settings = HTTPProvider.Settings(name: "p", model: "m", format: ChatCompletions())
        settings.baseURL = "http://h/v1"
        change(&settings)
        provider = HTTPProvider(
            settings, transport: transport, clock: clock, ids: CountingIdentifiers(), redactor: redactor)
    }

    func ask() async -> (Collected, EngineError?) {
        let collected = Collected()
        let request = ProviderRequest(
            system: "", messages: [Message(id: MessageID("1"), role: .user, text: "hi")])
        do throws(EngineError) {
            try await provider.respond(to: request) { collected.add($0) }
            return (collected, nil)
        } catch {
            return (collected, error)
        }
    }
}

@Suite struct HTTPProviderTests {
    @Test(arguments: [408, 409, 429, 500, 502, 503, 529])
    func passingTroubleIsTriedAgain(status: Int) async {
        let setup = Setup([.refuse(status), .refuse(status), .stream(hello)])
        let (answer, error) = await setup.ask()
        #expect(error == nil)
        #expect(answer.text == "Hello")
        #expect(answer.retries.map(\.attempt) == [1, 2])
        // Longer each time, a quarter of chance taken off at the most.
        #expect((375...500).contains(setup.clock.pauses[0]) && (750...1_000).contains(setup.clock.pauses[1]))
    }

    @Test(arguments: [400, 401, 402, 403, 404, 413, 422])
    func whatAsksForAMendIsNot(status: Int) async {
        let setup = Setup([.refuse(status), .stream(hello)])
        let (_, error) = await setup.ask()
        #expect(error != nil)
        #expect(setup.transport.requests.count == 1)
    }

    @Test func aNetworkThatFailsIsTriedAgainAndNamesItsTrouble() async {
        let down = EngineError(.unreachable, "http://h cannot be reached")
        let (_, error) = await Setup([.failure(down), .failure(down), .failure(down), .stream(hello)]).ask()
        #expect(error == down)
        let (answer, none) = await Setup([.failure(down), .stream(hello)]).ask()
        #expect(none == nil && answer.text == "Hello")
    }

    @Test(
        arguments: [
            ([("retry-after", "7")], 7_000), ([("Retry-After", "0.25")], 250), ([("retry-after-ms", "40")], 40),
            ([("retry-after", "Tue, 14 Nov 2023 22:13:25 GMT")], 5_000),
        ] as [([(name: String, value: String)], Int)])
    func theServersPauseIsKept(headers: [(name: String, value: String)], expected: Int) async {
        let setup = Setup([.refuse(429, "{}", headers), .stream(hello)])
        let (answer, error) = await setup.ask()
        #expect(error == nil)
        #expect(setup.clock.pauses == [expected])
        #expect(answer.retries.first?.isAsked == true)
    }

    @Test func googlesPauseStandsInTheBody() async throws {
        let body = try #require(readText("\(WireFixtures.folder)/gemini-error-429.json"))
        let setup = Setup([.refuse(429, body), .stream(hello)])
        _ = await setup.ask()
        #expect(setup.clock.pauses == [37_000])
    }

    @Test func aPauseThatIsTooLongIsToldAndNotWaitedFor() async {
        let setup = Setup([.refuse(429, #"{"error":{"message":"slow down"}}"#, [("retry-after", "3600")])])
        let (_, error) = await setup.ask()
        #expect(error?.code == .rateLimited)
        #expect(error?.message.contains("slow down") == true)
        #expect(error?.hint == "try again in 60 min" || error?.hint?.contains("try again in") == true)
        #expect(setup.clock.pauses.isEmpty)
    }

    @Test func theServersWordAboutRetriesCounts() async {
        let (_, error) = await Setup([.refuse(500, "{}", [("x-should-retry", "false")]), .stream(hello)]).ask()
        #expect(error?.code == .unreachable)
        let forced = Setup([.refuse(400, "{}", [("x-should-retry", "true")]), .stream(hello)])
        let (answer, none) = await forced.ask()
        #expect(none == nil && answer.text == "Hello")
        let quota = #"{"error":{"message":"pay","type":"insufficient_quota","code":"insufficient_quota"}}"#
        let setup = Setup([.refuse(429, quota), .stream(hello)])
        let (_, second) = await setup.ask()
        #expect(second?.code == .refused && setup.transport.requests.count == 1)
    }

    /// The first words were seen: whoever asked decides.
    @Test func nothingIsAskedAgainOnceAWordWasShown() async {
        let broken = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n"
        let setup = Setup([.stream(broken, end: EngineError(.unreachable, "reset")), .stream(hello)])
        let (answer, error) = await setup.ask()
        #expect(answer.text == "Hel")
        #expect(error?.message == "reset")
        #expect(setup.transport.requests.count == 1)
    }

    @Test func aStreamThatBreaksBeforeAWordIsAskedAgain() async {
        let overloaded = #"data: {"error":{"message":"busy","type":"server_error"}}"# + "\n\n"
        let (answer, error) = await Setup([.stream(overloaded), .stream(hello)]).ask()
        #expect(error == nil && answer.text == "Hello")
    }

    @Test(arguments: [
        (
            #"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9500 tokens.","code":"context_length_exceeded"}}"#,
            "the conversation has 9,500 tokens, and m takes 8,192"
        ),
        (
            #"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
            "the conversation has 210,000 tokens, and m takes 200,000"
        ),
        (
            #"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."}}"#,
            "the conversation has 1,200,000 tokens, and m takes 1,048,576"
        ),
    ])
    func aConversationThatIsTooLongIsExplainedWithTheNumbers(body: String, expected: String) async {
        let (_, error) = await Setup([.refuse(400, body)]).ask()
        #expect(error?.message == expected)
        #expect(error?.code == .tooLarge && error?.hint?.contains("/model") == true)
    }

    @Test func aParameterThatIsRefusedIsNamedWithItsMend() async {
        let body = #"{"error":{"message":"Unsupported parameter: 'temperature' is not supported with this model."}}"#
        let (_, error) = await Setup([.refuse(400, body)]).ask()
        #expect(error?.hint?.contains("unsupported_params") == true && error?.hint?.contains("temperature") == true)
    }

    @Test func aRefusedTokenIsAskedForOnceMore() async throws {
        let runs = Mutex(0)
        let clock = HastyClock()
        let redactor = Redactor([])
        let reader = KeyReader(
            .command(["token"], lifetime: 60_000), files: DiskFiles(root: "/"), variables: FixedVariables(),
            clock: clock, redactor: redactor
        ) { _ in
            let number = runs.withLock {
                $0 += 1
                return $0
            }
            return "token-number-\(number)\n"
        }
        let setup = Setup([.stream(hello), .refuse(401), .stream(hello), .refuse(401), .refuse(401)]) {
            $0.key = reader
        }
        for _ in 0..<2 {
            let (_, error) = await setup.ask()
            #expect(error == nil)
        }
        let (_, error) = await setup.ask()
        #expect(error?.code == .unauthorized)
        let sent = setup.transport.requests.map { request in
            request.headers.first { $0.name == "Authorization" }?.value ?? ""
        }
        #expect(sent.map { $0.suffix(1) } == ["1", "1", "2", "2", "3"])
        #expect(redactor.clean("x token-number-2 y") == "x ••• y")
    }

    // MARK: The wire

    @Test func theWireIsWrittenDownWithoutSecrets() async throws {
        let key = "sk-canary-0123456789"
        let echo =
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"your key is sk-canary-0123456789!\"}}]}\n\n"
        // The secret is cut in two by the network.
        let cut = echo.index(echo.startIndex, offsetBy: 65)
        let answer = ScriptedTransport.Answer.body(
            status: 200, headers: [("Content-Type", "text/event-stream"), ("Set-Cookie", "a=b")],
            pieces: [String(echo[..<cut]), String(echo[cut...]), hello], end: nil)
        let setup = Setup([answer]) { settings in
            settings.headers = [Header("X-Team", "red"), Header("X-Key", key)]
            settings.key = KeyReader(
                .value(Secret(key)), files: DiskFiles(root: "/"), variables: FixedVariables(), clock: HastyClock(),
                redactor: Redactor([])
            ) { _ in "" }
        }
        setup.redactor.add([Secret(key)])
        let (collected, _) = await setup.ask()
        let exchange = try #require(collected.exchanges.first)
        let whole = JSONValue(encoding: exchange).text
        #expect(!whole.contains("canary"))
        #expect(exchange.requestHeaders.contains(Header("Authorization", "Bearer •••")))
        #expect(exchange.requestHeaders.contains(Header("X-Team", "red")))
        #expect(exchange.responseHeaders.contains(Header("Set-Cookie", "•••")))
        #expect(exchange.chunks.map(\.bytes.bytes.count) == [65, echo.utf8.count - 65, hello.utf8.count])
        #expect(String(decoding: exchange.responseBody, as: UTF8.self).contains("your key is ********************!"))
        #expect(exchange.status == 200 && exchange.endedAt != nil)
    }

    @Test func refusalsAreOnTheWireToo() async throws {
        let (collected, _) = await Setup([.refuse(400, #"{"error":"no"}"#)]).ask()
        let exchange = try #require(collected.exchanges.last)
        #expect(exchange.status == 400)
        #expect(String(decoding: exchange.responseBody, as: UTF8.self) == #"{"error":"no"}"#)
        #expect(exchange.error?.contains("refused") == true)
    }

    // MARK: Fallback

    @Test func theNextProviderIsAskedAndNamed() async {
        let down = EngineError(.refused, "no")
        let first = ScriptedProvider(model: "one", [[.failure(down)]])
        let second = ScriptedProvider(model: "two", [ScriptedProvider.says("hi")])
        let collected = Collected()
        let request = ProviderRequest(system: "", messages: [])
        try? await FallbackProvider([first, second]).respond(to: request) { collected.add($0) }
        #expect(collected.text == "hi")
        #expect(collected.retries.first?.next == "scripted two")
        #expect(collected.events.contains(.answering(second.identity)))
    }

    @Test func nobodyTakesOverAnAnswerThatWasBegun() async {
        let first = ScriptedProvider(
            model: "one", [[.events([.text("Hel")]), .failure(EngineError(.unreachable, "reset"))]])
        let second = ScriptedProvider(model: "two", [ScriptedProvider.says("hi")])
        let request = ProviderRequest(system: "", messages: [])
        await #expect(throws: EngineError.self) {
            try await FallbackProvider([first, second]).respond(to: request) { _ in }
        }
        #expect(second.requests.isEmpty)
    }
}

@Suite struct SpendingTests {
    private static let price = PriceTable.Found(
        price: ModelPrice(rates: ModelPrice.Rates(input: 1, output: 1_000_000)), source: "test")

    /// One output token costs a dollar.
    private static func answer(_ dollars: Int) -> [ScriptedProvider.Step] {
        [.events([.text("x"), .usage(TokenUsage(output: dollars)), .finished(.stop)])]
    }

    private func harness(
        _ answers: [[ScriptedProvider.Step]], store: any SessionStore = MemoryStore(), _ change: (inout Budget) -> Void
    ) -> Harness {
        Harness(ScriptedProvider(answers), store: store, price: Self.price) { agent in
            change(&agent.limits.budget)
        }
    }

    @Test func aSessionsBudgetStopsIt() async throws {
        let harness = harness([Self.answer(1), Self.answer(1), Self.answer(1)]) {
            $0.session = Money(dollars: 2)
        }
        #expect(try await harness.say("1").failure == nil)
        #expect(try await harness.say("2").failure == nil)
        let failure = try await harness.say("3").failure
        #expect(failure?.code == "overBudget")
        #expect(failure?.message == "the budget of the session is used up: $2.0000 of $2.0000")
        #expect(failure?.hint?.contains("limits.budget.session") == true)
    }

    @Test func aWarningComesFirst() async throws {
        let harness = harness([Self.answer(9), Self.answer(0)]) { $0.session = Money(dollars: 10) }
        _ = try await harness.say("1")
        _ = try await harness.say("2")
        let events = try await harness.store.events(of: harness.session, after: 0)
        let warnings = events.filter {
            if case .diagnostic(let said) = $0.body { said.message.contains("budget") } else { false }
        }
        #expect(warnings.count == 1)
    }

    @Test func theDayCountsEverySessionAndSurvivesARestart() async throws {
        let store = MemoryStore()
        let first = harness([Self.answer(3)], store: store) { $0.day = Money(dollars: 3) }
        _ = try await first.say("1")
        let second = harness([Self.answer(1)], store: store) { $0.day = Money(dollars: 3) }
        #expect(try await second.say("1").failure?.message.contains("budget of the day") == true)
    }

    @Test func aRequestThatDoesNotFitIsNotSent() async throws {
        let harness = harness([Self.answer(1)]) { $0.turn = Money(dollars: 0.000_1) }
        let failure = try await harness.say(String(repeating: "word ", count: 1_000)).failure
        #expect(failure?.message.contains("and this request costs about") == true)
    }

    @Test func anUnknownPriceIsSaid() async throws {
        let harness = Harness(ScriptedProvider([ScriptedProvider.says("x")])) { agent in
            agent.limits.budget.day = Money(dollars: 1)
        }
        let said = try await harness.say("1").contains {
            if case .diagnostic(let said) = $0.body {
                said.message.contains("price of test-model is not known")
            } else {
                false
            }
        }
        #expect(said)
    }

    /// The table of wire-protocols.md: 2,460 tokens sent, 2,048 of them cached, 88 came back.
    @Test(arguments: [
        ("anthropic", "claude-sonnet-5-5", "0.0019088"), ("openai", "gpt-6-luna", "0.00010568"),
        ("gemini", "gemini-3.5-flash", "0.0017172"),
    ])
    func costsAgreeWithTheVendorsTables(provider: String, model: String, dollars: String) throws {
        let text = try #require(readText("Sources/Engine/Data/prices.json"))
        let document = SourceDocument(file: "p", value: try JSONParser.parse(text))
        let table = try #require(PriceTable.load(document).value)
        let usage = TokenUsage(input: 412, cacheRead: 2_048, output: 88, reasoning: 64)
        let cost = try #require(table.price(provider: provider, model: model)).price.cost(of: usage)
        #expect(cost == Money(dollars: try #require(Double(dollars))))
    }

    @Test func longPromptsAreRepricedWhole() throws {
        let rates = ModelPrice.Rates(input: 2, output: 12, cacheRead: 0.2, cacheWrite: 2.5, cacheWriteLong: 4)
        let large = ModelPrice.Rates(input: 4, output: 18, cacheRead: 0.4)
        let price = ModelPrice(rates: rates, tiers: [(200_000, large)])
        #expect(price.cost(of: TokenUsage(input: 200_000, output: 10)) == Money(dollars: 0.40012))
        #expect(price.cost(of: TokenUsage(input: 200_001, output: 10)) == Money(nanodollars: 800_184_000))
        let written = TokenUsage(cacheWrite: 300, cacheWriteLong: 200)
        #expect(price.cost(of: written) == Money(nanodollars: 1_050_000))
    }
}

@Suite struct WireSecretTests {
    @Test func whatIsSecretByItsNameIsMasked() {
        let redactor = Redactor([])
        redactor.learn([Header("Authorization", "Bearer plain-in-a-file"), Header("X-Team", "red")])
        #expect(redactor.clean("it was plain-in-a-file") == "it was •••")
        #expect(redactor.clean("a red one") == "a red one")
        #expect(redactor.clean(url: "http://h/x?key=abc&alt=sse") == "http://h/x?key=•••&alt=sse")
        #expect(redactor.clean(Header("Cookie", "a=b")) == Header("Cookie", "•••"))
    }

    /// A secret in pieces of every size, beside another one that it begins with.
    @Test(arguments: 1...12) func everyCutIsMasked(size: Int) {
        let text = "x sk-secret-one y sk-secret-one-more z sk-secret-on"
        var pieces: [String] = []
        var rest = Substring(text)
        while !rest.isEmpty {
            pieces.append(String(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        var tap = WireTap(
            HTTPRequest(url: "http://h/"), id: "w", provider: "p", model: "m", format: "f", clock: HastyClock(),
            redactor: Redactor([Secret("sk-secret-one"), Secret("sk-secret-one-more")]), keyName: nil, limit: 1_000)
        for piece in pieces { _ = tap.chunk(Array(piece.utf8)) }
        let kept = String(decoding: tap.exchange.responseBody, as: UTF8.self)
        #expect(!kept.contains("secret-one"))
        #expect(kept.utf8.count == text.utf8.count && kept.hasSuffix(" z sk-secret-on"))
        #expect(tap.exchange.chunks.map(\.bytes.bytes.count) == pieces.map(\.utf8.count))
    }
}

@Suite struct JudgeCostTests {
    @Test func whatAJudgeCostsIsCounted() async throws {
        let judge = Priced(
            ScriptedProvider(
                model: "judge-model",
                [
                    [
                        .events([
                            .text(#"{"score": 1, "passed": true, "reasoning": "fine"}"#),
                            .usage(TokenUsage(input: 100, output: 10)), .finished(.stop),
                        ])
                    ]
                ]),
            PriceTable.Found(price: ModelPrice(rates: ModelPrice.Rates(input: 1, output: 1)), source: "t"))
        var prompt = Harness.prompt()
        prompt.evals = [
            EvalSpec(id: "e", type: "llm_judge", trigger: "every_turn", params: ["criteria": "is it kind?"])
        ]
        let harness = Harness(ScriptedProvider([ScriptedProvider.says("hello")]), prompt: prompt) { agent in
            agent.judge = ProviderJudge(judge)
        }
        let events = try await harness.say("hi")
        #expect(events.usage.map(\.model) == ["test-model", "judge-model"])
        #expect(events.usage.last?.cost == Money(nanodollars: 110_000))
    }
}
