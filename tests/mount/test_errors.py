"""Every failure has its errno, and its line in .bkendfs/errors."""

import errno
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from conftest import succeed, wait_until, wait_until_it_waits
from jsontext import pretty
from odd_server import Reply
from records import fails, oid, read, record, record_names, records


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = records(5)
    return server


PATH = f"/v1/data/posts/{oid(1)}"
NAME = f"posts/{oid(1)}.json"


def _answer(server, make, count=10**9, path="/v1/data/posts"):
    """The next requests below a path get another answer; the list of them."""
    seen = []

    def hook(request):
        if request.path.startswith(path) and len(seen) < count:
            seen.append(request)
            return make()
        return None

    server.hooks.append(hook)
    return seen


def test_not_found(project, mount):
    m = mount(project)
    with fails(errno.ENOENT):
        os.stat(m / f"posts/{oid(9)}.json")


@pytest.mark.parametrize(
    "code",
    ["data/permission-denied", "data/system-table-access", "data/scope-insufficient",
     "data/project-access-denied", "PERMISSION_DENIED"],
)
def test_refused(project, mount, code):
    _answer(project, lambda: project.no(403, code, "Not yours"))
    m = mount(project)
    with fails(errno.EACCES):
        read(m / NAME)
    with fails(errno.EACCES):
        os.listdir(m / "posts")
    report = m.report("errors").decode()
    assert code in report and "Not yours" in report


def test_a_refused_table_that_is_named_is_shown(project, mount):
    _answer(project, lambda: project.no(403, "data/scope-insufficient", "Not yours"))
    m = mount(project)
    assert "posts" in os.listdir(m.path)
    assert os.path.isdir(m / "posts")
    with fails(errno.EACCES):
        os.listdir(m / "posts")
    assert "posts" in os.listdir(m.path)


@pytest.mark.parametrize(
    "status, code, wanted",
    [(404, "data/table-not-found", errno.ENOENT),
     (403, "data/scope-insufficient", errno.EACCES)],
)
def test_a_name_that_is_no_table_costs_one_request(project, mount, status, code, wanted):
    seen = _answer(
        project, lambda: project.no(status, code, "No"), path="/v1/data/orders"
    )
    m = mount(project)
    before = os.listdir(m.path)
    for _ in range(3):
        with fails(wanted):
            os.listdir(m / "orders")
    assert len(seen) == 1
    assert os.listdir(m.path) == before


