"""bkendfs --login and --logout: allowed in a browser, which comes back to a port
of this machine."""

import contextlib
import http.client
import json
import os
import re
import select
import signal
import stat
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import pytest

from conftest import BKENDFS, environment, of_threads, run, wait_until
from mcp_server import McpServer
from odd_server import EMAIL, PASSWORD, PUBLISHABLE, SECRET, Reply

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url, host=None):
    """(status, text, headers) of a page, not following anything."""
    parts = urllib.parse.urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        target = parts.path + ("?" + parts.query if parts.query else "")
        line.request("GET", target, headers={"Host": host} if host else {})
        answer = line.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        line.close()


class Login:
    """A bkendfs --login that runs, and the address that it wants opened."""

    def __init__(self, work, watched, env, *options):
        self.watched = watched
        tools = work / "tools"
        tools.mkdir(exist_ok=True)
        self.opened = work / "opened"
        self.opened.unlink(missing_ok=True)
        opener = tools / "xdg-open"
        opener.write_text(
            f'#!/bin/sh\ntr "\\0" "\\n" < /proc/$$/environ > {work}/opener.env\n'
            f'cat /proc/self/status > {work}/opener.status\n'
            f'printf "%s" "$1" > {self.opened}.new && mv {self.opened}.new {self.opened}\n')
        opener.chmod(0o755)
        env = dict(env, PATH=f"{tools}:{os.environ['PATH']}")
        self.process = subprocess.Popen(
            [BKENDFS, "--login", *options], env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        watched.pids.add(self.process.pid)
        self.output = b""

    def address(self):
        """As it stands on the terminal, once it does."""
        deadline = time.monotonic() + 30
        while True:
            found = re.search(rb"^  (http\S+)\n", self.output, re.M)
            if found:
                return found[1].decode()
            ready, _, _ = select.select([self.process.stdout], [], [], deadline - time.monotonic())
            piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert piece, (self.output, self.process.stderr.read())
            self.output += piece

    def settle(self):
        """Wait until what showed the address, if it was to, is done."""
        if re.search(rb"^  http", self.output, re.M):
            wait_until(self.opened.exists, 30, "the end of xdg-open")

    def end(self):
        """(status, output, errors) of the whole."""
        output, errors = self.process.communicate(timeout=60)
        self.settle()
        self.watched.pids.discard(self.process.pid)
        self.output += output
        return self.process.returncode, self.output.decode(), errors.decode()


@pytest.fixture
def project(odd):
    return odd()


@pytest.fixture
def env(project, work):
    settings = environment(work, project.env())
    for name in ("BKEND_EMAIL", "BKEND_PASSWORD", "BKEND_TABLES"):
        settings.pop(name, None)
    settings["XDG_STATE_HOME"] = str(work / "state")
    settings["XDG_CONFIG_HOME"] = str(work / "no-config")
    return settings


@pytest.fixture
def login(work, watched, env):
    started = []

    def start(**extra):
        started.append(Login(work, watched, env | extra))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()
            one.settle()
        watched.pids.discard(one.process.pid)


def choice(address, which):
    """Where a button of the consent page leads."""
    with _direct.open(address, timeout=20) as page:
        text = page.read().decode()
    return re.search(rf'id={which} href="([^"]+)"', text)[1].replace("&amp;", "&")


def kept(work):
    """The file of the login; None: there is none."""
    files = [f for f in (work / "state").rglob("mcp-*") if not f.name.endswith(".lock")]
    assert len(files) < 2
    return files[0] if files else None


def assert_clean(mcp, *texts):
    for text in texts:
        for secret in [*mcp.issued, PUBLISHABLE, SECRET, PASSWORD]:
            assert secret not in text


def test_allowed_in_the_browser(project, login, work):
    mcp = McpServer(project)
    one = login()
    address = one.address()
    wait_until(one.opened.exists, 20, "the browser")
    assert one.opened.read_text() == address
    parameters = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
    assert parameters["scope"] == "*:read" and len(parameters["state"]) == 43
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/callback", parameters["redirect_uri"])
    status, page, headers = get(choice(address, "allow"))
    assert status == 200 and "<h1>Done</h1>" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"
    status, output, errors = one.end()
    assert status == 0 and errors == "" and "Logged in" in output
    assert_clean(mcp, output, errors)
    assert mcp.faults == []
    mode = kept(work).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE(kept(work).parent.stat().st_mode) == 0o700
    assert next(iter(mcp.access)) in kept(work).read_text()
    # What shows the address was told nothing else, and is no child that is kept.
    assert PUBLISHABLE not in (work / "opener.env").read_text()
    assert "SigBlk:\t0000000000000000" in (work / "opener.status").read_text()


def test_denied_in_the_browser(project, login, work):
    mcp = McpServer(project)
    one = login()
    status, page, _ = get(choice(one.address(), "deny"))
    assert status == 200 and "did not come about" in page and "it was denied" in page
    status, output, errors = one.end()
    assert status == 1 and "it was denied" in errors and "access_denied" in errors
    assert len(errors.splitlines()) == 1
    assert kept(work) is None and not mcp.access


def test_what_others_send_to_the_port_ends_nothing(project, login, work):
    mcp = McpServer(project)
    one = login()
    allow = choice(one.address(), "allow")
    parts = urllib.parse.urlsplit(allow)
    place = f"http://{parts.netloc}"
    query = dict(urllib.parse.parse_qsl(parts.query))

    def status(target, host=None):
        return get(place + target, host)[0]

    assert status("/") == 404 and status("/favicon.ico") == 404
    assert status("/callback") == 400
    assert status("/callback?code=evil") == 400
    assert status("/callback?code=evil&state=wrong") == 400
    assert status("/callback?error=access_denied&state=wrong") == 400
    assert status("/callback?error=access_denied") == 400
    assert status(f"/callback?state={query['state']}") == 400
    assert status(f"/callback?state={query['state']}%00x&code=evil") == 400
    # A name that leads to this machine, for a page that is from elsewhere.
    assert status(f"/callback?{parts.query}", "evil.example:80") == 404
    with contextlib.closing(
        http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    ) as line:
        line.request("POST", f"/callback?{parts.query}", b"x" * 1000)
        assert line.getresponse().status == 404
    assert one.process.poll() is None
    assert mcp.access == set() and mcp.faults == []
    assert get(allow)[0] == 200
    assert one.end()[0] == 0 and mcp.faults == []


def test_hostile_words_are_text(project, login):
    McpServer(project)
    one = login()
    parts = urllib.parse.urlsplit(choice(one.address(), "deny"))
    state = dict(urllib.parse.parse_qsl(parts.query))["state"]
    words = "<script>alert(1)</script>\x1b[31m\u202e"
    query = urllib.parse.urlencode({"state": state, "error": "<b>", "error_description": words})
    _, page, _ = get(f"http://{parts.netloc}/callback?{query}")
    assert "<script>" not in page and "&lt;script&gt;" in page and "\x1b" not in page
    status, output, errors = one.end()
    assert status == 1 and "\x1b" not in errors and "\u202e" not in errors


def test_a_page_that_is_loaded_again_uses_no_code_twice(project, login):
    mcp = McpServer(project)
    go_on, asked = threading.Event(), threading.Event()

    def hold(request):
        if request.path.endswith("/oauth/token"):
            asked.set()
            go_on.wait(60)

    project.hooks.insert(0, hold)
    one = login()
    allow = choice(one.address(), "allow")
    parts = urllib.parse.urlsplit(allow)
    lines = [http.client.HTTPConnection(parts.hostname, parts.port, timeout=60) for _ in range(2)]
    lines[0].request("GET", f"{parts.path}?{parts.query}")
    assert asked.wait(30)
    lines[1].request("GET", f"{parts.path}?{parts.query}")
    wait_until(lambda: _connections(one.process.pid) == 2, 20, "the second request")
    go_on.set()
    pages = [line.getresponse().read().decode() for line in lines]
    for line in lines:
        line.close()
    assert one.end()[0] == 0
    assert mcp.faults == []
    assert project.count(lambda r: r.path.endswith("/oauth/token")) == 1
    assert all("<h1>Done</h1>" in page for page in pages)


def _connections(pid):
    """How many browsers its web server serves: a thread each."""
    return sum(name.startswith("MHD-conn") for name in of_threads(pid, "comm"))


def test_a_page_that_is_closed_half_way(project, login, work):
    """The browser is gone before it is told; the login is there all the same."""
    mcp = McpServer(project)
    go_on, asked = threading.Event(), threading.Event()

    def hold(request):
        if request.path.endswith("/oauth/token"):
            asked.set()
            go_on.wait(60)

    project.hooks.insert(0, hold)
    one = login()
    parts = urllib.parse.urlsplit(choice(one.address(), "allow"))
    line = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    line.request("GET", f"{parts.path}?{parts.query}")
    assert asked.wait(30)
    line.close()
    go_on.set()
    assert one.end()[0] == 0
    assert kept(work) and mcp.faults == []


def test_a_code_that_the_server_refuses(project, login, work):
    mcp = McpServer(project)
    one = login()
    allow = choice(one.address(), "allow")
    code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(allow).query))["code"]
    project.hooks.insert(0, lambda r: mcp._no("invalid_grant", f"{code} was used")
                         if r.path.endswith("/oauth/token") else None)
    _, page, _ = get(allow)
    assert "did not come about" in page and code not in page
    status, output, errors = one.end()
    assert status == 1 and kept(work) is None
    assert code not in output + errors and "repeat what is secret" in errors


