"""Mounting as an ordinary user, through fusermount3."""

import contextlib
import os
import shutil
import stat
import subprocess

import pytest

from conftest import BKENDFS, daemon_of, environment, is_mounted, run, wait_until
from jsontext import pretty
from records import oid, record, records

pytestmark = pytest.mark.xdist_group("dev-fuse")

NOBODY = 65534


class User:
    """Runs commands as somebody who is not root."""

    def __init__(self, work, watched):
        self.home = work / "home"
        self.home.mkdir()
        self.mnt = self.home / "mnt"
        self.mnt.mkdir()
        self.program = work / "bkendfs"
        shutil.copy(BKENDFS, self.program)
        self.program.chmod(0o755)
        self.prefix = []
        self.watched = watched
        if os.geteuid() == 0:
            work.chmod(0o711)
            for path in (self.home, self.mnt):
                os.chown(path, NOBODY, NOBODY)
            self.prefix = [
                "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
            ]

    def env(self, server):
        env = environment(self.home, server.env())
        env["XDG_CACHE_HOME"] = str(self.home / ".cache")
        return env

    def run(self, *command, **options):
        return run(*self.prefix, *command, **options)

    def mount(self, server, *options):
        return self.run(self.program, *options, self.mnt, env=self.env(server))


@pytest.fixture
def fuse_for_everyone():
    """/dev/fuse is open to all where udev is at work; here it may not be."""
    mode = stat.S_IMODE(os.stat("/dev/fuse").st_mode)
    if mode & 0o006 != 0o006:
        os.chmod("/dev/fuse", 0o666)
    yield
    if mode & 0o006 != 0o006:
        os.chmod("/dev/fuse", mode)


@pytest.fixture
def user(work, watched, fuse_for_everyone):
    somebody = User(work, watched)
    yield somebody
    if is_mounted(somebody.mnt):
        with contextlib.suppress(subprocess.TimeoutExpired):
            somebody.run("fusermount3", "-u", somebody.mnt)
    # It still writes to what is removed next, perhaps.
    wait_until(lambda: not daemon_of(somebody.mnt), 30, "the daemon's end")


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = records(3)
    server.put_file(oid(1), "f", b"content" * 1000)
    return server


def _unmount(user):
    said = user.run("fusermount3", "-u", user.mnt)
    assert said.returncode == 0, said.stderr
    wait_until(lambda: not is_mounted(user.mnt), 10, "the unmount")


def test_an_ordinary_user_mounts_reads_and_unmounts(user, project):
    said = user.mount(project)
    assert said.returncode == 0, said.stderr
    assert is_mounted(user.mnt)
    seen = user.run("cat", user.mnt / f"posts/{oid(1)}.json")
    assert seen.stdout == pretty(record(1)), seen.stderr
    assert user.run("cat", user.mnt / f"storage/{oid(1)}_f").stdout == b"content" * 1000
    copied = user.run("cp", "-r", user.mnt, user.home / "copy")
    assert copied.returncode == 0, copied.stderr
    assert len(os.listdir(user.home / "copy/posts")) == 3
    owner = user.run("stat", "-c", "%u %g %A", user.mnt / f"posts/{oid(1)}.json").stdout
    uid, gid, mode = owner.decode().split()
    wanted = (NOBODY, NOBODY) if user.prefix else (os.geteuid(), os.getegid())
    assert (int(uid), int(gid)) == wanted and mode == "-r--r--r--"
    _unmount(user)


def test_the_replica_of_an_ordinary_user_is_in_their_cache(user, project):
    assert user.mount(project).returncode == 0
    assert user.run("ls", user.mnt / "posts").returncode == 0
    _unmount(user)
    replica = user.home / ".cache/bkendfs"
    assert any(path.is_file() for path in replica.rglob("*"))
    assert stat.S_IMODE(replica.stat().st_mode) == 0o700


def test_a_mount_point_that_is_not_theirs_is_refused_in_one_line(user, project, work):
    if user.prefix:
        os.chown(user.mnt, 0, 0)
    user.mnt.chmod(0o555)
    said = user.mount(project)
    assert said.returncode == 1
    lines = [line for line in said.stderr.decode().splitlines() if line.strip()]
    assert len(lines) == 1, lines
    assert lines[0].startswith("bkendfs: ") and str(user.mnt) in lines[0]
    assert not is_mounted(user.mnt)
    user.mnt.chmod(0o755)


def test_an_unreachable_host_leaves_an_ordinary_user_nothing_mounted(user, project):
    project.stop()
    said = user.mount(project, "-o", "retry=1")
    assert said.returncode == 1
    assert not is_mounted(user.mnt)
