"""Whom the emulator lets in: its owner, and nobody by way of a browser or of sheer
slowness."""

import http.client
import os
import re
import socket
import stat
import subprocess
import time

import pytest

from api_client import Client
from conftest import EMULATOR, environment, sockets_of, wait_until

SAMPLE_KEY = "pk_b3d0f1a2c4e5968778695a4b3c2d1e0fb3d0f1a2c4e5968778695a4b3c2d1e0f"
NAMES = ["BKEND_PUBLISHABLE_KEY", "BKEND_SECRET_KEY", "BKEND_EMAIL", "BKEND_PASSWORD"]


def _backup(path, *ids):
    (path / "posts").mkdir(parents=True)
    for one in ids or ("a",):
        (path / f"posts/{one}.json").write_text('{"id":"%s","secret":"diary"}' % one)
    return path


@pytest.fixture
def backup(work):
    return _backup(work / "backup")


@pytest.fixture
def refused(work):
    """Run an emulator that must not start: what it says."""

    def start(*words, **env):
        done = subprocess.run(
            [EMULATOR, *map(str, words)], capture_output=True, text=True, timeout=20,
            check=False, env=environment(work, env),
        )
        assert done.returncode == 1 and done.stdout == "", done
        return done.stderr

    return start


def _credentials(server):
    return {name: server.settings[name] for name in NAMES}


# Credentials -------------------------------------------------------------------


def test_the_samples_are_known_and_open_no_backup(emulator, backup):
    assert emulator("--no-demo").key == SAMPLE_KEY
    one = Client(emulator("--data", backup))
    assert one.refused("/v1/posts", headers={"X-API-Key": SAMPLE_KEY})[0] == 401
    body = {"method": "password", "email": "demo@example.com", "password": "demo-password"}
    for headers in (one.headers, {"X-API-Key": one.server.key}):
        assert one.refused("/v1/auth/email/signin", method="POST", body=body,
                           headers=headers)[0] == 401
    assert one.ids("/v1/posts") == ["a"]
    assert one.data("/v1/auth/me", headers=one.bearer(one.sign_in()["accessToken"]))


def test_a_backups_are_its_own_and_stay(emulator, backup, work):
    first = emulator("--data", backup)
    mine = _credentials(first)
    assert re.fullmatch("pk_[0-9a-f]{64}", mine["BKEND_PUBLISHABLE_KEY"])
    assert re.fullmatch("sk_[0-9a-f]{64}", mine["BKEND_SECRET_KEY"])
    assert re.fullmatch("[0-9a-f]{32}", mine["BKEND_PASSWORD"])
    first.stop()
    (work / "link").symlink_to(backup)
    for again in (backup, f"{backup}/", work / "link"):
        assert _credentials(emulator("--data", again)) == mine
    other = _credentials(emulator("--data", _backup(work / "other")))
    for name in NAMES:
        assert (other[name] == mine[name]) == (name == "BKEND_EMAIL")


def test_they_are_kept_where_nobody_else_looks(emulator, backup, work):
    server = emulator("--data", backup)
    place = work / ".local/state/bkendfs"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    [file] = place.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert server.settings["BKEND_PASSWORD"] in file.read_text()


def test_starts_at_once_agree(backup, work):
    started = [
        subprocess.Popen(
            [EMULATOR, "--data", backup], stdout=subprocess.PIPE, text=True,
            env=environment(work), stderr=subprocess.DEVNULL,
        )
        for _ in range(8)
    ]
    try:
        seen = {tuple(one.stdout.readline() for _ in range(5))[1:] for one in started}
    finally:
        for one in started:
            one.terminate()
            one.wait(20)
            one.stdout.close()
    assert len(seen) == 1
    assert len(list((work / ".local/state/bkendfs").iterdir())) == 1


def test_a_place_that_is_not_ours_alone_is_refused(refused, backup, work):
    (work / "state/bkendfs").mkdir(parents=True)
    (work / "state/bkendfs").chmod(0o755)
    said = refused("--data", backup, XDG_STATE_HOME=str(work / "state"))
    assert "0700" in said and "--credentials" in said
    assert os.listdir(work / "state/bkendfs") == []


