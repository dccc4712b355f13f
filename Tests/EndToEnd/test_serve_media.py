"""Files in messages to a served agent: inline, uploaded, from OpenAI's clients, and from `attach`."""

import base64
import json
import struct
import urllib.error
import urllib.request
import zlib

import pytest

from test_protocol import heard, say, serve_model
from test_serve import Client, serve  # noqa: F401 (a fixture)


def png(size=1):
    """A grey image of so many pixels each way, not compressed."""
    def block(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(size) for _ in range(size))
    return (b"\x89PNG\r\n\x1a\n" + block(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0))
            + block(b"IDAT", zlib.compress(rows, 0)) + block(b"IEND", b""))


@pytest.fixture
def seen(serve, workspace, http):
    """A served agent whose model answers with what it was shown."""
    def model(handler, _):
        content = json.loads(handler.body)["messages"][-1]["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        words = []
        for part in parts:
            if part["type"] == "text":
                words.append(part["text"])
            else:
                kind, data = part["image_url"]["url"].split(";base64,")
                words.append(f"{kind} of {len(base64.b64decode(data))} bytes")
        handler.stream()
        say(handler, " + ".join(words))
    return serve_model(model, serve, workspace, http)


def answer(client, parts, text="look"):
    client.send(content=text, parts=parts)
    while (frame := client.next())["type"] == "chunk":
        pass
    return frame


def put(url, data):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method="PUT"), timeout=10) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def test_an_image_in_the_message(seen):
    image = png()
    media = {"data": base64.b64encode(image).decode(), "mime_type": "image/png"}
    assert f"image/png of {len(image)} bytes" in answer(Client(seen.url), [{"type": "image", "media": media}])["content"]


@pytest.mark.parametrize("part, code, words", [
    ({"type": "image", "media": {"data": "%%%", "mime_type": "image/png"}}, "INVALID_MESSAGE", "no Base64"),
    ({"type": "image", "media": {"data": "aGVsbG8=", "mime_type": "image/png"}}, "UNSATISFIABLE_FORMAT", "no image"),
    ({"type": "audio", "media": {"data": "aGVsbG8=", "mime_type": "audio/wav"}}, "UNSATISFIABLE_FORMAT", "no image"),
    ({"type": "image", "media": {"url": "http://127.0.0.1/x.png"}}, "UNSATISFIABLE_FORMAT", "nothing is fetched"),
    ({"type": "image", "media": {"storage_ref": "omnia://sessions/x/media/y"}}, "INVALID_MESSAGE", "there is no file"),
    ({"type": "image"}, "UNSATISFIABLE_FORMAT", "has to come"),
])
def test_what_cannot_be_shown(seen, part, code, words):
    client = Client(seen.url)
    error = answer(client, [part])["error"]
    assert error["code"] == code and words in error["message"]
    assert answer(client, [])["content"] == "look"


def test_an_upload(seen):
    client = Client(seen.url)
    client.send("upload_request", upload_request={"filename": "a.txt", "mime_type": "text/plain", "size_bytes": 3})
    ready = client.next()["upload_ready"]
    assert ready["upload_url"].startswith(seen.http + "/media/upload/") and ready["storage_ref"].startswith(f"omnia://sessions/{client.session}/media/")
    part = {"type": "file", "media": {"storage_ref": ready["storage_ref"], "mime_type": "text/plain"}}
    assert answer(client, [part])["error"]["code"] == "INVALID_MESSAGE"  # it has not come yet
    assert put(ready["upload_url"], b"abcd") == 413 and put(ready["upload_url"], b"abc") == 204
    assert put(seen.http + "/media/upload/nothing", b"abc") == 404
    info = json.loads(seen.get(f"/media/info/{client.session}/{ready['upload_id']}")[1])
    assert (info["Filename"], info["MIMEType"], info["SizeBytes"]) == ("a.txt", "text/plain", 3)
    assert seen.get(f"/media/download/{client.session}/{ready['upload_id']}") == (200, "abc")
    assert seen.get(f"/media/download/other/{ready['upload_id']}")[0] == 404
    assert answer(client, [part])["content"] == "look\n\na.txt:\nabc"


def test_uploads_are_bounded(seen):
    client = Client(seen.url)
    def ask(size):
        client.send("upload_request", upload_request={"filename": "a", "mime_type": "b/c", "size_bytes": size})
        return client.next()
    assert "larger than 16 MiB" in ask((16 << 20) + 1)["error"]["message"]
    assert [ask(16 << 20)["type"] for _ in range(5)] == ["upload_ready"] * 4 + ["error"]
    # Others have their share.
    for kinds in (["upload_ready"] * 4, ["error"] * 4):
        client = Client(seen.url)
        assert [ask(16 << 20)["type"] for _ in range(4)] == kinds


def test_openais_way(seen):
    image = png()
    url = "data:image/png;base64," + base64.b64encode(image).decode()
    def ask(url):
        body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": url}}]}]}
        try:
            with urllib.request.urlopen(urllib.request.Request(seen.http + "/v1/chat/completions", data=json.dumps(body).encode()), timeout=20) as reply:
                return json.load(reply)["choices"][0]["message"]["content"]
        except urllib.error.HTTPError as error:
            return json.load(error)["error"]["message"]
    assert f"image/png of {len(image)} bytes" in ask(url)
    assert "nothing is fetched" in ask("https://example.invalid/x.png")


@pytest.mark.parametrize("size", [10, 1100], ids=["inline", "uploaded"])
def test_attach_sends_a_picture(seen, workspace, terminal, size):
    image = png(size)
    (workspace.folder / "picture.png").write_bytes(image)
    screen = terminal(
        workspace, 120, 40, arguments=("attach", seen.url), env={"XDG_DATA_HOME": str(workspace.home / "other")})
    screen.wait("say something")
    screen.say("/attach picture.png")
    screen.wait("picture.png")
    screen.say("look")
    screen.wait(f"image/png of {len(image)} bytes", *(["upload picture.png"] if size > 1000 else []))


def test_a_place_for_a_file_wants_a_token(serve):
    server = serve("--token-env", "T", env={"T": "hush"})
    body = json.dumps({"filename": "a", "mime_type": "text/plain", "size_bytes": 1}).encode()
    def ask(**headers):
        request = urllib.request.Request(server.http + "/media/request-upload", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code
    assert ask() == 401
    ready = ask(Authorization="Bearer hush")
    assert put(ready["upload_url"], b"a") == 204


def test_names_are_bounded(seen):
    client = Client(seen.url)
    client.send("upload_request", upload_request={"filename": "a" * 300, "mime_type": "b/c", "size_bytes": 1})
    assert "longer than 255 bytes" in client.next()["error"]["message"]
