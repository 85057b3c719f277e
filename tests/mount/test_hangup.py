"""After SIGHUP names are asked for again at once, however long they were to be
believed, also by who never lists; and a name that a listing did not find any
more is gone for the kernel, too."""

import os
import select
import signal
import subprocess

import pytest

from conftest import BKENDFS, environment, is_mounted, wait_until
from jsontext import pretty
from records import oid, read, record, record_names, records

pytestmark = pytest.mark.threads


@pytest.fixture
def project(odd, mount):
    """A server with one table, mounted; all its names are in the kernel."""
    server = odd()
    server.tables["t"] = records(150)
    m = mount(server, "-o", "ttl=3600")
    for name in os.listdir(m / "t"):
        os.stat(m / "t" / name)
    return server, m


def _path(m, number):
    return m / "t" / f"{oid(number)}.json"


def _listed(m):
    return sorted(name for name in os.listdir(m / "t") if name[0] != ".")


def _change(server, number):
    raw = record(number, b',"changed":true').replace(
        b'"updatedAt":"20', b'"updatedAt":"21'
    )
    assert raw != record(number)
    with server.lock:
        server.tables["t"][number] = raw
    return raw


def _remove(server, *numbers):
    with server.lock:
        server.tables["t"] = [
            raw
            for number, raw in enumerate(server.tables["t"])
            if number not in numbers
        ]


def test_a_changed_record_is_seen_by_who_just_opens_it(project):
    server, m = project
    assert read(_path(m, 7)) == pretty(record(7))
    raw = _change(server, 7)
    assert read(_path(m, 7)) == pretty(record(7))  # not due
    os.kill(m.pid, signal.SIGHUP)
    wait_until(lambda: read(_path(m, 7)) == pretty(raw), 5, "the change")


def test_so_is_one_that_was_only_ever_opened(odd, mount):
    server = odd()
    server.tables["t"] = records(150)
    m = mount(server, "-o", "ttl=3600")
    assert read(_path(m, 7)) == pretty(record(7))
    raw = _change(server, 7)
    os.kill(m.pid, signal.SIGHUP)
    wait_until(lambda: read(_path(m, 7)) == pretty(raw), 5, "the change")


def test_a_deleted_record_is_gone_for_who_just_opens_it(project):
    server, m = project
    _remove(server, 7)
    assert os.path.exists(_path(m, 7))  # not due
    os.kill(m.pid, signal.SIGHUP)
    wait_until(lambda: not os.path.exists(_path(m, 7)), 5, "the deletion")
    assert os.path.exists(_path(m, 8))


def test_what_a_listing_does_not_find_is_gone_at_once(project):
    server, m = project
    _remove(server, 7, 99, 149)
    os.kill(m.pid, signal.SIGHUP)
    left = [
        name
        for number, name in enumerate(record_names(150))
        if number not in (7, 99, 149)
    ]
    wait_until(lambda: _listed(m) == left, 5, "the deletions")
    wait_until(
        lambda: not any(os.path.exists(_path(m, n)) for n in (7, 99, 149)),
        5,
        "the names' end",
    )
    assert all(os.path.exists(m / "t" / name) for name in left)


def test_who_stands_in_a_directory_still_does(project):
    _, m = project
    here = os.getcwd()
    os.chdir(m / "t")
    try:
        for _ in range(3):
            os.kill(m.pid, signal.SIGHUP)
            assert os.getcwd() == str(m / "t")
            assert len(os.listdir(".")) >= 150
            assert read(f"{oid(3)}.json") == pretty(record(3))
            assert os.getcwd() == str(m / "t")
    finally:
        os.chdir(here)


def _starts(path):
    """Wait for what is mounted there; the kernel tells of each change."""
    with open("/proc/self/mountinfo") as table:
        changes = select.poll()
        changes.register(table, select.POLLPRI)
        while not is_mounted(path):
            assert changes.poll(20_000)
            table.seek(0)
            table.read()


def test_a_mount_that_is_seen_can_be_freshened(odd, work, watched):
    """Whoever sees the mount may send the signal: what is not yet watched for
    is kept, and ends nothing."""
    server = odd()
    server.tables["t"] = records(1)
    for number in range(10):
        path = work / f"mnt-{number}"
        path.mkdir()
        process = subprocess.Popen(
            [str(BKENDFS), "-f", str(path)], env=environment(work, server.env())
        )
        watched.pids.add(process.pid)
        _starts(path)
        process.send_signal(signal.SIGHUP)
        assert _listed(path) == record_names(1)
        subprocess.run(["fusermount3", "-u", path], check=True)
        assert process.wait(30) == 0
