"""gRPC tools against grpcio: what is sent, what is understood, and everything that goes wrong."""

import json
import socket
import sys
import threading

import pytest
import trustme

from conftest import PEERS, PROGRAM, wait_for

HANDLER = """
  - name: {name}
    type: grpc
    timeout: {timeout}
    tool: {{name: {tool}, description: d, inputSchema: {{type: object}}}}
    grpcConfig: {{endpoint: "{endpoint}"{more}}}
"""


def handler(tool, port, timeout="5s", more="", host="127.0.0.1"):
    return HANDLER.format(
        name=tool.replace("_", "-"), tool=tool, endpoint=f"{host}:{port}", timeout=timeout,
        more=f", {more}" if more else "")


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def server(background, free_port):
    def start(*arguments):
        background(sys.executable, str(PEERS / "grpc_server.py"), str(free_port), *map(str, arguments))
        wait_for(lambda: is_open(free_port), "the server to listen")
        return free_port

    return start


def call(workspace, tool, arguments="{}", **options):
    return workspace.run("tools", "call", tool, arguments, **options)


def test_a_call_and_its_answer(workspace, server):
    port = server()
    workspace.tools("handlers:" + handler(
        "lookup", port, more='metadata: {X-Team: shop}, authType: bearer, authToken: "${T}"')
        + handler("words", port) + handler("wrong", port))
    result = call(workspace, "lookup", '{"id": 7, "name": "Zoë"}', env={"T": "secret-token-7"})
    assert result.returncode == 0, result.stderr
    said = json.loads(result.stdout)
    assert said["arguments"] == {"id": 7, "name": "Zoë"} and said["tool"] == "lookup"
    assert said["metadata"]["x-team"] == "shop" and said["metadata"]["authorization"] == "Bearer •••"
    # The server knows until when it is of use.
    assert 3 < said["seconds"] <= 5
    assert call(workspace, "words").stdout.strip() == "just words"
    wrong = call(workspace, "wrong")
    assert wrong.returncode != 0 and "the order is lost" in wrong.stdout + wrong.stderr


def test_a_server_lists_its_tools(workspace, server):
    port = server()
    workspace.tools(f"handlers:\n  - name: all\n    type: grpc\n    grpcConfig: {{endpoint: 'localhost:{port}'}}\n")
    listed = json.loads(workspace.run("tools", "list", "--json").stdout)
    assert [tool["name"] for tool in listed[0]["tools"]] == ["echo", "free"], listed
    assert json.loads(call(workspace, "echo", '{"text": "hi"}').stdout)["arguments"] == {"text": "hi"}
    refused = call(workspace, "echo", '{"text": 1}')
    assert refused.returncode != 0 and "/text" in refused.stderr
    probe = workspace.run("tools", "probe", "all")
    assert probe.returncode == 0, probe.stderr


@pytest.mark.parametrize("status,told", [
    ("unavailable", "UNAVAILABLE"), ("not_found", "NOT_FOUND"), ("unauthenticated", "UNAUTHENTICATED"),
    ("unimplemented", "UNIMPLEMENTED"), ("data_loss", "DATA_LOSS")])
def test_a_status_is_told_with_its_words(workspace, server, status, told):
    workspace.tools("handlers:" + handler(f"status_{status}", server()))
    result = call(workspace, f"status_{status}")
    assert result.returncode != 0
    assert f"gRPC {told}: ça n'est pas là: 100 %" in result.stderr, result.stderr


def test_retries_are_by_status(workspace, server):
    port = server()
    policy = "retryPolicy: {maxAttempts: 3, initialBackoff: 10ms%s}"
    workspace.tools("handlers:" + handler("flaky_unavailable", port, more=policy % "")
                    + handler("flaky_deadline_exceeded", port, more=policy % "")
                    + handler("flaky_aborted", port, more=policy % "")
                    + handler("flaky_internal", port, more=policy % ", retryableStatusCodes: [internal]"))
    for status in ("unavailable", "deadline_exceeded", "internal"):
        assert json.loads(call(workspace, f"flaky_{status}").stdout)["attempt"] == 3, status
    assert "gRPC ABORTED: not yet" in call(workspace, "flaky_aborted").stderr


