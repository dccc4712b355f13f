"""Several agents in one workspace, two versions of one, and a folder of Omnia's resources as a workspace."""

import json
import urllib.request

import pytest
import yaml

from conftest import ROOT, wait_for
from test_serve import Client, ask, serve  # noqa: F401 (a fixture)

PACK = {
    "id": "demo-pack", "name": "Demo", "version": "2.0.0", "template_engine": {"version": "v1", "syntax": "{{variable}}"},
    "prompts": {"default": {"id": "default", "name": "Default", "version": "1.0.0", "system_template": "be kind"}}}
AGENTS = """
agents:
  first: {pack: prompts/test.pack.json, canary: {weight: 30, pack: prompts/next.pack.json}}
  second: {pack: prompts/test.pack.json, provider: loud}
"""


@pytest.fixture
def agents(workspace):
    workspace.pack()
    workspace.write("cleo.yaml", AGENTS)
    workspace.write("prompts/next.pack.json", {**PACK, "id": "test", "version": "1.1.0"})
    for name in ("next", "loud"):
        workspace.write(f"prompts/{name}.mock.yaml", f"rules: [{{when: '.', say: 'I am {name}'}}]\n")
    workspace.write("providers/loud.yaml", "kind: Provider\nspec: {type: mock, model: loud, additional_config: {mock_config: ../prompts/loud.mock.yaml}}\n")
    return workspace


def url(server, agent):
    return server.url.replace("agent=test", f"agent={agent}")


def rows(server, query=""):
    return json.loads(server.get("/api/v1/sessions" + query)[1])["sessions"]


def test_each_agent_answers_for_itself(serve, agents):
    agents.write("prompts/test.mock.yaml", "rules: [{when: '.', say: 'I am stable'}]\n")
    server = serve()
    assert any("canary: test 1.1.0, mock, 30 of 100 new sessions" in line for line in server.lines)
    assert Client(url(server, "second")).turn("who?")[-1]["content"] == "I am loud"
    assert Client(url(server, "first"), additional_headers={"x-omnia-variant": "stable"}).turn("who?")[-1]["content"] == "I am stable"
    canary = Client(url(server, "first"), additional_headers={"x-omnia-variant": "canary"})
    assert canary.turn("who?")[-1]["content"] == "I am next"
    assert [model["id"] for model in json.loads(server.get("/v1/models")[1])["data"]] == ["first", "second"]
    assert ask(server, "who?", model="second") == "I am loud"
    wait_for(lambda: len(rows(server)) == 4, "four sessions")
    assert {(row["agentName"], row.get("variant"), row["promptPackVersion"]) for row in rows(server)} == {
        ("first", "stable", "1.0.0"), ("first", "canary", "1.1.0"), ("second", None, "1.0.0")}
    assert len(rows(server, "?agent=second")) == 2 and not rows(server, "?agent=third")
    metrics = server.get("/metrics")[1]
    assert 'omnia_agent_requests_total{agent="first",namespace="default",status="success"} 2' in metrics
    assert metrics.count("# TYPE omnia_agent_requests_total") == 1

    # A session stays with its version, and with its agent.
    again = Client(url(server, "first"), additional_headers={"x-omnia-variant": "stable"})
    again.session = canary.session
    assert again.turn("who?")[-1]["content"] == "I am next"
    other = Client(url(server, "second"))
    other.session = canary.session
    assert other.turn("who?")[-1]["error"]["code"] == "SESSION_EXPIRED"
    assert "first" in server.get("/ws?agent=third", Upgrade="websocket", Connection="Upgrade")[1]


def test_new_sessions_are_shared_out_by_weight(serve, agents):
    agents.write("prompts/test.mock.yaml", "rules: [{when: '.', say: 'I am stable'}]\n")
    server = serve()
    answers = [ask(server, f"question {number}", model="first") for number in range(200)]
    # Thirty of a hundred; six standard deviations to each side.
    assert 21 < answers.count("I am next") < 99 and set(answers) == {"I am next", "I am stable"}


