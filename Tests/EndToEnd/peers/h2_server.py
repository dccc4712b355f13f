"""Chat Completions over TLS and HTTP/2. usage: h2_server.py PORT CERTIFICATE KEY"""

import asyncio
import json
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for word in ("spoken ", f"over {scope['http_version']}"):
        chunk = {"choices": [{"index": 0, "delta": {"content": word}}]}
        await send({"type": "http.response.body", "body": f"data: {json.dumps(chunk)}\n\n".encode(), "more_body": True})
        await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


config = Config()
config.bind = [f"127.0.0.1:{sys.argv[1]}"]
config.certfile, config.keyfile = sys.argv[2:4]
config.alpn_protocols = ["h2", "http/1.1"]
asyncio.run(serve(app, config))
