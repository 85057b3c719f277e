"""
A random walk on a mount: it is listed, read, rewound, told to believe nothing,
ended, killed, mounted again and offline, while the project changes, tokens and
URLs expire and time passes. After each step, what was told is held against the
project's past (world.py). By hand, further and elsewhere:

    WALK_SEED=7 WALK_STEPS=20000 TEST_TIMEOUT=7200 tests/run -k walk
"""

import errno
import os
import random
import signal
import threading
import time

import pytest

from conftest import run
from dirstream import DirStream
from odd_server import Reply
from world import TABLE, World, read_or_none

SEED = int(os.environ.get("WALK_SEED", 1))
STEPS = int(os.environ.get("WALK_STEPS", 300))

# The kernel counts the time for which it believes a name in ticks.
TICKS = 0.02

DIRECTORIES = (TABLE, "storage")


class Handle:
    """A directory that is being read."""

    def __init__(self, path, directory, since):
        self.directory = directory
        self.since = since
        self.told = []
        self.stream = DirStream(path / directory)


class Walk:
    def __init__(self, server, mount, work, seed):
        self.dice = random.Random(seed)
        self.world = World(server, seed, records=230, files=4, file_size=200_000)
        self.server = server
        self.steps = []
        self.handles = []
        self.kept = {}  # since when what is kept of a directory is true
        self._mount = mount
        self._cache = work / "cache"
        self._trouble = False
        server.hooks.append(self._in_trouble)
        self._start()

    def _in_trouble(self, request):
        if not self._trouble or self.dice.random() > 0.1:
            return None
        return self.dice.choice([Reply(503, b"{}"), Reply(reset=True)])

    # What may be told

    def since(self, directory=None):
        """From when on what is told now must be true."""
        if self.offline:
            return self.kept.get(directory, 0)
        return max(time.monotonic() - self.ttl - TICKS, self.mounted)

    def was_listed(self, directory, since):
        if not self.offline:
            self.kept[directory] = since

    # The mount

    def _start(self, offline=False):
        self.offline = offline
        self.ttl = self.dice.choice([0, 1, 1])
        option = "offline" if offline else f"ttl={self.ttl}"
        self.mounted = time.monotonic()
        self.m = self._mount(self.server, "-o", option, cache=self._cache)

    def _end(self, kill):
        for handle in self.handles:
            handle.stream.close()
        self.handles.clear()
        if kill:
            self.m.kill()
            run("fusermount3", "-uz", self.m.path)
        else:
            self.m.unmount()
        self.m.path.rmdir()

    # Steps

    def remount(self):
        self._end(kill=False)
        self._start()

    def kill(self):
        self._end(kill=True)
        self._start()

    def go_offline(self):
        self._end(kill=self.dice.random() < 0.5)
        self._start(offline=True)
        for directory in DIRECTORIES:
            self._list(directory)
            self._read(directory)
        self._end(kill=self.dice.random() < 0.5)
        self._start()

    def hang_up(self):
        os.kill(self.m.pid, signal.SIGHUP)

    def expire_tokens(self):
        self.server.expire_tokens()

    def end_sessions(self):
        self.server.end_sessions()

    def expire_urls(self):
        self.server.storage.revoke()

    def trouble(self):
        self._trouble = not self._trouble

    def pass_time(self):
        time.sleep(self.dice.choice([0.01, 0.1, 1.05]))

    def change(self):
        for _ in range(self.dice.choice([1, 1, 1, 5, 30])):
            self.world.happen()

    def _names(self, directory, by_process):
        path = self.m / directory
        if not by_process:
            return os.listdir(path)
        done = run("ls", "-f", path)
        if done.returncode:
            raise OSError(errno.EIO, done.stderr)
        return done.stdout.decode().split()

    def _list(self, directory, by_process=False):
        since = self.since(directory)
        try:
            told = self._names(directory, by_process)
        except OSError as error:
            assert self.offline and directory not in self.kept, error
            return
        self.judge(directory, told, since)
        self.was_listed(directory, since)

    def judge(self, directory, told, since):
        told = [name for name in told if name[0] != "."]
        self.world.past_of(directory).judge_listing(told, since, time.monotonic())

    def list(self):
        self._list(self.dice.choice(DIRECTORIES), self.dice.random() < 0.2)

    def list_while_it_changes(self):
        over = threading.Event()

        def change():
            while not over.wait(0.003):
                self.world.happen()

        thread = threading.Thread(target=change)
        thread.start()
        try:
            self._list(self.dice.choice(DIRECTORIES))
        finally:
            over.set()
            thread.join()

    def _name(self, directory):
        return self.dice.choice(self.world.past_of(directory).names())

    def _content(self, path, by_process):
        if not by_process:
            return read_or_none(path)
        done = run("cat", path)
        if b"No such file" in done.stderr:
            return None
        if done.returncode:
            raise OSError(errno.EIO, done.stderr)
        return done.stdout

    def _read(self, directory, by_process=False):
        name = self._name(directory)
        past = self.world.past_of(directory)
        since = self.since(directory)
        try:
            content = self._content(self.m / directory / name, by_process)
        except OSError as error:
            changed = len(past.within(name, since - 2, time.monotonic())) > 1
            assert self.offline or (directory != TABLE and changed), error
            return
        if content is None and self.offline and directory not in self.kept:
            return
        past.judge_content(name, content, since, time.monotonic())

    def read(self):
        self._read(self.dice.choice(DIRECTORIES), self.dice.random() < 0.2)

    def stat(self):
        name = self._name(TABLE)
        since = self.since(TABLE)
        try:
            size = os.stat(self.m / TABLE / name).st_size
        except FileNotFoundError:
            size = None
        seen = self.world.records.within(name, since, time.monotonic())
        sizes = [None if content is None else len(content) for content in seen]
        assert size in sizes, f"{name} has {size} bytes, not one of {sizes}"

    def open_directory(self):
        if len(self.handles) > 5:
            self.handles.pop(0).stream.close()
        directory = self.dice.choice(DIRECTORIES)
        since = self.since(directory)
        self.handles.append(Handle(self.m.path, directory, since))

    def read_on(self):
        if not self.handles:
            return
        handle = self.dice.choice(self.handles)
        wanted = self.dice.choice([1, 20, 100, None])
        got = [name for _, name in handle.stream.take(wanted)]
        handle.told += got
        if wanted is None or len(got) < wanted:
            self.judge(handle.directory, handle.told, handle.since)
            self.was_listed(handle.directory, handle.since)
            self.handles.remove(handle)
            handle.stream.close()

    def rewind(self):
        if self.handles:
            handle = self.dice.choice(self.handles)
            handle.stream.rewind()
            handle.told.clear()

    WEIGHTS = {
        "list": 12, "read": 30, "stat": 20, "open_directory": 6, "read_on": 20,
        "rewind": 3, "change": 16, "list_while_it_changes": 4, "hang_up": 5,
        "expire_tokens": 4, "end_sessions": 1, "expire_urls": 3, "trouble": 2,
        "pass_time": 2, "remount": 1, "kill": 1, "go_offline": 1,
    }

    def step(self):
        kinds = list(self.WEIGHTS)
        kind = self.dice.choices(kinds, self.WEIGHTS.values())[0]
        self.steps.append(kind)
        getattr(self, kind)()


@pytest.mark.wire("it is mounted often")
def test_what_a_mount_tells_was_true_whatever_happens(odd, mount, work):
    walk = Walk(odd(), mount, work, SEED)
    try:
        for _ in range(STEPS):
            walk.step()
    except (AssertionError, OSError) as trouble:
        raise AssertionError(
            f"seed {SEED}, step {len(walk.steps)}, ttl={walk.ttl}, after "
            f"{walk.steps[-12:]}: {trouble}"
        ) from trouble
    finally:
        for handle in walk.handles:
            handle.stream.close()
