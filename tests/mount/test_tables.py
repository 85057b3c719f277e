"""A table as one stream: .bkendfs/tables/posts.ndjson."""

import concurrent.futures
import errno
import os
import random
import signal
import subprocess
import threading

import pytest

from conftest import succeed, wait_until
from odd_server import Reply
from records import fails, oid, read, record, records
from test_memory import MIB, SANITIZED, _peak


def _stream(mount, table):
    return mount / ".bkendfs" / "tables" / f"{table}.ndjson"


def _lines(raw_records):
    return b"".join(raw.replace(b"\n", b" ") + b"\n" for raw in raw_records)


def test_every_record_is_a_line_in_listing_order(odd, mount):
    server = odd()
    server.tables["posts"] = records(1234)
    m = mount(server)
    wanted = _lines(records(1234))
    assert os.stat(_stream(m, "posts")).st_size == len(wanted)
    assert read(_stream(m, "posts")) == wanted
    assert succeed("jq", "-s", "length", _stream(m, "posts")) == b"1234\n"


def test_it_is_found_by_name_and_never_in_the_tree(odd, mount, work):
    server = odd()
    server.tables["posts"] = records(3)
    server.tables["orders"] = records(2)
    m = mount(server)
    tables = sorted(os.listdir(m / ".bkendfs" / "tables"))
    assert tables == sorted(f"{t}.ndjson" for t in [*server.tables, "files"])
    assert "tables" in os.listdir(m / ".bkendfs")
    assert ".bkendfs" not in os.listdir(m.path)
    succeed("cp", "-r", m.path, work / "copy")
    assert not list((work / "copy").rglob("*.ndjson"))
    inside = os.stat(m / ".bkendfs" / "tables" / "..").st_ino
    assert inside == os.stat(m / ".bkendfs").st_ino


def test_tokens_are_as_the_server_sent_them(odd, mount):
    server = odd()
    odd_one = (
        b'{"id":"%s",\n  "n": 12345678901234567890, "x":1.0,"e":1e400,\n'
        b'  "s":"a\\nb\\u0000\\ud800", "s":1 }' % oid(1).encode()
    )
    server.tables["posts"] = [record(0), odd_one, record(2)]
    m = mount(server)
    assert read(_stream(m, "posts")) == _lines([record(0), odd_one, record(2)])


