"""The service as one would write it with LangChain: `create_agent`, streamed, behind aiohttp. `chain.py UPSTREAM`."""

import asyncio
import json
import sys

import aiohttp
from aiohttp import web
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

UPSTREAM = f"http://127.0.0.1:{sys.argv[1]}"


async def chat(request):
    body = await request.json()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    async for chunk, _ in request.app["agent"].astream({"messages": body["messages"]}, stream_mode="messages"):
        if chunk.type == "AIMessageChunk" and chunk.content:
            event = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": chunk.content}}]}
            await response.write(f"data: {json.dumps(event)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def main():
    app = web.Application()
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    @tool
    async def weather(city: str) -> str:
        """The weather of a city."""
        async with http.post(UPSTREAM + "/weather", json={"city": city}) as answer:
            return await answer.text()

    model = ChatOpenAI(model="m", base_url=UPSTREAM + "/v1", api_key="x", streaming=True, max_retries=0)
    app["agent"] = create_agent(model, [weather], system_prompt="You answer questions about the weather.")
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
