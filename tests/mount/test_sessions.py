"""Sessions that came from elsewhere: a refresh token in place of a password."""

import json
import os
import stat
import threading
import urllib.request

import pytest

from conftest import assert_no_secret, daemon_of, preload, succeed, wait_until
from odd_server import EMAIL, PASSWORD, PUBLISHABLE, Reply
from records import record_names, records

pytestmark = pytest.mark.threads

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = records(3)
    server.tables["authors"] = records(2)
    return server


def _sign_in(server):
    """As an app does it: a refresh token."""
    request = urllib.request.Request(
        server.url + "/v1/auth/email/signin", method="POST",
        data=json.dumps({"method": "password", "email": EMAIL, "password": PASSWORD}).encode(),
        headers={"X-API-Key": PUBLISHABLE, "Content-Type": "application/json"},
    )
    with _direct.open(request, timeout=20) as answer:
        body = json.load(answer)
    server.log.clear()
    return body.get("data", body)["refreshToken"]


def _env(work, token=None):
    return {
        "BKEND_EMAIL": None, "BKEND_PASSWORD": None, "BKEND_REFRESH_TOKEN": token,
        "XDG_STATE_HOME": str(work / "state"),
    }


def _refreshes(server):
    return server.count(lambda r: r.path.endswith("/refresh"))


def _unmount(path):
    succeed("fusermount3", "-u", path)
    wait_until(lambda: daemon_of(path) is None, 20, "the end of the daemon")


def _files(work):
    return [p for p in (work / "state/bkendfs").iterdir() if p.suffix != ".lock"]


def test_a_refresh_token_is_enough(project, mount, work):
    m = mount(project, env=_env(work, _sign_in(project)))
    assert sorted(os.listdir(m / "posts")) == record_names(3)
    assert _refreshes(project) == 1 and project.replays == 0
    assert not project.count(lambda r: r.path.endswith("/signin"))
    [file] = _files(work)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    # What came is written down, what was used is not.
    assert project.issued[-1] in file.read_text() and project.issued[1] not in file.read_text()
    assert_no_secret(m.log() + m.report(), project, "the log")


def test_the_pair_outlives_the_mount(project, start, work):
    """The first token is of no use any more; that it is still set does no harm."""
    env = _env(work, _sign_in(project))
    for _ in range(3):
        said = start(project, env=env)
        assert said.status == 0, said.errors
        assert sorted(os.listdir(said.path / "posts")) == record_names(3)
        _unmount(said.path)
    assert _refreshes(project) == 3 and project.replays == 0


def test_an_expired_token_is_refreshed(project, mount, work):
    m = mount(project, env=_env(work, _sign_in(project)))
    for number in range(3):
        project.expire_tokens()
        name = ("posts", "authors", "posts")[number]
        project.tables[name] = records(5 + number)
        os.kill(m.pid, 1)
        wait_until(lambda: len(os.listdir(m / name)) == 5 + number, 10, "the new listing")
    assert _refreshes(project) == 4 and project.replays == 0


