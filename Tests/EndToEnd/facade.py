"""A facade that a test drives: Python's `websockets`, in a thread of its own."""

import asyncio
import http
import json
import threading
import uuid

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


class Facade:
    """`answer(connection, message)` is called for each frame that is no acknowledgement."""

    def __init__(self, answer, check=None, connected=None, ssl=None, port=0):
        self.frames, self.requests, self.sessions, self.connections = [], [], [], []
        self.answer, self.check, self.connected = answer, check, connected
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def main():
            self.server = await serve(
                self.handle, "127.0.0.1", port, process_request=self.process, ssl=ssl, max_size=64 << 20)
            self.port = self.server.sockets[0].getsockname()[1]
            ready.set()

        def run():
            asyncio.set_event_loop(self.loop)
            self.loop.create_task(main())
            self.loop.run_forever()

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        ready.wait(10)

    def process(self, connection, request):
        self.requests.append(request)
        refusal = self.check(request) if self.check else None
        if refusal:
            status, body = refusal
            return connection.respond(http.HTTPStatus(status), body)
        return None

    async def handle(self, socket):
        connection = Connection(socket, str(uuid.uuid4()))
        self.connections.append(connection)
        self.sessions.append(connection.session)
        try:
            if self.connected is None or await self.connected(connection):
                await connection.send("connected", connected={"capabilities": {
                    "binary_frames": False, "max_payload_size": 16777216, "protocol_version": 1}})
            async for text in socket:
                frame = json.loads(text)
                self.frames.append(frame)
                connection.inbox.put_nowait(frame)
                if frame["type"] in ("message", "upload_request"):
                    self.loop.create_task(self.run(connection, frame))
        except ConnectionClosed:
            pass

    async def run(self, connection, frame):
        try:
            await self.answer(connection, frame)
        except ConnectionClosed:
            pass

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/ws?agent=demo&namespace=dev"

    def close(self):
        async def leave():
            self.server.close()
            for connection in self.connections:
                connection.socket.transport.abort()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(leave(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


class Connection:
    def __init__(self, socket, session):
        self.socket, self.session = socket, session
        self.inbox = asyncio.Queue()

    async def send(self, kind, session=None, **fields):
        await self.socket.send(json.dumps({
            "type": kind, "session_id": session or self.session, **fields, "timestamp": "2026-11-20T21:16:32.8Z"}) + "\n")

    async def until(self, *kinds, patience=10):
        """The next frame of one of these kinds."""
        while True:
            frame = await asyncio.wait_for(self.inbox.get(), patience)
            if frame["type"] in kinds:
                return frame
