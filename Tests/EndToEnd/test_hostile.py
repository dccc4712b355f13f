"""Attaching to a server that means harm: random frames, valid and not; CLEO_FRAMES says how many, CLEO_SEED which."""

import base64
import concurrent.futures
import hashlib
import itertools
import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import threading
import time
import zlib

import pytest

from conftest import PROGRAM

FRAMES = int(os.environ.get("CLEO_FRAMES", "2000"))
SEED = int(os.environ.get("CLEO_SEED", str(random.randrange(10**6))))
MEMORY = 200 << 10


def frame(payload, opcode=1, head=0x80):
    payload = payload if isinstance(payload, bytes) else payload.encode()
    size = len(payload)
    long = b"\x7e" + struct.pack(">H", size) if size < 65536 else b"\x7f" + struct.pack(">Q", size)
    return bytes([head | opcode]) + (bytes([size]) if size < 126 else long) + payload


def goodbye(code, reason=b""):
    return frame(struct.pack(">H", code) + reason, 8)


def deflated(data):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


def omni(medium, payload, flags=0, version=1, kind=1, sequence=0, lengths=None):
    """The facade's binary frame."""
    lengths = lengths or (0, len(payload))
    return struct.pack(">4sBBHIII12s", b"OMNI", version, flags, kind, *lengths, sequence, medium) + payload


