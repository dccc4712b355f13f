"""The commands without a screen."""

import json
import os
import signal
import subprocess
import time

from conftest import PROGRAM, ROOT


def test_run_prints_the_answer_and_nothing_else_on_standard_output(demo):
    result = demo.run("run", "-p", "where is order 1042?")
    assert result.returncode == 0
    assert result.stdout.startswith("Order **1042** left the warehouse")
    assert "▸ lookup_order" in result.stderr


def test_run_as_a_document(demo):
    result, document = demo.ask("everything about order 1042")
    assert result.returncode == 0 and result.stderr == ""
    assert document["status"] == "completed" and document["mock"] is True
    assert sorted(call["tool"] for call in document["tool_calls"]) == ["lookup_order", "track_parcel"]
    assert document["cost_usd"] > 0 and document["cost_estimated"] is True


def test_run_as_events(demo):
    result = demo.run("run", "--events", stdin="where is order 1042?")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    kinds = [event["type"] for event in events]
    assert kinds[0] == "session.opened" and kinds[-1] == "turn.finished"
    assert {"turn.started", "message.delta", "tool.call.finished", "usage.reported", "span.closed"} <= set(kinds)
    durable = [e["seq"] for e in events if e["type"] not in ("message.delta", "span.opened", "tool.call.progress")
               and not (e["type"] == "handler.changed")]
    assert durable == sorted(durable)


def test_nobody_to_ask_is_a_no_and_yes_is_a_yes(demo):
    _, document = demo.ask("cancel order 1043")
    assert [call["status"] for call in document["tool_calls"]] == ["denied"]
    _, document = demo.ask("cancel order 1043", "--yes")
    assert [call["status"] for call in document["tool_calls"]] == ["ok"]


def test_sessions_are_stored_found_and_continued(demo):
    _, document = demo.ask("where is order 1042?")
    session = document["session"]
    again = demo.run("run", "-p", "where is order 1040?", "--continue", "--json")
    assert json.loads(again.stdout)["session"] == session
    listed = json.loads(demo.run("sessions", "list", "--json").stdout)
    assert [(s["id"], s["turns"], s["title"]) for s in listed] == [(session, 2, "where is order 1042?")]
    shown = demo.run("sessions", "show", session).stdout
    assert "> where is order 1042?" in shown and "was delivered on Monday" in shown
    assert session in demo.run("sessions", "search", "warehouse").stdout
    exported = demo.run("sessions", "export", session).stdout.splitlines()
    assert [json.loads(line)["seq"] for line in exported] == list(range(1, len(exported) + 1))
    assert demo.run("sessions", "show", "nope").returncode == 2
    assert demo.run("sessions", "rm", session).returncode == 0
    assert demo.run("sessions", "list", "--json").stdout.strip() == "[]"


def test_validate_names_places(workspace):
    workspace.write("bad.pack.json", '{"id": "a",\n "promts": {}}')
    workspace.write("tools.yaml", "handlers:\n  - name: a\n    type: htpp\n")
    result = workspace.run("validate", "bad.pack.json", "tools.yaml")
    assert result.returncode == 2
    assert "bad.pack.json:2:2: error:" in result.stdout and "did you mean 'prompts'" in result.stdout
    assert "tools.yaml:3:11: error:" in result.stdout
    document = json.loads(workspace.run("validate", "tools.yaml", "--json").stdout)
    assert document["valid"] is False and document["diagnostics"][0]["line"] == 3
    assert workspace.run("validate", "prompts").returncode == 0
    assert workspace.run("validate", str(ROOT / "prompts"), str(ROOT / "tools.yaml.example")).returncode == 0


def test_render_shows_what_the_model_gets(workspace):
    workspace.pack(system_template="Hello {{name}}", variables=[{"name": "name", "type": "string", "required": True}])
    assert workspace.run("render", "--var", "name=Ada").stdout == "Hello Ada\n"
    missing = workspace.run("render")
    assert missing.returncode == 2 and "'name'" in missing.stderr and "--var name=VALUE" in missing.stderr
    document = json.loads(workspace.run("render", "prompts/test.pack.json", "--var", "name=Ada", "--json").stdout)
    assert document["system"] == "Hello Ada" and document["used"] == ["name"]


def test_tools_list_and_call(demo):
    listed = demo.run("tools", "list")
    assert listed.returncode == 0 and "cancel_order(order_id, reason)  [asks first]" in listed.stdout
    called = demo.run("tools", "call", "track_parcel", '{"number": "PX-1042"}')
    assert json.loads(called.stdout)["place"] == "Harrow Junction"
    assert demo.run("tools", "call", "track_parcel", "{}").returncode == 2
    assert demo.run("tools", "call", "lookup_order", '{"order_id": 1}').returncode == 4
    assert "did you mean" in demo.run("tools", "call", "lookup_ordr", "{}").stderr


def test_doctor_help_and_version(demo):
    doctor = demo.run("doctor")
    assert doctor.returncode == 0 and "prices of 2026-11-20" in doctor.stdout
    assert {row["state"] for row in json.loads(demo.run("doctor", "--json").stdout)} <= {"ok", "warning"}
    assert "cleo-tui run" in demo.run("help").stdout
    for command in ["chat", "run", "validate", "render", "tools", "sessions", "doctor"]:
        assert demo.run("help", command).stdout.startswith("usage: ")
    assert demo.run("--version").stdout.startswith("cleo-tui ")


def test_wrong_command_lines_are_explained(demo):
    for arguments, words in [
        (["rnu"], "did you mean 'run'"), (["run", "--modle", "x"], "did you mean '--model'"),
        (["run", "--model"], "needs a value"), (["validate", "--yes"], "does not take '--yes'"),
        (["run", "-p", "x", "--var", "oops"], "is not NAME=VALUE"), (["run"], "there is nothing to say"),
        (["--workspace", "/nope"], "there is no folder"), (["sessions", "show"], "needs the name of a session"),
    ]:
        result = demo.run(*arguments)
        assert result.returncode == 2, arguments
        assert words in result.stderr, result.stderr


def test_an_interrupt_ends_the_turn_and_keeps_what_came(demo):
    process = subprocess.Popen(
        [PROGRAM, "run", "-p", "tell me a long story"], cwd=demo.folder, env=demo.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.read(20)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    bodies = [json.loads(row[0]) for row in demo.query("SELECT body FROM events ORDER BY sequence")]
    assert bodies[-1]["type"] == "turn.finished" and bodies[-1]["data"]["reason"] == "cancelled"
    assert any(b["type"] == "message.completed" and b["data"]["interrupted"] for b in bodies)


def test_nothing_is_written_elsewhere_and_the_workspace_can_be_read_only(demo):
    os.chmod(demo.folder, 0o555)
    try:
        demo.ask("where is order 1042?")
    finally:
        os.chmod(demo.folder, 0o755)
    written = [str(p.relative_to(demo.home)) for p in demo.home.rglob("*") if p.is_file()]
    assert all(name.startswith("data/cleo-tui/") for name in written), written
