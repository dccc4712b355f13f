"""MCP servers that misbehave, each in its own way."""

import json
import sys
import time

kind = sys.argv[1]


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def serve(call, tools=None):
    tools = tools or [{"name": "bad", "description": "", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}]
    for line in sys.stdin:
        message = json.loads(line)
        method, number = message.get("method"), message.get("id")
        if number is None:
            continue
        if method == "initialize":
            send({"jsonrpc": "2.0", "id": number, "result": {
                "protocolVersion": "2025-06-18", "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "bad", "version": "1"}}})
        elif method == "tools/list":
            cursor = (message.get("params") or {}).get("cursor")
            page = int(cursor or 0)
            result = {"tools": tools[page:page + 1]}
            if page + 1 < len(tools):
                result["nextCursor"] = str(page + 1)
            send({"jsonrpc": "2.0", "id": number, "result": result})
        elif method == "tools/call":
            call(number, message["params"])
        else:
            send({"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "no"}})


def text(number, words):
    send({"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "text", "text": words}]}})


if kind == "exits":
    print("the configuration is missing\x1b[31m", file=sys.stderr)
    sys.exit(3)
elif kind == "silent":
    time.sleep(1000)
elif kind == "garbage":
    for line in range(1000):
        print("this is no JSON-RPC \x1b[2J", flush=True)
    time.sleep(1000)
elif kind == "huge":
    def call(number, params):
        sys.stdout.write('{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"' % number)
        for _ in range(100):
            sys.stdout.write("x" * 1_000_000)
        sys.stdout.write('"}]}}\n')
        sys.stdout.flush()
    serve(call)
elif kind == "dies":
    def call(number, params):
        print("fatal: out of luck", file=sys.stderr, flush=True)
        sys.exit(7)
    serve(call)
elif kind == "never":
    serve(lambda number, params: None)
elif kind == "pages":
    tools = [{"name": f"tool{n}", "description": "", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}} for n in range(5)]
    def call(number, params):
        tools.append({"name": "grown", "description": "", "inputSchema": {"type": "object"}})
        send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        text(number, "ok")
    serve(call, tools)
elif kind == "evil":
    def call(number, params):
        text(number, "\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxet\x00 end")
    serve(call)
