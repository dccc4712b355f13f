"""The facade's protocol, judged by its AsyncAPI document and by what the real server was seen to do."""

import base64
import copy
import json
import re
import time

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from conftest import ROOT, chunk, wait_for
from test_attach import attach, echo, facade  # noqa: F401  (a fixture)
from test_serve import Client, serve  # noqa: F401  (a fixture)
from test_vendors import PNG, provider

GOLDEN = ROOT / "Tests/Fixtures/omnia-ws"
SCENARIOS = sorted(path.stem for path in GOLDEN.glob("*.jsonl"))


def recorded(name):
    return [json.loads(line) for line in (GOLDEN / f"{name}.jsonl").read_text().splitlines()]


def greeted(rows):
    """The sessions that the server gave."""
    return [row["frame"]["session_id"] for row in rows if row.get("frame", {}).get("type") == "connected"]


# The document as a judge.

DATES = FormatChecker(formats=())


@DATES.checks("date-time")
def is_date(value):
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return not isinstance(value, str) or bool(re.fullmatch(pattern, value))


def call_frame(kind, **fields):
    return {"type": "object", "required": ["type", kind], "properties": {
        "type": {"const": kind}, "session_id": {"type": "string"},
        kind: {"type": "object", "required": list(fields), "properties": fields}}}


def close(schema):
    """Fields that nobody declared are mistakes."""
    for value in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        close(value)
    if isinstance(schema, dict) and isinstance(schema.get("properties"), dict):
        schema.setdefault("additionalProperties", False)


class Judge:
    """What the document says of the frames of one side, without room for anything else."""

    def __init__(self, document, messages, more=()):
        payloads = {}
        for payload in [*(copy.deepcopy(message["payload"]) for message in messages), *copy.deepcopy(list(more))]:
            kind = payload["properties"]["type"]["const"]
            if kind in payload["properties"]:
                # The body that the type promises; the document leaves it out of what is required.
                payload["required"] = sorted({*payload["required"], kind})
            payloads[kind] = payload
        components = {"schemas": copy.deepcopy(document["components"]["schemas"])}
        close(components["schemas"])
        close(payloads)
        self.validators = {
            kind: Draft202012Validator({**payload, "components": components}, format_checker=DATES)
            for kind, payload in payloads.items()}

    def complaints(self, frame):
        kind = frame.get("type") if isinstance(frame, dict) else None
        if not isinstance(kind, str) or kind not in self.validators:
            return [f"there is no frame of the type {kind!r}"]
        return [f"{error.json_path}: {error.message}" for error in self.validators[kind].iter_errors(frame)]


