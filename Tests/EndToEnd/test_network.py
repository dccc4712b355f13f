"""`attach` and `serve` with a bad network between them: a proxy that slows, cuts and corrupts."""

import socket
import threading
import time

import pytest

from test_serve import serve  # noqa: F401  (a fixture)


class Proxy:
    """Passes connections on; `fault(direction, count, data)` gives what goes through, or None to cut."""

    def __init__(self, port, fault):
        self.port, self.fault, self.connections = port, fault, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}/ws?agent=test"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self.port))
            for source, sink, direction in ((client, server, "up"), (server, client, "down")):
                threading.Thread(target=self.carry, args=(source, sink, direction, self.connections), daemon=True).start()

    def carry(self, source, sink, direction, number):
        count = 0
        try:
            while data := source.recv(65536):
                passed = self.fault(direction, number, count, data)
                count += len(data)
                for piece in passed or ():
                    sink.sendall(piece)
                if passed is None:
                    break
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


@pytest.fixture
def proxy():
    opened = []

    def start(port, fault):
        opened.append(Proxy(port, fault))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def talk(workspace, url):
    workspace.write("cleo.yaml", f"contexts: {{c: {{url: '{url}', silence_notice: 1s, silence_limit: 4s}}}}\n")
    return workspace.run(
        "attach", "c", stdin="my name is Ada\nhello\nhello\n", env={"XDG_DATA_HOME": str(workspace.home / "other")}, patience=90)


def test_a_slow_network(serve, proxy, workspace):
    def byte_by_byte(direction, number, count, data):
        for position in range(len(data)):
            time.sleep(0.0002)
            yield data[position:position + 1]

    result = talk(workspace, proxy(serve().port, byte_by_byte).url)
    assert result.returncode == 0 and "noted, Ada" in result.stdout and "Echo: hello" in result.stdout, result.stderr


# Within the handshake's answer, the greeting, the first answer and the second.
@pytest.mark.parametrize("direction, at", [("down", at) for at in (1, 60, 140, 300, 420, 560, 900)] + [("up", at) for at in (10, 200, 320)])
def test_a_network_that_is_cut(serve, proxy, workspace, direction, at):
    """The first connection breaks there; the conversation goes on over the second, in the same session."""
    def cut(way, number, count, data):
        if number > 1 or way != direction or count + len(data) < at:
            return [data]
        if count < at:
            passed.append(data[:at - count])
        return None

    passed = []
    between = proxy(serve().port, cut)
    result = talk(workspace, between.url)
    assert between.connections >= 2, result.stdout + result.stderr
    # The last message comes through in any case; one that was cut in the middle says so.
    assert "Echo: hello" in result.stdout, result.stderr
    assert "noted, Ada" in result.stdout or "lost" in result.stderr, result.stderr


@pytest.mark.parametrize("at", [150, *range(0, 900, 90)])
def test_a_network_that_lies(serve, proxy, workspace, at):
    """A byte is another one: an error or a wrong letter, but an end."""
    def flip(way, number, count, data):
        if number == 1 and way == "down" and count <= at < count + len(data):
            data = data[:at - count] + bytes([data[at - count] ^ 0x55]) + data[at - count + 1:]
        return [data]

    result = talk(workspace, proxy(serve().port, flip).url)
    assert result.returncode in (0, 1, 2, 3, 4, 5, 6), result.stderr
