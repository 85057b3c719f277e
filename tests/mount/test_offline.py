"""Without the server: what was read once is there, and nothing else is made up."""

import contextlib
import errno
import os
import shutil
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

from conftest import read_only, run, succeed
from jsontext import pretty
from records import fails, oid, read, record, record_names, records

HERE = Path(__file__).parent


def _project(odd):
    server = odd()
    server.tables["posts"] = records(120)
    server.tables["authors"] = records(3)
    return server


def test_what_was_listed_is_there_offline(odd, mount, work):
    server = _project(odd)
    m = mount(server, cache=work / "cache")
    assert sorted(os.listdir(m / "posts")) == record_names(120)
    m.unmount()
    server.stop()
    m = mount(server, "-o", "offline", cache=work / "cache")
    assert sorted(os.listdir(m / "posts")) == record_names(120)
    for number in range(120):
        assert read(m / f"posts/{oid(number)}.json") == pretty(record(number))


def test_a_record_that_was_read_alone_is_there_offline(odd, mount, work):
    server = _project(odd)
    m = mount(server, cache=work / "cache")
    assert read(m / f"posts/{oid(7)}.json") == pretty(record(7))
    m.unmount()
    m = mount(server, "-o", "offline", cache=work / "cache")
    before = len(server.log)
    assert read(m / f"posts/{oid(7)}.json") == pretty(record(7))
    with fails(errno.ENODATA):
        read(m / f"posts/{oid(8)}.json")
    assert len(server.log) == before


@pytest.mark.parametrize("claim", [None, 0])
def test_a_file_without_a_size_is_no_empty_file(odd, mount, work, claim):
    server = odd()
    server.put_file("f1", "never.bin", b"x" * 1000, size=claim)
    server.put_file("f2", "read.bin", b"y" * 1000, size=claim)
    server.put_file("f3", "empty.bin", b"", size=claim)
    m = mount(server, cache=work / "cache")
    assert len(os.listdir(m / "storage")) == 3
    assert read(m / "storage/f2_read.bin") == b"y" * 1000
    assert read(m / "storage/f3_empty.bin") == b""
    m.unmount()
    m = mount(server, "-o", "offline", cache=work / "cache")
    assert len(os.listdir(m / "storage")) == 3
    assert run("cp", m / "storage/f1_never.bin", work / "copy").returncode == 1
    with fails(errno.ENODATA):
        os.stat(m / "storage/f1_never.bin")
    assert b"storage/f1_never.bin" in m.report()
    assert read(m / "storage/f2_read.bin") == b"y" * 1000
    assert read(m / "storage/f3_empty.bin") == b""


def test_a_table_that_was_not_listed_is_no_empty_table(odd, mount, work):
    server = _project(odd)
    m = mount(server, cache=work / "cache")
    os.listdir(m / "posts")
    m.unmount()
    m = mount(server, "-o", "offline", cache=work / "cache")
    with fails(errno.ENODATA):
        os.listdir(m / "authors")
    with fails(errno.ENODATA):
        os.listdir(m / "storage")


def test_offline_asks_nothing(odd, mount, work):
    server = _project(odd)
    m = mount(server, cache=work / "cache")
    os.listdir(m / "posts")
    m.unmount()
    before = len(server.log)
    m = mount(server, "-o", "offline", "-o", "ttl=0", cache=work / "cache")
    succeed("find", m / "posts")
    assert not os.path.exists(m / f"posts/{oid(500)}.json")
    assert len(server.log) == before


# What is lacking -----------------------------------------------------------


def _errors_of(mount):
    """[(path, errno, message)] of .bkendfs/errors."""
    lines = mount.report().decode().splitlines()
    fields = [line.split("\t") for line in lines]
    return [(field[1], field[4], field[6]) for field in fields]


def test_what_is_lacking_is_told_of(odd, mount, work):
    server = _project(odd)
    server.put_file("f1", "kept.txt", b"kept" * 1000)
    server.put_file("f2", "unread.txt", b"unread" * 1000)
    m = mount(server, cache=work / "cache")
    read(m / f"posts/{oid(7)}.json")
    os.listdir(m / "storage")
    read(m / "storage/f1_kept.txt")
    m.unmount()
    m = mount(server, "-o", "offline", cache=work / "cache")
    assert _errors_of(m) == []
    with fails(errno.ENODATA):
        os.listdir(m / "posts")
    with fails(errno.ENODATA):
        read(m / f"posts/{oid(8)}.json")
    with fails(errno.ENODATA):
        read(m / "storage/f2_unread.txt")
    with fails(errno.ENODATA):
        os.stat(m / "nowhere")
    assert read(m / "storage/f1_kept.txt") == b"kept" * 1000
    told = list(dict.fromkeys(_errors_of(m)))  # the kernel may read twice
    assert [(path, code) for path, code, _ in told] == [
        ("posts", "ENODATA"),
        (f"posts/{oid(8)}.json", "ENODATA"),
        ("storage/f2_unread.txt", "ENODATA"),
        ("nowhere", "ENODATA"),
    ]
    assert "never listed to its end" in told[0][2]
    assert "never read" in told[1][2]


