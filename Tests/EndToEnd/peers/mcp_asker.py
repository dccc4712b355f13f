"""A client of the `mcp` package, whichever version runs it: mcp_asker.py COMMAND…, with a home for its tools."""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


def plain(value):
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def main():
    server = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:], env=dict(os.environ), cwd=os.getcwd())
    told = []

    async def progress(done, total, message):
        told.append(message)

    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        begun = plain(await session.initialize())
        tools = plain(await session.list_tools())["tools"]
        written = plain(await session.call_tool("remember", {"text": "the tests like tea"}))
        recalled = plain(await session.call_tool("recall", {"query": "tea"}))
        wrong = plain(await session.call_tool("read_file", {"path": 7}))
        found = plain(await session.call_tool("retrieve", {"query": "apples"}, progress_callback=progress))
        sessions = plain(await session.list_resources())["resources"]
        text = plain(await session.read_resource(sessions[0]["uri"]))["contents"][0]["text"]
    print(json.dumps({
        "version": begun["protocolVersion"], "tools": [tool["name"] for tool in tools], "written": written,
        "recalled": recalled, "wrong": wrong, "found": found, "sessions": sessions, "text": text, "told": told}))


asyncio.run(main())
