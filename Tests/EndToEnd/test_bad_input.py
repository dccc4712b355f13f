"""Everything that can be wrong: each ends in a clear message and a usable program."""

import json
import os
import shutil
import subprocess
import time

import pytest

from conftest import chunk, wait_for

OPENAI = ["--provider", "openai", "--model", "test-model"]


def provider(workspace, url, **more):
    workspace.write("cleo.yaml", json.dumps({
        "provider": {"id": "local", "type": "openai", "model": "test-model", "base_url": url, **more}}))


# Packs


@pytest.mark.parametrize("text, words", [
    ('{"id": "a",\n  "name": }', "test.pack.json:2:11: error:"),
    ('{"id":"a","name":"A","version":"1.0.0","prompts":{"m":{"id":"m","name":"m","version":"1.0.0","system_template":"x","varaibles":[]}}}',
     "did you mean 'variables'"),
    ("", "test.pack.json:1:1: error:"),
])
def test_a_broken_pack_says_where(workspace, terminal, text, words):
    workspace.write("prompts/test.pack.json", text)
    result = workspace.run("run", "-p", "hi")
    assert result.returncode == 2 and words in result.stderr
    screen = terminal(workspace)
    screen.wait("left=2")
    assert words.split(":")[0] in screen.screen


def test_a_missing_variable_is_asked_for(workspace, terminal):
    workspace.pack(system_template="Hello {{city}}", variables=[{"name": "city", "type": "string", "required": True}])
    result, document = workspace.ask("hi")
    assert result.returncode == 2 and "--var city=VALUE" in document["error"]["hint"]
    screen = terminal(workspace)
    screen.wait("the prompt needs city (string)")
    screen.press("Escape")
    screen.wait("say something")
    screen.say("hi")
    screen.wait("value for 'city'", "hint:")
    _, document = workspace.ask("hi", "--var", "city=Oslo")
    assert document["status"] == "completed"


# Tools


def test_an_unknown_handler_type_does_not_stop_the_start(workspace, terminal):
    workspace.tools("handlers:\n  - name: a\n    type: htpp\n")
    screen = terminal(workspace)
    screen.wait("tools.yaml:3:11: error: 'type' has the value 'htpp'", "did you mean 'http'", "say something")


HTTP_RULES = """
rules:
  - when: 'get'
    calls: [{name: fetch, arguments: {}}]
    then: 'got ${fetch}'
    failed: 'no: ${error}'
"""


def http_tool(workspace, url, timeout="3s"):
    workspace.mock(HTTP_RULES)
    workspace.tools(
        f"handlers:\n  - name: web\n    type: http\n    timeout: {timeout}\n"
        "    tool: {name: fetch, description: d, inputSchema: {type: object}}\n"
        f"    httpConfig: {{endpoint: '{url}', method: GET}}\n")


def forever(handler, _):
    handler.stream()
    while True:
        handler.send(b"x" * 65536)


