"""What the process that serves a mount has left itself."""

import ctypes
import errno
import os
import re
import shutil
import signal
import subprocess
import threading

import pytest

from api_client import Client
from conftest import (
    BKENDFS, alive, daemon_of, environment, is_mounted, memory_of, mounter_of,
    of_threads, run, wait_until,
)
from odd_server import PASSWORD, PUBLISHABLE
from records import fails, oid, read
from test_user import fuse_for_everyone, project, user  # noqa: F401 (fixtures)

pytestmark = pytest.mark.xdist_group("dev-fuse")

CREATE_RULESET = 444  # the system call
SANITIZED = b"__asan_init" in BKENDFS.read_bytes() or (
    b"__tsan_init" in BKENDFS.read_bytes()
)


def _abi():
    """The edition of Landlock that this kernel has; 0: none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, libc.syscall(CREATE_RULESET, None, 0, 1))


def _expected():
    if SANITIZED:
        return "none: built with a sanitizer"
    return f"landlock ABI {_abi()}" if _abi() else "none: the kernel says EOPNOTSUPP"


def _said(status):
    return re.search(r"^sandbox: (.*)$", status.decode(), re.M)[1]


def _assert_privileges(pid, given_up):
    for status in of_threads(pid, "status"):
        assert re.search(rf"^NoNewPrivs:\s*{int(given_up)}$", status, re.M), status


def test_a_mount_can_gain_nothing(project, mount):
    m = mount(project)
    assert len(os.listdir(m / "posts")) == 3
    assert _said(m.report("status")) == _expected()
    _assert_privileges(m.pid, not SANITIZED)


def test_the_one_that_mounts_knows_no_secret(project, mount):
    m = mount(project)
    assert len(os.listdir(m / "posts")) == 3
    mounter = mounter_of(m.pid)
    _assert_privileges(mounter, False)
    assert sorted(os.listdir(f"/proc/{mounter}/fd"), key=int)[:4] == ["0", "1", "2", "3"]
    for fd in "012":
        assert os.readlink(f"/proc/{mounter}/fd/{fd}") == "/dev/null"
    # A sanitizer keeps a copy of the environment for itself.
    if os.geteuid() != 0 or SANITIZED:
        return
    for piece in memory_of(mounter):
        for secret in (PASSWORD, PUBLISHABLE):
            assert secret.encode() not in piece
    m.unmount()
    assert not alive(mounter)


def test_it_ends_with_a_mount_that_is_killed(project, mount):
    m = mount(project)
    mounter = mounter_of(m.pid)
    m.kill()
    wait_until(lambda: not alive(mounter), 10, "its end")
    assert run("fusermount3", "-uz", m.path).returncode == 0


def test_signals_are_not_for_it(project, mount):
    m = mount(project)
    mounter = mounter_of(m.pid)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(mounter, number)
    assert len(os.listdir(m / "posts")) == 3
    os.kill(m.pid, signal.SIGTERM)
    assert m.wait() == 0
    assert not is_mounted(m.path)


def test_without_it_the_mount_stays_and_that_is_said(project, mount):
    m = mount(project)
    os.kill(mounter_of(m.pid), signal.SIGKILL)
    assert len(os.listdir(m / "posts")) == 3
    os.kill(m.pid, signal.SIGTERM)
    assert m.wait() == 0
    assert b"fusermount3 -u" in m.log()
    assert is_mounted(m.path)
    assert run("fusermount3", "-u", m.path).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_mount_of_an_ordinary_user_is_taken_away_at_its_end(project, user, number):  # noqa: F811
    """By a program that has more rights than its caller."""
    assert user.mount(project).returncode == 0
    pid = daemon_of(user.mnt)
    _assert_privileges(pid, not SANITIZED)
    assert user.run("cat", user.mnt / f"storage/{oid(1)}_f").stdout == b"content" * 1000
    os.kill(pid, number)
    wait_until(lambda: not alive(pid), 20, "the end of the daemon")
    assert not is_mounted(user.mnt)


def test_a_busy_mount_of_an_ordinary_user_is_taken_away(project, user):  # noqa: F811
    assert user.mount(project).returncode == 0
    pid = daemon_of(user.mnt)
    with subprocess.Popen(
        [*user.prefix, "sh", "-c", f"cd {user.mnt}/posts && echo there && exec cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as busy:
        assert busy.stdout.readline() == b"there\n"
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not alive(pid), 20, "the end of the daemon")
        assert not is_mounted(user.mnt)


@pytest.mark.wire("it says itself whom it trusts")
def test_what_it_needs_is_left(project, mount, work):
    certificates = work / "trust"
    certificates.mkdir()
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", certificates / "ca.pem")
    env = {"XDG_STATE_HOME": str(work / "state")}
    m = mount(
        project, "-o", f"cacert={certificates / 'ca.pem'}", "-o", f"log={work / 'own.log'}",
        env=env,
    )
    assert read(m / f"storage/{oid(1)}_f") == b"content" * 1000
    assert (work / "state/bkendfs").is_dir()
    assert (work / "own.log").exists()
    assert b"EACCES" not in m.report("errors")


IS_CONFINED = not SANITIZED and _abi() > 0


def test_what_it_does_not_need_is_out_of_reach(project, mount, work):
    """An object of which no part can be asked for is spooled in TMPDIR: the one
    that was there at the start, and no other place by its name."""
    for name in ("tmp", "home"):
        (work / name).mkdir()
    project.storage.ranges = False
    m = mount(project, env={"TMPDIR": str(work / "tmp")})
    assert read(m / f"storage/{oid(1)}_f") == b"content" * 1000
    project.put_file(oid(2), "g", b"other" * 1000)
    (work / "tmp").rename(work / "was-tmp")
    (work / "tmp").symlink_to("home")
    os.kill(m.pid, signal.SIGHUP)
    wait_until(lambda: len(os.listdir(m / "storage")) == 2, 10, "the other file")
    if IS_CONFINED:
        with fails(errno.EACCES, errno.EIO):
            read(m / f"storage/{oid(2)}_g")
    else:
        assert read(m / f"storage/{oid(2)}_g") == b"other" * 1000


# Commands ------------------------------------------------------------------------


class Command:
    """One that waits for the answer to its first listing."""

    def __init__(self, server, work, option, **env):
        self.go_on, self._asked = threading.Event(), threading.Event()
        server.hooks.append(self._hook)
        settings = environment(work, server.env()) | env
        settings["BKENDFS_CACHE_DIR"] = str(work / "cache")
        self.process = subprocess.Popen(
            [BKENDFS, option], env=settings, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        assert self._asked.wait(60)

    def _hook(self, request):
        if request.is_page("posts"):
            self._asked.set()
            self.go_on.wait(60)

    def end(self):
        self.go_on.set()
        said, _ = self.process.communicate(timeout=60)
        return self.process.returncode, said.decode()


@pytest.fixture
def command(work, watched):
    """Factory: command(server, "--check", NAME=…) → Command."""
    begun = []

    def begin(server, option, **env):
        begun.append(Command(server, work, option, **env))
        watched.pids.add(begun[-1].process.pid)
        return begun[-1]

    yield begin
    for one in begun:
        one.go_on.set()
        one.process.kill()
        one.process.wait(20)
        watched.pids.discard(one.process.pid)


@pytest.mark.parametrize("option", ["--check", "--fetch"])
def test_a_command_can_gain_nothing(project, command, option):
    one = command(project, option)
    _assert_privileges(one.process.pid, not SANITIZED)
    status, said = one.end()
    assert status == 0, said


def test_what_a_command_does_not_need_is_out_of_reach(project, command, work):
    """As of a mount: a place for the spool that is not the one of before."""
    for name in ("tmp", "home"):
        (work / name).mkdir()
    project.storage.ranges = False
    one = command(project, "--fetch", TMPDIR=str(work / "tmp"))
    (work / "tmp").rename(work / "was-tmp")
    (work / "tmp").symlink_to("home")
    status, said = one.end()
    assert status == (1 if IS_CONFINED else 0), said
    assert ("_f" in said) == IS_CONFINED


# The emulator ------------------------------------------------------------------


def test_an_emulator_reads_its_data_and_nothing_else(emulator, work):
    """Not even what is put in the place of it, in all its parts."""
    for name, text in (("backup", '{"id":"a"}'), ("home", '{"id":"a","stolen":1}')):
        (work / name / "posts").mkdir(parents=True)
        (work / name / "posts/a.json").write_text(text)
    server = emulator("--data", work / "backup")
    _assert_privileges(server.process.pid, not SANITIZED)
    one = Client(server)
    assert one.call("GET", "/v1/posts/a", **one.headers)[0] == 200
    (work / "backup").rename(work / "was-backup")
    (work / "backup").symlink_to("home")
    status, _, text = one.call("GET", "/v1/posts/a", **one.headers)
    assert b"stolen" not in text or not IS_CONFINED
    assert status >= 400 or not IS_CONFINED
