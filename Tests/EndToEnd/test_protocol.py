"""The facade's protocol, judged by its AsyncAPI document."""

import copy
import json
import re

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from conftest import ROOT, chunk, wait_for
from test_attach import facade  # noqa: F401  (a fixture)
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
    assert code() == "MEDIA_NOT_ENABLED"
    client.socket.send(b"OMNI")
    assert code() == "INVALID_MESSAGE"
    client.session = "11111111-2222-4333-8444-555555555555"
    client.send(content="hello")
    assert code() == "SESSION_EXPIRED"
    client = Client(serve_model(runtime, serve, workspace, http).url)
    client.send(content="abort")
    assert code() == "INTERNAL_ERROR"
    assert verdicts(SERVER, frames) == {}
    assert {frame["type"] for frame in frames} == {"connected", "chunk", "done", "tool_call", "error"}
