"""Servers that demand what the scenarios of modelcontextprotocol/conformance demand of a client
(src/scenarios/client/), rebuilt from their rules. Each records its checks: name -> list of (passed, what was seen)."""

import base64
import hashlib
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

LEGACY, MODERN = "2025-11-25", "2026-07-28"
META = "io.modelcontextprotocol/"


class Request:
    def __init__(self, handler):
        parts = urlsplit(handler.path)
        self.method, self.path, self.query = handler.command, parts.path, parse_qs(parts.query, True)
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = handler.rfile.read(int(self.headers.get("content-length", 0)))

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def bearer(self):
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind == "Bearer" else None


class Response:
    def __init__(self, status=200, body=b"", headers=None, stream=None):
        self.status, self.headers, self.stream = status, dict(headers or {}), stream
        if not isinstance(body, bytes):
            self.headers.setdefault("Content-Type", "application/json")
            body = json.dumps(body).encode()
        self.body = body


class Server:
    """Plays `app(request) -> Response` on a port of its own, as localhost."""

    def __init__(self, app):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def play(self):
                request = Request(self)
                response = app(request)
                self.send_response(response.status)
                for name, value in response.headers.items():
                    self.send_header(name, value)
                if response.stream is None:
                    self.send_header("Content-Length", str(len(response.body)))
                    self.end_headers()
                    self.wfile.write(response.body)
                    return
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                try:
                    for piece in response.stream:
                        self.wfile.write(piece)
                        self.wfile.flush()
                except OSError:
                    pass

            do_GET = do_POST = do_DELETE = do_HEAD = do_PUT = play

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://localhost:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()


def event(message, name=None, retry=None, data=None):
    text = "event: message\n" if message is not None else ""
    text += f"id: {name}\n" if name else ""
    text += f"retry: {retry}\n" if retry else ""
    return (text + "data: " + (json.dumps(message) if message is not None else data or "") + "\n\n").encode()


def until(condition, limit=20):
    end = time.monotonic() + limit
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


def complete(result, cacheable=False):
    more = {"ttlMs": 0, "cacheScope": "private"} if cacheable else {}
    return {**result, "resultType": result.get("resultType", "complete"), **more}


def discovery(capabilities, name="conformance-mock-server"):
    return complete({"supportedVersions": [MODERN], "capabilities": capabilities,
                     "_meta": {META + "serverInfo": {"name": name, "version": "1.0.0"}}}, True)


def tool(name, properties=None, required=()):
    return {"name": name, "description": name,
            "inputSchema": {"type": "object", "properties": properties or {}, "required": list(required)}}


def say(text):
    return {"content": [{"type": "text", "text": text}]}


class Scenario:
    path = "/mcp"
    context = None
    may_fail = False

    def __init__(self, version):
        self.version = version
        self.checks = {}
        self.servers = []
        self.resource = self.serve(self.answer)

    def serve(self, app):
        lock = threading.Lock()
        del lock
        server = Server(app)
        self.servers.append(server)
        return server

    def check(self, name, passed, seen=None):
        self.checks.setdefault(name, []).append((bool(passed), seen))

    @property
    def url(self):
        return self.resource.url + self.path

    def finish(self):
        """What can only be said at the end."""

    def stop(self):
        for server in self.servers:
            server.stop()

    # MCP

    tools = []

    def call(self, params):
        return say("ok")

    def result(self, method, params):
        if method == "tools/list":
            return {"tools": self.tools}
        if method == "tools/call":
            return self.call(params)
        return None

    def stateful(self, request):
        """The handshake protocol without sessions; answers are streams of one event."""
        if request.path != "/mcp" or request.method != "POST":
            return Response(404)
        message = request.json
        accepted = request.headers.get("accept", "")
        self.check("wire", isinstance(message, dict) and message.get("jsonrpc") == "2.0", message)
        if "application/json" not in accepted or "text/event-stream" not in accepted:
            return Response(406)
        if "id" not in message or "method" not in message:
            return Response(202)
        method, params = message["method"], message.get("params") or {}
        if method == "initialize":
            result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                      "serverInfo": {"name": "conformance-mock-server", "version": "1.0.0"}}
        else:
            version = request.headers.get("mcp-protocol-version")
            if version not in (None, LEGACY, "2025-06-18"):
                return Response(400, {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "version"}})
            result = self.result(method, params)
        body = ({"result": result} if result is not None
                else {"error": {"code": -32601, "message": "Method not found"}})
        return Response(200, event({"jsonrpc": "2.0", "id": message["id"], **body}),
                        {"Content-Type": "text/event-stream"})

    def stateless(self, request):
        if request.path != "/mcp" or request.method != "POST":
            return Response(404)
        message = request.json
        params = message.get("params") or {}
        meta = params.get("_meta") or {}
        said, header = meta.get(META + "protocolVersion"), request.headers.get("mcp-protocol-version")
        info = meta.get(META + "clientInfo")
        self.check("wire", said and isinstance(meta.get(META + "clientCapabilities"), dict)
                   and (info is None or info.get("name") and info.get("version")), message)

        def failure(status, code, data=None):
            error = {"code": code, "message": "no", **({"data": data} if data else {})}
            return Response(status, {"jsonrpc": "2.0", "id": message.get("id"), "error": error})

        if header is None or header != said:
            return failure(400, -32020)
        if said != MODERN:
            return failure(400, -32022, {"supported": [MODERN], "requested": said})
        if "id" not in message:
            return Response(202)
        method = message["method"]
        if method == "server/discover":
            result = discovery({"tools": {}})
        else:
            result = self.result(method, params)
            if result is None:
                return failure(404, -32601)
            result = complete(result, method.endswith("/list"))
        return Response(200, {"jsonrpc": "2.0", "id": message["id"], "result": result})

    def answer(self, request):
        return self.stateless(request) if self.version == MODERN else self.stateful(request)


