"""Sign-in, renewal, and what must never be told."""

import errno
import json
import os
import re
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from conftest import assert_no_secret, run, succeed, wait_until
from jsontext import pretty
from odd_server import EMAIL, PASSWORD, PUBLISHABLE, SECRET, Reply
from records import fails, oid, read, record, record_names, records
from truth import assert_same, on_disk, tree


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = records(30)
    server.put_file(oid(1), "f", b"content")
    return server


def _sign_ins(server):
    return server.count(lambda r: r.path.endswith("/signin"))


def _refreshes(server):
    return server.count(lambda r: r.path.endswith("/refresh"))


def test_sign_in_says_what_the_service_wants_to_hear(project, mount):
    mount(project)
    [request] = project.log
    assert request.method == "POST"
    assert request.headers["content-type"].split(";")[0] == "application/json"
    assert request.headers["x-api-key"] == PUBLISHABLE
    assert "authorization" not in request.headers
    assert json.loads(request.body) == {
        "method": "password", "email": EMAIL, "password": PASSWORD,
    }


def test_requests_carry_the_key_and_the_token(project, mount):
    m = mount(project)
    os.listdir(m / "posts")
    token = project.issued[0]
    for request in project.log[1:]:
        assert request.headers["x-api-key"] == PUBLISHABLE
        assert request.headers["authorization"] == "Bearer " + token


def test_an_mfa_code_is_sent(project, mount):
    project.mfa = "123456"
    m = mount(project, env={"BKEND_MFA_CODE": "123456"})
    assert sorted(os.listdir(m / "posts")) == record_names(30)


def test_a_secret_key_alone_needs_no_sign_in(project, mount):
    env = {
        "BKEND_PUBLISHABLE_KEY": None, "BKEND_SECRET_KEY": SECRET,
        "BKEND_EMAIL": None, "BKEND_PASSWORD": None,
    }
    m = mount(project, env=env)
    assert sorted(os.listdir(m / "posts")) == record_names(30)
    assert read(m / f"storage/{oid(1)}_f") == b"content"
    assert _sign_ins(project) == 0
    for request in project.log:
        assert request.headers["x-api-key"] == SECRET
        assert "authorization" not in request.headers


def test_a_publishable_key_alone_is_a_guest(project, mount):
    project.tokens = False
    project.hooks.append(
        lambda r: project.no(401, "auth/unauthorized")
        if r.path.startswith("/v1/files") else None
    )
    m = mount(project, env={"BKEND_EMAIL": None, "BKEND_PASSWORD": None})
    assert sorted(os.listdir(m / "posts")) == record_names(30)
    with fails(errno.EACCES):
        os.listdir(m / "storage")
    assert not project.count(lambda r: "/auth/" in r.path)
    assert not project.count(lambda r: "authorization" in r.headers)


@pytest.mark.parametrize("code", ["auth/access-token-expired", "TOKEN_EXPIRED", "auth/unauthorized"])
def test_an_expired_token_is_renewed(project, mount, code):
    refused = []

    def hook(request):
        token = request.headers.get("authorization", "")[7:]
        if token and project.access[token] == 0:
            refused.append(request)
            return project.no(401, code)
        return None

    project.hooks.append(hook)
    m = mount(project)
    project.expire_tokens()
    assert sorted(os.listdir(m / "posts")) == record_names(30)
    assert refused
    assert (_sign_ins(project), _refreshes(project)) == (1, 1)
    assert b"401" not in m.report("errors")


def test_one_refresh_serves_all_who_were_refused_at_once(project, mount):
    together = threading.Barrier(16)
    for number in range(16):
        project.tables[f"t{number}"] = [record(number)]

    def hook(request):
        if not re.fullmatch(r"/v1/data/t\d+/[0-9a-f]{24}", request.path):
            return None
        token = request.headers["authorization"][7:]
        if project.access[token] == 0:
            together.wait(15)
            return project.no(401, "auth/access-token-expired")
        return None

    project.hooks.append(hook)
    m = mount(project, "-o", "connections=16")
    project.expire_tokens()
    readers = [
        subprocess.Popen(
            ["cat", str(m / f"t{number}/{oid(number)}.json")], stdout=subprocess.PIPE
        )
        for number in range(16)
    ]
    for number, reader in enumerate(readers):
        assert reader.communicate(timeout=30)[0] == pretty(record(number))
    assert (_sign_ins(project), _refreshes(project), project.replays) == (1, 1, 0)


def test_a_late_401_for_the_old_token_renews_nothing_again(project, mount):
    """A request that was sent with the old token is refused after the renewal."""
    slow = threading.Event()
    project.tables["other"] = records(3)

    def hook(request):
        token = request.headers.get("authorization", "")[7:]
        if request.path.endswith(oid(1)) and project.access.get(token) == 0:
            slow.wait(10)
            return project.no(401, "auth/access-token-expired")
        return None

    project.hooks.append(hook)
    m = mount(project)
    project.expire_tokens()
    late = subprocess.Popen(
        ["cat", str(m / f"posts/{oid(1)}.json")], stdout=subprocess.PIPE
    )
    wait_until(lambda: project.count(lambda r: r.path.endswith(oid(1))))
    assert read(m / f"other/{oid(2)}.json") == pretty(record(2))
    slow.set()
    assert late.communicate(timeout=20)[0] == pretty(record(1))
    assert (_sign_ins(project), _refreshes(project)) == (1, 1)


