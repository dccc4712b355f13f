"""What can go wrong between here and a tool's server, for each adapter over HTTP: it ends in time, says what it was,
and takes no other tool with it. (gRPC has its own in test_grpc.py, MCP over stdio in test_mcp.py.)"""

import json
import socket
import ssl
import threading
import time

import pytest
import trustme

SPEC = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"},
        "paths": {"/do": {"post": {"operationId": "do_it", "requestBody": {
            "content": {"application/json": {"schema": {"type": "object"}}}}}}}}


def http_tool(url, more=""):
    return ("  - name: bad\n    type: http\n    timeout: 1500ms\n"
            "    tool: {name: do_it, description: d, inputSchema: {type: object}}\n"
            f"    httpConfig: {{endpoint: '{url}/do'{more}}}\n")


def openapi_tool(url, more=""):
    return ("  - name: bad\n    type: openapi\n    timeout: 1500ms\n"
            f"    openAPIConfig: {{specURL: spec.json, baseURL: '{url}'{more}}}\n")


def mcp_tool(url, more=""):
    return ("  - name: bad\n    type: mcp\n    timeout: 1500ms\n"
            f"    mcpConfig: {{transport: streamable-http, endpoint: '{url}/mcp'{more}}}\n")


ADAPTERS = {"http": http_tool, "openapi": openapi_tool, "mcp": mcp_tool}