class Initialize(Scenario):
    path = ""

    def answer(self, request):
        message = request.json
        if message is None:
            return Response(400, {"jsonrpc": "2.0", "error": {"code": -32700, "message": "parse"}})
        params, result = message.get("params") or {}, {}
        if message["method"] == "initialize":
            info = params.get("clientInfo") or {}
            known = params.get("protocolVersion") in ("2025-06-18", LEGACY, MODERN)
            self.check("mcp-client-initialization", known and info.get("name") and info.get("version"), params)
            result = {"protocolVersion": params.get("protocolVersion") if known else LEGACY,
                      "serverInfo": {"name": "test-server", "version": "1.0.0"}, "capabilities": {}}
        elif message["method"] == "tools/list":
            result = {"tools": []}
        # Also to a notification, without an id.
        return Response(200, {"jsonrpc": "2.0", **({"id": message["id"]} if "id" in message else {}),
                              "result": result})

    def finish(self):
        self.check("something was sent", "mcp-client-initialization" in self.checks)


class ToolsCall(Scenario):
    tools = [tool("add_numbers", {"a": {"type": "number"}, "b": {"type": "number"}}, ["a", "b"])]

    def call(self, params):
        arguments = params.get("arguments") or {}
        a, b = arguments.get("a"), arguments.get("b")
        self.check("tool-add-numbers", all(type(n) in (int, float) for n in (a, b)), arguments)
        return say(f"The sum of {a} and {b} is {a + b}")

    def finish(self):
        self.check("the tool was called", "tool-add-numbers" in self.checks)


class ElicitationDefaults(Scenario):
    """The server's question comes on its own stream; what is not filled in gets the default."""

    FIELDS = {
        "name": ({"type": "string", "default": "John Doe"}, lambda v: isinstance(v, str)),
        "age": ({"type": "integer", "default": 30}, lambda v: type(v) is int),
        "score": ({"type": "number", "default": 95.5}, lambda v: type(v) in (int, float)),
        "status": ({"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
                   lambda v: v in ("active", "inactive", "pending")),
        "verified": ({"type": "boolean", "default": True}, lambda v: isinstance(v, bool)),
    }

    def __init__(self, version):
        self.session = "session-1"
        self.outbox, self.reply, self.streams = [], None, 0
        super().__init__(version)

    def answer(self, request):
        known = request.headers.get("mcp-session-id") == self.session
        if request.method == "GET":
            if not known or self.streams:
                return Response(400 if not known else 409)
            self.streams += 1

            def stream():
                yield b": hello\n\n"
                while True:
                    until(lambda: self.outbox, 25)
                    if not self.outbox:
                        return
                    yield event(self.outbox.pop())

            return Response(200, headers={"Content-Type": "text/event-stream"}, stream=stream())
        if request.method == "DELETE":
            return Response(200 if known else 400)
        message = request.json
        if message.get("method") == "initialize":
            result = {"protocolVersion": LEGACY, "capabilities": {"tools": {}},
                      "serverInfo": {"name": "elicitation-defaults-test-server", "version": "1.0.0"}}
            return Response(200, event({"jsonrpc": "2.0", "id": message["id"], "result": result}),
                            {"Content-Type": "text/event-stream", "mcp-session-id": self.session})
        if not known:
            return Response(400, {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "session"}})
        if "method" not in message:
            self.reply = message.get("result") or {}
            return Response(202)
        if "id" not in message:
            return Response(202)
        if message["method"] == "tools/list":
            body = event({"jsonrpc": "2.0", "id": message["id"],
                          "result": {"tools": [tool("test_client_elicitation_defaults")]}})
            return Response(200, body, {"Content-Type": "text/event-stream"})

        def stream():
            schema = {"type": "object", "properties": {n: f[0] for n, f in self.FIELDS.items()}, "required": []}
            self.outbox.append({"jsonrpc": "2.0", "id": 77, "method": "elicitation/create",
                                "params": {"message": "please accept with defaults", "requestedSchema": schema}})
            until(lambda: self.reply is not None)
            reply = self.reply or {}
            self.check("accepted", reply.get("action") == "accept", reply)
            for name, (_, fits) in self.FIELDS.items():
                value = (reply.get("content") or {}).get(name)
                self.check(f"client-elicitation-sep1034-{name}", fits(value), value)
            yield event({"jsonrpc": "2.0", "id": message["id"], "result": say("Elicitation completed")})

        return Response(200, headers={"Content-Type": "text/event-stream"}, stream=stream())

    def finish(self):
        self.check("the server could ask", "accepted" in self.checks)


