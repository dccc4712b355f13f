"""The service as one would write it by hand in Python: asyncio and aiohttp, nothing kept. `plain.py UPSTREAM`."""

import asyncio
import json
import sys

import aiohttp

import service

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


async def main():
    system = {"role": "system", "content": "You answer questions about the weather."}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        async def chat(request):
            body = await request.json()
            return await service.stream(request, rounds(http, [system] + body["messages"]))

        await service.serve(chat)


asyncio.run(main())
