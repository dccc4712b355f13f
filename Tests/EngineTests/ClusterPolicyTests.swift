import Engine
import EngineSystem
import Support
import Testing

@Suite struct CELTests {
    private func evaluate(_ text: String) throws(CELError) -> CELValue {
        let values: [String: JSONValue] = [
            "body": [
                "amount": 600, "status": "cancelled", "tags": ["a", "b"], "nested": ["deep": true], "empty": "",
                "none": nil,
            ],
            "headers": ["X-Team": "finance", "X-Hour": "17"], "identity": ["claims": ["tier": "gold"]],
        ]
        return try CELExpression(text, variables: ["body", "headers", "identity"])
            .evaluate(values, patterns: PCREPatternCompiler())
    }

    @Test(arguments: [
        "body.amount > 500.0", "double(body.amount) > 500.0", "int(body.amount) == 600", "body.amount == 600",
        "has(body.status) && body.status == \"cancelled\"", "!has(body.reason) || body.reason == ''",
        "!('X-Source' in headers) || headers['X-Source'] != 'internal'", "int(headers['X-Hour']) > 9",
        "body.status.matches('(?i)^CANCEL')", "body.status.startsWith('can') && body.status.endsWith('led')",
        "'b' in body.tags", "body.tags.exists(t, t == 'b')", "body.tags.all(t, size(t) == 1)",
        "!body.tags.exists_one(t, t in ['a', 'b'])", "body.tags.map(t, t + '!') == ['a!', 'b!']",
        "body.tags.filter(t, t != 'a') == ['b']", "has(body.nested.deep) && body.nested.deep",
        "identity.claims.tier in ['gold', 'silver']", "(true ? 1 : 2) == 1", "1 + 2 * 3 == 7", "-(-2) == 2",
        "7 / 2 == 3 && 7 % 2 == 1 && 7.0 / 2.0 == 3.5", "size('zoë') == 3", "'a\\tb' == \"a\tb\"",
        "r'a\\b' == 'a\\\\b'", "'\\u00e9' == 'é'", "'''a'b''' == \"a'b\"", "0x10 == 16 && 1e3 == 1000.0",
        "{'a': 1}.a == 1", "[1, 2, 3,][1] == 2", "'A-b'.lowerAscii() == 'a-b'", "'a,b,c'.split(',').size() == 3",
        "'a.b'.replace('.', '/') == 'a/b'", "'hello'.substring(1, 3) == 'el'", "'hello'.indexOf('l') == 2",
        "'hello'.lastIndexOf('l') == 3", "['a', 'b'].join('-') == 'a-b'", "' x '.trim() == 'x'",
        "'abc'.reverse() == 'cba'", "'abc'.charAt(1) == 'b'", "body.none == null", "string(2.5) == '2.5'",
        // One side decides, whatever is wrong with the other.
        "true || body.nothing == 1", "body.nothing == 1 || true", "!(body.nothing == 1 && false)",
        "[1, 'x'].exists(v, v > 0)", "9223372036854775807 > 0 && -1 < 1",
    ]) func itHolds(_ text: String) throws {
        #expect(try evaluate(text) == .bool(true), "\(text)")
    }

    @Test(arguments: [
        ("body.nothing == 1", "there is no 'nothing'"), ("body.amount + 1", "'+' does not go with double and int"),
        ("body.status > 1", "does not go with string and int"), ("1 / 0", "division by zero"),
        ("9223372036854775807 + 1", "too large"), ("body.tags[5]", "no such element"), ("!1", "truth value"),
        ("int('x')", "no whole number"), ("has(body.status.x)", "only a map"),
        ("'x'.matches('(')", "no regular expression"),
        ("('\(String(repeating: "x", count: 60)) y').matches('(x+x+)+y')", "too much work"),
        ("'abc'.substring(2, 1)", "no part"), ("'abc'.charAt(9)", "no character 9"),
        ("-'x'", "does not go with string"),
        ("[1,2].map(a, [1,2].map(b, [1,2])).x", "has no field"),
    ]) func itFailsWithItsReason(_ text: String, _ words: String) {
        do throws(CELError) {
            Issue.record("\(text) gives \(try evaluate(text))")
        } catch {
            #expect(error.message.contains(words), "\(text): \(error)")
            #expect(error.offset == nil)
        }
    }

