"""A facade that streams 20,000 chunks a second, and what `attach` makes of it. Part of `make bench`."""

import base64
import hashlib
import json
import select
import socket
import sqlite3
import threading
import time

RATE = 20_000


def frame(value):
    data = json.dumps(value).encode()
    head = bytes([0x81, len(data)]) if len(data) < 126 else bytes([0x81, 126]) + len(data).to_bytes(2, "big")
    return head + data


def word(number):
    return f"w{number} " if number % 60 else f"w{number}.\n\n"


class Facade:
    """One client; the answer to its first message is `seconds` of chunks."""

    def __init__(self, seconds):
        self.seconds, self.sent = seconds, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}/ws?agent=bench"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        connection, _ = self.listener.accept()
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        connection.sendall(b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        connection.sendall(frame({"type": "connected", "session_id": "s1", "connected": {"capabilities": {"protocol_version": 1}}}))
        connection.recv(4096)
        began = time.perf_counter()
        while (now := time.perf_counter() - began) < self.seconds:
            due = int(now * RATE)
            connection.sendall(b"".join(
                frame({"type": "chunk", "session_id": "s1", "content": word(number)}) for number in range(self.sent, due)))
            self.sent = due
            time.sleep(0.004)
        connection.sendall(frame({"type": "done", "session_id": "s1", "content": "over"}))


def attaching(Pty, program, environment, workspace, quick):
    """A row: frames a second, milliseconds of keys, and whether all of the text is in the log."""
    facade = Facade(4 if quick else 12)
    screen = Pty([program, "attach", facade.url], environment, workspace)
    screen.until("say something".encode())
    screen.write(b"go\r")
    screen.until(b"w6")
    time.sleep(0.5)
    paints, keys, letters = [], [], "QZXVJ"
    typed, asked, begin = None, 0, time.perf_counter()
    while time.perf_counter() - begin < facade.seconds - 2:
        if typed is None and time.perf_counter() - begin > asked * 0.02:
            if asked % 5 == 0:
                screen.write(b"\x15")  # so that the line stays short
            # Never the letter that stood in this place before: it would not be painted.
            typed, typed_at = letters[(asked + asked // 5) % 5].encode(), time.perf_counter()
            asked += 1
            screen.write(typed)
        data = screen.read(0.002)
        if data:
            now = time.perf_counter()
            # What comes within four milliseconds is one picture.
            if not paints or now - paints[-1] > 0.004:
                paints.append(now)
            if typed and typed in data:
                keys.append((now - typed_at) * 1000)
                typed = None
    seconds = paints[-1] - paints[0]
    end = time.perf_counter() + 60
    text = "".join(word(number) for number in range(facade.sent))
    while time.perf_counter() < end:
        screen.read(0.1)
        text = "".join(word(number) for number in range(facade.sent))
        if stored(environment) == text:
            break
    whole = stored(environment) == text
    screen.close()
    return len(paints) / seconds, keys, whole, facade.sent


def stored(environment):
    with sqlite3.connect(f"file:{environment['XDG_DATA_HOME']}/cleo-tui/sessions.db?mode=ro", uri=True) as database:
        rows = database.execute("SELECT body FROM events WHERE type = 'message.completed' ORDER BY at DESC LIMIT 1").fetchall()
    body = json.loads(rows[0][0]) if rows else {}
    return body.get("text", body.get("data", {}).get("text"))