def test_where_the_session_is_over_it_signs_in_again(project, mount):
    m = mount(project)
    project.end_sessions()
    assert sorted(os.listdir(m / "posts")) == record_names(30)
    assert _sign_ins(project) == 2


def test_a_refresh_whose_answer_was_lost_is_not_sent_again(project, mount):
    def hook(request):
        if request.path.endswith("/refresh"):
            with project.lock:
                project.reply(request)
            return Reply(reset=True)
        return None

    project.hooks.append(hook)
    m = mount(project)
    project.expire_tokens()
    assert sorted(os.listdir(m / "posts")) == record_names(30)
    assert project.replays == 0
    assert (_sign_ins(project), _refreshes(project)) == (2, 1)


@pytest.mark.parametrize(
    "answer",
    [
        b'{"accessToken":"only-one-of-the-two"}',
        b'{"refreshToken":"only-one-of-the-two"}',
        b'{"accessToken":12,"refreshToken":[]}',
        b'{"success":true,"data":null}',
        b"<html>",
        b"",
    ],
)
def test_half_a_pair_is_not_adopted(project, mount, answer):
    def hook(request):
        if request.path.endswith("/refresh"):
            with project.lock:
                project.reply(request)
            return Reply(body=answer)
        return None

    project.hooks.append(hook)
    m = mount(project)
    project.expire_tokens()
    assert sorted(os.listdir(m / "posts")) == record_names(30)
    assert project.replays == 0
    assert not project.count(
        lambda r: "only-one" in r.headers.get("authorization", "") + repr(r.body)
    )


def test_a_refusal_that_renewal_does_not_mend_is_permission_denied(project, mount):
    project.hooks.append(
        lambda r: project.no(401, "auth/unauthorized", "go away")
        if r.path.startswith("/v1/data") else None
    )
    m = mount(project, "-o", "retry=1")
    with fails(errno.EACCES):
        os.listdir(m / "posts")
    with fails(errno.EACCES):
        read(m / f"posts/{oid(1)}.json")
    assert b"401" in m.report("errors") and b"go away" in m.report("errors")
    assert _sign_ins(project) + _refreshes(project) < 12


def _refuses(server, *paths):
    """Let the server refuse whatever begins so, with whatever token."""

    def hook(request):
        if request.path.startswith(paths):
            return server.no(401, "auth/unauthorized", "go away")
        if request.path == "/v1/auth/me":
            return server.refusal(request) or server.ok(b'{"id":"u1"}')
        return None

    server.hooks.append(hook)


def test_a_server_that_refuses_each_token_is_not_signed_in_to_each_time(project, mount):
    """Five times in fifteen minutes lock the account."""
    project.tables["other"] = records(3)
    _refuses(project, "/v1/data", "/v1/files", "/v1/auth/me")
    m = mount(project)
    for _ in range(20):
        for path in ("posts", "other", "storage", f"posts/{oid(1)}.json"):
            with fails(errno.EACCES):
                read(m / path) if path.endswith(".json") else os.listdir(m / path)
    assert _sign_ins(project) <= 2
    assert _refreshes(project) <= 2
    assert b"go away" in m.report("errors")
    # Once it has come to its senses, all is well with what there is.
    project.hooks.clear()
    assert sorted(os.listdir(m / "posts")) == record_names(30)
    assert _sign_ins(project) <= 2


def test_one_table_that_refuses_each_token_costs_no_sign_in(project, mount):
    project.tables["bad"] = records(3)
    _refuses(project, "/v1/data/bad")
    m = mount(project, "-o", "ttl=0")
    for number in range(15):
        assert sorted(os.listdir(m / "posts")) == record_names(30)
        with fails(errno.EACCES):
            os.listdir(m / "bad")
        if number % 5 == 4:
            project.expire_tokens()
    assert sorted(os.listdir(m / "posts")) == record_names(30)
    assert _sign_ins(project) == 1
    assert _refreshes(project) <= 5
    assert project.replays == 0


def test_a_password_that_was_changed_meanwhile_is_permission_denied(project, mount):
    m = mount(project, "-o", "retry=1")
    project.hooks.append(
        lambda r: project.no(401, "auth/invalid-credentials")
        if r.path.endswith("/signin") else None
    )
    project.end_sessions()
    with fails(errno.EACCES):
        os.listdir(m / "posts")
    assert _sign_ins(project) < 5


def test_a_token_of_two_seconds_lasts_for_a_whole_copy(emulator, mount, work):
    server = emulator(
        "--no-demo", "--generate", "t=700:200", "--generate-files", "60:3000",
        "--token-ttl", "2", "--latency", "120", "--storage-latency", "20",
    )
    m = mount(server, "-o", "connections=2")
    succeed("cp", "-r", m.path, work / "copy")
    stats = server.stats()
    assert stats["signin"] == 1
    assert stats["refresh"] >= 1
    assert "Permission" not in m.log().decode(errors="replace")
    server.set(latency=0, storage_latency=0, token_ttl=3600)
    assert_same(on_disk(work / "copy"), tree(server))


