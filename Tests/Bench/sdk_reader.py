"""The vendor's SDK reads one stream. usage: sdk_reader.py KIND BASE [COUNT]

Prints JSON: seconds and CPU from the request on, deltas, and the delay of each delta that holds `<nanoseconds>`. With
COUNT, so many streams at once, by the SDK's asynchronous client where it has one.
"""

import asyncio
import json
import resource
import sys
import time

kind, base = sys.argv[1:3]
count = int(sys.argv[3]) if len(sys.argv) > 3 else 0
MESSAGES = [{"role": "user", "content": "hi"}]
delays, deltas = [], 0


def take(text):
    global deltas
    if text:
        deltas += 1
        now = time.monotonic_ns()
        for part in text.split("<")[1:]:
            delays.append((now - int(part.split(">")[0])) / 1e6)


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if kind == "anthropic":
    import anthropic

    client = anthropic.Anthropic(api_key="k", base_url=base, max_retries=0)

    def read():
        for event in client.messages.create(model="m", max_tokens=9, messages=MESSAGES, stream=True):
            if event.type == "content_block_delta":
                take(event.delta.text)
elif kind == "chat":
    import openai

    client = openai.OpenAI(api_key="k", base_url=base + "/v1", max_retries=0)
    many = openai.AsyncOpenAI(api_key="k", base_url=base + "/v1", max_retries=0)

    def read():
        for chunk in client.chat.completions.create(model="m", messages=MESSAGES, stream=True):
            take(chunk.choices[0].delta.content)

    async def read_async():
        async for chunk in await many.chat.completions.create(model="m", messages=MESSAGES, stream=True):
            take(chunk.choices[0].delta.content)
elif kind == "responses":
    import openai

    client = openai.OpenAI(api_key="k", base_url=base + "/v1", max_retries=0)

    def read():
        for event in client.responses.create(model="m", input="hi", stream=True):
            if event.type == "response.output_text.delta":
                take(event.delta)
elif kind == "gemini":
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=base))

    def read():
        for chunk in client.models.generate_content_stream(model="m", contents="hi"):
            take(chunk.text)
else:
    import ollama

    client = ollama.Client(host=base)

    def read():
        for chunk in client.chat(model="m", messages=MESSAGES, stream=True):
            take(chunk.message.content)

before, begin = cpu(), time.perf_counter()
if count:
    async def all_of_them():
        await asyncio.gather(*(read_async() for _ in range(count)))

    asyncio.run(all_of_them())
else:
    read()
# `ru_maxrss` would be the parent's, which a child inherits.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"seconds": time.perf_counter() - begin, "cpu": cpu() - before, "deltas": deltas, "delays": delays,
                  "peak_kib": peak}))
