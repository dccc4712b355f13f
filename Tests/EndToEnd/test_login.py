"""Signing in to a dashboard with the browser, for its session routes."""

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

from conftest import PROGRAM

TOKEN = "omnia_sk_0123456789abcdef"


class Login:
    """A dashboard, and `cleo-tui sessions list --remote` before it; the test is the browser."""

    def __init__(self, workspace, http):
        def answer(handler, _):
            if handler.path == "/api/cli/token":
                code = json.loads(handler.body)["code"]
                if code != "right":
                    return handler.reply(401, "{}")
                return handler.reply(200, json.dumps({"token": TOKEN, "profile": {"workspace": "team one"}}), {"Content-Type": "application/json"})
            if handler.headers["Authorization"] != f"Bearer {TOKEN}":
                return handler.reply(401, "{}")
            return handler.reply(200, json.dumps({"sessions": [{"id": "11111111-2222-4333-8444-555555555555", "agentName": "support", "namespace": "dev",
                "createdAt": "2026-11-20T10:00:00Z", "updatedAt": "2026-11-20T10:00:00Z", "status": "active"}], "total": 1}), {"Content-Type": "application/json"})
        self.dashboard = http(answer)
        self.workspace = workspace
        self.process = subprocess.Popen(
            [PROGRAM, "sessions", "list", "--remote", "ws://127.0.0.1:1/ws?agent=support&namespace=dev", "--session-api",
             self.dashboard.url + "/api/workspaces/any", "--login"],
            cwd=workspace.folder, env=workspace.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = ""
        while "authorize?" not in self.said:
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line
        address = urllib.parse.urlsplit(re.search(r"http\S+", self.said)[0])
        assert address.path == "/api/cli/authorize" and f"{address.scheme}://{address.netloc}" == self.dashboard.url
        self.query = dict(urllib.parse.parse_qsl(address.query))

    def come_back(self, **fields):
        try:
            with urllib.request.urlopen(self.query["callback"] + "?" + urllib.parse.urlencode(fields), timeout=10) as page:
                assert b"Go back to your terminal" in page.read()
        finally:
            self.out, errors = self.process.communicate(timeout=20)
            self.said += errors


@pytest.fixture
def login(workspace, http):
    login = Login(workspace, http)
    yield login
    login.process.kill()


def test_the_sessions_of_the_chosen_workspace(login):
    assert login.query["callback"].startswith("http://127.0.0.1:") and len(login.query["state"]) == 32
    login.come_back(code="right", state=login.query["state"])
    assert login.process.returncode == 0 and "11111111-2222-4333-8444-555555555555" in login.out, login.said
    assert any(path.startswith("/api/workspaces/team%20one/sessions") for _, path, _, _ in login.dashboard.requests)
    # The token is kept nowhere.
    kept = [path for path in login.workspace.home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert not kept and TOKEN not in login.out + login.said


@pytest.mark.parametrize("fields, words", [
    ({"code": "right", "state": "another"}, "did not sign you in"), ({"error": "denied"}, "denied"),
    ({"code": "wrong", "state": None}, "gave no token (HTTP 401)"),
])
def test_what_is_no_sign_in(login, fields, words):
    fields = {name: login.query["state"] if value is None else value for name, value in fields.items()}
    login.come_back(**fields)
    assert login.process.returncode == 3 and words in login.said


def test_only_where_it_is_safe(workspace):
    for api, words in (("http://example.invalid/api/workspaces/x", "no https address"), (None, "needs the address")):
        result = workspace.run("sessions", "list", "--remote", "ws://127.0.0.1:1/ws?agent=a", "--login", *(["--session-api", api] if api else []))
        assert result.returncode == 2 and words in result.stderr
