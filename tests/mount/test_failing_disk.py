"""
A disk that takes no more, or fails: what was not written is not believed, what
can be read is read, and all is well once the disk is. By hand, every write of a
mount fails in turn:

    FAILING_WRITES=1 TEST_TIMEOUT=3600 tests/run -k failing_disk
"""

import errno
import os
import resource
import shutil
import subprocess
import time

import pytest

from conftest import preload, run, succeed, wait_until
from records import fails, oid, read, record_names, records
from world import TABLE, World

# Which of the writes fail: every so many-th.
EVERY = int(os.environ.get("FAILING_WRITES", 0))

# What a disk says, and what who reads is told: a quota is a disk, too.
TOLD = {
    errno.ENOSPC: (errno.ENOSPC,),
    errno.EDQUOT: (errno.ENOSPC,),
    errno.EIO: (errno.EIO,),
}


class Failing:
    """Mounts on a disk of which some writes fail."""

    def __init__(self, world, mount, work):
        self.world = world
        self._mount = mount
        self._work = work
        self._preload = preload(work, "disk")
        self._count = work / "count"

    def writes(self):
        return int(self._count.read_text())

    def live(self, cache, first=0, last=0, error=0):
        """A mount's life: whether all could be read; None: it did not start."""
        env = {
            **self._preload,
            "DISK_ROOT": str(cache),
            "DISK_COUNT": str(self._count),
            "DISK_FAIL_FIRST": str(first),
            "DISK_FAIL_LAST": str(last),
            "DISK_FAIL_ERRNO": str(error),
        }
        self._count.write_text("0")
        m = self._start(cache, env)
        if not m:
            return None
        whole, excuses = True, TOLD.get(error, ())
        for _ in range(2):
            for _ in range(5):
                self.world.happen()
            whole &= self._look(m, excuses)
        # Once the disk is well, so is all.
        wait_until(
            lambda: self.writes() > last or self._look(m, excuses), 60, "the writes"
        )
        wait_until(lambda: self._look(m, excuses), 60, "all to be well")
        m.kill()
        run("fusermount3", "-uz", m.path)
        return whole

    def _start(self, cache, env):
        """A mount that is up; None: it said why it could not be, be it after
        it had its place for a moment."""
        try:
            m = self._mount(self.world.server, "-o", "ttl=0", cache=cache, env=env)
        except AssertionError as message:
            assert "ended with 1" in str(message), message
            said = str(message)
        else:
            wait_until(
                lambda: m.process.poll() is not None
                or b"bkendfs: mounted " in m.log(),
                20, "the start",
            )
            if m.process.returncode is None:
                return m
            assert m.wait() == 1
            said = m.log().decode()
        assert "cannot keep a replica" in said or "cannot write the replica" in said, said
        return None

    def _look(self, m, excuses):
        begin = time.monotonic()
        table = self.world.look_at(
            m, TABLE, begin, judge_all=False, excuses=excuses
        )
        return self.world.look_at(m, "storage", begin, excuses=excuses) and table

    def judge(self, cache):
        """What is left of it."""
        m = self._mount(self.world.server, "-o", "offline", cache=cache)
        self.world.look_at_relic(m, TABLE)
        self.world.look_at_relic(m, "storage")
        m.unmount()
        begin = time.monotonic()
        m = self._mount(self.world.server, cache=cache)
        assert self.world.look_at_all(m, begin)
        m.unmount()


@pytest.mark.wire("it is mounted often")
@pytest.mark.parametrize("error", TOLD, ids=["full", "quota", "broken"])
def test_what_was_not_written_is_not_believed(odd, mount, work, error):
    world = World(odd(), 5, records=120, files=3, file_size=200_000)
    failing = Failing(world, mount, work)
    assert failing.live(work / "cache")
    every = EVERY or failing.writes() // 2
    noticed = 0
    for first in range(1, failing.writes(), every):
        cache = work / f"cache-{first}"
        # One write alone, or many in a row.
        last = first + (first % 2) * 40
        noticed += failing.live(cache, first, last, error) is not True
        failing.judge(cache)
        shutil.rmtree(cache)
    assert noticed


def _fill(disk):
    """Not a byte is left."""
    with open(disk / "filler", "ab", buffering=0) as filler:
        for size in (1 << 20, 4096, 1):
            try:
                while filler.write(bytes(size)):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC


@pytest.fixture
def full(odd, small_disk, mount):
    """A mount whose disk is full to the last byte, and of which one table and
    one stored file were read: (server, mount, disk, contents)."""
    server = odd()
    server.tables["known"] = records(150)
    server.tables["other"] = records(150)
    contents = [os.urandom(300_000) for _ in range(3)]
    for number, content in enumerate(contents):
        server.put_file(oid(number), "f", content, size=True)
    disk = small_disk(8)
    m = mount(server, "-o", "ttl=3600", cache=disk / "cache")
    succeed("ls", "-l", m / "known", m / "storage")
    assert read(m / f"storage/{oid(0)}_f") == contents[0]
    wait_until(lambda: b"content_bytes 0" not in m.report("metrics"), 20)
    _fill(disk)
    yield server, m, disk, contents


def test_reads_go_on_with_a_full_disk(full, work):
    server, m, disk, contents = full
    for name in record_names(150)[::10]:
        assert read(m / "known" / name)
    # What is not in the cache comes from the server.
    for number, content in enumerate(contents):
        succeed("cp", m / f"storage/{oid(number)}_f", work / "copy")
        assert (work / "copy").read_bytes() == content
    succeed("cp", "-r", m / "known", work / "known")
    assert m.report("status") and os.statvfs(m.path)


def test_what_cannot_be_noted_is_an_error_until_there_is_room(full):
    server, m, disk, contents = full
    with fails(errno.ENOSPC):
        os.listdir(m / "other")
    os.unlink(disk / "filler")
    assert sorted(os.listdir(m / "other")) == record_names(150)
    m.unmount()
    server.stop()


def test_a_full_disk_can_be_mounted_offline(full, mount):
    server, m, disk, contents = full
    m.unmount()
    _fill(disk)
    m = mount(server, "-o", "offline", cache=disk / "cache")
    assert sorted(os.listdir(m / "known")) == record_names(150)
    assert read(m / f"storage/{oid(0)}_f") == contents[0]
    for name in record_names(150)[::10]:
        assert read(m / "known" / name)


def test_what_a_copy_to_read_has_no_room_for_says_where(full, mount):
    """The log of a mount that was killed is read from a copy."""
    server, m, disk, contents = full
    m.kill()
    run("fusermount3", "-uz", m.path)
    _fill(disk)
    with pytest.raises(AssertionError) as failed:
        mount(server, "-o", "offline", cache=disk / "cache", env={"TMPDIR": str(disk)})
    said = str(failed.value)
    assert "ended with 1" in said and f"{disk} has no room for it: set TMPDIR" in said
    m = mount(server, "-o", "offline", cache=disk / "cache")
    assert sorted(os.listdir(m / "known")) == record_names(150)


def test_a_disk_that_takes_no_more_without_being_full_is_told_of(odd, mount, work):
    """errors says what an EIO is about, and what to do."""
    server = odd()
    server.tables["t"] = records(1500, extra=b',"text":"%s"' % (b"x" * 1500))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        m = mount(server, cache=work / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with fails(errno.EIO):
        os.listdir(m / "t")
    assert "EIO\treplica\tthe disk does not take" in m.report("errors").decode()
