"""A request that waits for a slow server holds up nobody else, not even in its
own directory, and everything that waits can be ended: by a signal to it, or by
the end of the mount."""

import contextlib
import errno
import fcntl
import os
import resource
import signal
import subprocess
import threading
import time

import pytest

from conftest import abort, preload, run, succeed, wait_until
from jsontext import pretty
from odd_server import Reply
from records import oid, read, record, record_names, records

SOON = 10  # seconds, on a busy machine: far below the patience with a slow server


class Slow:
    """A request that the server holds until it is told to go on."""

    def __init__(self, server, wanted):
        self.go_on = threading.Event()
        self.asked = threading.Event()
        self._wanted = wanted
        server.hooks.append(self._hook)

    def _hook(self, request):
        if not self._wanted(request):
            return None
        self.asked.set()
        return Reply(404, b"{}", hold=self.go_on)


@pytest.fixture(params=["this kernel", "an older kernel"])
def kernel_env(request, work):
    """The environment of a daemon on this kernel, or as on one that cannot take
    all names back."""
    if request.param == "this kernel":
        return {}
    return preload(work, "old-kernel")


@pytest.fixture
def slow_lookup(odd, mount, kernel_env):
    """A mount whose names are all in the kernel, with a lookup in its table
    that the server does not answer: (server, mount, who looks, Slow)."""
    server = odd()
    server.tables["t"] = records(150)
    m = mount(server, "-o", "ttl=3600", env=kernel_env)
    slow = Slow(server, lambda request: request.path.endswith("/slow"))
    assert read(m / "t" / f"{oid(7)}.json") == pretty(record(7))
    looker = subprocess.Popen(
        ["stat", m / "t" / "slow.json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert slow.asked.wait(10)
    yield server, m, looker, slow
    slow.go_on.set()
    try:
        looker.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        abort(m.connection)
        looker.kill()
        looker.wait(10)
        raise


def _change(server, number):
    raw = record(number, b',"changed":true').replace(
        b'"updatedAt":"20', b'"updatedAt":"21'
    )
    with server.lock:
        server.tables["t"][number] = raw
    return raw


def _must(m, *command):
    """The output of a command that must end soon; the mount is ended if it does
    not, so that nothing stays stuck."""
    rescue = threading.Timer(SOON, abort, [m.connection])
    rescue.start()
    begin = time.monotonic()
    done = run(*command)
    took = time.monotonic() - begin
    rescue.cancel()
    assert took < SOON, f"{command} waited for the slow request"
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_changed_name_waits_for_no_slow_lookup(slow_lookup):
    server, m, looker, _ = slow_lookup
    path = m / "t" / f"{oid(7)}.json"
    raw = _change(server, 7)
    os.kill(m.pid, signal.SIGHUP)
    wait_until(lambda: _must(m, "cat", path) == pretty(raw), 5, "the change")
    names = _must(m, "ls", m / "t").decode().split()
    assert names == record_names(150)
    assert _must(m, "cat", m / "t" / names[99]) == pretty(record(99))
    assert looker.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_who_waits_can_be_ended_whatever_changes(slow_lookup, number):
    server, m, looker, _ = slow_lookup
    _change(server, 7)
    os.kill(m.pid, signal.SIGHUP)
    _must(m, "ls", m / "t")
    looker.send_signal(number)
    try:
        looker.wait(SOON)
    except subprocess.TimeoutExpired:
        abort(m.connection)
        raise


def test_the_end_answers_who_waits(slow_lookup):
    server, m, looker, slow = slow_lookup
    _change(server, 7)
    os.kill(m.pid, signal.SIGHUP)
    lister = subprocess.Popen(["ls", m / "t"], stdout=subprocess.DEVNULL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        lister.wait(2)
    os.kill(m.pid, signal.SIGTERM)
    try:
        assert m.process.wait(SOON) == 0
        assert looker.wait(SOON) == 1
        assert b"Input/output error" in looker.stderr.read()
        assert lister.wait(SOON) == 0
    except subprocess.TimeoutExpired:
        abort(m.connection)
        lister.wait(10)
        raise
    assert not slow.go_on.is_set()


def test_a_name_is_right_after_a_read_that_failed(odd, mount, kernel_env):
    """Nothing may lead whoever tries again to the file that was not true."""
    server = odd()
    server.put_file(oid(1), "f.bin", b"x" * 50000, size=70000)
    m = mount(server, "-o", "ttl=3600", env=kernel_env)
    path = m / "storage" / f"{oid(1)}_f.bin"
    assert os.stat(path).st_size == 70000
    with pytest.raises(OSError):
        read(path)
    assert os.stat(path).st_size == 50000
    assert read(path) == b"x" * 50000


def test_changes_are_seen_where_names_cannot_be_taken_back(
    odd, mount, kernel_env
):
    server = odd()
    server.tables["t"] = records(150)
    m = mount(server, "-o", "ttl=3600", env=kernel_env)
    succeed("ls", "-l", m / "t")
    raw = _change(server, 7)
    assert read(m / "t" / f"{oid(7)}.json") == pretty(record(7))
    os.kill(m.pid, signal.SIGHUP)
    wait_until(
        lambda: read(m / "t" / f"{oid(7)}.json") == pretty(raw), 5, "the change"
    )


@pytest.mark.parametrize("end", ["reader", "mount"])
def test_a_name_server_that_hangs_holds_up_nobody_else(odd, mount, work, end):
    """Not even when who waits for it has had enough."""
    asked = work / "name-asked"
    server = odd()
    server.tables["t"] = records(150)
    server.put_file(oid(1), "f.bin", b"x" * 5000)
    url = b'{"url":"https://store.hang.test/f","expiresAt":"2099-01-01T00:00:00Z"}'
    server.hooks.append(
        lambda request: Reply(200, url) if "download-url" in request.path else None
    )
    env = {**preload(work, "hanging-names"), "HANGING_NAMES": str(asked)}
    m = mount(server, "-o", "nocache", env=env)
    reader = subprocess.Popen(
        ["cat", m / "storage" / f"{oid(1)}_f.bin"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: asked.stat().st_size, 10, "the question for the name")
    if end == "reader":
        reader.terminate()
        assert reader.wait(SOON) == -signal.SIGTERM
        assert _must(m, "cat", m / "t" / f"{oid(3)}.json") == pretty(record(3))
    begin = time.monotonic()
    m.process.terminate()
    assert m.process.wait(SOON) == 0
    assert time.monotonic() - begin < SOON
    reader.wait(SOON)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_just_before_the_wait_for_one_is_not_lost(
    odd, mount, work, number
):
    waits = work / "cache" / "waits"  # where the daemon may write
    env = {**preload(work, "late-wait"), "LATE_WAIT": str(waits)}
    m = mount(odd(), cache=work / "cache", env=env)
    wait_until(waits.exists, 10, "the wait for the end")
    os.kill(m.pid, number)
    try:
        assert m.process.wait(SOON) == 0
    except subprocess.TimeoutExpired:
        abort(m.connection)
        raise


def test_with_few_descriptors_fewer_are_asked_at_once(odd, mount, work):
    server = odd()
    server.tables["t"] = records(3000)
    data = {oid(n): bytes([n]) * 3000 for n in range(60)}
    for number, content in data.items():
        server.put_file(number, "f", content)
    server.hooks.append(lambda request: time.sleep(0.03))
    server.storage.hooks.append(lambda request: time.sleep(0.03))
    server.specs["t"] = b"{}"
    server.tables["u"] = records(300)
    m = mount(server, "-s", "-o", "retry=5")
    # All that opens the replica for itself has done so.
    succeed("cp", "-r", m / "u", work)
    taken = [int(fd) for fd in os.listdir(f"/proc/{m.pid}/fd")]
    limit = max(taken) + 1 + 6
    resource.prlimit(m.pid, resource.RLIMIT_NOFILE, (limit, limit))
    done = run("cp", "-r", m / "t", m / "storage", work)
    assert done.returncode == 0, (done.stderr, m.report("errors"))
    assert sorted(os.listdir(work / "t")) == [".spec.json", *record_names(3000)]
    for number, content in data.items():
        assert read(work / "storage" / f"{number}_f") == content


def test_without_a_descriptor_that_is_said(odd, mount):
    server = odd()
    server.tables["t"] = records(3)
    m = mount(server, "-s", "-o", "retry=1")
    os.stat(m / "t" / f"{oid(0)}.json")  # the replica is open
    m.server.stop()  # the connection that was kept is gone
    before = resource.prlimit(m.pid, resource.RLIMIT_NOFILE, (3, resource.prlimit(m.pid, resource.RLIMIT_NOFILE)[1]))
    with pytest.raises(OSError) as caught:
        os.listdir(m / "t")
    resource.prlimit(m.pid, resource.RLIMIT_NOFILE, before)  # a sanitizer's
    assert caught.value.errno == errno.EMFILE


def test_nobody_waits_for_who_reads_the_log(odd, mount, work):
    """As one does who looks at it in a pager, and goes away."""
    server = odd()
    server.tables["t"] = records(300)
    server.hooks.append(lambda request: "/refused" in request.path and Reply(403, b"{}") or None)
    pipe = work / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 8192)
        m = mount(server, "-o", f"log={pipe}")
        for number in range(100):
            with pytest.raises(PermissionError):
                os.stat(m / "t" / f"refused{number}.json")
        assert sorted(os.listdir(m / "t")) == record_names(300)
        assert b"/refused0: status 403" in os.read(reader, 1 << 16)
        m.unmount()
        assert b" lines are missing" in os.read(reader, 1 << 16)
    finally:
        os.close(reader)