def test_a_deadline_ends_the_call(workspace, server):
    workspace.tools("handlers:" + handler("hang", server(), timeout="300ms"))
    result = call(workspace, "hang")
    assert result.returncode == 4 and "300" in result.stderr, result.stderr


def test_too_much_is_refused(workspace, server):
    workspace.tools("handlers:" + handler("huge", server()))
    assert "larger than" in call(workspace, "huge").stderr


def test_tls_in_all_its_ways(workspace, server, tmp_path):
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    for name, cert in (("server", authority.issue_cert("localhost")), ("client", authority.issue_cert("cleo"))):
        cert.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        cert.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
    port = server(tmp_path / "server.pem", tmp_path / "server.key", tmp_path / "ca.pem")
    own = f"tlsCertPath: {tmp_path}/client.pem, tlsKeyPath: {tmp_path}/client.key"
    ways = {
        "good": f"tls: true, tlsCAPath: {tmp_path}/ca.pem, {own}",
        "blind": f"tls: true, tlsInsecureSkipVerify: true, {own}",
        "nobody": f"tls: true, tlsCAPath: {tmp_path}/ca.pem",
        "stranger": f"tls: true, tlsCAPath: {tmp_path}/other.pem, {own}",
        "plain": "",
    }
    workspace.tools("handlers:" + "".join(
        handler(name, port, more=more, host="localhost") for name, more in ways.items()))
    for name in ("good", "blind"):
        # Two in one program: the connection is used again.
        assert json.loads(call(workspace, name).stdout)["tool"] == name
    assert "closed the connection" in call(workspace, "nobody").stderr
    assert "could not prove who it is" in call(workspace, "stranger").stderr
    assert call(workspace, "plain").returncode != 0


def test_what_is_wrong_in_the_file(workspace):
    path = workspace.write("tools.yaml", "handlers:" + handler("a", 1, more="tlsCertPath: x").replace("a:1", "a:1")
                           + handler("b", "x") + handler("c", 1, more="retryPolicy: {retryableStatusCodes: [UNAVAILABEL]}")
                           + handler("d", 1, more="metadata: {grpc-timeout: 1S}"))
    said = workspace.run("validate", str(path)).stdout
    assert "'tlsCertPath' and 'tlsKeyPath' go together" in said
    assert "'127.0.0.1:x' is not HOST:PORT" in said
    assert "'UNAVAILABEL' is no status of gRPC" in said and "UNAVAILABLE" in said
    assert "names that begin with 'grpc-' belong to gRPC itself" in said


def raw(answer):
    """A listener that is no gRPC server."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listener


def http11(connection):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno")
    connection.close()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.recv(4096)
    connection.close()


def half(connection):
    """Settings, then half a frame."""
    connection.recv(4096)
    connection.sendall(b"\0\0\0\4\0\0\0\0\0" + b"\0\0\x40\1\4\0\0\0\1\x88")
    connection.close()


def silence(connection):
    connection.recv(4096)
    threading.Event().wait(10)


@pytest.mark.parametrize("peer", [http11, reset, half, silence])
def test_peers_that_speak_no_grpc(workspace, peer):
    listener = raw(peer)
    workspace.tools("handlers:" + handler("lookup", listener.getsockname()[1], timeout="1s"))
    result = call(workspace, "lookup")
    listener.close()
    assert result.returncode != 0 and "127.0.0.1" in result.stderr or "lookup" in result.stderr, result.stderr


@pytest.mark.parametrize("host,told", [("127.0.0.1", "cannot be reached"), ("nowhere.invalid", "cannot be reached")])
def test_nobody_is_there(workspace, free_port, host, told):
    workspace.tools("handlers:" + handler("lookup", free_port, host=host))
    result = call(workspace, "lookup")
    assert result.returncode != 0 and told in result.stderr and host in result.stderr, result.stderr


def test_a_token_that_is_put_in_the_place_of_another(workspace, server):
    port = server()
    workspace.write("token", "first-token-abc\n")
    workspace.tools("handlers:" + handler("lookup", port, more="authType: bearer, authTokenPath: token"))
    assert call(workspace, "lookup").returncode == 0
    (workspace.folder / "token").unlink()
    # Never without it.
    result = call(workspace, "lookup")
    assert result.returncode != 0 and "token" in result.stderr
