"""Every wire format: the vendors' SDKs judge our fakes and our requests; LiteLLM's proxy is a server we did not write."""

import json
import os
import pathlib
import secrets
import socket
import subprocess
import time
import urllib.request

import pytest

from conftest import PEERS, ROOT, Terminal, wait_for

VENDORS = str(ROOT / ".build/venv-vendors/bin/python")
LITELLM = str(ROOT / ".build/venv-litellm/bin/litellm")
FIXTURES = ROOT / "Tests/Fixtures"
CANARY = "sk-canary-5e0d3a71c9b84f62"
# LiteLLM does not start without a key of its own.
PROXY_KEY = "sk-" + secrets.token_hex(32)


class Fake:
    """The vendors' APIs on one port, in a process that has the vendors' packages."""

    def __init__(self, log, piece=57):
        self.log = log
        log.touch()
        self.process = subprocess.Popen(
            [VENDORS, str(PEERS / "fake_vendors.py"), str(log), str(piece)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def requests(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def fake(tmp_path):
    server = Fake(tmp_path / "requests.jsonl")
    yield server
    server.close()


def judge(*arguments):
    result = subprocess.run(
        [VENDORS, str(PEERS / "sdk_judge.py"), *arguments], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout)


def decoded(name):
    """Our own reading of a fixture, from its picture."""
    path = next(FIXTURES.glob(f"providers/{name}.*.decoded"))
    reading = {"text": "", "reasoning": "", "calls": [], "usage": None, "error": None}
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind in ("text", "reasoning"):
            reading[kind] += json.loads(rest)
        elif kind == "call":
            call_id, tool, arguments = rest.split(" ", 2)
            reading["calls"].append([call_id, tool, json.loads(arguments)])
        elif kind == "usage":
            usage = json.loads(rest)
            reading["usage"] = [usage["input"], usage["cacheRead"], usage["cacheWrite"], usage["output"]]
        elif kind == "error":
            reading["error"] = rest
    return reading


def test_the_vendors_sdks_read_our_fakes_as_we_do(fake):
    answers = judge("answers", str(fake.port))
    assert len(answers) >= 28
    for name, theirs in answers.items():
        if "error-429" in name:
            assert "error" in theirs
            continue
        ours = decoded(name)
        if "error" in theirs or theirs.get("end") == "response.failed":
            assert ours["error"], name
            continue
        if "end" in theirs:
            continue
        assert theirs["text"] == ours["text"], name
        if name.startswith(("gemini", "ollama")):
            # The engine gives a call a name where the vendor gave none.
            assert [call[1:] for call in theirs["calls"]] == [call[1:] for call in ours["calls"]], name
        else:
            assert theirs["calls"] == ours["calls"], name
        if theirs.get("reasoning") is not None:
            assert theirs["reasoning"] == ours["reasoning"], name
        if theirs.get("usage") and ours["usage"]:
            assert theirs["usage"] == ours["usage"], name
    kinds = {
        json.loads(line[6:])["type"]
        for line in (FIXTURES / "providers/openai-responses-all-events.sse").read_text().splitlines()
        if line.startswith("data: ")
    }
    assert answers["openai-responses-all-events"]["types"] == len(kinds)


def test_the_vendors_sdks_take_our_requests():
    verdicts = judge("requests", str(FIXTURES / "requests"))
    assert set(verdicts) == {path.stem for path in (FIXTURES / "requests").glob("*.json")}
    assert {name: verdict for name, verdict in verdicts.items() if verdict != "ok"} == {}


# One turn in which the model calls a tool and then answers, in every format.

def provider(kind, url, extra=""):
    return f"""
apiVersion: promptkit.altairalabs.ai/v1alpha1
kind: Provider
metadata: {{name: under-test}}
spec:
  type: {kind}
  model: some-model
  base_url: {url}
  credential: {{credential_env: TEST_KEY}}
{extra}
"""


WEATHER = """
handlers:
  - name: weather
    type: http
    tool:
      name: get_weather
      description: the weather
      inputSchema: {{type: object, properties: {{city: {{type: string}}}}}}
    httpConfig: {{endpoint: "{url}/weather", method: POST}}
  - name: everything
    type: http
    tool: {{name: list_all, description: everything, inputSchema: {{type: object}}}}
    httpConfig: {{endpoint: "{url}/all", method: POST}}
"""


FORMATS = {
    "claude": ("claude", "", "", "x-api-key"),
    "openai-chat": ("openai", "/v1", "  additional_config: {api_mode: completions}", "Authorization"),
    "openai-responses": ("openai", "/v1", "  additional_config: {api_mode: responses}", "Authorization"),
    "gemini": ("gemini", "", "", "x-goog-api-key"),
    "ollama": ("ollama", "", "", "Authorization"),
    "vllm": ("vllm", "", "", "Authorization"),
}


def weather(handler, _):
    handler.reply(200, '{"celsius": 21}', {"Content-Type": "application/json"})


@pytest.mark.parametrize("name", FORMATS)
def test_a_turn_with_a_tool_call(workspace, http, fake, name):
    kind, path, extra, key_header = FORMATS[name]
    tools = http(weather)
    workspace.tools(WEATHER.format(url=tools.url))
    workspace.write("providers/test.yaml", provider(kind, fake.url + path, extra))
    result, document = workspace.ask(
        "weather in Oslo?", "--provider", "test", "--yes", env={"TEST_KEY": CANARY})
    assert result.returncode == 0, result.stderr
    assert document["text"] in ("Hello wörld ☃", "Still here.")
    assert "/weather" in [request[1] for request in tools.requests]
    first, second = fake.requests
    assert CANARY in first["headers"].get(key_header, "")
    assert "21" in json.dumps(second["body"]) and "celsius" in json.dumps(second["body"])
    leaks(workspace)


def leaks(workspace):
    """The key is nowhere in what the program wrote."""
    for folder in (workspace.home, workspace.folder):
        for path in folder.rglob("*"):
            if path.is_file():
                assert CANARY.encode() not in path.read_bytes(), path


def test_reasoning_goes_back_to_its_maker(workspace, http, fake):
    tools = http(weather)
    workspace.tools(WEATHER.format(url=tools.url))
    workspace.write("providers/test.yaml", provider("claude", fake.url))
    workspace.ask("weather?", "--provider", "test", "--yes", env={"TEST_KEY": CANARY})
    answer = fake.requests[1]["body"]["messages"][1]["content"]
    assert answer[0] == {"type": "thinking", "thinking": "Two cities, call twice.", "signature": "c2lnbmF0dXJl"}
    results = fake.requests[1]["body"]["messages"][2]["content"]
    assert [block["tool_use_id"] for block in results] == [block["id"] for block in answer if block["type"] == "tool_use"]


def test_bedrock_is_signed_as_botocore_signs(workspace, fake):
    text = provider("claude", fake.url, "  platform: {type: bedrock, region: eu-west-1}").replace(
        "  credential: {credential_env: TEST_KEY}\n", "").replace("some-model", "anthropic.claude-x:0")
    workspace.write("providers/test.yaml", text)
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "AWS_SESSION_TOKEN": "session/token+with=signs"}
    result, document = workspace.ask("hi", "--provider", "test", env=keys)
    assert result.returncode == 0, result.stderr
    assert document["text"] == "Hello wörld ☃"
    request = fake.requests[0]
    assert request["path"] == "/model/anthropic.claude-x%3A0/invoke-with-response-stream"
    assert request["headers"]["X-Amz-Security-Token"] == keys["AWS_SESSION_TOKEN"]
    # A wrong secret is refused: the judge judges.
    result = workspace.run(
        "run", "-p", "hi", "--provider", "test", env={**keys, "AWS_SECRET_ACCESS_KEY": "wrong-secret-0000"})
    assert result.returncode == 3 and "signature" in result.stderr


def test_a_token_comes_from_a_command(workspace, fake):
    workspace.write("token.sh", "#!/bin/sh\necho " + CANARY + "\n").chmod(0o755)
    text = provider("gemini", fake.url, "  platform: {type: vertex, project: p1, region: europe-west4}").replace(
        "{credential_env: TEST_KEY}", "{command: [./token.sh]}")
    workspace.write("providers/test.yaml", text)
    result, document = workspace.ask("hi", "--provider", "test")
    assert result.returncode == 0, result.stderr
    assert fake.requests[0]["path"].startswith(
        "/v1/projects/p1/locations/europe-west4/publishers/google/models/some-model:streamGenerateContent")
    assert fake.requests[0]["headers"]["Authorization"] == "Bearer " + CANARY


def test_omnias_resource_loads_with_its_secret_mapped(workspace, fake):
    workspace.write("providers/prod.yaml", f"""
apiVersion: omnia.altairalabs.ai/v1alpha1
kind: Provider
metadata: {{name: prod, namespace: dev}}
spec:
  type: claude
  model: claude-sonnet-5-5
  baseURL: {fake.url}
  credential: {{secretRef: {{name: llm-keys, key: ANTHROPIC_API_KEY}}}}
  defaults: {{temperature: "0.3", maxTokens: 55}}
  pricing: {{inputCostPer1K: "0.001", outputCostPer1K: "0.002"}}
""")
    workspace.write("cleo.yaml", "provider: prod\n")
    result = workspace.run("run", "-p", "hi")
    assert result.returncode in (2, 3)
    assert "llm-keys" in result.stderr and "secrets:" in result.stderr
    workspace.write("cleo.yaml", "provider: prod\nsecrets: {llm-keys: {ANTHROPIC_API_KEY: {env: MY_KEY}}}\n")
    result, document = workspace.ask("hi", env={"MY_KEY": CANARY})
    assert result.returncode == 0, result.stderr
    body = fake.requests[0]["body"]
    assert body["temperature"] == 0.3 and body["max_tokens"] == 55
    assert fake.requests[0]["headers"]["x-api-key"] == CANARY
    leaks(workspace)


def test_a_key_in_plain_text_is_complained_about(workspace, fake):
    text = provider("claude", fake.url).replace("{credential_env: TEST_KEY}", "{api_key: sk-plain-0123456789}")
    path = workspace.write("providers/test.yaml", text)
    result = workspace.run("validate", str(path))
    line = 1 + next(i for i, line in enumerate(text.splitlines()) if "api_key" in line)
    assert f":{line}:" in result.stdout + result.stderr
    assert "plain text" in result.stdout + result.stderr
    assert "sk-plain" not in result.stdout + result.stderr


def test_retries_and_rate_limits_are_events(workspace, fake):
    text = provider("openai", fake.url + "/v1").replace("some-model", "m@status-503-2")
    workspace.write("providers/test.yaml", text)
    result = workspace.run("run", "-p", "hi", "--provider", "test", "--events", env={"TEST_KEY": CANARY})
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    retries = [event["data"] for event in events if event["type"] == "model.retried"]
    assert [retry["attempt"] for retry in retries] == [1, 2]
    assert all(retry["milliseconds"] == 30 and retry["isAsked"] for retry in retries)
    spans = [event["data"] for event in events if event["type"] == "span.closed"]
    assert [span["name"] for span in spans if span["name"].startswith("wait")] == [
        "wait after try 1", "wait after try 2"]
    assert all(span["ended"] - span["started"] >= 25 for span in spans if span["name"].startswith("wait"))
    chat = next(span for span in spans if span["name"].startswith("chat"))
    assert chat["attributes"]["http.response.header.x-ratelimit-remaining-requests"] == "41"


def test_the_next_provider_answers_when_the_first_one_fails(workspace, fake):
    workspace.write("providers/bad.yaml", provider("openai", fake.url + "/v1").replace("some-model", "m@nothing-here"))
    workspace.write("providers/good.yaml", provider("claude", fake.url).replace("under-test", "good"))
    workspace.write("cleo.yaml", "provider: bad\nfallback: [good]\n")
    result = workspace.run("run", "-p", "hi", "--events", env={"TEST_KEY": CANARY})
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    retry = next(event["data"] for event in events if event["type"] == "model.retried")
    assert retry["next"] == "good some-model"
    usage = next(event["data"] for event in events if event["type"] == "usage.reported")
    assert usage["provider"] == "good"


def test_the_budget_of_the_day_outlives_the_program(workspace, fake):
    text = provider("claude", fake.url, "  pricing: {input_cost_per_1k: 1, output_cost_per_1k: 1}")
    workspace.write("providers/test.yaml", text)
    workspace.write("cleo.yaml", "provider: test\nlimits: {budget: {day: 2}}\n")
    env = {"TEST_KEY": CANARY}
    first = workspace.run("run", "-p", "hi", env=env)
    assert first.returncode == 0, first.stderr
    second = workspace.run("run", "-p", "hi", env=env)
    assert second.returncode == 1 and "budget of the day is used up" in second.stderr, second.stderr
    assert "limits.budget.day" in second.stderr
    # What was spent stays spent.
    for (session,) in workspace.query("SELECT id FROM sessions"):
        assert workspace.run("sessions", "rm", session).returncode == 0
    assert workspace.run("run", "-p", "hi", env=env).returncode == 1


def test_a_key_is_nowhere(workspace, terminal, fake):
    """A canary, searched for in everything that the program writes and shows, even when the server says it."""
    # From a file: a shell names the environment of a command that crashes.
    key = workspace.path / "key"
    key.write_text(CANARY + "\n")
    text = provider("claude", fake.url).replace("credential_env: TEST_KEY", f"credential_file: {key}")
    workspace.write("providers/good.yaml", text)
    workspace.write("providers/echo.yaml", text.replace("some-model", "m@echo-key"))
    workspace.write("cleo.yaml", "provider: good\n")
    screen = terminal(workspace, 150, 50, arguments=["--record", "rec"])
    screen.wait("say something")
    screen.say(f"my key is {CANARY}")
    screen.wait("Hello wörld")
    screen.say("/model echo")
    screen.wait("answers, from the next turn on")
    screen.say("again")
    screen.wait("Incorrect API key")
    shown = screen.screen
    screen.press("M-6", "Enter")
    shown += screen.wait("x-api-key")
    screen.press("r")
    shown += screen.wait("r readable")
    screen.press("End")
    shown += screen.wait("over after")
    screen.press("y", "Escape", "M-2", "Enter")
    shown += screen.screen
    assert CANARY not in shown
    # A crash says what crashed, and no more.
    os.kill(screen.pid, 11)
    screen.wait("left=")
    assert CANARY not in screen.tmux("capture-pane", "-p", "-S", "-2000")
    assert CANARY.encode().hex() not in screen.tmux("capture-pane", "-p", "-S", "-2000").replace(" ", "")
    leaks(workspace)
    for (session,) in workspace.query("SELECT id FROM sessions"):
        for form in ("events", "recording", "mock"):
            assert CANARY not in workspace.run("sessions", "export", session, "--format", form).stdout
    assert "•••" in workspace.query("SELECT group_concat(body) FROM events")[0][0]


# LiteLLM's proxy between us and the fakes: every route of it, over every kind of model behind it.

@pytest.fixture(scope="module")
def litellm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("litellm")
    fake = Fake(folder / "requests.jsonl", piece=400)
    models = {
        "over-openai": f"{{model: openai/gpt-4o-mini, api_base: '{fake.url}/v1', api_key: k}}",
        "over-anthropic": f"{{model: anthropic/claude-sonnet-4-5, api_base: '{fake.url}', api_key: k}}",
        "over-gemini": f"{{model: gemini/gemini-2.5-flash, api_base: '{fake.url}', api_key: k}}",
        "over-ollama": f"{{model: ollama_chat/llama3.2, api_base: '{fake.url}'}}",
        "mocked": "{model: openai/gpt-4o-mini, api_key: k, mock_response: 'mock says hi'}",
    }
    config = "model_list:\n" + "".join(
        f"  - {{model_name: {name}, litellm_params: {params}}}\n" for name, params in models.items())
    (folder / "config.yaml").write_text(config)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LD_LIBRARY_PATH")}
    log = open(folder / "log", "w")
    process = subprocess.Popen(
        [LITELLM, "--config", str(folder / "config.yaml"), "--host", "127.0.0.1", "--port", str(port)],
        stdout=log, stderr=log, cwd=folder,
        env={**environment, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "NO_PROXY": "*",
             "LITELLM_MASTER_KEY": PROXY_KEY})

    def ready():
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=1).status == 200
        except OSError:
            return False

    wait_for(ready, "LiteLLM's proxy", patience=120)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()
    fake.close()


ROUTES = {
    "chat": ("openai", "/v1", "  additional_config: {api_mode: completions}"),
    "responses": ("openai", "/v1", "  additional_config: {api_mode: responses}"),
    "messages": ("claude", "", ""),
    "gemini": ("gemini", "/v1beta", ""),
}


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("route", ROUTES)
def test_litellms_mock_on_every_route(workspace, litellm, route, streaming):
    kind, path, extra = ROUTES[route]
    extra += "" if streaming else "\n  streaming: false"
    workspace.write("providers/test.yaml", provider(kind, litellm + path, extra).replace("some-model", "mocked"))
    result, document = workspace.ask("hi", "--provider", "test", env={"TEST_KEY": PROXY_KEY})
    if route == "responses" and streaming and result.returncode != 0:
        # LiteLLM 1.106.2 fails here by itself, in a stream of its own; it has to be told well.
        assert "Error processing stream start" in document["error"]["message"]
        return
    assert result.returncode == 0, result.stderr
    assert document["text"] == "mock says hi"


@pytest.mark.parametrize("behind", ["over-openai", "over-anthropic", "over-gemini", "over-ollama"])
@pytest.mark.parametrize("route", ["chat", "messages", "responses", "gemini"])
def test_litellm_over_every_vendor_with_a_tool_call(workspace, http, litellm, route, behind):
    kind, path, extra = ROUTES[route]
    tools = http(weather)
    workspace.tools(WEATHER.format(url=tools.url))
    workspace.write("providers/test.yaml", provider(kind, litellm + path, extra).replace("some-model", behind))
    result, document = workspace.ask("weather in Oslo?", "--provider", "test", "--yes", env={"TEST_KEY": PROXY_KEY})
    assert result.returncode == 0, result.stderr
    assert document["text"] in ("Hello wörld ☃", "Still here."), document
    if (route, behind) == ("messages", "over-gemini"):
        # LiteLLM 1.106.2 runs two calls together into one here; the model is told, and nothing breaks.
        assert '{"city": "Oslo"}{}' in json.dumps(document).replace('\\"', '"') or not tools.requests
        return
    assert any(request[1] == "/weather" for request in tools.requests), (tools.requests, document)


def test_litellms_refusals_are_told(workspace, litellm):
    workspace.write("providers/test.yaml", provider("openai", litellm + "/v1").replace("some-model", "nobody"))
    result = workspace.run("run", "-p", "hi", "--provider", "test", env={"TEST_KEY": PROXY_KEY})
    assert result.returncode == 3
    assert "nobody" in result.stderr and "refused" in result.stderr


# Recording and replay: a bug that was seen once is a test for ever.

def test_what_was_recorded_plays_without_any_network(workspace, http, fake):
    tools = http(weather)
    workspace.tools(WEATHER.format(url=tools.url))
    workspace.write("providers/test.yaml", provider("claude", fake.url))
    options = ["--provider", "test", "--yes"]
    result, first = workspace.ask(
        "weather in Oslo?", *options, "--record", "rec", env={"TEST_KEY": CANARY})
    assert result.returncode == 0, result.stderr
    leaks(workspace)
    lines = [json.loads(line) for line in (workspace.folder / "rec/recording.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines].count("exchange") == 2
    assert [line["kind"] for line in lines].count("tool") == 2
    body = "".join(chunk["bytes"] for line in lines if line["kind"] == "exchange"
                   for chunk in line["data"]["chunks"][:10 ** 6])
    assert (FIXTURES / "providers/anthropic-thinking-tools.sse").read_text() in body
    # Everything that could answer is gone: no key, no server, no tool.
    asked, called = len(fake.requests), len(tools.requests)
    fake.close()
    tools.close()
    for pace in ("recorded", "instant", "10"):
        result, again = workspace.ask("weather in Oslo?", *options, "--replay", "rec", "--pace", pace)
        assert result.returncode == 0, result.stderr
        assert again["text"] == first["text"] and again["usage"] == first["usage"]
    assert (len(fake.requests), len(tools.requests)) == (asked, called)
    # Another question is another request: the difference is shown.
    result = workspace.run("run", "-p", "weather in Rome?", *options, "--replay", "rec", "--pace", "instant")
    assert result.returncode != 0
    assert '- "weather in Oslo?"' in result.stderr and '+ "weather in Rome?"' in result.stderr
    assert "/messages/0/content" in result.stderr
    # So is another prompt.
    workspace.pack(system_template="be kind\nand brief")
    result = workspace.run("run", "-p", "weather in Oslo?", *options, "--replay", "rec", "--pace", "instant")
    assert "+ and brief" in result.stderr
    # A recording is never written over.
    result = workspace.run("run", "-p", "x", *options, "--record", "rec", env={"TEST_KEY": CANARY})
    assert result.returncode != 0 and "is there already" in result.stderr


def test_a_stored_session_becomes_a_recording_and_a_mock(workspace, http, fake):
    tools = http(weather)
    workspace.tools(WEATHER.format(url=tools.url))
    workspace.write("providers/test.yaml", provider("openai", fake.url + "/v1", FORMATS["openai-chat"][2]))
    env = {"TEST_KEY": CANARY}
    result, first = workspace.ask("weather in Oslo?", "--provider", "test", "--yes", env=env)
    assert result.returncode == 0, result.stderr
    session = first["session"]
    fake.close()
    tools.close()
    assert workspace.run("sessions", "export", session, "--format", "recording", "-o", "rec").returncode == 0
    result, again = workspace.ask("weather in Oslo?", "--replay", "rec", "--pace", "instant", "--yes")
    assert result.returncode == 0, result.stderr
    assert again["text"] == first["text"] and again["usage"] == first["usage"]
    result = workspace.run("run", "-p", "other", "--replay", "rec", "--pace", "instant", "--yes")
    assert result.returncode != 0 and '+ "other"' in result.stderr
    # The mock plays the same, with the tools for real.
    tools = http(weather)
    workspace.tools(WEATHER.format(url=tools.url))
    assert workspace.run("sessions", "export", session, "--format", "mock", "-o", "prompts/test.mock.yaml").returncode == 0
    assert workspace.run("validate", "prompts/test.mock.yaml").returncode == 0
    result, mocked = workspace.ask("weather in Oslo?", "--yes")
    assert result.returncode == 0, result.stderr
    assert mocked["text"] == first["text"] and mocked["mock"]
    assert any(request[1] == "/weather" for request in tools.requests)


def test_a_mock_can_be_recorded_too(workspace):
    workspace.mock("default_response: hello\n")
    result, first = workspace.ask("hi", "--record", "rec")
    assert result.returncode == 0, result.stderr
    workspace.mock("default_response: something else\n")
    result, again = workspace.ask("hi", "--replay", "rec", "--pace", "instant")
    assert again["text"] == "hello"


# Images, prices, the network.

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.mark.parametrize("name", FORMATS)
def test_an_image_goes_along(workspace, fake, name):
    kind, path, extra, _ = FORMATS[name]
    (workspace.folder / "dot.png").write_bytes(PNG)
    workspace.write("providers/test.yaml", provider(kind, fake.url + path, extra))
    result, _ = workspace.ask("what is it?", "--provider", "test", "--attach", "dot.png", env={"TEST_KEY": CANARY})
    assert result.returncode == 0, result.stderr
    import base64
    assert base64.b64encode(PNG).decode() in json.dumps(fake.requests[0]["body"])
    text = workspace.run("run", "-p", "x", "--provider", "test", "--attach", "cleo.md", env={"TEST_KEY": CANARY})
    assert text.returncode != 0


def test_prices_are_listed_and_updated_from_litellms_file(workspace):
    shown = workspace.run("prices", "list", "gpt-6-luna")
    assert shown.returncode == 0 and "over 272,000 sent" in shown.stdout and "2026-11-20" in shown.stderr
    table = next((ROOT / ".build/venv-litellm/lib").glob("*/site-packages/litellm/model_prices_and_context_window_backup.json"))
    updated = workspace.run("prices", "update", str(table))
    assert updated.returncode == 0, updated.stderr
    document = json.loads(workspace.run("prices", "--json").stdout)
    source = json.loads(table.read_text())
    ours = document["models"]["openai/gpt-6-luna"]
    theirs = source["gpt-6-luna"]
    assert ours["input"] == pytest.approx(theirs["input_cost_per_token"] * 1e6)
    assert ours["over"]["272000"]["output"] == pytest.approx(theirs["output_cost_per_token_above_272k_tokens"] * 1e6)
    assert document["age_days"] == 0 and "LiteLLM" in document["source"]
    assert len(document["models"]) > 1_000
    bad = workspace.write("bad.json", '{"a": 1}')
    assert "is no price file" in workspace.run("prices", "update", str(bad)).stderr


def test_requests_go_through_the_proxy_that_is_named(workspace, fake, http):
    proxy = http(lambda handler, _: handler.reply(
        200, json.dumps({"choices": [{"message": {"content": "by proxy"}, "finish_reason": "stop"}]}),
        {"Content-Type": "application/json"}))
    workspace.write("providers/test.yaml", provider("openai", "http://models.invalid/v1"))
    workspace.write("cleo.yaml", f"network: {{proxy: '{proxy.url}'}}\nprovider: test\n")
    result, document = workspace.ask("hi", env={"TEST_KEY": CANARY})
    assert result.returncode == 0, result.stderr
    assert document["text"] == "by proxy"
    assert proxy.requests[0][1] == "http://models.invalid/v1/chat/completions"


def certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem",
         "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("http2", [True, False])
def test_http_2_is_spoken_where_it_is_offered(workspace, tmp_path, free_port, background, http2):
    certificate(tmp_path)
    background(VENDORS, str(PEERS / "h2_server.py"), str(free_port), str(tmp_path / "ca.pem"), str(tmp_path / "ca.key"))

    def ready():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", free_port)) == 0

    wait_for(ready, "the HTTP/2 server")
    workspace.write("providers/test.yaml", provider("openai", f"https://127.0.0.1:{free_port}/v1"))
    workspace.write(
        "cleo.yaml", f"network: {{ca_file: '{tmp_path}/ca.pem', http2: {str(http2).lower()}}}\nprovider: test\n")
    result = workspace.run("run", "-p", "hi", "--events", env={"TEST_KEY": CANARY})
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    text = next(event["data"]["text"] for event in events if event["type"] == "message.completed")
    assert text == ("spoken over 2" if http2 else "spoken over 1.1")
    spans = [event["data"] for event in events if event["type"] == "span.closed"]
    chat = next(span for span in spans if span["name"].startswith("chat"))
    assert chat["attributes"]["network.protocol.version"] == ("2" if http2 else "1.1")


def test_a_certificate_authority_of_ones_own(workspace, tmp_path):
    import http.server
    import ssl
    import threading

    certificate(tmp_path)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"choices": [{"message": {"content": "sealed"}, "finish_reason": "stop"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "ca.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    workspace.write("providers/test.yaml", provider("openai", f"https://127.0.0.1:{server.server_port}/v1"))
    refused = workspace.run("run", "-p", "hi", "--provider", "test", env={"TEST_KEY": CANARY})
    assert refused.returncode == 3 and "could not prove who it is" in refused.stderr
    workspace.write("cleo.yaml", f"network: {{ca_file: '{tmp_path}/ca.pem'}}\nprovider: test\n")
    result, document = workspace.ask("hi", env={"TEST_KEY": CANARY})
    assert result.returncode == 0, result.stderr
    assert document["text"] == "sealed"
    server.shutdown()


def test_one_connection_serves_a_whole_turn(workspace, http):
    """The end of a stream is read, so that the next request need not shake hands anew."""
    ports = []

    def answer(handler, count):
        ports.append(handler.client_address[1])
        name = "openai-chat-tools" if len(ports) == 1 else "openai-chat-text"
        data = (FIXTURES / f"providers/{name}.sse").read_bytes()
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.send(b"%x\r\n" % len(data) + data + b"\r\n")
        # The end comes a moment after the last word.
        time.sleep(0.05)
        handler.send(b"0\r\n\r\n")

    def slow_weather(handler, count):
        time.sleep(0.3)
        weather(handler, count)

    model, tools = http(answer), http(slow_weather)
    workspace.tools(WEATHER.format(url=tools.url))
    workspace.write("providers/test.yaml", provider("openai", model.url + "/v1"))
    result, document = workspace.ask("weather?", "--provider", "test", "--yes", env={"TEST_KEY": CANARY})
    assert result.returncode == 0, result.stderr
    assert len(ports) == 2 and ports[0] == ports[1], ports


def test_gateways_with_keys_in_their_address_keep_them(workspace, fake):
    workspace.write("providers/test.yaml", provider("openai", fake.url + "/v1", "  headers: {Authorization: Bearer sk-in-a-header-1}"))
    result = workspace.run("run", "-p", "I say sk-in-a-header-1", "--provider", "test", "--record", "rec", env={"TEST_KEY": CANARY})
    assert result.returncode == 0, result.stderr
    assert fake.requests[0]["headers"]["Authorization"] == "Bearer sk-in-a-header-1"
    assert b"in-a-header" not in (workspace.folder / "rec/recording.jsonl").read_bytes()
    assert b"in-a-header" not in workspace.database.read_bytes()


def test_timeouts_keep_what_came(workspace, http):
    def answer(handler, count):
        if count == 1:
            time.sleep(3)
            return
        handler.stream()
        handler.send('data: {"choices":[{"index":0,"delta":{"content":"half of"}}]}\n\n')
        time.sleep(3)

    server = http(answer)
    workspace.write("providers/test.yaml", provider(
        "openai", server.url + "/v1", "  request_timeout: 300ms\n  stream_idle_timeout: 400ms\n  max_retries: 0"))
    result = workspace.run("run", "-p", "hi", "--provider", "test", env={"TEST_KEY": CANARY})
    assert result.returncode == 3 and "gave no answer within 300ms" in result.stderr, result.stderr
    result, document = workspace.ask("hi", "--provider", "test", env={"TEST_KEY": CANARY})
    assert result.returncode == 3 and "sent nothing more for 400ms" in document["error"]["message"]
    assert document["text"] == "half of"
    # The unfinished answer is kept as what it is.
    messages = [json.loads(body)["data"] for (body,) in workspace.query(
        "SELECT body FROM events WHERE type = 'message.completed'")]
    assert [message["interrupted"] for message in messages] == [True]
