"""Beside a service manager, and beside logrotate."""

import errno
import os
import re
import select
import shlex
import signal
import socket
from pathlib import Path

import pytest

from conftest import is_mounted, succeed, wait_until

UNIT = Path(__file__).resolve().parents[2] / "packaging/systemd/bkendfs@.service.in"


@pytest.fixture
def manager(work):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(work / "notify"))
        one.settimeout(120)
        yield one


def _heard(manager):
    return manager.recv(4096).decode().split("\n")


def test_a_service_is_ready_once_the_mount_is_and_tells_of_its_end(project, mount, work, manager):
    m = mount(project, env={"NOTIFY_SOCKET": str(work / "notify")})
    said = _heard(manager)
    assert said[0] == "READY=1" and f"MAINPID={m.pid}" in said
    assert is_mounted(m.path) and project.log
    os.kill(m.pid, signal.SIGTERM)
    assert _heard(manager) == ["STOPPING=1"]
    assert m.wait() == 0 and not is_mounted(m.path)


def test_a_service_that_is_refused_is_never_ready(project, start, work, manager):
    env = {"NOTIFY_SOCKET": str(work / "notify"), "BKEND_PASSWORD": "wrong"}
    assert start(project, "-f", env=env).status == 1
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(4096)


def _is_dead(place):
    try:
        os.statvfs(place)
    except OSError as error:
        assert error.errno == errno.ENOTCONN
        return True
    return False


def _prepared(place):
    """What the unit does before it starts, as its manager would."""
    for line in re.findall(r"^ExecStartPre=(.*)$", UNIT.read_text(), re.M):
        succeed(*shlex.split(line.replace("%h/bkend/%i", str(place)).replace("$$", "$")))


def test_a_unit_frees_its_place_from_a_mount_that_was_killed_and_from_no_other(project, mount, work):
    _prepared(work / "bkend/prod")
    assert (work / "bkend/prod").stat().st_mode & 0o777 == 0o700
    m = mount(project)
    _prepared(m.path)
    assert is_mounted(m.path) and os.listdir(m.path)
    m.kill()
    wait_until(lambda: _is_dead(m.path), 60, "the end of the mount")
    assert is_mounted(m.path)
    _prepared(m.path)
    assert not is_mounted(m.path) and m.path.is_dir()


def _fill(path):
    """Leave no room for another word to a manager that does not read."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                other.sendto(b"x", str(path))


def test_a_manager_that_does_not_read_holds_up_nobody(project, mount, work, manager):
    manager.setblocking(False)
    _fill(work / "notify")
    m = mount(project, env={"NOTIFY_SOCKET": str(work / "notify")})
    assert len(os.listdir(m / "posts")) == 3
    # It is told when it reads, and not before.
    while manager.recv(4096) == b"x":
        wait_until(lambda: select.select([manager], [], [], 1)[0], 20, "what it is told")
    os.kill(m.pid, signal.SIGTERM)
    assert m.wait() == 0


def test_nor_does_one_that_never_reads(project, mount, work, manager):
    _fill(work / "notify")
    m = mount(project, env={"NOTIFY_SOCKET": str(work / "notify")})
    assert len(os.listdir(m / "posts")) == 3
    os.kill(m.pid, signal.SIGTERM)
    assert m.wait() == 0 and not is_mounted(m.path)


def test_a_service_is_ready_on_an_abstract_socket(project, mount, work):
    name = f"bkendfs-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind("\0" + name)
        one.settimeout(120)
        mount(project, env={"NOTIFY_SOCKET": "@" + name})
        assert _heard(one)[0] == "READY=1"


# The log ---------------------------------------------------------------------------


def test_a_log_that_was_put_aside_goes_on_in_a_new_file(project, mount, work):
    """logrotate renames it, and sends SIGHUP."""
    log, aside = work / "log", work / "log.1"
    m = mount(project, "-o", f"log={log}")
    wait_until(lambda: "mounted" in log.read_text(), 120, "the first line")
    log.rename(aside)
    before = aside.read_bytes()
    os.kill(m.pid, signal.SIGHUP)
    wait_until(log.exists, 120, "the new log")
    m.unmount()
    assert "unmounted" in log.read_text()
    assert aside.read_bytes() == before