def test_the_file_may_be_chosen(emulator, backup, work):
    file = work / "chosen"
    mine = _credentials(emulator("--data", backup, "--credentials", file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert _credentials(emulator("--no-demo", "--credentials", file)) == mine
    assert not (work / ".local").exists()
    lines = ["# an app's", "BKEND_PUBLISHABLE_KEY=pk_mine", "BKEND_SECRET_KEY=sk_mine",
             "BKEND_API_URL=http://x", "BKEND_EMAIL=me@here", "BKEND_PASSWORD=s3same"]
    file.write_text("\n".join(lines) + "\n")
    one = Client(emulator("--data", backup, "--credentials", file))
    assert (one.server.key, one.server.secret_key) == ("pk_mine", "sk_mine")
    assert one.data("/v1/auth/me", headers=one.bearer(one.sign_in("s3same")["accessToken"]))[
        "email"] == "me@here"
    assert one.ids("/v1/posts", ) == ["a"]
    for wrong in ("pk_min", "pk_mine ", "pk_minf", "", "sk_min", "sk_mine2"):
        assert one.refused("/v1/posts", headers={"X-API-Key": wrong})[0] == 401


@pytest.mark.parametrize("name, line", [
    ("BKEND_PASSWORD", ""), ("BKEND_PASSWORD", "BKEND_PASSWORD="),
    ("BKEND_PASSWORD", "BKEND_PASSWORD=$(reboot)"), ("BKEND_PASSWORD", "BKEND_PASSWORD=a b"),
    ("BKEND_PUBLISHABLE_KEY", "BKEND_PUBLISHABLE_KEY=sk_x"),
    ("BKEND_SECRET_KEY", "BKEND_SECRET_KEY=pk_x"), ("BKEND_EMAIL", "BKEND_EMAIL=me"),
])
def test_a_file_that_does_not_hold_them_is_refused(refused, backup, work, name, line):
    good = dict.fromkeys(NAMES, "x@y") | {
        "BKEND_PUBLISHABLE_KEY": "pk_x", "BKEND_SECRET_KEY": "sk_x"}
    lines = [line if key == name else f"{key}={value}" for key, value in good.items()]
    file = work / "chosen"
    file.write_text("\n".join(lines))
    file.chmod(0o600)
    said = refused("--data", backup, "--credentials", file)
    assert str(file) in said and name in said and "reboot" not in said


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(refused, backup, work, mode):
    file = work / "chosen"
    file.write_text("")
    file.chmod(mode)
    said = refused("--data", backup, "--credentials", file)
    assert str(file) in said and "0600" in said


def test_a_file_that_cannot_be_made_is_named(refused, backup, work):
    assert str(work / "none/x") in refused("--data", backup, "--credentials", work / "none/x")


# Host names --------------------------------------------------------------------


OURS = ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.9.8.7", "[::1]",
        "localhost:8080", "127.0.0.1:1", "[::1]:80", "[::ffff:127.0.0.1]"]
NOT_OURS = ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example",
            "evillocalhost", "10.0.0.1", "[fe80::1]", "localhost:evil", "", "[::1", "::1",
            "localhost/x", "evil.example@localhost", "0.0.0.0", "localhost localhost"]


def _get(one, path, host):
    return one.call("GET", path, Host=host, **one.headers)


@pytest.mark.parametrize("host", OURS)
def test_our_own_names_are_answered(emulator, backup, host):
    one = Client(emulator("--data", backup))
    assert _get(one, "/v1/posts", host)[0] == 200


def test_no_other_name_is(emulator, backup):
    """A page of evil.example may let that name lead to 127.0.0.1."""
    one = Client(emulator("--data", backup))
    one.server.put_file("f", b"content")
    url = one.download("f")["url"][len(one.server.url):]
    body = ('{"email":"%s","password":"%s"}' % (
        one.server.settings["BKEND_EMAIL"], one.server.settings["BKEND_PASSWORD"]))
    for host in NOT_OURS:
        for path in ("/v1/posts", url, "/_emulator/stats", "/"):
            status, _, text = _get(one, path, host)
            assert status in (400, 421), (host, path)
            assert b"diary" not in text and text != b"content"
        if host:
            status = one.call("POST", "/v1/auth/email/signin", body, Host=host, **one.headers)[0]
            assert status == 421
    one.server.stats()
    assert b"allow-host" in _get(one, "/v1/posts", "evil.example")[2]


def test_a_name_that_is_allowed_is_answered(emulator, backup):
    one = Client(emulator(
        "--data", backup, "--allow-host", "api.example", "--allow-host", "10.1.2.3"))
    for host in ("api.example", "API.example:8443", "api.example.", "10.1.2.3:80"):
        assert _get(one, "/v1/posts", host)[0] == 200
    for host in ("x.api.example", "10.1.2.4"):
        assert _get(one, "/v1/posts", host)[0] == 421


def _raw(server, text):
    host, port = server.url[7:].split(":")
    with socket.create_connection((host, int(port)), timeout=20) as raw:
        raw.sendall(text)
        answer = b""
        while piece := raw.recv(65536):
            answer += piece
        return answer


def test_whoever_names_no_host_is_no_browser(emulator, backup):
    server = emulator("--data", backup)
    key = f"X-API-Key: {server.secret_key}\r\n\r\n".encode()
    assert b" 200 " in _raw(server, b"GET /v1/posts HTTP/1.0\r\n" + key).split(b"\r\n")[0]
    answer = _raw(server, b"GET /v1/posts HTTP/1.1\r\nConnection: close\r\n" + key)
    assert answer.split(b" ")[1] in (b"400", b"421")


