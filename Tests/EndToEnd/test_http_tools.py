"""HTTP tools against a real server: mappings, redaction, redirects, addresses that are nobody's business."""

import json

import pytest


def tools(url, config, schema="{type: object}"):
    return f"""
handlers:
  - name: service
    type: http
    tool: {{name: ask, description: asks, inputSchema: {schema}}}
    httpConfig:
      endpoint: {url}/ask
      {config}
"""


def call(workspace, arguments="{}", **options):
    return workspace.run("tools", "call", "ask", arguments, **options)


def test_mappings_make_the_body_and_the_answer(workspace, http):
    server = http(lambda handler, _: handler.reply(
        200, json.dumps({"data": {"items": [{"id": 1, "token": "x"}, {"id": 2, "token": "y"}]}, "token": "z"}),
        {"Content-Type": "application/json"}))
    workspace.tools(tools(server.url, """bodyMapping: "{query: {text: q, limit: to_number(n)}}"
      responseMapping: "data.items[*].{id: id, token: token}"
      redact: [token]"""))
    result = call(workspace, '{"q": "cups", "n": "3"}')
    assert result.returncode == 0, result.stderr
    assert json.loads(server.requests[0][3]) == {"query": {"text": "cups", "limit": 3}}
    # What is secret at the top is secret below.
    assert json.loads(result.stdout) == [{"id": 1, "token": "[REDACTED]"}, {"id": 2, "token": "[REDACTED]"}]


def test_a_broken_mapping_has_its_place(workspace):
    path = workspace.write("tools.yaml", tools("http://127.0.0.1:1", 'bodyMapping: "{a: "'))
    result = workspace.run("validate", str(path))
    assert result.returncode == 2
    assert "tools.yaml:8:" in result.stdout + result.stderr
    assert "is no JMESPath expression" in result.stdout + result.stderr


@pytest.mark.parametrize("status,method,body", [
    (301, "GET", b""), (302, "GET", b""), (303, "GET", b""), (307, "POST", b'{"a":1}'), (308, "POST", b'{"a":1}')])
def test_redirects_are_followed_on_the_own_host(workspace, http, status, method, body):
    def answer(handler, count):
        if count == 1:
            handler.reply(status, headers={"Location": "/new/../other?x=1"})
        else:
            handler.reply(200, '"there"')

    server = http(answer)
    workspace.tools(tools(server.url, "authType: bearer\n      authToken: ${T}"))
    result = call(workspace, '{"a": 1}', env={"T": "secret-token-1"})
    assert result.returncode == 0 and "there" in result.stdout, result.stderr
    sent = server.requests[1]
    assert (sent[0], sent[1], sent[3]) == (method, "/other?x=1", body)
    assert sent[2]["Authorization"] == "Bearer secret-token-1"


def test_another_host_is_refused_or_gets_no_credentials(workspace, http):
    # Another port is another origin, another name another host.
    other = http(lambda handler, _: handler.reply(200, '"other"'))
    server = http(lambda handler, _: handler.reply(
        307, headers={"Location": other.url.replace("127.0.0.1", "localhost") + "/x"}))
    config = "headers: {X-Key: mine}\n      authType: bearer\n      authToken: ${T}"
    workspace.tools(tools(server.url, config))
    env = {"T": "secret-token-1"}
    result = call(workspace, '{"a": 1}', env=env)
    assert result.returncode == 4 and "only its own host is followed" in result.stdout + result.stderr
    assert other.requests == []
    workspace.write("cleo.yaml", "network: {redirect_hosts: [localhost]}\n")
    result = call(workspace, '{"a": 1}', env=env)
    assert result.returncode == 0, result.stderr
    headers = {name.lower() for name in other.requests[0][2]}
    assert "authorization" not in headers and "x-key" not in headers


def test_circles_end(workspace, http):
    server = http(lambda handler, _: handler.reply(302, headers={"Location": "/ask"}))
    workspace.tools(tools(server.url, "method: GET"))
    result = call(workspace)
    assert result.returncode == 4 and "in circles" in result.stdout + result.stderr
    assert len(server.requests) == 6


@pytest.mark.parametrize("address", [
    "169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "100.100.100.200", "2852039166"])
def test_metadata_services_are_out_of_reach(workspace, address):
    workspace.tools(tools(f"http://{address}", "method: GET"))
    result = call(workspace, patience=20)
    assert result.returncode == 4
    assert "link-local" in result.stdout + result.stderr, result.stdout + result.stderr
    assert "allow_link_local" in result.stdout + result.stderr


def test_a_redirect_does_not_lead_there_either(workspace, http):
    server = http(lambda handler, _: handler.reply(302, headers={"Location": "http://169.254.169.254/latest"}))
    workspace.write("cleo.yaml", "network: {redirect_hosts: ['169.254.169.254']}\n")
    workspace.tools(tools(server.url, "method: GET"))
    result = call(workspace, patience=20)
    assert result.returncode == 4 and "link-local" in result.stdout + result.stderr