def test_a_token_is_renewed_ahead_of_its_end(odd, mount):
    """With the server's own word for its life, no request need be refused."""
    server = odd(token_ttl=2)
    server.tables["t"] = records(400)

    def slow(request):
        if request.is_page() or "/v1/data/t/" in request.path:
            time.sleep(0.25)

    server.hooks.append(slow)
    m = mount(server, "-o", "connections=1")
    for number in range(11):
        assert read(m / f"t/{oid(number)}.json") == pretty(record(number))
    assert _refreshes(server) >= 1
    assert _sign_ins(server) == 1
    assert server.count(lambda r: r.status == 401) <= 1


def test_a_session_that_ends_in_mid_copy_does_not_end_the_copy(emulator, mount, work):
    server = emulator("--no-demo", "--generate", "t=900:200", "--latency", "60")
    m = mount(server, "-o", "connections=2")
    copy = subprocess.Popen(["cp", "-r", str(m / "t"), str(work / "copy")])
    for what in ("tokens", "sessions"):
        time.sleep(0.25)
        server.expire(what)
    assert copy.wait(60) == 0
    server.set(latency=0)
    assert len([n for n in os.listdir(work / "copy") if n != ".spec.json"]) == 900


# What must never be told ---------------------------------------------------


def test_no_secret_stands_anywhere(odd, mount, work):
    """After many things went wrong, with the log as talkative as it gets."""
    server = odd()
    server.tables["posts"] = records(120)
    for number in range(4):
        server.put_file(oid(number), "f", b"content" * 100)
    log = work / "own.log"
    cache = work / "cache"
    m = mount(
        server, "-o", "retry=1", "-o", "log_level=debug", "-o", f"log={log}", cache=cache
    )
    os.listdir(m / "posts")
    read(m / f"storage/{oid(0)}_f")
    server.storage.hooks.append(lambda r: Reply(500, b"<Error/>"))
    run("cat", m / f"storage/{oid(1)}_f")
    server.storage.hooks[:] = [lambda r: Reply(302, b"", {"Location": "ftp://x/?X-Amz-Signature=q"})]
    run("cat", m / f"storage/{oid(2)}_f")
    server.storage.stop()
    run("cat", m / f"storage/{oid(3)}_f")
    server.expire_tokens()
    run("ls", m / "nosuch")
    server.end_sessions()
    # A server that repeats what it was told, in every field that it has.
    server.hooks.append(
        lambda r: server.no(
            403, "x/" + r.headers["x-api-key"],
            "you said " + repr(r.headers) + r.target + r.body.decode(),
        )
        if r.path.startswith("/v1/data/echo") else None
    )
    run("ls", m / "echo")
    time.sleep(0.2)
    told = {"the log": log.read_bytes() + m.log()}
    for path in (m.path / ".bkendfs").rglob("*"):
        if path.is_file():
            told[path.name] = path.read_bytes()
    told["the process list"] = Path(f"/proc/{m.pid}/cmdline").read_bytes()
    assert len(told["the log"]) > 100
    assert len(told["errors"].splitlines()) >= 3
    for where, text in told.items():
        assert_no_secret(text, server, where)
    m.unmount()
    for path in cache.rglob("*"):
        if path.is_file():
            for secret in (PASSWORD, PUBLISHABLE, *server.issued):
                assert secret.encode() not in path.read_bytes(), path


def test_replica_and_log_are_for_their_owner_alone(project, mount, work):
    os.umask(0o022)
    m = mount(project, "-o", f"log={work / 'own.log'}")
    os.listdir(m / "posts")
    found = [m.cache, *m.cache.rglob("*"), work / "own.log"]
    assert len(found) > 1
    for path in found:
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), (path, oct(mode))


def test_the_name_of_the_replica_tells_nothing(project, mount):
    m = mount(project)
    os.listdir(m / "posts")
    names = " ".join(str(path) for path in m.cache.rglob("*"))
    for told in (PUBLISHABLE[3:20], EMAIL, PASSWORD):
        assert told not in names


def test_accounts_do_not_share_a_replica(project, mount, work):
    first = mount(project, cache=work / "cache")
    assert len(os.listdir(first / "posts")) == 30
    first.unmount()
    del project.tables["posts"][5:]
    env = {
        "BKEND_PUBLISHABLE_KEY": None, "BKEND_SECRET_KEY": SECRET,
        "BKEND_EMAIL": None, "BKEND_PASSWORD": None,
    }
    other = mount(project, env=env, cache=work / "cache")
    assert sorted(os.listdir(other / "posts")) == record_names(5)


@pytest.mark.parametrize("option", ["password", "secret_key", "publishable_key", "mfa_code"])
def test_a_secret_is_not_taken_from_the_command_line(project, start, option):
    said = start(project, "-o", f"{option}=hunter2hunter2")
    assert said.status == 2
    assert option in said.message
