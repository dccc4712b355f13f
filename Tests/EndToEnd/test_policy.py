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
