"""Packs from outside: checking, compiling, rendering, beginning, reloading."""

import json
import random

import jsonschema
import pytest
from conftest import ROOT, Terminal, wait_for

SHARED = ROOT.parent / "shared/upstream"
SPEC = SHARED / "promptpack-spec/promptpack-docs/static/schema"
SCHEMAS = {
    "1.0": SPEC / "v1.0", "1.1": SPEC / "v1.1.0", "1.3.0": SPEC / "v1.3.0", "1.3.1": SPEC / "v1.3.1",
    "1.4.0": SPEC / "v1.4.0", "PromptKit 1.5.0": SHARED / "PromptKit/runtime/prompt/schema",
}
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the real packs are not here")


def test_mistakes_come_with_place_path_and_mend(workspace):
    workspace.write("bad.pack.json", """{
  "id": "Bad", "name": "x", "version": "1.0.0",
  "template_engine": {"version": "v1", "syntax": "{{variable}}"},
  "prompts": {"p": {"id": "p", "name": "P", "version": "1", "system_template": "x", "validatros": []}}
}""")
    result = workspace.run("validate", "bad.pack.json")
    assert result.returncode == 2
    assert "bad.pack.json:2:9: error: 'id' must begin with a-z" in result.stdout
    assert "bad.pack.json:4:56: error: 'version' must be a semantic version; it is '1'" in result.stdout
    assert "bad.pack.json:4:85: error: unknown field 'validatros'\nhint: did you mean 'validators'?" in result.stdout
    document = json.loads(workspace.run("validate", "bad.pack.json", "--json").stdout)
    assert not document["valid"]
    paths = {d["path"] for d in document["diagnostics"]}
    assert paths == {"/id", "/prompts/p/version", "/prompts/p/validatros"}


