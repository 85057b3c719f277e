"""Where a test works, and what ends it when it takes too long.

A hung mount must fail its test and not the suite: a watchdog ends the daemons
then, so that whatever is blocked in the kernel comes back with an error.
"""

import contextlib
import os
import re
import shutil
import signal
import tempfile
import threading
from pathlib import Path

import pytest

from commands import run, succeed
from mounts import abort, mounts_under
from processes import daemon_of

# seconds, before the watchdog ends a test's daemons; by hand, a test may be made
# to take longer than that
TEST_TIMEOUT = int(os.environ.get("TEST_TIMEOUT", 300))


class Watched:
    """Processes that a test has started, by pid, and the connections of its
    mounts, for the watchdog."""

    def __init__(self):
        self.pids = set()
        self.connections = set()
        self.fired = False

    def bark(self):
        self.fired = True
        for connection in list(self.connections):
            abort(connection)
        for pid in list(self.pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def watched():
    """Ends what the test has started when the test takes too long."""
    processes = Watched()
    timer = threading.Timer(TEST_TIMEOUT, processes.bark)
    timer.daemon = True
    timer.start()
    yield processes
    timer.cancel()
    assert not processes.fired, f"hung for {TEST_TIMEOUT} s, daemons ended"


# LeakSanitizer says so, and goes on, where a process is killed while it looks
# for leaks at its end.
KILLED_MEANWHILE = re.compile(r"==\d+==Unable to get registers from thread \d+\.\n")


def sanitizer_reports(path):
    """What sanitizers said of what ran below a directory."""
    for report in sorted(path.rglob("sanitizer-*")):
        text = KILLED_MEANWHILE.sub("", report.read_text(errors="replace"))
        if text.strip():
            yield report.name + ":\n" + text[:6000]


@pytest.fixture
def work(watched):
    """A scratch directory, which outlives the mounts in it. Sanitizer reports
    of all that ran in the test are found here."""
    path = Path(tempfile.mkdtemp(prefix="bkendfs-test-")).resolve()
    yield path
    left = mounts_under(path)
    for point, *_ in left:
        if pid := daemon_of(point):
            os.kill(pid, signal.SIGKILL)
        run("fusermount3", "-uz", point)
    reports = list(sanitizer_reports(path))
    if not mounts_under(path):
        run("chmod", "-R", "u+rwX", path)  # a copy keeps the mount's modes
        shutil.rmtree(path)
    assert not reports, "\n".join(reports)
    assert not left, f"left mounted: {left}"


@pytest.fixture
def small_disk(work):
    """Factory: small_disk(MiB) → a directory on a disk of its own."""
    place = work / "small-disk"

    def make(mib):
        place.mkdir()
        done = run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", place)
        if done.returncode:
            place.rmdir()
            pytest.skip("only root can mount a small disk")
        return place

    yield make
    if place.is_mount():
        succeed("umount", place)
