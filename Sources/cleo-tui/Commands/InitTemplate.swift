/// The files of a small workspace.
struct InitTemplate {
    var name: String
    var summary: String
    var files: [(path: String, text: String)]

    static let all = [chat, tools, workflow]

    private static let settings = """
        # What this workspace runs with. Every line may be left out.
        # provider: { type: claude, model: claude-sonnet-5-5 }   # or openai, gemini, ollama, vllm; needs
        #                             # ANTHROPIC_API_KEY; without a provider, a script plays the model
        # semantics: promptkit        # run the pack as PromptKit runs it in production; default: strict
        # variables: {}               # values for the variables of the prompt
        approval: ask                 # ask before a tool runs that is not known to be read-only

        """

    static let chat = InitTemplate(
        name: "chat", summary: "one prompt with a variable, a fragment and a guardrail",
        files: [
            ("cleo.yaml", settings),
            (
                "prompts/assistant.pack.yaml",
                """
                # A PromptPack: promptpack.org. 'cleo-tui validate prompts' checks it, 'cleo-tui render' shows what is sent.
                id: assistant
                name: Assistant
                version: 1.0.0
                template_engine: {version: v1, syntax: "{{variable}}", features: [basic_substitution, fragments]}
                fragments:
                  manners: Answer in at most three sentences, and say so when you do not know.
                prompts:
                  default:
                    id: default
                    name: Assistant
                    version: 1.0.0
                    system_template: |
                      You help the people of {{team}}.
                      {{fragments.manners}}
                    variables:
                      - {name: team, type: string, required: false, default: our team, description: Whom it helps.}
                    parameters: {temperature: 0.3, max_tokens: 600}
                    validators:
                      # Enforced, because fail_on_violation is true; else it would only be recorded.
                      - type: banned_words
                        enabled: true
                        fail_on_violation: true
                        params: {words: [stupid], message: I would rather not put it that way.}

                """
            ),
            (
                "prompts/assistant.mock.yaml",
                """
                # What the model says while no provider is configured. PromptArena reads the same format.
                default_response: "I am a script, not a model. Name a provider in cleo.yaml to talk to a real one."

                """
            ),
        ])

    static let tools = InitTemplate(
        name: "tools", summary: "an agent with an MCP server and an HTTP tool",
        files: [
            ("cleo.yaml", settings),
            (
                "tools.yaml",
                """
                # Omnia's tools file: who serves which tools. 'cleo-tui tools list' shows what they offer.
                handlers:
                  # An MCP server as a child process; ${CLEO_TUI} is this program.
                  - name: orders
                    type: mcp
                    timeout: 30s
                    mcpConfig:
                      transport: stdio
                      command: ${CLEO_TUI}
                      args: [demo-tools, stdio]
                  # One HTTP request. 'cleo-tui demo-tools http' starts a service and prints its address.
                  # - name: parcels
                  #   type: http
                  #   tool:
                  #     name: track_parcel
                  #     description: Where a parcel is.
                  #     inputSchema: {type: object, properties: {number: {type: string}}, required: [number]}
                  #   httpConfig: {urlTemplate: "http://127.0.0.1:PORT/parcels/{number}", method: GET}

                """
            ),
            (
                "prompts/orders.pack.yaml",
                """
                id: orders
                name: Orders
                version: 1.0.0
                template_engine: {version: v1, syntax: "{{variable}}"}
                prompts:
                  default:
                    id: default
                    name: Orders
                    version: 1.0.0
                    system_template: You answer questions about orders. Look an order up before you speak of it.
                    # Only these tools are offered; without a list, all of tools.yaml are.
                    tools: [lookup_order, list_orders]
                    tool_policy: {tool_choice: auto, max_rounds: 5, max_tool_calls_per_turn: 10}

                """
            ),
            (
                "prompts/orders.mock.yaml",
                #"""
                # The model is played; the tools that it calls run for real.
                rules:
                  - when: 'order\s*#?(\d+)'
                    calls: [{name: lookup_order, arguments: {order_id: '$1'}}]
                    then: "Order $1 is ${lookup_order.status}."
                    failed: "I could not find order $1: ${error}"
                default_response: Ask me for order 1042.

                """#
            ),
        ])

    static let workflow = InitTemplate(
        name: "workflow", summary: "a workflow of three states, with an artifact and a skill",
        files: [
            ("cleo.yaml", settings),
            (
                "prompts/desk.pack.yaml",
                """
                id: desk
                name: Desk
                version: 1.0.0
                template_engine: {version: v1, syntax: "{{variable}}"}
                prompts:
                  greet:
                    id: greet
                    name: Greet
                    version: 1.0.0
                    system_template: Find out what the person wants, note it as the artifact 'wish', then move on.
                  solve:
                    id: solve
                    name: Solve
                    version: 1.0.0
                    system_template: |
                      The person wants: {{artifacts.wish}}
                      What was said so far: {{workflow_context}}
                      Solve it. When it is solved, close.
                  close:
                    id: close
                    name: Close
                    version: 1.0.0
                    system_template: Thank the person and say goodbye.
                workflow:
                  version: 2
                  entry: Greet
                  states:
                    Greet:
                      prompt_task: greet
                      description: What is wanted?
                      on_event: {Understood: Solve}
                      persistence: persistent
                      orchestration: internal
                      artifacts:
                        wish: {type: text, description: What the person wants., mode: replace}
                    Solve:
                      prompt_task: solve
                      on_event: {Solved: Close, Unclear: Greet}
                      persistence: persistent
                      orchestration: hybrid
                      max_visits: 3
                      on_max_visits: Close
                    Close:
                      prompt_task: close
                      terminal: true
                  engine:
                    budget: {max_total_visits: 12}
                skills:
                  - name: refunds
                    description: How money is given back.
                    instructions: Ask for the number of the order. Up to 50 euros, refund at once.

                """
            ),
            (
                "prompts/desk.mock.yaml",
                """
                scenarios:
                  default:
                    turns:
                      1:
                        tool_calls:
                          - {name: workflow__set_artifact, arguments: {name: wish, value: a refund}}
                          - {name: workflow__transition, arguments: {event: Understood, context: The person wants a refund.}}
                      2: I see to your refund now.
                      3:
                        tool_calls:
                          - {name: skill__activate, arguments: {name: refunds}}
                      4: "What is the number of your order?"
                default_response: Thank you, and goodbye.

                """
            ),
        ])
}
