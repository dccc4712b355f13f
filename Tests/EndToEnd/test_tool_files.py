"""Tools from the files of PromptKit, PromptArena and other MCP clients."""

import json
import sys

from conftest import PEERS, PYTHON


def test_a_programs_answer(workspace):
    workspace.write("add.py", "import json, os, sys\n"
                    "args = json.load(sys.stdin)['args']\n"
                    "print(json.dumps({'result': {'sum': args['a'] + args['b'], 'who': os.environ.get('WHO')}}"
                    " if 'a' in args else {'error': 'no a'}))\n")
    workspace.write("tools/add.tool.yaml", f"""
kind: Tool
metadata: {{name: add}}
spec:
  description: adds
  input_schema: {{type: object}}
  mode: exec
  timeout_ms: 5000
  exec: {{command: {sys.executable}, args: [add.py], env: [WHO]}}
""")
    workspace.write("cleo.yaml", "tools: [tools/add.tool.yaml]\n")
    result = workspace.run("tools", "call", "add", '{"a": 1, "b": 2}', env={"WHO": "me"})
    assert json.loads(result.stdout) == {"sum": 3, "who": "me"}, result.stderr
    result = workspace.run("tools", "call", "add", '{"b": 2}', env={"WHO": "me"})
    assert result.returncode == 4 and "no a" in result.stdout
    # A variable that is asked for and missing is a state, not a surprise.
    result = workspace.run("tools", "list")
    assert "WHO" in result.stdout


def test_a_program_that_hangs_or_talks_nonsense(workspace):
    for name, code, expected in (("hang", "import time; time.sleep(60)", "300ms"),
                                 ("noise", "print('not json')", "gave no JSON"),
                                 ("crash", "import sys; sys.exit('went wrong')", "went wrong")):
        workspace.write(f"tools/{name}.tool.yaml", f"""
kind: Tool
metadata: {{name: {name}}}
spec:
  description: d
  input_schema: {{type: object}}
  mode: exec
  timeout_ms: 300
  exec: {{command: {sys.executable}, args: [-c, "{code}"]}}
""")
        workspace.write("cleo.yaml", f"tools: tools/{name}.tool.yaml\n")
        result = workspace.run("tools", "call", name, "{}", patience=20)
        assert result.returncode == 4 and expected in result.stderr, (name, result.stderr)


def test_the_servers_of_other_clients(workspace):
    workspace.write(".mcp.json", json.dumps({"mcpServers": {"real": {
        "command": PYTHON, "args": [str(PEERS / "real_mcp.py"), "stdio"]}}}))
    # It runs programs, so it has to be named.
    assert "real" not in workspace.run("tools", "list").stdout
    result = workspace.run("tools", "list", "--tools", ".mcp.json")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "real" in result.stdout and "mcp/stdio" in result.stdout


def test_an_arenas_tools_answer(workspace):
    (workspace.folder / "prompts/test.pack.json").unlink()
    workspace.write("config.arena.yaml", """
apiVersion: promptkit.altairalabs.ai/v1alpha1
kind: Arena
metadata: {name: shop}
spec:
  prompt_configs: [{id: main, file: main.prompt.yaml}]
  tools: [{file: tools/stock.tool.yaml}]
""")
    workspace.write("main.prompt.yaml", """
apiVersion: promptkit.altairalabs.ai/v1alpha1
kind: PromptConfig
metadata: {name: main}
spec: {task_type: main, version: v1.0.0, description: d, system_template: be kind, allowed_tools: [stock]}
""")
    workspace.write("tools/stock.tool.yaml", """
kind: Tool
metadata: {name: stock}
spec:
  description: counts
  input_schema: {type: object, properties: {item: {type: string}}}
  mode: mock
  mock_template: '{"item": "{{.item}}", "left": 7}'
""")
    workspace.write("mock.yaml", """
rules:
  - when: (\\w+)s left
    calls: [{name: stock, arguments: {item: "$1"}}]
    then: "there are ${stock.left}"
""")
    workspace.write("providers/m.yaml", "kind: Provider\nspec: {type: mock, mock_config: ../mock.yaml}\n")
    result, document = workspace.ask("cups left?", "--pack", "config.arena.yaml", "--provider", "m")
    assert result.returncode == 0, result.stderr
    assert document["text"] == "there are 7"


CLIENT = """
handlers:
  - name: person
    type: client
    tool: {name: locate, description: says where you are, inputSchema: {type: object}}
    clientConfig: {consentMessage: may I know where you are?}
"""
ASKS = """
rules:
  - when: where
    calls: [{name: locate, arguments: {exact: true}}]
    then: "you are in ${locate}"
    failed: "unknown: ${error}"
"""


def test_a_person_answers_for_a_tool(workspace, terminal):
    workspace.mock(ASKS)
    workspace.tools(CLIENT)
    screen = terminal(workspace)
    screen.wait("● person", "say something")
    screen.say("where am I?")
    screen.wait("locate asks you", "may I know where you are?", '"exact": true')
    screen.press("a")
    screen.say("Oslo")
    screen.wait("you are in Oslo")
    screen.say("where am I?")
    screen.wait("a answer")
    screen.press("n")
    screen.wait("unknown:", "the person declined")


def test_nobody_is_there_to_answer(workspace):
    workspace.mock(ASKS)
    workspace.tools(CLIENT)
    result, document = workspace.ask("where am I?")
    assert result.returncode == 0 and "nobody is there to answer" in document["text"], document
    assert "locate asks the person" in workspace.run("run", "-p", "where am I?").stderr


def test_a_program_answers_for_a_person(workspace):
    workspace.mock(ASKS)
    workspace.tools(CLIENT)
    workspace.write("where.sh", "#!/bin/sh\ncat >seen.json\necho '{\"result\": \"Bergen\"}'\n").chmod(0o755)
    workspace.write("cleo.yaml", "client_tools: {locate: {command: [./where.sh]}}\napproval: never\n")
    _, document = workspace.ask("where am I?")
    assert document["text"] == "you are in Bergen", document
    assert json.loads((workspace.folder / "seen.json").read_text()) == {"args": {"exact": True}}
