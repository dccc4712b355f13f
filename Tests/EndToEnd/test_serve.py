"""Serving the local agent: asked by Python's `websockets` and aiohttp, OpenAI's SDK, raw sockets, and `attach`."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import pathlib
import random
import resource
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import aiohttp
import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from conftest import PROGRAM, ROOT, wait_for
from test_tool_files import CLIENT
from test_vendors import VENDORS

FRAMES = int(os.environ.get("CLEO_FRAMES", "9000"))
SEED = int(os.environ.get("CLEO_SEED", str(random.randrange(10**6))))
RULES = """
pace: 40
rules:
  - when: where
    calls: [{name: locate, arguments: {exact: true}}]
    then: "you are in ${locate}"
    failed: "unknown: ${error}"
  - when: "name is (\\\\w+)"
    say: "noted, $1"
  - when: slow
    say: "%s"
  - when: "."
    say: "Echo: hello"
""" % ("word " * 200)


class Served:
    def __init__(self, workspace, *arguments, env=None):
        self.errors = open(workspace.home / "errors", "w+")
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--listen", "127.0.0.1:0", *arguments], cwd=workspace.folder,
            env={**workspace.environment, **(env or {})}, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.lines = []
        while not (self.lines and "/v1/" in self.lines[-1]):
            line = self.process.stdout.readline()
            assert line, pathlib.Path(self.errors.name).read_text()
            self.lines.append(line.strip())
        self.http = self.lines[-1].removesuffix("/v1/chat/completions")
        self.port = int(self.http.rsplit(":", 1)[1])
        self.url = f"ws://127.0.0.1:{self.port}/ws?agent=test"

    def get(self, path, **headers):
        try:
            with urllib.request.urlopen(urllib.request.Request(self.http + path, headers=headers), timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def raw(self, *pieces):
        """What comes back for these bytes, until the server closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            for piece in pieces:
                connection.sendall(piece)
            answer = b""
            try:
                while more := connection.recv(65536):
                    answer += more
            except TimeoutError:
                pass
            return answer

    @property
    def memory(self):
        """Resident, in KiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def close(self):
        ended = self.process.poll()
        self.process.kill()
        self.process.wait()
        self.errors.seek(0)
        assert ended in (None, 0), f"the server ended with {ended}: {self.errors.read()[-4000:]}"
        self.errors.close()


@pytest.fixture
def serve(workspace):
    opened = []
    workspace.mock(RULES)
    workspace.tools(CLIENT)

    def start(*arguments, **options):
        opened.append(Served(workspace, *arguments, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


class Client:
    def __init__(self, url, **options):
        self.socket = connect(url, legacy=True, **options)
        self.connected = self.next()
        self.session = self.connected["session_id"]

    def next(self):
        return json.loads(self.socket.recv(timeout=20))

    def send(self, type="message", **fields):
        self.socket.send(json.dumps({"type": type, "session_id": self.session, **fields}))

    def turn(self, text):
        """The frames of one message."""
        self.send(content=text)
        frames = [self.next()]
        while frames[-1]["type"] not in ("done", "error", "tool_call"):
            frames.append(self.next())
        return frames


def text_of(frames):
    return "".join(frame.get("content", "") for frame in frames if frame["type"] == "chunk")


def test_a_turn_and_its_log(serve, workspace):
    client = Client(serve().url)
    assert client.connected["connected"]["capabilities"] == {
        "binary_frames": False, "max_payload_size": 16777216, "protocol_version": 1}
    for said in ("hello", "again"):
        frames = client.turn(said)
        assert {frame["type"] for frame in frames[:-1]} == {"chunk"} and frames[-1]["type"] == "done"
        assert text_of(frames) == "Echo: hello" == frames[-1]["content"]
        assert {frame["session_id"] for frame in frames} == {client.session} and all("timestamp" in f for f in frames)
    wait_for(lambda: workspace.query(
        f"SELECT COUNT(*) FROM events WHERE type = 'turn.finished' AND session = '{client.session}'") == [(2,)], "both in the log")


def test_text_may_stand_in_parts(serve):
    client = Client(serve().url)
    client.send(parts=[{"type": "text", "text": "my name"}, {"type": "text", "text": "name is Ada"}])
    frames = [client.next()]
    while frames[-1]["type"] != "done":
        frames.append(client.next())
    assert frames[-1]["content"] == "noted, Ada"


def test_a_client_tool(serve):
    client = Client(serve().url)
    call = client.turn("where am I?")[-1]["tool_call"]
    assert (call["name"], call["arguments"]) == ("locate", {"exact": True}) and "may I know" in call["consent_message"]
    client.send("tool_call_ack", tool_call_ack={"call_id": call["id"]})
    client.send("tool_result", tool_result={"call_id": call["id"], "result": "Oslo"})
    frames = [client.next()]
    while frames[-1]["type"] != "done":
        frames.append(client.next())
    assert frames[-1]["content"] == "you are in Oslo"


@pytest.mark.parametrize("answer, told", [
    (("tool_call_nack", {"reason": "no such tool here"}), "no such tool here"),
    (("tool_result", {"error": "denied by user"}), "denied by user"),
    (None, "did not acknowledge"),
])
def test_a_client_that_does_not_answer_its_tool(serve, answer, told):
    client = Client(serve().url)
    call = client.turn("where am I?")[-1]["tool_call"]
    if answer:
        client.send(answer[0], **{answer[0]: {"call_id": call["id"], **answer[1]}})
    frames = [client.next()]
    while frames[-1]["type"] != "done":
        frames.append(client.next())
    assert "unknown:" in frames[-1]["content"] and told in frames[-1]["content"]
    # And nothing is left behind.
    assert client.turn("hello")[-1]["content"] == "Echo: hello"


def test_one_message_at_a_time(serve):
    client = Client(serve().url)
    client.send(content="slow")
    assert client.next()["type"] == "chunk"
    client.send(content="another")
    frames = [client.next()]
    while frames[-1]["type"] == "chunk":
        frames.append(client.next())
    assert frames[-1]["error"]["code"] == "RATE_LIMITED" and "in-flight" in frames[-1]["error"]["message"]


def test_a_session_goes_on_elsewhere(serve):
    server = serve()
    first = Client(server.url)
    first.turn("hello")
    first.socket.close()
    second = Client(server.url)
    second.session = first.session
    assert second.turn("again")[-1]["type"] == "done"
    second.session = "11111111-2222-4333-8444-555555555555"
    error = second.turn("hi")[-1]
    assert error["error"] == {"code": "SESSION_EXPIRED", "message": "session context has expired; start a new session"}
    assert error["session_id"] == second.session


def test_who_leaves_is_not_answered(serve, workspace):
    server = serve()
    client = Client(server.url)
    client.send(content="slow")
    client.next()
    client.socket.close()
    wait_for(lambda: "inflight{agent=\"test\",namespace=\"default\"} 0" in server.get("/metrics")[1], "the turn to end")
    wait_for(lambda: workspace.query(
        f"SELECT body FROM events WHERE type = 'turn.finished' AND session = '{client.session}'"), "the end in the log")


def test_too_many_frames(serve):
    client = Client(serve().url)
    for _ in range(150):
        client.socket.send("not json")
    codes = [client.next()["error"]["code"] for _ in range(150)]
    assert codes[0] == "INVALID_MESSAGE" and codes[-1] == "RATE_LIMITED" and codes.count("INVALID_MESSAGE") >= 100


def test_frames_that_break_the_protocol_end_it(serve):
    server = serve()

    def code(piece):
        client = Client(server.url)
        client.socket.socket.sendall(piece)
        with pytest.raises(ConnectionClosed):
            while True:
                client.next()
        return client.socket.close_code

    assert code(b"\x81\x02hi") == 1002, "a frame without a mask"
    assert code(b"\xb3\x80\0\0\0\0") == 1002, "an opcode that is not there"
    assert code(b"\x82\xff" + (17 << 20).to_bytes(8, "big") + b"\0\0\0\0") == 1009, "17 MiB"
    assert code(b"\x81\x82\0\0\0\0\xff\xfe") == 1007, "no UTF-8"
    assert Client(server.url).turn("hello")[-1]["type"] == "done"


def test_the_token(serve):
    server = serve("--token-env", "T", env={"T": "open-sesame-77"})
    for headers in ({}, {"Authorization": "Bearer open-sesame-78"}, {"Authorization": "Bearer "}):
        with pytest.raises(InvalidStatus) as refused:
            connect(server.url, additional_headers=headers)
        assert refused.value.response.status_code == 401
        assert server.get("/v1/models", **headers)[0] == 401
    right = {"Authorization": "Bearer open-sesame-77"}
    assert Client(server.url, additional_headers=right).turn("hello")[-1]["type"] == "done"
    assert server.get("/v1/models", **right)[0] == 200
    # Probes need none.
    assert server.get("/healthz") == (200, "ok\n")


def test_other_addresses_need_a_token(serve, workspace):
    workspace.mock(RULES)
    result = workspace.run("serve", "--listen", "0.0.0.0:0", patience=20)
    assert result.returncode != 0 and "CLEO_SERVE_TOKEN" in result.stderr and "other machines" in result.stderr


def test_signed_tokens(serve, workspace):
    keys = {"RS256": rsa.generate_private_key(65537, 2048), "ES256": ec.generate_private_key(ec.SECP256R1())}
    others = {"RS256": rsa.generate_private_key(65537, 2048), "ES256": ec.generate_private_key(ec.SECP256R1())}
    public = [
        {**json.loads(jwt.algorithms.get_default_algorithms()[name].to_jwk(key.public_key())), "kid": name, "use": "sig"}
        for name, key in keys.items()]
    workspace.write("keys.json", {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}, *public]})
    secret = "0123456789abcdef0123456789abcdef"
    server = serve("--jwks", "keys.json", "--jwt-secret-env", "S", "--audience", "laptop", env={"S": secret})
    now = int(time.time())
    good = {"aud": "laptop", "exp": now + 600}

    def status(key, algorithm, claims=good, **headers):
        token = jwt.encode(claims, key, algorithm=algorithm, headers=headers)
        code, body = server.get("/v1/models", Authorization=f"Bearer {token}")
        return 200 if code == 200 else (code, json.loads(body)["error"]["message"])

    assert status(secret, "HS256") == 200
    for name, key in keys.items():
        for _ in range(8):  # ECDSA's numbers begin with other bits each time.
            assert status(key, name) == status(key, name, kid=name) == 200
        assert "not signed" in status(others[name], name)[1]
        assert "not signed" in status(key, name, kid="somebody")[1]
    assert status(secret, "HS256", {"aud": ["x", "laptop"], "exp": now - 30, "nbf": now + 30}) == 200, "clocks differ"
    for claims, told in (
            ({"aud": "laptop", "exp": now - 90}, "expired"), ({"aud": "laptop"}, "never expires"),
            ({"exp": now + 600}, "not for this"), ({"aud": "desk", "exp": now + 600}, "not for this"),
            ({"aud": "laptop", "exp": now + 600, "nbf": now + 90}, "not valid yet")):
        code, words = status(secret, "HS256", claims)
        assert code == 401 and told in words
    # A public key is no secret, and no signature is none.

    def forged(algorithm, sign):
        parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in ({"alg": algorithm}, good)]
        text = ".".join(parts)
        return text + "." + base64.urlsafe_b64encode(sign(text.encode())).rstrip(b"=").decode()

    shown = keys["RS256"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for token in (forged("none", lambda _: b""), forged("HS256", lambda text: hmac.new(shown, text, hashlib.sha256).digest()),
                  forged("ES256", lambda _: bytes(64)), forged("RS256", lambda _: bytes(256)), "a.b.c", "..", "x" * 20_000):
        assert server.get("/v1/models", Authorization=f"Bearer {token}")[0] == 401
    token = jwt.encode(good, keys["ES256"], algorithm="ES256")
    assert Client(server.url, additional_headers={"Authorization": f"Bearer {token}"}).turn("hello")[-1]["type"] == "done"
    assert secret not in pathlib.Path(workspace.database).read_bytes().decode(errors="ignore")


@pytest.mark.parametrize("arguments, env, told", [
    (("--jwt-secret-env", "S"), {"S": "short"}, "shorter than 32 bytes"),
    (("--jwt-secret-env", "S"), {}, "'S' is not set"),
    (("--jwks", "none.json"), {}, "none.json"),
    (("--jwks", "cleo.yaml"), {}, "cleo.yaml"),
    (("--jwks", "empty.json"), {}, "no key of the set"),
])
def test_keys_that_cannot_be_used(workspace, arguments, env, told):
    workspace.mock(RULES)
    workspace.write("cleo.yaml", "approval: never\n")
    workspace.write("empty.json", {"keys": [{"kty": "oct", "k": "AAAA"}]})
    result = workspace.run("serve", "--listen", "127.0.0.1:0", *arguments, env=env, patience=20)
    assert result.returncode != 0 and told in result.stderr


def test_pages_of_others_are_refused(serve):
    server = serve()
    assert server.get("/v1/models", Origin="http://evil.example")[0] == 403
    # A name that somebody gave to this address.
    for host in ("evil.example", "127.evil.example", f"evil.example:{server.port}"):
        assert server.get("/v1/models", Host=host)[0] == 403
    assert server.get("/v1/models", Host=f"localhost:{server.port}", Origin=f"http://localhost:{server.port}")[0] == 200


def test_probes_and_metrics(serve):
    server = serve()
    client = Client(server.url)
    client.turn("hello")
    assert server.get("/readyz")[0] == 200
    text = server.get("/metrics")[1]
    labels = '{agent="test",namespace="default"'
    assert f"omnia_agent_connections_active{labels}}} 1" in text
    assert f'omnia_agent_requests_total{labels},status="success"}} 1' in text
    # Each family has its type once, before its values.
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families)) >= 7
    assert server.get("/nothing")[0] == 404


PROMTOOL = ROOT / ".build/prometheus/promtool"


def promtool(text):
    """Prometheus's own verdict: its exit code, and what it says."""
    result = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    return result.returncode, result.stdout + result.stderr