class Malice:
    """What comes to the mind of a hostile server."""

    FIELDS = {
        "connected": ("capabilities", "resumed"), "session_config": ("codec", "sample_rate"),
        "tool_call": ("id", "name", "arguments", "consent_message", "categories"),
        "tool_result": ("id", "result", "error"), "error": ("code", "message", "details"),
        "upload_ready": ("upload_id", "upload_url", "storage_ref", "expires_at"),
        "upload_complete": ("upload_id", "size_bytes"),
        "media_chunk": ("media_id", "sequence", "is_last", "data", "mime_type"),
        "chunk": (), "done": (), "interrupt": (), "message": (), "hologram": ("beam",),
    }
    CODES = ("INTERNAL_ERROR", "INVALID_MESSAGE", "AGENT_UNAVAILABLE", "UPLOAD_FAILED", "RATE_LIMITED", "OOPS")
    # What ends a turn, or holds it up, comes seldom.
    SELDOM = ("done", "error", "tool_call")

    def __init__(self, chance):
        self.chance = chance

    def value(self, depth=0):
        choices = [None, True, 0, -1, 2**70, -2**63, 1.5e300, "", "text", "QUJD", "\0\x1b[2J\u202e\U0001f600",
                   "../../etc/x", "x" * self.chance.randrange(3000)]
        if depth < 3:
            choices += [[self.value(depth + 1)],
                        {"type": self.value(3), "text": self.value(3), "media": self.value(depth + 1)},
                        {"data": self.value(3), "mime_type": self.value(3), "url": self.value(3)}]
        return self.chance.choice(choices)

    def known(self, session):
        kind = self.chance.choice([k for k in self.FIELDS if k not in self.SELDOM or self.chance.random() < 0.06])
        body = {name: self.value() for name in self.FIELDS[kind] if self.chance.random() < 0.9}
        if "code" in body:
            body["code"] = self.chance.choice([*self.CODES, body["code"]])
        fields = {"type": kind, "session_id": self.chance.choice([session, session, self.value()]),
                  "content": self.value(), "parts": self.value(),
                  "role": self.chance.choice(["user", "assistant", self.value()]),
                  kind: self.chance.choice([body, body, body, self.value()])}
        return {name: value for name, value in fields.items() if name == "type" or self.chance.random() < 0.8}

    def text(self, session):
        """Text frames, of which most are frames of the protocol."""
        dice = self.chance.random()
        if dice < 0.75:
            return json.dumps(self.known(session), ensure_ascii=self.chance.random() < 0.5)
        whole = json.dumps(self.known(session))
        return self.chance.choice([
            whole[:self.chance.randrange(len(whole))], whole.replace('"', "'"), whole + whole, "null", "[]", "3", "",
            "[" * 20_000, '{"type":"chunk","content":' * 500, '{"a":' * 300 + "1" + "}" * 300,
            '{"type":"chunk","content":"\\ud800"}', '{"type":"chunk","type":"done","type":3}',
            '{"type":"chunk","n":1e999999}',
            '{"type":"media_chunk","media_chunk":{"sequence":%s}}' % ("9" * 4000), "\ufeff{}", "\0" * 100])

    def binary(self):
        number = self.chance.randrange
        lengths = self.chance.choice([(0, 3), (2, 1), (2**32 - 1, 2**32 - 1), (number(99), number(99))])
        head = omni(self.chance.randbytes(12), b"", number(256), self.chance.choice([1, 1, 1, 0, 255]),
                    self.chance.choice([1, 2, 65535]), number(2**32), lengths)
        return self.chance.choice([head + b"{}x", head + b"abc", head[:number(32)], self.chance.randbytes(number(90))])

    def harmless(self, session):
        """What leaves the connection as it is."""
        dice = self.chance.random()
        if dice < 0.1:
            return frame(self.binary(), 2)
        if dice < 0.2:
            return frame(self.chance.randbytes(self.chance.randrange(126)), self.chance.choice([9, 10]))
        text = self.text(session).encode()
        if dice < 0.4:
            cut = self.chance.randrange(len(text) + 1)
            return frame(text[:cut], 1, 0) + frame(b"", 9) + frame(b"", 0, 0) + frame(text[cut:], 0)
        return frame(text)

    def fatal(self):
        """What no connection survives."""
        bits = self.chance.choice([0x10, 0x20, 0x30, 0x40, 0x70])
        return self.chance.choice([
            frame("x", self.chance.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])), frame("x", 1, 0x80 | bits),
            frame("x", 9, 0), frame("x", 8, 0), frame(b"x" * 126, 9), frame("x", 0), frame("x", 1, 0) + frame("x", 1),
            frame(b'{"type":"chunk","content":"\xff\xfe"}'), frame(b"\xc3", 1, 0) + frame(b"(", 0),
            b"\x81\x82\0\0\0\0hi", b"\x81\x7f" + b"\xff" * 8, b"\x81\x7f" + struct.pack(">Q", 17 << 20),
            b"\x81\x7f" + struct.pack(">Q", 1 << 62), b"\x88\x01\x03",
            goodbye(1000, b"\xff"), goodbye(1001), goodbye(4999),
            goodbye(self.chance.choice([0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])),
            # A length that lies, then the end.
            b"\x81\x7e\xff\xff" + b"x" * 99, b"\x82\x7f" + struct.pack(">Q", 16 << 20) + b"x" * 99, b"\x81",
            self.chance.randbytes(60)])

    def squeezed(self, session):
        """With permessage-deflate: what was deflated, what was not, and what becomes very large."""
        dice = self.chance.random()
        if dice < 0.9:
            return frame(deflated(self.text(session).encode()), 1, 0xC0)
        if dice < 0.95:
            return frame(self.chance.randbytes(50), 1, 0xC0)
        return frame(deflated(bytes(self.chance.choice([8, 24]) << 20)), 2, 0xC0)


class Peer:
    """The client's side of a connection: just enough to know when it says something."""

    def __init__(self, connection):
        self.file = connection.makefile("rb")

    def key(self):
        """Of the handshake's request, which is read to its end."""
        lines = []
        while (line := self.file.readline(8192)) not in (b"\r\n", b""):
            lines.append(line.decode().strip())
        return next(line.split(": ")[1] for line in lines if line.startswith("Sec-WebSocket-Key"))

    def frame(self):
        head = self.exactly(2)
        size = head[1] & 0x7F
        if size > 125:
            size = int.from_bytes(self.exactly(2 if size == 126 else 8), "big")
        mask = self.exactly(4)
        return head[0] & 15, bytes(byte ^ mask[at & 3] for at, byte in enumerate(self.exactly(size)))

    def messages(self):
        while True:
            opcode, payload = self.frame()
            if opcode == 8:
                return
            if opcode == 1 and b'"type":"message"' in payload:
                yield payload

    def exactly(self, count):
        data = self.file.read(count)
        if len(data) < count:
            raise ConnectionError("the client has gone")
        return data


