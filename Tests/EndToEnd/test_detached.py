"""Screens of an engine that runs elsewhere: several at once on one session, each live, through `serve`."""

import json
import os
import signal
import stat

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from conftest import wait_for
from test_serve import Client, ask, serve  # noqa: F401 (a fixture)

TOOL = """
handlers:
  - name: shop
    type: http
    tool: {name: buy, description: buys, inputSchema: {type: object}}
    httpConfig: {endpoint: 'http://127.0.0.1:1/buy', method: POST}
"""
RULES = """
pace: 60
rules:
  - {when: buy, calls: [{name: buy, arguments: {}}], then: "bought", failed: "not bought: ${error}"}
  - {when: slow, say: "%s the end"}
  - {when: ".", say: "Echo: hello"}
""" % " ".join(f"w{number}" for number in range(120))


@pytest.fixture
def shop(workspace):
    workspace.pack(tools=["buy"])
    pack = json.loads((workspace.folder / "prompts/test.pack.json").read_text())
    pack["tools"] = {"buy": {"name": "buy", "description": "buys", "parameters": {"type": "object", "properties": {}}}}
    workspace.write("prompts/test.pack.json", pack)
    return workspace


@pytest.fixture
def engine(serve, shop):
    def start(*arguments):
        shop.mock(RULES)
        shop.tools(TOOL)
        return serve(*arguments)
    return start


def key_file(workspace, server):
    return workspace.home / f"data/cleo-tui/served/{server.port}"


def screen_of(terminal, workspace, server, *arguments, size=(120, 34)):
    return terminal(workspace, *size, arguments=("--remote", server.http, *arguments))


def test_two_screens_on_one_session(engine, shop, terminal):
    server = engine()
    ask(server, "hello there")
    first = screen_of(terminal, shop, server)
    second = screen_of(terminal, shop, server, size=(100, 28))
    for screen in (first, second):
        screen.wait("hello there", "Echo: hello", f"at 127.0.0.1:{server.port}: work")
    first.say("a slow one please")
    # Both see it while it runs, with the panes.
    second.wait("a slow one please", "w5", "chat mock")
    second.press("Escape")
    for screen in (first, second):
        screen.wait("stopped")
    second.say("and back")
    first.wait("and back", "Echo: hello")
    assert shop.query("SELECT count(DISTINCT session) FROM events") == [(1,)]


def test_a_screen_decides_for_a_client_of_the_facade(engine, shop, terminal):
    server = engine()
    client = Client(server.url)
    assert client.turn("hello")[-1]["type"] == "done"
    screen = screen_of(terminal, shop, server, "--session", client.session)
    screen.wait("Echo: hello")
    client.send(content="buy it")
    screen.wait("buy", "y once")
    screen.press("n", "Enter")
    while (frame := client.next())["type"] != "done":
        pass
    assert "not bought" in frame["content"]
    # Without a screen nobody is asked, as before; and a screen that leaves decides nothing.
    client.send(content="buy it")
    screen.wait("3/3", "y once")
    screen.close()
    while (frame := client.next())["type"] != "done":
        pass
    assert "nobody is asked here" in frame["content"]


def test_the_screen_outlives_the_connection(engine, shop, terminal):
    server = engine()
    ask(server, "hello there")
    screen = screen_of(terminal, shop, server)
    screen.wait("hello there")
    os.kill(server.process.pid, signal.SIGSTOP)
    os.kill(server.process.pid, signal.SIGCONT)
    server.process.send_signal(signal.SIGTERM)
    screen.wait("no engine; again in")
    again = engine("--listen", f"127.0.0.1:{server.port}")
    assert again.port == server.port


def test_leaving_the_screen_leaves_what_runs(engine, shop, terminal):
    server = engine()
    screen = screen_of(terminal, shop, server)
    screen.wait("say something")
    screen.say("a slow one please")
    screen.wait("w3")
    screen.press("C-q")
    wait_for(lambda: "the end" in str(shop.query("SELECT body FROM events WHERE type = 'message.completed'")), "the whole answer")
    screen_of(terminal, shop, server).wait("the end")