@pytest.mark.skipif(not PROMTOOL.exists() and "CI" not in os.environ, reason="promtool is not there: make e2e")
def test_prometheus_takes_the_metrics(serve):
    server = serve()
    assert promtool(server.get("/metrics")[1]) == (0, "")
    client = Client(server.url)
    for said in ("hello", "where am I?"):
        client.turn(said)
    client.socket.send("not json")
    server.get("/v1/models")
    text = server.get("/metrics")[1]
    assert promtool(text) == (0, "")
    # It would say so.
    assert promtool(text + text)[0] != 0 and promtool(text.replace("# HELP", "# HELD", 1))[0] != 0


HEAD = b"Host: 127.0.0.1\r\n"


@pytest.mark.parametrize("request_, status", [
    (b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
    (b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Content-Length: +3\r\n\r\nabc", 400),
    (b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: xchunked\r\n\r\n", 501),
    (b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
    (b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Content-Length: 99999999999\r\n\r\n", 413),
    (b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n folded: 1\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
    (b"GET http://elsewhere/healthz HTTP/1.1\r\n" + HEAD + b"\r\n", 400),
    (b"GET /healthz HTTP/2.0\r\n" + HEAD + b"\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\n" + HEAD + b"A: " + b"a" * 70_000, 431),
], ids=range(16))
def test_requests_that_two_readers_would_read_differently(serve, request_, status):
    server = serve()
    answer = server.raw(request_)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1, "nothing after it is taken for a request"
    assert server.get("/healthz")[0] == 200


def test_requests_in_pieces_and_one_after_the_other(serve):
    server = serve()
    body = b'{"messages":[{"role":"user","content":"hello"}]}'
    chunked = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    request = b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked
    answer = server.raw(*[bytes([byte]) for byte in request], b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\nGET /readyz HTTP/1.1\r\nConnection: close\r\n" + HEAD + b"\r\n")
    assert server.raw(b"GET http://127.0.0.1/healthz HTTP/1.1\r\nConnection: close\r\n" + HEAD + b"\r\n").endswith(b"ok\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 3 and b"Echo: hello" in answer


OPENAI = """
import json, sys, openai
client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none", max_retries=0)
out = {"models": [m.id for m in client.models.list()]}
messages = [{"role": "user", "content": "my name is Ada"}, {"role": "assistant", "content": "noted"}, {"role": "user", "content": "hello"}]
whole = client.chat.completions.create(model="test", messages=messages)
out["whole"] = [whole.choices[0].message.content, whole.choices[0].finish_reason, whole.usage.total_tokens > 0]
pieces = list(client.chat.completions.create(model="test", messages=messages, stream=True, stream_options={"include_usage": True}))
out["pieces"] = ["".join(p.choices[0].delta.content or "" for p in pieces if p.choices), pieces[-2].choices[0].finish_reason, pieces[-1].usage.total_tokens > 0]
out["errors"] = []
for call in (dict(model="other", messages=messages), dict(model="test", messages=[]), dict(model="test", messages=messages, tools=[{"type": "function", "function": {"name": "x"}}])):
    try: client.chat.completions.create(**call)
    except openai.APIStatusError as error: out["errors"].append([type(error).__name__, error.body["message"]])
print(json.dumps(out))
"""


def test_the_openai_sdk(serve, workspace):
    server = serve()
    result = subprocess.run([VENDORS, "-c", OPENAI, server.http], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    out = json.loads(result.stdout)
    assert out["models"] == ["test"]
    assert out["whole"] == out["pieces"] == ["Echo: hello", "stop", True]
    assert [name for name, _ in out["errors"]] == ["NotFoundError", "BadRequestError", "BadRequestError"], out["errors"]
    # What was said before stands in the log of the conversation.
    texts = "".join(body for (body,) in workspace.query("SELECT body FROM events"))
    assert "my name is Ada" in texts and "noted" in texts


def ask(server, *said, **fields):
    """The answer to the last of what user and assistant said in turn."""
    messages = [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(said)]
    body = json.dumps({"messages": messages, **fields}).encode()
    with urllib.request.urlopen(urllib.request.Request(server.http + "/v1/chat/completions", data=body), timeout=20) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def test_a_chat_client_goes_on_in_its_session(serve, workspace):
    server = serve()
    sessions = lambda: workspace.query("SELECT count(DISTINCT session) FROM events")[0][0]
    said = []
    for question in ("my name is Ada", "hello", "my name is Bob"):
        said += [question, ask(server, *said, question)]
    assert said[1::2] == ["noted, Ada", "Echo: hello", "noted, Bob"]
    assert sessions() == 1
    # Another word, another speaker, or the same once more: that is another conversation.
    ask(server, "my name is Eve", *said[1:4], "hello")
    assert sessions() == 2
    ask(server, *said, "hello", user="somebody")
    assert sessions() == 3
    ask(server, *said, "hello")
    assert sessions() == 3
    ask(server, *said, "hello")
    assert sessions() == 4


def test_sessions_that_nobody_needs_are_let_go(serve, workspace):
    workspace.mock("rules: [{when: '.', say: 'Echo'}]\n")
    server = serve()
    for _ in range(150):
        ask(server, "hello")
    handles = len(list(pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir()))
    assert handles < 120, handles
    client = Client(server.url)
    first = workspace.query("SELECT session FROM events ORDER BY at LIMIT 1")[0][0]
    client.send(content="hello", session_id=first)
    while (frame := client.next())["type"] != "done":
        pass
    assert frame["session_id"] == first
    answers = f"SELECT count(*) FROM events WHERE session = '{first}' AND type = 'message.completed'"
    wait_for(lambda: workspace.query(answers)[0][0] == 2, "the second answer in the log")


def test_aiohttp(serve):
    server = serve()

    async def talk():
        async with aiohttp.ClientSession() as http, http.ws_connect(server.url, compress=15) as connection:
            session = (await connection.receive_json())["session_id"]
            await connection.ping()
            await connection.send_json({"type": "message", "session_id": session, "content": "hello"})
            while (frame := await connection.receive_json())["type"] == "chunk":
                pass
            return frame

    assert asyncio.run(talk())["content"] == "Echo: hello"


def test_attach_talks_to_serve(serve, workspace, terminal):
    server = serve()
    screen = terminal(
        workspace, 140, 40, arguments=("attach", server.url, "--session-api", server.http + "/api/v1"),
        env={"XDG_DATA_HOME": str(workspace.home / "other")})
    screen.wait("say something")
    screen.say("where am I?")
    screen.wait("locate asks you", "may I know where you are?")
    screen.press("a")
    screen.say("Oslo")
    # What the facade does not tell comes from the session API; the tool that was answered here is there once.
    screen.wait("you are in Oslo", "tokens as reported, session API", "chat mock")
    assert screen.screen.count("▸ locate") == 1
    server.process.send_signal(signal.SIGTERM)
    screen.wait("you are in Oslo", "again")
    assert server.process.wait(20) == 0


def test_what_runs_is_finished_before_the_end(serve):
    server = serve()
    client, idle = Client(server.url), Client(server.url)
    client.send(content="slow")
    assert client.next()["type"] == "chunk"
    server.process.send_signal(signal.SIGTERM)
    wait_for(lambda: server.get("/readyz") == (503, "draining\n"), "draining")
    with pytest.raises(InvalidStatus) as refusal:
        Client(server.url)
    assert (refusal.value.response.status_code, refusal.value.response.body) == (503, b"server draining\n")
    frames = [client.next()]
    while frames[-1]["type"] == "chunk":
        frames.append(client.next())
    assert frames[-1]["type"] == "done"
    for each in (client, idle):
        with pytest.raises(ConnectionClosed):
            each.next()
        assert (each.socket.close_code, each.socket.close_reason) == (1001, "server shutdown")
    assert server.process.wait(20) == 0


def test_random_frames(serve):
    """Frames of every kind, most of them wrong: codes come back, and the server stays."""
    print("seed", SEED)
    chance = random.Random(SEED)
    server = serve()
    kinds = ["message", "tool_result", "tool_call_ack", "tool_call_nack", "upload_request", "hangup", "x", None, 3]

    def value(depth=0):
        choices = [None, True, -1, 2**70, 1.5e300, "", "\0\x1b[2J\u202e", "x" * chance.randrange(2000)]
        if depth < 3:
            choices += [[value(depth + 1)], {"call_id": value(3), "result": value(depth + 1)}]
        return chance.choice(choices)

    def frame(payload, opcode=1):
        head = bytes([0x80 | opcode])
        size = len(payload)
        head += bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        return head + b"\0\0\0\0" + payload

    def one():
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(
                b"GET /ws?agent=test HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
            answer = connection.recv(4096)
            assert b"101 Switching" in answer and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer, answer
            count = chance.randrange(1, 60)
            for _ in range(count):
                dice = chance.random()
                if dice < 0.1:
                    connection.sendall(frame(chance.randbytes(chance.randrange(80)), 2))
                elif dice < 0.2:
                    connection.sendall(frame(json.dumps(value()).encode()))
                elif dice < 0.21:
                    connection.sendall(chance.randbytes(30))
                else:
                    kind = chance.choice(kinds)
                    connection.sendall(frame(json.dumps({
                        "type": kind, "session_id": chance.choice(["", value()]), "content": value(),
                        "parts": value(), **({kind: value()} if isinstance(kind, str) else {})}).encode()))
            if chance.random() < 0.5:
                connection.sendall(frame(b"\x03\xe8", 8))
                try:
                    while connection.recv(65536):
                        pass
                except ConnectionError:
                    pass
        return count

    def rounds(frames):
        while frames > 0:
            try:
                frames -= one()
            except ConnectionError:
                # It had enough of it.
                assert server.process.poll() is None

    rounds(3_000)
    before = server.memory
    rounds(FRAMES)
    assert server.process.poll() is None
    assert Client(server.url).turn("hello")[-1]["content"] == "Echo: hello"
    assert server.memory - before < 20_000


def test_the_session_api(serve, workspace):
    workspace.mock(RULES.replace("pace: 40", "priced_as: openai/gpt-4o-mini"))
    server = serve()
    client = Client(server.url)
    call = client.turn("where am I?")[-1]["tool_call"]
    client.send("tool_result", tool_result={"call_id": call["id"], "result": "Oslo"})
    while client.next()["type"] != "done":
        pass
    base = "/api/v1/sessions"

    def get(path):
        status, body = server.get(base + path)
        assert status == 200, body
        return json.loads(body)

    def settled():
        found = get("")["sessions"]
        return found and found[0]["totalOutputTokens"] and found[0]["messageCount"] == 2 and found[0]
    session = wait_for(settled, "the session in the list")
    assert session["id"] == client.session and session["agentName"] == "test" and session["toolCallCount"] == 1
    assert session["estimatedCostUSD"] > 0 and session["promptPackVersion"] == "1.0.0"
    assert [s["id"] for s in get("/search?q=Oslo")["sessions"]] == [client.session]
    assert get("/search?q=nowhere")["sessions"] == [] == get("?agent=other")["sessions"]
    one = f"/{client.session}"
    assert get(one)["session"]["id"] == client.session
    messages = get(one + "/messages?limit=1")
    assert messages["hasMore"] and messages["messages"][0]["content"] == "where am I?"
    after = get(one + f"/messages?after={messages['messages'][0]['sequenceNum']}")
    assert [m["content"] for m in after["messages"]] == ["you are in Oslo"] and not after["hasMore"]
    assert [(c["name"], c["status"]) for c in get(one + "/tool-calls")] == [("locate", "pending"), ("locate", "success")]
    calls = get(one + "/provider-calls")
    assert len(calls) == 2 and all(c["inputTokens"] > 0 and c["durationMs"] >= 0 for c in calls)
    assert get(one + "/events")[0]["data"]["system_prompt"] == "be kind"
    assert get(one + "/eval-results") == []
    # Held against its document.
    path = ROOT.parent / "shared/upstream/omnia/internal/session/api/openapi.yaml"
    document = yaml.safe_load(path.read_text())["components"]["schemas"] if path.exists() else {}
    for kind, rows in (("Session", [session]), ("Message", after["messages"]), ("ToolCall", get(one + "/tool-calls")),
                       ("ProviderCall", calls), ("RuntimeEvent", get(one + "/events"))):
        for row in rows if document else ():
            assert set(row) <= set(document[kind]["properties"]), kind
    assert server.get(base + "/" + "0" * 8)[0] == 404
    # `attach` fills its panes from it.
    result = workspace.run(
        "sessions", "show", client.session, "--remote", server.url, "--session-api", server.http + "/api/v1")
    assert result.returncode == 0 and "you are in Oslo" in result.stdout, result.stderr


def test_sessions_of_other_workspaces_are_not_told(serve, workspace, tmp_path):
    server = serve()
    client = Client(server.url)
    client.turn("hello")
    wait_for(lambda: json.loads(server.get("/api/v1/sessions")[1])["total"] == 1, "the session")
    other = tmp_path / "other"
    other.mkdir()
    (other / "prompts").symlink_to(workspace.folder / "prompts")
    ran = subprocess.run([PROGRAM, "run", "-p", "secret things", "--json"], cwd=other, env=workspace.environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    session = json.loads(ran.stdout)["session"]
    assert json.loads(server.get("/api/v1/sessions")[1])["total"] == 1
    assert server.get(f"/api/v1/sessions/{session}")[0] == 404
    assert json.loads(server.get("/api/v1/sessions/search?q=secret")[1])["total"] == 0


def test_who_does_not_read_is_dropped(serve, workspace):
    """Ten answers of seven megabytes to somebody who reads nothing: at 32 MiB it is over."""
    workspace.mock("rules:\n  - when: .\n    say: \"%s\"\n" % ("x" * 7_000_000))
    server = serve()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        body = b'{"messages":[{"role":"user","content":"x"}]}'
        request = b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
        connection.sendall(request * 10)
        # Those that still wait are not answered.
        wait_for(lambda: 'inflight{agent="test",namespace="default"} 0' in (text := server.get("/metrics")[1])
                 and any(f'"success"}} {count}\n' in text for count in range(5, 9)), "the connection to be dropped", 60)
        received = 0
        try:
            while more := connection.recv(1 << 20):
                received += len(more)
        except ConnectionError:
            pass
        assert received < 6 * 7_000_000
    assert server.get("/healthz")[0] == 200


@pytest.mark.parametrize("limit", [1_000, 80])
def test_more_connections_than_there_may_be(serve, limit):
    """At the server's own limit, and at the machine's for open files."""
    server = serve()
    if limit < 1_000:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    opened = []
    try:
        for _ in range(1_000):
            opened.append(socket.create_connection(("127.0.0.1", server.port), timeout=5))
        wait_for(lambda: len(list(pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir())) >= limit, "all of them")
        if limit == 1_000:
            with pytest.raises((ConnectionError, urllib.error.URLError)):
                server.get("/healthz")
    finally:
        for each in opened:
            each.close()

    def answers():
        try:
            return server.get("/healthz")[0] == 200
        except (OSError, urllib.error.URLError):
            return False
    wait_for(answers, "room again")


def test_no_more_messages_at_once_than_allowed(serve):
    server = serve("--max-running", "1")
    first, second = Client(server.url), Client(server.url)
    first.send(content="slow")
    assert first.next()["type"] == "chunk"
    assert second.turn("hello")[-1]["error"] == {"code": "RATE_LIMITED", "message": "too many conversations at once"}
    with pytest.raises(urllib.error.HTTPError) as refusal:
        ask(server, "hello")
    assert refusal.value.code == 429
    while first.next()["type"] != "done":
        pass
    assert second.turn("hello")[-1]["type"] == "done"


def test_the_jam_of_the_original(serve, workspace):
    """What `attach` is to survive can be had on request."""
    server = serve("--faithful-quirks", "--provider", "vllm", "--model", "m", "--base-url", "http://127.0.0.1:1")
    client = Client(server.url)
    assert client.turn("hello")[-1]["error"]["message"] == "an internal error occurred while processing the message"
    assert client.turn("again")[-1]["error"] == {"code": "RATE_LIMITED", "message": "too many in-flight requests"}
    # Whoever comes anew is not jammed, and `attach` knows it.
    result = workspace.run("attach", server.url, "-p", "hello", env={"XDG_DATA_HOME": str(workspace.home / "other")})
    assert "internal error" in result.stderr and result.returncode == 1


def test_more_is_told_to_who_asks_for_it(serve, workspace):
    workspace.mock(RULES.replace("pace: 40", "priced_as: openai/gpt-4o-mini"))
    server = serve()
    assert "extra" not in Client(server.url).turn("hello")[-1]
    assert set(Client(server.url + "&extra=usage").turn("hello")[-1]["extra"]) == {"usage"}
    client = Client(server.url + "&extra=usage,tool_calls")
    call = client.turn("where am I?")[-1]["tool_call"]
    client.send("tool_call_ack", tool_call_ack={"call_id": call["id"]})
    client.send("tool_result", tool_result={"call_id": call["id"], "result": "Oslo"})
    while (frame := client.next())["type"] != "done":
        pass
    usage, (told,) = frame["extra"]["usage"], frame["extra"]["tool_calls"]
    assert usage["input_tokens"] > 0 and usage["output_tokens"] > 0 and usage["cost_usd"] > 0
    assert (told["name"], told["arguments"], told["status"], told["result"]) == ("locate", {"exact": True}, "ok", "Oslo")


def test_a_home_that_cannot_be_written(serve):
    server = serve(env={"XDG_DATA_HOME": "/proc/nowhere"})
    assert ask(server, "hello") == "Echo: hello"


@pytest.mark.parametrize("arguments, words", [
    (("extra",), "takes no words"), (("--key", "k.pem"), "is for '--certificate"), (("--max-running", "0"), "above zero"),
    (("--listen", "0.0.0.0:0"), "can be reached from other machines"),
])
def test_wrong_usage(workspace, arguments, words):
    workspace.pack()
    result = workspace.run("serve", *arguments)
    assert result.returncode == 2 and words in result.stderr