def test_a_listing_that_was_broken_off_is_not_passed_off_as_whole(
    odd, mount, work
):
    server = _project(odd)
    server.tables["posts"] = records(2000)
    m = mount(server, cache=work / "cache")
    with os.scandir(m / "posts") as entries:
        assert next(entries)
    m.unmount()
    m = mount(server, "-o", "offline", cache=work / "cache")
    with fails(errno.ENODATA):
        os.listdir(m / "posts")
    assert run("cp", "-r", m / "posts", work / "copy").returncode != 0
    assert _errors_of(m)[0][0] == "posts"


def test_stored_files_that_were_read_come_in_any_order(odd, mount, work):
    server = _project(odd)
    files = {f"f{n}": os.urandom(3000 + n) for n in range(40)}
    for name, data in files.items():
        server.put_file(name, "x.bin", data)
    m = mount(server, cache=work / "cache")
    succeed("cp", "-r", m / "storage", work / "first")
    m.unmount()
    server.stop()
    m = mount(server, "-o", "offline", cache=work / "cache")
    for name in [*files, *reversed(files)]:
        assert read(m / f"storage/{name}_x.bin") == files[name]
    assert _errors_of(m) == []


# No socket -----------------------------------------------------------------


@pytest.fixture
def no_sockets(work):
    """A program that runs another one, which the kernel ends when it tries to
    make a socket."""
    program = work / "no-sockets"
    succeed("cc", "-o", program, HERE / "no-sockets.c")
    return program


def test_offline_opens_no_socket(odd, mount, work, no_sockets):
    server = _project(odd)
    server.put_file("f1", "kept.txt", b"kept" * 1000)
    m = mount(server, cache=work / "cache")
    for table in ("posts", "authors", "storage", "files"):
        os.listdir(m / table)
    read(m / "storage/f1_kept.txt")
    m.unmount()
    m = mount(
        server, "-o", "offline", cache=work / "cache", through=[no_sockets]
    )
    for name in record_names(120):
        read(m / "posts" / name)
    read(m / "storage/f1_kept.txt")
    with fails(errno.ENODATA):
        os.stat(m / "nowhere")
    with fails(errno.ENOENT):
        os.stat(m / "posts" / f"{oid(500)}.json")
    m.report("status")
    os.kill(m.pid, 1)  # SIGHUP: believe nothing, were there somebody to ask
    succeed("cp", "-r", m.path, work / "copy")
    m.unmount()  # and it ends as it should


def test_online_could_not_start_like_that(odd, work, no_sockets):
    server = _project(odd)
    (work / "mnt").mkdir()
    done = subprocess.run(
        [no_sockets, *_start_words(work / "mnt")],
        env={**os.environ, **server.env()},
        timeout=30,
    )
    assert done.returncode == -31  # SIGSYS


def _start_words(path):
    from conftest import BKENDFS

    return [BKENDFS, "-f", "-o", "nocache", path]


# Archives ------------------------------------------------------------------


def _state_of(path):
    return sorted(
        (str(inner.relative_to(path)), inner.stat().st_mtime_ns,
         inner.read_bytes() if inner.is_file() else b"")
        for inner in path.rglob("*")
    )


def _check_archive(m):
    assert sorted(os.listdir(m / "posts")) == record_names(120)
    for number in range(120):
        assert read(m / f"posts/{oid(number)}.json") == pretty(record(number))
    assert read(m / "storage/f1_kept.txt") == b"kept" * 1000
    with fails(errno.ENODATA):
        os.listdir(m / "authors")


def _make_archive(odd, mount, work):
    server = _project(odd)
    server.put_file("f1", "kept.txt", b"kept" * 1000)
    m = mount(server, cache=work / "cache")
    for table in ("posts", "storage"):
        os.listdir(m / table)
    for name in record_names(120):
        read(m / "posts" / name)
    read(m / "storage/f1_kept.txt")
    return server, m


