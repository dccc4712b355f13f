"""What is sent from here beside what a cluster would send; a call kept as a mock; signs of life."""

import json

DOCUMENT = {
    "openapi": "3.0.0", "info": {"title": "t", "version": "1"},
    "paths": {"/users/{id}": {"get": {"operationId": "getUser", "parameters": [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
        {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
        {"name": "verbose", "in": "query", "schema": {"type": "boolean"}}]}}}}


def test_the_same_call_from_here_and_from_a_cluster(workspace, http):
    server = http(lambda handler, _: handler.reply(200, json.dumps(DOCUMENT), {"Content-Type": "application/json"}))
    workspace.tools(f"handlers:\n  - name: oa\n    type: openapi\n    openAPIConfig: {{specURL: '{server.url}/spec',"
                    f" baseURL: '{server.url}', authType: bearer, authToken: secret-token-9}}\n")
    asked = ("tools", "call", "getUser", '{"id": 42, "X-Trace": "t", "verbose": true}', "--as-omnia")
    text = workspace.run(*asked).stdout
    assert f"≠ GET {server.url}/users/42?verbose=true" in text
    assert f"≠ GET {server.url}/users/%7Bid%7D?X-Trace=t&id=42&verbose=true" in text
    assert "X-Omnia-Param-Xtrace: t" in text and "leaves parameters of the path as they are" in text
    assert "secret-token-9" not in text
    document = json.loads(workspace.run(*asked, "--json").stdout)
    assert document["here"]["headers"]["X-Trace"] == "t" and document["cluster"]["method"] == "GET"
    # Nothing was called but the document.
    assert {request[1] for request in server.requests} == {"/spec"}


def test_what_is_answered_here_sends_nothing(workspace):
    workspace.write("cleo.yaml", "builtin: {memory: true}\n")
    result = workspace.run("tools", "call", "recall", "--as-omnia")
    assert result.returncode != 0 and "sends nothing" in result.stderr


def test_validate_warns_of_the_cluster(workspace):
    path = workspace.write("tools.yaml", "handlers:\n  - name: a\n    type: mcp\n"
                           "    mcpConfig: {transport: stdio, command: x, env: {A: b}}\n")
    result = workspace.run("validate", str(path))
    assert result.returncode == 0 and "no PATH, no HOME" in result.stdout and "tools.yaml:4:" in result.stdout
    # Who only chats is not told.
    assert "PATH" not in workspace.run("run", "-p", "hi").stderr


def test_a_call_becomes_a_mock(workspace, http):
    server = http(lambda handler, _: handler.reply(
        200, '{"state": "lost", "note": "${HOME} and $${x}"}', {"Content-Type": "application/json"}))
    workspace.tools("handlers:\n  - name: orders\n    type: http\n"
                    "    tool: {name: order, description: looks up, inputSchema: {type: object}}\n"
                    f"    httpConfig: {{endpoint: '{server.url}/o'}}\n")
    said = workspace.run("tools", "call", "order", '{"id": 1}')
    made = workspace.run("tools", "call", "order", '{"id": 1}', "--as-mock", "-o", "mocks/order.tool.yaml")
    assert made.returncode == 0, made.stderr
    assert "is there already" in workspace.run(
        "tools", "call", "order", '{"id": 1}', "--as-mock", "-o", "mocks/order.tool.yaml").stderr
    server.close()
    workspace.write("cleo.yaml", "tools: mocks/order.tool.yaml\n")
    again = workspace.run("tools", "call", "order", '{"id": 2}')
    assert json.loads(again.stdout) == json.loads(said.stdout), again.stderr
    assert workspace.run("validate", "mocks/order.tool.yaml").returncode == 0


def test_signs_of_life(workspace, http, free_port):
    states = {"/": 404}
    server = http(lambda handler, _: handler.reply(states[handler.path], ""))
    workspace.tools("".join(["handlers:\n"] + [
        f"  - name: {name}\n    type: http\n    tool: {{name: {name}, description: d, inputSchema: {{type: object}}}}\n"
        f"    httpConfig: {{endpoint: 'http://127.0.0.1:{port}/deep/path?x=1'}}\n"
        for name, port in (("here", server.url.rsplit(":", 1)[1]), ("gone", free_port))]))
    rows = {row["handler"]: row for row in json.loads(workspace.run("tools", "probe", "--json").stdout)}
    assert rows["here"]["ok"] and not rows["gone"]["ok"] and "cannot be reached" in rows["gone"]["detail"]
    assert [(request[0], request[1]) for request in server.requests] == [("HEAD", "/")]
    states["/"] = 503
    rows = {row["handler"]: row for row in json.loads(workspace.run("tools", "probe", "here", "--json").stdout)}
    assert not rows["here"]["ok"] and "HTTP 503" in rows["here"]["detail"]
