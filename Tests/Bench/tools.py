"""Calls of tools: how many a second, and what is added to the bare client's time. Part of `make bench`."""

import asyncio
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / ".build/release/bench-tools"
PEERS = ROOT / "Tests/EndToEnd/peers"
PYTHON = sys.executable


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens on {port}")


def web_server(port):
    """Answers every request at once, on connections that stay."""
    document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": f"http://127.0.0.1:{port}"}],
                "paths": {"/add": {"post": {"operationId": "add", "requestBody": {"content": {"application/json": {
                    "schema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}}}}}}}}

    async def handle(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                               if line.startswith(b"content-length")), 0)
                await reader.readexactly(length)
                body = json.dumps(document).encode() if head.startswith(b"GET") else b'{"sum": 3}'
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main():
        await (await asyncio.start_server(handle, "127.0.0.1", port)).serve_forever()

    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
    listening(port)


def ours(kind, address, tool, arguments, count):
    done = subprocess.run([BENCH, kind, address, tool, json.dumps(arguments), str(count)], capture_output=True, text=True)
    said = json.loads(done.stdout)
    if "failure" in said:
        raise RuntimeError(said["failure"])
    return said["seconds"], said["delays"]


def curl(url, arguments, count):
    body = json.dumps(arguments).replace('"', '\\"')
    one = f'url = "{url}"\noutput = "/dev/null"\ndata = "{body}"\nheader = "Content-Type: application/json"\nwrite-out = "%{{time_total}}\\n"\n'
    config = "next\n".join([one] * count)
    began = time.perf_counter()
    done = subprocess.run(["curl", "-s", "--config", "-"], input=config, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    return seconds, [float(line) * 1000 for line in done.stdout.split()]


def timed(call, count):
    delays = []
    began = time.perf_counter()
    for _ in range(count):
        start = time.perf_counter()
        call()
        delays.append((time.perf_counter() - start) * 1000)
    return time.perf_counter() - began, delays


def grpcio(port, arguments, count):
    import tempfile

    import grpc
    from grpc_tools import protoc
    made = tempfile.mkdtemp()
    protoc.main(["protoc", f"-I{PEERS}", f"--python_out={made}", f"--grpc_python_out={made}", str(PEERS / "tools.proto")])
    sys.path.insert(0, made)
    import tools_pb2
    import tools_pb2_grpc
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = tools_pb2_grpc.ToolServiceStub(channel)
        request = tools_pb2.ToolRequest(tool_name="add", arguments_json=json.dumps(arguments))
        stub.Execute(request)
        return timed(lambda: stub.Execute(request), count)


def mcp_client(address, arguments, count):
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp.client.streamable_http import streamable_http_client

    async def main():
        if address.startswith("http"):
            way = streamable_http_client(address)
        else:
            command, *rest = address.split(" ")
            way = stdio_client(StdioServerParameters(command=command, args=rest), errlog=open(os.devnull, "w"))
        async with way as streams, ClientSession(streams[0], streams[1]) as session:
            await session.initialize()
            await session.call_tool("add", arguments)
            delays = []
            began = time.perf_counter()
            for _ in range(count):
                start = time.perf_counter()
                await session.call_tool("add", arguments)
                delays.append((time.perf_counter() - start) * 1000)
            return time.perf_counter() - began, delays

    return asyncio.run(main())


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def report(quick):
    rounds = 1 if quick else 3
    arguments = {"a": 1, "b": 2}
    started = []
    web, grpc_port, mcp_port = free_port(), free_port(), free_port()
    web_server(web)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started.append(subprocess.Popen([PYTHON, PEERS / "grpc_server.py", str(grpc_port)], **quiet))
    started.append(subprocess.Popen([PYTHON, PEERS / "real_mcp.py", "http", str(mcp_port)], **quiet))
    try:
        listening(grpc_port)
        listening(mcp_port)
        stdio = f"{PYTHON} {PEERS}/real_mcp.py stdio"
        rows = [
            ("HTTP", "http", f"http://127.0.0.1:{web}/add", "curl", lambda n: curl(f"http://127.0.0.1:{web}/add", arguments, n), 2000),
            ("OpenAPI", "openapi", f"http://127.0.0.1:{web}/spec", "curl", lambda n: curl(f"http://127.0.0.1:{web}/add", arguments, n), 2000),
            ("gRPC", "grpc", f"127.0.0.1:{grpc_port}", "grpcio", lambda n: grpcio(grpc_port, arguments, n), 2000),
            ("MCP, Streamable HTTP", "mcp-http", f"http://127.0.0.1:{mcp_port}/mcp", "mcp", lambda n: mcp_client(f"http://127.0.0.1:{mcp_port}/mcp", arguments, n), 300),
            ("MCP, stdio", "mcp-stdio", stdio, "mcp", lambda n: mcp_client(stdio, arguments, n), 1000),
        ]
        print("\nCalls of one tool, one after the other, through schema check, breaker and deadline; beside it the bare client against the same server:\n")
        print("| adapter | calls/s | p50 / p99 ms | bare client | calls/s | p50 / p99 ms | added at p99 |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, kind, address, other, bare, count in rows:
            count = count // 10 if quick else count
            mine = [ours(kind, address, "add", arguments, count) for _ in range(rounds)]
            theirs = [bare(count) for _ in range(rounds)]
            cells = []
            for runs in (mine, theirs):
                seconds = statistics.median(run[0] for run in runs)
                cells.append((count / seconds, *[statistics.median(percentile(run[1], part) for run in runs) for part in (.5, .99)]))
            (rate, middle, late), (their_rate, their_middle, their_late) = cells
            print(f"| {name} | {rate:,.0f} | {middle:.2f} / {late:.2f} | {other} | {their_rate:,.0f} | {their_middle:.2f} / {their_late:.2f} | {late - their_late:+.2f} ms |")
    finally:
        for process in started:
            process.kill()


if __name__ == "__main__":
    report("--quick" in sys.argv)
