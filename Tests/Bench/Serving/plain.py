"""The service as one would write it by hand in Python: asyncio and aiohttp, nothing kept. `plain.py UPSTREAM`."""

import asyncio
import json
import sys

import aiohttp
from aiohttp import web

UPSTREAM = f"http://127.0.0.1:{sys.argv[1]}"
TOOLS = [{"type": "function", "function": {
    "name": "weather", "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]


async def rounds(http, messages):
    """The text of the answer, piece by piece; calls of the tool happen inside."""
    while True:
        calls, text = {}, ""
        body = {"model": "m", "stream": True, "messages": messages, "tools": TOOLS}
        async with http.post(UPSTREAM + "/v1/chat/completions", json=body) as answer:
            async for line in answer.content:
                if not line.startswith(b"data: {"):
                    continue
                for choice in json.loads(line[6:])["choices"]:
                    delta = choice["delta"]
                    if delta.get("content"):
                        text += delta["content"]
                        yield delta["content"]
                    for piece in delta.get("tool_calls") or []:
                        call = calls.setdefault(piece["index"], {"id": "", "name": "", "arguments": ""})
                        call["id"] += piece.get("id") or ""
                        call["name"] += piece["function"].get("name") or ""
                        call["arguments"] += piece["function"].get("arguments") or ""
        if not calls:
            return
        messages = messages + [{"role": "assistant", "content": text or None, "tool_calls": [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in calls.values()]}]
        for call in calls.values():
            async with http.post(UPSTREAM + "/weather", json=json.loads(call["arguments"])) as answer:
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": await answer.text()})


async def chat(request):
    body = await request.json()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    system = {"role": "system", "content": "You answer questions about the weather."}
    async for text in rounds(request.app["http"], [system] + body["messages"]):
        event = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]}
        await response.write(f"data: {json.dumps(event)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def main():
    app = web.Application()
    app["http"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