class SSERetry(Scenario):
    path = ""

    def __init__(self, version):
        self.numbers = itertools.count()
        self.pending, self.ended, self.gets, self.last = None, None, [], []
        super().__init__(version)

    def answer(self, request):
        extra = {"mcp-session-id": "session-1"}
        prime = event(None, f"event-{next(self.numbers)}", 500)
        if request.method == "GET":
            self.gets.append(time.monotonic())
            self.last.append(request.headers.get("last-event-id"))

            def stream():
                yield prime
                if self.pending is not None:
                    pending, self.pending = self.pending, None
                    yield event({"jsonrpc": "2.0", "id": pending, "result": say("Reconnection completed")},
                                f"event-{next(self.numbers)}")
                time.sleep(5)

            return Response(200, headers={"Content-Type": "text/event-stream", **extra}, stream=stream())
        if request.method != "POST":
            return Response(405)
        message = request.json
        if "id" not in message:
            return Response(202)
        if message["method"] == "tools/call":
            def cut():
                yield prime
                time.sleep(0.05)
                self.pending, self.ended = message["id"], time.monotonic()

            return Response(200, headers={"Content-Type": "text/event-stream", **extra}, stream=cut())
        result = {"initialize": {"protocolVersion": "2025-03-26", "capabilities": {"tools": {}},
                                 "serverInfo": {"name": "sse-retry-test-server", "version": "1.0.0"}},
                  "tools/list": {"tools": [tool("test_reconnection")]}}.get(message["method"], {})
        return Response(200, {"jsonrpc": "2.0", "id": message["id"], "result": result}, extra)

    def finish(self):
        self.check("client-sse-graceful-reconnect", self.gets and self.ended, self.gets)
        # When, is nobody's verdict on a machine that other work shares; that it waited at all, is.
        waited = self.gets[-1] - self.ended if self.gets and self.ended else 0
        self.check("client-sse-retry-timing", waited >= 0.45, waited)
        self.check("client-sse-last-event-id", any(self.last), self.last)


class RequestMetadata(Scenario):
    path = ""

    def __init__(self, version):
        self.count, self.retried = 0, None
        super().__init__(version)

    def answer(self, request):
        if request.method != "POST":
            return Response(405, headers={"Allow": "POST"})
        message = request.json
        meta = (message.get("params") or {}).get("_meta") or {}
        header, said = request.headers.get("mcp-protocol-version"), meta.get(META + "protocolVersion")
        self.check("sep-2575-http-client-sends-version-header", header)
        self.check("sep-2575-client-populates-meta", said and meta.get(META + "clientCapabilities") is not None, meta)
        self.check("sep-2575-client-sends-client-info", meta.get(META + "clientInfo"), meta)
        self.check("sep-2575-http-version-header-matches-meta", header == said, (header, said))
        for name, value in (meta.get(META + "clientCapabilities") or {}).items():
            self.check(f"sep-2575-client-declares-{name}-capability", isinstance(value, dict), value)
        self.count += 1
        if self.count == 1:
            return Response(400, {"jsonrpc": "2.0", "id": message.get("id"), "error": {
                "code": -32022, "message": "Unsupported protocol version",
                "data": {"supported": [MODERN], "requested": said or ""}}})
        self.retried = header == said == MODERN
        result = {"server/discover": discovery({}), "tools/list": complete({"tools": []}, True)}.get(
            message["method"], complete({}))
        return Response(200, {"jsonrpc": "2.0", "id": message.get("id"), "result": result})

    def finish(self):
        self.check("sep-2575-client-retry-supported-version", self.retried)


class Plain(Scenario):
    """The common ground of the header scenarios: JSON answers at any path."""

    path = ""
    capabilities = {"tools": {}}

    def answer(self, request):
        if request.method == "GET":
            return Response(200, headers={"Content-Type": "text/event-stream"}, stream=iter([b"data: \n\n"]))
        if request.method != "POST":
            return Response(200 if request.method == "DELETE" else 405)
        message = request.json
        method, params = message["method"], message.get("params") or {}
        if "id" not in message:
            return Response(202)
        if method == "server/discover":
            result = discovery(self.capabilities)
        else:
            self.look(method, params, request.headers)
            result = complete(self.result(method, params) or {}, method.endswith("/list"))
        return Response(200, {"jsonrpc": "2.0", "id": message["id"], "result": result},
                        {"mcp-session-id": "session-1"})

    def look(self, method, params, headers):
        pass


