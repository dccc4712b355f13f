"""llama.cpp's own server with a tiny model of random weights: a real model server, whose words mean nothing.

`make test-llama` compiles it first (five minutes on two cores); without it these tests are skipped.
"""

import os
import pathlib
import socket
import subprocess
import urllib.request

import pytest

from conftest import PEERS, ROOT, wait_for

LLAMA = ROOT / ".build/venv-llama/bin/python"
pytestmark = pytest.mark.skipif(not (ROOT / ".build/venv-llama/ready").exists(), reason="make test-llama builds it")


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    model = folder / "tiny.gguf"
    subprocess.run([str(LLAMA), str(PEERS / "tiny_model.py"), str(model)], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = open(folder / "log", "w")
    process = subprocess.Popen(
        [str(LLAMA), "-m", "llama_cpp.server", "--model", str(model), "--host", "127.0.0.1", "--port", str(port),
         "--n_ctx", "1024"],
        stdout=log, stderr=log)

    def ready():
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=1).status == 200
        except OSError:
            return False

    wait_for(ready, "llama.cpp's server", patience=60)
    yield f"http://127.0.0.1:{port}/v1"
    process.kill()
    process.wait()


@pytest.mark.parametrize("kind", ["openai", "vllm"])
@pytest.mark.parametrize("streaming", ["true", "false"])
def test_a_real_model_answers(workspace, llama, kind, streaming):
    workspace.write("providers/local.yaml", f"""
kind: Provider
metadata: {{name: local}}
spec:
  type: {kind}
  model: tiny
  base_url: {llama}
  streaming: {streaming}
  unsupported_params: [max_completion_tokens]
  defaults: {{max_tokens: 12, temperature: 0.5, top_p: 0.9}}
""")
    result, document = workspace.ask("say something", "--provider", "local")
    assert document["status"] in ("completed", "length"), (document, result.stderr)
    # Streaming, this server counts nothing, so the engine does.
    if streaming == "false":
        assert document["usage"]["output"] > 0
        assert document["usage"]["input"] > 5
    assert document["cost_usd"] is None


def test_a_conversation_that_is_too_long_is_explained(workspace, llama):
    text = """
kind: Provider
metadata: {name: local}
spec: {type: openai, model: tiny, base_url: "URL", streaming: false}
""".replace("URL", llama)
    workspace.write("providers/local.yaml", text)
    result = workspace.run("run", "-p", "word " * 2_000, "--provider", "local")
    assert result.returncode == 3
    assert "tokens, and tiny takes 1,024" in result.stderr, result.stderr
    assert "/model" in result.stderr
    # Streaming, llama-cpp-python 0.3.36 says nothing at all, and a 200 before it.
    workspace.write("providers/local.yaml", text.replace("streaming: false", "streaming: true"))
    result = workspace.run("run", "-p", "word " * 2_000, "--provider", "local")
    assert result.returncode == 3 and "sent nothing" in result.stderr, result.stderr
