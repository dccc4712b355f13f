"""Tools that are part of the program: files, memory, retrieval, code in a sandbox, and all of them over MCP."""

import json
import os
import socket
import subprocess

import pytest

from conftest import LEGACY_PYTHON, PEERS, PROGRAM, PYTHON


def call(workspace, tool, arguments=None, **options):
    return workspace.run("tools", "call", tool, json.dumps(arguments or {}), **options)


def value(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_they_are_off_until_somebody_wants_them(workspace):
    assert "read_file" not in workspace.run("tools", "list").stdout
    path = workspace.write("cleo.yaml", "builtin: {files: yes please, memory: true, shell: true}\n")
    said = workspace.run("validate", str(path)).stdout
    assert "'files' must be" in said and "'shell'" in said, said


# Files


@pytest.fixture
def files(workspace):
    workspace.write("cleo.yaml", "builtin: {files: {write: [drafts, .]}}\napproval: never\n")
    workspace.write("notes/a.txt", "one\nTWO\nthree\n")
    workspace.write("notes/binary", "x\0y")
    workspace.write(".secret", "hidden words")
    workspace.write("outside-link/keep", "")
    (workspace.home / "private.txt").write_text("private words")
    os.symlink(workspace.home / "private.txt", workspace.folder / "link")
    os.symlink(workspace.home, workspace.folder / "folder-link")
    os.symlink("notes/a.txt", workspace.folder / "inner-link")
    os.mkfifo(workspace.folder / "pipe")
    return workspace


def test_files_are_read_listed_and_searched(files):
    assert call(files, "read_file", {"path": "notes/a.txt", "line": 2, "lines": 1}).stdout == (
        "TWO\n[2 more lines; the next is 3]\n")
    assert call(files, "read_file", {"path": "inner-link"}).stdout.startswith("one")
    listed = call(files, "list_files").stdout
    assert "notes/\n" in listed and "link" not in listed.replace("outside-link", "") and ".secret" not in listed
    assert call(files, "search_files", {"pattern": "^two$"}).stdout == "notes/a.txt:2: TWO\n"
    assert "notes/binary" in call(files, "read_file", {"path": "notes/binary"}).stderr
    assert "cannot be read" in call(files, "search_files", {"pattern": "("}).stderr


@pytest.mark.parametrize("path,told", [
    ("../home/private.txt", "outside of the workspace"), ("/etc/passwd", "there is no file"),
    ("link", "outside of the workspace"), ("folder-link/private.txt", "outside of the workspace"),
    ("notes/../../home/private.txt", "outside of the workspace"), (".secret", "hidden"),
    ("notes/../.secret", "hidden"), ("pipe", "no regular file"), ("notes", "is a folder"), ("a\0b", "no file")])
def test_nothing_is_read_outside(files, path, told):
    result = call(files, "read_file", {"path": path})
    assert result.returncode != 0 and told in result.stderr, result.stderr
    assert "private words" not in result.stdout


@pytest.mark.parametrize("path", [
    "cleo.yaml", "tools.yaml", "./cleo.yaml", "prompts/new.pack.json", "../x", "drafts/../../x", "folder-link/x",
    "link", "drafts/.hidden", ".env", "pipe", "notes"])
def test_nothing_is_written_where_it_may_not_be(files, path):
    before = (files.folder / "cleo.yaml").read_text()
    result = call(files, "write_file", {"path": path, "content": "evil"})
    assert result.returncode != 0, result.stdout
    assert (files.folder / "cleo.yaml").read_text() == before
    assert (files.home / "private.txt").read_text() == "private words"
    assert not any(p.read_text(errors="ignore") == "evil" for p in files.path.rglob("*") if p.is_file())


def test_writing_asks_first(files, terminal):
    files.write("cleo.yaml", "builtin: {files: {write: [drafts]}}\n")
    files.mock("rules:\n  - when: write\n    calls: [{name: write_file, arguments: {path: drafts/b.txt, content: ok}}]\n"
               "    then: '${write_file}'\n    failed: 'no: ${error}'\n")
    screen = terminal(files)
    screen.wait("● files", "say something")
    screen.say("write it")
    screen.wait("May write_file of files run?")
    assert not (files.folder / "drafts/b.txt").exists()
    screen.press("y")
    screen.wait("wrote 2 bytes")
    assert (files.folder / "drafts/b.txt").read_text() == "ok"


# Memory


def test_memories_have_scopes(workspace, tmp_path):
    workspace.write("cleo.yaml", "builtin: {memory: true}\napproval: never\n")
    value(call(workspace, "remember", {"text": "Ann's tea is green"}))
    value(call(workspace, "remember", {"text": "Ann lives in Oslo", "scope": "user"}))
    assert "no conversation" in call(workspace, "remember", {"text": "x", "scope": "session"}).stderr
    found = value(call(workspace, "recall", {"query": "which teas does ann like?"}))["memories"]
    assert [memory["text"] for memory in found] == ["Ann's tea is green", "Ann lives in Oslo"]
    # Nothing that a model writes is an operator.
    assert value(call(workspace, "recall", {"query": 'NOT "tea* OR'}))["memories"][0]["text"] == "Ann's tea is green"
    other = type(workspace)(tmp_path / "other")
    other.home = workspace.home
    other.write("cleo.yaml", "builtin: {memory: true}\n")
    assert [m["text"] for m in value(call(other, "recall"))["memories"]] == ["Ann lives in Oslo"]
    # What is not one's own cannot be forgotten.
    assert call(other, "forget", {"id": found[0]["id"]}).returncode != 0
    value(call(workspace, "forget", {"id": found[0]["id"]}))
    assert len(value(call(workspace, "recall"))["memories"]) == 1


def test_a_conversation_has_memories_of_its_own(workspace):
    workspace.write("cleo.yaml", "builtin: {memory: true}\napproval: never\n")
    workspace.mock("rules:\n  - when: keep\n    calls: [{name: remember, arguments: {text: blue sky, scope: session}}]\n"
                   "    then: kept\n  - when: ask\n    calls: [{name: recall, arguments: {query: sky}}]\n"
                   "    then: 'it is ${recall}'\n")
    _, first = workspace.ask("keep")
    assert "blue sky" in workspace.ask("ask", "--session", first["session"])[1]["text"]
    assert "blue sky" not in workspace.ask("ask")[1]["text"]


# Retrieval


def test_passages_are_found_and_kept_up_with(workspace):
    workspace.write("cleo.yaml", "builtin: {retrieve: {folders: [docs]}}\n")
    workspace.write("docs/fruit.md", "# Fruit\n\nApples are red.\n\n" + "filler\n\n" * 300 + "# Pears\n\nPears are green.\n")
    workspace.write("docs/deep/er/cars.txt", "Cars have four wheels.")
    found = value(call(workspace, "retrieve", {"query": "what colour is an apple", "limit": 1}))["passages"]
    assert found[0]["file"] == "docs/fruit.md" and found[0]["line"] == 1
    assert value(call(workspace, "retrieve", {"query": "pears"}))["passages"][0]["line"] > 100
    workspace.write("docs/fruit.md", "Nothing is left but plums.")
    (workspace.folder / "docs/deep/er/cars.txt").unlink()
    assert value(call(workspace, "retrieve", {"query": "apples wheels pears"}))["passages"] == []
    assert value(call(workspace, "retrieve", {"query": "plums"}))["passages"][0]["text"].startswith("Nothing")


WORDS = {"dog": [1, 0, 0], "puppy": [0.9, 0.1, 0], "car": [0, 1, 0], "tree": [0, 0, 1]}


@pytest.mark.parametrize("kind,path", [
    ("openai", "/embeddings"), ("ollama", "/api/embed"),
    ("gemini", "/v1beta/models/small:batchEmbedContents")])
def test_meaning_is_found_where_words_are_not(workspace, http, kind, path):
    def embed(handler, _):
        body = json.loads(server.requests[-1][3])
        texts = body.get("input") or [r["content"]["parts"][0]["text"] for r in body["requests"]]
        vectors = [next((v for w, v in WORDS.items() if w in text), [0.1, 0.1, 0.1]) for text in texts]
        handler.reply(200, json.dumps(
            {"openai": {"data": [{"index": i, "embedding": v} for i, v in enumerate(vectors)][::-1]},
             "ollama": {"embeddings": vectors},
             "gemini": {"embeddings": [{"values": v} for v in vectors]}}[kind]), {"Content-Type": "application/json"})

    server = http(embed)
    workspace.write("cleo.yaml", "builtin:\n  retrieve:\n    folders: [docs]\n    embeddings:\n"
                    f"      {{type: {kind}, model: small, base_url: '{server.url}', credential_env: EMBED_KEY}}\n")
    for word in ("car", "puppy", "tree"):
        workspace.write(f"docs/{word}.md", f"All about the {word}.")
    found = value(call(workspace, "retrieve", {"query": "dog", "limit": 1}, env={"EMBED_KEY": "sk-embed-123456"}))
    assert found["passages"][0]["file"] == "docs/puppy.md" and "note" not in found
    assert {request[1] for request in server.requests} == {path}
    # What was embedded once is not asked for again.
    asked = len(server.requests)
    value(call(workspace, "retrieve", {"query": "dog"}, env={"EMBED_KEY": "sk-embed-123456"}))
    assert len(server.requests) == asked + 1
    server.close()
    # Without the model, words are still compared, and that is said.
    found = value(call(workspace, "retrieve", {"query": "tree"}, env={"EMBED_KEY": "sk-embed-123456"}))
    assert found["passages"][0]["file"] == "docs/tree.md" and "by words only" in found["note"]


# Code


@pytest.fixture
def code(workspace):
    workspace.write("cleo.yaml", "builtin: {run_code: {timeout: 5s, memory_mib: 256, processes: 32, files_mib: 4, output_kib: 16}}\n")

    def run(text, language="python", **options):
        return call(workspace, "run_code", {"language": language, "code": text}, **options)

    return run


def test_code_runs(code):
    assert code("print(6 * 7)").stdout.strip() == "42"
    assert code("echo $((6 * 7)); pwd", "shell").stdout.split() == ["42", "/work"]
    wrong = code("import sys; print('half'); sys.exit('no more')")
    assert wrong.returncode != 0
    said = wrong.stdout + wrong.stderr
    assert "half" in said and "no more" in said and "exited with code 1" in said


@pytest.mark.skipif(not os.path.exists("/usr/bin/node"), reason="no node in /usr/bin")
def test_javascript_runs(code):
    assert code("console.log(6 * 7)", "javascript").stdout.strip() == "42"


def test_code_cannot_write_outside(code, tmp_path):
    target = tmp_path / "escaped"
    result = code(f"""
import os
for path in ("/usr/x", "/etc/x", "/x", {str(target)!r}, "/proc/sys/kernel/hostname", "/dev/new"):
    try:
        open(path, "w").write("x"); print("WROTE", path)
    except OSError as error:
        print("refused", path, error.errno)
open("/work/fine", "w").write("x")
print(os.listdir("/work"))
""")
    assert "WROTE" not in result.stdout and "['fine']" in result.stdout, result.stdout
    assert not target.exists()


def test_code_does_not_see_the_persons_files(code, workspace):
    (workspace.home / "private.txt").write_text("private words")
    os.symlink(workspace.home, workspace.folder / "way-out")
    result = code(f"""
import os
for path in ({str(workspace.home)!r}, {str(workspace.folder)!r}, "/root", "/home", "/etc/passwd", "/etc/shadow", "/proc/1/root/etc"):
    print(path, os.path.exists(path))
print(sorted(os.listdir("/")))
print([p for p in os.listdir("/proc") if p.isdigit()])
""")
    assert "True" not in result.stdout.replace("/proc/1/root/etc True", ""), result.stdout
    # It is alone: nobody else's processes are there.
    assert len(result.stdout.strip().splitlines()[-1].split(",")) <= 5


def test_code_has_no_network(code, http):
    server = http(lambda handler, _: handler.reply(200, "{}"))
    port = server.url.rsplit(":", 1)[1]
    result = code(f"""
import socket
for address in (("127.0.0.1", {port}), ("192.0.2.1", 80)):
    try:
        socket.create_connection(address, timeout=1); print("CONNECTED")
    except OSError as error:
        print("no:", error.errno)
try:
    socket.getaddrinfo("example.com", 80); print("RESOLVED")
except OSError as error:
    print("no:", error.errno)
print([name for _, name in socket.if_nameindex()])
""")
    assert result.stdout.count("no:") == 3 and "['lo']" in result.stdout, result.stdout
    assert not server.requests


def test_code_reads_no_environment(code):
    result = code("import os; print(dict(os.environ)); print(open('/proc/1/environ').read())",
                  env={"MY_TOKEN": "sk-canary-123456789"})
    assert "canary" not in result.stdout and "MY_TOKEN" not in result.stdout


def test_a_fork_bomb_stays_small(code):
    result = code("""
import os, time
n = 0
try:
    while n < 500:
        if os.fork() == 0:
            time.sleep(30); os._exit(0)
        n += 1
    print("FORKED", n)
except OSError:
    print("stopped", n)
""")
    assert "stopped" in result.stdout and int(result.stdout.split()[1]) <= 32, result.stdout + result.stderr
    bomb = code(":(){ :|:& };:", "shell")
    assert bomb.returncode != 0 or bomb.stdout
    left = subprocess.run(["pgrep", "-fc", "bwrap.*--nproc=32"], capture_output=True, text=True)
    assert left.stdout.strip() == "0"


def test_memory_time_disk_and_output_are_bounded(code):
    assert "MemoryError" in code("x = bytearray(400 << 20)").stderr + code("x = bytearray(400 << 20)").stdout
    result = code("while True: pass")
    assert result.returncode != 0 and "killed: 5 s of time" in result.stdout + result.stderr
    result = code("import time; time.sleep(60)")
    assert result.returncode != 0 and "killed: 5 s of time" in result.stdout + result.stderr
    result = code("""
try:
    with open("/tmp/big", "wb") as f:
        for _ in range(64): f.write(b"x" * (1 << 20))
    print("WROTE")
except OSError as error:
    print("stopped", error)
""")
    assert "WROTE" not in result.stdout
    result = code("while True: print('x' * 1000)")
    assert "more than 16 KiB of output" in result.stdout + result.stderr
    assert len(result.stdout) < 40_000


def test_code_cannot_type_into_the_terminal(code):
    result = code("""
import fcntl, os, termios
try:
    tty = os.open("/dev/tty", os.O_RDWR)
    fcntl.ioctl(tty, termios.TIOCSTI, b"x")
    print("TYPED")
except OSError as error:
    print("refused", error)
""")
    assert "refused" in result.stdout, result.stdout


def test_without_bubblewrap_no_code_is_run(workspace, tmp_path):
    """A program that looks elsewhere finds no bubblewrap: the test hides it from the mount table."""
    workspace.write("cleo.yaml", "builtin: {run_code: true}\n")
    command = ["unshare", "--mount", "sh", "-c", f"mount --bind /dev/null /usr/bin/bwrap && exec {PROGRAM} tools list"]
    result = subprocess.run(command, cwd=workspace.folder, env=workspace.environment, capture_output=True, text=True)
    if "unshare" in result.stderr or "mount:" in result.stderr:
        pytest.skip("no mount namespace may be made here")
    assert "code is run in bubblewrap only, and this is missing: bwrap" in result.stdout, result.stdout


# Over MCP


@pytest.mark.parametrize("python,version", [(PYTHON, None), (LEGACY_PYTHON, "2025-11-25")])
def test_other_agents_use_them(workspace, python, version):
    workspace.write("cleo.yaml", "builtin: {files: true, memory: true, retrieve: {folders: [docs]}}\n")
    workspace.write("docs/a.md", "Apples are red.")
    for number in range(60):
        workspace.write(f"docs/{number}.md", f"Filler {number}.")
    workspace.mock("rules:\n  - when: hello\n    say: good day\n")
    workspace.ask("hello")
    result = subprocess.run(
        [python, str(PEERS / "mcp_asker.py"), PROGRAM, "mcp"], cwd=workspace.folder, env=workspace.environment,
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    said = json.loads(result.stdout)
    assert version in (None, said["version"])
    assert said["tools"] == ["read_file", "list_files", "search_files", "remember", "recall", "forget", "retrieve",
                             "list_sessions", "search_sessions", "read_session"]
    assert said["recalled"]["structuredContent"]["memories"][0]["text"] == "the tests like tea"
    assert said["wrong"]["isError"] and "/path" in said["wrong"]["content"][0]["text"]
    assert "Apples" in said["found"]["content"][0]["text"] and "reading docs/0.md" in said["told"]
    assert said["sessions"][0]["title"] == "hello" and "good day" in said["text"]


def test_what_is_forbidden_is_forbidden_for_them_too(workspace):
    workspace.write("cleo.yaml", "builtin: {files: {write: [.]}, memory: true}\n"
                    "approval: {tools: {write_file: deny}}\npolicies: [rules/p.yaml]\n")
    workspace.write("rules/p.yaml", "kind: ToolPolicy\nmetadata: {name: p}\nspec:\n  selector: {registry: any, tools: [recall]}\n"
                    "  rules: [{name: r, deny: {cel: 'true', message: not today}}]\n")
    lines = [json.dumps({"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
             for n, (name, arguments) in enumerate([("write_file", {"path": "x", "content": "y"}), ("recall", {}), ("list_files", {})])]
    answers = {a["id"]: a["result"] for a in map(json.loads, workspace.run("mcp", stdin="\n".join(lines) + "\n").stdout.splitlines())}
    assert answers[0]["isError"] and "approval.tools.write_file = deny" in answers[0]["content"][0]["text"]
    assert answers[1]["isError"] and "not today" in answers[1]["content"][0]["text"]
    assert "isError" not in answers[2] and not (workspace.folder / "x").exists()
    # What forbids is not written by a model, however it is named.
    workspace.write("cleo.yaml", "builtin: {files: {write: [.]}}\napproval: never\npolicies: [./rules/p.yaml]\n"
                    "client_tools: {where: {command: [python3, bin/where.py]}}\n")
    for path in ("rules/p.yaml", "./rules/./p.yaml", "bin/where.py", "cleo.yaml"):
        result = call(workspace, "write_file", {"path": path, "content": "y"})
        assert result.returncode != 0 and "tells this program what it may do" in result.stderr, (path, result.stderr)


def test_a_search_that_takes_too_long_is_given_up(workspace, terminal):
    workspace.write("cleo.yaml", "builtin: {files: true}\n")
    for number in range(60):
        workspace.write(f"logs/{number}.log", ("a" * 60 + "\n") * 8000)
    workspace.mock("rules:\n  - when: look\n    calls: [{name: search_files, arguments: {pattern: '(a+a+)+(a+a+)+b'}}]\n    then: done\n")
    screen = terminal(workspace)
    screen.wait("● files", "say something")
    screen.say("look")
    screen.wait("search_files")
    screen.press("Escape")
    screen.wait("! stopped")


def test_the_server_keeps_to_the_wire(workspace):
    """Messages of the stateless era, and such as are none."""
    workspace.write("cleo.yaml", "builtin: {memory: true}\n")
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}}
    lines = [
        "this is no JSON", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}}),
        json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"_meta": meta}}),
        json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": {
            "_meta": {"io.modelcontextprotocol/protocolVersion": "2031-01-01"}}}),
        json.dumps({"jsonrpc": "2.0", "id": 4, "method": "no/such", "params": {"_meta": meta}}),
        json.dumps({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "none", "_meta": meta}}),
        json.dumps({"jsonrpc": "2.0", "id": 6, "method": "resources/read", "params": {"uri": "cleo://sessions/none"}}),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}), "", json.dumps([1, 2])]
    result = workspace.run("mcp", stdin="\n".join(lines) + "\n")
    answers = {answer.get("id"): answer for answer in map(json.loads, result.stdout.splitlines())}
    assert [a["error"]["code"] for a in map(json.loads, result.stdout.splitlines()) if a.get("id") is None] == [-32700, -32600]
    assert answers[1]["result"]["supportedVersions"] == ["2026-07-28"]
    assert answers[1]["result"]["resultType"] == answers[2]["result"]["resultType"] == "complete"
    assert answers[2]["result"]["cacheScope"] == "private" and answers[2]["result"]["tools"]
    assert answers[3]["error"]["code"] == -32022 and answers[3]["error"]["data"]["supported"] == ["2026-07-28"]
    assert answers[4]["error"]["code"] == -32601 and answers[5]["error"]["code"] == -32602
    assert answers[6]["error"]["code"] == -32602