def test_a_piece_is_read_from_anywhere(odd, mount):
    server = odd()
    server.tables["posts"] = [
        record(n, b',"t":"%s"' % (b"x" * (n * 37 % 5000))) for n in range(700)
    ]
    m = mount(server)
    wanted = _lines(server.tables["posts"])
    chance = random.Random(7)
    fd = os.open(_stream(m, "posts"), os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
        for _ in range(300):
            at = chance.randrange(len(wanted) + 10)
            size = chance.choice([1, 10, 4096, 70000, 300000])
            assert os.pread(fd, size, at) == wanted[at : at + size]
    finally:
        os.close(fd)


@pytest.mark.parametrize("layout", ["pretty", "raw"])
def test_of_a_large_record_only_what_is_read_is_loaded(odd, mount, layout):
    """It was loaded as a whole for each piece."""
    server = odd()
    server.tables["posts"] = [
        record(n, b',"t":"%s"\n' % (b"%05d\\n" % n * size))
        for n, size in enumerate([1, 1200000, 2, 9400, 9340, 2, 900000, 400000, 1])
    ]
    m = mount(server, "-o", f"json={layout}")
    wanted = _lines(server.tables["posts"])
    assert os.stat(_stream(m, "posts")).st_size == len(wanted)
    ends = [n for n, byte in enumerate(wanted) if byte == 10]
    places = [max(end + by, 0) for end in ends for by in (-70000, -1, 0, 1)]
    places += [random.Random(8).randrange(len(wanted) + 10) for _ in range(40)]
    before = _peak(m.pid)
    fd = os.open(_stream(m, "posts"), os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            pieces = pool.map(lambda at: os.pread(fd, 100000, at), places)
            for at, piece in zip(places, pieces):
                assert piece == wanted[at : at + 100000]
    finally:
        os.close(fd)
    assert read(_stream(m, "posts")) == wanted
    assert SANITIZED or _peak(m.pid) - before < 12 * MIB


def test_an_empty_table_is_an_empty_file(odd, mount):
    server = odd()
    server.tables["posts"] = []
    m = mount(server)
    assert read(_stream(m, "posts")) == b""


def test_metadata_of_stored_files_is_one_too(odd, mount):
    server = odd()
    server.put_file("f1", "a.txt", b"abc")
    m = mount(server)
    assert read(_stream(m, "files")) == _lines(server.files.values())


def test_a_table_that_is_not_known_is_asked_for(odd, mount):
    server = odd()
    server.tables["posts"] = records(3)
    m = mount(server, env={"BKEND_TABLES": None})
    assert read(_stream(m, "posts")) == _lines(records(3))
    with fails(errno.ENOENT):
        read(_stream(m, "nothing"))
    with fails(errno.ENOENT):
        read(m / ".bkendfs" / "tables" / "posts.json")


def test_it_is_complete_or_an_error(odd, mount):
    server = odd()
    server.tables["posts"] = records(500)
    server.hooks.append(
        lambda request: Reply(500, b"{}")
        if request.path == "/v1/data/posts" and "page=4" in request.target
        else None
    )
    m = mount(server, "-o", "retry=1")
    with fails(errno.EIO):
        read(_stream(m, "posts"))
    server.hooks.clear()
    assert read(_stream(m, "posts")) == _lines(records(500))


def test_what_is_open_stays_what_it_was(odd, mount):
    server = odd()
    server.tables["posts"] = records(300)
    m = mount(server, "-o", "ttl=0")
    with open(_stream(m, "posts"), "rb", buffering=0) as old:
        size = os.fstat(old.fileno()).st_size
        new = [record(0, b'000,"changed":true'), *records(99, 1)]
        server.tables["posts"] = new
        assert read(_stream(m, "posts")) == _lines(new)
        assert os.fstat(old.fileno()).st_size == size
        assert old.read(size + 1) == _lines(records(300))


def test_an_unchanged_table_is_made_once(odd, mount):
    server = odd()
    server.tables["posts"] = records(300)
    m = mount(server)
    with open(_stream(m, "posts"), "rb"):
        first = os.stat(_stream(m, "posts")).st_ino
        assert os.stat(_stream(m, "posts")).st_ino == first


def test_offline_an_unlisted_table_is_no_short_one(odd, mount, work):
    server = odd()
    server.tables["posts"] = records(300)
    server.tables["authors"] = records(3)
    m = mount(server, cache=work / "cache")
    read(_stream(m, "authors"))
    read(m / "posts" / f"{oid(7)}.json")
    m.unmount()
    m = mount(server, "-o", "offline", cache=work / "cache")
    assert read(_stream(m, "authors")) == _lines(records(3))
    with fails(errno.ENODATA):
        read(_stream(m, "posts"))


def test_who_waits_for_it_can_be_interrupted(odd, mount):
    server = odd()
    server.tables["posts"] = records(300)
    asked, go_on = threading.Event(), threading.Event()

    def hang(request):
        if request.path != "/v1/data/posts" or "page=2" not in request.target:
            return None
        asked.set()
        return Reply(200, b"{}", hold=go_on)

    server.hooks.append(hang)
    m = mount(server)
    reader = subprocess.Popen(["cat", _stream(m, "posts")])
    try:
        assert asked.wait(20)
        reader.send_signal(signal.SIGINT)
        wait_until(lambda: reader.poll() is not None, 10, "the end of cat")
    finally:
        go_on.set()
        reader.wait(20)


def test_a_mount_ends_while_it_is_waited_for(odd, mount):
    server = odd()
    server.tables["posts"] = records(300)
    asked, go_on = threading.Event(), threading.Event()

    def hang(request):
        if request.path != "/v1/data/posts" or "page=2" not in request.target:
            return None
        asked.set()
        return Reply(200, b"{}", hold=go_on)

    server.hooks.append(hang)
    m = mount(server)
    reader = subprocess.Popen(
        ["cat", _stream(m, "posts")], stderr=subprocess.DEVNULL
    )
    try:
        assert asked.wait(20)
        os.kill(m.pid, signal.SIGTERM)
        assert m.wait() == 0
        assert reader.wait(20) != 0
    finally:
        go_on.set()
