"""
Whatever is waited for: who waits can be interrupted, the mount still says how it
is, and it ends when it is told to; and so do the other commands. By hand, each
end in each state, with the times that it took:

    ENDS=all tests/run -k ends -s
"""

import os
import signal
import subprocess
import threading
import time

import pytest

from backups import record, save, servers_of
from conftest import (
    BKENDFS,
    abort,
    alive,
    environment,
    is_mounted,
    mounter_of,
    preload,
    run,
    wait_until,
    wait_until_it_waits,
)
from odd_server import Reply
from records import oid, record_names, records

pytestmark = pytest.mark.threads

# Far below any wait that is cut short, and enough for a busy machine.
SOON = 10  # seconds, on a busy machine

ENDS = ["TERM", "INT", "unmount"]


class Held:
    """What a server keeps waiting."""

    def __init__(self, server, wanted, **reply):
        self.go_on = threading.Event()
        self.asked = threading.Event()
        self._wanted = wanted
        self._reply = {"hold": self.go_on, **reply}
        server.hooks.append(self._hook)

    def _hook(self, request):
        if not self._wanted(request):
            return None
        self.asked.set()
        return Reply(**self._reply)


class Stuck:
    """A mount with a wait: who waits, and since when he does."""

    def __init__(self, mount, command, held=None):
        self.mount = mount
        self.command = command
        self.held = held
        self.clean_up = held.go_on.set if held else lambda: None

    def wait(self):
        """Somebody who waits."""
        waiter = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if self.held:
            assert self.held.asked.wait(20)
        wait_until_it_waits(waiter, self.mount.pid)
        return waiter


def _project(odd):
    server = odd()
    server.tables["t"] = records(150)
    server.put_file(oid(1), "f", b"x" * 3_000_000, size=True)
    return server


def _is_page(request):
    return request.is_page("t")


def listing(odd, mount, work):
    server = _project(odd)
    return Stuck((m := mount(server)), ["ls", m / "t"], Held(server, _is_page))


def later_page(odd, mount, work):
    server = _project(odd)
    server.tables["t"] = records(300)
    held = Held(server, lambda r: _is_page(r) and r.query.get("page") != "1")
    return Stuck((m := mount(server)), ["ls", m / "t"], held)


def check_of_a_listing(odd, mount, work):
    server = _project(odd)
    m = mount(server, "-o", "ttl=0")
    assert len(os.listdir(m / "t")) == 150
    return Stuck(m, ["ls", m / "t"], Held(server, _is_page))


def lookup(odd, mount, work):
    server = _project(odd)
    held = Held(server, lambda r: oid(7) in r.path)
    return Stuck((m := mount(server)), ["cat", m / "t" / record_names(8)[7]], held)


def quota(odd, mount, work):
    server = _project(odd)
    held = Held(
        server, _is_page, status=429, headers={"Retry-After": "3600"}, hold=None
    )
    return Stuck((m := mount(server)), ["ls", m / "t"], held)


def download_url(odd, mount, work):
    server = _project(odd)
    m = mount(server)
    held = Held(server, lambda r: "download-url" in r.path)
    return Stuck(m, ["cp", m / f"storage/{oid(1)}_f", work / "copy"], held)


def object_that_stalls(odd, mount, work):
    server = _project(odd)
    m = mount(server)
    held = Held(server.storage, lambda r: True)
    return Stuck(m, ["cp", m / f"storage/{oid(1)}_f", work / "copy"], held)


def spool(odd, mount, work):
    """An object without a validator is fetched as a whole, into a file."""
    server = _project(odd)
    m = mount(server)
    held = Held(
        server.storage, lambda r: True, body=b"x" * 3_000_000, hold_at=1_000_000
    )
    return Stuck(m, ["cp", m / f"storage/{oid(1)}_f", work / "copy"], held)


def backoff(odd, mount, work):
    server = _project(odd)
    held = Held(server, _is_page, status=503, hold=None)
    return Stuck((m := mount(server)), ["ls", m / "t"], held)


def stopped_source(odd, mount, work):
    """The server of a directory, a child of the mount's, does not run."""
    backup = work / "backup"
    save(backup, {"posts": [record(1)]})
    m = mount(None, backup)
    [child] = servers_of(m.pid)
    os.kill(child, signal.SIGSTOP)
    stuck = Stuck(m, ["ls", m / "posts"])
    stuck.clean_up = lambda: _kill(child)
    return stuck


def _kill(pid):
    if alive(pid):
        os.kill(pid, signal.SIGKILL)


STATES = [
    listing, later_page, check_of_a_listing, lookup, quota, download_url,
    object_that_stalls, spool, backoff, stopped_source,
]

# Each state with one end, or with all.
CASES = [
    (state, end)
    for n, state in enumerate(STATES)
    for k, end in enumerate(ENDS)
    if os.environ.get("ENDS") == "all" or k == n % len(ENDS)
]
CASES += [(stopped_source, "TERM")] if (stopped_source, "TERM") not in CASES else []


