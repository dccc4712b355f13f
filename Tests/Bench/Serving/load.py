"""Asks a service as many questions at once as it is told to: `load.py PORT PEOPLE QUESTIONS PAUSE`.

Each of PEOPLE has a connection of its own and asks QUESTIONS questions; between an answer and the next question it
waits PAUSE seconds on average. Prints what it saw as JSON.
"""

import asyncio
import json
import random
import sys
import time

PORT, PEOPLE, QUESTIONS, PAUSE = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
BODY = json.dumps({"model": "bench", "stream": True,
                   "messages": [{"role": "user", "content": "What is the weather in Reykjavik?"}]}).encode()
REQUEST = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
           b"Content-Length: %d\r\n\r\n" % (PORT, len(BODY))) + BODY


class Person(asyncio.Protocol):
    def __init__(self, seen, over):
        self.seen, self.over, self.left = seen, over, QUESTIONS

    def connection_made(self, transport):
        self.transport = transport
        asyncio.get_running_loop().call_later(random.uniform(0, PAUSE * 2), self.ask)

    def ask(self):
        self.bytes, self.first = b"", None
        self.asked = time.perf_counter()
        self.transport.write(REQUEST)

    def data_received(self, data):
        self.bytes += data
        if self.first is None and b"word0" in self.bytes:
            self.first = time.perf_counter() - self.asked
        if not self.bytes.endswith(b"0\r\n\r\n"):
            return
        whole = b"word9" in self.bytes and self.bytes.startswith(b"HTTP/1.1 200") and b"[DONE]" in self.bytes
        self.seen.append((self.first, time.perf_counter() - self.asked) if whole else self.bytes[-300:].decode())
        self.left -= 1
        if self.left:
            asyncio.get_running_loop().call_later(random.uniform(0, PAUSE * 2), self.ask)
        else:
            self.transport.close()

    def connection_lost(self, error):
        self.seen += ["the connection ended"] * self.left
        self.over.set_result(None)


async def main():
    loop = asyncio.get_running_loop()
    seen, ends = [], []
    began = time.perf_counter()

    async def person():
        over = loop.create_future()
        try:
            await loop.create_connection(lambda: Person(seen, over), "127.0.0.1", PORT)
            await over
        except OSError as error:
            seen.extend([str(error)] * QUESTIONS)

    await asyncio.gather(*(person() for _ in range(PEOPLE)))
    seconds = time.perf_counter() - began
    well = [each for each in seen if not isinstance(each, str)]
    print(json.dumps({
        "seconds": seconds, "answers": len(well), "errors": len(seen) - len(well),
        "example": next((each for each in seen if isinstance(each, str)), None),
        "firsts": [first for first, _ in well], "wholes": [whole for _, whole in well]}))


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
