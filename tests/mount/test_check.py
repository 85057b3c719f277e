"""bkendfs --check: what a mount would show, and whether a backup of it would succeed."""

import os
import re
import signal
import subprocess
import threading

import pytest

from conftest import BKENDFS, daemon_of, environment, mounts_under, run, succeed, wait_until
from odd_server import EMAIL, PASSWORD, PUBLISHABLE, SECRET, Reply
from records import oid, records


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = records(3)
    server.put_file(oid(1), "f", b"content")
    return server


def _settings(project, work, env=None):
    settings = environment(work, project.env())
    settings["BKENDFS_CACHE_DIR"] = str(work / "check-cache")
    settings["BKEND_TABLES"] = "posts"
    settings.update(env or {})
    return {k: v for k, v in settings.items() if v is not None}


@pytest.fixture
def check(work):
    """Run bkendfs --check: (status, report, errors)."""

    def command(project, *options, env=None):
        done = run(BKENDFS, "--check", *options, env=_settings(project, work, env), timeout=40)
        report, errors = done.stdout.decode(), done.stderr.decode()
        for secret in (PASSWORD, PUBLISHABLE, SECRET):
            assert secret not in report + errors
        return done.returncode, report, errors

    return command


def test_a_project_that_a_backup_would_have_whole(project, check, work):
    status, report, errors = check(project)
    assert status == 0 and errors == ""
    assert re.search(rf"^server: +{re.escape(project.url)}$", report, re.M)
    assert re.search(r"^  posts +3 records, named", report, re.M)
    assert re.search(r"^files: +1 file, 7 bytes$", report, re.M)
    assert report.endswith("A full backup would succeed.\n")
    assert not mounts_under(work)


def test_it_says_who_we_are(project, check):
    project.hooks.append(
        lambda r: project.ok(b'{"id":"u1","email":"' + EMAIL.encode() + b'","role":"admin"}')
        if r.path == "/v1/auth/me" else None
    )
    assert re.search(rf"^account: +{EMAIL}, role admin$", check(project)[1], re.M)
    none = {"BKEND_EMAIL": None, "BKEND_PASSWORD": None, "BKEND_PUBLISHABLE_KEY": None}
    report = check(project, env=none | {"BKEND_SECRET_KEY": SECRET})[1]
    assert re.search(r"^account: +none: a secret key", report, re.M)