# Slow clients ------------------------------------------------------------------


def _connect(server, **options):
    host, port = server.url[7:].split(":")
    raw = socket.socket()
    for name, value in options.items():
        raw.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    raw.settimeout(20)
    raw.connect((host, int(port)))
    return raw


def _ends(raw, drip=None):
    """Wait until the other side has closed, and go on sending meanwhile."""
    raw.settimeout(0.1)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if drip:
                raw.sendall(drip)
            if not raw.recv(65536):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


HEAD = b"POST /v1/auth/email/signin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"


@pytest.mark.parametrize("begin, drip", [
    (b"", None), (b"", b"G"), (b"GET /v1/posts HTTP/1.1\r\n", b"X"),
    (HEAD, b"A: b\r\n"), (HEAD + b"\r\n", None), (HEAD + b"\r\n", b" "),
], ids=["nothing", "request line", "header", "headers", "no body", "body"])
def test_a_request_that_drips_is_let_go_of(emulator, begin, drip):
    server = emulator("--no-demo", "--client-timeout", "1")
    with _connect(server) as raw:
        raw.sendall(begin)
        assert _ends(raw, drip)


def test_a_connection_that_is_kept_and_not_used_is_closed(emulator):
    server = emulator("--no-demo", "--client-timeout", "1")
    connection = http.client.HTTPConnection(server.url[7:], timeout=20)
    for _ in range(3):
        connection.request("GET", "/v1/x", headers={"X-API-Key": server.key})
        assert connection.getresponse().read()
    assert _ends(connection.sock)
    connection.close()


def test_an_answer_that_nobody_takes_is_given_up(emulator):
    server = emulator("--no-demo", "--client-timeout", "1", "--generate-files", "1:200000000")
    one = Client(server)
    url = one.download(one.ids("/v1/files")[0])["url"][len(server.url):]
    with _connect(server, SO_RCVBUF=4096) as raw:
        raw.sendall(f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
        # It goes on only as far as the buffers reach.
        deadline = time.monotonic() + 20
        while _sockets(server) > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _sockets(server) == 1  # the one that listens


def _sockets(server):
    return len(sockets_of(server.process.pid))


def test_our_own_slowness_is_nobodys_fault(emulator):
    server = emulator(
        "--no-demo", "--client-timeout", "1", "--latency", "1600", "--storage-latency", "1600",
        "--generate-files", "1:100000", "--storage-rate", "50000")
    one = Client(server)
    assert len(one.object(one.ids("/v1/files")[0])[2]) == 100000


def test_who_only_waits_makes_room_for_who_comes(emulator):
    server = emulator("--no-demo", "--connections", "3")
    idle = [_connect(server) for _ in range(20)]
    idle[-1].sendall(b"GET /v1/posts HTTP/1.1\r\n")
    try:
        # Those that have waited the longest are let go of, the last are not.
        for raw in idle[:-3]:
            assert _ends(raw)
        wait_until(lambda: _sockets(server) <= 1 + 3, 20, "the bound")
        # Nobody's time is up, and still whoever asks is answered, each time
        # that all places are taken by those who only wait.
        for _ in range(10):
            assert Client(server).refused("/v1/x")[0] == 404
            wait_until(lambda: _sockets(server) <= 1 + 2, 20, "its end")
            idle.append(_connect(server))
    finally:
        for raw in idle:
            raw.close()


def test_who_is_served_is_not_ended_for_others(emulator):
    server = emulator("--no-demo", "--connections", "2", "--generate-files", "1:20000000")
    one = Client(server)
    url = one.download(one.ids("/v1/files")[0])["url"][len(server.url):]
    wait_until(lambda: _sockets(server) == 1, 20, "the end of what came before")
    busy = []
    try:
        for _ in range(2):
            raw = _connect(server, SO_RCVBUF=4096)
            busy.append(raw)
            raw.sendall(f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert raw.recv(10) == b"HTTP/1.1 2"
        with _connect(server) as third:
            assert _ends(third)
        for raw in busy:
            size = 0
            while size < 20000000:
                piece = raw.recv(1 << 20)
                assert piece
                size += len(piece)
            raw.close()
        # Their places are free again.
        wait_until(lambda: _sockets(server) == 1, 20, "the end of both")
        assert one.refused("/v1/x")[0] == 404
    finally:
        for raw in busy:
            raw.close()


def test_a_header_without_end_is_refused(emulator):
    server = emulator("--no-demo")
    with _connect(server) as raw:
        try:
            raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: " + b"b" * 1000000)
        except OSError:
            pass
        assert _ends(raw)
    assert Client(server).refused("/v1/x")[0] == 404
