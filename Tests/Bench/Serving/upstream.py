"""The model and the tool that every service is measured with: ten chunks, ten milliseconds apart; a tool that answers
at once. One process, no library in the way, so that the services are what is measured.
"""

import asyncio
import json
import sys

CHUNKS = 10
APART = 0.01


def event(delta, finish=None):
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    data = f"data: {json.dumps(body)}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


def call(index):
    """The call, in as many pieces as there are chunks."""
    arguments = json.dumps({"city": "Reykjavik"})
    size = -(-len(arguments) // CHUNKS)
    function = {"arguments": arguments[index * size:(index + 1) * size]}
    if index == 0:
        return {"role": "assistant", "content": None, "tool_calls": [
            {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", **function}}]}
    return {"tool_calls": [{"index": 0, "function": function}]}


USAGE = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
         "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}}
LAST = f"data: {json.dumps(USAGE)}\n\ndata: [DONE]\n\n".encode()


def ending(reason):
    return event({}, reason) + b"%x\r\n%s\r\n" % (len(LAST), LAST) + b"0\r\n\r\n"


CALL = [event(call(index)) for index in range(CHUNKS)] + [ending("tool_calls")]
ANSWER = [event({"content": f"word{index} "}) for index in range(CHUNKS)] + [ending("stop")]
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
TOOL = json.dumps({"city": "Reykjavik", "degrees": 4, "sky": "clear"}).encode()
WEATHER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(TOOL), TOOL)


class Peer(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.bytes = transport, b""

    def data_received(self, data):
        self.bytes += data
        while (end := self.bytes.find(b"\r\n\r\n")) >= 0:
            head = self.bytes[:end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
            if len(self.bytes) < end + 4 + length:
                return
            body, self.bytes = self.bytes[end + 4:end + 4 + length], self.bytes[end + 4 + length:]
            if head.startswith(b"post /weather"):
                self.transport.write(WEATHER)
            else:
                said = b'"role":"tool"' in body or b'"role": "tool"' in body
                self.transport.write(STREAM)
                self.stream(ANSWER if said else CALL, 0)

    def stream(self, pieces, index):
        if index == len(pieces) - 2:
            self.transport.write(pieces[index] + pieces[index + 1])
        elif not self.transport.is_closing():
            self.transport.write(pieces[index])
            asyncio.get_running_loop().call_later(APART, self.stream, pieces, index + 1)


async def main():
    server = await asyncio.get_running_loop().create_server(Peer, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    sys.exit(uvloop.run(main()))
