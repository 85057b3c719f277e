"""The replica as a database: other programs read it, live or archived."""

import contextlib
import os
import shutil
import sqlite3

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