def test_mounts_side_by_side_use_each_token_once(project, mount, work):
    """Whoever needs the next pair first gets it for both."""
    env = _env(work, _sign_in(project))
    mounts = [mount(project, env=env, cache=work / f"cache-{n}") for n in range(3)]
    before = _refreshes(project)
    pages, all_asked = [], threading.Event()

    def hook(request):
        token = request.headers.get("authorization", "")[7:]
        if request.path.startswith("/v1/data") and project.access.get(token) == 0:
            # A mount asks for its schema, too, in the same breath.
            if request.is_page("posts"):
                pages.append(request)
            if len(pages) == 3:
                all_asked.set()
            assert all_asked.wait(60)
            return project.no(401, "auth/access-token-expired")
        return None

    project.hooks.append(hook)
    project.expire_tokens()
    found = [None] * 3
    threads = [
        threading.Thread(
            target=lambda n=n: found.__setitem__(n, sorted(os.listdir(mounts[n] / "posts")))
        )
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [record_names(3)] * 3
    assert _refreshes(project) == before + 1
    assert project.replays == 0


def test_the_loop_waits_for_no_disk(project, mount, work):
    """What is written down is synced, by a thread that has nothing else to do."""
    syncers = work / "syncers"
    (work / "state").mkdir(mode=0o700)
    env = {
        **_env(work, _sign_in(project)), **preload(work, "disk"),
        "DISK_ROOT": str(work / "state"), "DISK_SYNCERS": str(syncers),
    }
    m = mount(project, env=env)
    assert sorted(os.listdir(m / "posts")) == record_names(3)
    project.expire_tokens()
    assert sorted(os.listdir(m / "authors")) == record_names(2)
    m.unmount()
    names = syncers.read_text().split()
    assert _refreshes(project) == 2
    # Taken and kept, each time: the file, and its name.
    assert names.count("tokens") == 8
    assert "http" not in names


def test_a_token_whose_answer_was_lost_is_not_sent_again(project, start, work):
    env = _env(work, _sign_in(project))
    lost = []

    def hook(request):
        if request.path.endswith("/refresh"):
            lost.append(json.loads(request.body)["refreshToken"])
            return Reply(502, b"")
        return None

    project.hooks.append(hook)
    said = start(project, "-o", "retry=0", env=env)
    assert said.status == 1
    project.hooks.clear()
    said = start(project, env=env)
    assert said.status == 1 and "its refresh token is used up" in said.message
    assert len(lost) == 1 and _refreshes(project) == 1
    # A new one of the same account starts over.
    said = start(project, env=_env(work, _sign_in(project)))
    assert said.status == 0, said.errors


def test_a_token_that_was_never_sent_is_kept(project, start, work):
    """Nobody has seen it: the second start still has it to try."""
    env = _env(work, _sign_in(project)) | {"BKEND_API_URL": "http://127.0.0.1:1"}
    for _ in range(2):
        said = start(project, "-o", "retry=0", env=env)
        assert said.status == 1 and "cannot reach" in said.message


def test_a_session_that_has_ended_says_so(project, start, work):
    token = _sign_in(project)
    project.end_sessions()
    env = _env(work, token)
    said = start(project, env=env)
    assert said.status == 1 and "has ended the session" in said.message
    assert token not in said.errors
    said = start(project, env=env)
    assert said.status == 1 and "used up" in said.message
    assert _refreshes(project) == 1


def test_a_command_is_run_when_no_token_is_kept(project, start, work):
    (work / "token").write_text(_sign_in(project) + "\n")
    config = work / "config/bkendfs/config"
    config.parent.mkdir(parents=True)
    config.write_text(
        f"[p]\nurl = {project.url}\npublishable_key_command = echo {PUBLISHABLE}\n"
        f"refresh_token_command = echo run >> {work}/runs; cat {work}/token\ntables = posts\n"
    )
    config.chmod(0o600)
    env = _env(work) | dict.fromkeys(("BKEND_API_URL", "BKEND_PUBLISHABLE_KEY", "BKEND_TABLES"))
    env["XDG_CONFIG_HOME"] = str(work / "config")
    for _ in range(2):
        said = start(project, "p", env=env)
        assert said.status == 0, said.errors
        assert sorted(os.listdir(said.path / "posts")) == record_names(3)
        _unmount(said.path)
    assert (work / "runs").read_text() == "run\n"
    # It has ended, and the command knows only the token that was used.
    project.end_sessions()
    assert start(project, "p", env=env).status == 1
    said = start(project, "p", env=env)
    assert said.status == 1 and "used up" in said.message
    (work / "token").write_text(_sign_in(project) + "\n")
    assert start(project, "p", env=env).status == 0
    assert project.replays == 0


def test_a_password_helps_where_the_session_has_ended(project, mount, work):
    env = _env(work, _sign_in(project)) | {"BKEND_EMAIL": EMAIL, "BKEND_PASSWORD": PASSWORD}
    m = mount(project, env=env)
    project.end_sessions()
    assert sorted(os.listdir(m / "posts")) == record_names(3)
    project.expire_tokens()
    assert sorted(os.listdir(m / "authors")) == record_names(2)
    assert project.count(lambda r: r.path.endswith("/signin")) == 1
    assert project.replays == 0


def test_a_place_for_tokens_that_is_not_ours_alone(project, start, work):
    place = work / "state/bkendfs"
    place.mkdir(parents=True)
    place.chmod(0o755)
    said = start(project, env=_env(work, _sign_in(project)))
    assert said.status == 1 and "no place for tokens" in said.message
    assert not project.log
