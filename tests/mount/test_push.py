"""Records that are read in the order of their listing are in the kernel's cache
before they are asked for. Nobody else's are, and always with the right bytes."""

import contextlib
import os
import random
import re
import subprocess
import threading
import time

import pytest

import jsontext
from conftest import is_mounted, run, succeed, wait_until
from records import oid, read, record, record_names, records

# libfuse's own words, of which -d makes lines of the log.
READ = re.compile(rb"opcode: READ \(15\)")
STORE = re.compile(rb"NOTIFY: code=4\b")  # FUSE_NOTIFY_STORE

TRACED = ("-d", "-o", "log_level=debug")


def _text(raw, layout):
    return jsontext.pretty(raw) if layout == "pretty" else raw


def _counts(m):
    """How many reads reached the daemon so far, and how many texts it stored in
    the kernel's cache."""
    log = m.log()
    return len(READ.findall(log)), len(STORE.findall(log))


def _paths(m, count):
    """The records' paths in the order in which they are listed."""
    names = os.listdir(m / "t")
    assert names == record_names(count)
    return [m / "t" / name for name in names]


@pytest.mark.alone
def test_reading_in_order_hardly_asks_the_daemon(odd, mount):
    server = odd()
    server.tables["t"] = records(1000)
    m = mount(server, *TRACED)
    paths = _paths(m, 1000)
    assert _counts(m) == (0, 0)
    out = succeed("cat", *paths)
    assert out == b"".join(map(jsontext.pretty, server.tables["t"]))
    reads, stores = _counts(m)
    assert reads < 300
    assert stores > 500
    # What was read or pushed is there to stay, but for what the kernel drops
    # where it is short of memory, and asks for once more.
    for _ in range(5):
        reads = _counts(m)[0]
        assert succeed("cat", *paths) == out
        if _counts(m)[0] == reads:
            break
    assert _counts(m)[0] == reads


@pytest.mark.alone
def test_a_copy_hardly_asks_the_daemon(odd, mount, work):
    server = odd()
    server.tables["t"] = records(1000)
    m = mount(server, *TRACED)
    succeed("cp", "-r", m / "t", work / "copy")
    reads, _ = _counts(m)
    assert reads < 300
    copied = {
        name: (work / "copy" / name).read_bytes()
        for name in os.listdir(work / "copy")
    }
    assert copied == {
        oid(number) + ".json": jsontext.pretty(record(number))
        for number in range(1000)
    }


@pytest.mark.parametrize(
    "command",
    [
        ("ls", "-lR"),
        ("ls", "-f"),
        ("find",),
        ("find", "-type", "f", "-size", "+1"),
        ("du", "-s"),
    ],
    ids=" ".join,
)
def test_who_only_looks_gets_nothing_pushed(odd, mount, command):
    server = odd()
    server.tables["t"] = records(400)
    m = mount(server, *TRACED)
    for _ in range(2):
        succeed(*command, cwd=m.path)
        succeed(*command, cwd=m / "t")
    assert _counts(m) == (0, 0)


def test_one_record_alone_brings_no_other(odd, mount):
    server = odd()
    server.tables["t"] = records(400)
    m = mount(server, *TRACED)
    paths = _paths(m, 400)
    assert paths[200].read_bytes() == jsontext.pretty(record(200))
    time.sleep(0.2)
    assert _counts(m) == (1, 0)


def test_reading_against_the_order_hardly_pushes(odd, mount):
    server = odd()
    server.tables["t"] = records(300)
    m = mount(server, *TRACED)
    for path in reversed(_paths(m, 300)):
        assert path.read_bytes() == jsontext.pretty(
            record(int(path.stem[8:], 16))
        )
    reads, stores = _counts(m)
    assert reads == 300
    # Two reads may be noticed in the wrong order: a wrong guess is short.
    assert stores < 60


