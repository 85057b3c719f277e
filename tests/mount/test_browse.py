"""Looking around: the tree, its attributes, laziness and freshness."""

import errno
import json
import os
import signal
import stat
import threading
import time

import pytest

from conftest import is_mounted, mounts_under, run, succeed, wait_until
from jsontext import pretty
from odd_server import Reply
from records import changed_at, fails, moment, nanoseconds, oid, read, record, record_names, records


@pytest.fixture
def blog(odd):
    """A small project."""
    server = odd()
    server.tables["posts"] = records(5)
    server.tables["authors"] = records(2)
    server.put_file(oid(1), "photo.jpg", b"\xff\xd8" + b"x" * 5000, at=moment(7))
    return server


def test_the_root_shows_the_tables_and_the_two_file_directories(blog, mount):
    m = mount(blog)
    assert sorted(os.listdir(m.path)) == ["authors", "files", "posts", "storage"]
    assert all(entry.is_dir() for entry in os.scandir(m.path))


def test_it_is_mounted_as_what_it_is_and_read_only(blog, mount):
    m = mount(blog)
    [(_, options, kind, superblock)] = mounts_under(m.path)
    assert kind == "fuse.bkendfs"
    assert "ro" in options.split(",")
    assert "ro" in superblock.split(",")


def test_a_directory_shows_its_records_and_files(blog, mount):
    m = mount(blog)
    assert sorted(os.listdir(m / "posts")) == record_names(5)
    assert os.listdir(m / "files") == [oid(1) + ".json"]
    assert os.listdir(m / "storage") == [oid(1) + "_photo.jpg"]
    assert read(m / f"storage/{oid(1)}_photo.jpg") == b"\xff\xd8" + b"x" * 5000
    assert json.loads(read(m / f"files/{oid(1)}.json"))["originalName"] == "photo.jpg"


def test_a_table_named_storage_shows_as_storage_table(blog, mount):
    blog.tables["storage"] = records(1)
    m = mount(blog)
    assert "storage.table" in os.listdir(m.path)
    assert os.listdir(m / "storage.table") == record_names(1)
    assert os.listdir(m / "storage") == [oid(1) + "_photo.jpg"]


def test_directories_have_dot_and_dot_dot(blog, mount):
    m = mount(blog)
    for place in (m.path, m / "posts", m / "storage"):
        listed = succeed("ls", "-fa", place).split()
        assert listed.count(b".") == 1 and listed.count(b"..") == 1


def test_modes_and_owner(blog, mount):
    m = mount(blog)
    paths = [m.path, m / "posts", m / "files", m / "storage"]
    files = [
        m / f"posts/{oid(0)}.json",
        m / f"files/{oid(1)}.json",
        m / f"storage/{oid(1)}_photo.jpg",
    ]
    for path, kind in [(p, 0o040555) for p in paths] + [(f, 0o100444) for f in files]:
        found = os.stat(path)
        assert found.st_mode == kind, (path, oct(found.st_mode))
        assert (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())


def test_mtime_is_updated_at_to_the_millisecond(blog, mount):
    m = mount(blog)
    os.listdir(m / "posts")
    for number in range(5):
        assert os.stat(m / f"posts/{oid(number)}.json").st_mtime_ns == nanoseconds(
            changed_at(number)
        )
    for path in (f"files/{oid(1)}.json", f"storage/{oid(1)}_photo.jpg"):
        assert os.stat(m / path).st_mtime_ns == nanoseconds(moment(7))


def test_mtime_is_created_at_where_there_is_no_updated_at(blog, mount):
    blog.tables["posts"] = [b'{"id":"a","createdAt":"2026-05-06T07:08:09.123Z"}']
    blog.put_file(oid(2), "b", b"x", updatedAt=None, createdAt="2026-05-06T07:08:09.123Z")
    m = mount(blog)
    for path in ("posts/a.json", f"files/{oid(2)}.json", f"storage/{oid(2)}_b"):
        assert os.stat(m / path).st_mtime_ns == nanoseconds("2026-05-06T07:08:09.123Z")


@pytest.mark.parametrize("layout", ["pretty", "raw"])
@pytest.mark.parametrize("listed", [False, True])
def test_the_size_of_a_record_is_exact(blog, mount, layout, listed):
    blog.tables["posts"] = [record(1, b',"x":[1, {"y" :null},[ ],{}],"s":"\\n"')]
    m = mount(blog, "-o", f"json={layout}")
    if listed:
        os.listdir(m / "posts")
    path = m / f"posts/{oid(1)}.json"
    raw = blog.tables["posts"][0]
    wanted = raw if layout == "raw" else pretty(raw)
    assert os.stat(path).st_size == len(wanted)
    assert read(path) == wanted


def test_du_shows_blocks_and_they_cover_the_size(blog, mount):
    m = mount(blog)
    for where, _, names in os.walk(m.path):
        for name in names:
            found = os.stat(os.path.join(where, name))
            assert found.st_blocks * 512 >= found.st_size > 0
    assert int(succeed("du", "-s", "--block-size=1", m / "posts").split()[0]) > 0
    assert int(succeed("du", "-s", "--block-size=1", m / "storage").split()[0]) >= 5002