def test_one_of_several_in_the_terminal(agents):
    agents.write("prompts/test.mock.yaml", "rules: [{when: '.', say: 'I am stable'}]\n")
    assert agents.run("run", "-q", "-p", "who?").stdout == "I am stable\n"
    assert agents.run("run", "-q", "-p", "who?", "--agent", "second").stdout == "I am loud\n"
    wrong = agents.run("run", "-q", "-p", "who?", "--agent", "secnd")
    assert wrong.returncode == 2 and "there is no agent 'secnd'" in wrong.stderr and "second" in wrong.stderr


@pytest.mark.parametrize("text, words", [
    ("agents: {a: {pack: p, canary: {pack: q}}}", "'weight'"),
    ("agents: {a: {pack: p, canary: {weight: 101}}}", "0 to 100"),
    ("agents: {a: {pak: p}}", "pack"),
])
def test_mistakes_have_places(workspace, text, words):
    workspace.write("cleo.yaml", text + "\n")
    result = workspace.run("run", "-p", "x")
    assert result.returncode == 2 and "cleo.yaml:1:" in result.stderr and words in result.stderr


def test_upstreams_development_folder(serve, workspace):
    (workspace.folder / "prompts/test.pack.json").unlink(missing_ok=True)
    workspace.write("manifests.yaml", (ROOT / "Tests/Fixtures/omnia-resources/devroot.yaml").read_text())
    missing = workspace.run("run", "-p", "x")
    assert missing.returncode == 2 and "there is no pack 'demo-pack'" in missing.stderr and "manifests.yaml:" in missing.stderr
    workspace.write("demo-pack.pack.json", PACK)
    workspace.write("demo-pack.mock.yaml", "rules: [{when: '.', say: 'from the folder'}]\n")
    assert workspace.run("run", "-q", "-p", "x").stdout == "from the folder\n"
    server = serve()
    assert Client(url(server, "demo")).turn("x")[-1]["content"] == "from the folder"
    wait_for(lambda: rows(server, "?namespace=dev"), "the session")
    assert rows(server)[0]["agentName"] == "demo" and rows(server)[0]["namespace"] == "dev"


def resource(kind, name, **fields):
    return {"apiVersion": "omnia.altairalabs.ai/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": "dev"}, **fields}


def test_resources_that_name_each_other(serve, workspace, facts_server):
    """A pack in a ConfigMap, a registry with a tool, a key in a Secret, a rollout with a candidate."""
    (workspace.folder / "prompts/test.pack.json").unlink(missing_ok=True)
    pack = {**PACK, "tools": {"time": {"name": "time", "description": "the time", "parameters": {"type": "object", "properties": {}}}}}
    pack["prompts"] = {"default": {**PACK["prompts"]["default"], "tools": ["time"]}}
    def packed(name, version):
        source = {"type": "configmap", "configMapRef": {"name": name}}
        return [resource("PromptPack", name, spec={"packName": "demo", "version": version, "source": source}),
                resource("ConfigMap", name, data={"pack.json": json.dumps({**pack, "version": version})})]
    def provider(name):
        return resource("Provider", name, spec={
            "type": "openai", "model": name, "baseURL": facts_server + "/v1",
            "credential": {"secretRef": {"name": "keys", "key": "api-key"}}})
    workspace.write("all.yaml", yaml.dump_all([
        *packed("demo-1", "1.0.0"), *packed("demo-2", "2.0.0"), provider("old"), provider("new"),
        resource("Secret", "keys", stringData={"api-key": "sk-hidden-in-a-secret"}),
        resource("ToolRegistry", "tools", spec={"handlers": [{
            "name": "clock", "type": "http", "tool": {"name": "time", "description": "the time", "inputSchema": {"type": "object"}},
            "httpConfig": {"endpoint": facts_server + "/time", "method": "GET"}}]}),
        resource("AgentRuntime", "demo", spec={
            "promptPackRef": {"name": "demo", "version": "1.0.0"}, "toolRegistryRef": {"name": "tools"},
            "providers": [{"name": "default", "providerRef": {"name": "old"}}],
            "rollout": {"candidate": {
                "promptPackRef": {"name": "demo", "version": "2.0.0"}, "providerRefs": [{"name": "default", "providerRef": {"name": "new"}}]},
                "steps": [{"setWeight": 20}, {"setWeight": 100}]}}),
        resource("AgentRuntime", "echo", spec={"mode": "function", "promptPackRef": {"name": "demo"}}),
    ]))
    server = serve("--yes")
    assert [line for line in server.lines if line.startswith("canary") or line.startswith("demo")] == [
        "demo-pack 1.0.0, old", "canary: demo-pack 2.0.0, new, 20 of 100 new sessions"]
    for variant, model in (("stable", "old"), ("canary", "new")):
        client = Client(url(server, "demo"), additional_headers={"x-omnia-variant": variant})
        assert client.turn("what time is it?")[-1]["content"] == f"{model} with ••• says noon"
    dumped = "".join(str(row) for row in workspace.query("SELECT body FROM events"))
    assert "says noon" in dumped and "sk-hidden" not in dumped
    server.errors.seek(0)
    assert "'echo' is a function" in server.errors.read()


