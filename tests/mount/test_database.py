"""The replica as a database: other programs read it, live or archived."""

import contextlib
import os
import re
import shutil
import sqlite3

import pytest

import truth
from conftest import run, succeed
from records import oid, read, records


def database_of(mount):
    """Its path, as .bkendfs/status tells it."""
    for line in mount.report("status").decode().splitlines():
        name, _, value = line.partition(": ")
        if name == "replica":
            return value
    raise AssertionError("status names no replica")


def ask(database, question):
    """The lines that the sqlite3 shell prints."""
    out = succeed("sqlite3", "-readonly", database, question)
    return out.decode().splitlines()


def _project(odd):
    server = odd()
    server.tables["posts"] = records(250)
    server.tables["authors"] = records(3)
    return server


def test_a_listed_table_is_asked_with_the_shell(odd, mount):
    server = _project(odd)
    m = mount(server)
    os.listdir(m / "posts")
    before = len(server.log)
    wanted = [f"Post {n}" for n in range(250)]
    found = ask(database_of(m), "SELECT json ->> '$.title' FROM posts")
    assert found == wanted
    assert ask(
        database_of(m), f"SELECT count(*) FROM posts WHERE id = '{oid(7)}'"
    ) == ["1"]
    assert len(server.log) == before


def test_a_table_that_is_not_whole_is_an_error(odd, mount):
    m = mount(_project(odd))
    read(m / f"posts/{oid(7)}.json")
    os.listdir(m / "authors")
    done = run(
        "sqlite3", "-readonly", database_of(m), "SELECT count(*) FROM posts"
    )
    assert done.returncode != 0 and b"no such table: posts" in done.stderr


def test_who_reads_for_long_disturbs_nobody(odd, mount):
    server = _project(odd)
    m = mount(server, "-o", "ttl=0")
    os.listdir(m / "authors")
    uri = f"file:{database_of(m)}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM authors").fetchone()[0] == 3
        server.tables["authors"] = records(5)
        assert len(os.listdir(m / "authors")) == 5
        os.listdir(m / "posts")
        assert reader.execute("SELECT count(*) FROM authors").fetchone()[0] == 3
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM authors").fetchone()[0] == 5
        assert reader.execute("SELECT count(*) FROM posts").fetchone()[0] == 250


def test_an_archived_replica_is_asked_likewise(odd, mount, work):
    m = mount(_project(odd))
    os.listdir(m / "posts")
    database = database_of(m)
    m.unmount()
    archive = shutil.copytree(os.path.dirname(database), work / "archive")
    copy = archive / os.path.basename(database)
    for path in archive.rglob("*"):
        path.chmod(0o400 if path.is_file() else 0o500)
    archive.chmod(0o500)
    try:
        uri = f"file:{copy}?immutable=1"
        assert ask(uri, "SELECT count(*) FROM posts") == ["250"]
    finally:
        archive.chmod(0o700)
        for path in archive.rglob("*"):
            path.chmod(0o700)


DAMAGE = rb"is damaged on the disk: .*\.db"
REMEDY = rb" and move .*\.db away"


def _damage(cache, was, becomes):
    """What a disk may do to the database."""
    (database,) = cache.glob("*.db")
    pages = database.read_bytes()
    assert was in pages and len(was) == len(becomes)
    database.write_bytes(pages.replace(was, becomes))


@pytest.mark.parametrize(
    "was, becomes, mode",
    [
        (b"Post 42", b"Post 43", "offline"),
        (b"Post 42", b"Post 43", "ttl=60"),
        (b"Post 42", b"Post 43", "ttl=0"),
        (oid(42).encode(), oid(999).encode(), "offline"),
    ],
)
def test_no_backup_takes_in_what_the_disk_made_up(
    odd, mount, work, was, becomes, mode
):
    """A bit that flipped in the database: a read is right or an error, and
    rsync deletes nothing for it."""
    server = _project(odd)
    m = mount(server, cache=work / "cache")
    succeed("rsync", "-a", f"{m.path}/", work / "backup")
    m.unmount()
    wanted = truth.on_disk(work / "backup")
    _damage(work / "cache", was, becomes)
    m = mount(server, "-o", mode, cache=work / "cache")
    # Looked at one by one, also where dates and sizes are as before.
    done = run("rsync", "-a", "--checksum", "--delete", f"{m.path}/", work / "backup")
    assert done.returncode == 23, done.stderr
    assert truth.on_disk(work / "backup") == wanted
    assert len(re.findall(DAMAGE, m.log())) == 1
    assert re.search(REMEDY, m.log())
    report = m.report("errors")
    assert len(re.findall(DAMAGE, report)) == 1
    # Offline there may be no server that has it all.
    assert bool(re.search(REMEDY, report)) == (mode != "offline")
    m.unmount()
    for path in (work / "cache").glob("*.db*"):
        path.rename(work / path.name)
    m = mount(server, cache=work / "cache")
    succeed("rsync", "-a", "--checksum", "--delete", f"{m.path}/", work / "backup")
    assert truth.on_disk(work / "backup") == wanted


def test_a_start_that_damage_ends_says_what_to_do(odd, mount, start, work):
    """The tables that are named cannot be looked for where they would be."""
    server = _project(odd)
    m = mount(server, cache=work / "cache")
    os.listdir(m / "posts")
    m.unmount()
    _damage(work / "cache", b"authors", b"authorz")
    said = start(server, env={"BKENDFS_CACHE_DIR": str(work / "cache")})
    assert said.status == 1
    assert "cannot keep a replica" in said.message
    assert "is damaged" in said.message and "choose another place" in said.message