def test_only_the_owner_gets_a_screen(engine, shop):
    server = engine()
    key = key_file(shop, server)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    url = server.url.replace("/ws", "/engine")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}):
        with pytest.raises(InvalidStatus) as refusal:
            connect(url, additional_headers=headers)
        assert refusal.value.response.status_code == 401
    with connect(url, additional_headers={"Authorization": "Bearer " + key.read_text()}) as screen:
        hello = json.loads(screen.recv(timeout=10))["hello"]
        assert hello["protocol"] == 1 and hello["agent"] == "test"
        for request, words in (
            ({"id": 1, "do": {"fly": {}}}, "does not know the command"), ({"id": 2, "what": 1}, "does not know the request"),
        ):
            screen.send(json.dumps(request))
            answer = json.loads(screen.recv(timeout=10))
            assert answer["id"] == request["id"] and words in answer["error"]["message"]
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0 and not key.exists()
    gone = shop.run("--remote", server.http)
    assert gone.returncode != 0 and "no engine of yours is served" in gone.stderr
    assert "token" in shop.run("--remote", "http://example.invalid:80").stderr


def test_what_a_screen_runs_is_finished_before_the_end(engine, shop, terminal):
    server = engine()
    screen = screen_of(terminal, shop, server)
    screen.wait("say something")
    screen.say("a slow one please")
    screen.wait("w3")
    server.process.send_signal(signal.SIGTERM)
    screen.wait("the end")
    assert server.process.wait(20) == 0
    assert "the end" in str(shop.query("SELECT body FROM events WHERE type = 'message.completed'"))


def test_a_screen_may_answer_a_client_tool(serve, workspace, terminal):
    """And the next one is asked of the client again."""
    server = serve()
    client = Client(server.url)
    client.turn("hello")
    screen = terminal(workspace, 120, 34, arguments=("--remote", server.http, "--session", client.session))
    screen.wait("Echo: hello")
    assert client.turn("where am I?")[-1]["type"] == "tool_call"
    screen.wait("may I know where you are?")
    screen.press("a")
    screen.say("Rome")
    while (frame := client.next())["type"] != "done":
        pass
    assert frame["content"] == "you are in Rome"
    call = client.turn("where am I?")[-1]["tool_call"]
    client.send("tool_result", tool_result={"call_id": call["id"], "result": "Oslo"})
    while (frame := client.next())["type"] != "done":
        pass
    assert frame["content"] == "you are in Oslo"


def test_what_does_not_go_with_a_screen_elsewhere(engine, shop):
    server = engine()
    assert "does not go with '--remote'" in shop.run("--remote", server.http, "--model", "x").stderr
    assert shop.run("--remote", server.http, "--agent", "nobody").returncode == 3
    assert "there is no agent 'nobody'" in shop.run("--remote", server.http, "--agent", "nobody").stderr


def test_a_token_for_talking_opens_no_screen(serve):
    server = serve("--token-env", "T", env={"T": "talking-token", "CLEO_SCREEN_TOKEN": "screen-token"})
    url = server.url.replace("/ws", "/engine")
    with pytest.raises(InvalidStatus):
        connect(url, additional_headers={"Authorization": "Bearer talking-token"})
    with connect(url, additional_headers={"Authorization": "Bearer screen-token"}) as screen:
        assert "hello" in json.loads(screen.recv(timeout=10))


def test_large_sessions_come_in_pieces(engine, shop, terminal):
    server = engine()
    client = Client(server.url)
    for number in range(3):
        assert client.turn(f"{number} " + "x" * 5_000_000)[-1]["type"] == "done"
    screen = screen_of(terminal, shop, server, "--session", client.session)
    screen.wait("Echo: hello", "3/3")
