"""The built program, driven from outside: in tmux, over pipes, against real servers."""

import json
import os
import pathlib
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("CLEO_PROGRAM", str(ROOT / ".build/debug/cleo-tui"))
PEERS = ROOT / "Tests/EndToEnd/peers"
PATIENCE = 20


def wait_for(condition, what, patience=PATIENCE):
    """Waits until the condition gives something; fails with what was waited for."""
    end = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            pytest.fail(f"waited {patience} s for {what() if callable(what) else what}")
        time.sleep(0.02)


class Workspace:
    """A folder with a home of its own."""

    def __init__(self, path):
        self.path = path
        self.home = path / "home"
        self.folder = path / "work"
        (self.folder / "prompts").mkdir(parents=True)
        self.home.mkdir()

    def write(self, name, text):
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text if isinstance(text, str) else json.dumps(text))
        return target

    def pack(self, **prompt):
        body = {
            "id": "main", "name": "Main", "version": "1.0.0", "system_template": "be kind", **prompt,
        }
        self.write("prompts/test.pack.json", {
            "id": "test", "name": "Test", "version": "1.0.0",
            "template_engine": {"version": "v1", "syntax": "{{variable}}"}, "prompts": {"main": body},
        })

    def mock(self, text):
        self.write("prompts/test.mock.yaml", text)

    def tools(self, text):
        self.write("tools.yaml", text)

    @property
    def environment(self):
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH")}
        return {
            **kept, "HOME": str(self.home), "XDG_DATA_HOME": str(self.home / "data"), "LANG": "C.UTF-8",
            "TERM": "tmux-256color", "SWIFT_BACKTRACE": "enable=no",
        }

    @property
    def database(self):
        return self.home / "data/cleo-tui/sessions.db"

    def query(self, sql):
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10) as connection:
            return connection.execute(sql).fetchall()

    def run(self, *arguments, stdin="", env=None, patience=60):
        return subprocess.run(
            [PROGRAM, *arguments], cwd=self.folder, env={**self.environment, **(env or {})}, input=stdin,
            capture_output=True, text=True, timeout=patience)

    def ask(self, text, *arguments, env=None):
        """One turn without a screen, as its document."""
        result = self.run("run", "-p", text, "--json", *arguments, env=env)
        try:
            return result, json.loads(result.stdout)
        except json.JSONDecodeError:
            pytest.fail(f"no document; rc {result.returncode}\n{result.stdout}\n{result.stderr}")


class Terminal:
    """A real terminal of a size, with a program in it."""

    def __init__(self, workspace, columns=120, rows=40, arguments=(), env=None, command=None):
        self.socket = f"cleo-{uuid.uuid4().hex[:8]}"
        variables = " ".join(f"{k}={shlex.quote(v)}" for k, v in {**workspace.environment, **(env or {})}.items())
        program = command or shlex.join([PROGRAM, *arguments])
        shell = f"cd {shlex.quote(str(workspace.folder))}; env -i {variables} {program}; code=$?; echo; echo left=$code; sleep 1000"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), shell)

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-L", self.socket, *arguments], capture_output=True, text=True).stdout

    @property
    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait(self, *texts, patience=PATIENCE):
        """Until all the texts are on the screen."""
        wait_for(lambda: all(text in self.screen for text in texts), lambda: f"{texts} on\n{self.screen}", patience)
        return self.screen

    def wait_gone(self, text):
        wait_for(lambda: text not in self.screen, lambda: f"{text!r} to go from\n{self.screen}")

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def press(self, *keys):
        for key in keys:
            self.tmux("send-keys", key)

    def say(self, text):
        self.type(text)
        self.press("Enter")

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def pid(self):
        """The program's process: the child of the pane's shell."""
        pane = self.tmux("list-panes", "-F", "#{pane_pid}").strip()
        def child():
            found = subprocess.run(["pgrep", "-P", pane, "cleo-tui"], capture_output=True, text=True).stdout.split()
            return int(found[0]) if found else None
        return wait_for(child, "the program's process")

    def left(self):
        """Waits for the program's end; the terminal must be as it was."""
        screen = self.wait("left=")
        assert self.tmux("display-message", "-p", "#{alternate_on}").strip() == "0"
        return int(screen.split("left=")[1].split()[0])

    def close(self):
        self.tmux("kill-server")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class HTTPPeer:
    """A real HTTP server whose answers a test gives."""

    def __init__(self, answer):
        requests = self.requests = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.body = self.rfile.read(length)
                requests.append((self.command, self.path, dict(self.headers), self.body))
                try:
                    answer(self, len(requests))
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_HEAD = respond

            def reply(self, status, body=b"", headers=None):
                body = body if isinstance(body, bytes) else body.encode()
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def stream(self):
                """Begins a stream; the connection ends it."""
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True

            def send(self, data):
                self.wfile.write(data if isinstance(data, bytes) else data.encode())
                self.wfile.flush()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def chunk(text=None, calls=None, finish=None, usage=None):
    """One event of Chat Completions' stream."""
    delta = {}
    if text is not None:
        delta["content"] = text
    if calls:
        delta["tool_calls"] = [
            {"index": i, "id": c[0], "type": "function", "function": {"name": c[1], "arguments": json.dumps(c[2])}}
            for i, c in enumerate(calls)
        ]
    document = {
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "test",
        "choices": [] if usage else [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    if usage:
        document["usage"] = usage
    return f"data: {json.dumps(document)}\n\n"


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.pack()
    return workspace


@pytest.fixture
def demo(tmp_path):
    """A folder that is no workspace: the demo runs there."""
    workspace = Workspace(tmp_path)
    (workspace.folder / "prompts").rmdir()
    return workspace


@pytest.fixture
def terminal(request):
    opened = []

    def open_terminal(*arguments, **options):
        opened.append(Terminal(*arguments, **options))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


@pytest.fixture
def http():
    opened = []

    def open_peer(answer):
        opened.append(HTTPPeer(answer))
        return opened[-1]

    yield open_peer
    for each in opened:
        each.close()


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def background():
    """Processes that end with the test."""
    started = []

    def start(*arguments, **options):
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.wait()


PYTHON = sys.executable
LEGACY_PYTHON = str(ROOT / ".build/venv-legacy/bin/python")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
