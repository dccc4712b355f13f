"""The main job, as a person does it."""

import os
import signal
import subprocess
import time

from conftest import PROGRAM, wait_for


def test_the_first_minute(demo, terminal):
    screen = terminal(demo)
    screen.wait("where is order 1042?", "● orders", "● tracking", "mock")
    screen.say("where is order 1042?")
    screen.wait("▸ lookup_order", "left the warehouse on Tuesday", "• total $47.60", "ctx <1%")
    screen.wait("chat mock", "├ lookup_order", "session ~$")
    screen.say("track parcel PX-1042")
    screen.wait("Harrow Junction")
    screen.say("cancel order 1043")
    screen.wait("your decision", "May cancel_order of orders run?", "waits for you")
    screen.press("y")
    screen.wait("is cancelled. $32.00")
    screen.wait_gone("your decision")
    screen.say("cancel order 1044")
    screen.wait("your decision")
    screen.press("n")
    screen.wait("why may cancel_order not run?")
    screen.say("not today")
    screen.wait("did not allow this call: not today")
    for columns, rows in [(80, 24), (60, 20), (200, 50), (30, 8), (1, 1), (120, 40)]:
        screen.resize(columns, rows)
        time.sleep(0.1)
    screen.wait("not today", "Trace")
    screen.press("Tab", "Down", "Down", "Enter")
    screen.wait("gen_ai.operation.name")
    screen.press("C-c", "C-c")
    assert screen.left() == 0
    again = terminal(demo)
    again.wait("not today", "cancel order 1044", "session ~$")
    again.say("/new")
    again.wait("Type where is order 1042?")
    again.say("/quit")
    assert again.left() == 0


def test_escape_stops_at_once_and_the_queue_comes_back(demo, terminal):
    screen = terminal(demo)
    screen.wait("● orders")
    screen.say("tell me a long story")
    screen.wait("The parcel that took its time")
    screen.say("where is order 1040?")
    screen.wait("then: where is order 1040?")
    screen.press("Escape")
    screen.wait("(interrupted)", "! stopped", "› where is order 1040?")
    screen.press("Enter")
    screen.wait("was delivered on Monday")


def test_what_is_typed_waits_for_the_end_of_the_turn(demo, terminal):
    screen = terminal(demo)
    screen.wait("● orders")
    screen.say("where is order 1042?")
    screen.say("where is order 1040?")
    screen.wait("left the warehouse on Tuesday", "was delivered on Monday")


def test_keys_palette_help_and_prompt(demo, terminal):
    screen = terminal(demo, columns=100, rows=40)
    screen.wait("● orders")
    screen.press("F1")
    screen.wait("Everywhere", "When a tool asks")
    screen.press("Escape", "C-p")
    screen.wait("every action", "/quit")
    screen.type("leave")
    screen.press("Enter")
    assert screen.left() == 0


def test_a_paste_is_one_paste(workspace, terminal):
    workspace.mock("rules:\n  - when: 'one\\s+two'\n    say: 'got both'\n")
    screen = terminal(workspace)
    screen.wait("say something")
    screen.tmux("set-buffer", "one\ntwo\n\x1b[2Jthree")
    screen.tmux("paste-buffer", "-p")
    screen.wait("one", "two", "␛[2Jthree")
    screen.press("Enter")
    screen.wait("got both")


def test_the_terminal_comes_back_however_it_ends(demo, terminal):
    for number, code in [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGSEGV, 139), (signal.SIGABRT, 134)]:
        screen = terminal(demo)
        screen.wait("● orders")
        os.kill(screen.pid, number)
        assert screen.left() == code
        if number == signal.SIGSEGV:
            assert "crashed; the conversation is saved" in screen.screen
    wait_for(lambda: not subprocess.run(["pgrep", "-f", f"{PROGRAM} demo-tools"], capture_output=True).stdout, "servers to end")


def test_suspend_and_back(demo, terminal):
    screen = terminal(demo, command=f"bash --norc -i -c 'set -m; {PROGRAM}; echo stopped; fg; true'")
    screen.wait("● orders")
    screen.press("C-z")
    # bash starts the job again at once; the picture must be whole after it.
    screen.wait("● orders", "^P palette")
    screen.say("where is order 1042?")
    screen.wait("left the warehouse")


def test_no_colours_and_few_colours(demo, terminal):
    for env in [{"NO_COLOR": "1"}, {"TERM": "vt100"}, {"TERM": "xterm"}, {"TERM": "screen-16color"}, {"TERM": "no-such-terminal"}]:
        screen = terminal(demo, env=env)
        screen.wait("orders", "mock")
        if "NO_COLOR" in env:
            coloured = screen.tmux("capture-pane", "-p", "-e")
            assert "\x1b[3" not in coloured.replace("\x1b[39m", "")
        screen.press("C-c", "C-c")
        assert screen.left() == 0


def test_without_a_screen_it_is_a_plain_conversation(demo, terminal):
    screen = terminal(demo, env={"TERM": "dumb"})
    screen.wait("/quit leaves")
    screen.say("where is order 1042?")
    screen.wait("left the warehouse on Tuesday")
    screen.say("cancel order 1043")
    screen.wait("allow?")
    screen.say("y")
    screen.wait("is **cancelled**")
    screen.say("/quit")
    screen.wait("left=0")


def test_a_second_program_does_not_disturb_the_first(demo, terminal):
    first = terminal(demo)
    first.wait("● orders")
    first.say("where is order 1042?")
    first.wait("left the warehouse")
    second = terminal(demo)
    second.wait("● orders", "Type where is order 1042?")
    second.say("where is order 1040?")
    second.wait("was delivered on Monday")
    first.say("where is order 1041?")
    first.wait("was delivered on Tuesday")
    assert demo.query("PRAGMA integrity_check") == [("ok",)]


def test_a_session_that_is_open_elsewhere_is_followed_and_taken_over(demo, terminal):
    first = terminal(demo)
    first.wait("● orders")
    first.say("where is order 1042?")
    first.wait("left the warehouse")
    session = demo.query("SELECT id FROM sessions")[0][0]
    second = terminal(demo, arguments=["--session", session])
    second.wait("left the warehouse", "another cleo-tui has this session open")
    first.say("where is order 1041?")
    second.wait("was delivered on Tuesday")
    second.wait_gone("Esc stop")
    second.say("where is order 1040?")
    second.wait("can only be read", "› where is order 1040?")
    first.press("C-c", "C-c")
    assert first.left() == 0
    time.sleep(1)
    second.press("Enter")
    second.wait("was delivered on Monday")
