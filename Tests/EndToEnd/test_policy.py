"""Who may call what: Omnia's ToolPolicy, and limits by handler."""

import json

REFUND = """apiVersion: omnia.altairalabs.ai/v1alpha1
kind: ToolPolicy
metadata: {name: refunds}
spec:
  selector: {registry: shop, tools: [refund]}
  rules:
    - name: amount
      deny: {cel: 'double(body.amount) > 500.0', message: more than 500 needs a person}
  headerInjection:
    - {header: X-Team, cel: 'identity.claims.team'}
"""


def shop(workspace, url, more=""):
    workspace.tools(
        "apiVersion: omnia.altairalabs.ai/v1alpha1\nkind: ToolRegistry\nmetadata: {name: shop}\nspec:\n  handlers:\n"
        "    - name: refunds\n      type: http\n"
        "      tool: {name: refund, description: d, inputSchema: {type: object}}\n"
        f"      httpConfig: {{endpoint: '{url}/refund', headers: {{X-Team: nobody}}}}\n")
    workspace.write("cleo.yaml", "approval: never\npolicies: [refunds.policy.yaml]\n"
                    "identity: {subject: ann, claims: {team: support}}\n" + more)
    workspace.mock("rules:\n  - when: 'refund (\\d+)'\n    calls: [{name: refund, arguments: {amount: $1}}]\n"
                   "    then: 'done: ${refund}'\n    failed: 'not done: ${error}'\n"
                   "  - when: twice\n    calls: [{name: refund, arguments: {amount: 1}}, {name: refund, arguments: {amount: 2}}]\n"
                   "    then: 'both done'\n    failed: 'not both: ${error}'\n")


def test_a_policy_denies_and_puts_headers_in(workspace, http):
    server = http(lambda handler, _: handler.reply(200, '"ok"', {"Content-Type": "application/json"}))
    shop(workspace, server.url)
    workspace.write("refunds.policy.yaml", REFUND)
    _, said = workspace.ask("refund 600")
    assert said["text"].startswith("not done:") and "more than 500 needs a person (rule 'amount')" in said["text"]
    assert not server.requests
    assert "done: ok" in workspace.ask("refund 6")[1]["text"]
    assert server.requests[0][2]["X-Team"] == "support"
    # The decision is in the trace.
    spans = [json.loads(body) for (body,) in workspace.query("SELECT body FROM events WHERE type = 'span.closed'")]
    decisions = [span["data"].get("attributes", {}).get("cleo.policy.decision") for span in spans]
    assert any(d and d.startswith("denied: refunds: more than 500") for d in decisions), decisions


def test_audit_only_says_so(workspace, http):
    server = http(lambda handler, _: handler.reply(200, '"ok"', {"Content-Type": "application/json"}))
    shop(workspace, server.url)
    workspace.write("refunds.policy.yaml", REFUND + "  mode: audit\n")
    assert "done: ok" in workspace.ask("refund 600")[1]["text"]
    rows = workspace.query("SELECT body FROM events WHERE body LIKE '%cleo.policy.audit%'")
    assert rows and "more than 500" in rows[0][0]


def test_a_broken_policy_stops_the_start(workspace):
    shop(workspace, "http://127.0.0.1:1")
    path = workspace.write("refunds.policy.yaml", REFUND.replace("> 500.0", "> "))
    result = workspace.run("run", "-p", "refund 6")
    assert result.returncode != 0 and "refunds.policy.yaml:8:" in result.stderr, result.stderr
    checked = workspace.run("validate", str(path))
    assert checked.returncode == 2 and "is no CEL expression: the expression ends too early" in checked.stdout


def test_a_handler_has_limits(workspace, http):
    server = http(lambda handler, _: handler.reply(200, '"ok"', {"Content-Type": "application/json"}))
    shop(workspace, server.url, "limits: {handlers: {refunds: {per_minute: 1, parallel: 1}}}\n")
    workspace.write("refunds.policy.yaml", REFUND)
    _, said = workspace.ask("twice")
    assert "'refunds' may be called 1 times a minute" in said["text"], said["text"]
    assert len(server.requests) == 1


def test_what_cleo_yaml_names_is_looked_for(workspace):
    path = workspace.write("cleo.yaml", """tools: [gone.yaml]
policies: [nowhere.yaml]
limits: {handlers: {orderz: {parallel: 1}}}
client_tools: {where: {command: [./no/such]}}
builtin: {retrieve: {folders: [nofolder, ../out]}}
""")
    said = workspace.run("validate", str(path))
    assert said.returncode == 2
    for words in ("there is no file 'gone.yaml'", "there is no file 'nowhere.yaml'", "no handler is called 'orderz'",
                  "no client tool is called 'where'", "there is no file './no/such'", "there is no file 'nofolder'",
                  "'../out' is not below the workspace"):
        assert words in said.stdout, (words, said.stdout)


def test_a_call_by_hand_says_what_an_agent_may_not(workspace, http):
    server = http(lambda handler, _: handler.reply(200, '"ok"', {"Content-Type": "application/json"}))
    shop(workspace, server.url)
    workspace.write("refunds.policy.yaml", REFUND)
    result = workspace.run("tools", "call", "refund", '{"amount": 600}')
    assert result.stdout.strip() == '"ok"' and "an agent may not make this call: refunds: more than 500" in result.stderr


def test_a_broken_save_keeps_the_tools(workspace, http, terminal):
    server = http(lambda handler, _: handler.reply(200, '"fine"', {"Content-Type": "application/json"}))
    good = ("handlers:\n  - name: a\n    type: http\n    tool: {name: one, description: d, inputSchema: {type: object}}\n"
            f"    httpConfig: {{endpoint: '{server.url}/x', method: GET}}\n")
    workspace.tools(good)
    workspace.mock("rules:\n  - when: go\n    calls: [{name: one, arguments: {}}]\n    then: 'it is ${one}'\n    failed: 'no: ${error}'\n")
    screen = terminal(workspace)
    screen.wait("● a", "say something")
    for broken in (good + "  bad: [", good.replace("type: http", "type: htpp")):
        workspace.tools(broken)
        screen.wait("tools.yaml:")
        screen.say("go")
        screen.wait("it is fine")
        screen.press("C-l")
        workspace.tools(good)
        screen.wait("the files are in order again")
        screen.say("/new")
        screen.wait_gone("it is fine")


def test_an_unset_variable_takes_its_handler_out(workspace):
    workspace.tools("handlers:\n  - name: a\n    type: http\n    tool: {name: one, description: d, inputSchema: {type: object}}\n"
                    "    httpConfig: {endpoint: '${NOPE_URL}'}\n")
    listed = workspace.run("tools", "list")
    assert "one" not in listed.stdout and "'NOPE_URL' is not set" in listed.stderr and listed.returncode == 2