def test_sarif_names_rules_and_regions(workspace):
    workspace.pack(system_template="{{x}}", validators=[{"type": "baned_words"}])
    result = workspace.run("validate", "prompts/test.pack.json", "--format", "sarif")
    assert result.returncode == 2
    run = json.loads(result.stdout)["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert rules == {"unknown-check", "unknown-placeholder"}
    error = next(r for r in run["results"] if r["level"] == "error")
    region = error["locations"][0]["physicalLocation"]
    assert region["artifactLocation"]["uri"] == "prompts/test.pack.json"
    assert region["region"]["startLine"] == 1 and region["region"]["startColumn"] > 1
    assert error["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "/prompts/main/validators/0/type"


def test_the_same_name_twice_is_said(workspace):
    workspace.write("a.pack.json", '{"id": "a",\n "id": "b"}')
    assert "a.pack.json:2:2: warning: the name 'id' stands here twice" in workspace.run("validate", "a.pack.json").stdout


@needs_shared
def test_jsonschema_agrees_with_every_edition(workspace):
    """A second opinion: Python's validator on the same files, broken ones too."""
    judges = {
        name: jsonschema.Draft202012Validator(json.loads((folder / "promptpack.schema.json").read_text()))
        for name, folder in SCHEMAS.items()
    }
    chance = random.Random(5)
    packs = [json.loads(p.read_text()) for p in sorted(SHARED.rglob("*.pack.json"))]
    packs += [json.loads(p.read_text()) for p in sorted((ROOT / "Tests/Fixtures/packs").glob("*.json"))]
    assert len(packs) > 40
    for pack in list(packs):
        broken = json.loads(json.dumps(pack))
        node = broken
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = chance.choice(keys)
            if isinstance(node[key], (dict, list)) and node[key] and chance.random() < 0.8:
                node = node[key]
                continue
            node[key] = chance.choice([None, 1, "x", [], {}, True, -1.5])
            break
        packs.append(broken)
    for number, pack in enumerate(packs):
        workspace.write(f"all/{number:03}.pack.json", pack)
    document = json.loads(workspace.run("validate", "all", "--json").stdout)
    satisfied = {p["file"]: set(p["satisfies"]) for p in document["packs"]}
    assert len(satisfied) == len(packs)
    for number, pack in enumerate(packs):
        expected = {name for name, judge in judges.items() if judge.is_valid(pack)}
        assert satisfied[f"all/{number:03}.pack.json"] == expected, number


@needs_shared
def test_an_arena_compiles_to_the_same_bytes_and_runs(workspace):
    arena = SHARED / "promptarena/examples/document-analysis"
    first = workspace.run("compile", str(arena / "config.arena.yaml"))
    assert first.returncode == 0, first.stderr
    assert first.stdout == workspace.run("compile", str(arena / "config.arena.yaml")).stdout
    assert "/" not in json.dumps(json.loads(first.stdout).get("compilation", ""))
    written = workspace.run("compile", str(arena / "config.arena.yaml"), "--for", "promptkit", "-o", "out/a.pack.json")
    assert written.returncode == 0 and (workspace.folder / "out/a.pack.json").exists()
    dated = workspace.run("compile", str(arena / "config.arena.yaml"), env={"SOURCE_DATE_EPOCH": "0"})
    assert json.loads(dated.stdout)["compilation"]["created_at"] == "1970-01-01T00:00:00Z"
    result = workspace.run(
        "run", "--pack", str(arena / "config.arena.yaml"), "--provider", str(arena / "providers/mock-provider.yaml"),
        "-p", "a paper", "--workspace", str(arena))
    assert result.returncode == 0, result.stderr
    assert "research paper on deep learning" in result.stdout
    assert "analyze_document ▸ extract_general skipped" in result.stderr


def test_render_gives_an_account(workspace):
    workspace.pack(
        system_template="Hi {{ name }}, {{fragments.f}}", variables=[
            {"name": "name", "type": "string", "required": True},
            {"name": "n", "type": "number", "required": False, "default": 3, "validation": {"maximum": 5}}])
    pack = json.loads((workspace.folder / "prompts/test.pack.json").read_text())
    pack["fragments"] = {"f": "n={{n}}"}
    workspace.write("prompts/test.pack.json", pack)
    missing = workspace.run("render")
    assert missing.returncode == 2 and "needs a value for 'name'" in missing.stderr
    workspace.write("values.yaml", "name: Ada\nn: 4\n")
    result = workspace.run("render", "--vars", "values.yaml", "--json")
    document = json.loads(result.stdout)
    assert document["system"] == "Hi Ada, n=4"
    sources = [(span["source"], span.get("name")) for span in document["spans"]]
    assert sources == [("template", None), ("variable", "name"), ("template", None), ("fragment", "f"), ("variable", "n")]
    assert document["spans"][-1]["to"] == len(document["system"].encode())
    over = workspace.run("render", "--vars", "values.yaml", "--var", "n=9")
    assert over.returncode == 2 and "'n': it must be at most 5" in over.stderr
    production = workspace.run("render", "--as", "promptkit", "--var", "name=Ada")
    assert production.returncode == 0 and production.stdout.strip() == "Hi {{ name }}, {{fragments.f}}"


def test_parity_lists_what_production_does(workspace):
    workspace.pack(system_template="Hi {{ name }}", tool_policy={"max_rounds": 3})
    result = workspace.run("validate", "--parity", "prompts/test.pack.json")
    assert "PK-RAW-TEMPLATE" in result.stdout and "PK-POLICY" in result.stdout
    assert "prompts/test.pack.json:1:" in result.stdout


@pytest.mark.parametrize("template", ["chat", "tools", "workflow"])
def test_every_template_validates_and_runs(workspace, template):
    made = workspace.run("init", template, "new")
    assert made.returncode == 0, made.stderr
    checked = workspace.run("validate", "new")
    assert checked.returncode == 0 and "0 errors, 0 warnings" in checked.stderr, checked.stdout
    result = workspace.run("run", "--workspace", "new", "-p", "where is order 1042?")
    assert result.returncode == 0 and result.stdout.strip(), result.stderr
    again = workspace.run("init", template, "new")
    assert again.returncode == 2 and "are there already" in again.stderr
    assert workspace.run("init", template, "new", "--force").returncode == 0
    assert workspace.run("init", "chta").returncode == 2


def test_a_guardrail_replaces_the_answer_everywhere(workspace):
    workspace.pack(validators=[
        {"type": "banned_words", "enabled": True, "fail_on_violation": True, "message": "Let us not.",
         "params": {"words": ["forbidden"]}}])
    workspace.mock("pace: 400\ndefault_response: 'This is the forbidden word, which nobody may read.'\n")
    result = workspace.run("run", "-p", "hi", "--json")
    document = json.loads(result.stdout)
    assert document["text"] == "Let us not." and document["status"] == "guarded"
    assert [g["type"] for g in document["guardrails"]] == ["banned_words"]
    assert "forbidden word" not in workspace.run("run", "-p", "hi").stdout
    with Terminal(workspace) as terminal:
        terminal.wait("say something")
        terminal.type("hi")
        terminal.press("Enter")
        screen = terminal.wait("Let us not.", "guardrail banned_words fired")
        assert "the forbidden" not in screen


def test_a_judge_judges_where_one_is_configured(workspace):
    eval_ = {"id": "kind", "type": "llm_judge", "trigger": "every_turn", "params": {"criteria": "Is it kind?"},
             "threshold": {"operator": "gte", "value": 0.8}, "message": "Be kinder."}
    workspace.pack(evals=[eval_])
    workspace.mock("default_response: fine\n")
    plain = workspace.run("run", "-p", "hi")
    assert "checks that a model judges are skipped: no judge is configured" in plain.stderr
    workspace.write("judge.yaml", """default_response: '{"passed": false, "score": 0.25, "reasoning": "cold"}'\n""")
    workspace.write("cleo.yaml", "judge: {type: mock, mock_config: judge.yaml}\n")
    judged = workspace.run("run", "-p", "hi", "--events")
    events = [json.loads(line) for line in judged.stdout.splitlines()]
    result = next(e["data"] for e in events if e["type"] == "eval.completed")
    assert result["score"] == 0.25 and result["passed"] is False and result["explanation"] == "cold"
    assert "eval kind failed (0.25): Be kinder." in workspace.run("run", "-p", "hi").stderr


def test_the_screen_asks_for_values_and_keeps_them(workspace):
    workspace.pack(
        system_template="You work for {{company}}.", variables=[
            {"name": "company", "type": "string", "required": True, "description": "Whose desk"}])
    with Terminal(workspace) as terminal:
        terminal.wait("the prompt needs company (string): Whose desk")
        terminal.type("ACME")
        terminal.press("Enter")
        terminal.wait("say something")
        terminal.press("M-5")
        terminal.wait("company = ACME", "You work for ACME.")
    with Terminal(workspace) as terminal:
        terminal.wait("say something")
        terminal.type("/set company")
        terminal.press("Enter")
        terminal.wait("the prompt needs company")


def test_a_saved_pack_acts_at_the_next_turn_and_a_broken_one_does_not(workspace):
    workspace.pack(system_template="You are kind.")
    workspace.mock("default_response: fine\n")
    good = (workspace.folder / "prompts/test.pack.json").read_text()
    with Terminal(workspace) as terminal:
        terminal.wait("say something")
        terminal.press("M-5")
        terminal.wait("You are kind.")
        workspace.write("prompts/test.pack.json", good.replace("kind", "stern"))
        terminal.wait("prompt 'main' changed: template, from the next turn on", "You are stern.")
        terminal.press("d")
        terminal.wait("- You are kind.", "+ You are stern.")
        workspace.write("prompts/test.pack.json", good.replace('"prompts"', '"promts"'))
        terminal.wait("did you mean 'prompts'", "the last good files stay in use", "✗ files")
        terminal.press("d")
        terminal.wait("You are stern.")
        workspace.write("prompts/test.pack.json", good.replace("kind", "wise"))
        terminal.wait("You are wise.")
        assert "✗ files" not in terminal.screen
        terminal.press("M-1")
        terminal.type("hi")
        terminal.press("Enter")
        terminal.wait("fine")


def test_saved_tools_are_served_at_once(workspace):
    workspace.pack()
    with Terminal(workspace) as terminal:
        terminal.wait("no tools")
        workspace.tools("""
handlers:
  - {name: orders, type: mcp, mcpConfig: {transport: stdio, command: "${CLEO_TUI}", args: [demo-tools, stdio]}}
""")
        terminal.wait("the tools file changed", "● orders", "lookup_order")
        workspace.tools("handlers: []\n")
        wait_for(lambda: "lookup_order" not in terminal.screen, lambda: terminal.screen)


def test_a_workflow_is_on_the_screen_and_survives_a_restart(workspace):
    workspace.run("init", "workflow", ".")
    (workspace.folder / "prompts").joinpath("test.pack.json").unlink(missing_ok=True)
    with Terminal(workspace) as terminal:
        terminal.wait("Greet ▸ Understood")
        terminal.type("I want my money back")
        terminal.press("Enter")
        terminal.wait("Greet → Solve by Understood", "Solve ▸ Solved, Unclear")
    with Terminal(workspace) as terminal:
        terminal.wait("Solve ▸ Solved, Unclear")
        terminal.press("M-5")
        terminal.wait("● Solve 1/3×", "wish: a refund")
        terminal.press("M-1")
        terminal.type("/event Solved")
        terminal.press("Enter")
        terminal.wait("Solve → Close by Solved (by hand)", "● Close 1×  end")


def test_the_demos_services_start_once_and_a_reload_leaves_them(demo):
    import shutil
    share = demo.home / "share"
    (share / "prompts").mkdir(parents=True)
    for name in ["tools.yaml.example", "prompts/support.pack.json", "prompts/support.mock.yaml"]:
        shutil.copy(ROOT / name, share / name)
    with Terminal(demo, env={"CLEO_TUI_SHARE": str(share)}) as terminal:
        terminal.wait("● tracking", "● orders")
        pack = share / "prompts/support.pack.json"
        pack.write_text(pack.read_text().replace("You help customers", "You serve customers"))
        screen = terminal.wait("prompt 'support' changed: template")
        assert "the tools file changed" not in screen
        terminal.say("track parcel PX-1042")
        terminal.wait("▸ track_parcel", "✓")