@pytest.mark.parametrize("layout", ["pretty", "raw"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_gives_the_right_contents(odd, mount, layout, seed):
    server = odd()
    server.tables["t"] = records(600)
    m = mount(server, "-o", f"json={layout}")
    paths = list(enumerate(_paths(m, 600)))
    chance = random.Random(seed)
    if seed == 1:
        chance.shuffle(paths)
    else:
        # Here and there a run in order, forwards again and again.
        pieces = []
        while paths:
            length = chance.randrange(1, 60)
            pieces.append(paths[:length])
            del paths[:length]
        chance.shuffle(pieces)
        paths = [path for piece in pieces for path in piece]
    for number, path in paths:
        assert read(path) == _text(record(number), layout)


@pytest.mark.parametrize("layout", ["pretty", "raw"])
def test_texts_of_any_size_come_whole(odd, mount, layout):
    """Empty ones aside: of a page, of some, over 64 KiB, and odd ones."""
    sizes = [0, 1, 3800, 4096, 8192, 65000, 65536, 70000, 300000, 700000]
    server = odd()
    server.tables["t"] = [
        record(number, b',"x":"%s","y":[%s]' % (
            "é".encode() * (sizes[number % len(sizes)] // 2),
            b",".join([b"1"] * (number % 50)),
        ))
        for number in range(200)
    ]
    m = mount(server, "-o", f"json={layout}")
    for number, path in enumerate(_paths(m, 200)):
        text = _text(server.tables["t"][number], layout)
        assert os.stat(path).st_size == len(text)
        assert read(path) == text


def test_large_records_are_not_pushed(odd, mount):
    server = odd()
    server.tables["t"] = records(100, extra=b',"x":"%s"' % (b"x" * 70000))
    m = mount(server, *TRACED)
    for number, path in enumerate(_paths(m, 100)):
        assert path.read_bytes() == jsontext.pretty(server.tables["t"][number])
    reads, stores = _counts(m)
    assert reads >= 100
    assert stores == 0


def test_readers_side_by_side_do_not_mix_their_records(odd, mount):
    server = odd()
    tables = [f"t{number}" for number in range(12)]
    for number, table in enumerate(tables):
        server.tables[table] = records(300, 1000 * number)
    m = mount(server)

    def begin(table):
        return subprocess.Popen(
            ["sh", "-c", "cat ./*", "sh"], cwd=m / table, stdout=subprocess.PIPE
        )

    readers = [(table, begin(table)) for table in tables * 2]
    for table, reader in readers:
        out, _ = reader.communicate(timeout=40)
        assert reader.returncode == 0
        assert out == b"".join(map(jsontext.pretty, server.tables[table]))


def test_what_changed_is_not_pushed_in_its_old_form(odd, mount):
    server = odd()
    server.tables["t"] = records(300)
    m = mount(server, "-o", "ttl=0")
    for path in _paths(m, 300):
        read(path)
    changed = {}
    with server.lock:
        for number in range(0, 300, 7):
            changed[number] = record(number, b',"new":true').replace(
                b'"updatedAt":"2026', b'"updatedAt":"2027'
            )
            server.tables["t"][number] = changed[number]
    assert sorted(os.listdir(m / "t")) == record_names(300)
    for number in range(300):
        assert read(m / "t" / (oid(number) + ".json")) == jsontext.pretty(
            changed.get(number, record(number))
        )


@pytest.mark.parametrize("how", ["lazily", "by signal"])
def test_an_unmount_while_records_are_read_in_order(odd, mount, how):
    server = odd()
    server.tables["t"] = records(3000)
    m = mount(server)
    paths = _paths(m, 3000)
    far_enough, end = threading.Event(), threading.Event()

    def read_on():
        with contextlib.suppress(OSError):
            for number, path in enumerate(paths):
                assert path.read_bytes() == jsontext.pretty(record(number))
                if number == 500:
                    far_enough.set()
        end.set()

    reader = threading.Thread(target=read_on, daemon=True)
    reader.start()
    assert far_enough.wait(20)
    if how == "lazily":
        succeed("fusermount3", "-uz", m.path)
    else:
        m.process.terminate()
    assert m.wait() == 0
    assert end.wait(20)
    reader.join(20)
    wait_until(lambda: not is_mounted(m.path), what="the unmount")


def test_a_mount_that_was_read_in_order_can_be_unmounted_at_once(odd, mount):
    server = odd()
    server.tables["t"] = records(1000)
    for _ in range(5):
        m = mount(server)
        paths = _paths(m, 1000)
        assert run("cat", *paths[:700]).returncode == 0
        m.unmount()  # in the middle of a window; it must end well