def judges():
    document = yaml.safe_load((GOLDEN / "asyncapi.yaml").read_text())

    def found(reference):
        place = document
        for step in reference["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        return found(place) if "$ref" in place else place

    sent = [found(reference) for operation in document["operations"].values() if operation["action"] == "send"
            for reference in operation["messages"]]
    messages = [found(reference) for reference in document["channels"]["agentWs"]["messages"].values()]
    # The real server's clients name the session in every frame; the document forgets it here.
    next(m for m in sent if m["name"] == "UploadRequest")["payload"]["properties"]["session_id"] = {"type": "string"}
    text = {"type": "string"}
    # The document knows neither acknowledgements nor refusals nor the end of a call; the real server takes them.
    client = Judge(document, sent, [
        call_frame("tool_call_ack", call_id=text), call_frame("tool_call_nack", call_id=text, reason=text),
        {"type": "object", "required": ["type"], "properties": {"type": {"const": "hangup"}, "session_id": text}}])
    return client, Judge(document, [message for message in messages if message not in sent])


CLIENT, SERVER = judges()


def verdicts(judge, frames):
    return {json.dumps(frame): complaints for frame in frames if (complaints := judge.complaints(frame))}


def test_the_judge_takes_what_was_recorded():
    """Both sides of every transcript, but for what was sent in order to be refused."""
    rows = [row for name in SCENARIOS if name != "bad-inputs" for row in recorded(name)]
    assert verdicts(CLIENT, [row["frame"] for row in rows if row["dir"] == "c2s"]) == {}
    said = [row["frame"] for row in rows + recorded("bad-inputs") if row["dir"] == "s2c"]
    assert verdicts(SERVER, said) == {} and len(said) > 60


DATE = "2026-11-20T21:16:32.8Z"


@pytest.mark.parametrize("judge, frame, told", [
    (CLIENT, {"content": "hi"}, "type None"),
    (CLIENT, {"type": "connected", "session_id": "s", "timestamp": DATE}, "'connected'"),
    (CLIENT, {"type": "message", "content": 3}, "$.content"),
    (CLIENT, {"type": "message", "contents": "hi"}, "contents"),
    (CLIENT, {"type": "message", "metadata": {"n": 1}}, "$.metadata.n"),
    (CLIENT, {"type": "message", "consent_grants": ["memory:everything"]}, "memory:everything"),
    (CLIENT, {"type": "message", "parts": [{"type": "image", "media": {"data": "QUJD"}}]}, "mime_type"),
    (CLIENT, {"type": "tool_result", "session_id": "s"}, "tool_result"),
    (CLIENT, {"type": "tool_result", "tool_result": {"call_id": 7}}, "$.tool_result.call_id"),
    (CLIENT, {"type": "tool_call_nack", "tool_call_nack": {"call_id": "c"}}, "reason"),
    (CLIENT, {"type": "upload_request", "upload_request": {"filename": "a", "mime_type": "b", "size_bytes": "3"}},
     "size_bytes"),
    (SERVER, {"type": "done", "content": "x"}, "timestamp"),
    (SERVER, {"type": "done", "content": "x", "timestamp": "yesterday"}, "date-time"),
    (SERVER, {"type": "chunk", "content": ["x"], "timestamp": DATE}, "$.content"),
    (SERVER, {"type": "connected", "session_id": "s", "timestamp": DATE}, "connected"),
    (SERVER, {"type": "connected", "session_id": "s", "connected": {"capabilities": {}}, "timestamp": DATE},
     "binary_frames"),
    (SERVER, {"type": "error", "error": {"code": "OOPS", "message": "x"}, "timestamp": DATE}, "OOPS"),
    (SERVER, {"type": "error", "error": {"code": "TOOL_FAILED"}, "timestamp": DATE}, "message"),
    (SERVER, {"type": "tool_call", "tool_call": {"id": "c", "name": "n", "arguments": [1]}, "timestamp": DATE},
     "arguments"),
    (SERVER, {"type": "message", "content": "x"}, "'message'"),
])
def test_the_judge_refuses_what_is_broken(judge, frame, told):
    assert any(told in complaint for complaint in judge.complaints(frame)), judge.complaints(frame)


def answering(*names):
    """Programs that answer client tools."""
    program = """{command: [sh, -c, 'echo {\\"result\\": {\\"lat\\": 1.5}}']}"""
    return "client_tools: {%s}\n" % ", ".join(f"{name}: {program}" for name in names)


def test_what_attach_sends(workspace, facade, http, terminal):
    storage = http(lambda handler, _: handler.reply(204))

    async def answer(connection, frame):
        if frame["type"] == "upload_request":
            return await connection.send("upload_ready", upload_ready={
                "upload_id": "u", "upload_url": storage.url.replace("127.0.0.1", "127.1") + "/put/u",
                "storage_ref": "omnia://sessions/s/media/u", "expires_at": DATE})
        for name, wanted in (("program", "lat"), ("broken", "error"), ("person", "denied")):
            await connection.send("tool_call", tool_call={"id": name, "name": name, "arguments": {}})
            await connection.until("tool_call_ack")
            assert wanted in json.dumps(await connection.until("tool_result"))
        await connection.send("done", content=f"heard {frame['content']}")
        # Nobody waits for this one.
        await connection.send("tool_call", tool_call={"id": "late", "name": "late"})

    server = facade(answer)
    workspace.write("cleo.yaml", answering("program").replace("}\n", ", broken: {command: ['false']}}\n"))
    for name, size in (("small.png", 40), ("large.png", 600_000)):
        (workspace.folder / name).write_bytes(PNG + bytes(size))
    screen = terminal(workspace, arguments=("attach", server.url))
    screen.wait("● 127.0.0.1", "say something")
    for name in ("small", "large"):
        screen.say(f"/attach {name}.png")
        screen.wait(f"{name}.png goes with the next message")
        screen.say(name)
        screen.wait("person asks you")
        screen.press("n")
        screen.wait(f"heard {name}")
    wait_for(lambda: [frame["type"] for frame in server.frames].count("tool_call_nack") == 2, "both refusals")
    assert verdicts(CLIENT, server.frames) == {}
    assert {frame["type"] for frame in server.frames} == {
        "message", "upload_request", "tool_call_ack", "tool_call_nack", "tool_result"}
    media = [part["media"] for frame in server.frames for part in frame.get("parts", ())]
    sources = [set(medium) & {"data", "storage_ref"} for medium in media]
    assert sources == [{"data"}, {"storage_ref"}] and storage.requests[0][0] == "PUT"


# The recorded runtime's script, as a model behind our server.

TOOLS = """
handlers:
  - {name: place, type: client, tool: {name: get_location, description: d, inputSchema: {type: object}},
     clientConfig: {consentMessage: "ok?", categories: [location]}}
  - {name: one, type: client, tool: {name: tc1, description: d, inputSchema: {type: object}}}
  - {name: two, type: client, tool: {name: tc2, description: d, inputSchema: {type: object}}}
"""


def words(message):
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def heard(handler):
    """What the model was asked, and what tools said since."""
    messages = json.loads(handler.body)["messages"]
    last = max(index for index, message in enumerate(messages) if message["role"] == "user")
    return words(messages[last]), [words(message) for message in messages[last:] if message["role"] == "tool"]


def say(handler, text, calls=None):
    handler.send(chunk(text, calls, "tool_calls" if calls else "stop") + "data: [DONE]\n\n")


def echoing(handler, _):
    handler.stream()
    say(handler, f"Echo: {heard(handler)[0]}")


def runtime(handler, _):
    said, results = heard(handler)
    if said in ("errloop", "abort"):
        return handler.reply(400, '{"error": {"message": "the model is unwell"}}')
    handler.stream()
    if said == "tool" and not results:
        return say(handler, "before ", [("c1", "get_location", {"a": 1})])
    if said == "two" and not results:
        return say(handler, None, [("c1", "tc1", {"raw": "[1]"}), ("c2", "tc2", {"raw": "[1]"})])
    if said != "nodone":
        say(handler, {"tool": f"after {''.join(results)}", "two": "two done"}.get(said, "a"))
    return None


def serve_model(model, serve, workspace, http, *arguments, **env):
    workspace.write("providers/model.yaml", provider("vllm", http(model).url))
    workspace.tools(TOOLS)
    return serve("--provider", "model", *arguments, env={"TEST_KEY": "k", **env})


def test_what_serve_sends(serve, workspace, http):
    client = Client(serve().url)
    frames = [client.connected]

    def hear(*kinds):
        while True:
            frames.append(client.next())
            if frames[-1]["type"] in kinds:
                return frames[-1]

    def code():
        return hear("error")["error"]["code"]

    client.send(content="where am I?")
    asked = hear("tool_call")["tool_call"]["id"]
    client.send("tool_call_ack", tool_call_ack={"call_id": asked})
    client.send(content="meanwhile")
    assert code() == "RATE_LIMITED"
    client.send("tool_result", tool_result={"call_id": asked, "result": "Oslo"})
    assert hear("done")["content"] == "you are in Oslo"
    client.send("tool_result", tool_result={"call_id": asked, "result": "again"})
    assert code() == "INVALID_MESSAGE"
    client.socket.send('{"type": "message", "content": "hello"}')
    assert [hear("connected")["session_id"], hear("done")["content"]] == [client.session, "Echo: hello"]
    client.send("upload_request", upload_request={"filename": "a", "mime_type": "text/plain", "size_bytes": 3})
    assert hear("upload_ready")["upload_ready"]["upload_url"].startswith("http://127.0.0.1:")
    client.socket.send(b"OMNI")
    assert code() == "INVALID_MESSAGE"
    client.session = "11111111-2222-4333-8444-555555555555"
    client.send(content="hello")
    assert code() == "SESSION_EXPIRED"
    client = Client(serve_model(runtime, serve, workspace, http).url)
    client.send(content="abort")
    assert code() == "INTERNAL_ERROR"
    assert verdicts(SERVER, frames) == {}
    assert {frame["type"] for frame in frames} == {"connected", "chunk", "done", "tool_call", "error", "upload_ready"}


# The recorded conversations, played against us.

def error(code, message, session="own"):
    return {"type": "error", "session_id": session, "error": {"code": code, "message": message}}


def text_frame(kind, text):
    return {"type": kind, "session_id": "own", "content": text}


def said(text):
    return [text_frame("chunk", text), text_frame("done", text)]


CALL = {"type": "tool_call", "session_id": "own", "tool_call": {
    "id": "c1", "name": "get_location", "arguments": {"a": 1}, "consent_message": "ok?", "categories": ["location"]}}
ENDED = "`done` says the last text again; the recorded runtime said another"
TOLD = ("the reason is told", [
    error("INTERNAL_ERROR", "refused: provider 'under-test' refused the request (400): the model is unwell")])
BINARY = "invalid binary frame: a binary frame"
UNKNOWN = "21111111-2222-4333-8444-555555555555"
DECLINED = "after Error: the person declined: "

# Where we answer otherwise: the transcript, the number of what the client sent, the reason, our frames.
DIFFERENCES = {
    ("bad-inputs", 5): ("an unknown type is no message", [
        error("INVALID_MESSAGE", "there are no frames of the type 'frobnicate'")]),
    ("bad-inputs", 6): ("a result without its body is no message", [error("INVALID_MESSAGE", "no pending tool call")]),
    ("bad-inputs", 7): ("an empty message is refused", [error("INVALID_MESSAGE", "the message holds no text")]),
    ("bad-inputs", 8): ("other words", [error("INVALID_MESSAGE", f"{BINARY} has no whole head", None)]),
    ("bad-inputs", 11): ("other words", [
        error("INVALID_MESSAGE", f"{BINARY} has the version 2, and 1 is known", None)]),
    ("rate-limit", 12): ("the recorded server was set to five frames; ours takes a hundred", []),
    ("rt-abort", 1): TOLD, ("rt-error-jam", 1): TOLD,
    ("rt-error-jam", 2): ("an error leaves nothing behind", said("a")),
    ("rt-nodone", 1): ("every message ends", [
        error("INTERNAL_ERROR", "protocolViolation: the provider began an answer and sent nothing")]),
    ("rt-unavailable", 1): ("our log is always there, and knows it or does not", [
        error("SESSION_EXPIRED", "session context has expired; start a new session", UNKNOWN)]),
    ("rt-client-tool-no-ack", 1): (ENDED, [text_frame("chunk", "before "), CALL] + said(
        DECLINED + "client did not acknowledge tool call within timeout")),
    ("rt-client-tool", 3): (ENDED, said('after {"lat":1.5}')),
    ("rt-client-tool-error", 2): (ENDED, said(DECLINED + "denied by user")),
    ("rt-client-tool-nack", 2): (ENDED, said(DECLINED + "unknown tool")),
    ("rt-two-tools", 3): ("what is said is streamed", said("two done")),
}
# Of these, what `--faithful-quirks` mends: with it, it is as recorded, or as said here.
UNTOLD = [error("INTERNAL_ERROR", "an internal error occurred while processing the message")]
QUIRKS = {
    ("bad-inputs", 5): None, ("bad-inputs", 6): None, ("bad-inputs", 7): None, ("rt-error-jam", 2): None,
    ("rt-nodone", 1): None, ("rt-abort", 1): UNTOLD, ("rt-error-jam", 1): UNTOLD,
}
ELSEWHERE = {
    "upload": "test_serve_media.py: an upload",
    "rt-media-binary": "no media are sent", "rt-media-json": "the same", "rt-parts-done": "the same",
    "drain-refused": "test_serve.py: what runs is finished before the end", "drain-resume": "the same",
    "shutdown": "the same",
}
PLAYED = [name for name in SCENARIOS if name not in ELSEWHERE]


def exchanges(rows):
    """What the client did, what came for it, and whether it was looked for more in vain."""
    found = [["connect", [], False]]
    for row in rows:
        if row["dir"] == "c2s":
            found.append([row["frame"], [], False])
        elif row["dir"] == "s2c":
            found[-1][1].append(row["frame"])
        elif row["dir"] == "close":
            found[-1][1].append(row["info"])
        elif row["info"] == "reconnect":
            found.append(["connect", [], False])
        elif row["dir"] == "note":
            found[-1][2] = True
    return found


def plain(frames, names):
    """Without times, ids by what they are, neighbouring chunks as one."""
    result = []
    for frame in frames:
        frame = {name: value for name, value in frame.items() if name != "timestamp" and value is not None}
        if "session_id" in frame:
            frame["session_id"] = names.get(frame["session_id"], frame["session_id"])
        if result and frame["type"] == "chunk" == result[-1]["type"]:
            result[-1]["content"] += frame["content"]
        else:
            result.append(frame)
    return result


class Player:
    """The recorded client, before our server."""

    def __init__(self, server, info, is_echo):
        self.server, self.is_echo = server, is_echo
        query = info["url"].partition("?")[2].replace("agent=demo", "agent=test")
        self.address = f"ws://127.0.0.1:{server.port}/ws?{query}"
        self.headers = dict(info["headers"])
        self.origin = self.headers.pop("Origin", None)
        self.ours, self.names = {}, {}

    def connect(self):
        self.socket = connect(self.address, origin=self.origin, additional_headers=self.headers, legacy=True)

    def known(self, theirs):
        """A session that somebody else began."""
        other = Client(self.server.url)
        other.turn("hello")
        self.ours[theirs] = other.session
        self.names[other.session] = theirs

    def send(self, frame):
        if "raw" in frame or "b64" in frame:
            return self.socket.send(frame.get("raw") or base64.b64decode(frame["b64"]))
        theirs = frame.get("session_id", "")
        # The recorded runtime knew the ids that begin so.
        if re.match("a(1{7}|ff083a7)-", theirs) and theirs not in self.ours:
            self.known(theirs)
        named = {"session_id": self.ours.get(theirs, theirs)} if theirs else {}
        return self.socket.send(json.dumps({**frame, **named}))

    def receive(self, wanted):
        """As many frames as are wanted, without what the recorded echo did not stream."""
        frames = []
        while len(plain(frames, {})) < len(wanted) or frames and frames[-1]["type"] == "chunk":
            frames.append(json.loads(self.socket.recv(timeout=20)))
            if self.is_echo and frames[-1]["type"] == "chunk":
                frames.pop()
        return frames

    def nothing_more(self):
        """An answer that comes at once comes next."""
        self.socket.send('{"type": "tool_result", "tool_result": {"call_id": "nobody asked"}}')
        assert json.loads(self.socket.recv(timeout=20)).get("error") == {
            "code": "INVALID_MESSAGE", "message": "no pending tool call"}


def test_every_transcript_has_its_place():
    assert len(SCENARIOS) == 29 and set(ELSEWHERE) < set(SCENARIOS)
    assert {name for name, _ in DIFFERENCES} <= set(SCENARIOS) - set(ELSEWHERE)


FAITHFUL = sorted({name for name, _ in QUIRKS} | {"rt-turn", "rt-client-tool"})


@pytest.mark.parametrize("name, quirks", [
    *((name, ()) for name in PLAYED), *((name, ("--faithful-quirks",)) for name in FAITHFUL)])
def test_the_recorded_client_before_serve(serve, workspace, http, name, quirks):
    rows = recorded(name)
    is_echo = not name.startswith("rt-")
    token = ("--token-env", "T") if name.startswith("auth") else ()
    server = serve_model(echoing if is_echo else runtime, serve, workspace, http, *token, *quirks, T="k1")
    player = Player(server, rows[0]["info"], is_echo)
    if rows[1]["dir"] == "http":
        with pytest.raises(InvalidStatus) as refused:
            player.connect()
        assert refused.value.response.status_code == rows[1]["info"]["status"]
        return
    theirs = dict.fromkeys(greeted(rows), "own")
    number = 0
    for sent, wanted, is_silent in exchanges(rows[1:]):
        if sent == "connect":
            player.connect()
        else:
            number += 1
            # The original lets go of a message a moment after its end, and the recorded client waited.
            time.sleep(0.1 if quirks else 0)
            player.send(sent)
        if sent != "connect":
            _, ours = DIFFERENCES.get((name, number), (None, wanted))
            wanted = (QUIRKS.get((name, number), ours) or wanted) if quirks else ours
        got = player.receive(wanted)
        if sent == "connect":
            player.names[got[0]["session_id"]] = "own"
            player.ours[wanted[0]["session_id"]] = got[0]["session_id"]
        assert plain(got, player.names) == plain(wanted, theirs)
        assert verdicts(SERVER, got) == {}
        if is_silent:
            player.nothing_more()
    player.nothing_more()


def test_the_categories_of_a_client_tool_are_sent(serve, workspace, http):
    asked = Client(serve_model(runtime, serve, workspace, http).url).turn("tool")[-1]["tool_call"]
    assert asked["categories"] == ["location"]


# The recorded server, before `attach`.


class Recording:
    """Answers as the real server did, message by message; who goes on longer than the recording is echoed."""

    def __init__(self, rows):
        first = rows[1]
        self.refusal = (first["info"]["status"], first["info"]["body"]) if first["dir"] == "http" else None
        self.steps = exchanges([row for row in rows[1:] if row["dir"] != "http"])
        self.connections = []

    def check(self, request):
        return self.refusal

    def rest(self, connection):
        """What is left of the connection's part."""
        return next(steps for known, steps in self.connections if known is connection)

    async def connected(self, connection):
        self.connections.append((connection, []))
        if not self.steps:
            return True
        _, answers, _ = self.steps.pop(0)
        while self.steps and self.steps[0][0] != "connect":
            self.rest(connection).append(self.steps.pop(0))
        await self.say(connection, connection.session, answers)
        return False

    async def say(self, connection, session, answers):
        for frame in answers:
            if "code" in frame:
                await connection.socket.close(frame["code"], frame["reason"])
            else:
                named = {"session_id": session} if "session_id" in frame else {}
                await connection.socket.send(json.dumps({**frame, **named}))

    async def answer(self, connection, frame):
        steps = self.rest(connection)
        while steps and steps[0][0].get("type") == "upload_request" != frame["type"]:
            steps.pop(0)
        if not steps:
            return await echo(connection, frame)
        answers = steps.pop(0)[1]
        await self.say(connection, frame["session_id"], answers)
        while steps and steps[0][0].get("type") not in ("message", "upload_request"):
            was_asked = answers and answers[-1]["type"] == "tool_call"
            sent, answers, _ = steps.pop(0)
            if was_asked:
                # Ours declines with a result where the recorded client refused the call.
                await connection.until(sent["type"], "tool_result")
            await self.say(connection, frame["session_id"], answers)
        return None


REFUSED = (3, "", "HTTP 401: unauthorized")

# How each ends: the exit code, what is on standard output, what on standard error.
ENDS = {
    "agent-missing": (3, "", "agent parameter is required"), "auth-lowercase-bearer": REFUSED,
    "auth-missing": REFUSED, "auth-ok": (0, "Echo: hi", ""), "auth-wrong": REFUSED,
    "bad-inputs": (1, "", "INVALID_MESSAGE: invalid message format"),
    "drain-refused": (3, "", "server draining"), "drain-resume": (0, "Echo: hi", ""),
    "echo-turn": (0, "Echo: hello", ""), "no-session-id": (0, "Echo: one\nEcho: two", ""),
    "origin-forbidden": (3, "", "HTTP 403: Forbidden"),
    "rate-limit": (1, "", "RATE_LIMITED: rate limit exceeded"),
    "rt-abort": (1, "", "INTERNAL_ERROR: internal server error"),
    "rt-client-tool": (0, 'before \nafter {"lat":1.5}', "get_location"),
    "rt-client-tool-error": (0, "before \nafter REJ:denied by user", "get_location"),
    "rt-client-tool-nack": (0, "before \nafter REJ:unknown tool", "get_location"),
    "rt-client-tool-no-ack": (
        0, "before \nafter REJ:client did not acknowledge tool call within timeout", "get_location"),
    "rt-error-jam": (0, "a", "INTERNAL_ERROR: generic"), "rt-expired": (1, "", "SESSION_EXPIRED"),
    "rt-media-binary": (0, "as user", "audio/mp3, 3 bytes"), "rt-media-json": (0, "as user", "audio/mp3, 3 bytes"),
    "rt-nodone": (1, "", "TIMED_OUT: the server said nothing"), "rt-parts-done": (0, "hi", "image/png, 3 bytes"),
    "rt-resume": (0, "a", ""), "rt-turn": (0, "a", ""), "rt-two-tools": (0, "two done", "tc2"),
    "rt-unavailable": (1, "", "INTERNAL_ERROR: failed to create session"),
    "upload": (0, "Echo: ", ""),
}


def conversation(rows):
    """What a person would have typed, and how."""
    sent = [row["frame"] for row in rows if row["dir"] == "c2s" and row["frame"].get("type") == "message"]
    texts = list(dict.fromkeys(frame["content"] for frame in sent if frame.get("content"))) or ["hi"]
    other = sent[0].get("session_id") if sent else None
    session = [] if other in (None, *greeted(rows)) else ["--session", other, "--continue"]
    return (["-p", texts[0], *session], "") if len(texts) == 1 else (session, "\n".join(texts) + "\n")


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_recorded_server_before_attach(workspace, facade, name):
    rows = recorded(name)
    recording = Recording(rows)
    server = facade(recording.answer, check=recording.check, connected=recording.connected)
    workspace.write("cleo.yaml", answering("get_location", "tc1", "tc2")
                    + f"contexts: {{c: {{url: '{server.url}', silence_limit: 2s}}}}\n")
    arguments, lines = conversation(rows)
    token = rows[0]["info"]["headers"].get("Authorization", "").partition(" ")[2]
    result = attach(workspace, "c", *arguments, stdin=lines, env={"CLEO_ATTACH_TOKEN": token} if token else {})
    told = result.stdout + result.stderr
    if name == "shutdown":
        # The goodbye crosses the message: it arrives, or it is said that it did not.
        assert result.stdout == "Echo: hi\n" or result.returncode == 1 and "shuts down" in told, told
    else:
        code, out, err = ENDS[name]
        assert (result.returncode, result.stdout.strip("\n")) == (code, out) and err in result.stderr, told
    assert verdicts(CLIENT, server.frames) == {}
    if token:
        assert server.requests[0].headers["Authorization"] == f"Bearer {token}"
    if "--session" in arguments:
        assert server.frames[0]["session_id"] == arguments[arguments.index("--session") + 1]
