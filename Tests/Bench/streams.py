"""Streams of every format: how fast, how late and at what price; and many at once. Part of `make bench`."""

import asyncio
import json
import os
import pathlib
import resource
import statistics
import subprocess
import threading
import time

from formats import FORMATS, KINDS

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENDORS = ROOT / ".build/venv-vendors/bin/python"
READER = pathlib.Path(__file__).with_name("sdk_reader.py")


class Server:
    """A server of streams, in a process of its own event loop: `stream(write)` sends each body."""

    def __init__(self, kind, stream):
        self.kind, self.stream = kind, stream
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def handle(reader, writer):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                               if line.startswith(b"content-length")), 0)
                await reader.readexactly(length)
                media = "application/x-ndjson" if kind == "ollama" else "text/event-stream"
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nConnection: close\r\n\r\n".encode())
                await self.stream(writer)
                await writer.drain()
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        async def main():
            server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1024, limit=1 << 20)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()

        def run():
            self.loop.create_task(main())
            self.loop.run_forever()

        threading.Thread(target=run, daemon=True).start()
        ready.wait()

    @property
    def base(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)


def workspace_for(folder, form, base):
    kind, path = KINDS[form.kind]
    (folder / "providers").mkdir(exist_ok=True)
    (folder / "providers/bench.yaml").write_text(
        f"kind: Provider\nspec:\n  type: {kind}\n  model: m\n  base_url: {base}{path}\n"
        f"  credential: {{credential_env: BENCH_KEY}}\n{form.extra}\n")
    (folder / "cleo.yaml").write_text("provider: bench\n")


def child(arguments, environment, folder):
    """Output, seconds and CPU seconds of a program."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout, seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def stamps(output, form):
    return [part.split(b">")[0] for part in output.split(b"<")[1:]]


def per_format(program, environment, folder, quick):
    """One row for each format: deltas a second, CPU for a thousand, delay of each."""
    deltas, paced = (4_000, 60) if quick else (40_000, 400)
    environment = {**environment, "BENCH_KEY": "k"}
    rows = []
    for form in FORMATS:
        payload = form.start + form.delta("word ") * deltas + form.end

        async def burst(writer):
            writer.write(payload)

        async def drip(writer):
            writer.write(form.start)
            for _ in range(paced):
                writer.write(form.delta(f"<{time.monotonic_ns()}>"))
                await writer.drain()
                await asyncio.sleep(0.004)
            writer.write(form.end)

        server = Server(form.kind, burst)
        workspace_for(folder, form, server.base)
        curl = ["curl", "-sN", "-X", "POST", "-d", "{}", server.base + form.path]
        ours, curls, sdks = [], [], []
        for _ in range(1 if quick else 5):
            output, seconds, cpu = child([program, "run", "-p", "hi", "--json"], environment, folder)
            assert len(json.loads(output)["text"]) == deltas * 5
            ours.append((seconds, cpu))
            curls.append(child(curl, environment, folder)[1:])
            told = json.loads(child([str(VENDORS), str(READER), form.kind, server.base], environment, folder)[0])
            assert told["deltas"] == deltas, told["deltas"]
            sdks.append((told["seconds"], told["cpu"]))
        server.close()
        seconds = [statistics.median(pair[0] for pair in runs) for runs in (ours, curls, sdks)]
        cpu = [statistics.median(pair[1] for pair in runs) * 1e6 / deltas for runs in (ours, curls, sdks)]

        server = Server(form.kind, drip)
        workspace_for(folder, form, server.base)
        delays = []
        for arguments in ([program, "run", "-p", "hi", "-q"],
                          ["curl", "-sN", "-X", "POST", "-d", "{}", server.base + form.path]):
            process = subprocess.Popen(arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            seen, pending = [], b""
            while data := os.read(process.stdout.fileno(), 65536):
                now = time.monotonic_ns()
                pending += data
                while b"<" in pending and b">" in pending.split(b"<", 1)[1]:
                    stamp, pending = pending.split(b"<", 1)[1].split(b">", 1)
                    seen.append((now - int(stamp)) / 1e6)
            process.wait()
            delays.append(sorted(seen[5:]))
        told = json.loads(child([str(VENDORS), str(READER), form.kind, server.base], environment, folder)[0])
        delays.append(sorted(told["delays"][5:]))
        server.close()

        def late(values):
            return f"{values[len(values) // 2]:.2f} / {values[int(len(values) * 0.99)]:.2f}"

        rows.append([
            form.name, *(f"{deltas / each:,.0f}" for each in seconds), f"{seconds[2] / seconds[0]:.1f}",
            *(f"{each:.1f}" for each in cpu), *(late(each) for each in delays),
        ])
    return rows


def at_once(program, environment, folder, quick):
    """Two hundred streams through one engine, a delta every 20 ms in each."""
    count, each = (50, 20) if quick else (200, 100)
    form = FORMATS[1]

    async def drip(writer):
        writer.write(form.start)
        due = asyncio.get_running_loop().time()
        for _ in range(each):
            writer.write(form.delta(f"<{time.monotonic_ns()}>"))
            await writer.drain()
            due += 0.02
            await asyncio.sleep(max(0, due - asyncio.get_running_loop().time()))
        writer.write(form.end)

    rows = []
    for name, arguments in (
        ("cleo-tui's engine", [str(pathlib.Path(program).parent / "bench-streams"), "chat"]),
        ("openai's AsyncOpenAI", [str(VENDORS), str(READER), "chat"]),
    ):
        server = Server(form.kind, drip)
        base = server.base + ("/v1" if "cleo" in name else "")
        output, seconds, cpu = child([*arguments, base, str(count)], environment, folder)
        server.close()
        told = json.loads(output)
        assert told["deltas"] >= count * each - count, told.get("failures")
        delays = sorted(told["delays"])
        rows.append([name, f"{told['seconds']:.2f} s", f"{told['cpu'] * 1e6 / told['deltas']:.0f} µs",
                     f"{delays[len(delays) // 2]:.2f} ms", f"{delays[int(len(delays) * 0.99)]:.2f} ms",
                     f"{told['peak_kib'] / 1024:.0f} MiB"])
    return rows


def report(program, environment, folder, quick):
    print("\n| format | cleo-tui deltas/s | curl | SDK | times the SDK | CPU ms per 1,000: cleo-tui | curl | SDK "
          "| delay p50 / p99 ms: cleo-tui | curl | SDK |")
    print("| --- " * 11 + "|")
    for row in per_format(program, environment, folder, quick):
        print("| " + " | ".join(row) + " |")
    print("\n| 200 streams at once, 100 deltas each, 20 ms apart | all of them | CPU per delta | delay p50 | p99 | peak |")
    print("| --- " * 6 + "|")
    for row in at_once(program, environment, folder, quick):
        print("| " + " | ".join(row) + " |")
