"""What MCP has beside tools, against the `mcp` package: both eras, every transport."""

import json
import signal
import subprocess

import pytest

from conftest import LEGACY_PYTHON, PEERS, PYTHON, listens, wait_for

LAB = str(PEERS / "lab_mcp.py")
RULES = """
rules:
  - when: 'Write two words'
    say: 'red sky'
  - when: 'count'
    calls: [{name: countdown, arguments: {n: 2}}]
    then: 'counted'
""" + "".join(f"""
  - when: 'run {tool}$'
    calls: [{{name: {tool}, arguments: {arguments}}}]
    then: 'it said: ${{{tool}}}'
    failed: 'failed: ${{error}}'
""" for tool, arguments in {
    "ask": "{}", "ask_legacy": "{}", "ask_url": "{}", "mixed": "{}", "roots_legacy": "{}",
    "sample_legacy": "{prompt: Write two words}"}.items())

WAYS = {
    "stdio": ("stdio", "auto"), "stdio, legacy": ("stdio", "legacy"),
    "http": ("http store", "auto"), "http, legacy": ("http store", "legacy"),
    "http without sessions, legacy": ("http stateless", "legacy"), "http with JSON, legacy": ("http json", "legacy"),
    "sse": ("sse", "auto"), "sse found by itself": ("sse found", "auto"),
}


def lab(workspace, background, port, transport, era, more=""):
    kind = transport.split()
    if kind[0] == "stdio":
        config = f"{{transport: stdio, command: {PYTHON}, args: [{LAB}, stdio]}}"
    else:
        workspace.server = background(PYTHON, LAB, kind[0], str(port), *kind[1:2])
        wait_for(lambda: listens(port), "the server")
        path = "sse" if kind[0] == "sse" else "mcp"
        word = "sse" if transport == "sse" else "streamable-http"
        config = f"{{transport: {word}, endpoint: 'http://127.0.0.1:{port}/{path}'}}"
    workspace.tools(f"handlers:\n  - name: lab\n    type: mcp\n    timeout: 20s\n    mcpConfig: {config}\n")
    workspace.write("cleo.yaml", f"approval: never\nmcp: {{era: {era}{more}}}\n")
    workspace.mock(RULES)
    return workspace


@pytest.mark.parametrize("way", WAYS)
def test_all_that_a_server_offers(way, workspace, background, free_port):
    transport, era = WAYS[way]
    lab(workspace, background, free_port, transport, era)

    def cli(*words):
        result = workspace.run("tools", *words)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    described = json.loads(cli("describe", "lab"))
    version = "2026-07-28" if era == "auto" and "sse" not in transport else "2025-11-25"
    assert described["server"]["protocolVersion"] == version
    assert described["server"]["instructions"].startswith("Use add")
    assert [p["name"] for p in described["prompts"]] == ["review"]
    assert {r["uri"] for r in described["resources"]} >= {"lab://doc/1", "lab://user/{uid}/profile"}
    add = json.loads(cli("describe", "add"))
    assert add["title"] == "Add two numbers" and add["readOnly"] and add["hints"]["idempotentHint"]
    assert cli("call", "add", '{"a": 2, "b": 40}').strip() == "42"
    weather = json.loads(cli("call", "weather", '{"city": "Oslo"}', "--json"))
    assert weather["structured"]["celsius"] == 21.5
    mixed = cli("call", "mixed")
    for words in ("plain ☃ text", "[image image/png", "[audio audio/wav", "<lab://doc/1>", "embedded"):
        assert words in mixed, mixed
    assert workspace.run("tools", "call", "fail", '{"reason": "x"}').returncode == 4
    assert cli("call", "countdown", '{"n": 3}').strip() == "done 3"
    assert "Review this swift: x" in cli("prompt", "lab", "review", '{"code": "x", "language": "swift"}')
    assert "# Doc one" in cli("read", "lab", "lab://doc/1")
    assert "image/png, 72 bytes" in cli("read", "lab", "lab://pixel")
    assert json.loads(cli("read", "lab", "lab://user/7/profile")) == {"uid": "7"}
    assert "lab://none" in workspace.run("tools", "read", "lab", "lab://none").stderr
    assert "● lab" in cli("probe")


def test_arguments_are_headers_too(workspace, background, free_port):
    lab(workspace, background, free_port, "http store", "auto")
    # The server compares the headers with the body, and refuses what differs.
    result = workspace.run("tools", "call", "routed", json.dumps({"region": " Nørd=?", "limit": 3}))
    assert result.stdout == " Nørd=?/3/\n", result.stderr


def test_a_stream_that_breaks_is_taken_up_again(workspace, background, free_port):
    lab(workspace, background, free_port, "http store", "legacy")
    result = workspace.run("tools", "call", "dropped")
    assert result.stdout.strip() == "resumed ok", result.stderr


