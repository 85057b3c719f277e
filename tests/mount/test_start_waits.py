"""A start that has to wait says for what, and any signal ends it, wherever it
goes; one that nobody answers ends by itself."""

import os
import re
import select
import signal
import socket
import subprocess
import time

import pytest

from conftest import (
    BKENDFS,
    alive,
    daemon_of,
    environment,
    is_mounted,
    run,
    succeed,
    wait_until,
)
from odd_server import Reply
from records import read, records

ROUND = 10  # seconds: far more than any of this takes


@pytest.fixture
def server(odd):
    server = odd()
    server.tables["t"] = records(3)
    return server


class Command:
    """bkendfs as a user types it, in a process group of its own."""

    def __init__(self, watched, work, server, *options, env=None):
        self.path = work / "mnt"
        self.path.mkdir()
        settings = environment(work, server.env())
        settings["BKENDFS_CACHE_DIR"] = str(work / "cache")
        settings["XDG_CONFIG_HOME"] = str(work / "no-config")
        settings.update(env or {})
        self.errors = b""
        self.process = subprocess.Popen(
            [BKENDFS, *options, self.path],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={k: v for k, v in settings.items() if v is not None},
            start_new_session=True,
        )
        watched.pids.add(self.process.pid)

    def says(self, pattern):
        """Wait until it has said something on stderr."""
        deadline = time.monotonic() + 20
        stream = self.process.stderr.fileno()
        while not re.search(pattern, self.errors):
            left = max(0, deadline - time.monotonic())
            piece = b""
            if select.select([stream], [], [], left)[0]:
                piece = os.read(stream, 65536)
            assert piece, f"it said only {self.errors!r}"
            self.errors += piece

    def processes(self):
        """All of its group."""
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.getpgid(int(entry)) == self.process.pid and alive(entry):
                    found.append(int(entry))
            except ProcessLookupError:
                pass
        return found


@pytest.fixture
def command(watched, work, server):
    started = []

    def start(*options, **more):
        started.append(Command(watched, work, server, *options, **more))
        return started[-1]

    yield start
    for one in started:
        for pid in one.processes():
            os.kill(pid, signal.SIGKILL)
        one.process.wait(20)
        one.process.stderr.close()
        watched.pids.discard(one.process.pid)


def _limit(server):
    server.hooks.append(
        lambda request: Reply(429, b"{}", {"Retry-After": "3600"})
    )


GUEST = {"BKEND_EMAIL": None, "BKEND_PASSWORD": None}


@pytest.mark.parametrize("env", [None, GUEST], ids=["account", "guest"])
@pytest.mark.parametrize("options", [("-f",), ()], ids=["-f", "background"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_quota_is_waited_for_aloud_and_a_signal_ends_that(
    server, command, env, options, number
):
    _limit(server)
    one = command(*options, env=env)
    one.says(rb"3600 s \(status 429\)")
    # With the one that mounts; it, too, ends.
    assert len(one.processes()) == (2 if options else 3)
    os.killpg(one.process.pid, number)  # as a terminal does
    assert one.process.wait(ROUND) != 0
    wait_until(lambda: not one.processes(), ROUND, "the end of the child")
    assert not is_mounted(one.path)


def test_who_ends_the_command_ends_its_child(server, command):
    _limit(server)
    one = command()
    one.says(rb"3600 s")
    os.kill(one.process.pid, signal.SIGKILL)
    wait_until(lambda: not one.processes(), ROUND, "the end of the child")


def test_the_child_outlives_the_command_that_mounted(server, command):
    one = command()
    assert one.process.wait(ROUND) == 0
    pid = daemon_of(one.path)
    try:
        assert alive(pid)
        assert os.listdir(one.path / "t")
    finally:
        succeed("fusermount3", "-u", one.path)
    wait_until(lambda: not alive(pid), ROUND, "the end of the daemon")


@pytest.mark.parametrize("env", [None, GUEST], ids=["account", "guest"])
def test_a_server_that_never_answers_is_given_up(server, command, env):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        one = command(env={"BKEND_API_URL": url, **(env or {})})
        assert one.process.wait(ROUND) == 1
    one.says(rb"cannot reach " + url.encode())
    assert one.errors.count(b"\n") == 1


def test_an_answer_that_takes_long_is_waited_for_aloud(server, command):
    """Each time a little less than the patience with a silent server."""
    body = b" " * 4000 + b"{}"
    server.hooks.append(
        lambda request: Reply(200, body, rate=400) if "signin" in request.path else None
    )
    one = command()
    one.says(rb"has not answered yet")
    os.kill(one.process.pid, signal.SIGTERM)
    one.process.wait(ROUND)
    wait_until(lambda: not one.processes(), ROUND, "the end of the child")


def test_a_command_without_descriptors_mounts_and_returns(server, work):
    path = work / "mnt"
    path.mkdir()
    settings = environment(work, server.env())
    settings["BKENDFS_CACHE_DIR"] = str(work / "cache")
    script = 'exec "$0" "$1" <&- >&- 2>&-'
    try:
        done = run("sh", "-c", script, BKENDFS, path, env=settings, timeout=20)
        assert done.returncode == 0
        assert read(path / "t" / os.listdir(path / "t")[1])
        pid = daemon_of(path)
        for number in (0, 1, 2):
            assert os.readlink(f"/proc/{pid}/fd/{number}") == "/dev/null"
    finally:
        run("fusermount3", "-u", path)
        wait_until(lambda: daemon_of(path) is None, 20, "the end of the daemon")


def test_auto_unmount_keeps_nobody_waiting(server, start):
    """x=$(bkendfs -o auto_unmount …): the shell waits for the end of all that
    is written to its pipe."""
    said = start(server, "-o", "auto_unmount", timeout=20)
    assert said.status == 0, said.errors
    assert len(os.listdir(said.path / "t")) == 3
