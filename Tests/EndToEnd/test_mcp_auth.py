"""Signing in, tokens that end, and a second implementation of MCP."""

import re
import subprocess
import time
import urllib.error
import urllib.request

import jwt
import pytest

from conftest import PEERS, PROGRAM, PYTHON, listens, wait_for

KEY = "a key for tests that is long enough for HS256"


def server(workspace, background, port, script, *arguments, more=""):
    background(PYTHON, str(PEERS / script), str(port), *arguments)
    wait_for(lambda: listens(port), "the server")
    workspace.tools(
        "handlers:\n  - name: web\n    type: mcp\n    timeout: 10s\n    mcpConfig:\n"
        f"      {{transport: streamable-http, endpoint: 'http://127.0.0.1:{port}/mcp'{more}}}\n")
    workspace.mock("""
rules:
  - when: 'who'
    calls: [{name: whoami, arguments: {}}]
    then: 'you are ${whoami}'
    failed: 'nobody: ${error}'
""")
    workspace.write("cleo.yaml", "approval: never\n")
    return workspace


def visit(url):
    """What a browser does whose person is signed in."""
    with urllib.request.urlopen(url, timeout=10) as page:
        return page.read().decode()


def address(text):
    """The sign-in address, as the card wraps it."""
    joined = "".join(line.split("││")[1].strip() for line in text.splitlines() if line.startswith("││"))
    return re.search(r"(http://127\.0\.0\.1:\d+/authorize\?.*?)It leads to", joined).group(1)


def test_signing_in_from_the_shell(workspace, background, free_port):
    server(workspace, background, free_port, "oauth_mcp.py", "60")
    refused = workspace.run("tools", "call", "whoami")
    assert refused.returncode != 0 and "sign in" in refused.stderr + refused.stdout, refused.stderr
    login = subprocess.Popen(
        [PROGRAM, "tools", "login", "web"], cwd=workspace.folder, env=workspace.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    url = next(line.strip() for line in login.stderr if "/authorize?" in line)
    assert "code_challenge_method=S256" in url and "resource=" in url
    assert "Go back to your terminal" in visit(url)
    out, _ = login.communicate(timeout=20)
    assert login.returncode == 0 and "whoami" in out, out


def test_signing_in_on_the_screen_and_tokens_that_end(workspace, background, free_port, terminal):
    server(workspace, background, free_port, "oauth_mcp.py", "3")
    screen = terminal(workspace)
    screen.wait("✗ web", "say something")
    screen.say("/login")
    screen.wait("sign in to", "web")
    screen.press("Enter")
    screen.wait("wants you to sign in", "It leads to 127.0.0.1")
    visit(address(screen.screen))
    screen.wait("signed in to 'web'", "● web")
    screen.say("who am I?")
    first = screen.wait("you are {")
    time.sleep(3.2)
    # The token has ended; another one is got without a word.
    screen.say("who am I now?")
    screen.wait("who am I now?", "agent ▸ whoami")
    wait_for(lambda: screen.screen.count("you are {") == 2, lambda: screen.screen)
    assert "sign in" not in screen.screen.split("who am I now?")[1], first
    # No token is ever on the disk.
    tokens = subprocess.run(["grep", "-raE", "(at|rt|code)_[0-9a-f]{16}", workspace.folder, workspace.home],
                            capture_output=True, text=True).stdout
    assert not tokens, tokens


def test_a_person_who_does_not_sign_in(workspace, background, free_port, terminal):
    server(workspace, background, free_port, "oauth_mcp.py", "60")
    screen = terminal(workspace)
    screen.wait("✗ web", "say something")
    screen.say("/login")
    screen.press("Enter")
    screen.wait("wants you to sign in")
    screen.press("n")
    screen.wait("nobody signed in")


def token(seconds, subject="ann"):
    return jwt.encode({"sub": subject, "aud": "lab", "exp": int(time.time()) + seconds}, KEY, "HS256")


def test_a_token_that_ends_and_one_that_is_put_in_its_place(workspace, background, free_port, terminal):
    workspace.write("token", token(3600))
    server(workspace, background, free_port, "jwt_mcp.py", KEY, more=", authType: bearer, authTokenPath: token")
    screen = terminal(workspace)
    screen.wait("● web", "say something")
    screen.say("who am I?")
    screen.wait("you are ann")
    workspace.write("token", token(-10))
    screen.say("who am I?")
    screen.wait("nobody:", "HTTP 401")
    workspace.write("token", token(3600, "bob"))
    screen.say("who am I?")
    screen.wait("you are bob")


@pytest.mark.parametrize("place", ["{env: LAB_TOKEN}", "{file: token}", "{command: [cat, token]}"])
def test_a_secret_of_the_cluster_is_somewhere_here(workspace, background, free_port, place):
    server(workspace, background, free_port, "jwt_mcp.py", KEY)
    secret = token(3600)
    workspace.write("token", secret)
    workspace.tools(
        "apiVersion: omnia.altairalabs.ai/v1alpha1\nkind: ToolRegistry\nmetadata: {name: t}\nspec:\n  handlers:\n"
        "    - name: web\n      type: mcp\n      auth: {type: bearer, secretRef: {name: lab, key: token}}\n"
        f"      mcpConfig: {{transport: streamable-http, endpoint: 'http://127.0.0.1:{free_port}/mcp'}}\n")
    result = workspace.run("tools", "call", "whoami")
    assert "secrets: {lab: {token: {env: VARIABLE}}}" in result.stderr
    workspace.write("cleo.yaml", f"secrets: {{lab: {{token: {place}}}}}\n")
    result = workspace.run("tools", "call", "whoami", env={"LAB_TOKEN": secret})
    assert result.stdout.strip() == "ann", result.stderr
    assert secret not in result.stdout + result.stderr


@pytest.mark.parametrize("era", ["auto", "legacy"])
@pytest.mark.parametrize("way", ["stdio", "http"])
def test_a_second_implementation(workspace, background, free_port, way, era):
    script = str(PEERS / "fast_mcp.py")
    if way == "http":
        background(PYTHON, script, "http", str(free_port))
        wait_for(lambda: listens(free_port), "the server")
        config = f"{{transport: streamable-http, endpoint: 'http://127.0.0.1:{free_port}/mcp'}}"
    else:
        config = f"{{transport: stdio, command: {PYTHON}, args: [{script}, stdio]}}"
    workspace.tools(f"handlers:\n  - name: fast\n    type: mcp\n    timeout: 20s\n    mcpConfig: {config}\n")
    workspace.write("cleo.yaml", f"mcp: {{era: {era}}}\n")
    listed = workspace.run("tools", "list").stdout
    assert "add(a, b)\n" in listed and "prompt greet(who)" in listed and "resource fast://motto" in listed, listed
    assert workspace.run("tools", "call", "add", '{"a": 2, "b": 40}').stdout.strip() == "42"
    assert workspace.run("tools", "call", "count", '{"n": 3}').stdout.strip() == "counted to 3"
    failed = workspace.run("tools", "call", "fail", '{"why": "because"}')
    assert failed.returncode == 4 and "because" in failed.stdout
    assert workspace.run("tools", "prompt", "fast", "greet", '{"who": "Ann"}').stdout.strip() == "Greet Ann."
    assert "accuracy is final" in workspace.run("tools", "read", "fast", "fast://motto").stdout
