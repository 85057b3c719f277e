"""Mount points, and the kernel's side of a mount.

They are looked up in /proc/self/mountinfo, which asks no daemon anything.
"""

import contextlib
import os
import re
import tempfile
from pathlib import Path

from commands import run, succeed, wait_until
from processes import is_at_rest


def mounts_under(path):
    """[(mount point, options, type, superblock options)] at or below path."""
    top = os.path.realpath(os.path.dirname(path))
    top = os.path.join(top, os.path.basename(path))
    found = []
    with open("/proc/self/mountinfo", errors="surrogateescape") as table:
        for line in table:
            left, right = line.rstrip("\n").split(" - ", 1)
            point = _unescape(left.split(" ")[4])
            if point == top or point.startswith(top + "/"):
                kind, _, superblock = right.split(" ", 2)
                found.append((point, left.split(" ")[5], kind, superblock))
    return found


def is_mounted(path):
    """Whether a mount point is exactly there."""
    here = os.path.join(
        os.path.realpath(os.path.dirname(path)), os.path.basename(path)
    )
    return any(point == here for point, *_ in mounts_under(path))


def _unescape(field):
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), field)


def connection_of(path):
    """The number of the FUSE connection of the mount that is exactly there."""
    with open("/proc/self/mountinfo", errors="surrogateescape") as table:
        for line in table:
            fields = line.split(" ")
            if _unescape(fields[4]) == os.path.realpath(path.parent) + (
                "/" + path.name
            ):
                return int(fields[2].split(":")[1])
    return None


@contextlib.contextmanager
def _fuse_control():
    """Where fusectl is: mounted for the moment, if nobody did before."""
    usual = Path("/sys/fs/fuse/connections")
    if any(usual.iterdir()):
        yield usual
        return
    with tempfile.TemporaryDirectory(prefix="fusectl-") as place:
        mounted = run("mount", "-t", "fusectl", "fusectl", place).returncode == 0
        try:
            yield Path(place)
        finally:
            if mounted:
                run("umount", place)


def abort(connection):
    """End a FUSE connection: whoever waits for its daemon, be it unkillably,
    comes back with an error. One that is gone is none to end."""
    with _fuse_control() as control:
        with contextlib.suppress(OSError):
            (control / str(connection) / "abort").write_text("1")


# Where the kernel keeps who waits for a FUSE daemon's answer: for the request
# itself, or for a page of a file that it shall fill.
_WAITS = ("request_wait_answer", "fuse_", "folio_wait", "wait_on_page")


def wait_until_it_waits(process, daemon):
    """Wait until a process that we started waits for the daemon of its mount
    (a pid), in the kernel, and the daemon has taken what it asks for: of who
    is killed before that, no daemon is told."""

    def waits():
        assert process.poll() is None, "it did not wait"
        place = Path(f"/proc/{process.pid}/wchan").read_text()
        return place.startswith(_WAITS) and is_at_rest(daemon)

    wait_until(waits, 20, "the wait for the daemon")


@contextlib.contextmanager
def read_only(path, work):
    """The directory on a medium that cannot be written."""
    if os.geteuid() != 0:
        for inner in path.rglob("*"):
            inner.chmod(0o400 if inner.is_file() else 0o500)
        path.chmod(0o500)
        yield path
        for inner in [path, *path.rglob("*")]:
            inner.chmod(0o700)
        return
    place = work / "read-only"
    place.mkdir(mode=0o700)
    succeed("mount", "--bind", path, place)
    try:
        succeed("mount", "-o", "remount,bind,ro", place)
        yield place
    finally:
        succeed("umount", "-l", place)