def _took(what, begin, times):
    times.append(f"{what} {time.monotonic() - begin:.3f} s")
    assert time.monotonic() - begin < SOON, times


def _says_how_it_is(m, times):
    begin = time.monotonic()
    os.stat(m.path)
    os.statvfs(m.path)
    assert m.report("status") and m.report("metrics")
    _took("stat, df and status", begin, times)


def _end(m, end):
    if end == "unmount":
        done = run("fusermount3", "-u", m.path)
        assert done.returncode == 0, done.stderr
    else:
        os.kill(m.pid, getattr(signal, "SIG" + end))
    try:
        assert m.process.wait(SOON) == 0
    except subprocess.TimeoutExpired:
        abort(m.connection)
        raise


@pytest.mark.wire("the server's own waits")
@pytest.mark.parametrize(
    "state,end", CASES, ids=[f"{state.__name__}-{end}" for state, end in CASES]
)
def test_a_wait_and_the_mount_can_be_ended(odd, mount, work, state, end):
    stuck, times = state(odd, mount, work), []
    try:
        waiter = stuck.wait()
        _says_how_it_is(stuck.mount, times)
        begin = time.monotonic()
        waiter.send_signal(signal.SIGINT)
        waiter.wait(SOON)
        _took("Ctrl-C", begin, times)
        # Nobody waits, but the request may still be under way; or somebody does.
        waiter = stuck.wait() if end != "unmount" else None
        begin = time.monotonic()
        _end(stuck.mount, end)
        _took(end, begin, times)
        if waiter:
            waiter.wait(SOON)
    finally:
        stuck.clean_up()
    print(f"{state.__name__}: {', '.join(times)}")


@pytest.mark.parametrize("end", ["TERM", "unmount"])
def test_a_slow_disk_holds_up_no_end(odd, mount, work, end):
    """What is still to be written need not be."""
    server = _project(odd)
    server.tables["t"] = records(3000)
    slow, cache = work / "slow", work / "cache"
    env = {**preload(work, "disk"), "DISK_ROOT": str(cache), "DISK_SLOW": str(slow)}
    m = mount(server, cache=cache, env=env)
    assert len(os.listdir(m / "t")) == 3000
    slow.touch()
    assert (m / f"storage/{oid(1)}_f").read_bytes() == b"x" * 3_000_000
    begin, times = time.monotonic(), []
    _end(m, end)
    _took(end, begin, times)
    slow.unlink()
    m = mount(server, "-o", "offline", cache=cache)
    assert sorted(os.listdir(m / "t")) == record_names(3000)


def test_a_mount_that_is_not_taken_away_in_time_is_left(odd, mount):
    """The kernel may have who unmounts wait for others."""
    m = mount(_project(odd))
    assert len(os.listdir(m / "t")) == 150
    mounter = mounter_of(m.pid)
    os.kill(mounter, signal.SIGSTOP)
    try:
        begin, times = time.monotonic(), []
        _end(m, "TERM")
        _took("TERM", begin, times)
        assert b"stays mounted" in m.log()
    finally:
        os.kill(mounter, signal.SIGCONT)
    wait_until(lambda: not is_mounted(m.path), 20, "the end of the mount")


# Commands ------------------------------------------------------------------

COMMANDS = {
    "start, at the sign-in": ([], lambda r: "signin" in r.path),
    "--check, at the sign-in": (["--check"], lambda r: "signin" in r.path),
    "--check, at a table": (["--check"], _is_page),
    "--fetch, at the sign-in": (["--fetch"], lambda r: "signin" in r.path),
    "--fetch, at a listing": (["--fetch"], _is_page),
    "--fetch, at a URL": (["--fetch"], lambda r: "download-url" in r.path),
    "--login, at the first question": (["--login"], lambda r: True),
}


@pytest.mark.parametrize("what", COMMANDS)
def test_a_command_can_be_ended(odd, work, watched, what):
    options, wanted = COMMANDS[what]
    server = _project(odd)
    held = Held(server, wanted)
    env = environment(work, server.env())
    env["BKENDFS_CACHE_DIR"] = str(work / "cache")
    words = options or ["-f", work / "mnt"]
    (work / "mnt").mkdir()
    with open(work / "said", "wb") as said:
        process = subprocess.Popen(
            [BKENDFS, *words], env=env, stdin=subprocess.DEVNULL, stdout=said,
            stderr=said,
        )
    watched.pids.add(process.pid)
    try:
        assert held.asked.wait(20), (work / "said").read_bytes()
        begin, times = time.monotonic(), []
        process.send_signal(signal.SIGINT)
        assert process.wait(SOON) == 1, (work / "said").read_bytes()
        _took("Ctrl-C", begin, times)
    finally:
        held.go_on.set()
        process.kill()
        process.wait(20)
        watched.pids.discard(process.pid)
    print(f"{what}: {times}")