def test_a_read_only_copy_of_the_replica_is_mounted(odd, mount, work):
    server, m = _make_archive(odd, mount, work)
    m.unmount()
    server.stop()
    archive = shutil.copytree(work / "cache", work / "archive")
    shutil.rmtree(work / "cache")
    archive.chmod(0o700)
    before = _state_of(archive)
    (work / "tmp").mkdir()
    with read_only(archive, work) as place:
        m = mount(
            server, "-o", "offline", cache=place, env={"TMPDIR": str(work / "tmp")}
        )
        _check_archive(m)
        assert not os.listdir(work / "tmp")  # it is read where it is
        m.unmount()
    assert _state_of(archive) == before


def test_a_copy_of_a_mount_that_was_killed_is_mounted(odd, mount, work):
    server, m = _make_archive(odd, mount, work)
    m.kill()
    run("fusermount3", "-uz", m.path)
    archive = shutil.copytree(work / "cache", work / "archive")
    archive.chmod(0o700)
    assert [p for p in archive.iterdir() if p.name.endswith("-wal")]
    tmp = work / "tmp"
    tmp.mkdir()
    # Nobody can be there first.
    taken = tmp / f"bkendfs-{os.geteuid()}"
    taken.mkdir()
    taken.chmod(0o777)
    with read_only(archive, work) as place:
        m = mount(
            server, "-o", "offline", cache=place, env={"TMPDIR": str(tmp)}
        )
        [copy] = tmp.glob("bkendfs-copy-*")
        assert stat.S_IMODE(copy.stat().st_mode) == 0o700
        assert sorted(os.listdir(m / "posts")) == record_names(120)
        assert read(m / f"posts/{oid(7)}.json") == pretty(record(7))
        m.unmount()
    # The copy that was read is gone.
    assert list(tmp.rglob("*")) == [taken]


def test_an_archive_is_not_mounted_to_be_written(odd, start, mount, work):
    server, m = _make_archive(odd, mount, work)
    m.unmount()
    with read_only(work / "cache", work) as place:
        said = start(server, env={"BKENDFS_CACHE_DIR": str(place)})
        assert said.status == 1
        assert "-o offline" in said.message


def test_a_named_table_that_an_archive_lacks_is_told_of(odd, mount, work):
    server, m = _make_archive(odd, mount, work)
    m.unmount()
    with read_only(work / "cache", work) as place:
        m = mount(
            server, "-o", "offline", "-o", "tables=posts:unknown", cache=place
        )
        assert _errors_of(m)[0][:2] == ("unknown", "ENODATA")
        assert "unknown" not in os.listdir(m.path)
        m.unmount()


def _of_version(version, server, mount, work):
    """The replica, as that version made it: they are in this repository."""
    m = mount(server, cache=work / "cache")
    m.unmount()
    (database,) = (work / "cache").glob("*.db")
    database.unlink()
    with contextlib.closing(sqlite3.connect(database)) as old:
        old.executescript(
            (HERE.parent / f"unit/replica-version-{version}.sql").read_text()
        )
        assert old.execute("PRAGMA user_version").fetchone()[0] == version
    for tail in ("-wal", "-shm"):
        Path(str(database) + tail).unlink(missing_ok=True)
    return database


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_an_archive_of_an_earlier_version_is_mounted(odd, mount, work, version):
    server = _project(odd)
    _of_version(version, server, mount, work)
    tmp = work / "tmp"
    tmp.mkdir()
    with read_only(work / "cache", work) as place:
        m = mount(
            server, "-o", "offline", "-o", "json=raw", cache=place,
            env={"TMPDIR": str(tmp)},
        )
        assert sorted(os.listdir(m / "posts")) == ["a.json", "b.json"]
        assert read(m / "posts/b.json") == b'{"id":"b","v":2}'
        m.unmount()


@pytest.mark.parametrize("version", [1, 6, 7])
def test_a_replica_of_an_earlier_version_gets_checksums(odd, mount, work, version):
    """It is written anew, where the sandbox lets that be: byte 20 tells of room."""
    server = _project(odd)
    database = _of_version(version, server, mount, work)
    assert database.read_bytes()[20] == 0
    m = mount(server, "-o", "offline", "-o", "json=raw", cache=work / "cache")
    assert read(m / "posts/b.json") == b'{"id":"b","v":2}'
    assert database.read_bytes()[20] == 12
    assert sorted(os.listdir(m / "posts")) == ["a.json", "b.json"]
    m.unmount()
    with contextlib.closing(sqlite3.connect(database)) as other:
        assert other.execute("SELECT count(*) FROM posts").fetchone() == (2,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            other.execute("DELETE FROM node")
    m = mount(server, "-o", "offline", "-o", "json=raw", cache=work / "cache")
    assert read(m / "posts/b.json") == b'{"id":"b","v":2}'
