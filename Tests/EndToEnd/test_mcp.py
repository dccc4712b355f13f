"""Real MCP servers, and such as misbehave."""

import json
import time

import pytest

from conftest import LEGACY_PYTHON, PEERS, PYTHON, listens, wait_for

RULES = """
rules:
  - when: 'add (\\d+) (\\d+)'
    calls: [{name: add, arguments: {a: $1, b: $2}}]
    then: 'the sum is ${add}'
    failed: 'no sum: ${error}'
  - when: 'write (\\w+)'
    calls: [{name: write, arguments: {text: $1}}]
    then: '${write}'
    failed: 'not written: ${error}'
  - when: 'fail (.*)'
    calls: [{name: fail, arguments: {why: $1}}]
    then: 'it worked'
    failed: 'it failed: ${error}'
  - when: 'slow (\\d+)'
    calls: [{name: slow, arguments: {steps: $1}}]
    then: 'slow is ${slow}'
    failed: 'slow failed: ${error}'
  - when: 'call (\\w+)'
    calls: [{name: bad, arguments: {}}]
    then: 'it said ${bad}'
    failed: 'bad failed: ${error}'
  - when: 'page'
    calls: [{name: tool4, arguments: {}}]
    then: 'paged'
    failed: 'no page: ${error}'
"""


def stdio(name, script, *arguments, timeout="20s", python=PYTHON):
    listed = ", ".join(json.dumps(str(a)) for a in (script, *arguments))
    return (
        f"  - name: {name}\n    type: mcp\n    timeout: {timeout}\n"
        f"    mcpConfig: {{transport: stdio, command: {python}, args: [{listed}]}}\n")


@pytest.fixture(params=["stdio", "http", "legacy stdio", "legacy http"])
def real(request, workspace, tmp_path, free_port, background):
    workspace.mock(RULES)
    note = tmp_path / "note"
    python = LEGACY_PYTHON if "legacy" in request.param else PYTHON
    workspace.version = "MCP 2025-11-25" if "legacy" in request.param else "MCP 2026-07-28"
    if "stdio" in request.param:
        workspace.tools("handlers:\n" + stdio("real", PEERS / "real_mcp.py", "stdio", note, python=python))
    else:
        background(python, str(PEERS / "real_mcp.py"), "http", str(free_port), str(note))
        wait_for(lambda: listens(free_port), "the server")
        workspace.tools(
            "handlers:\n  - name: real\n    type: mcp\n    timeout: 20s\n    mcpConfig:\n"
            f"      {{transport: streamable-http, endpoint: 'http://127.0.0.1:{free_port}/mcp'}}\n")
    workspace.note = note
    return workspace


def test_tools_of_a_real_server(real):
    listed = real.run("tools", "list")
    assert real.version in listed.stdout, listed.stdout + listed.stderr
    assert "add(a, b)\n" in listed.stdout and "write(text)  [asks first]" in listed.stdout
    _, document = real.ask("add 2 40")
    assert document["text"].startswith("the sum is") and "42" in document["text"]
    _, document = real.ask("fail badly")
    assert "it failed:" in document["text"] and "fail" in document["tool_calls"][0]["text"]
    _, document = real.ask("write hello", "--yes")
    assert "wrote hello" in document["text"]


def test_progress_is_seen_and_escape_reaches_the_server(real, terminal):
    screen = terminal(real)
    screen.wait("● real")
    screen.say("slow 3")
    screen.wait("slow is done")
    screen.say("slow 100")
    screen.wait("step", "%")
    screen.press("Escape")
    screen.wait("! stopped")
    wait_for(lambda: real.note.exists() and "cancelled" in real.note.read_text(), "the server to hear of it")
    screen.say("add 1 1")
    screen.wait("the sum is")


BAD = {
    "exits": ["exited with code 3", "the configuration is missing"],
    "garbage": ["this is no JSON-RPC"],
}


@pytest.mark.parametrize("kind", ["exits", "silent", "garbage"])
def test_a_server_that_cannot_start_stops_nobody(workspace, kind, terminal):
    workspace.mock(RULES)
    workspace.tools(
        "handlers:\n" + stdio("bad", PEERS / "bad_mcp.py", kind, timeout="3s")
        + stdio("real", PEERS / "real_mcp.py", "stdio", "/dev/null"))
    screen = terminal(workspace)
    screen.wait("● real", "say something")
    screen.say("add 1 2")
    screen.wait("the sum is", patience=40)
    screen.wait("✗ bad", "failed", patience=40)
    screen.press("M-4", "M-z", "Home", "Enter")
    for words in BAD.get(kind, []):
        screen.wait(words)
    screen.press("Escape", "C-c", "C-c")
    assert screen.left() == 0


@pytest.mark.parametrize("kind, words", [
    ("huge", "more than 16 MiB"), ("dies", "out of luck"), ("never", "gave no answer within 2s"),
])
def test_a_call_that_goes_wrong_is_a_result(workspace, kind, words):
    workspace.mock(RULES)
    workspace.tools("handlers:\n" + stdio("bad", PEERS / "bad_mcp.py", kind, timeout="20s" if kind == "huge" else "2s"))
    result, document = workspace.ask("call it")
    assert result.returncode == 0 and document["status"] == "completed"
    assert document["tool_calls"][0]["status"] == "failed"
    assert words in document["text"], document["text"]


def test_pages_and_changes_of_the_list(workspace, terminal):
    workspace.mock(RULES)
    workspace.tools("handlers:\n" + stdio("bad", PEERS / "bad_mcp.py", "pages"))
    screen = terminal(workspace)
    screen.wait("5 tools")
    screen.say("page")
    screen.wait("paged", "6 tools")


def test_controls_of_a_tool_reach_neither_terminal_nor_pipe(workspace, terminal):
    workspace.mock(RULES)
    workspace.tools("handlers:\n" + stdio("bad", PEERS / "bad_mcp.py", "evil"))
    screen = terminal(workspace)
    screen.wait("● bad")
    screen.say("call it")
    shown = screen.wait("it said ␛]0;owned␇␛[2J", "end")
    assert "\u202e" not in shown
    assert screen.tmux("display-message", "-p", "#{pane_title}").strip() != "owned"
    screen.press("Tab", "Down", "Down", "Down", "Enter")
    screen.wait("gen_ai.tool.call.result")