def test_what_a_backup_costs_is_what_it_takes(emulator, mount, work):
    server = emulator("--no-demo", "--generate", "a=350:300", "--generate", "b=20:100",
                      "--generate-files", "30:2000")
    env = _settings(server, work, {"BKEND_TABLES": "a:b"})
    done = run(BKENDFS, "--check", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    line = re.search(rb"about (\d+) requests and (\d+) downloads, ([0-9.]+) KB", done.stdout)
    before = server.stats()
    m = mount(server, env={"BKEND_TABLES": "a:b"})
    succeed("cp", "-r", m.path, work / "copy")
    after = server.stats()
    taken = {key: after[key] - before[key] for key in after if isinstance(after[key], int)}
    copied = sum(f.stat().st_size for f in (work / "copy").rglob("*") if f.is_file())
    assert int(line[2]) == 30
    assert taken["api"] - 2 <= int(line[1]) <= taken["api"] + 2, taken
    assert 0.7 * copied < float(line[3]) * 1000 < 1.3 * copied


def _refuse(project, pattern, status=403, code="data/permission-denied"):
    project.hooks.append(
        lambda r: project.no(status, code) if re.search(pattern, r.path) else None
    )


def test_a_table_that_may_not_be_listed(project, check):
    project.tables["secret"] = records(1)
    _refuse(project, "/v1/data/secret$")
    status, report, _ = check(project, env={"BKEND_TABLES": "posts:secret"})
    assert status == 1
    assert re.search(r"^  secret +may not be listed: .*\(data/permission-denied, 403\)", report, re.M)
    assert re.search(r"^  posts +3 records", report, re.M)
    assert report.endswith("A full backup would fail, or miss something: see above.\n")


def test_a_table_that_is_not_there(project, check):
    status, report, _ = check(project, env={"BKEND_TABLES": "posts:nosuch"})
    assert status == 1
    assert re.search(r"^  nosuch +is not there", report, re.M)


@pytest.mark.parametrize("place", ["", "/elsewhere"])
def test_where_nothing_is_there_the_url_is_doubted(project, check, place):
    secret = {"BKEND_API_URL": project.url + place, "BKEND_SECRET_KEY": SECRET, "BKEND_EMAIL": None}
    status, report, _ = check(project, env=secret | {"BKEND_TABLES": "nosuch"})
    assert status == 1
    assert ("check whether the URL is that of a bkend API" in report) == bool(place)


def test_a_spec_that_is_refused_is_told_but_is_no_hole(project, check):
    _refuse(project, "/spec$")
    status, report, _ = check(project)
    assert status == 0
    assert re.search(r"^  posts .*; no \.spec\.json: .*, 403\)$", report, re.M)


@pytest.mark.parametrize("reply,words", [
    (Reply(500, b'{"error":{"code":"INTERNAL","message":"Oh"}}'), r"Oh \(INTERNAL, 500\)"),
    (Reply(200, b"<html>sign in</html>"), r".*\(200\)"),
])
def test_a_spec_that_fails_is_a_hole(project, check, reply, words):
    project.hooks.append(lambda r: reply if r.path.endswith("/spec") else None)
    status, report, _ = check(project, "-o", "retry=1")
    assert status == 1
    assert re.search(rf"^  posts .*; \.spec\.json fails: {words}$", report, re.M), report
    assert report.endswith("A full backup would fail, or miss something: see above.\n")


@pytest.mark.parametrize("spec,words", [
    (b'{"permissions":{"user":{},"rowFilters":{"user":{"a":1}}}}', "named; its row filters may hide records.*"),
    (b'{"permissions":{},"columnPermissions":[{"a":{"user":false}}]}', "named; its column permissions may leave fields out"),
    (b'{"permissions":{"rowFilters":{},"columnPermissions":null}}', "named"),
])
def test_rules_that_leave_something_out_in_silence_are_told(project, check, spec, words):
    project.hooks.append(lambda r: project.ok(spec) if r.path.endswith("/spec") else None)
    status, report, _ = check(project)
    assert status == 0
    assert re.search(rf"^  posts +3 records, {words}$", report, re.M), report


def test_files_that_may_not_be_listed(project, check):
    _refuse(project, "^/v1/files$", 403, "file/access-denied")
    status, report, _ = check(project)
    assert status == 1
    assert re.search(r"^files: +may not be listed: .*\(file/access-denied, 403\)$", report, re.M)


def test_files_that_may_not_be_downloaded(project, check):
    _refuse(project, "/download-url$", 403, "file/access-denied")
    status, report, _ = check(project)
    assert status == 1
    assert re.search(r"listed, but not downloaded: .*\(file/access-denied, 403\)$", report, re.M)


@pytest.mark.wire("a check of the server itself")
def test_a_table_that_only_this_machine_knows_of(project, check, start, work):
    """Found by use once: another machine's backup would not have it."""
    project.tables["orders"] = records(2)
    env = {"BKENDFS_CACHE_DIR": str(work / "check-cache"), "BKEND_TABLES": "posts"}
    said = start(project, env=env)
    assert said.status == 0 and len(os.listdir(said.path / "orders")) == 2
    # While it is mounted, that cannot be looked at, and is not passed over in silence.
    status, report, errors = check(project)
    assert status == 0 and "orders" not in report and "is mounted" in errors
    succeed("fusermount3", "-u", said.path)
    wait_until(lambda: daemon_of(said.path) is None, 20, "the end of the daemon")
    status, report, _ = check(project)
    assert status == 0
    assert re.search(r"^  orders +2 records, found by use: not named in the settings", report, re.M)


def test_no_table_at_all(project, check):
    status, report, _ = check(project, env={"BKEND_TABLES": None})
    assert status == 1 and re.search(r"^tables: +none is known$", report, re.M)


def test_a_quota_is_told(project, check):
    project.hooks.append(
        lambda r: project.no(403, "data/permission-denied", **{"X-RateLimit-Remaining": "57"})
        if r.path.endswith("/spec") else None
    )
    assert re.search(r"^quota: +57 more requests", check(project)[1], re.M)


def test_a_server_that_does_not_let_us_in(project, check):
    status, report, errors = check(project, env={"BKEND_PASSWORD": "wrong"})
    assert status == 1 and report == ""
    assert re.fullmatch(r"bkendfs: .* refuses to sign in .*\n", errors)


def test_a_servers_words_do_nothing(project, check):
    evil = "\x1b[31mred\x07\x9b"
    _refuse(project, "/v1/data/posts$", 403, evil)
    project.hooks.append(
        lambda r: project.ok(b'{"id":"u1","email":"\\u001b[31mred@x"}')
        if r.path == "/v1/auth/me" else None
    )
    report = check(project)[1]
    assert report.count("red") == 2 and "\\x1b" in report
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", report)


def test_wrong_usage(project, check):
    status, report, errors = check(project, "one", "two")
    assert (status, report) == (2, "") and "too many arguments" in errors
    status, report, errors = check(project, "-o", "offline")
    assert (status, report) == (2, "") and "offline" in errors
    assert not project.log


def test_a_signal_ends_it(project, work, watched):
    release = threading.Event()
    project.hooks.append(lambda r: Reply(hold=release) if r.path == "/v1/data/posts" else None)
    process = subprocess.Popen(
        [str(BKENDFS), "--check"], env=_settings(project, work), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )
    watched.pids.add(process.pid)
    try:
        wait_until(lambda: project.count(lambda r: r.path == "/v1/data/posts"), what="the question")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 1
        assert b"ended by a signal" in process.stderr.read()
    finally:
        release.set()
        process.kill()
        process.wait()
        process.stderr.close()
        watched.pids.discard(process.pid)
