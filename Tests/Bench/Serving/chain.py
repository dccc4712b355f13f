"""The service as one would write it with LangChain: `create_agent`, streamed, behind aiohttp. `chain.py UPSTREAM`."""

import asyncio
import sys

import aiohttp
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

import service

UPSTREAM = f"http://127.0.0.1:{sys.argv[1]}"


async def texts(agent, messages):
    async for chunk, _ in agent.astream({"messages": messages}, stream_mode="messages"):
        if chunk.type == "AIMessageChunk" and chunk.content:
            yield chunk.content


async def main():
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    @tool
    async def weather(city: str) -> str:
        """The weather of a city."""
        async with http.post(UPSTREAM + "/weather", json={"city": city}) as answer:
            return await answer.text()

    model = ChatOpenAI(model="m", base_url=UPSTREAM + "/v1", api_key="x", streaming=True, max_retries=0)
    agent = create_agent(model, [weather], system_prompt="You answer questions about the weather.")

    async def chat(request):
        return await service.stream(request, texts(agent, (await request.json())["messages"]))

    await service.serve(chat)


asyncio.run(main())