def test_an_environment_that_does_not_exist_is_not_found(project, mount):
    _answer(project, lambda: project.no(404, "data/environment-not-found", "No such"))
    m = mount(project)
    with fails(errno.ENOENT):
        os.listdir(m / "posts")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_that_passes_is_waited_out(project, mount, status):
    seen = _answer(project, lambda: Reply(status, b"oops"), count=2)
    m = mount(project)
    assert read(m / NAME) == pretty(record(1))
    assert len(seen) == 2
    assert 3 == project.count(lambda r: r.path == PATH)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Reply(500, b"oops"),
        lambda: Reply(503, b""),
        lambda: Reply(reset=True),
        lambda: Reply(body=b'{"id":"x' * 100, cut=50),
    ],
    ids=["500", "503", "reset", "cut"],
)
def test_a_server_error_that_stays_is_an_io_error_after_the_patience(project, mount, make):
    m = mount(project, "-o", "retry=2")
    seen = _answer(project, make)
    began = time.monotonic()
    with fails(errno.EIO):
        read(m / NAME)
    assert 0.5 < time.monotonic() - began < 10
    assert 2 <= len(seen) <= 40
    times = [request.at for request in seen]
    pauses = [b - a for a, b in zip(times, times[1:])]
    # A kept connection that was reset is replaced at once, each one once: the
    # mount and the sign-in have left two at most. From then on it pauses.
    while pauses[0] < 0.02 and len(pauses) > len(times) - 3:
        pauses.pop(0)
    # The last pause is what is left of the patience, be that next to nothing.
    assert max(pauses) > 0.1 and min(pauses[:-1], default=1) > 0.02, pauses
    project.hooks.clear()
    assert read(m / NAME) == pretty(record(1))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>maintenance</html>", b"", b"null", b"[]", b'"text"', b"{", b'{"id":"a"',
        b'{"success":true,"data":null}', b'{"success":true,"data":[]}',
        b'{"id":"%s"}trailing' % oid(1).encode(), b'{"id":"%s",}' % oid(1).encode(),
        b'{"id":"another"}', b'{"title":"no id"}', b"\0\0\0\0",
    ],
)
def test_a_record_that_is_not_one_is_a_protocol_error(project, mount, body):
    _answer(project, lambda: Reply(body=body))
    m = mount(project, "-o", "retry=1")
    with fails(errno.EPROTO):
        read(m / NAME)
    assert b"posts" in m.report("errors")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>maintenance</html>", b"null", b"[]", b"{}", b'{"items":false}',
        b'{"items":"x","pagination":{"total":0}}', b'{"items":{}}',
        b'{"items":[1],"pagination":{"total":1}}',
        b'{"items":[[]],"pagination":{"total":1}}',
        b'{"items":[{"title":"no id"}],"pagination":{"total":1}}',
        b'{"items":[{"id":"a",}],"pagination":{"total":1}}',
        b'{"items":[{"id":"a"}],"pagination":{"total":1}',
        b'{"items":[{"id":"a"}{"id":"b"}],"pagination":{"total":2}}',
    ],
)
def test_a_listing_that_is_not_one_is_a_protocol_error(project, mount, body):
    _answer(project, lambda: Reply(body=body))
    m = mount(project, "-o", "retry=1")
    with fails(errno.EPROTO):
        os.listdir(m / "posts")


def test_a_redirect_is_not_what_the_api_promises(project, mount):
    leads = {"Location": "https://elsewhere.invalid/v1/" + "x" * 90 + "?token=" + "y" * 2000}
    _answer(project, lambda: Reply(302, b"", leads))
    m = mount(project, "-o", "retry=1")
    with fails(errno.EPROTO):
        read(m / NAME)
    report = m.report("errors").decode()
    assert "it redirects to https://elsewhere.invalid/v1/x" in report
    assert "token" not in report


@pytest.mark.parametrize("status", [400, 405, 418, 422])
def test_a_status_that_nobody_promised_is_an_error_at_once(project, mount, status):
    seen = _answer(project, lambda: project.no(status, "odd", "odd indeed"))
    m = mount(project)
    with fails(errno.EPROTO, errno.EIO, errno.EINVAL):
        read(m / NAME)
    assert len(seen) <= 2


# Rate limits ---------------------------------------------------------------


def test_a_rate_limit_is_waited_out_as_told(project, mount):
    seen = _answer(
        project,
        lambda: project.no(429, "data/rate-limit-exceeded", **{"Retry-After": "1"}),
        count=1,
    )
    m = mount(project, "-o", "retry=0")
    began = time.monotonic()
    assert read(m / NAME) == pretty(record(1))
    assert 0.9 < time.monotonic() - began < 5
    assert len(seen) == 1


