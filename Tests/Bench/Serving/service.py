"""What the two services in Python have in common: the answer's stream, and the port that they say first."""

import asyncio
import json

from aiohttp import web


async def stream(request, texts):
    """Sends the pieces as OpenAI's chunks."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    async for text in texts:
        event = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]}
        await response.write(f"data: {json.dumps(event)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def serve(chat):
    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