    @Test(
        arguments: [
            ("", "ends too early", nil), ("body.amount >", "ends too early", nil),
            ("bodi.amount", "did you mean 'body'", 0),
            ("1 +* 2", "does not go on", 3), ("timestamp('x')", "not evaluated here", 0), ("'x", "does not end", 0),
            ("body.tags.exists(t, u)", "there is no 'u'", 20), ("has(body)", "'has' takes a field", 0),
            ("b'x'", "bytes", 0),
            ("'\\q'", "no escape", 1), ("a b", "there is no 'a'", 0), ("size()", "0 arguments", 0),
            ("#", "no meaning", 0),
            ("99999999999999999999", "too large", 0), ("1 2", "does not go on", 2),
        ] as [(String, String, Int?)]) func whatIsWrongHasItsPlace(_ text: String, _ words: String, _ offset: Int?)
    {
        do throws(CELError) {
            Issue.record("\(text) is read as \(try CELExpression(text, variables: ["body"]))")
        } catch {
            #expect(error.message.contains(words) && error.offset == offset, "\(text): \(error)")
        }
    }

    @Test func theWorkIsBounded() {
        #expect(throws: CELError.self) { try evaluate(String(repeating: "(", count: 5_000)) }
        #expect(throws: CELError.self) { try evaluate(String(repeating: "!", count: 5_000) + "true") }
        let list = "[" + String(repeating: "1,", count: 60) + "]"
        #expect(throws: CELError.self) {
            try evaluate("\(list).all(a, \(list).all(b, \(list).all(c, a + b + c > 0)))")
        }
    }
}

@Suite struct ClusterPolicyTests {
    private func policy(_ spec: String) throws -> Loaded<ClusterPolicy> {
        let yaml =
            "apiVersion: omnia.altairalabs.ai/v1alpha1\nkind: ToolPolicy\nmetadata: {name: refunds}\nspec:\n" + spec
        return ClusterPolicyLoader.load(
            try #require(LibYAMLReader().read(Array(yaml.utf8), file: "p.policy.yaml").value))
    }

    private func book(_ spec: String) throws -> PolicyBook {
        var book = PolicyBook()
        let loaded = try policy(spec)
        book.policies = [try #require(loaded.value, "\(loaded.diagnostics)")]
        book.registries = ["orders": "shop", "parcels": "post"]
        book.identity.claims = ["team": "support"]
        return book
    }

    private func judge(
        _ book: PolicyBook, _ arguments: JSONValue, tool: String = "refund", handler: String = "orders"
    ) -> PolicyBook.Judgement {
        book.judge(
            ToolCall(id: CallID("c"), tool: tool, arguments: arguments), handler: handler,
            patterns: PCREPatternCompiler())
    }

    private let refunds = """
          selector: {registry: shop, tools: [refund]}
          rules:
            - name: amount
              deny: {cel: 'has(body.amount) && double(body.amount) > 500.0 && headers["X-Omnia-Claim-Team"] != "finance"', message: too much}
            - name: reason
              deny: {cel: '!has(body.reason)', message: say why}

        """

    @Test func rulesDenyWithTheirMessage() throws {
        var book = try book(refunds)
        #expect(judge(book, ["amount": 600, "reason": "x"]).denied == "refunds: too much (rule 'amount')")
        #expect(judge(book, ["amount": 6]).denied == "refunds: say why (rule 'reason')")
        #expect(judge(book, ["amount": 6, "reason": "x"]) == PolicyBook.Judgement())
        // Other tools and other registries are none of its business; a plain file stands for any.
        #expect(judge(book, [:], tool: "other").denied == nil)
        #expect(judge(book, [:], handler: "parcels").denied == nil)
        #expect(judge(book, [:], handler: "plain").denied != nil)
        book.identity.claims = ["team": "finance"]
        #expect(judge(book, ["amount": 600, "reason": "x"]).denied == nil)
    }

    @Test func auditLetsPassAndSaysSo() throws {
        let judgement = judge(try book(refunds + "  mode: audit\n"), [:])
        #expect(judgement.denied == nil && judgement.audited == ["refunds: say why (rule 'reason')"])
    }

    @Test func failureIsDecidedByThePolicy() throws {
        let spec = "  selector: {registry: shop}\n  rules: [{name: r, deny: {cel: 'body.amount > 5', message: m}}]\n"
        #expect(judge(try book(spec), [:]).denied?.contains("cannot be worked out: there is no 'amount'") == true)
        #expect(judge(try book(spec + "  onFailure: allow\n"), [:]).denied == nil)
    }

    @Test func claimsMayBeRequired() throws {
        let spec = "  selector: {registry: shop}\n  rules: [{name: r, deny: {cel: 'false', message: m}}]\n"
        #expect(judge(try book(spec + "  requiredClaims: [{claim: team, message: no team}]\n"), [:]).denied == nil)
        let denied = judge(try book(spec + "  requiredClaims: [{claim: tier, message: no tier}]\n"), [:]).denied
        #expect(denied == "refunds: no tier (the claim 'tier' is missing)")
    }

    @Test func headersArePutIn() throws {
        let spec = """
              selector: {registry: shop}
              rules: [{name: r, deny: {cel: 'false', message: m}}]
              headerInjection:
                - {header: X-Fixed, value: a}
                - {header: X-Team, cel: 'identity.claims.team + "/" + headers["X-Omnia-Tool-Name"]'}

            """
        #expect(judge(try book(spec), [:]).headers == [Header("X-Fixed", "a"), Header("X-Team", "support/refund")])
    }

    @Test func mistakesHaveTheirPlaces() throws {
        let loaded = try policy(
            """
              selector: {registry: shop}
              rules:
                - {name: a, deny: {cel: 'body.amount >', message: m}}
                - {name: b, deny: {cel: 'headers["x-omnia-claim-team"] == "a"', message: m}}
              headerInjection: [{header: X, value: a, cel: 'true'}]
              mode: sometimes

            """)
        #expect(loaded.value == nil)
        let said = loaded.diagnostics.map(\.message).joined(separator: "\n")
        #expect(said.contains("is no CEL expression: the expression ends too early"))
        #expect(said.contains("on the wire it is 'X-Omnia-Claim-Team'"))
        #expect(said.contains("either 'value' or 'cel'") && said.contains("sometimes"))
        #expect(loaded.diagnostics.allSatisfy { $0.line != nil })
    }
}

@Suite struct GateTests {
    @Test func soManyAtOnce() async throws {
        let gate = Gate(Gate.Limits(parallel: 2), clock: SystemClock())
        let most = Most()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    guard (try? await gate.enter("h")) != nil else { return }
                    await most.come()
                    try? await Task.sleep(for: .milliseconds(2))
                    await most.go()
                    gate.leave()
                }
            }
        }
        #expect(await most.most == 2)
        #expect(await most.all == 20)
    }

    private actor Most {
        var now = 0
        var most = 0
        var all = 0
        func come() {
            now += 1
            all += 1
            most = max(most, now)
        }
        func go() { now -= 1 }
    }

    @Test func whoIsCancelledDoesNotWait() async throws {
        let gate = Gate(Gate.Limits(parallel: 1), clock: SystemClock())
        try await gate.enter("h")
        let waiting = Task { () -> EngineError.Code? in
            do throws(EngineError) {
                try await gate.enter("h")
                return nil
            } catch { return error.code }
        }
        await Task.yield()
        waiting.cancel()
        #expect(await waiting.value == .cancelled)
        gate.leave()
        try await gate.enter("h")
    }

    @Test func soManyAMinute() async throws {
        let clock = ManualClock()
        let gate = Gate(Gate.Limits(perMinute: 2), clock: clock)
        try await gate.enter("h")
        clock.advance(20_000)
        try await gate.enter("h")
        do throws(EngineError) {
            try await gate.enter("orders")
            Issue.record("the third was let in")
        } catch {
            #expect(error.code == .rateLimited && error.retryAfter == 40)
            #expect(error.message == "'orders' may be called 2 times a minute; the next call is possible in 40s")
        }
        clock.advance(40_000)
        try await gate.enter("h")
    }
}

