"""What .bkendfs/status says, in plain words, to who looks at a silent `cp`."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from conftest import wait_until, wait_until_it_waits
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
        yield program
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


def _metrics(mount):
    """By the format's own parser: {name: value}, and what it is called by."""
    text = mount.report("metrics").decode("ascii")
    assert text.endswith("\n")
    found, families = {}, list(text_string_to_metric_families(text))
    for family in families:
        assert re.fullmatch(r"bkendfs_[a-z]+(_[a-z]+)*", family.name)
        assert family.type in ("counter", "gauge")
        assert family.documentation.endswith(".")
        (sample,) = family.samples
        assert not sample.labels and sample.timestamp is None
        # The parser takes the ending off a counter's name, and puts it back.
        assert sample.name == family.name + ("_total" if family.type == "counter" else "")
        assert f"\n# TYPE {sample.name} {family.type}\n" in text
        assert sample.value >= 0 and sample.value == int(sample.value)
        assert sample.name not in found
        found[sample.name] = sample.value
    # Nothing stands there that it has passed over.
    assert len(text.splitlines()) == 3 * len(families)
    return found


def test_the_metrics_are_what_a_parser_of_theirs_expects(odd, mount):
    server = odd()
    server.tables["posts"] = records(10)
    server.put_file("f1", "file.bin", b"x" * 3000)
    m = mount(server)
    before = _metrics(m)
    assert before["bkendfs_sign_ins_total"] == 1
    os.listdir(m / "posts")
    read(m / "storage/f1_file.bin")
    with pytest.raises(FileNotFoundError):
        os.listdir(m / "nosuch")
    after = _metrics(m)
    assert before.keys() == after.keys()
    assert after["bkendfs_api_requests_total"] == len(server.log)
    assert after["bkendfs_object_requests_total"] == len(server.storage.log)
    assert after["bkendfs_replica_nodes"] >= before["bkendfs_replica_nodes"] + 11
    for name in after:
        assert not name.endswith("_total") or after[name] >= before[name], name


@pytest.mark.alone
def test_it_is_told_at_once_while_everything_stalls(odd, mount):
    server = odd()
    server.tables["posts"] = records(10)
    server.tables["other"] = records(10)
    for number in range(40):
        server.put_file(f"f{number}", "f.bin", b"x" * 3000)
    go_on = threading.Event()
    m = mount(server)
    os.listdir(m / "storage")
    for one in (server, server.storage):
        one.hooks.append(
            lambda request: None
            if request.path.endswith("/download-url")
            else Reply(503, b"", hold=go_on)
        )
    with contextlib.ExitStack() as stack:
        stack.callback(go_on.set)
        commands = [["ls", m / "posts"], ["ls", m / "other"]]
        commands += [["cat", m / f"storage/f{number}_f.bin"] for number in range(40)]
        for program in [stack.enter_context(_waiting(*words)) for words in commands]:
            wait_until_it_waits(program, m.pid)
        for name in ("status", "metrics", "errors") * 5:
            began = time.monotonic()
            m.report(name)
            assert time.monotonic() - began < 0.5, name
