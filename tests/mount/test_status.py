"""What .bkendfs/status says, in plain words, to who looks at a silent `cp`."""

import contextlib
import os
import re
import signal
import subprocess
import threading

from conftest import wait_until
from odd_server import Reply
from records import read, records


def _said(mount, name):
    lines = mount.report("status").decode().splitlines()
    return [line[len(name) + 2 :] for line in lines if line.startswith(name + ": ")]


@contextlib.contextmanager
def _waiting(*command):
    """A program that waits for the mount, and is ended."""
    program = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        program.send_signal(signal.SIGINT)
        program.wait(20)


def _until_said(mount, pattern):
    """Wait until something is being done that looks like that."""

    def is_said():
        return [w for w in _said(mount, "doing") if re.search(pattern, w)]

    return wait_until(is_said, 20, f"status saying {pattern!r}")


IDLE = ["nothing that anybody waits for"]


def test_a_listing_says_at_which_page_it_is(odd, mount):
    server = odd()
    server.tables["posts"] = records(1200)
    go_on = threading.Event()
    server.hooks.append(
        lambda request: Reply(200, b"{}", hold=go_on)
        if request.is_page("posts") and request.query.get("page") == "4"
        else None
    )
    m = mount(server)
    assert _said(m, "doing") == IDLE
    try:
        with _waiting("ls", "-f", m / "posts"):
            _until_said(m, r"^listing posts, page 4 of 12, for \d+ s")
            _until_said(m, r", without news for \d+ s$")
    finally:
        go_on.set()
    server.hooks.clear()
    assert len(os.listdir(m / "posts")) == 1200
    wait_until(lambda: _said(m, "doing") == IDLE, 20, "rest")


def test_a_stored_file_says_that_it_is_waited_for(odd, mount):
    server = odd()
    server.put_file("f1", "slow.bin", b"x" * 3000000)
    go_on = threading.Event()
    m = mount(server)
    os.listdir(m / "storage")
    server.storage.hooks.append(
        lambda request: Reply(503, b"", hold=go_on)
    )
    try:
        with _waiting("cat", m / "storage/f1_slow.bin"):
            _until_said(m, r"^reading storage/f1_slow.bin, which has not")
    finally:
        server.storage.hooks.clear()
        go_on.set()
    assert read(m / "storage/f1_slow.bin") == b"x" * 3000000
    wait_until(lambda: _said(m, "doing") == IDLE, 20, "rest")


def test_ranges_that_stand_still_are_counted(odd, mount):
    """Some of them: what has come is read meanwhile."""
    server = odd()
    content = bytes(range(256)) * (24 << 12)
    server.put_file("f1", "slow.bin", content)
    go_on = threading.Event()
    m = mount(server)
    os.listdir(m / "storage")
    server.storage.hooks.append(
        lambda request: None
        if request.headers.get("range", "").startswith("bytes=0-")
        else Reply(503, b"", hold=go_on)
    )
    try:
        with _waiting("cat", m / "storage/f1_slow.bin"):
            _until_said(
                m, r"^reading storage/f1_slow.bin, [1-9]\d* of \d+ bytes handed out,"
                r" for \d+ s, \d+ of \d+ ranges stalled"
            )
    finally:
        server.storage.hooks.clear()
        go_on.set()
    assert read(m / "storage/f1_slow.bin") == content


def test_a_quota_says_until_when_it_is_waited_for(odd, mount):
    server = odd()
    server.tables["posts"] = records(10)
    m = mount(server)
    server.hooks.append(
        lambda request: Reply(429, b"{}", headers={"Retry-After": "600"})
        if request.is_page("posts")
        else None
    )
    with _waiting("ls", m / "posts"):
        _until_said(m, r"^waiting for the quota until 20\d\d-\d\d-\d\dT")


def test_tables_are_told_with_how_they_are_known(odd, mount):
    server = odd()
    server.tables["posts"] = records(150)
    server.tables["orders"] = records(2)
    m = mount(server, env={"BKEND_TABLES": "posts"})
    assert _said(m, "table") == ["posts, named, never listed whole"]
    os.listdir(m / "posts")
    os.stat(m / "orders")
    posts, orders = _said(m, "table")
    assert posts.startswith("posts, named, 150 records when it was listed, 20")
    assert orders == "orders, found by use, never listed whole"
    assert _said(m, "tables") == ["2"]
    assert not _said(m, "warning")


def test_a_mount_without_tables_warns(odd, mount):
    m = mount(odd(), env={"BKEND_TABLES": None})
    (warning,) = _said(m, "warning")
    assert "no table is known" in warning
    assert not _said(m, "table")