@pytest.fixture
def facts_server():
    """A model that calls `time` once and then says what it was told, its name, and the key that it was sent."""
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.reply("application/json", json.dumps({"now": "noon"}))

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            last = body["messages"][-1]
            if last["role"] == "tool":
                key = self.headers["Authorization"].removeprefix("Bearer ")
                delta = {"content": f"{body['model']} with {key} says {json.loads(last['content'])['now']}"}
            else:
                delta = {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "time", "arguments": "{}"}}]}
            reason = "stop" if last["role"] == "tool" else "tool_calls"
            chunks = [{"choices": [{"index": 0, "delta": delta}]}, {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}]
            self.reply("text/event-stream", "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n")

        def reply(self, kind, text):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_connection_may_go_between_versions(serve, agents):
    agents.write("prompts/test.mock.yaml", "rules: [{when: '.', say: 'I am stable'}]\n")
    server = serve()
    canary = Client(url(server, "first"), additional_headers={"x-omnia-variant": "canary"})
    canary.turn("one")
    client = Client(url(server, "first"), additional_headers={"x-omnia-variant": "stable"})
    own = client.session
    for session, answer in ((own, "I am stable"), (canary.session, "I am next"), (own, "I am stable"), (canary.session, "I am next")):
        client.session = session
        assert client.turn("who?")[-1]["content"] == answer
    wait_for(lambda: {row["id"]: row["messageCount"] for row in rows(server)} == {own: 4, canary.session: 6}, "all of it in the log")


def test_a_saved_file_takes_effect(serve, agents):
    agents.write("prompts/test.mock.yaml", "rules: [{when: '.', say: 'I am stable'}]\n")
    server = serve("--agent", "second")
    assert ask(server, "who?") == "I am loud"
    pack = json.loads((agents.folder / "prompts/test.pack.json").read_text())
    agents.write("prompts/test.pack.json", {**pack, "version": "1.7.0"})

    def newest():
        ask(server, "who?")
        return rows(server)[0]["promptPackVersion"]
    wait_for(lambda: newest() == "1.7.0", "the saved pack")


@pytest.mark.parametrize("entry, words", [
    ("{pack: prompts/none.pack.json}", "there is no file 'prompts/none.pack.json'"),
    ("{pack: prompts/test.pack.json, canary: {weight: 3, pack: prompts/none.pack.json}}", "there is no file"),
    ("{pack: prompts/test.pack.json, provider: lout}", "agent 'first': there is no provider 'lout'"),
])
def test_validate_looks_at_every_agent(agents, entry, words):
    agents.write("prompts/test.mock.yaml", "rules: [{when: '.', say: 'I am stable'}]\n")
    assert agents.run("validate", "cleo.yaml").returncode == 0
    agents.write("cleo.yaml", f"agents:\n  first: {entry}\n")
    result = agents.run("validate", "cleo.yaml")
    assert result.returncode == 2 and words in result.stdout


def test_validate_knows_a_folder_of_resources(workspace):
    workspace.write("manifests.yaml", (ROOT / "Tests/Fixtures/omnia-resources/devroot.yaml").read_text())
    result = workspace.run("validate", ".")
    assert result.returncode == 2 and "manifests.yaml:" in result.stdout and "there is no pack 'demo-pack'" in result.stdout
    workspace.write("demo-pack.pack.json", PACK)
    assert workspace.run("validate", ".").returncode == 0