def test_a_signal_ends_the_wait(project, login, work):
    McpServer(project)
    one = login()
    one.address()
    one.process.send_signal(signal.SIGINT)
    status, _, errors = one.end()
    assert status == 1 and "ended by a signal (Interrupt)" in errors
    assert kept(work) is None


@pytest.mark.parametrize("places", [
    ["/.well-known/oauth-authorization-server/mcp"],
    ["/mcp/.well-known/oauth-authorization-server"],
    ["/.well-known/openid-configuration"],
])
def test_metadata_in_other_places(project, login, places):
    mcp = McpServer(project)
    mcp.places = places
    one = login()
    assert get(choice(one.address(), "allow"))[0] == 200
    assert one.end()[0] == 0 and mcp.faults == []


def test_another_server_gives_the_tokens(project, login, odd):
    other = odd()
    mcp = McpServer(other)
    project.hooks.append(
        lambda r: Reply(200, json.dumps({"authorization_servers": [other.url + "/mcp"]}).encode())
        if r.path == "/.well-known/oauth-protected-resource"
        else Reply(404, b"{}") if r.path.startswith("/.well-known/") else None)
    one = login()
    assert one.address().startswith(other.url)
    assert get(choice(one.address(), "allow"))[0] == 200
    assert one.end()[0] == 0 and mcp.faults == []


