"""Attaching to an agent of a cluster: a facade of Python's `websockets`, which does what the real one was seen to do."""

import asyncio
import base64
import json
import os
import socket
import ssl
import subprocess
import threading
import time

import pytest
import trustme

from conftest import wait_for
from facade import Facade


@pytest.fixture
def facade():
    opened = []

    def start(answer, **options):
        opened.append(Facade(answer, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


async def echo(connection, frame):
    for word in ("Echo: ", frame["content"]):
        await connection.send("chunk", frame["session_id"], content=word)
    await connection.send("done", frame["session_id"], content=f"Echo: {frame['content']}")


def attach(workspace, url, *arguments, **options):
    return workspace.run("attach", url, *arguments, **options)


def events(result):
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_a_turn(workspace, facade):
    server = facade(echo)
    result = attach(workspace, server.url, "-p", "hello")
    assert result.returncode == 0 and "Echo: hello" in result.stdout, result.stderr
    sent = server.frames[0]
    assert sent == {"type": "message", "session_id": server.sessions[0], "content": "hello"}
    request = server.requests[0]
    assert request.path == "/ws?agent=demo&namespace=dev" and "Origin" not in request.headers
    # The local log has it.
    assert [kind for (kind,) in workspace.query("SELECT type FROM events ORDER BY sequence") if "message" in kind or "turn" in kind] == [
        "turn.started", "message.completed", "turn.finished"]


def test_several_turns_name_their_session(workspace, facade):
    server = facade(echo)
    result = workspace.run("attach", server.url, stdin="one\ntwo\n\nthree\n")
    assert [f"Echo: {word}" in result.stdout for word in ("one", "two", "three")] == [True] * 3, result.stdout + result.stderr
    assert {frame["session_id"] for frame in server.frames} == {server.sessions[0]}


@pytest.mark.parametrize("status,words,told", [
    (401, "unauthorized", "is the token right"), (403, "Forbidden", "does not let"), (400, "agent parameter is required", "?agent=NAME")])
def test_who_is_refused_is_told_why(workspace, facade, status, words, told):
    server = facade(echo, check=lambda request: (status, words + "\n"))
    result = attach(workspace, server.url, "-p", "hi")
    assert result.returncode != 0 and words in result.stderr and told in result.stderr, result.stderr
    assert len(server.requests) == 1


def test_a_server_that_is_not_there(workspace, free_port):
    result = attach(workspace, f"ws://127.0.0.1:{free_port}/ws?agent=demo", "-p", "hi")
    assert result.returncode != 0 and "cannot be reached" in result.stderr and "given up after 4 tries" in result.stderr


def test_a_context_has_everything(workspace, facade, tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server = facade(echo, ssl=context, check=lambda request: None if request.headers.get(
        "Authorization") == "Bearer secret-token-5" and request.headers.get("X-Team") == "shop" else (401, "unauthorized\n"))
    workspace.write("cleo.yaml", f"""contexts:
  prod:
    url: wss://localhost:{server.port}/ws
    agent: demo
    namespace: dev
    headers: {{X-Team: shop}}
    token: {{command: [cat, token]}}
    ca_file: {tmp_path}/ca.pem
""")
    workspace.write("token", "secret-token-5\n")
    result = attach(workspace, "prod", "-p", "hello")
    assert "Echo: hello" in result.stdout, result.stderr
    assert server.requests[0].path == "/ws?agent=demo&namespace=dev"
    assert "secret-token-5" not in (workspace.database).read_bytes().decode(errors="ignore")
    # The person's own file, and names that are nearly right.
    (workspace.folder / "cleo.yaml").rename(workspace.home / "config.yaml")
    (workspace.home / ".config/cleo-tui").mkdir(parents=True)
    (workspace.home / "config.yaml").rename(workspace.home / ".config/cleo-tui/config.yaml")
    assert "Echo: again" in attach(workspace, "prod", "-p", "again").stdout
    assert "did you mean 'prod'" in attach(workspace, "prd", "-p", "hi").stderr
    (workspace.home / ".config/cleo-tui/config.yaml").write_text("contexts: {prod: {url: 'https://x'}}\n")
    assert "is no address of a facade" in attach(workspace, "prod", "-p", "hi").stderr


def test_the_same_token_asked_for_anew(workspace, facade):
    """A command gives another token after a 401."""
    server = facade(echo, check=lambda request: None if request.headers["Authorization"] == "Bearer t-2" else (401, "unauthorized\n"))
    workspace.write("cleo.yaml", f"contexts: {{c: {{url: '{server.url}', token: {{command: [sh, next.sh]}}}}}}\n")
    workspace.write("next.sh", "echo x >> count; echo t-$(wc -l < count)\n")
    assert "Echo: hi" in attach(workspace, "c", "-p", "hi").stdout
    assert len(server.requests) == 2


def test_the_last_segment_is_only_the_last(workspace, facade):
    async def answer(connection, frame):
        await connection.send("chunk", content="before ")
        await connection.send("tool_call", tool_call={"id": "c1", "name": "where", "arguments": {"a": 1}, "consent_message": "may I?"})
        assert (await connection.until("tool_call_ack"))["tool_call_ack"] == {"call_id": "c1"}
        result = (await connection.until("tool_result"))["tool_result"]
        await connection.send("chunk", content=f"after {json.dumps(result.get('result', result))}")
        await connection.send("done", content="final")

    server = facade(answer)
    workspace.write("cleo.yaml", "client_tools: {where: {command: [sh, -c, 'echo {\\\"result\\\": {\\\"lat\\\": 1.5}}']}}\n")
    result = attach(workspace, server.url, "-p", "tool", "--json")
    said = [e for e in events(result) if e["type"] == "message.completed"]
    assert said[0]["data"]["text"] == 'before after {"lat": 1.5}', result.stdout + result.stderr


def test_a_client_tool_on_the_screen(workspace, facade, terminal):
    async def answer(connection, frame):
        for number in (1, 2):
            await connection.send("tool_call", tool_call={"id": f"c{number}", "name": "where", "arguments": {"n": number},
                                                          "consent_message": "may I?", "categories": ["location"]})
            await connection.until("tool_call_ack", patience=4)
            got = await connection.until("tool_result", patience=30)
            await connection.send("chunk", content=f"[{json.dumps(got['tool_result'])}]")
        await connection.send("done")

    server = facade(answer)
    screen = terminal(workspace, arguments=("attach", server.url))
    screen.wait("● 127.0.0.1", "say something")
    screen.say("go")
    screen.wait("where asks you", "may I? (location)", "s left")
    screen.press("a")
    screen.say("Oslo")
    screen.wait('"result": "Oslo"', '"n": 2')
    screen.press("n")
    screen.wait('"error": "denied by user"')
    screen.wait_gone("asks you")


def test_the_demo_handler_answers_itself(workspace, facade, terminal):
    async def answer(connection, frame):
        await connection.send("tool_call", tool_call={"id": "c1", "name": "weather", "arguments": {}})
        await asyncio.sleep(0.3)
        await connection.send("tool_result", tool_result={"id": "c1", "result": {"degrees": 3}})
        await connection.send("done", content="cold")

    screen = terminal(workspace, arguments=("attach", facade(answer).url))
    screen.wait("say something", "● 127.0.0.1")
    screen.say("how is it?")
    screen.wait("cold", "weather")
    screen.wait_gone("asks you")


def test_the_place_of_the_turn_before(workspace, facade):
    """A message right after `done` is refused for a moment, and sent again."""
    refused = []

    async def answer(connection, frame):
        if frame["content"] == "two" and len(refused) < 2:
            refused.append(1)
            return await connection.send("error", error={"code": "RATE_LIMITED", "message": "too many in-flight requests"})
        await echo(connection, frame)

    server = facade(answer)
    result = workspace.run("attach", server.url, stdin="one\ntwo\n")
    assert result.returncode == 0 and "Echo: two" in result.stdout and len(refused) == 2, result.stderr
    assert len(server.connections) == 1


def test_the_jam_after_an_error(workspace, facade):
    jammed = set()

    async def answer(connection, frame):
        if connection in jammed:
            return await connection.send("error", error={"code": "RATE_LIMITED", "message": "too many in-flight requests"})
        if frame["content"] == "fail":
            jammed.add(connection)
            return await connection.send("error", error={"code": "INTERNAL_ERROR", "message": "generic"})
        await echo(connection, frame)

    server = facade(answer)
    result = workspace.run("attach", server.url, stdin="one\nfail\ntwo\n")
    assert "Echo: two" in result.stdout and "generic" in result.stderr + result.stdout, result.stderr
    assert [frame["session_id"] for frame in server.frames] == [server.sessions[0]] * 3
    assert len(server.connections) == 2


def test_an_expired_session_asks(workspace, facade, terminal):
    alive = {"known": True}

    async def answer(connection, frame):
        if frame["session_id"] != connection.session and not alive["known"]:
            return await connection.send("error", frame["session_id"], error={
                "code": "SESSION_EXPIRED", "message": "session context has expired; start a new session"})
        await echo(connection, frame)

    server = facade(answer)
    screen = terminal(workspace, arguments=("attach", server.url))
    screen.wait("say something", "● 127.0.0.1")
    screen.say("remember blue")
    screen.wait("Echo: remember blue")
    alive["known"] = False
    asyncio.run_coroutine_threadsafe(server.connections[0].socket.close(), server.loop)
    screen.wait("● 127.0.0.1")
    wait_for(lambda: len(server.connections) == 2, "another connection")
    screen.wait("● 127.0.0.1")
    screen.say("what colour?")
    screen.wait("no longer knows this conversation", "a yes")
    screen.press("a")
    screen.wait("Echo: What was said before")
    last = server.frames[-1]
    assert last["session_id"] == server.sessions[1] and "user: remember blue" in last["content"] and "what colour?" in last["content"]


def test_an_expired_session_without_history_is_no_alarm(workspace, facade):
    async def answer(connection, frame):
        if frame["session_id"] != connection.session:
            return await connection.send("error", error={"code": "SESSION_EXPIRED", "message": "session context has expired"})
        if frame["content"] == "fail":
            return await connection.send("error", error={"code": "INTERNAL_ERROR", "message": "generic"})
        await echo(connection, frame)

    server = facade(answer)
    result = workspace.run("attach", server.url, stdin="fail\ntwo\n")
    assert "Echo: two" in result.stdout and "no longer knows" not in result.stderr, result.stderr


def test_a_turn_that_ends_without_a_word(workspace, facade, terminal):
    async def answer(connection, frame):
        if frame["content"] == "silence":
            return
        await echo(connection, frame)

    workspace.write("cleo.yaml", f"contexts: {{c: {{url: '{facade(answer).url}', silence_notice: 1s, silence_limit: 3s}}}}\n")
    screen = terminal(workspace, arguments=("attach", "c"))
    screen.wait("say something", "● c")
    screen.say("silence")
    screen.wait("nothing has come for")
    screen.wait("the server said nothing for")
    screen.wait("● c")
    screen.say("again")
    screen.wait("Echo: again")


def test_the_network_goes_and_comes_back(workspace, facade, terminal, free_port):
    async def answer(connection, frame):
        if frame["content"] == "long":
            await connection.send("chunk", content="half an answer")
            return connection.socket.transport.abort()
        await echo(connection, frame)

    server = facade(answer, port=free_port)
    screen = terminal(workspace, arguments=("attach", server.url))
    screen.wait("say something", "● 127.0.0.1")
    screen.say("long")
    screen.wait("half an answer", "lost in the middle")
    # What is written meanwhile is kept.
    screen.wait("● 127.0.0.1")
    server.loop.call_soon_threadsafe(server.server.close)
    screen.wait("✗ 127.0.0.1")
    screen.say("still here?")
    screen.wait("kept until the connection is there")
    second = facade(echo, port=free_port)
    screen.wait("Echo: still here?", patience=40)
    # The same session, on another connection.
    assert second.frames[0]["session_id"] == server.sessions[0]


def test_a_drain_and_a_shutdown(workspace, facade, terminal, free_port):
    state = {"draining": False}
    server = facade(echo, port=free_port, check=lambda request: (503, "server draining\n") if state["draining"] else None)
    screen = terminal(workspace, arguments=("attach", server.url))
    screen.wait("say something", "● 127.0.0.1")
    state["draining"] = True
    asyncio.run_coroutine_threadsafe(server.connections[0].socket.close(1001, "server shutdown"), server.loop)
    screen.wait("server draining")
    state["draining"] = False
    screen.wait("● 127.0.0.1", patience=40)
    screen.say("hi")
    screen.wait("Echo: hi")


def test_files_come_and_go(workspace, facade, terminal):
    async def answer(connection, frame):
        await connection.send("media_chunk", media_chunk={"media_id": "m", "sequence": 0, "is_last": False, "data": base64.b64encode(b"abc").decode(), "mime_type": "audio/mp3"})
        await connection.send("media_chunk", media_chunk={"media_id": "m", "sequence": 1, "is_last": True, "data": base64.b64encode(b"def").decode(), "mime_type": "audio/mp3"})
        head = b"OMNI\x01\x04\x00\x01" + (20).to_bytes(4, "big") + (3).to_bytes(4, "big") + bytes(4) + b"media-000001"
        await connection.socket.send(head + b'{"mime_type":"x/y"}\n' + b"xyz")
        await connection.socket.send(b"OMNI\x02broken")
        await connection.send("done", parts=[{"type": "text", "text": "here:"}, {"type": "image", "media": {"data": "QUJD", "mime_type": "image/png"}}])

    result = attach(workspace, facade(answer).url, "-p", "media", "--json")
    saved = sorted(p.read_bytes() for p in (workspace.home / "data/cleo-tui/media").iterdir())
    assert saved == [b"ABC", b"abcdef", b"xyz"], result.stderr
    said = [e["data"] for e in events(result)]
    assert any("a binary frame has no whole head" in json.dumps(e) for e in said)
    assert [e["data"]["text"] for e in events(result) if e["type"] == "message.completed"] == ["here:"]


def test_unknown_things_are_said_and_kept(workspace, facade):
    async def answer(connection, frame):
        await connection.socket.send("this is no JSON")
        await connection.send("hologram", beam={"x": 1})
        await connection.send("chunk", role="user", content="as I heard")
        await echo(connection, frame)

    result = attach(workspace, facade(answer).url, "-p", "hi", "--json")
    text = result.stdout
    assert "something that is no frame" in text and "'hologram'" in text and "heard: as I heard" in text
    assert [e["data"]["text"] for e in events(result) if e["type"] == "message.completed"] == ["Echo: hi"]


def archive_rows(path):
    at = time.strftime("%Y-%m-%dT%H:%M:%S.5Z", time.gmtime())
    what = path.split("?")[0].rsplit("/", 1)[1]
    return {
        "tool-calls": [
            {"id": "1", "callId": "c", "name": "lookup", "arguments": {"id": 7}, "status": "pending", "createdAt": at,
             "labels": {"handler_name": "orders"}},
            {"id": "2", "callId": "c", "name": "lookup", "status": "success", "result": "it is lost", "durationMs": 40, "createdAt": at}],
        "provider-calls": [{"id": "3", "provider": "openai", "providerName": "main", "model": "gpt-5", "status": "completed",
                            "inputTokens": 120, "outputTokens": 30, "cachedTokens": 20, "costUsd": 0.25, "durationMs": 800, "createdAt": at}],
        "events": [{"id": "4", "eventType": "prompt.template.rendered", "data": {"system_prompt": "You are remote."}, "timestamp": at},
                   {"id": "5", "eventType": "stage.failed", "data": {"Name": "x"}, "errorMessage": "it broke", "timestamp": at}],
        "eval-results": None,
    }.get(what, {"session": {"variant": "canary", "promptPackName": "shop", "promptPackVersion": "2.1"}, "messages": []})


def test_what_the_facade_does_not_tell(workspace, facade, http, terminal):
    archive = http(lambda handler, _: handler.reply(
        200 if handler.headers.get("Authorization") == "Bearer t-archive-1" else 401, json.dumps(archive_rows(handler.path)),
        {"Content-Type": "application/json"}))
    server = facade(echo)
    workspace.write("cleo.yaml", f"contexts: {{c: {{url: '{server.url}', session_api: '{archive.url}/api/v1',"
                    " session_api_token: {env: ARCHIVE_TOKEN}}}\n")
    screen = terminal(workspace, columns=200, rows=50, arguments=("attach", "c"), env={"ARCHIVE_TOKEN": "t-archive-1"})
    screen.wait("● c", "say something")
    screen.say("hello")
    screen.wait("Echo: hello")
    screen.wait("$0.25", "lookup", "canary", "shop@2.1", "stage.failed", "it broke", "chat gpt-5")
    paths = {request[1].split("?")[0] for request in archive.requests}
    assert f"/api/v1/sessions/{server.sessions[0]}/provider-calls" in paths
    rows = workspace.query("SELECT body FROM events WHERE type = 'usage.reported'")
    assert len(rows) == 1 and json.loads(rows[0][0])["data"]["usage"]["cacheRead"] == 20


def test_without_a_session_api_it_says_what_is_missing(workspace, facade, terminal):
    screen = terminal(workspace, arguments=("attach", facade(echo).url))
    screen.wait("are not in this", "name 'session_api' to see them")


SESSION = "3f604218-0000-4000-8000-000000000001"


def whole(path):
    """A session API with one session of two turns."""
    if "/messages" in path:
        return {"messages": [] if "after=" in path else [
            {"id": "a", "role": "user", "content": "where is 1042?", "timestamp": "2026-11-20T10:00:00Z", "sequenceNum": 1},
            {"id": "b", "role": "assistant", "content": "it is lost", "timestamp": "2026-11-20T10:00:05.25Z", "sequenceNum": 2},
            {"id": "c", "role": "user", "content": "why?", "timestamp": "2026-11-20T10:01:00+01:00", "sequenceNum": 3},
            {"id": "d", "role": "system", "content": "INTERNAL_ERROR: generic", "metadata": {"type": "error"}, "timestamp": "2026-11-20T10:01:01Z", "sequenceNum": 4}],
            "hasMore": False}
    if path.split("?")[0].endswith("/sessions") or "/search" in path:
        return {"sessions": [{"id": SESSION, "agentName": "demo", "status": "error", "messageCount": 4, "estimatedCostUSD": 0.5,
                              "toolCallCount": 0, "totalInputTokens": 10, "updatedAt": "2026-11-20T10:01:01Z", "lastMessagePreview": "why?"}]}
    if path.rsplit("/", 1)[1].split("?")[0] in ("tool-calls", "provider-calls", "events", "eval-results"):
        return archive_rows(path)
    return {"session": {"id": SESSION, "promptPackName": "shop", "promptPackVersion": "2.1"}, "messages": []}


@pytest.fixture
def archive(http):
    return http(lambda handler, _: handler.reply(
        404 if "ffff" in handler.path else 200, json.dumps(whole(handler.path)), {"Content-Type": "application/json"}))


def test_looking_without_touching(workspace, facade, archive, terminal):
    server = facade(echo)
    api = ("--session-api", f"{archive.url}/api/v1")
    shown = workspace.run("attach", server.url, "--session", SESSION, *api)
    assert shown.returncode == 0 or "where is 1042?" in shown.stdout, shown.stderr
    assert "> where is 1042?" in shown.stdout and "it is lost" in shown.stdout and "▸ lookup" in shown.stdout
    assert "INTERNAL_ERROR: generic" in shown.stdout and not server.requests
    screen = terminal(workspace, arguments=("attach", server.url, "--session", SESSION, *api))
    screen.wait("it is lost", "$0.25", "only looked at", "the archive has no answer")
    screen.say("hello?")
    screen.wait("is only looked at")
    assert not server.frames
    missing = workspace.run("attach", server.url, "--session", "ffff", *api)
    assert missing.returncode == 2 and "HTTP 404" in missing.stderr
    # Going on in it is said apart.
    workspace.run("attach", server.url, "--session", SESSION, "--continue", "-p", "go on", *api)
    assert server.frames[0]["session_id"] == SESSION


def test_sessions_of_a_cluster(workspace, archive):
    api = ("--remote", "ws://127.0.0.1:1/ws?agent=demo", "--session-api", f"{archive.url}/api/v1")
    listed = workspace.run("sessions", "list", *api)
    assert SESSION in listed.stdout and "$0.50" in listed.stdout and "why?" in listed.stdout
    assert "namespace=default" in archive.requests[0][1]
    assert SESSION in workspace.run("sessions", "search", "lost", *api).stdout
    assert "q=lost" in archive.requests[-1][1]
    pulled = workspace.run("sessions", "pull", SESSION, *api)
    local = pulled.stdout.strip()
    assert pulled.returncode == 0 and local.startswith("pulled"), pulled.stderr
    assert "it is lost" in workspace.run("sessions", "show", local).stdout
    turns = workspace.query(f"SELECT type FROM events WHERE session = '{local}' AND type LIKE 'turn.f%' ORDER BY sequence")
    assert turns == [("turn.finished",), ("turn.failed",)]
    assert local in workspace.run("sessions", "list").stdout


def test_the_doctor_looks_at_a_cluster(workspace, facade, archive, free_port):
    workspace.write("cleo.yaml", f"contexts: {{c: {{url: '{facade(echo).url}', session_api: '{archive.url}/api/v1'}}, "
                    f"gone: {{url: 'ws://127.0.0.1:{free_port}/ws?agent=x'}}}}\n")
    said = workspace.run("doctor", "--context", "c").stdout
    assert "greets in" in said and "no tool was called in its last 1 sessions" in said and "ended with an error" in said
    gone = workspace.run("doctor", "--context", "gone")
    assert "cannot be reached" in gone.stdout and "none is named" in gone.stdout and gone.returncode == 1
