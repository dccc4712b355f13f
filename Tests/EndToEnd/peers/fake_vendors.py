"""The vendors' APIs on one port, played from Tests/Fixtures/providers.

usage: fake_vendors.py LOG [PIECE]

Prints its port. A model called `NAME@FIXTURE` gets that fixture; others get a text, or calls of tools when tools are
offered and none was called yet. Every request is a line of JSON in LOG. Bodies come in pieces of PIECE bytes, so that
characters and lines are cut. What Bedrock gets has to be signed with the key `AKIDEXAMPLE`; botocore says whether it is.
"""

import http.server
import json
import pathlib
import socketserver
import struct
import sys
import base64
import binascii
import threading

FIXTURES = pathlib.Path(__file__).parents[2] / "Fixtures" / "providers"
LOG = open(sys.argv[1], "a")
PIECE = int(sys.argv[2]) if len(sys.argv) > 2 else 57
LOCK = threading.Lock()
TYPES = {".sse": "text/event-stream", ".ndjson": "application/x-ndjson", ".json": "application/json"}
AWS = {"access": "AKIDEXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
FAILURES = {}


def frames(payloads):
    """AWS's event stream: what Bedrock wraps Anthropic's events into."""
    for payload in payloads:
        body = json.dumps({"bytes": base64.b64encode(payload).decode()}).encode()
        name, value = b":event-type", b"chunk"
        headers = bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value
        start = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
        start += struct.pack(">I", binascii.crc32(start)) + headers + body
        yield start + struct.pack(">I", binascii.crc32(start))


def signature_of(handler, body):
    """What botocore would have signed."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    given = handler.headers["Authorization"]
    names = given.split("SignedHeaders=")[1].split(",")[0].split(";")
    request = AWSRequest(
        method=handler.command,
        url=f"http://{handler.headers['Host']}{handler.path}",
        data=body,
        headers={name: handler.headers[name] for name in names if name != "host"},
    )
    scope = given.split("Credential=")[1].split(",")[0].split("/")
    signer = SigV4Auth(Credentials(AWS["access"], AWS["secret"]), scope[3], scope[2])
    request.context["timestamp"] = handler.headers["X-Amz-Date"]
    canonical = signer.canonical_request(request)
    return given.split("Signature=")[1], signer.signature(signer.string_to_sign(request, canonical), request)


def name_of(path, body):
    model = str(body.get("model") or path)
    if "@" in model:
        return model.split("@")[1].split(":")[0].split("/")[0]
    text = json.dumps(body)
    answered = any(word in text for word in ('"tool_result"', '"role": "tool"', "function_call_output", "functionResponse", "function_response"))
    calls = bool(body.get("tools")) and not answered
    if "/messages" in path or "/invoke" in path or "RawPredict" in path or "rawPredict" in path:
        return "anthropic-thinking-tools" if calls else "anthropic-text"
    if "/chat/completions" in path:
        return "openai-chat-tools" if calls else "openai-chat-text"
    if "/responses" in path:
        return "openai-responses-reasoning-tool" if calls else "openai-responses-unknown"
    if "/api/chat" in path:
        return "ollama-chat-thinking-tools" if calls else "ollama-chat-text"
    if "enerateContent" in path:
        return "gemini-thinking-tools" if calls else "gemini-text"
    return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.loads(raw or b"{}")
        with LOCK:
            LOG.write(json.dumps({"path": self.path, "headers": dict(self.headers.items()), "body": body}) + "\n")
            LOG.flush()
        path = self.path.split("?")[0]
        if "bedrock" in self.headers.get("Authorization", ""):
            given, wanted = signature_of(self, raw)
            if given != wanted:
                return self.refuse(403, {"message": f"signature {given}, botocore says {wanted}"})
        name = name_of(path, body)
        if name and name.startswith("status-"):
            return self.scripted(name)
        if name == "echo-key":
            given = next(self.headers[key] for key in ("x-api-key", "Authorization") if key in self.headers)
            return self.refuse(401, {"error": {"message": f"Incorrect API key provided: {given}"}})
        files = [FIXTURES / f"{name}{ending}" for ending in TYPES]
        file = next((file for file in files if file.exists()), None)
        if not file:
            return self.refuse(404, {"error": {"message": f"no fixture {name}", "type": "not_found_error"}})
        data = file.read_bytes()
        kind = TYPES[file.suffix]
        if "invoke-with-response-stream" in path:
            lines = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: ")]
            data, kind = b"".join(frames(lines)), "application/vnd.amazon.eventstream"
        self.answer(429 if "429" in name else 200, kind, data)

    def scripted(self, name):
        """`status-503-2`: that status twice, then a text."""
        _, status, times = name.split("-")
        with LOCK:
            FAILURES[name] = FAILURES.get(name, 0) + 1
            fails = FAILURES[name] <= int(times)
        if fails:
            return self.refuse(int(status), {"error": {"message": "for now"}}, {"retry-after-ms": "30"})
        self.answer(200, TYPES[".sse"], (FIXTURES / "openai-chat-text.sse").read_bytes())

    def refuse(self, status, value, headers={}):
        body = json.dumps(value).encode()
        self.send_response(status)
        for key, text in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, text)
        self.end_headers()
        self.wfile.write(body)

    def answer(self, status, kind, data):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("request-id", "req_fake")
        self.send_header("x-request-id", "req_fake")
        self.send_header("x-ratelimit-remaining-requests", "41")
        if status == 429:
            self.send_header("retry-after", "1")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