def test_a_table_shows_its_spec(blog, mount):
    blog.specs["posts"] = b'{"tableName":"posts","schema":{"n":{"max":9007199254740993}},"indexes":[],"permissions":{}}'
    m = mount(blog)
    assert ".spec.json" in os.listdir(m / "posts")
    text = read(m / "posts/.spec.json")
    assert json.loads(text)["tableName"] == "posts"
    assert b"9007199254740993" in text
    assert os.stat(m / "posts/.spec.json").st_size == len(text)


def test_a_spec_that_the_server_refuses_is_absent(blog, mount):
    m = mount(blog)
    assert ".spec.json" not in os.listdir(m / "posts")
    with fails(errno.ENOENT):
        os.stat(m / "posts/.spec.json")


def test_bkendfs_is_not_listed_but_found_by_name(blog, mount):
    m = mount(blog)
    assert ".bkendfs" not in os.listdir(m.path)
    assert {"status", "errors"} <= set(os.listdir(m / ".bkendfs"))
    assert m.report("errors") == b""
    assert m.server.url.encode() in m.report("status")


def test_mounting_costs_a_sign_in_and_nothing_else(blog, mount):
    mount(blog)
    time.sleep(0.3)
    assert [r.path for r in blog.log] == ["/v1/auth/email/signin"]


def test_a_record_asked_for_by_name_is_fetched_alone(blog, mount):
    m = mount(blog)
    assert read(m / f"posts/{oid(3)}.json") == pretty(record(3))
    asked = [r.path for r in blog.log if "/auth/" not in r.path]
    assert asked == [f"/v1/data/posts/{oid(3)}"]


def test_a_record_is_asked_for_once(blog, mount):
    m = mount(blog)
    for _ in range(3):
        read(m / f"posts/{oid(3)}.json")
        os.stat(m / f"posts/{oid(3)}.json")
    assert blog.count(lambda r: r.path.startswith("/v1/data/")) == 1


def test_a_table_is_found_by_use_and_stays(blog, mount, work):
    env = {"BKEND_TABLES": "posts"}
    first = mount(blog, env=env, cache=work / "cache")
    assert "authors" not in os.listdir(first.path)
    assert sorted(os.listdir(first / "authors")) == record_names(2)
    assert "authors" in os.listdir(first.path)
    first.unmount()
    again = mount(blog, env=env, cache=work / "cache")
    assert sorted(os.listdir(again.path)) == ["authors", "files", "posts", "storage"]


def test_a_mount_without_named_tables_shows_what_was_used(blog, mount):
    m = mount(blog, env={"BKEND_TABLES": None})
    assert sorted(os.listdir(m.path)) == ["files", "storage"]
    assert read(m / f"posts/{oid(0)}.json") == pretty(record(0))
    assert sorted(os.listdir(m.path)) == ["files", "posts", "storage"]


def test_a_table_that_does_not_exist_is_not_found(blog, mount):
    m = mount(blog)
    said = run("ls", m / "nosuch")
    assert said.returncode == 2 and b"No such file" in said.stderr
    assert "nosuch" not in os.listdir(m.path)


def test_a_named_table_that_does_not_exist_cannot_be_listed(blog, mount):
    m = mount(blog, env={"BKEND_TABLES": "posts:gone"})
    with fails(errno.ENOENT):
        os.listdir(m / "gone")
    assert len(os.listdir(m / "posts")) == 5


def test_a_record_that_does_not_exist_is_not_found(blog, mount):
    m = mount(blog)
    with fails(errno.ENOENT):
        os.stat(m / f"posts/{oid(99)}.json")


def test_names_that_nothing_can_have_cost_no_request(blog, mount):
    m = mount(blog)
    before = len(blog.log)
    for name in (
        ".git", ".Trash", "autorun.inf", "a b", "1st", "_system", "t" * 65,
        "posts.json", "posts/README", "posts/.git", "posts/x.txt", "é",
        ".bkendfs/nosuch",
    ):
        with fails(errno.ENOENT):
            os.stat(m / name)
    assert len(blog.log) == before


def test_a_young_listing_costs_no_request(blog, mount):
    m = mount(blog)
    first = sorted(os.listdir(m / "posts"))
    before = len(blog.log)
    assert sorted(os.listdir(m / "posts")) == first
    read(m / f"posts/{oid(1)}.json")
    succeed("ls", "-l", m / "posts")
    assert len(blog.log) == before


def _change(server):
    changed = (
        b'{"id":"%s","title":"changed","createdAt":"%s","updatedAt":'
        b'"2026-06-01T00:00:00.001Z"}' % (oid(2).encode(), moment(2).encode())
    )
    with server.lock:
        posts = server.tables["posts"]
        posts[2] = changed
        del posts[0]
        posts.append(record(77))
    return changed


def _is_changed(m, changed):
    def seen():
        names = sorted(os.listdir(m / "posts"))
        return names == record_names(4, 1) + record_names(1, 77) and (
            read(m / f"posts/{oid(2)}.json") == pretty(changed)
        )

    return seen


