"""
Whenever a mount is killed, and whenever the power is cut, the replica opens and
holds nothing false: what is served is right, and a listing that comes to its
end is whole. By hand, with another seed and more of it:

    CRASH_SEED=7 KILLS=200 CUTS=200 TEST_TIMEOUT=3600 tests/run -k crashes

CUT_TEXT=600000 makes records so large that the database's log is carried over
while the mount lives.
"""

import contextlib
import errno
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import pytest

import power_cut
from conftest import BKENDFS, environment, preload, run, wait_until
from world import TABLE, World

SEED = int(os.environ.get("CRASH_SEED", 1))
KILLS = int(os.environ.get("KILLS", 9))
CUTS = int(os.environ.get("CUTS", 6))
CHECKPOINT_CUTS = int(os.environ.get("CUTS", 2))
CUT_TEXT = int(os.environ.get("CUT_TEXT", 200))


class Busy:
    """Those who read a mount, and a project that changes meanwhile, until the
    mount is gone."""

    def __init__(self, mount, world):
        self._mount = mount
        self._world = world
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._until_over, args=[what])
            for what in (self._list, self._read, self._change)
        ]
        for thread in self._threads:
            thread.start()

    def _until_over(self, what):
        while not self._over.is_set():
            with contextlib.suppress(OSError):
                what()

    def _list(self):
        for name in os.listdir(self._mount / TABLE)[::9]:
            (self._mount / TABLE / name).read_bytes()

    def _read(self):
        for name in os.listdir(self._mount / "storage"):
            (self._mount / "storage" / name).read_bytes()

    def _change(self):
        self._world.happen()
        os.kill(self._mount.pid, signal.SIGHUP)
        self._over.wait(0.01)

    def kill(self):
        self._mount.kill()
        run("fusermount3", "-uz", self._mount.path)
        self._over.set()
        for thread in self._threads:
            thread.join()


def _kill_a_start(world, work, cache, after):
    settings = environment(work, world.server.env())
    settings["BKENDFS_CACHE_DIR"] = str(cache)
    path = work / "start"
    path.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [BKENDFS, "-f", path], env=settings, stderr=subprocess.DEVNULL
    )
    time.sleep(after)
    process.kill()
    process.wait(20)
    run("fusermount3", "-uz", path)


@pytest.mark.wire("it is killed often")
def test_a_kill_at_any_moment_leaves_nothing_false(odd, mount, work):
    dice = random.Random(SEED)
    world = World(odd(), SEED)
    cache = work / "cache"
    since = None  # when what is kept was last known to be true
    for attempt in range(KILLS):
        if attempt % 4 == 3:
            _kill_a_start(world, work, cache, dice.uniform(0, 0.06))
        else:
            m = mount(world.server, "-o", "ttl=1", cache=cache)
            busy = Busy(m, world)
            time.sleep(dice.uniform(0, 0.3))
            busy.kill()
        m = mount(world.server, "-o", "offline", cache=cache)
        if since is None:
            world.look_at_all(m, 0, excuses=(errno.ENODATA,))
        else:
            world.look_at_all(m, since)
        m.unmount()
        if attempt % 3 == 2 or attempt == KILLS - 1:
            begin = time.monotonic()
            m = mount(world.server, cache=cache)
            world.look_at_all(m, begin)
            m.unmount()
            since = begin


def _live(world, mount, cache, env):
    """A few lives of a mount, in which much is read and written."""
    m = mount(world.server, cache=cache, env=env)
    world.look_at_all(m, 0)
    m.unmount()
    for _ in range(2):
        m = mount(world.server, "-o", "ttl=0", cache=cache, env=env)
        for _ in range(4):
            for _ in range(5):
                world.happen()
            world.look_at(m, TABLE, 0, judge_all=False)
            world.look_at(m, "storage", 0)
        m.kill()
        run("fusermount3", "-uz", m.path)


def _judge_cut(world, mount, cache, changes, dice):
    """Make what is left after a cut, and look at it; whether a listing was."""
    power_cut.make(cache, power_cut.after_cut(changes, dice))
    m = mount(world.server, "-o", "offline", cache=cache)
    kept = world.look_at_relic(m, TABLE)
    world.look_at_relic(m, "storage")
    m.unmount()
    begin = time.monotonic()
    m = mount(world.server, cache=cache)
    world.look_at_all(m, begin)
    m.unmount()
    shutil.rmtree(cache)
    return kept


def _cut_at(changes, dice):
    """Anywhere, or about where something is made safe, or goes."""
    if dice.random() < 0.5:
        return dice.randrange(len(changes) + 1)
    turns = [
        n
        for n, change in enumerate(changes)
        if change.kind in (power_cut.SYNC, power_cut.UNLINK, power_cut.CREATE)
    ]
    return min(len(changes), dice.choice(turns) + dice.randrange(3))


@pytest.mark.wire("it is mounted often")
def test_a_power_cut_at_any_moment_leaves_nothing_false(odd, mount, work):
    dice = random.Random(SEED)
    world = World(
        odd(), SEED, records=120, file_size=150_000, text_size=CUT_TEXT
    )
    env = {
        **preload(work, "disk"),
        "DISK_ROOT": str(work / "cache"),
        "DISK_LOG": str(work / "disk.log"),
    }
    _live(world, mount, work / "cache", env)
    changes = power_cut.read_log(work / "disk.log")
    assert any(change.kind == power_cut.SYNC for change in changes)
    kept = 0
    for number in range(CUTS):
        point = _cut_at(changes, dice)
        kept += _judge_cut(world, mount, work / f"cut-{number}", changes[:point], dice)
    assert kept > CUTS // 6  # otherwise nothing was tested


def _carries(change):
    """Whether that is a page on its way from the log to the database."""
    return change.kind == power_cut.WRITE and change.path.endswith(".db")


@pytest.mark.wire("it is mounted often")
def test_a_power_cut_inside_a_checkpoint_leaves_nothing_false(odd, mount, work):
    """So much is listed that the log is carried over while the mount lives, and
    what comes then is written over the log's beginning."""
    dice = random.Random(SEED)
    world = World(odd(), SEED, records=100, files=1, file_size=1000, text_size=250_000)
    syncers = work / "syncers"
    env = {
        **preload(work, "disk"),
        "DISK_ROOT": str(work / "cache"),
        "DISK_LOG": str(work / "disk.log"),
        "DISK_SYNCERS": str(syncers),
    }
    m = mount(world.server, "-o", "ttl=0", cache=work / "cache", env=env)
    assert world.look_at(m, TABLE, 0, judge_all=False)
    # The log is synced, and then the database.
    wait_until(
        lambda: syncers.exists() and syncers.read_text().split().count("checkpoint") >= 2,
        60, "a checkpoint",
    )
    for _ in range(8):
        world.happen()
    world.look_at(m, TABLE, 0, judge_all=False)
    m.kill()
    run("fusermount3", "-uz", m.path)
    changes = power_cut.read_log(work / "disk.log")
    inside = [n for n, change in enumerate(changes) if _carries(change)]
    after = range(inside[-1], len(changes) + 1)
    assert len(inside) > 1000 and len(after) > 10
    kept = 0
    for number in range(CHECKPOINT_CUTS):
        point = dice.choice(after if number % 2 else inside[-1500:])
        kept += _judge_cut(world, mount, work / f"cut-{number}", changes[:point], dice)
    assert kept > CHECKPOINT_CUTS // 2
