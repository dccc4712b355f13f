"""A stored conversation once more, and where it parted from the first one."""

import json

import pytest

from test_serve import Client, serve  # noqa: F401 (a fixture)

PACK = {
    "id": "test", "name": "Test", "version": "1.0.0", "template_engine": {"version": "v1", "syntax": "{{variable}}"},
    "prompts": {"main": {"id": "main", "name": "Main", "version": "1.0.0", "system_template": "be kind", "tools": ["stock"]}},
    "tools": {"stock": {"name": "stock", "description": "what is there", "parameters": {
        "type": "object", "properties": {"item": {"type": "string"}}}}}}
RULES = """
rules:
  - {when: "is there (\\\\w+)", calls: [{name: stock, arguments: {item: "$1"}}], then: "there are ${stock.count}", failed: "no: ${error}"}
  - {when: ".", say: "%s"}
"""
HANDLER = "handlers: [{name: shop, type: http, tool: {name: stock, description: what is there, inputSchema: {type: object}}, httpConfig: {endpoint: '%s/stock', method: POST}}]\n"


@pytest.fixture
def shop(workspace, http):
    workspace.write("prompts/test.pack.json", PACK)
    workspace.mock(RULES % "hello")
    workspace.count = 3
    workspace.peer = http(lambda handler, _: handler.reply(200, json.dumps({"count": workspace.count}), {"Content-Type": "application/json"}))
    workspace.tools(HANDLER % workspace.peer.url)
    return workspace


def talk(shop):
    first = json.loads(shop.run("run", "--json", "--yes", "-p", "hi").stdout)["session"]
    assert shop.run("run", "--session", first, "--yes", "-q", "-p", "is there tea?").stdout == "there are 3\n"
    return first


def test_the_same_again(shop):
    first = talk(shop)
    result = shop.run("sessions", "rerun", first, "--yes")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "turn 1  hi" in result.stdout and "=  the call of stock" in result.stdout and "alike to the end" in result.stdout
    assert "turn 2 of 2" in result.stderr and len(shop.peer.requests) == 2


def test_where_it_parts(shop):
    first = talk(shop)
    shop.count = 5
    result = shop.run("sessions", "rerun", first, "--yes")
    assert result.returncode == 1
    assert 'then: {"count":3}' in result.stdout and 'now:  {"count":5}' in result.stdout
    assert "they part at turn 2, step 3: what stock said" in result.stdout
    # With the tools of the first run only the model can part.
    asked = len(shop.peer.requests)
    again = shop.run("sessions", "rerun", first, "--recorded-tools")
    assert again.returncode == 0 and len(shop.peer.requests) == asked, again.stdout + again.stderr
    shop.mock(RULES.replace("item:", "what:") % "good day")
    other = shop.run("sessions", "rerun", first, "--recorded-tools", "--json")
    rows = json.loads(other.stdout)["rows"]
    assert other.returncode == 1 and [(row["turn"], row["step"]) for row in rows if not row["isSame"]][:2] == [(1, 2), (2, 2)]


def test_another_provider(shop):
    first = talk(shop)
    shop.write("prompts/other.mock.yaml", "rules: [{when: '.', say: 'bye'}]\n")
    shop.write("providers/other.yaml", "kind: Provider\nspec: {type: mock, model: o, additional_config: {mock_config: ../prompts/other.mock.yaml}}\n")
    result = shop.run("sessions", "rerun", first, "--provider", "other")
    assert result.returncode == 1 and "they part at turn 1, step 2: the answer" in result.stdout
    assert "now:  the answer: bye" in result.stdout and "now:  nothing" in result.stdout


def test_comparing_and_mistakes(shop):
    first, second = talk(shop), talk(shop)
    assert "alike to the end" in shop.run("sessions", "compare", first, second).stdout
    assert shop.run("sessions", "compare", first).returncode == 2
    assert "there is no session 'none'" in shop.run("sessions", "rerun", "none").stderr


def test_a_pulled_session(shop, serve):
    """What went on behind a facade, run again at home."""
    # The fixture has put its own there.
    shop.mock(RULES % "hello")
    shop.tools(HANDLER % shop.peer.url)
    server = serve("--yes")
    client = Client(server.url)
    client.turn("hi")
    assert client.turn("is there tea?")[-1]["content"] == "there are 3"
    home = {"XDG_DATA_HOME": str(shop.home / "other")}
    remote = ("--remote", server.url, "--session-api", server.http + "/api/v1")
    pulled = shop.run("sessions", "pull", client.session, *remote, env=home)
    assert pulled.returncode == 0, pulled.stderr
    name = json.loads(shop.run("sessions", "list", "--json", env=home).stdout)[0]["id"]
    for arguments in (("--yes",), ("--recorded-tools",)):
        result = shop.run("sessions", "rerun", name, *arguments, env=home)
        assert result.returncode == 0, result.stdout + result.stderr
    shop.count = 9
    result = shop.run("sessions", "rerun", name, "--yes", env=home)
    assert "they part at turn 2, step 3: what stock said" in result.stdout