class StandardHeaders(Plain):
    capabilities = {"tools": {}, "resources": {}, "prompts": {}}
    tools = [tool("test_headers"), tool("my-hyphenated-tool")]

    def result(self, method, params):
        return {
            "resources/list": {"resources": [
                {"uri": "file:///path/to/file%20name.txt", "name": "File with spaces"},
                {"uri": "https://example.com/resource?id=123", "name": "Resource with query string"}]},
            "resources/read": {"contents": []}, "resources/templates/list": {"resourceTemplates": []},
            "prompts/list": {"prompts": [{"name": "test_prompt"}]}, "prompts/get": {"messages": []},
        }.get(method) or super().result(method, params)

    def look(self, method, params, headers):
        self.check(f"Mcp-Method of {method}", headers.get("mcp-method") == method, headers)
        wanted = params.get({"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}.get(method))
        if wanted:
            self.check(f"Mcp-Name of {method}", headers.get("mcp-name") == wanted, headers.get("mcp-name"))

    def finish(self):
        for method in ("tools/call", "prompts/get", "resources/read"):
            self.check(f"{method} was sent", f"Mcp-Name of {method}" in self.checks)


class CustomHeaders(Plain):
    FIRST = {
        "region": ("string", "Region", "us-west1"), "priority": ("integer", "Priority", 42),
        "verbose": ("boolean", "Verbose", False), "debug": ("boolean", "Debug", True),
        "empty_val": ("string", "EmptyVal", ""), "method_val": ("string", "Method", "test-method"),
        "float_val": ("number", None, 3.14159), "non_ascii_val": ("string", "NonAscii", "Hello, 世界"),
        "whitespace_val": ("string", "Whitespace", " padded "),
        "leading_space_val": ("string", "LeadingSpace", " us-west1"),
        "trailing_space_val": ("string", "TrailingSpace", "us-west1 "),
        "internal_space_val": ("string", "InternalSpace", "us west 1"),
        "control_char_val": ("string", "ControlChar", "line1\nline2"), "crlf_val": ("string", "CrLf", "line1\r\nline2"),
        "tab_val": ("string", "Tab", "\tindented"), "query": ("string", None, "SELECT * FROM users"),
    }
    SECOND = {"region": ("string", "Region", "us-east1"), "priority": ("integer", "Priority", 1),
              "verbose": ("boolean", "Verbose", None), "query": ("string", None, "SELECT 1")}

    @staticmethod
    def made(name, fields):
        return tool(name, {key: {"type": kind, **({"x-mcp-header": header} if header else {})}
                           for key, (kind, header, _) in fields.items()}, ["region", "priority", "query"])

    def __init__(self, version):
        pairs = {"test_custom_headers": self.FIRST, "test_custom_headers_null": self.SECOND}
        self.pairs = pairs
        self.tools = [self.made(name, fields) for name, fields in pairs.items()]
        self.context = {"toolCalls": [{"name": name, "arguments": {k: f[2] for k, f in fields.items()}}
                                      for name, fields in pairs.items()]}
        super().__init__(version)

    def look(self, method, params, headers):
        if method != "tools/call":
            return
        for key, (_, header, _) in self.pairs[params["name"]].items():
            value = params["arguments"].get(key)
            got = headers.get(f"mcp-param-{(header or key).lower()}")
            if header is None or value is None:
                self.check(f"{params['name']}: {key} is in no header", got is None, got)
                continue
            text = str(value).lower() if isinstance(value, bool) else str(value)
            plain = all(" " <= c <= "~" for c in text) and text == text.strip()
            coded = f"=?base64?{base64.b64encode(text.encode()).decode()}?="
            self.check(f"{params['name']}: {key}", got == coded or plain and got == text, got)

    def finish(self):
        self.check("both tools were called", len(self.checks) >= len(self.FIRST) + len(self.SECOND))


class InvalidToolHeaders(Plain):
    may_fail = True
    BAD = {
        "invalid_empty_header": {"value": ("string", "")}, "invalid_object_header": {"data": ("object", "Data")},
        "invalid_array_header": {"items": ("array", "Items")}, "invalid_null_header": {"nil": ("null", "Nil")},
        "invalid_duplicate_same_case": {"field1": ("string", "Region"), "field2": ("string", "Region")},
        "invalid_duplicate_diff_case": {"field1": ("string", "MyField"), "field2": ("string", "myfield")},
        "invalid_space_in_name": {"value": ("string", "My Region")},
        "invalid_colon_in_name": {"value": ("string", "Region:Primary")},
        "invalid_non_ascii_name": {"value": ("string", "Région")},
        "invalid_control_char_name": {"value": ("string", "Region\t1")},
    }

    def __init__(self, version):
        self.called = []
        self.tools = [
            tool(name, {key: {"type": kind, "x-mcp-header": header} for key, (kind, header) in fields.items()})
            for name, fields in {**self.BAD, "valid_tool": {"region": ("string", "Region")}}.items()]
        self.tools[-1]["inputSchema"]["required"] = ["region"]
        super().__init__(version)

    def call(self, params):
        self.called.append(params["name"])
        return say("Tool call received")

    def finish(self):
        self.check("sep-2243-client-reject-invalid-tool", self.called == ["valid_tool"], self.called)


class NoDereference(Scenario):
    def __init__(self, version):
        self.fetched = self.listed = 0
        super().__init__(version)
        self.tools = [{"name": "lookup_user", "inputSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "$defs": {"userId": {"type": "string", "pattern": "^[a-z0-9-]+$"}},
            "properties": {"id": {"$ref": "#/$defs/userId"},
                           "profile": {"$ref": f"{self.resource.url}/canary/profile-schema.json"}},
            "required": ["id"]}}]

    def answer(self, request):
        if request.path.startswith("/canary"):
            self.fetched += 1
            return Response(200, {"type": "object"})
        if request.json and request.json.get("method") == "tools/list":
            self.listed += 1
        return super().answer(request)

    def call(self, params):
        return None

    def finish(self):
        self.check("sep-2106-no-network-ref-deref", self.listed and not self.fetched, (self.listed, self.fetched))


class RequestState(Scenario):
    tools = [tool(f"test_mrtr_{name}") for name in ("echo_state", "no_state", "unrelated", "no_result_type")]

    def __init__(self, version):
        self.first = {}
        super().__init__(version)

    def answer(self, request):
        message = request.json
        method, params = message["method"], message.get("params") or {}
        if method == "server/discover":
            result = discovery({"tools": {}}, "mrtr-mock-server")
        elif method == "tools/list":
            result = complete({"tools": self.tools}, True)
        elif method == "tools/call":
            result = self.mrtr(params, message["id"])
        else:
            return Response(200, {"jsonrpc": "2.0", "id": message.get("id"),
                                  "error": {"code": -32601, "message": "no"}})
        return Response(200, {"jsonrpc": "2.0", "id": message["id"], "result": result})

    def mrtr(self, params, number):
        name = params["name"].removeprefix("test_mrtr_")
        responses = params.get("inputResponses")
        state = params.get("requestState")
        if name == "unrelated":
            self.check("sep-2322-client-parallel-isolation", responses is None and "requestState" not in params, params)
            return complete(say("unrelated-ok"))
        if name == "no_result_type":
            self.check("sep-2322-default-result-type-complete", responses is None, params)
            return say("no-result-type-test-ok")
        if responses is None:
            asked = {"resultType": "input_required", "inputRequests": {"confirm": {
                "method": "elicitation/create", "params": {
                    "message": "Please confirm to continue",
                    "requestedSchema": {"type": "object", "properties": {"confirmed": {"type": "boolean"}}}}}}}
            if name == "echo_state":
                asked["requestState"] = json.dumps({"nonce": "ü\"x", "originalId": number}, ensure_ascii=False)
            self.first[name] = (number, asked.get("requestState"))
            return asked
        before, wanted = self.first[name]
        self.check(f"{name}: the answer", responses.get("confirm") == {
            "action": "accept", "content": {"confirmed": True}}, responses)
        if name == "echo_state":
            self.check("sep-2322-client-request-state-echoed", state == wanted, state)
            self.check("sep-2322-client-jsonrpc-id-different", number != before)
        else:
            self.check("sep-2322-client-no-state-omitted", "requestState" not in params, params)
        return complete(say(f"{name}-ok"))

    def finish(self):
        for name in ("request-state-echoed", "jsonrpc-id-different", "no-state-omitted", "parallel-isolation"):
            self.check(f"{name} was seen", f"sep-2322-client-{name}" in self.checks)
        self.check("result type was seen", "sep-2322-default-result-type-complete" in self.checks)


class Auth(Scenario):
    """A server behind tokens, and one that gives them. The rest varies by what is said here."""

    tools = [{"name": "test-tool", "inputSchema": {"type": "object"}}]

    def __init__(self, version, prm="/.well-known/oauth-protected-resource/mcp", announced=True,
                 metadata="/.well-known/oauth-authorization-server", prefix="", scopes=None, challenge=None,
                 needed=None, as_scopes=None, cimd=False, registers=True, methods=("none",), secret=True,
                 method=None, resource=None, iss="own", names_itself=True, issuer=None):
        self.prm, self.announced, self.metadata, self.prefix = prm, announced, metadata, prefix
        self.scopes, self.challenge_scope, self.needed, self.as_scopes = scopes, challenge, needed, as_scopes
        self.cimd, self.registers, self.methods, self.secret, self.method = cimd, registers, methods, secret, method
        self.described, self.iss, self.names_itself, self.said_issuer = resource, iss, names_itself, issuer
        self.tokens, self.authorized, self.granted, self.registered = {}, [], [], []
        self.numbers = itertools.count(1)
        self.worked = 0
        self.authority = None
        super().__init__(version)
        self.authority = self.serve(self.authorize)

    # the server

    @property
    def issuer(self):
        return self.authority.url + self.prefix

    def answer(self, request):
        if request.path == self.prm:
            root = self.resource.url + ("/mcp" if self.prm.endswith(("/mcp", ".json")) else "")
            return Response(200, {"resource": self.described or root, "authorization_servers": [self.issuer],
                                  **({"scopes_supported": self.scopes} if self.scopes else {})})
        if request.path != "/mcp" or request.method != "POST":
            return Response(404)
        refusal = self.gate(request)
        return refusal or super().answer(request)

    def challenge(self, status, error=None, scope=None):
        parts = [f'error="{error}"'] if error else []
        parts += [f'scope="{scope}"'] if scope else []
        parts += [f'resource_metadata="{self.resource.url}{self.prm}"'] if self.announced else []
        return Response(status, {"error": error or "invalid_token"},
                        {"WWW-Authenticate": "Bearer " + ", ".join(parts)})

    def gate(self, request):
        token = request.bearer()
        if token is None:
            return self.challenge(401, "invalid_token", self.challenge_scope)
        self.check("valid-bearer-token", token in self.tokens, token)
        if self.needed and self.needed not in self.tokens.get(token, ()):
            return self.challenge(403, "insufficient_scope", self.challenge_scope)
        self.worked += 1
        return None

    # the authorization server

    def authorize(self, request):
        if request.path == self.metadata:
            return Response(200, self.metadata_document())
        if request.path == self.prefix + "/register" and self.registers:
            return self.register(request.json)
        if request.path == self.prefix + "/authorize":
            return self.redirect({name: values[0] for name, values in request.query.items()})
        if request.path == self.prefix + "/token":
            return self.token(request)
        return Response(404)

    def metadata_document(self):
        base = self.issuer
        document = {
            "issuer": self.said_issuer or base, "authorization_endpoint": base + "/authorize",
            "token_endpoint": base + "/token", "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": list(self.methods)}
        if self.registers:
            document["registration_endpoint"] = base + "/register"
        if self.names_itself:
            document["authorization_response_iss_parameter_supported"] = True
        if self.as_scopes:
            document["scopes_supported"] = self.as_scopes
        if self.cimd:
            document["client_id_metadata_document_supported"] = True
        return document

    def register(self, body):
        self.registered.append(body)
        if self.version == MODERN:
            self.check("sep-837-application-type-present", body.get("application_type") in ("native", "web"), body)
        answer = {"client_id": "test-client-id", "redirect_uris": body.get("redirect_uris", [])}
        if self.secret:
            answer["client_secret"] = "test-client-secret"
        if self.method:
            answer["token_endpoint_auth_method"] = self.method
        return Response(201, answer)

    def redirect(self, query):
        self.authorized.append(query)
        self.check("pkce-code-challenge-sent", query.get("code_challenge"), query)
        self.check("pkce-s256-method-used", query.get("code_challenge_method") == "S256", query)
        place = f"{query['redirect_uri']}?code=test-auth-code&state={query.get('state', '')}"
        said = {"own": self.issuer, "evil": "https://evil.example.com", "slash": self.issuer + "/"}.get(self.iss)
        return Response(302, headers={"Location": place + (f"&iss={said}" if said else "")})

    def token(self, request):
        form = {name: values[0] for name, values in parse_qs(request.body.decode(), True).items()}
        self.granted.append((form, request.headers))
        verifier = form.get("code_verifier", "")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        self.check("pkce-verifier-matches-challenge", digest == self.authorized[-1].get("code_challenge"), form)
        for name, where in (("authorization", self.authorized[-1]), ("token", form)):
            self.check(f"resource-parameter-in-{name}", where.get("resource") == self.url, where)
        refusal = self.judge_client(form, request.headers)
        if refusal:
            return refusal
        token = f"test-token-{next(self.numbers)}"
        self.tokens[token] = set(self.authorized[-1].get("scope", "").split())
        return Response(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    def judge_client(self, form, headers):
        return None

    def finish(self):
        if not self.may_fail:
            self.check("the server was used", self.worked >= 2, self.worked)


class Metadata(Auth):
    """Where things are described: probing goes in the order of the rules."""

    WRONG = ()

    def answer(self, request):
        self.check("prm-priority-order", request.path not in self.WRONG, request.path)
        return super().answer(request)

    def authorize(self, request):
        self.check("authorization-server-metadata", request.path not in self.WRONG, request.path)
        return super().authorize(request)


class Scopes(Auth):
    def __init__(self, version, wanted, **options):
        self.wanted = wanted
        super().__init__(version, **options)

    def finish(self):
        super().finish()
        said = set(self.authorized[0].get("scope", "").split()) if self.authorized else None
        self.check("scope", said is not None and (said >= set(self.wanted) if self.wanted else not said), said)


class Free(Auth):
    """The handshake and notifications need no token."""

    @staticmethod
    def is_free(request):
        method = request.json.get("method", "")
        return method == "initialize" or method.startswith("notifications/")


class StepUp(Free):
    def gate(self, request):
        if self.is_free(request):
            return None
        token = request.bearer()
        if token is None:
            return self.challenge(401, None, "mcp:basic")
        needed = "mcp:write" if request.json["method"] == "tools/call" else "mcp:basic"
        if needed not in self.tokens[token]:
            return self.challenge(403, "insufficient_scope", "mcp:write")
        self.worked += 1
        return None

    def finish(self):
        super().finish()
        scopes = [set(a.get("scope", "").split()) for a in self.authorized]
        self.check("scope-step-up-initial", scopes and "mcp:basic" in scopes[0], scopes)
        self.check("scope-step-up-escalation", len(scopes) > 1 and "mcp:write" in scopes[1], scopes)
        if self.version == MODERN:
            self.check("sep-2350-scope-union-on-reauth", len(scopes) > 1 and "mcp:basic" in scopes[1], scopes)


class RetryLimit(Free):
    may_fail = True

    def __init__(self, version):
        self.refused = 0
        super().__init__(version, scopes=["mcp:admin"])

    def gate(self, request):
        if self.is_free(request):
            return None
        if request.bearer() is None:
            return self.challenge(401, None, "mcp:admin")
        self.refused += 1
        if self.refused > 3:
            return Response(410, {"error": "test_complete"})
        return self.challenge(403, "insufficient_scope", "mcp:admin")

    def finish(self):
        self.check("scope-retry-limit", 1 <= len(self.authorized) <= 3, len(self.authorized))


class TokenAuth(Auth):
    def __init__(self, version, kind):
        self.kind = kind
        super().__init__(version, methods=[kind], method=kind, secret=kind != "none")

    def judge_client(self, form, headers):
        said = headers.get("authorization", "")
        kind = ("client_secret_basic" if said.startswith("Basic ") else
                "client_secret_post" if "client_secret" in form else "none")
        whole = kind != "client_secret_basic" or b":" in base64.b64decode(said[6:])
        self.check("token-endpoint-auth-method", kind == self.kind and whole, kind)


class PreRegistration(Auth):
    context = {"client_id": "pre-registered-client", "client_secret": "pre-registered-secret"}

    def __init__(self, version):
        super().__init__(version, registers=False, methods=["client_secret_basic"])

    def judge_client(self, form, headers):
        wanted = base64.b64encode(b"pre-registered-client:pre-registered-secret").decode()
        right = headers.get("authorization") == f"Basic {wanted}"
        self.check("pre-registration-auth", right, headers.get("authorization"))
        return None if right else Response(401, {"error": "invalid_client"})


class Cimd(Auth):
    def finish(self):
        super().finish()
        said = [a.get("client_id") for a in self.authorized]
        self.check("cimd-client-id-used",
                   said == ["https://conformance-test.local/client-metadata.json"] and not self.registered, said)


class Mismatch(Auth):
    """Something does not fit, so nobody goes further."""

    may_fail = True

    def __init__(self, version, reaches, **options):
        self.reaches = reaches
        super().__init__(version, **options)

    def finish(self):
        self.check("it was looked at", self.authorized if self.reaches else self.looked)
        self.check("it went no further", not self.granted and (self.reaches or not self.authorized), self.authorized)

    looked = False

    def answer(self, request):
        if request.path == self.prm:
            self.looked = True
        return super().answer(request)


class Iss(Auth):
    def finish(self):
        super().finish()
        self.check("a token was asked for", self.granted)


class Offline(Auth):
    def __init__(self, version, wanted, **options):
        self.wanted = wanted
        super().__init__(version, **options)

    def finish(self):
        super().finish()
        scope = self.authorized[0].get("scope", "").split() if self.authorized else []
        self.check("sep-2207-offline-access", self.authorized and ("offline_access" in scope) == self.wanted, scope)


class Migration(Free):
    """After the first request that worked, somebody else gives the tokens."""

    def __init__(self, version):
        self.moved = False
        self.second = []
        super().__init__(version)
        self.first_authority = self.authority
        self.other = self.serve(lambda request: self.elsewhere(request))

    @property
    def issuer(self):
        return (self.other if self.moved else self.authority).url

    def gate(self, request):
        if self.is_free(request):
            return None
        token = request.bearer()
        if token is None or self.moved and not token.startswith("test-token-as2-"):
            return self.challenge(401, None, "mcp:basic")
        self.moved = True
        self.worked += 1
        return None

    def elsewhere(self, request):
        text = json.dumps(request.query) + request.body.decode() + request.headers.get("authorization", "")
        coded = base64.b64encode(b"as1-client").decode()[:12]
        self.check("sep-2352-no-cross-as-credential-reuse", "as1-client" not in text and coded not in text, text)
        self.second.append(request.path)
        return self.authorize(request)

    def register(self, body):
        super().register(body)
        name = "as2" if self.moved else "as1"
        return Response(201, {"client_id": f"{name}-client-id", "client_secret": f"{name}-client-secret"})

    def token(self, request):
        response = super().token(request)
        if self.moved:
            token = f"test-token-as2-{next(self.numbers)}"
            self.tokens[token] = {"mcp:basic"}
            return Response(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600})
        return response

    def finish(self):
        super().finish()
        self.check("sep-2352-reregister-on-as-change", "/register" in self.second, self.second)


PRM, ROOT = "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"
OAUTH, OIDC = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"


def metadata(wrong=(), **options):
    def make(version):
        scenario = Metadata(version, **options)
        scenario.WRONG = wrong
        return scenario
    return make


def auth(kind, *arguments, **options):
    return lambda version: kind(version, *arguments, **options)


BOTH = {
    "tools_call": ToolsCall,
    "auth/metadata-default": metadata((ROOT,)),
    "auth/metadata-var1": metadata(announced=False, metadata=OIDC),
    "auth/metadata-var2": metadata((OAUTH,), prm=ROOT, announced=False, metadata=OAUTH + "/tenant1",
                                   prefix="/tenant1"),
    "auth/metadata-var3": metadata((OAUTH,), prm="/custom/metadata/location.json",
                                   metadata="/tenant1" + OIDC, prefix="/tenant1"),
    "auth/basic-cimd": auth(Cimd, cimd=True),
    "auth/scope-from-www-authenticate": auth(Scopes, ["mcp:basic"], challenge="mcp:basic", needed="mcp:basic"),
    "auth/scope-from-scopes-supported": auth(Scopes, ["mcp:basic", "mcp:read", "mcp:write"],
                                             scopes=["mcp:basic", "mcp:read", "mcp:write"]),
    "auth/scope-omitted-when-undefined": auth(Scopes, []),
    "auth/scope-step-up": auth(StepUp, scopes=["mcp:profile"]),
    "auth/scope-retry-limit": RetryLimit,
    "auth/token-endpoint-auth-basic": auth(TokenAuth, "client_secret_basic"),
    "auth/token-endpoint-auth-post": auth(TokenAuth, "client_secret_post"),
    "auth/token-endpoint-auth-none": auth(TokenAuth, "none"),
    "auth/pre-registration": PreRegistration,
}
SCENARIOS = {
    LEGACY: {"initialize": Initialize, "elicitation-sep1034-client-defaults": ElicitationDefaults,
             "sse-retry": SSERetry, **BOTH},
    MODERN: {
        "request-metadata": RequestMetadata, "http-standard-headers": StandardHeaders,
        "http-custom-headers": CustomHeaders, "http-invalid-tool-headers": InvalidToolHeaders,
        "json-schema-ref-no-deref": NoDereference, "sep-2322-client-request-state": RequestState, **BOTH,
        "auth/resource-mismatch": auth(Mismatch, False, resource="https://evil.example.com/mcp", secret=False),
        "auth/offline-access-scope": auth(Offline, True, scopes=["mcp:basic"], cimd=True,
                                          as_scopes=["mcp:basic", "offline_access"]),
        "auth/offline-access-not-supported": auth(Offline, False, scopes=["mcp:basic", "mcp:read"],
                                                  as_scopes=["mcp:basic", "mcp:read"]),
        "auth/authorization-server-migration": Migration,
        "auth/iss-supported": Iss, "auth/iss-not-advertised": auth(Iss, iss=None, names_itself=False),
        "auth/iss-supported-missing": auth(Mismatch, True, iss=None),
        "auth/iss-wrong-issuer": auth(Mismatch, True, iss="evil"),
        "auth/iss-unexpected": auth(Mismatch, True, iss="evil", names_itself=False),
        "auth/iss-normalized": auth(Mismatch, True, iss="slash"),
        "auth/metadata-issuer-mismatch": auth(Mismatch, False, issuer="https://attacker.example.com"),
    },
}
