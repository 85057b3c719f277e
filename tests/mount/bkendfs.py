"""A real bkendfs on a real mount point."""

import contextlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from commands import BKENDFS, environment, run, wait_until
from front import trust
from mounts import abort, connection_of, is_mounted
from processes import daemon_of, other_namespaces, threads_of
from scratch import sanitizer_reports


def assert_no_secret(text, server, where):
    for secret in server.secrets():
        assert secret not in text, f"a secret stands in {where}"
    for pattern in (
        rb"[?&]X-Amz-", rb"[Bb]earer\s+[\w.-]{12}", rb"[ps]k_[0-9a-f]{16}",
    ):
        found = re.search(rb".*" + pattern + rb".*", text)
        assert not found, f"{found[0]!r} stands in {where}"


class Mount:
    """bkendfs on a mount point of its own, in the foreground so that its pid,
    its exit status and its log are at hand."""

    def __init__(self, watched, work, server, options, env, cache, through):
        self._watched = watched
        self.server = server
        number = len(list(work.glob("mnt-*")))
        self.path = work / f"mnt-{number}"
        self.path.mkdir()
        self.log_file = work / f"bkendfs-{number}.log"
        self.cache = Path(cache) if cache else work / f"cache-{number}"
        settings = environment(work, server.env() if server else None)
        settings["XDG_CACHE_HOME"] = str(self.cache)
        settings["XDG_CONFIG_HOME"] = str(work / "no-config")
        settings["BKENDFS_CACHE_DIR"] = str(self.cache)
        settings.update(env or {})
        settings = {k: v for k, v in settings.items() if v is not None}
        command = [str(BKENDFS), "-f", *map(str, options), str(self.path)]
        command = [*map(str, through), *command]
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=settings,
            )
        watched.pids.add(self.process.pid)
        wait_until(
            lambda: self.process.poll() is not None or is_mounted(self.path),
            20,
            "the mount",
        )
        # The kernel knows of it first: when it answers, the start is over.
        with contextlib.suppress(OSError):
            os.stat(self.path)
        assert self.process.poll() is None, (
            f"{command} ended with {self.process.returncode}: {self.log()!r}"
        )
        self.connection = connection_of(self.path)
        watched.connections.add(self.connection)

    @property
    def pid(self):
        return self.process.pid

    def __truediv__(self, name):
        return self.path / name

    def log(self):
        return self.log_file.read_bytes()

    def report(self, name="errors"):
        """The text of a file in .bkendfs."""
        return (self.path / ".bkendfs" / name).read_bytes()

    def wait(self):
        """Wait until the daemon has ended; its status."""
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            where = threads_of(self.pid), other_namespaces()
            abort(self.connection)
            self.process.kill()
            self.process.wait(20)
            status = f"stuck, so that it had to be killed: {where}"
        self._forget()
        return status

    def _forget(self):
        self._watched.pids.discard(self.process.pid)
        self._watched.connections.discard(self.connection)

    def unmount(self):
        """Unmount as a user would. The daemon must end, and end well; its log
        must hold no secret."""
        if self.process.returncode is not None:
            return
        said = run("fusermount3", "-u", self.path)
        if said.returncode:
            run("fusermount3", "-uz", self.path)
        status = self.wait()
        log = self.log()
        if self.server:
            assert_no_secret(log, self.server, "the log")
        slow = re.search(rb".*a turn of the loop took.*", log)
        assert not slow, slow[0]  # told by builds with -Dloop_watch=true
        assert said.returncode == 0, said.stderr
        assert status == 0, "\n".join(
            [
                f"bkendfs ended with {status}: {self.log()[-3000:]!r}",
                *sanitizer_reports(self.log_file.parent),
            ]
        )

    def kill(self):
        """End it the hard way, as a crash would."""
        self.process.kill()
        self.process.wait(20)
        self._forget()


@pytest.fixture
def mount(watched, work, in_front):
    """Factory: mount(server, "-o", "json=raw", env={…}, cache=DIR) → Mount.
    through: the words of a program that is to run bkendfs."""
    mounted = []

    def start(server, *options, env=None, cache=None, through=()):
        server = in_front(server)
        options = [*trust(server), *options]
        mounted.append(
            Mount(watched, work, server, options, env, cache, through)
        )
        return mounted[-1]

    yield start
    troubles = []
    for one in mounted:
        try:
            one.unmount()
        except AssertionError as trouble:
            troubles.append(str(trouble))
    assert not troubles, troubles


class Start:
    """What a bkendfs command that does not stay in the foreground said."""

    def __init__(self, done, path):
        self.status = done.returncode
        self.output = done.stdout.decode(errors="replace")
        self.errors = done.stderr.decode(errors="replace")
        self.path = path

    @property
    def message(self):
        """The one line that a failed start leaves."""
        lines = [line for line in self.errors.splitlines() if line.strip()]
        assert len(lines) == 1, f"not one clear line: {self.errors!r}"
        return lines[0]


@pytest.fixture
def start(work, watched, in_front):
    """Run bkendfs as a user types it (no -f): start(server, "-o", "json=raw",
    env={…}, path=…) → Start. What it leaves mounted is unmounted."""
    touched = []

    def command(server, *options, env=None, path="mnt", timeout=40):
        server = in_front(server)
        settings = environment(work, server.env() if server else None)
        settings["XDG_CONFIG_HOME"] = str(work / "no-config")
        settings["BKENDFS_CACHE_DIR"] = str(work / "start-cache")
        settings.update(env or {})
        settings = {k: v for k, v in settings.items() if v is not None}
        words = [str(BKENDFS), *trust(server), *map(str, options)]
        target = None
        if path is not None:
            target = work / path
            if path == "mnt":
                target.mkdir(exist_ok=True)
            words.append(str(target))
        # The daemon must not keep the pipes: run() would wait for it.
        said = Start(run(*words, env=settings, timeout=timeout), target)
        if path is not None and said.status == 0:
            touched.append(target)
        return said

    yield command
    for path in touched:
        while is_mounted(path):
            done = run("fusermount3", "-u", path)
            assert done.returncode == 0, done.stderr
        wait_until(lambda: not daemon_of(path), 30, "the end of the daemon")
