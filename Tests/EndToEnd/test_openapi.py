"""OpenAPI documents as tools, against a service whose document somebody else's program writes."""

import json
import socket

import pytest

from conftest import PEERS, ROOT, wait_for

FASTAPI = str(ROOT / ".build/venv-litellm/bin/python")


@pytest.fixture
def shop(background, free_port):
    background(FASTAPI, str(PEERS / "fastapi_service.py"), str(free_port))

    def ready():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", free_port)) == 0

    wait_for(ready, "FastAPI")
    return f"http://127.0.0.1:{free_port}"


def tools(document, extra=""):
    return f"""
handlers:
  - name: shop
    type: openapi
    openAPIConfig:
      specURL: {document}
      {extra}
"""


KEY = "credentials: {APIKeyHeader: '${SHOP_KEY}'}"
ENV = {"SHOP_KEY": "open-sesame"}


def call(workspace, name, arguments, env=ENV):
    return workspace.run("tools", "call", name, json.dumps(arguments), env=env)


def test_every_operation_can_be_called(workspace, shop):
    workspace.tools(tools(shop + "/openapi.json", KEY))
    listed = json.loads(workspace.run("tools", "list", "--json", env=ENV).stdout)
    names = {tool["name"] for handler in listed for tool in handler["tools"]} if isinstance(listed, list) else set()
    assert names == {"get_order", "add_order", "add_photo", "drop_order"}
    result = call(workspace, "get_order", {"order_id": "a/b c", "tags": ["x", "y z"], "x-trace": "t1"})
    # FastAPI takes a slash in a path apart even when it is encoded.
    assert result.returncode == 4 and "404" in result.stderr, result.stdout
    result = call(workspace, "get_order", {"order_id": "b c", "tags": ["x", "y z"], "x-trace": "t1"})
    assert json.loads(result.stdout) == {"id": "b c", "tags": ["x", "y z"], "trace": "t1"}
    tree = {"name": "n", "parts": [{"name": "m", "parts": []}]}
    result = call(workspace, "add_order", {"item": "cup", "count": 2, "tree": tree})
    assert json.loads(result.stdout) == {"item": "cup", "count": 2, "tree": tree}
    result = call(workspace, "add_photo", {"file": {"bytesBase64": "AAEC", "filename": "p.png"}, "note": "hi"})
    assert json.loads(result.stdout) == {"name": "p.png", "size": 3, "note": "hi"}
    assert call(workspace, "drop_order", {"order_id": 7}).returncode == 0


def test_arguments_are_checked_before_anything_is_sent(workspace, shop):
    workspace.tools(tools(shop + "/openapi.json", KEY))
    result = call(workspace, "add_order", {"count": 2})
    assert result.returncode != 0 and "item" in result.stderr
    result = call(workspace, "add_order", {"item": "cup", "tree": {"name": 3}})
    assert result.returncode != 0 and "/tree" in result.stderr


def test_a_credential_is_not_done_without(workspace, shop):
    workspace.tools(tools(shop + "/openapi.json"))
    result = call(workspace, "get_order", {"order_id": "1"})
    assert result.returncode == 4
    assert "needs a credential: APIKeyHeader" in result.stderr and "credentials:" in result.stderr
    # What asks for none works.
    assert call(workspace, "drop_order", {"order_id": 7}).returncode == 0
    workspace.tools(tools(shop + "/openapi.json", KEY))
    result = call(workspace, "get_order", {"order_id": "1"}, env={"SHOP_KEY": "wrong-key-000"})
    assert "403" in result.stderr and "wrong-key-000" not in result.stdout + result.stderr


def test_only_what_the_filter_names(workspace, shop):
    workspace.tools(tools(shop + "/openapi.json", "operationFilter: [drop_order, gone]"))
    result = workspace.run("tools", "list")
    assert "drop_order" in result.stdout and "get_order" not in result.stdout
    assert "operationFilter names 'gone'" in result.stdout + result.stderr


def test_the_agent_calls_operations(workspace, shop):
    workspace.mock("""
rules:
  - when: order (\\d+)
    calls: [{name: get_order, arguments: {order_id: "$1"}}]
    then: "it is ${get_order.id}"
""")
    workspace.tools(tools(shop + "/openapi.json", KEY))
    result, document = workspace.ask("order 42", env=ENV)
    assert result.returncode == 0, result.stderr
    assert document["text"] == "it is 42"


@pytest.mark.parametrize("answer,expected", [
    (lambda h, _: h.reply(500, "no"), "HTTP 500"), (lambda h, _: h.reply(200, "{nope"), "is not JSON"),
    (lambda h, _: h.reply(200, '{"openapi": "9.9"}'), "is no OpenAPI document"),
])
def test_a_document_that_cannot_be_used_is_a_state(workspace, http, answer, expected):
    server = http(answer)
    workspace.tools(tools(server.url + "/openapi.json"))
    result = workspace.run("tools", "list")
    assert expected in result.stdout + result.stderr
    # The agent works on without it.
    workspace.mock("default_response: still here\n")
    result, document = workspace.ask("hi")
    assert document["text"] == "still here"