def test_an_older_listing_is_checked_again(blog, mount):
    m = mount(blog, "-o", "ttl=1")
    assert sorted(os.listdir(m / "posts")) == record_names(5)
    assert read(m / f"posts/{oid(2)}.json") == pretty(record(2))
    changed = _change(blog)
    wait_until(_is_changed(m, changed), 10, "the change")
    gone = m / f"posts/{oid(0)}.json"
    wait_until(lambda: not os.path.exists(gone), 5, "the end of a deleted record")


def test_sighup_makes_everything_due_for_a_check(blog, mount):
    m = mount(blog, "-o", "ttl=3600")
    assert sorted(os.listdir(m / "posts")) == record_names(5)
    changed = _change(blog)
    assert sorted(os.listdir(m / "posts")) == record_names(5)
    os.kill(m.pid, signal.SIGHUP)
    wait_until(_is_changed(m, changed), 10, "the change")


def test_an_open_file_keeps_the_version_it_started_with(blog, mount):
    m = mount(blog, "-o", "ttl=1")
    path = m / f"posts/{oid(2)}.json"
    with open(path, "rb", buffering=0) as held:
        assert held.read(4) == pretty(record(2))[:4]
        changed = _change(blog)
        wait_until(_is_changed(m, changed), 10, "the change")
        held.seek(0)
        assert held.read(10000) == pretty(record(2))


def test_inode_numbers_stay_across_mounts(blog, mount, work):
    def numbers(m):
        return {
            os.path.relpath(os.path.join(where, name), m.path): os.lstat(
                os.path.join(where, name)
            ).st_ino
            for where, dirs, files in os.walk(m.path)
            for name in dirs + files
        }

    first = mount(blog, cache=work / "cache")
    before = numbers(first)
    assert len(set(before.values())) == len(before) == 4 + 5 + 2 + 1 + 1
    first.unmount()
    assert numbers(mount(blog, cache=work / "cache")) == before


def test_what_readdir_and_stat_say_of_an_inode_agrees(blog, mount):
    m = mount(blog)
    for entry in os.scandir(m / "posts"):
        assert entry.inode() == os.stat(entry.path).st_ino


def test_a_listing_that_was_read_costs_little_at_the_next_mount(blog, mount, work):
    blog.tables["posts"] = records(350)
    first = mount(blog, cache=work / "cache")
    assert len(os.listdir(first / "posts")) == 350
    first.unmount()
    blog.log.clear()
    again = mount(blog, cache=work / "cache")
    assert len(os.listdir(again / "posts")) == 350
    assert blog.count(lambda r: r.is_page()) <= 4


def test_a_directory_can_be_read_again_from_its_start(blog, mount):
    blog.tables["posts"] = records(250)
    m = mount(blog)
    handle = os.open(m / "posts", os.O_RDONLY | os.O_DIRECTORY)
    try:
        for _ in range(3):
            assert sorted(os.listdir(handle)) == record_names(250)
    finally:
        os.close(handle)


@pytest.mark.alone
def test_df_answers_at_once_even_while_the_server_hangs(blog, mount):
    m = mount(blog)
    let_go = threading.Event()
    blog.hooks.append(lambda request: Reply(500, hold=let_go))
    before = len(blog.log)
    began = time.monotonic()
    said = succeed("df", m.path)
    assert time.monotonic() - began < 1
    assert str(m.path).encode() in said
    os.statvfs(m.path)
    assert len(blog.log) == before
    let_go.set()


def test_attributes_that_nobody_asked_for_are_off(blog, mount):
    m = mount(blog)
    path = m / f"storage/{oid(1)}_photo.jpg"
    try:
        assert os.listxattr(path) == []
    except OSError as error:
        assert error.errno == errno.ENOTSUP
    with fails(errno.ENOTSUP, errno.ENODATA):
        os.getxattr(path, "user.mime_type")


def test_unmounting_leaves_nothing(blog, mount):
    m = mount(blog)
    os.listdir(m / "posts")
    m.unmount()
    assert not is_mounted(m.path)
    assert os.listdir(m.path) == []
    assert stat.S_ISDIR(os.stat(m.path).st_mode)


def test_a_report_that_is_held_open_stays_readable(blog, mount):
    """However many others are read meanwhile, and it stays what it was."""
    m = mount(blog)
    names = ("status", "metrics")
    held = [os.open(m / ".bkendfs" / name, os.O_RDONLY) for name in names * 50]
    try:
        sizes = [os.fstat(handle).st_size for handle in held]
        for _ in range(300):
            read(m / ".bkendfs/status")
        texts = [os.pread(handle, 1 << 16, 0) for handle in held]
    finally:
        for handle in held:
            os.close(handle)
    assert [len(text) for text in texts] == sizes
    assert all(text.startswith(b"version: ") for text in texts[::2])
    assert all(text.startswith(b"# HELP ") for text in texts[1::2])


def test_reports_that_were_read_are_let_go(blog, mount):
    """More than may be held open at once, one after the other."""
    m = mount(blog)
    for _ in range(4500):
        read(m / ".bkendfs/errors")