def _interrupted(mount, command, ready):
    """How long a command lives after Ctrl-C."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(ready)
        wait_until_it_waits(process, mount.pid)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        process.wait(20)
        return time.monotonic() - began
    finally:
        process.kill()
        process.wait()


@pytest.mark.alone
@pytest.mark.parametrize("what", [NAME, "posts"])
def test_ctrl_c_ends_the_wait_for_a_rate_limit_at_once(project, mount, what):
    seen = _answer(
        project, lambda: project.no(429, "data/rate-limit-exceeded", **{"Retry-After": "3600"})
    )
    m = mount(project, "-o", "retry=1")
    command = ["cat" if what == NAME else "ls", str(m / what)]
    assert _interrupted(m, command, lambda: seen) < 1
    assert len(seen) <= 2
    began = time.monotonic()
    os.statvfs(m.path)
    assert m.report("status")
    assert time.monotonic() - began < 1


@pytest.mark.alone
def test_ctrl_c_ends_retries_at_once(project, mount):
    seen = _answer(project, lambda: Reply(500, b""))
    m = mount(project)
    assert _interrupted(m, ["cat", str(m / NAME)], lambda: seen) < 1


@pytest.mark.alone
def test_ctrl_c_ends_the_wait_for_an_answer_at_once(project, mount):
    let_go = threading.Event()
    seen = _answer(project, lambda: Reply(500, hold=let_go))
    m = mount(project)
    assert _interrupted(m, ["cat", str(m / NAME)], lambda: seen) < 1
    assert _interrupted(m, ["ls", str(m / "posts")], lambda: len(seen) > 1) < 1
    let_go.set()
    project.hooks.clear()
    assert read(m / NAME) == pretty(record(1))


@pytest.mark.alone
def test_one_who_gives_up_does_not_take_the_others_along(project, mount):
    let_go = threading.Event()

    def hook(request):
        if request.is_page("posts"):
            let_go.wait(20)

    project.hooks.append(hook)
    m = mount(project)

    def asked():
        return project.count(lambda r: r.is_page("posts"))

    stays = subprocess.Popen(["ls", str(m / "posts")], stdout=subprocess.PIPE)
    wait_until(asked)
    assert _interrupted(m, ["ls", str(m / "posts")], asked) < 1
    let_go.set()
    assert stays.communicate(timeout=20)[0].decode().split() == record_names(5)
    assert stays.returncode == 0
    assert asked() == 1


def test_a_record_that_hangs_does_not_hold_up_its_neighbours(project, mount):
    let_go = threading.Event()

    def hook(request):
        if request.path == PATH:
            let_go.wait(20)

    project.hooks.append(hook)
    m = mount(project)
    hangs = subprocess.Popen(["cat", str(m / NAME)], stdout=subprocess.PIPE)
    wait_until(lambda: project.count(lambda r: r.path == PATH))
    try:
        began = time.monotonic()
        assert succeed("cat", m / f"posts/{oid(2)}.json") == pretty(record(2))
        assert sorted(os.listdir(m / "posts")) == record_names(5)
        assert time.monotonic() - began < 5
    finally:
        let_go.set()
    assert hangs.communicate(timeout=20)[0] == pretty(record(1))


# No connection -------------------------------------------------------------


@pytest.mark.wire("nothing listens any more")
def test_a_server_that_is_gone_is_unreachable_after_the_patience(project, mount):
    m = mount(project, "-o", "retry=1")
    assert sorted(os.listdir(m / "posts")) == record_names(5)
    project.tables["other"] = []
    project.stop()
    began = time.monotonic()
    with fails(errno.ENETUNREACH, errno.ETIMEDOUT):
        os.listdir(m / "other")
    assert time.monotonic() - began < 10
    assert sorted(os.listdir(m / "posts")) == record_names(5)
    assert b"other" in m.report("errors")


def test_an_emulator_that_is_gone_and_comes_back_is_found_again(emulator, mount):
    server = emulator()
    port = server.url.rsplit(":", 1)[1]
    table = server.tables[0]
    m = mount(server, "-o", "retry=20")
    server.stop()
    lister = subprocess.Popen(["ls", str(m / table)], stdout=subprocess.PIPE)
    time.sleep(0.5)
    again = emulator("--listen", f"127.0.0.1:{port}")
    out, _ = lister.communicate(timeout=30)
    assert lister.returncode == 0 and out
    assert again.stats()["pages"] >= 1


def test_a_port_that_answers_nothing_is_an_error_that_can_be_interrupted(odd, mount):
    """The kernel takes the connection; nobody ever answers on it."""
    server = odd()
    server.tables["t"] = records(1)
    m = mount(server, "-o", "retry=1")
    port = server.port
    server.stop()
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deaf.bind(("127.0.0.1", port))
    deaf.listen(64)
    try:
        assert _interrupted(m, ["ls", str(m / "t")], lambda: True) < 1
    finally:
        deaf.close()


# The report ----------------------------------------------------------------


def test_the_report_says_when_what_and_why(project, mount):
    _answer(project, lambda: project.no(403, "data/permission-denied", "Ask your admin"))
    m = mount(project)
    assert m.report("errors") == b""
    before = time.time()
    with fails(errno.EACCES):
        read(m / NAME)
    lines = m.report("errors").decode().splitlines()
    assert len(lines) == 1
    [line] = lines
    assert NAME in line
    assert f"GET {PATH}" in line
    assert "403" in line
    assert "data/permission-denied" in line and "Ask your admin" in line
    stamp = re.search(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", line)
    assert stamp
    days = (time.strftime("%Y-%m-%d", time.gmtime(at)) for at in (before, time.time()))
    local = (time.strftime("%Y-%m-%d", time.localtime(at)) for at in (before, time.time()))
    assert stamp[0][:10] in {*days, *local}


def test_the_report_keeps_the_last_hundred(project, mount):
    _answer(project, lambda: project.no(403, "data/permission-denied"))
    m = mount(project)
    for number in range(130):
        with fails(errno.EACCES):
            os.stat(m / f"posts/{oid(1000 + number)}.json")
    lines = m.report("errors").decode().splitlines()
    assert len(lines) == 100
    text = "\n".join(lines)
    assert oid(1129) in text and oid(1030) in text and oid(1029) not in text


def test_the_reports_can_be_read_with_cat(project, mount):
    _answer(project, lambda: project.no(403, "data/permission-denied"))
    m = mount(project)
    with fails(errno.EACCES):
        os.listdir(m / "posts")
    for name in ("errors", "status"):
        assert succeed("cat", m / ".bkendfs" / name)


def test_the_status_tells_the_truth(project, mount):
    m = mount(project)
    assert m.server.url.encode() in m.report("status")
    before = m.report("status")
    os.listdir(m / "posts")
    assert m.report("status") != before


def test_a_failed_request_is_one_line_in_the_log(project, mount):
    _answer(project, lambda: project.no(403, "data/permission-denied"), path=PATH)
    m = mount(project)
    with fails(errno.EACCES):
        read(m / NAME)
    lines = [line for line in m.log().splitlines() if b"status 403" in line]
    assert len(lines) == 1
    assert b"GET" in lines[0] and PATH.encode() in lines[0]
    assert b"?" not in lines[0]


def test_two_refusals_at_once_are_told_once_each(project, mount):
    """Both answers are there when the daemon looks: what the first one ends has
    ended, though its own answer came."""
    names = [f"t{number}" for number in range(6)]
    project.tables.update(dict.fromkeys(names, []))
    arrived, let_go = [], threading.Event()

    def hook(request):
        if request.path.startswith("/v1/data/t"):
            arrived.append(request)
            let_go.wait(20)
            return Reply(307, b"", {"Location": "file:///x"})
        return None

    project.hooks.append(hook)
    m = mount(project, "-o", "retry=0")
    for name in names:
        arrived.clear()
        let_go.clear()
        lister = subprocess.Popen(
            ["ls", str(m / name)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        wait_until(lambda: len(arrived) == 2, 20, "the page and the spec")
        os.kill(m.pid, signal.SIGSTOP)
        let_go.set()
        wait_until(lambda: all(request.status for request in arrived))
        time.sleep(0.1)
        os.kill(m.pid, signal.SIGCONT)
        assert b"Protocol error" in lister.communicate(timeout=20)[1]
        assert lister.returncode == 2
    report = m.report()
    for name in names:
        page = report.count(b"\tGET /v1/data/%s\t307\t" % name.encode())
        spec = report.count(b"\tGET /v1/data/%s/spec\t307\t" % name.encode())
        assert max(page, spec) == 1