def accepted(peer, extensions=""):
    key = base64.b64encode(hashlib.sha1(peer.key().encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + key + b"\r\n" + extensions.encode() + b"\r\n")


class Hostile:
    """Counts connections and hands each to `talk(connection, peer, number)`."""

    def __init__(self, talk):
        self.talk, self.count = talk, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}/ws?agent=demo"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.one, args=(connection, self.count), daemon=True).start()

    def one(self, connection, number):
        connection.settimeout(20)
        with connection:
            try:
                self.talk(connection, Peer(connection), number)
            except OSError:
                # It had enough of us.
                pass

    def close(self):
        self.listener.close()


GREETING = frame('{"type":"connected","session_id":"3f604218-0000-4000-8000-000000000001"}')
DONE = frame('{"type":"done","content":"over"}')


class Attack:
    """Up to thirty frames for each message, then mostly an end."""

    def __init__(self, name):
        self.name, self.sent = name, 0

    def __call__(self, connection, peer, number):
        chance = random.Random(f"{SEED} {self.name} {number}")
        malice = Malice(chance)
        squeezes = chance.random() < 0.2
        connection.sendall(accepted(peer, "Sec-WebSocket-Extensions: permessage-deflate\r\n" if squeezes else ""))
        session = f"3f604218-0000-4000-8000-{chance.randrange(2**48):012x}"
        connection.sendall(frame(json.dumps({"type": "connected", "session_id": session})))
        for _ in peer.messages():
            for _ in range(chance.randrange(1, 30)):
                is_squeezed = squeezes and chance.random() < 0.5
                self.say(connection, (malice.squeezed if is_squeezed else malice.harmless)(session))
            dice = chance.random()
            if dice < 0.85:
                self.say(connection, DONE)
            elif dice < 0.97:
                return self.say(connection, malice.fatal())

    def say(self, connection, data):
        connection.sendall(data)
        self.sent += 1