@Suite struct SharedWorkTests {
    private actor Count {
        var begun = 0
        var cancelled = 0
        func begin() { begun += 1 }
        func cancel() { cancelled += 1 }
    }

    @Test func whoComesMeanwhileWaitsForTheSame() async throws {
        let (work, count) = (SharedWork<Int>(), Count())
        let values = await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    try? await work.run { () async throws(EngineError) in
                        await count.begin()
                        try? await Task.sleep(for: .milliseconds(50))
                        return 7
                    }
                }
            }
            return await group.reduce(into: [Int?]()) { $0.append($1) }
        }
        #expect(values == Array(repeating: 7, count: 10))
        #expect(await count.begun == 1)
        #expect(try await work.run { 8 } == 8)
    }

    @Test func whoIsCancelledLeavesAndTheLastOneEndsIt() async throws {
        let (work, count) = (SharedWork<Int>(), Count())
        let slow: @Sendable () async throws(EngineError) -> Int = {
            await count.begin()
            do { try await Task.sleep(for: .seconds(20)) } catch { await count.cancel() }
            return 1
        }
        let tasks = (0..<2).map { _ in Task { try? await work.run(slow) } }
        while await count.begun == 0 { await Task.yield() }
        tasks[0].cancel()
        #expect(await tasks[0].value == nil)
        #expect(await count.cancelled == 0)
        tasks[1].cancel()
        #expect(await tasks[1].value == nil)
        #expect(try await work.run { 2 } == 2)
        while await count.cancelled == 0 { await Task.yield() }
    }
}