@pytest.mark.parametrize("metadata,words", [
    ({"issuer": "http://127.0.0.1:9/mcp"}, "another server's"),
    ({"token_endpoint": "http://example.org/token"}, "nobody should send"),
    ({"authorization_endpoint": "javascript:alert(1)"}, "nobody should send"),
    ({"authorization_endpoint": "http://127.0.0.1/\u202e"}, "nobody should send"),
    ({"authorization_endpoint": "http://127.0.0.1/$(id)"}, "nobody should send"),
    ({"authorization_endpoint": "http://good.example@127.0.0.1/"}, "nobody should send"),
    ({"authorization_endpoint": None}, "no place where to get a token"),
    ({"code_challenge_methods_supported": ["plain"]}, "S256"),
    ({"registration_endpoint": None}, "register"),
])
def test_metadata_that_serve_nobody(project, login, metadata, words):
    McpServer(project).metadata = metadata
    status, output, errors = login().end()
    assert status == 1 and words in errors and len(errors.splitlines()) == 1


def test_an_answer_of_another_issuer(project, login):
    """A mix-up: each answer says whose it is, where the server says that it does."""
    mcp = McpServer(project)
    mcp.metadata = {"authorization_response_iss_parameter_supported": True}
    one = login()
    allow = choice(one.address(), "allow")
    assert get(allow)[0] == 400
    assert get(allow + "&iss=" + urllib.parse.quote("https://evil.example", safe=""))[0] == 400
    assert get(allow + "&iss=" + urllib.parse.quote(mcp.url, safe=""))[0] == 200
    assert one.end()[0] == 0 and mcp.faults == []


def test_a_server_that_is_none(project, login):
    status, _, errors = login().end()
    assert status == 1 and "no OAuth metadata are there" in errors
    status, _, errors = login(BKEND_MCP_URL="http://127.0.0.1:1/mcp").end()
    assert status == 1 and "cannot log in to http://127.0.0.1:1/mcp" in errors


def test_settings_that_are_wrong(login):
    for url, words in [("ftp://a/mcp", "looks like"), ("http://example.org/mcp", "in the clear")]:
        status, _, errors = login(BKEND_MCP_URL=url).end()
        assert status == 2 and words in errors


def _logout(env):
    done = run(BKENDFS, "--logout", env=env)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_logout_forgets_here_and_there(project, login, env, work):
    mcp = McpServer(project)
    assert _logout(env) == (0, f"There is no login to {mcp.url}.\n", "")
    one = login()
    assert get(choice(one.address(), "allow"))[0] == 200
    assert one.end()[0] == 0
    status, output, errors = _logout(env)
    assert status == 0 and output == f"Logged out of {mcp.url}.\n" and errors == ""
    assert kept(work) is None and not mcp.access and not mcp.refresh
    assert len(mcp.revoked) == 2 and mcp.revoked[0].startswith("refresh")


def test_logout_forgets_where_the_server_is_gone(project, login, env, work):
    mcp = McpServer(project)
    one = login()
    assert get(choice(one.address(), "allow"))[0] == 200
    assert one.end()[0] == 0
    project.stop()
    status, output, errors = _logout(env)
    assert status == 0 and output == f"Logged out of {mcp.url}.\n"
    assert len(errors.splitlines()) == 1 and "may still know" in errors
    assert kept(work) is None
    assert_clean(mcp, output, errors)