def peak(pid):
    """The most memory that a process had, in KiB; what the kernel tells at the end counts its parent's, too."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) if "VmHWM:" in status else 0


class Victim:
    """One process: how it ended, and the most memory that it had. It is killed after a minute, or when it is enough."""

    def __init__(self, workspace, url, *arguments, lines=(), name="victim", is_enough=lambda: False):
        self.home = workspace.home / name
        self.home.mkdir()
        context = f"{{url: '{url}', silence_notice: 1s, silence_limit: 2s}}"
        workspace.write(f"{name}/cleo.yaml", f"contexts: {{c: {context}}}\n")
        (self.home / "in").write_text("".join(f"{line}\n" for line in lines))
        with open(self.home / "in") as given, open(self.home / "out", "w") as out:
            process = subprocess.Popen(
                [PROGRAM, "attach", "c", *arguments], cwd=workspace.folder / name, stdin=given, stdout=out,
                stderr=subprocess.STDOUT, env={**workspace.environment, **self.data})
        self.memory = 0
        end = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < end and not is_enough():
            self.memory = max(self.memory, peak(process.pid))
            time.sleep(0.02)
        process.kill()
        self.code = process.wait()
        self.text = (self.home / "out").read_text(errors="replace")

    @property
    def data(self):
        return {"XDG_DATA_HOME": str(self.home / "data")}

    def check(self):
        told = f"seed {SEED}: it ended with {self.code}, {self.memory} KiB\n{self.text[-3000:]}"
        assert 0 <= self.code < 128 and self.memory < MEMORY, told


@pytest.fixture
def hostile():
    opened = []

    def start(talk):
        opened.append(Hostile(talk))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def test_random_frames(workspace, hostile):
    print("seed", SEED)
    attacks = []

    def one(number):
        attack = Attack(number)
        how = ["--json"] * (number % 2) + ["-p", "hi"] * (number % 8 < 2)
        lines = [f"line {line}" for line in range(20)]
        victim = Victim(workspace, hostile(attack).url, *how, lines=lines, name=f"run-{number}")
        attacks.append(attack)
        victim.check()
        listed = workspace.run("sessions", "list", env=victim.data)
        assert listed.returncode == 0 and "attached" in listed.stdout, listed.stderr

    with concurrent.futures.ThreadPoolExecutor(2) as workers:
        for first in itertools.count(0, 8):
            list(workers.map(one, range(first, first + 8)))
            if sum(attack.sent for attack in attacks) >= FRAMES:
                break


def is_no_websocket(connection, peer, _):
    peer.key()
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n")


def is_no_http(connection, *_):
    connection.sendall(bytes(range(256)) * 10)


def leads_elsewhere(connection, peer, _):
    peer.key()
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")


def never_stops_its_head(connection, *_):
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n")
    while True:
        connection.sendall(b"A: " + b"a" * 1000 + b"\r\n")


def says_nothing(*_):
    pass


def test_handshakes_that_are_none(workspace, hostile):
    """All at once, because each is tried four times with growing pauses."""
    def one(talk):
        victim = Victim(workspace, hostile(talk).url, "-p", "hi", name=talk.__name__)
        victim.check()
        assert victim.code == 3 and "given up after 4 tries" in victim.text, victim.text

    with concurrent.futures.ThreadPoolExecutor(8) as workers:
        list(workers.map(one, (is_no_websocket, is_no_http, leads_elsewhere, never_stops_its_head, says_nothing)))


def test_connections_that_end_before_the_greeting(workspace, hostile):
    def hang_up(connection, peer, _):
        connection.sendall(accepted(peer))

    server = hostile(hang_up)
    victim = Victim(workspace, server.url, "-p", "hi", is_enough=lambda: server.count > 10)
    assert victim.code == 3 and "given up" in victim.text and server.count <= 10, victim.text


def test_a_session_that_never_lives(workspace, hostile):
    heard = []

    def expire(connection, peer, _):
        connection.sendall(accepted(peer) + GREETING)
        for message in peer.messages():
            heard.append(message)
            connection.sendall(frame('{"type":"error","error":{"code":"SESSION_EXPIRED","message":"gone"}}'))

    victim = Victim(workspace, hostile(expire).url, "-p", "hi", is_enough=lambda: len(heard) > 100)
    assert victim.code == 1 and "SESSION_EXPIRED" in victim.text and len(heard) <= 10, victim.text


def squeezed_zeros():
    yield from [frame(deflated(bytes(24 << 20)), 2, 0xC0)]


def deep_values():
    yield from [frame('{"a":' + "[" * 4_000_000), frame('{"type":"chunk","content":' + '[{"a":' * 500_000), DONE]


def frames_for_nobody():
    yield from [frame('{"type":"hologram","x":[%s1]}' % ("1," * 200_000))] * 20
    yield DONE


def media_that_never_end():
    for number in range(30):
        yield frame(omni(b"m%d" % number, bytes(8 << 20)), 2)
    yield DONE


def large_chunks():
    yield from [frame(json.dumps({"type": "chunk", "content": "x" * (15 << 20)}))] * 2
    yield DONE


def text_without_end():
    yield from [frame(json.dumps({"type": "chunk", "content": "x" * (1 << 20)}))] * 50
    yield DONE


@pytest.mark.parametrize("flood", [
    squeezed_zeros, deep_values, frames_for_nobody, media_that_never_end, large_chunks, text_without_end,
])
def test_memory(workspace, hostile, flood):
    def talk(connection, peer, _):
        connection.sendall(accepted(peer, "Sec-WebSocket-Extensions: permessage-deflate\r\n") + GREETING)
        next(peer.messages())
        for data in flood():
            connection.sendall(data)
        # Until the other side leaves.
        connection.recv(1)

    Victim(workspace, hostile(talk).url, "-p", "hi").check()
