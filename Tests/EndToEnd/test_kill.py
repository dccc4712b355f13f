"""kill -9 at random moments of streaming turns: nothing that was committed is lost, and the conversation goes on."""

import json
import os
import random
import signal
import subprocess
import time

from conftest import PROGRAM

KILLS = int(os.environ.get("CLEO_KILLS", "12"))
SEED = int(os.environ.get("CLEO_SEED", str(random.randrange(10**6))))

MOCK = """
pace: 2000
rules:
  - when: 'long'
    say: |
      BEGIN
""" + "\n".join(f"      word{n} " + "lorem ipsum dolor sit amet " * 3 for n in range(60)) + """
      END
default_response: fine
"""


def events(workspace):
    return [json.loads(row[0]) for row in workspace.query("SELECT body FROM events ORDER BY session, sequence")]


def test_kill_9_in_mid_stream(workspace):
    print("seed", SEED)
    random.seed(SEED)
    workspace.mock(MOCK)
    result, document = workspace.ask("hello")
    session = document["session"]
    partial = 0
    for kill in range(KILLS):
        before = len(events(workspace))
        process = subprocess.Popen(
            [PROGRAM, "run", "-p", "a long one", "--session", session, "--events"], cwd=workspace.folder,
            env=workspace.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.02, 0.9))
        seen = events(workspace)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert workspace.query("PRAGMA integrity_check") == [("ok",)]
        after = events(workspace)
        # What was committed before the kill is there after it, unchanged.
        assert after[: len(seen)] == seen
        assert [e["seq"] for e in after] == list(range(1, len(after) + 1))
        assert len(after) >= before
        partial += bool(workspace.query("SELECT 1 FROM checkpoints"))
    result, document = workspace.ask("hello", "--session", session)
    assert result.returncode == 0 and document["text"].strip() == "fine"
    log = events(workspace)
    started = [e["turn"] for e in log if e["type"] == "turn.started"]
    ended = [e["turn"] for e in log if e["type"] in ("turn.finished", "turn.failed")]
    assert started == ended
    interrupted = [e for e in log if e["type"] == "message.completed" and e["data"]["interrupted"]]
    reasons = [e["data"]["reason"] for e in log if e["type"] == "turn.finished"]
    assert reasons.count("interrupted") >= len(interrupted)
    if KILLS >= 12:
        assert partial and interrupted, "no kill hit a stream"
    for message in interrupted:
        assert message["data"]["text"].startswith("BEGIN")


def test_the_next_start_shows_the_partial_answer_and_goes_on(workspace, terminal):
    workspace.mock(MOCK)
    screen = terminal(workspace)
    screen.wait("say something")
    screen.say("a long one")
    screen.wait("word3")
    time.sleep(0.4)
    os.kill(screen.pid, signal.SIGKILL)
    screen.wait("left=137")
    again = terminal(workspace)
    again.wait("(interrupted)", "interrupted: the program ended", "word3")
    again.say("hello")
    again.wait("fine")
