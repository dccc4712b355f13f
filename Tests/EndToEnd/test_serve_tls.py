"""Serving over TLS with a given certificate, asked by Python's `ssl`, `websockets`, curl and `attach`."""

import json
import socket
import ssl
import subprocess

import pytest
import trustme

from test_serve import Client, HEAD, serve  # noqa: F401 (a fixture)


@pytest.fixture
def authority(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(tmp_path / "cert.pem", append=True)
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    other = authority.issue_cert("other")
    other.private_key_pem.write_to_path(tmp_path / "other.pem")
    return tmp_path


@pytest.fixture
def secure(serve, authority):
    server = serve("--certificate", str(authority / "cert.pem"), "--key", str(authority / "key.pem"))
    server.context = ssl.create_default_context(cafile=str(authority / "ca.pem"))
    return server


def test_a_conversation(secure):
    assert secure.http.startswith("https://")
    client = Client(secure.url.replace("ws://", "wss://"), ssl=secure.context)
    assert client.turn("hello")[-1]["content"] == "Echo: hello"
    assert client.turn("slow")[-1]["type"] == "done"


def test_curl_in_both_versions(secure, authority):
    for version in ("--tlsv1.2", "--tlsv1.3"):
        result = subprocess.run(
            ["curl", "-sS", version, "--tls-max", version[-3:], "--cacert", authority / "ca.pem", secure.http + "/v1/chat/completions",
             "-d", json.dumps({"messages": [{"role": "user", "content": "hello"}], "stream": True})], capture_output=True, text=True, timeout=30)
        assert "data: [DONE]" in result.stdout, result.stderr
    old = subprocess.run(["curl", "-sS", "--tls-max", "1.1", "--cacert", authority / "ca.pem", secure.http + "/healthz"], capture_output=True, timeout=30)
    assert old.returncode == 35


def test_attach_over_tls(secure, workspace, authority):
    url = secure.url.replace("ws://", "wss://")
    result = workspace.run("attach", url, "-p", "hello", env={"SSL_CERT_FILE": str(authority / "ca.pem")})
    assert result.returncode == 0 and "Echo: hello" in result.stdout, result.stderr
    unknown = workspace.run("attach", url, "-p", "hello")
    assert unknown.returncode != 0 and "certificate" in unknown.stderr


def test_a_large_question_and_many_small_pieces(secure):
    text = "x" * 3_000_000
    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
    with socket.create_connection(("127.0.0.1", secure.port), timeout=20) as plain:
        with secure.context.wrap_socket(plain, server_hostname="localhost") as connection:
            request = b"POST /v1/chat/completions HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
            for start in range(0, len(request), 40_000):
                connection.sendall(request[start:start + 40_000])
            assert connection.recv(200).startswith(b"HTTP/1.1 200")


def test_what_is_no_tls(secure):
    assert secure.raw(b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n").count(b"200 OK") == 0
    # A handshake that never ends keeps nobody else out.
    waiting = [socket.create_connection(("127.0.0.1", secure.port)) for _ in range(20)]
    for each in waiting:
        each.sendall(b"\x16\x03\x01\x02\x00\x01")
    assert Client(secure.url.replace("ws://", "wss://"), ssl=secure.context).turn("hello")[-1]["content"] == "Echo: hello"
    for each in waiting:
        each.close()


@pytest.mark.parametrize("arguments, words", [
    (("cert.pem", "other.pem"), "holds no key that can be used"), (("missing.pem", "key.pem"), "holds no certificate"),
    (("key.pem", "key.pem"), "holds no certificate"),
])
def test_files_that_cannot_be_used(workspace, authority, arguments, words):
    certificate, key = (str(authority / name) for name in arguments)
    result = workspace.run("serve", "--listen", "127.0.0.1:0", "--certificate", certificate, "--key", key)
    assert result.returncode == 2 and words in result.stderr, result.stderr


def test_both_in_one_file(serve, authority):
    assert serve("--certificate", str(authority / "both.pem")).http.startswith("https://")
