import Engine
import Panes
import Support
import Testing

@Suite struct PackPaneTests {
    private func state(_ change: (inout PackState) -> Void = { _ in }) -> PackState {
        var state = PackState(
            pack: "desk", version: "1.0.0", file: "prompts/desk.pack.yaml", prompt: "solve", semantics: "strict",
            editions: ["1.4.0", "PromptKit 1.5.0"],
            spans: [
                PackState.Span(text: "You help ", source: "template"),
                PackState.Span(text: "ACME", source: "variable", name: "company"),
                PackState.Span(text: ".\n", source: "template"),
                PackState.Span(text: "Be kind.", source: "fragment", name: "manners"),
                PackState.Span(text: "\n", source: "template"),
                PackState.Span(text: "{{when}}", source: "unresolved", name: "when"),
            ], tokens: 12, unused: ["tone"],
            variables: [
                PackState.Value(
                    name: "company", type: "string", text: "ACME", origin: .given, isRequired: true, isMissing: false)
            ],
            rules: [
                PackState.Rule(type: "banned_words", direction: "output", isEnforced: true, isEnabled: true),
                PackState.Rule(type: "max_length", direction: "both", isEnforced: false, isEnabled: true),
                PackState.Rule(type: "regex", direction: "input", isEnforced: false, isEnabled: false),
            ], evals: 2, policy: "tools auto · 5 rounds",
            divergences: [
                "PK-POLICY: 'tool_policy' is ignored", "PK-BYTES: 'max_length' counts bytes, not characters",
            ],
            states: [
                PackState.State(name: "Ask", events: ["Known": "Solve"], isEnd: false, visits: 1, isCurrent: false),
                PackState.State(
                    name: "Solve", events: ["Done": "End", "Unclear": "Ask"], isEnd: false, visits: 1, maxVisits: 3,
                    isCurrent: true),
                PackState.State(name: "End", events: [:], isEnd: true, visits: 0, isCurrent: false),
            ], artifacts: ["wish": "tea"], skills: ["refunds"], members: ["expert"], problems: [])
        change(&state)
        return state
    }

    private func screen(_ state: PackState) -> TestScreen {
        let screen = TestScreen()
        screen.opens()
        screen.happens(.packChanged(state), turn: nil)
        return screen
    }

    @Test(arguments: [(120, 44), (80, 40), (40, 24)]) func whatRuns(columns: Int, rows: Int) {
        let screen = screen(state())
        screen.press(.alt("5"))
        expectScreen(screen.picture(columns, rows), "pack-\(columns)")
        if columns == 80 { expectScreen(screen.styles(columns, rows), "styles-pack") }
    }

    @Test func whatChangedAndWhatDiffers() {
        let screen = screen(
            state {
                $0.before = "You help ACME.\nBe rude.\n{{when}}"
                $0.problems = [
                    Diagnostic(.error, "'prompts' is missing", file: "a.pack.json", place: Place(line: 3, column: 1))
                ]
            })
        screen.press(.alt("5"), .character("d"))
        expectScreen(screen.picture(80, 24), "pack-difference")
        screen.press(.character("p"))
        expectScreen(screen.picture(80, 24), "pack-parity")
        #expect(screen.picture(80, 24).joined().contains("✗ files"))
    }

    @Test func aMissingValueIsAskedFor() {
        let missing = PackState.Value(
            name: "company", type: "string", text: "", origin: .empty, isRequired: true, isMissing: true,
            description: "Whose desk")
        let screen = screen(state { $0.variables = [missing] })
        #expect(screen.picture(100, 24).joined().contains("the prompt needs company (string): Whose desk"))
        screen.type("ACME")
        let session = SessionID("s-1")
        #expect(screen.press(Key(.enter)) == [.submit(.setVariables(session, ["company": "ACME"]))])
        screen.happens(.packChanged(state()), turn: nil)
        #expect(screen.picture(100, 24).joined().contains("say something"))
        // Who does not want to say is not asked again.
        screen.happens(.packChanged(state { $0.variables = [missing] }), turn: nil)
        screen.press(Key(.escape))
        screen.happens(.packChanged(state { $0.variables = [missing] }), turn: nil)
        #expect(screen.picture(100, 24).joined().contains("say something"))
    }

    @Test func commandsOfThePack() {
        let screen = screen(state())
        let session = SessionID("s-1")
        screen.type("/set company Umbrella Inc")
        #expect(
            screen.press(Key(.enter)) == [.submit(.setVariables(session, ["company": "Umbrella Inc"]))])
        screen.type("/set company")
        #expect(screen.press(Key(.enter)) == [.submit(.setVariables(session, ["company": .null]))])
        screen.type("/set compny x")
        #expect(screen.press(Key(.enter)) == [])
        #expect(screen.picture(100, 24).joined().contains("did you mean company?"))
        screen.press(.control("u"))
        screen.type("/event Done")
        #expect(screen.press(Key(.enter)) == [.submit(.moveWorkflow(session, event: "Done"))])
        screen.type("/event")
        screen.press(Key(.enter))
        expectScreen(screen.picture(100, 24), "events")
        #expect(screen.press(Key(.enter)) == [.submit(.moveWorkflow(session, event: "Done"))])
    }

    @Test func hostilePacksAreHarmless() {
        let evil = "\u{1B}[2J\u{202E}x\u{0}" + String(repeating: "w", count: 500)
        let screen = screen(
            state { state in
                state.pack = evil
                state.prompt = evil
                state.spans = [PackState.Span(text: evil + "\n\u{9B}31m", source: "variable", name: evil)]
                state.variables[0].name = evil
                state.variables[0].text = evil
                state.states[1].name = evil
                state.states[1].events = [evil: evil]
                state.artifacts = [evil: evil]
                state.divergences = [evil]
                state.problems = [Diagnostic(.error, evil, file: evil)]
                state.before = evil
            })
        for keys in [[Key.alt("5")], [.character("d")], [.character("p")]] {
            for key in keys { screen.press(key) }
            for columns in [1, 20, 60, 130, 200] {
                let text = screen.picture(columns, 20).joined()
                #expect(
                    !text.unicodeScalars.contains {
                        $0.value < 0x20 || (0x7F...0x9F).contains($0.value) || $0 == "\u{202E}"
                    })
            }
        }
    }
}
