"""What goes over a facade's connection, kept for a test and played again without any network."""

import json
import shutil

import pytest

from test_protocol import GOLDEN, SCENARIOS
from test_serve import serve  # noqa: F401 (a fixture)


def attach(workspace, *arguments, **env):
    return workspace.run("attach", *arguments, env={"XDG_DATA_HOME": str(workspace.home / "other"), **env}, patience=30)


def test_recorded_and_played(serve, workspace):
    server = serve("--token-env", "T", env={"T": "hush-hush-token"})
    kept = workspace.path / "kept"
    first = attach(
        workspace, server.url, "-p", "hello, hush-hush-token", "--record", str(kept), "--token-env", "T", T="hush-hush-token")
    assert first.returncode == 0 and "Echo" in first.stdout, first.stderr
    text = (kept / "facade.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["dir"] for row in rows[:3]] == ["meta", "s2c", "c2s"] and "done" in [row.get("frame", {}).get("type") for row in rows if row["dir"] == "s2c"]
    assert "hush-hush-token" not in text
    server.process.kill()
    server.process.wait()
    server.process.returncode = 0
    for arguments in ((), ("--pace", "instant")):
        again = attach(workspace, "-p", "hello, •••", "--replay", str(kept), *arguments)
        assert again.returncode == 0 and again.stdout == first.stdout, again.stderr
    other = attach(workspace, "-p", "something else", "--replay", str(kept), "--pace", "instant")
    assert other.returncode != 0 and "in the recording 'hello, •••' is said here" in other.stderr
    assert "there already" in attach(workspace, server.url, "-p", "x", "--record", str(kept)).stderr


def test_on_the_screen(serve, workspace, terminal):
    """A client tool is asked for again, and the recording waits for its answer."""
    server = serve()
    kept = str(workspace.path / "kept")
    for arguments in ((server.url, "--record", kept), ("--replay", kept, "--pace", "instant")):
        with terminal(workspace, 120, 40, arguments=("attach", *arguments), env={"XDG_DATA_HOME": str(workspace.home / "other")}) as screen:
            screen.wait("say something")
            screen.say("where am I?")
            screen.wait("may I know where you are?")
            screen.press("a")
            screen.say("Oslo")
            screen.wait("you are in Oslo")


@pytest.mark.parametrize("name, words", [
    ("echo-turn", "Echo: "), ("rt-turn", ""), ("rt-error-jam", "INTERNAL_ERROR"), ("rt-media-json", "bytes"), ("rt-parts-done", "")])
def test_the_real_servers_transcripts_can_be_played(workspace, name, words):
    kept = workspace.path / "kept"
    kept.mkdir()
    shutil.copy(GOLDEN / f"{name}.jsonl", kept / "facade.jsonl")
    frames = [json.loads(line).get("frame") or {} for line in (kept / "facade.jsonl").read_text().splitlines()]
    said = next(frame["content"] for frame in frames if frame.get("type") == "message" and "content" in frame)
    result = attach(workspace, "-p", said, "--replay", str(kept), "--pace", "instant")
    assert words in result.stdout + result.stderr and result.returncode in (0, 1)
    assert name in SCENARIOS


@pytest.mark.parametrize("text, words", [("no json", "facade.jsonl:1: this is no line"), ("", "holds no connection"), (None, "facade.jsonl")])
def test_what_is_no_recording(workspace, text, words):
    kept = workspace.path / "kept"
    kept.mkdir()
    if text is not None:
        (kept / "facade.jsonl").write_text(text)
    result = attach(workspace, "-p", "hi", "--replay", str(kept))
    assert result.returncode != 0 and words in result.stderr


def test_a_connection_that_broke_breaks_again(workspace):
    kept = workspace.path / "kept"
    kept.mkdir()
    rows = [
        {"dir": "meta", "ms": 0, "info": {"url": "ws://x"}}, {"dir": "s2c", "ms": 0, "frame": {"type": "connected", "session_id": "s"}},
        {"dir": "c2s", "ms": 1, "frame": {"type": "message", "content": "hi"}}, {"dir": "s2c", "ms": 2, "frame": {"type": "chunk", "session_id": "s", "content": "half"}},
        {"dir": "note", "ms": 3, "info": "closed 1006 "}]
    (kept / "facade.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = attach(workspace, "-p", "hi", "--replay", str(kept))
    assert result.returncode != 0 and "half" in result.stdout and "connection_lost" in result.stderr