def drip(handler, _):
    handler.stream()
    for _ in range(1000):
        handler.send(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("answer, words", [
    (lambda h, _: h.reply(500, "broken \x1b[2J"), "HTTP 500: broken"),
    (lambda h, _: h.reply(302, headers={"Location": "file:///etc/passwd"}), "redirects to 'file:///etc/passwd'"),
    (forever, "larger than"),
    (drip, "gave no answer within 3s"),
    (lambda h, _: h.connection.shutdown(2), "closed the connection"),
])
def test_an_http_tool_that_goes_wrong_is_a_result(workspace, http, answer, words):
    peer = http(answer)
    http_tool(workspace, peer.url)
    result, document = workspace.ask("get it")
    assert result.returncode == 0
    assert document["tool_calls"][0]["status"] == "failed"
    assert words in document["text"] or (words == "gave no answer within 3s" and "not done in time" in document["text"]), document["text"]
    assert "root:" not in document["text"]


def test_a_tool_that_nobody_serves_is_a_result(workspace, free_port):
    http_tool(workspace, f"http://127.0.0.1:{free_port}")
    _, document = workspace.ask("get it")
    assert "cannot be reached" in document["text"]


# Providers


def test_a_whole_turn_with_an_openai_compatible_server(workspace, http):
    def answer(handler, number):
        body = json.loads(handler.body)
        handler.stream()
        if number == 1:
            assert body["messages"][0] == {"role": "system", "content": "be kind"}
            assert body["tools"][0]["function"]["name"] == "fetch"
            handler.send(chunk(calls=[("call_9", "fetch", {})]))
            handler.send(chunk(finish="tool_calls"))
        else:
            assert body["messages"][-1]["role"] == "tool" and body["messages"][-1]["tool_call_id"] == "call_9"
            handler.send(chunk("The tool said " + body["messages"][-1]["content"]))
            handler.send(chunk(finish="stop"))
        handler.send(chunk(usage={"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 40}}))
        handler.send("data: [DONE]\n\n")

    tool = http(lambda h, _: h.reply(200, "sunny"))
    http_tool(workspace, tool.url)
    peer = http(answer)
    provider(workspace, peer.url + "/v1", credential_env="TEST_KEY")
    result, document = workspace.ask("hi", env={"TEST_KEY": "sk-canary-0123456789"})
    assert document["text"] == "The tool said sunny", (document, result.stderr)
    assert document["usage"] == {"input": 120, "cacheRead": 80, "cacheWrite": 0, "output": 14, "reasoning": 0}
    assert document["cost_usd"] is None
    assert peer.requests[0][1] == "/v1/chat/completions"
    assert peer.requests[0][2]["Authorization"] == "Bearer sk-canary-0123456789"
    # The key is in nothing that the program wrote.
    for path in workspace.home.rglob("*"):
        if path.is_file():
            assert b"canary" not in path.read_bytes(), path


def test_openais_own_key_goes_nowhere_else(workspace, http):
    def answer(handler, _):
        handler.stream()
        handler.send(chunk("hello") + chunk(finish="stop") + "data: [DONE]\n\n")

    peer = http(answer)
    provider(workspace, peer.url + "/v1")
    workspace.ask("hi", env={"OPENAI_API_KEY": "sk-canary-0123456789"})
    assert "Authorization" not in peer.requests[0][2]


def half_chunked(handler, _):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    data = chunk("half an ans").encode()
    handler.send(b"%x\r\n%s\r\n" % (len(data), data))
    handler.close_connection = True
    handler.connection.shutdown(2)


def bad_json(handler, _):
    handler.stream()
    handler.send(chunk("half an ans") + "data: {broken\n\n")


@pytest.mark.parametrize("answer, code, words", [
    (half_chunked, 3, "closed the connection"),
    (bad_json, 3, "JSON"),
    (lambda h, _: h.reply(401, '{"error": {"message": "bad key"}}', {"Content-Type": "application/json"}), 3, "401"),
    (lambda h, _: h.reply(429, '{"error": {"message": "slow down"}}', {"Retry-After": "100"}), 3, "slow down"),
    (lambda h, _: h.reply(200, "<html>a login page</html>", {"Content-Type": "text/html"}), 3, ""),
])
def test_a_provider_that_goes_wrong_ends_the_turn_clearly(workspace, http, answer, code, words, terminal):
    peer = http(answer)
    provider(workspace, peer.url + "/v1")
    result, document = workspace.ask("hi")
    assert result.returncode == code and document["status"] == "failed"
    assert words in document["error"]["message"], document
    screen = terminal(workspace)
    screen.wait("say something")
    screen.say("hi")
    screen.wait("✗ ")
    if answer in (half_chunked, bad_json):
        screen.wait("half an ans", "(interrupted)")
    screen.say("/quit")
    assert screen.left() == 0


def test_retry_after_is_waited_for_and_seen(workspace, http):
    def answer(handler, number):
        if number == 1:
            return handler.reply(429, '{"error": {"message": "slow down"}}', {"Retry-After": "1"})
        handler.stream()
        handler.send(chunk("patience pays") + chunk(finish="stop") + "data: [DONE]\n\n")

    peer = http(answer)
    provider(workspace, peer.url + "/v1")
    result = workspace.run("run", "-p", "hi")
    assert result.stdout.strip() == "patience pays"
    assert "try 2 follows" in result.stderr


def test_escape_closes_the_socket_to_the_provider(workspace, http, terminal):
    gone = []

    def answer(handler, _):
        handler.stream()
        try:
            while True:
                handler.send(chunk("tick "))
                time.sleep(0.02)
        except OSError:
            gone.append(time.monotonic())
            raise BrokenPipeError

    peer = http(answer)
    provider(workspace, peer.url + "/v1")
    screen = terminal(workspace)
    screen.wait("say something")
    screen.say("hi")
    screen.wait("tick tick")
    screen.press("Escape")
    screen.wait("! stopped")
    wait_for(lambda: gone, "the socket to close")


def test_no_key_is_said_before_anything_is_sent(workspace):
    result = workspace.run("run", "-p", "hi", *OPENAI)
    assert result.returncode == 3 and "OPENAI_API_KEY" in result.stderr
    result = workspace.run("run", "-p", "hi", "--provider", "openai")
    assert result.returncode == 2 and "--model NAME" in result.stderr


# The machine


def test_a_terminal_of_one_cell(workspace, terminal):
    workspace.mock("rules:\n  - when: 'hi'\n    say: hello there\n")
    screen = terminal(workspace, columns=1, rows=1)
    time.sleep(0.5)
    screen.say("hi")
    screen.resize(100, 30)
    screen.wait("hello there")


def test_a_home_that_cannot_be_written(workspace, terminal):
    blocker = workspace.home / "data"
    blocker.write_text("a file where a folder should be")
    workspace.mock("rules:\n  - when: 'hi'\n    say: hello there\n")
    screen = terminal(workspace)
    screen.wait("conversations are not kept", "hint:")
    screen.say("hi")
    screen.wait("hello there")
    screen.press("C-c", "C-c")
    assert screen.left() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk(workspace, terminal):
    disk = workspace.home / "data"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        workspace.mock("rules:\n  - when: 'hi'\n    say: hello there\n")
        screen = terminal(workspace)
        screen.wait("say something")
        filler = disk / "filler"
        handle = os.open(filler, os.O_CREAT | os.O_WRONLY)
        try:
            while True:
                os.write(handle, b"x" * 4096)
        except OSError:
            os.close(handle)
        screen.say("hi")
        screen.wait("hello there")
        screen.wait("not being saved")
        filler.unlink()
        screen.wait_gone("not being saved")
        screen.say("hi again")
        screen.wait("hi again")
        screen.press("C-c", "C-c")
        assert screen.left() == 0
        assert workspace.query("PRAGMA integrity_check") == [("ok",)]
        texts = [json.loads(r[0])["data"].get("text") for r in workspace.query("SELECT body FROM events WHERE type = 'turn.started' ORDER BY sequence")]
        assert texts == ["hi", "hi again"]
    finally:
        subprocess.run(["umount", "-l", str(disk)])
