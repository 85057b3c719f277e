"""What was read of a stored file is kept: read again without a request, within
the limit, right after a crash, on a full disk and after damage."""

import errno
import hashlib
import os
import random
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

import truth
from conftest import run, succeed, wait_until
from records import fails, moment, oid, read, record_names, records

pytestmark = pytest.mark.threads

MIB = 1 << 20
BLOCK = 128 << 10
BIG = random.Random(11).randbytes(12 * MIB + 4321)


def _holds(server, number=1, data=BIG, **claim):
    server.put_file(oid(number), "f.bin", data, **claim)
    return f"storage/{oid(number)}_f.bin"


def _same(got, wanted):
    """Equal, without a comparison of megabytes in the report."""
    if got != wanted:
        pairs = enumerate(zip(got, wanted))
        at = next((n for n, (a, b) in pairs if a != b), "the end")
        raise AssertionError(f"{len(got)} bytes for {len(wanted)}, other from {at} on")


def _asked(server):
    """How many requests there were for a file's content."""
    urls = server.count(lambda r: r.path.endswith("/download-url"))
    return urls + len(server.storage.log)


def _metric(m, name):
    found = re.search(rf"^bkendfs_{name} (\d+)$", m.report("metrics").decode(), re.M)
    return int(found[1])


def _drop_pages(path):
    """The kernel's copy goes, so that the program is asked again."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _part(path, offset, length):
    handle = os.open(path, os.O_RDONLY)
    try:
        got = b""
        while len(got) < length:
            piece = os.pread(handle, length - len(got), offset + len(got))
            if not piece:
                break
            got += piece
        return got
    finally:
        os.close(handle)


def _usage(path):
    """What a directory takes up, database and all. Files may come and go."""
    total = 0
    for where, _, names in os.walk(path):
        for name in [".", *names]:
            try:
                total += os.lstat(os.path.join(where, name)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total


def _segments(cache):
    return sorted(Path(cache).glob("*.content/*/*/*"))


# Reading again -------------------------------------------------------------


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_a_file_read_once_is_read_again_without_a_request(odd, mount, work, ranges):
    server = odd()
    server.storage.ranges = ranges
    path = _holds(server)
    m = mount(server, cache=work / "cache")
    _same(read(m / path), BIG)
    wait_until(lambda: _metric(m, "content_bytes") >= len(BIG), 20)
    before = _asked(server)
    served = _metric(m, "content_reads_total")
    _drop_pages(m / path)
    _same(read(m / path), BIG)
    assert _asked(server) == before
    assert _metric(m, "content_reads_total") > served
    m.unmount()
    m = mount(server, cache=work / "cache")
    _same(read(m / path), BIG)
    _same(_part(m / path, 5 * MIB + 77, 300000), BIG[5 * MIB + 77 :][:300000])
    assert _asked(server) == before


def test_what_was_read_of_a_file_is_not_fetched_again(odd, mount, work):
    server = odd()
    path = _holds(server)
    m = mount(server, cache=work / "cache")
    _same(_part(m / path, 0, MIB), BIG[:MIB])
    m.unmount()
    # Of what was read ahead, some requests may still be on their way.
    server.storage.settle()
    server.storage.log.clear()
    m = mount(server, cache=work / "cache")
    _same(_part(m / path, 0, MIB), BIG[:MIB])
    assert not server.storage.log
    _same(read(m / path), BIG)


def test_offline_serves_what_was_read_and_nothing_else(odd, mount, work):
    server = odd()
    whole, part, never = (_holds(server, number) for number in (1, 2, 3))
    empty = _holds(server, 4, b"")
    m = mount(server, cache=work / "cache")
    os.listdir(m / "storage")
    _same(read(m / whole), BIG)
    _same(read(m / empty), b"")
    handle = os.open(m / part, os.O_RDONLY)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_RANDOM)
    assert os.pread(handle, 4096, 6 * MIB) == BIG[6 * MIB :][:4096]
    os.close(handle)
    m.unmount()
    server.stop()
    m = mount(server, "-o", "offline", cache=work / "cache")
    _same(read(m / whole), BIG)
    _same(read(m / empty), b"")
    _same(_part(m / part, 6 * MIB, 4096), BIG[6 * MIB :][:4096])
    with fails(errno.ENODATA):
        _part(m / part, 11 * MIB, 4096)
    with fails(errno.ENODATA):
        read(m / part)
    with fails(errno.ENODATA):
        read(m / never)


def test_a_copy_offline_is_that_made_online(odd, mount, work):
    server = odd()
    server.tables["posts"] = records(150)
    dice = random.Random(2)
    for number in range(40):
        size = dice.choice([0, 1, 100, BLOCK, BLOCK + 1, 300000, MIB])
        _holds(server, number, BIG[number : number + size])
    _holds(server, 99, BIG)
    m = mount(server, cache=work / "cache")
    succeed("cp", "-r", m.path, work / "online")
    wanted = truth.tree(server)
    m.unmount()
    server.stop()
    m = mount(server, "-o", "offline", cache=work / "cache")
    succeed("cp", "-r", m.path, work / "offline")
    online = truth.on_disk(work / "online")
    truth.assert_same(online, wanted)
    truth.assert_same(truth.on_disk(work / "offline"), online)


# How much ------------------------------------------------------------------


class Watch(threading.Thread):
    """Looks all the time, and remembers the most that it saw."""

    def __init__(self, look):
        super().__init__(daemon=True)
        self.look, self.most, self.over = look, look(), threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.005):
            self.most = max(self.most, self.look())

    def end(self):
        self.over.set()
        self.join(10)
        return max(self.most, self.look())


def test_the_limit_holds_while_much_more_is_read(odd, mount, work):
    server = odd()
    server.tables["posts"] = records(300)
    paths = [_holds(server, number, BIG[number:]) for number in range(6)]
    small = [_holds(server, 100 + n, BIG[n : n + 50]) for n in range(200)]
    m = mount(server, "-o", "cache_size=24M", cache=work / "cache")
    watch = Watch(lambda: _usage(work / "cache"))
    for number, path in enumerate(paths):
        _same(read(m / path), BIG[number:])
    for number, path in enumerate(small):
        _same(read(m / path), BIG[number : number + 50])
    assert len(os.listdir(m / "posts")) == 300
    m.unmount()
    assert watch.end() <= 24 * MIB
    # The next mount allows for less.
    m = mount(server, "-o", "cache_size=8M", cache=work / "cache")
    wait_until(lambda: _usage(work / "cache") <= 8 * MIB, 20)
    _same(read(m / paths[0]), BIG)
    m.unmount()
    assert _segments(work / "cache")
    assert _usage(work / "cache") <= 8 * MIB


def test_contents_make_room_for_records(odd, mount, work):
    server = odd()
    # The database and its log take up from 10 to 20 MiB.
    server.tables["posts"] = records(2500, extra=b',"text":"%s"' % (b"x" * 2000))
    paths = [_holds(server, number, BIG[number:]) for number in range(2)]
    m = mount(server, "-o", "cache_size=32M", cache=work / "cache")
    for number, path in enumerate(paths):
        _same(read(m / path), BIG[number:])
    wait_until(lambda: _metric(m, "content_bytes") >= 24 * MIB, 20)
    assert len(os.listdir(m / "posts")) == 2500
    wait_until(
        lambda: _metric(m, "content_removed_total")
        and _usage(work / "cache") <= 32 * MIB,
        30,
    )
    for number, path in enumerate(paths):
        _same(read(m / path), BIG[number:])


@pytest.mark.parametrize("option", ["cache_size=0", "nocache", "cache_size=1K"])
def test_where_nothing_may_be_kept_all_else_works(odd, mount, work, option):
    server = odd()
    server.tables["posts"] = records(30)
    path = _holds(server)
    m = mount(server, "-o", option, cache=work / "cache")
    for _ in range(2):
        before = len(server.storage.log)
        _same(read(m / path), BIG)
        assert len(server.storage.log) > before
        assert sorted(os.listdir(m / "posts")) == record_names(30)
        _drop_pages(m / path)
    m.unmount()
    assert not _segments(work / "cache")


def _reads_right_and_lists(server, m, paths):
    for number, path in enumerate(paths):
        _same(read(m / path), BIG[number:])
    assert sorted(os.listdir(m / "posts")) == record_names(500)
    for name in record_names(500)[::50]:
        assert read(m / "posts" / name)


def test_a_small_disk_breaks_nothing(odd, small_disk, mount):
    server = odd()
    server.tables["posts"] = records(500, extra=b',"text":"%s"' % (b"x" * 1000))
    paths = [_holds(server, number, BIG[number:]) for number in range(5)]
    disk = small_disk(24)
    watch = Watch(lambda: shutil.disk_usage(disk).used)
    m = mount(server, cache=disk / "cache")
    for _ in range(2):
        _reads_right_and_lists(server, m, paths)
        for path in paths:
            _drop_pages(m / path)
    assert _metric(m, "content_bytes") > 4 * MIB
    m.unmount()
    m = mount(server, cache=disk / "cache")
    _reads_right_and_lists(server, m, paths)
    assert _metric(m, "content_damaged_total") == 0
    # Never to the last byte: the database, and others, need some.
    assert watch.end() < 23 * MIB + MIB // 2


def test_a_disk_that_others_fill_breaks_nothing(odd, small_disk, mount):
    server = odd()
    server.tables["posts"] = records(500)
    paths = [_holds(server, number, BIG[number:]) for number in range(4)]
    disk = small_disk(32)
    m = mount(server, "-o", "ttl=0", cache=disk / "cache")
    _same(read(m / paths[0]), BIG)
    wait_until(lambda: _metric(m, "content_bytes") >= len(BIG), 20)
    # All but 4 MiB are gone. What is kept makes room, in time.
    free = shutil.disk_usage(disk).free - 4 * MIB
    with open(disk / "filler", "wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, free)
    _reads_right_and_lists(server, m, paths)
    m.unmount()
    m = mount(server, cache=disk / "cache")
    _reads_right_and_lists(server, m, paths)


def _lists(m, count):
    try:
        return sorted(os.listdir(m / "posts")) == record_names(count)
    except OSError as error:
        assert error.errno == errno.ENOSPC
        return False


def test_records_come_before_contents_where_a_disk_is_full(odd, small_disk, mount):
    """What is kept makes way for them, and errors says why it took a while."""
    server = odd()
    server.tables["posts"] = records(4000, extra=b',"text":"%s"' % (b"x" * 1500))
    paths = [_holds(server, number, BIG[number:]) for number in range(5)]
    m = mount(server, cache=small_disk(20) / "cache")
    for path in paths:
        assert read(m / path)
    if not _lists(m, 4000):
        assert "no room for the replica" in read(m / ".bkendfs/errors").decode()
        wait_until(lambda: _lists(m, 4000), 60)


def test_a_log_leaves_its_database_the_room_to_take_it_over(odd, small_disk, mount):
    """The log of the database may not fill the disk that both are on: it could
    not become database, and nothing could be written any more."""
    server = odd()
    tables = [f"t{number}" for number in range(8)]
    for table in tables:
        server.tables[table] = records(1000, extra=b',"text":"%s"' % (b"x" * 1500))
    disk = small_disk(26)
    m = mount(server, "-o", f"tables={':'.join(tables)}", cache=disk / "cache")
    for table in tables:
        assert sorted(os.listdir(m / table)) == record_names(1000)
    m.unmount()
    server.stop()
    m = mount(server, "-o", "offline", cache=disk / "cache")
    for table in tables:
        assert sorted(os.listdir(m / table)) == record_names(1000)


# Crashes and damage --------------------------------------------------------


def test_after_a_crash_at_any_moment_everything_reads_right(odd, mount, work):
    server = odd()
    server.storage.rate = 60 * MIB
    datas = [BIG[number : number + 3 * MIB + number] for number in range(4)]
    paths = [_holds(server, number, data) for number, data in enumerate(datas)]
    sums = [hashlib.sha256(data).digest() for data in datas]
    dice = random.Random(time.time_ns())
    for attempt in range(10):
        m = mount(server, cache=work / "cache")
        target = work / f"copy-{attempt}"
        copy = subprocess.Popen(
            ["cp", "-r", m / "storage", target],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(dice.uniform(0.02, 0.25))
        m.kill()
        run("fusermount3", "-uz", m.path)
        copy.wait(20)
        if attempt % 3 == 2:  # in between, what is kept adds up
            m = mount(server, cache=work / "cache")
            for path, wanted in zip(paths, sums):
                assert hashlib.sha256(read(m / path)).digest() == wanted
            assert _metric(m, "content_damaged_total") == 0
            m.kill()
            run("fusermount3", "-uz", m.path)
    m = mount(server, cache=work / "cache")
    for path, data in zip(paths, datas):
        _same(read(m / path), data)


def test_damage_on_the_disk_is_noticed_and_mended(odd, mount, work):
    server = odd()
    paths = [_holds(server, number, BIG[number:]) for number in range(2)]
    m = mount(server, cache=work / "cache")
    for number, path in enumerate(paths):
        _same(read(m / path), BIG[number:])
    m.unmount()
    segments = _segments(work / "cache")
    assert len(segments) == 4
    dice = random.Random(5)
    for segment in segments:
        with open(segment, "r+b") as file:
            for _ in range(5):
                place = dice.choice([dice.randrange(256), dice.randrange(4096, 4 * MIB)])
                file.seek(place)
                byte = file.read(1)[0]
                file.seek(place)
                file.write(bytes([byte ^ (1 << dice.randrange(8))]))
    m = mount(server, cache=work / "cache")
    for number, path in enumerate(paths):
        _same(read(m / path), BIG[number:])
    assert _metric(m, "content_damaged_total") >= 4
    m.unmount()
    # Once more, from what was mended.
    before = _asked(server)
    m = mount(server, cache=work / "cache")
    for number, path in enumerate(paths):
        _same(read(m / path), BIG[number:])
    assert _asked(server) == before
    assert _metric(m, "content_damaged_total") == 0
    m.unmount()
    # Files of other files, nothing and all.
    shutil.copyfile(segments[0], segments[2])
    segments[1].write_bytes(b"")
    os.truncate(segments[3], os.stat(segments[3]).st_size // 2)
    m = mount(server, cache=work / "cache")
    for number, path in enumerate(paths):
        _same(read(m / path), BIG[number:])


# Objects that change -------------------------------------------------------


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("remount", [True, False], ids=["remount", "same mount"])
def test_kept_and_new_bytes_are_never_mixed(odd, mount, work, ranges, remount):
    size = 32 * MIB  # far more than is fetched ahead of one who reads a MiB
    old, new = b"A" * size, b"B" * size
    server = odd()
    path = _holds(server, 1, old)
    m = mount(server, cache=work / "cache")
    _same(_part(m / path, 0, MIB), old[:MIB])
    if remount:
        m.unmount()
    server.storage.ranges = ranges
    server.storage.objects[f"/bucket/{oid(1)}"] = new
    if remount:
        m = mount(server, cache=work / "cache")

    def reads_again():
        try:
            whole = read(m / path)
        except OSError as error:
            assert error.errno in (errno.EIO, errno.ESTALE)
            return False
        # Of the old one only a part was kept.
        _same(whole, new)
        return True

    # The kernel hears a little later that the name leads elsewhere.
    wait_until(reads_again, 20)
    m.unmount()
    m = mount(server, "-o", "offline", cache=work / "cache")
    _same(read(m / path), new)


def test_a_file_whose_metadata_changes_is_fetched_anew(odd, mount, work):
    server = odd()
    path = _holds(server, 1, BIG[: 2 * MIB], at=moment(1))
    m = mount(server, "-o", "ttl=0", cache=work / "cache")
    _same(read(m / path), BIG[: 2 * MIB])
    _holds(server, 1, BIG[7 : 2 * MIB + 7], at=moment(2))
    os.listdir(m / "storage")
    wait_until(lambda: read(m / path) == BIG[7 : 2 * MIB + 7], 10)
    m.unmount()
    _holds(server, 1, BIG[9 : 2 * MIB + 9], at=moment(3))
    m = mount(server, "-o", "ttl=0", cache=work / "cache")
    os.listdir(m / "storage")
    wait_until(lambda: read(m / path) == BIG[9 : 2 * MIB + 9], 10)
    m.unmount()
    m = mount(server, "-o", "offline", cache=work / "cache")
    _same(read(m / path), BIG[9 : 2 * MIB + 9])


# Who may see it ------------------------------------------------------------


def test_the_cache_holds_no_secret_and_is_for_the_owner_alone(odd, mount, work):
    server = odd()
    paths = [_holds(server, number, b"plain" * 100000) for number in range(3)]
    m = mount(server, cache=work / "cache")
    for path in paths:
        read(m / path)
    wait_until(lambda: _metric(m, "content_bytes") >= 1500000, 20)
    for _ in range(2):
        for where, below, names in os.walk(work / "cache"):
            for name in below:
                assert os.stat(os.path.join(where, name)).st_mode & 0o777 == 0o700
            for name in names:
                full = Path(where) / name
                assert full.stat().st_mode & 0o777 == 0o600
                held = full.read_bytes()
                told = [b"X-Amz-", b"Bearer", server.storage.url.encode()]
                for secret in server.secrets() + told:
                    assert held.find(secret) < 0, (full, secret)
                assert oid(1) not in name
        m.unmount()


def test_two_mounts_of_one_project_work_at_once(odd, mount, work):
    server = odd()
    path = _holds(server)
    one = mount(server, cache=work / "cache")
    _same(_part(one / path, 0, MIB), BIG[:MIB])
    two = mount(server, cache=work / "cache")
    assert b"mounted elsewhere" in two.log()
    readers = [
        threading.Thread(target=lambda m: sums.append(read(m / path)), args=(m,))
        for m in (one, two, one, two)
    ]
    sums = []
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(40)
    assert len(sums) == 4
    for got in sums:
        _same(got, BIG)
    two.unmount()
    one.unmount()
    before = _asked(server)
    _same(read(mount(server, cache=work / "cache") / path), BIG)
    assert _asked(server) == before
