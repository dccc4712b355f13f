"""Side-by-side measurements in one run. Prints Markdown; `make bench` is the command that makes them.

Each figure that has a peer is a ratio measured in the same run on the same machine; a figure without one is named
with its goal.
"""

import fcntl
import http.server
import json
import os
import pathlib
import pty
import random
import re
import select
import shutil
import signal
import socketserver
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

import attaching
import serving
import streams
import tools

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
QUICK = "--quick" in sys.argv
ROOT = pathlib.Path(__file__).resolve().parents[2]
ELIA = ROOT / ".build/venv-elia/bin/elia"


def environment(home):
    return {
        "PATH": os.environ["PATH"], "HOME": str(home), "XDG_DATA_HOME": f"{home}/data", "XDG_CONFIG_HOME": f"{home}/config",
        "LANG": "C.UTF-8", "TERM": "xterm-256color", "CLEO_TUI_SHARE": str(ROOT),
        **({"LD_LIBRARY_PATH": os.environ["LD_LIBRARY_PATH"]} if "LD_LIBRARY_PATH" in os.environ else {}),
    }


class Pty:
    """A program in a pseudo-terminal of 120 by 40."""

    def __init__(self, arguments, env, cwd):
        self.began = time.perf_counter()
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(arguments[0], arguments, env)
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.seen = b""

    def read(self, patience):
        ready, _, _ = select.select([self.handle], [], [], patience)
        if not ready:
            return b""
        try:
            data = os.read(self.handle, 65536)
        except OSError:
            return b""
        # A terminal answers when it is asked where its cursor is and what it can.
        if b"\x1b[6n" in data:
            os.write(self.handle, b"\x1b[1;1R")
        if b"\x1b[c" in data:
            os.write(self.handle, b"\x1b[?62;c")
        return data

    def until(self, marker, patience=60):
        """Seconds from exec until the marker has been painted."""
        end = time.perf_counter() + patience
        while marker not in self.seen:
            self.seen += self.read(0.5)
            if time.perf_counter() > end:
                raise RuntimeError(f"{marker!r} did not come; got {self.seen[-2000:]!r}")
        return time.perf_counter() - self.began

    def write(self, data):
        os.write(self.handle, data)

    def rss(self):
        """MiB of the process and what it started."""
        total = 0
        for pid in [self.pid, *children(self.pid)]:
            try:
                for line in open(f"/proc/{pid}/status"):
                    if line.startswith("VmRSS"):
                        total += int(line.split()[1])
            except FileNotFoundError:
                pass
        return total / 1024

    def own_rss(self):
        for line in open(f"/proc/{self.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0

    def close(self):
        for pid in [*children(self.pid), self.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.waitpid(self.pid, 0)
        os.close(self.handle)


def children(pid):
    try:
        text = open(f"/proc/{pid}/task/{pid}/children").read()
    except FileNotFoundError:
        return []
    found = [int(x) for x in text.split()]
    return found + [y for x in found for y in children(x)]


def empty_workspace(folder):
    (folder / "prompts").mkdir(parents=True)
    (folder / "prompts/bench.pack.json").write_text(json.dumps({
        "id": "bench", "name": "Bench", "version": "1.0.0",
        "template_engine": {"version": "v1", "syntax": "{{variable}}"},
        "prompts": {"main": {"id": "main", "name": "Main", "version": "1.0.0", "system_template": "be kind"}}}))
    return folder


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


# Start


def start(times, arguments, marker, home, cwd):
    values = []
    for _ in range(times + 1):
        program = Pty(arguments, environment(home), cwd)
        values.append(program.until(marker) * 1000)
        program.close()
    return values[1:]  # the first one warms the disk


def twenty_servers(folder):
    """A workspace with twenty MCP servers: five of Python's `mcp`, ten of our own, five broken."""
    peers = ROOT / "Tests/EndToEnd/peers"
    commands = [[sys.executable, str(peers / "real_mcp.py"), "stdio"]] * 5 + [[PROGRAM, "demo-tools", "stdio"]] * 10 + [
        ["/no/such/program"], ["false"], ["sleep", "60"], ["echo", "this is no MCP"], ["sh", "-c", "sleep 0.05; exit 3"]]
    (folder / "tools.yaml").write_text("handlers:\n" + "".join(
        f"  - name: s{number}\n    type: mcp\n    mcpConfig: {{transport: stdio, command: {command[0]}, args: {json.dumps(command[1:])}}}\n"
        for number, command in enumerate(commands)))
    return folder


# A session of 10,000 messages


def big_session(home, workspace):
    """Written as the program writes it: events, and the list of sessions."""
    subprocess.run([PROGRAM, "run", "-p", "hello", "-q"], cwd=workspace, env=environment(home), stdin=subprocess.DEVNULL, capture_output=True)
    with sqlite3.connect(f"{home}/data/cleo-tui/sessions.db") as db:
        session, sequence = db.execute("SELECT session, max(sequence) FROM events GROUP BY session").fetchone()
        words = "The quick brown fox jumps over the lazy dog and thinks about its next **move**. "
        for number in range(5000):
            turn = f"turn-{number}"
            bodies = [
                ("turn.started", {"message": f"m-{number}", "text": f"question {number}: {words}"}),
                ("message.completed", {"id": f"a-{number}", "role": "assistant", "text": f"answer {number}: " + words * 3, "toolCalls": [], "interrupted": False}),
                ("turn.finished", {"reason": "completed"}),
            ]
            for kind, data in bodies:
                sequence += 1
                body = {"v": 1, "seq": sequence, "at": 1795000000000 + sequence, "session": session, "turn": turn, "type": kind, "data": data}
                db.execute("INSERT INTO events VALUES(?,?,?,?,?,?)", (session, sequence, body["at"], turn, kind, json.dumps(body)))
    return session


# A provider that streams


def delta(text):
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    return f"data: {json.dumps(body)}\n\n".encode()


END = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Provider(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, stream):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                try:
                    stream(self.wfile)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            do_GET = do_POST

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


def configure(workspace, url):
    (workspace / "cleo.yaml").write_text(json.dumps({"provider": {"id": "bench", "type": "openai", "model": "m", "base_url": url}}))


def keys_while_streaming(home, workspace, count):
    def stream(out):
        out.write(delta("go "))
        begin, sent = time.perf_counter(), 0
        while time.perf_counter() - begin < 120:
            due = int((time.perf_counter() - begin) * 1000)
            if due > sent:
                for number in range(sent, due):
                    # Paragraphs as models write them.
                    out.write(delta("tick tock " if number % 60 else "tick.\n\ntock "))
                out.flush()
                sent = due
            time.sleep(0.001)

    server = Provider(stream)
    configure(workspace, server.url)
    program = Pty([PROGRAM, "--new"], environment(home), workspace)
    program.until("say something".encode())
    program.write(b"hi\r")
    program.until(b"tick")
    time.sleep(1)
    latencies = []
    letters = "QZXVJQZXVJ"
    for number in range(count):
        letter = letters[number % 5].encode()
        while program.read(0):
            pass
        begin = time.perf_counter()
        program.write(letter)
        seen = b""
        while letter not in seen:
            seen += program.read(1)
            if time.perf_counter() - begin > 5:
                raise RuntimeError("a key was never painted")
        latencies.append((time.perf_counter() - begin) * 1000)
        if number % 5 == 4:
            program.write(b"\x15")  # so that the line stays short
        time.sleep(0.01)
    program.close()
    server.shutdown()
    return latencies


def throughput(home, workspace, deltas, rounds):
    payload = delta("word ") * deltas + END

    def stream(out):
        out.write(payload)

    server = Provider(stream)
    configure(workspace, server.url)
    ours, curls = [], []
    for _ in range(rounds):
        begin = time.perf_counter()
        result = subprocess.run([PROGRAM, "run", "-p", "hi", "--json"], cwd=workspace, env=environment(home), stdin=subprocess.DEVNULL, capture_output=True)
        ours.append(time.perf_counter() - begin)
        assert len(json.loads(result.stdout)["text"]) == deltas * 5, result.stderr
        begin = time.perf_counter()
        subprocess.run(["curl", "-sN", "-X", "POST", "-d", "{}", server.url + "/chat/completions"], stdout=subprocess.DEVNULL, check=True)
        curls.append(time.perf_counter() - begin)
    server.shutdown()
    return statistics.median(ours), statistics.median(curls), len(payload)


def added_delay(home, workspace, count):
    def stream(out):
        for _ in range(count):
            out.write(delta(f"<{time.perf_counter_ns()}>"))
            out.flush()
            time.sleep(0.005)
        out.write(END)

    server = Provider(stream)
    configure(workspace, server.url)

    def measure(arguments):
        process = subprocess.Popen(arguments, cwd=workspace, env=environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        delays, pending = [], b""
        while data := os.read(process.stdout.fileno(), 65536):
            now = time.perf_counter_ns()
            pending += data
            while b"<" in pending and b">" in pending.split(b"<", 1)[1]:
                stamp, pending = pending.split(b"<", 1)[1].split(b">", 1)
                delays.append((now - int(stamp)) / 1e6)
        process.wait()
        return delays[5:]

    ours = measure([PROGRAM, "run", "-p", "hi", "-q"])
    curls = measure(["curl", "-sN", "-X", "POST", "-d", "{}", server.url + "/chat/completions"])
    server.shutdown()
    return ours, curls


WORDS = "the order parcel customer asks about delivery refund status when where how kindly please".split()


def words(chance, count):
    return " ".join(chance.choice(WORDS) for _ in range(count))


def pack(prompts, **more):
    return {"id": "big", "name": "Big", "version": "1.0.0",
            "template_engine": {"version": "v1", "syntax": "{{variable}}"}, "prompts": prompts, **more}


def big_pack(folder):
    """2,000 prompts, five megabytes, every one with variables, a policy and a guardrail."""
    chance = random.Random(1)
    prompts = {
        f"p{i}": {
            "id": f"p{i}", "name": f"Prompt {i}", "version": "1.0.0", "description": words(chance, 20),
            "system_template": "You help {{company}} in {{language}}. " + words(chance, 240) + " {{fragments.manners}}",
            "variables": [
                {"name": "company", "type": "string", "required": True, "validation": {"pattern": "^[A-Z]", "max_length": 40}},
                {"name": "language", "type": "string", "required": False, "default": "English"}],
            "tools": ["lookup"], "tool_policy": {"max_rounds": 4}, "parameters": {"temperature": 0.3},
            "validators": [{"type": "banned_words", "enabled": True, "fail_on_violation": True,
                            "params": {"words": ["nonsense", "rubbish"]}}]} for i in range(2_000)}
    tools = {"lookup": {"name": "lookup", "description": "Finds.", "parameters": {"type": "object", "properties": {}}}}
    path = folder / "big.pack.json"
    path.write_text(json.dumps(pack(prompts, fragments={"manners": words(chance, 50)}, tools=tools), indent=1))
    return path


def validation(folder, rounds):
    """Milliseconds and MiB of `validate`, and the milliseconds of Python's jsonschema with one edition."""
    path = big_pack(folder)
    ours = []
    for _ in range(rounds):
        begun = time.perf_counter()
        subprocess.run([PROGRAM, "validate", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        ours.append((time.perf_counter() - begun) * 1000)
    # A child begins with its parent's peak, so the parent has to be small.
    code = ("import resource,subprocess,sys\nsubprocess.run(sys.argv[1:],stdout=-3,stderr=-3,check=True)\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1024)")
    memory = float(subprocess.run([sys.executable, "-c", code, PROGRAM, "validate", str(path)], capture_output=True, text=True, check=True).stdout)
    schema = ROOT.parent / "shared/upstream/promptpack-spec/schema/promptpack.schema.json"
    theirs = None
    if schema.exists():
        code = ("import json,sys,time,jsonschema\nt=time.perf_counter()\n"
                "v=jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))\n"
                "assert v.is_valid(json.load(open(sys.argv[2])))\nprint((time.perf_counter()-t)*1000)")
        theirs = float(subprocess.run([sys.executable, "-c", code, str(schema), str(path)], capture_output=True, text=True, check=True).stdout)
    return statistics.median(ours), memory, theirs


def rendering(folder, rounds):
    """Milliseconds to fill a template of 100 kB with 500 variables: ours, and one pass of Python's `re`."""
    chance = random.Random(2)
    template = "".join(words(chance, 20) + f" {{{{v{i % 500}}}}} " for i in range(900))[:100_000]
    template = template.rsplit("{{", 1)[0]
    variables = [{"name": f"v{i}", "type": "string", "required": False, "default": f"value {i}"} for i in range(500)]
    path = folder / "render.pack.json"
    path.write_text(json.dumps(pack({"p": {
        "id": "p", "name": "P", "version": "1.0.0", "system_template": template, "variables": variables}})))
    ours = [json.loads(subprocess.run([PROGRAM, "render", str(path), "--json"], capture_output=True, text=True, check=True).stdout)["milliseconds"] for _ in range(rounds)]
    values = {v["name"]: v["default"] for v in variables}
    theirs = []
    for _ in range(rounds):
        begun = time.perf_counter()
        re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)
        theirs.append((time.perf_counter() - begun) * 1000)
    return statistics.median(ours), statistics.median(theirs), len(template)


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cleo-bench-"))
    rows = []
    try:
        home = folder / "home"
        home.mkdir()
        workspace = empty_workspace(folder / "work")
        ours = start(5 if QUICK else 21, [PROGRAM, "--new"], b"say something", home, workspace)
        if ELIA.exists():
            theirs = start(1 if QUICK else 5, [str(ELIA)], b"Elia", home, workspace)
            ratio = f"{statistics.median(theirs) / statistics.median(ours):.0f} times faster"
            rows.append(("exec to painted screen", f"{statistics.median(ours):.1f} ms", f"elia {statistics.median(theirs):.0f} ms", ratio, "20 ms, 30 times"))
        else:
            rows.append(("exec to painted screen", f"{statistics.median(ours):.1f} ms", "elia is not installed", "", "20 ms"))

        idle = Pty([PROGRAM, "--new"], environment(home), workspace)
        idle.until(b"say something")
        time.sleep(1)
        ours_idle = idle.own_rss()
        idle.close()
        theirs_idle = None
        if ELIA.exists():
            peer = Pty([str(ELIA)], environment(home), workspace)
            peer.until(b"Elia")
            time.sleep(1)
            theirs_idle = peer.rss()
            peer.close()
        rows.append(("resident memory, idle", f"{ours_idle:.1f} MiB", f"elia {theirs_idle:.0f} MiB" if theirs_idle else "",
                     f"{theirs_idle / ours_idle:.1f} times less" if theirs_idle else "", "30 MiB"))

        session = big_session(home, workspace)
        big = Pty([PROGRAM, "--session", session], environment(home), workspace)
        opened = big.until(b"answer 4999") * 1000
        time.sleep(1)
        rows.append(("resident memory, 10,000 messages", f"{big.own_rss():.1f} MiB", "", f"opened in {opened:.0f} ms", "60 MiB"))
        big.close()

        latencies = keys_while_streaming(home, workspace, 60 if QUICK else 400)
        rows.append(("key to screen, 1,000 deltas a second", f"p50 {percentile(latencies, .5):.1f} ms, p99 {percentile(latencies, .99):.1f} ms", "", "", "p99 under 5 ms"))

        paints, keys, whole, chunks = attaching.attaching(Pty, PROGRAM, environment(home), workspace, QUICK)
        rows.append((f"attached to a stream of {attaching.RATE:,} chunks a second",
                     f"{paints:.0f} frames/s, key p50 {percentile(keys, .5):.1f} ms, p99 {percentile(keys, .99):.1f} ms",
                     "", f"{chunks:,} chunks, {'all' if whole else 'NOT all'} in the log", "30 frames/s, 16 ms, nothing dropped"))

        deltas = 20_000 if QUICK else 200_000
        mine, curl, size = throughput(home, workspace, deltas, 1 if QUICK else 5)
        rows.append((f"{deltas:,} deltas ({size / 1e6:.0f} MB) from a local server", f"{deltas / mine:,.0f} deltas/s", f"curl {deltas / curl:,.0f} deltas/s", f"{mine / curl:.1f} times curl's time", ""))

        mine, curl = added_delay(home, workspace, 100 if QUICK else 600)
        rows.append(("delay per delta, server to standard output", f"p50 {percentile(mine, .5):.2f} ms, p99 {percentile(mine, .99):.2f} ms",
                     f"curl p50 {percentile(curl, .5):.2f} ms, p99 {percentile(curl, .99):.2f} ms",
                     f"adds {percentile(mine, .5) - percentile(curl, .5):.2f} ms", ""))

        mine, memory, theirs = validation(folder, 3 if QUICK else 9)
        rows.append(("validate 2,000 prompts (5 MB), six editions and the lint", f"{mine:.0f} ms, {memory:.0f} MiB",
                     f"jsonschema {theirs:.0f} ms for one edition" if theirs else "",
                     f"{theirs / mine:.0f} times faster" if theirs else "", "200 ms, 100 MiB"))
        mine, theirs, size = rendering(folder, 5 if QUICK else 21)
        rows.append((f"fill 500 variables into {size / 1000:.0f} kB, with an account", f"{mine:.2f} ms",
                     f"Python's re.sub {theirs:.2f} ms", f"{mine / theirs:.1f} times its time", "1 ms"))
        servers = twenty_servers(empty_workspace(folder / "servers"))
        busy = start(5 if QUICK else 21, [PROGRAM, "--new"], b"say something", home, servers)
        rows.insert(1, ("the same with 20 MCP servers, five of them broken", f"{statistics.median(busy):.1f} ms",
                     f"without any {statistics.median(ours):.1f} ms",
                     f"{statistics.median(busy) / statistics.median(ours):.2f} times its time", "the same"))
        time.sleep(5)  # the servers leave
        streams_folder = empty_workspace(folder / "streams")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise

    print("| what | cleo-tui | beside it | ratio | goal |")
    print("| --- | --- | --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    try:
        streams.report(PROGRAM, environment(home), streams_folder, QUICK)
        tools.report(QUICK)
        print("\nConversations with a tool call through `serve`, beside the same service in Python:\n\n" + serving.HEAD)
        for row in serving.serving(PROGRAM, streams_folder, environment(home), QUICK):
            print(row, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