class Wire:
    """Accepts connections, and does with each what a test says."""

    def __init__(self, serve, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = []
        threading.Thread(target=self.accept, args=(serve, context), daemon=True).start()

    def accept(self, serve, context):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection, serve, context), daemon=True).start()

    def one(self, connection, serve, context):
        try:
            if context:
                connection = context.wrap_socket(connection, server_side=True)
            self.connections.append(connection)
            serve(connection, request(connection))
            connection.close()
        except (OSError, ValueError):
            pass

    def close(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()


def request(connection):
    """The head and the body of one request."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise OSError("gone")
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head, body


@pytest.fixture
def wire():
    opened = []

    def start(serve, context=None):
        opened.append(Wire(serve, context))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def hang(connection, _):
    time.sleep(8)


def half(connection, _):
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"half":')


def half_a_head(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Ty")


def reset(connection, _):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def drip(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.1)


def drip_head(connection, _):
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def oversized(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n\"")
    for _ in range(1200):
        connection.sendall(b"x" * 65536)


def endless_head(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        connection.sendall(b"X-%d: " % number + b"a" * 1000 + b"\r\n")


def bad_chunk(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n")


def no_http(connection, _):
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


def bad_gzip(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")


WORDS = {
    hang: ("within", "in time", "closed the connection"), half: ("closed the connection", "transfer closed", "end"), half_a_head: ("closed", "sent no answer", "empty"),
    reset: ("closed the connection",), drip: ("within", "in time"), drip_head: ("within", "in time"),
    oversized: ("larger than",), endless_head: ("larger than", "too large", "headers"), bad_chunk: ("chunk",), no_http: ("something that is not HTTP",),
    bad_gzip: ("encoding", "data", "decod"),
}


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("peer", WORDS, ids=lambda peer: peer.__name__)
def test_it_ends_and_says_what_it_was(workspace, http, wire, adapter, peer):
    good = http(lambda handler, _: handler.reply(200, '"fine"', {"Content-Type": "application/json"}))
    server = wire(peer)
    workspace.write("spec.json", SPEC)
    workspace.write("cleo.yaml", "approval: never\n")
    workspace.tools(
        "handlers:\n  - name: good\n    type: http\n    tool: {name: works, description: d, inputSchema: {type: object}}\n"
        f"    httpConfig: {{endpoint: '{good.url}/x'}}\n" + ADAPTERS[adapter](f"http://127.0.0.1:{server.port}"))
    began = time.monotonic()
    result = workspace.run("tools", "call", "do_it")
    assert time.monotonic() - began < (30 if adapter == "mcp" else 10)
    assert result.returncode != 0
    assert any(word in result.stderr for word in WORDS[peer]), result.stderr
    # The others are there.
    assert "fine" in workspace.run("tools", "call", "works").stdout


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("host,told", [("127.0.0.1", "cannot be reached"), ("nowhere.invalid", "resolve")])
def test_nobody_is_there(workspace, free_port, adapter, host, told):
    workspace.write("spec.json", SPEC)
    workspace.tools("handlers:\n" + ADAPTERS[adapter](f"http://{host}:{free_port}"))
    result = workspace.run("tools", "call", "do_it")
    assert result.returncode != 0 and told in result.stderr and host in result.stderr, result.stderr


def page(connection, _):
    body = b"<html><title>Sign in</title></html>"
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def test_an_answer_of_another_type(workspace, wire):
    server = wire(page)
    url = f"http://127.0.0.1:{server.port}"
    # A web page is an answer of an HTTP tool, and none of an MCP server.
    workspace.tools("handlers:\n" + http_tool(url))
    assert "<html>" in workspace.run("tools", "call", "do_it").stdout
    workspace.tools("handlers:\n" + mcp_tool(url))
    result = workspace.run("tools", "call", "do_it")
    assert result.returncode != 0 and "something that is not JSON-RPC: <html>" in result.stderr, result.stderr
    workspace.tools(f"handlers:\n  - name: bad\n    type: openapi\n    openAPIConfig: {{specURL: '{url}/spec'}}\n")
    result = workspace.run("tools", "call", "do_it")
    assert result.returncode != 0 and "bad" in result.stderr, result.stderr


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_certificates(workspace, wire, tmp_path, adapter):
    authority, stranger = trustme.CA(), trustme.CA()
    contexts = {}
    for name, issuer, host, more in [
            ("good", authority, "localhost", {}), ("stranger", stranger, "localhost", {}),
            ("other", authority, "elsewhere.example", {}),
            ("expired", authority, "localhost", {"not_after": __import__("datetime").datetime(2020, 1, 1)})]:
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert(host, **more).configure_cert(contexts[name])
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    def answer(connection, asked):
        body = b'"fine"'
        if adapter == "mcp":
            message = json.loads(asked[1])
            result = {"server/discover": None, "initialize": {
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "t", "version": "1"}},
                "tools/list": {"tools": [{"name": "do_it", "inputSchema": {"type": "object"}}]},
                "tools/call": {"content": [{"type": "text", "text": "fine"}]}}.get(message["method"])
            body = json.dumps({"jsonrpc": "2.0", "id": message.get("id")} | (
                {"result": result} if result else {"error": {"code": -32601, "message": "no"}})).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    workspace.write("spec.json", SPEC)
    workspace.write("cleo.yaml", f"network: {{ca_file: {tmp_path}/ca.pem}}\n")
    for name, context in contexts.items():
        server = wire(answer, context)
        workspace.tools("handlers:\n" + ADAPTERS[adapter](f"https://localhost:{server.port}"))
        result = workspace.run("tools", "call", "do_it")
        if name == "good":
            assert "fine" in result.stdout, result.stderr
        else:
            assert result.returncode != 0 and "could not prove who it is" in result.stderr, (name, result.stderr)


@pytest.mark.parametrize("adapter", ["http", "openapi"])
def test_a_token_that_ends_and_the_one_after_it(workspace, http, adapter):
    good = {"token": "first-token-111"}

    def answer(handler, _):
        if handler.headers.get("Authorization") != f"Bearer {good['token']}":
            return handler.reply(401, '{"error": "token expired"}', {"Content-Type": "application/json"})
        handler.reply(200, '"fine"', {"Content-Type": "application/json"})

    server = http(answer)
    workspace.write("spec.json", SPEC)
    workspace.write("token", "first-token-111\n")
    workspace.tools("handlers:\n" + ADAPTERS[adapter](server.url, ", authType: bearer, authTokenPath: token"))
    assert "fine" in workspace.run("tools", "call", "do_it").stdout
    good["token"] = "second-token-222"
    refused = workspace.run("tools", "call", "do_it")
    assert refused.returncode != 0 and "HTTP 401" in refused.stderr and "token expired" in refused.stderr
    workspace.write("token", "second-token-222\n")
    assert "fine" in workspace.run("tools", "call", "do_it").stdout
    (workspace.folder / "token").unlink()
    asked = len(server.requests)
    assert workspace.run("tools", "call", "do_it").returncode != 0
    assert len(server.requests) == asked