@pytest.mark.parametrize("way", ["stdio, legacy", "http, legacy", "sse"])
def test_a_server_asks_in_the_middle_of_a_call(way, workspace, background, free_port, terminal):
    lab(workspace, background, free_port, *WAYS[way])
    screen = terminal(workspace)
    screen.wait("● lab", "say something")
    screen.say("run ask_legacy")
    screen.wait("lab asks you", "Who are you?")
    screen.press("a")
    screen.wait("E-mail*", "free", "Enter sends")
    screen.type("ann@example.org")
    screen.press("Tab", "Right", "Enter")
    screen.wait("accept:", "ann@example.org", "plan='pro'")
    screen.say("run sample_legacy")
    screen.wait("wants to ask mock", "Write two words")
    screen.press("a")
    screen.wait("mock: red sky")
    if "http" not in way:
        # Where the server came with the workspace, it may know where that is.
        screen.say("run roots_legacy")
        screen.wait("it said:")


def test_a_call_takes_several_rounds(workspace, background, free_port, terminal):
    lab(workspace, background, free_port, "stdio", "auto")
    screen = terminal(workspace)
    screen.wait("● lab", "say something")
    screen.say("run ask")
    screen.wait("Tell me about you")
    screen.press("a")
    screen.wait("Name*", "‹ Red ›")
    screen.type("Ann")
    screen.press("Enter")
    screen.wait("wants to ask mock", "Write two words")
    screen.press("n")
    screen.wait("final:", "Ann")
    screen.say("run ask_url")
    screen.wait("Please connect your account", "https://example.com/connect?x=1", "It leads to example.com")
    screen.press("a")
    screen.wait("link answered accept")


def test_nobody_answers_where_nobody_is(workspace, background, free_port):
    lab(workspace, background, free_port, "stdio", "auto")
    _, document = workspace.ask("run ask_url")
    assert "link answered decline" in document["text"], document


def test_prompts_and_resources_come_into_the_message(workspace, background, free_port, terminal):
    lab(workspace, background, free_port, "http store", "auto")
    screen = terminal(workspace)
    screen.wait("● lab", "say something")
    screen.say("/use")
    screen.wait("lab/review")
    screen.press("Enter")
    screen.wait("code*", "language")
    screen.type("x = 1")
    screen.press("Tab")
    screen.type("py")
    screen.wait("→ takes: python, pytorch")
    screen.press("Right", "Enter")
    screen.wait("user: Review this python: x = 1", "review is in the message")
    screen.press("C-c")
    screen.say("/read")
    screen.wait("lab://user/{uid}/profile")
    screen.type("profile")
    screen.press("Enter")
    screen.wait("uid")
    screen.type("7")
    screen.press("Enter")
    screen.wait('{"uid": "7"}')


def test_what_a_server_logs_is_seen(workspace, background, free_port, terminal):
    lab(workspace, background, free_port, "http store", "auto", ", log_level: info")
    screen = terminal(workspace)
    screen.wait("● lab", "say something")
    screen.say("count")
    screen.wait("counted", 'lab/countdown: {"step":2}')


def test_a_session_that_is_gone_is_begun_anew(workspace, background, free_port, terminal):
    lab(workspace, background, free_port, "http store", "legacy")
    screen = terminal(workspace)
    screen.wait("● lab", "say something")
    screen.say("run mixed")
    screen.wait("it said: plain")
    workspace.server.send_signal(signal.SIGKILL)
    workspace.server.wait()
    server = subprocess.Popen([PYTHON, LAB, "http", str(free_port), "store"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(free_port), "the server")
        screen.say("count")
        screen.wait("counted")
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_call_may_be_a_task(workspace, terminal, era):
    python = LEGACY_PYTHON if era == "legacy" else PYTHON
    note = workspace.folder / "note"
    workspace.tools(
        "handlers:\n  - name: slow\n    type: mcp\n    timeout: 20s\n"
        f"    mcpConfig: {{transport: stdio, command: {python}, args: [{PEERS}/task_mcp.py, {era}, {note}]}}\n")
    workspace.write("cleo.yaml", "approval: never\n")
    workspace.mock("rules:\n" + "".join(
        f"  - when: '{tool}'\n    calls: [{{name: {tool}, arguments: {{}}}}]\n    then: 'it is ${{{tool}}}'\n"
        "    failed: 'it failed: ${error}'\n" for tool in ("build", "deploy", "endless", "broken")))
    screen = terminal(workspace)
    screen.wait("● slow", "say something")
    screen.say("build")
    screen.wait("half done")
    screen.wait("it is built")
    screen.say("deploy")
    screen.wait("Are you sure?")
    screen.press("a")
    screen.wait("sure*")
    screen.press("Space", "Enter")
    screen.wait("it is accept {'sure': True}")
    if era == "modern":
        screen.say("broken")
        screen.wait("it failed: the disk is full")
    screen.say("endless")
    screen.wait("half done")
    screen.press("Escape")
    screen.wait("! stopped")
    wait_for(lambda: note.exists() and "cancelled" in note.read_text(), "the server to hear of it")
