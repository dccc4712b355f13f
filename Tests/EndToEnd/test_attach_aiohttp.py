"""Attaching to a facade of aiohttp, whose frames and compression nobody here wrote."""

import asyncio
import json
import threading

import pytest
from aiohttp import WSMsgType, web

from test_attach import attach
from test_hostile import frame
from test_network import proxy  # noqa: F401  (a fixture)
from test_protocol import answering

SESSION = "3f604218-0000-4000-8000-000000000001"


class Facade:
    """`answer(server, message)` is called for each message; `frames` is what came, `extensions` what was agreed on."""

    def __init__(self, answer, compress):
        self.answer, self.compress, self.frames = answer, compress, []
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def main():
            app = web.Application()
            app.router.add_get("/ws", self.handle)
            self.runner = web.AppRunner(app, shutdown_timeout=0.1)
            await self.runner.setup()
            site = web.TCPSite(self.runner, "127.0.0.1", 0)
            await site.start()
            self.port = self.runner.addresses[0][1]
            self.url = f"ws://127.0.0.1:{self.port}/ws?agent=demo"
            ready.set()

        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(main(), self.loop)
        assert ready.wait(10)

    async def handle(self, request):
        self.transport = request.transport
        self.socket = web.WebSocketResponse(compress=self.compress)
        await self.socket.prepare(request)
        self.extensions = self.socket.headers.get("Sec-WebSocket-Extensions", "")
        await self.say("connected", connected={"capabilities": {"binary_frames": False}})
        while (message := await self.next()) is not None:
            await self.answer(self, message)
        return self.socket

    async def next(self, kind="message"):
        """The next frame of a kind, or None at the end."""
        async for message in self.socket:
            assert message.type is WSMsgType.TEXT
            self.frames.append(message.json())
            if self.frames[-1]["type"] == kind:
                return self.frames[-1]
        return None

    def text(self, kind, **fields):
        return json.dumps({"type": kind, "session_id": SESSION, **fields, "timestamp": "2026-11-20T21:16:32.8Z"}) + "\n"

    async def say(self, kind, **fields):
        await self.socket.send_str(self.text(kind, **fields))

    def close(self):
        asyncio.run_coroutine_threadsafe(self.runner.cleanup(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture
def facade():
    opened = []

    def start(answer, compress=True):
        opened.append(Facade(answer, compress))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


@pytest.mark.parametrize("compress", [True, False])
def test_a_client_tool(workspace, facade, compress):
    async def answer(server, message):
        await server.say("chunk", content="you are in ")
        await server.say("tool_call", tool_call={"id": "c1", "name": "where", "arguments": {"exact": True}})
        assert (await server.next("tool_call_ack"))["tool_call_ack"] == {"call_id": "c1"}
        result = (await server.next("tool_result"))["tool_result"]
        for kind in ("chunk", "done"):
            await server.say(kind, content=json.dumps(result["result"]))

    server = facade(answer, compress)
    workspace.write("cleo.yaml", answering("where"))
    result = attach(workspace, server.url, "-p", "where am I?")
    assert (result.returncode, result.stdout) == (0, 'you are in \n{"lat": 1.5}\n'), result.stdout + result.stderr
    assert [sent["type"] for sent in server.frames] == ["message", "tool_call_ack", "tool_result"]
    assert ("permessage-deflate" in server.extensions) == compress


def test_a_large_message_in_fragments(workspace, facade):
    """aiohttp sends no fragments itself, but lets them through beside its own frames."""
    text = "lorem ipsum é ☃ 😀 " * 100_000

    async def answer(server, message):
        data = server.text("chunk", content=text).encode()
        pieces = [data[at:at + 60_001] for at in range(0, len(data), 60_001)]
        for number, piece in enumerate(pieces):
            server.transport.write(frame(piece, 0 if number else 1, 0 if number < len(pieces) - 1 else 0x80))
            if number % 7 == 0:
                await server.socket.ping()
        await server.say("done", content="over")

    server = facade(answer)
    result = attach(workspace, server.url, "-p", "much")
    assert len(text.encode()) > 2 << 20
    assert result.returncode == 0 and result.stdout.strip("\n") == text, result.stderr


def test_both_sides_deflate(workspace, facade, proxy):
    said = "".join(f"line {number} of many; " for number in range(4000))

    async def answer(server, message):
        for word in ("Echo: ", message["content"]):
            await server.say("chunk", content=word)
        await server.say("done", content="over")

    def count(direction, number, before, data):
        passed[direction] += len(data)
        return [data]

    server, passed = facade(answer), {"up": 0, "down": 0}
    result = workspace.run("attach", proxy(server.port, count).url, stdin=f"{said}\nshort\n")
    assert result.returncode == 0 and result.stdout == f"Echo: {said}\nEcho: short\n", result.stderr
    assert [sent["content"] for sent in server.frames] == [said, "short"]
    assert "server_no_context_takeover" in server.extensions
    assert max(passed.values()) < len(said) / 2, "what went over the wire is smaller"
