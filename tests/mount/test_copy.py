"""Copying a project with the usual tools: complete, byte-true, and cheap."""

import datetime
import errno
import json
import os
import random
import signal
import subprocess
import tarfile
import time

import pytest

from conftest import run, succeed, wait_until
from jsontext import pretty
from odd_server import Reply
from records import changed_at, fails, moment, nanoseconds, oid, read, record, records
from truth import assert_same, on_disk, tree

pytestmark = pytest.mark.xdist_group("copy")


@pytest.fixture(scope="module")
def sample_truth():
    """The sample project, asked from the server once for this file."""
    return {}


def _truth(cache, server):
    if not cache:
        cache.update(tree(server))
    return cache


def test_the_sample_project_reads_byte_true(emulator, mount, sample_truth):
    server = emulator()
    m = mount(server)
    assert_same(on_disk(m.path), _truth(sample_truth, server))


def test_the_sample_project_is_worth_looking_at(emulator, mount):
    server = emulator()
    m = mount(server)
    assert len(server.tables) == 5
    rows = [n for t in server.tables for n in os.listdir(m / t) if n != ".spec.json"]
    assert len(rows) >= 250
    stored = os.listdir(m / "storage")
    assert len(stored) >= 20
    kinds = b" ".join(
        succeed("file", "-b", m / f"storage/{name}") for name in sorted(stored)
    )
    for kind in (b"PNG image", b"SVG", b"PDF document", b"text"):
        assert kind in kinds
    assert sum(os.stat(m / f"storage/{n}").st_size for n in stored) >= 1 << 20
    for table in server.tables:
        for name in os.listdir(m / table):
            succeed("jq", "-e", ".", m / table / name)
            break


def test_cp_r(emulator, mount, work, sample_truth):
    server = emulator()
    m = mount(server)
    succeed("cp", "-r", m.path, work / "copy")
    assert_same(on_disk(work / "copy"), _truth(sample_truth, server))


def test_cp_a_keeps_times_and_modes(emulator, mount, work, sample_truth):
    server = emulator()
    m = mount(server)
    succeed("cp", "-a", m.path, work / "copy")
    assert_same(on_disk(work / "copy"), _truth(sample_truth, server))
    for where, _, here in os.walk(m.path):
        for name in here:
            path = os.path.join(where, name)
            mine, theirs = os.stat(path), os.stat(
                work / "copy" / os.path.relpath(path, m.path)
            )
            assert mine.st_mtime_ns == theirs.st_mtime_ns
            assert mine.st_mode == theirs.st_mode
            assert mine.st_size == theirs.st_size
    run("chmod", "-R", "u+w", work / "copy")


def test_rsync_twice_copies_nothing_the_second_time(emulator, mount, work, sample_truth):
    server = emulator()
    first = mount(server, cache=work / "cache")
    succeed("rsync", "-a", f"{first.path}/", work / "copy")
    assert_same(on_disk(work / "copy"), _truth(sample_truth, server))
    assert succeed("rsync", "-ai", f"{first.path}/", work / "copy") == b""
    first.unmount()
    server.reset()
    again = mount(server, cache=work / "cache")
    assert succeed("rsync", "-ai", f"{again.path}/", work / "copy") == b""
    # Nor when the replica was lost in between.
    fresh = mount(server)
    said = succeed("rsync", "-ai", "--omit-dir-times", f"{fresh.path}/", work / "copy")
    assert said.splitlines() == []
    run("chmod", "-R", "u+w", work / "copy")


def test_rsync_copies_only_what_changed(emulator, mount, work):
    server = emulator("--no-demo", "--generate", "t=120:200")
    raw = b'{"id":"k1","createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"%s","n":%d}'
    server.put_record("u", "k1", raw % (b"2026-01-01T00:00:00.000Z", 1))
    first = mount(server, cache=work / "cache")
    succeed("rsync", "-a", f"{first.path}/", work / "copy")
    places = ["", "t", "u", "files", "storage"]
    dates = {place: os.stat(first / place).st_mtime_ns for place in places}
    first.unmount()
    changed = raw % (b"2026-02-01T00:00:00.000Z", 2)
    server.put_record("u", "k1", changed)
    again = mount(server, "-o", "ttl=0", cache=work / "cache")
    said = succeed("rsync", "-ai", "--omit-dir-times", f"{again.path}/", work / "copy")
    [line] = said.splitlines()
    assert line.endswith(b" u/k1.json")
    assert (work / "copy/u/k1.json").read_bytes() == pretty(changed)
    # And with that all is told: no directory's date has moved meanwhile, but
    # for that of the copy's own, into which rsync has written.
    assert dates == {place: os.stat(again / place).st_mtime_ns for place in places}
    succeed("rsync", "-a", f"{again.path}/", work / "copy")
    assert succeed("rsync", "-ai", f"{again.path}/", work / "copy") == b""


def _incremental(mount, work, level):
    """The files that a level of tar's takes: {name: content}."""
    succeed("tar", "--format=posix", f"--listed-incremental={work}/state",
            "-cf", work / f"{level}.tar", "-C", mount.path, "t", "files", "storage")
    with tarfile.open(work / f"{level}.tar") as archive:
        return {entry.name: archive.extractfile(entry).read()
                for entry in archive if entry.isfile()}


def test_an_incremental_tar_takes_what_came_to_be_shown_since(odd, mount, work):
    """Whatever its date: a change is older than a backup that has still seen
    what was there before it."""
    server = odd()
    server.tables["t"] = records(3)
    for number in (1, 2):
        server.put_file(oid(number), "f", b"old")
    m = mount(server, "-o", "ttl=3600")
    before = on_disk(m.path)
    stamp = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    changed = record(1, b',"changed":true').replace(changed_at(1).encode(), stamp.encode())
    with server.lock:
        server.tables["t"][1] = changed
    server.put_file(oid(1), "f", b"new", at=stamp)
    assert len(_incremental(m, work, 0)) == 3 + 2 * 2
    assert on_disk(m.path) == before
    os.kill(m.pid, signal.SIGHUP)
    wait_until(lambda: read(m / f"t/{oid(1)}.json") == pretty(changed), 20, "the change")
    assert read(m / f"storage/{oid(1)}_f") == b"new"
    again = _incremental(m, work, 1)
    assert sorted(again) == [f"files/{oid(1)}.json", f"storage/{oid(1)}_f", f"t/{oid(1)}.json"]
    assert again[f"storage/{oid(1)}_f"] == b"new"
    assert again[f"t/{oid(1)}.json"] == pretty(changed)
    # What is the same stays as old as it is, also in another mount.
    assert _incremental(m, work, 2) == {}
    shown = {path: os.stat(m / os.fsdecode(path)).st_ctime_ns for path in before}
    m.unmount()
    m = mount(server, "-o", "ttl=0", cache=m.cache)
    assert on_disk(m.path).keys() == before.keys()
    assert shown == {path: os.stat(m / os.fsdecode(path)).st_ctime_ns for path in before}


def test_tar_packs_the_tree(emulator, mount, work, sample_truth):
    server = emulator()
    m = mount(server)
    succeed("tar", "-cf", work / "all.tar", "-C", m.path, ".")
    with tarfile.open(work / "all.tar", errors="surrogateescape") as archive:
        packed = {
            os.fsencode(entry.name[2:]): archive.extractfile(entry).read()
            for entry in archive
            if entry.isfile()
        }
    assert_same(packed, _truth(sample_truth, server))


def test_find_grep_and_du_see_all_of_it(emulator, mount, sample_truth):
    server = emulator()
    truth = _truth(sample_truth, server)
    m = mount(server)
    found = succeed("find", m.path, "-type", "f", "-print0").split(b"\0")[:-1]
    assert len(found) == len(truth)
    held = [name for name, text in truth.items() if text and b'"createdAt"' in text]
    matched = succeed("grep", "-rlZF", '"createdAt"', m.path).split(b"\0")[:-1]
    top = os.fsencode(m.path) + b"/"
    assert {name[len(top):] for name in matched} >= set(held)
    apparent = int(succeed("du", "-sb", m / "storage").split()[0])
    taken = int(succeed("du", "-s", "--block-size=1", m / "storage").split()[0])
    size = sum(len(t) for n, t in truth.items() if n.startswith(b"storage/"))
    assert apparent >= size and taken >= size


def test_a_copy_of_a_copy_that_is_served_is_the_same_tree(emulator, mount, work):
    server = emulator()
    m = mount(server)
    succeed("cp", "-r", m.path, work / "backup")
    m.unmount()
    again = emulator("--data", work / "backup")
    n = mount(again)
    assert sorted(again.tables) == sorted(server.tables)
    assert_same(on_disk(n.path), on_disk(work / "backup"))
    fresh = mount(server)
    for path in on_disk(n.path):
        if not path.startswith(b".") and not path.endswith(b".spec.json"):
            mine = os.stat(os.path.join(os.fsencode(fresh.path), path))
            theirs = os.stat(os.path.join(os.fsencode(n.path), path))
            assert mine.st_mtime_ns == theirs.st_mtime_ns, path


def test_the_requests_of_a_cold_copy_are_counted(emulator, mount, work):
    server = emulator(
        "--no-demo", "--generate", "a=950:300", "--generate", "b=101:300",
        "--generate", "c=5:300", "--generate-files", "230:2000",
    )
    m = mount(server)
    succeed("cp", "-r", m.path, work / "copy")
    stats = server.stats()
    pages = 10 + 2 + 1 + 3
    urls, specs, signin = 230, 3, 1
    asked = stats["requests"] - stats["storage"]
    assert pages + urls + specs + signin <= asked <= pages + urls + specs + signin + 2, stats
    assert stats["storage"] == 230
    server.reset()
    succeed("cp", "-r", m.path, work / "again")
    assert server.stats()["requests"] == 0


def test_a_second_copy_of_an_unchanged_project_asks_little(emulator, mount, work):
    server = emulator("--no-demo", "--generate", "a=950:300", "--generate-files", "50:2000")
    first = mount(server, cache=work / "cache")
    succeed("cp", "-r", first.path, work / "copy")
    first.unmount()
    server.reset()
    again = mount(server, cache=work / "cache")
    succeed("cp", "-r", again.path, work / "again")
    assert run("diff", "-r", work / "copy", work / "again").returncode == 0
    assert server.stats()["pages"] <= 2 + 2


def test_a_project_is_copied_byte_true_in_spite_of_faults(emulator, mount, work):
    """2,000 records and 100 files; one answer in twenty goes wrong in some way."""
    server = emulator(
        "--no-demo", "--generate", "a=1500:400", "--generate", "b=500:2000",
        "--generate-files", "100:30000",
    )
    wanted = tree(server)
    for kind in ("500", "503", "reset", "cut"):
        server.set(fail=f"2:{kind}")
    m = mount(server)
    succeed("cp", "-r", m.path, work / "copy", timeout=80)
    server.set(fail="")
    assert_same(on_disk(work / "copy"), wanted)


def test_large_files_are_copied_byte_true_in_spite_of_faults(emulator, mount, work):
    server = emulator("--no-demo", "--fail", "10:cut:STORAGE", "--fail", "10:reset:STORAGE")
    data = random.Random(1).randbytes(9 << 20)
    server.put_file("big", data, name="big.bin")
    m = mount(server)
    succeed("cp", m / "storage/big_big.bin", work / "copy")
    assert (work / "copy").read_bytes() == data


def test_two_copies_at_once_are_both_right(emulator, mount, work, sample_truth):
    server = emulator("--latency", "5")
    m = mount(server)
    copies = [
        subprocess.Popen(["cp", "-r", m.path, work / f"copy-{n}"]) for n in range(2)
    ]
    assert [copy.wait(60) for copy in copies] == [0, 0]
    for number in range(2):
        assert_same(on_disk(work / f"copy-{number}"), _truth(sample_truth, server))


def test_records_that_were_put_verbatim_come_back_verbatim(emulator, mount):
    server = emulator("--no-demo")
    raw = b'{"id":"x/y","n":12345678901234567890,"n":1.0,"e":1e400,"createdAt":"%s"}' % (
        moment(3).encode()
    )
    server.put_record("t", "x/y", raw)
    m = mount(server, "-o", "json=raw")
    path = m / "t/x%2Fy.json"
    assert path.read_bytes() == raw
    assert os.stat(path).st_mtime_ns == nanoseconds(moment(3))


def test_a_copy_under_a_rate_limit_waits_and_is_whole(emulator, mount, work):
    server = emulator("--no-demo", "--generate", "t=300:100", "--generate-files", "20:100")
    wanted = tree(server)
    server.set(rate_limit="12/1")
    m = mount(server)
    succeed("cp", "-r", m.path, work / "copy")
    server.set(rate_limit="100000/1")
    assert_same(on_disk(work / "copy"), wanted)
    assert server.stats()["by_status"].get("429", 0) < 25


def test_the_same_project_through_both_servers_is_the_same_tree(emulator, odd, mount):
    """The emulator and the odd server were written apart; what the mount makes
    of a project must not depend on which of them serves it."""
    one, other = emulator("--no-demo"), odd()
    other.tables["t"] = records(20)
    for raw in other.tables["t"]:
        one.put_record("t", json.loads(raw)["id"], raw)
    for number in range(3):
        data = b"content %d" % number
        one.put_file(oid(number), data, name=f"naïve/{number}.txt")
        other.put_file(oid(number), f"naïve/{number}.txt", data)
    trees = [
        {
            name: content
            for name, content in on_disk(mount(server).path).items()
            if not name.startswith(b"files/") and not name.endswith(b".spec.json")
        }
        for server in (one, other)
    ]
    assert_same(*trees)


def _answer_with(server, answers, wanted):
    """Answer requests so, a reply each, for as long as there are some left."""
    server.hooks.append(lambda r: answers.pop() if answers and wanted(r) else None)


@pytest.mark.parametrize("path, table", [("/v1/data/t", "t"), ("/v1/files", "files")])
def test_a_proxy_that_knows_of_no_such_page_deletes_no_backup(odd, mount, work, path, table):
    """rsync takes ENOENT for a directory that is gone, and deletes its copy."""
    server = odd()
    server.tables["t"] = records(30)
    for number in range(20):
        server.put_file(oid(number), f"f{number}.txt", b"text", at=moment(number))
    m = mount(server, "-o", "ttl=1")
    succeed("rsync", "-a", f"{m.path}/", work / "copy")
    before = sorted(work.glob("copy/**/*.*"))
    assert len(before) == 30 + 2 * 20
    answers = []
    _answer_with(server, answers, lambda r: r.path == path)
    page = Reply(404, b"<h1>404 Not Found</h1>", {"Content-Type": "text/html"})
    for count, status in ((1, 0), (1000, 23)):
        time.sleep(1.05)
        answers[:] = [page] * count
        got = run("rsync", "-a", "--delete", f"{m.path}/", work / "copy")
        assert got.returncode == status, got.stderr
        assert sorted(work.glob("copy/**/*.*")) == before
    with pytest.raises(OSError) as caught:
        os.listdir(m / table)
    assert caught.value.errno == errno.EPROTO


def _missing(code):
    return Reply(404, json.dumps({"error": {"code": code, "message": "x"}}).encode())


@pytest.mark.parametrize(
    "answer, again",
    [
        (Reply(404, b"<h1>404 Not Found</h1>"), False),
        (Reply(404, b"<h1>404 Not Found</h1>"), True),
        (Reply(body=b'{"items":[]}'), False),
        (Reply(body=b'{"items":[]}'), True),
        (_missing("NOT_FOUND"), True),
        (_missing("data/environment-not-found"), True),
        (Reply(404), False),
        (Reply(410), False),
        (Reply(410), True),
    ],
    ids=["page", "page again", "no word", "no word again", "route", "environment",
         "missing", "gone", "gone again"],
)
def test_no_backup_is_deleted_for_what_is_said_of_something_else(
    odd, mount, work, answer, again
):
    """Of a table that was listed, only what names it says that it is gone; of
    one that was only named, whatever the API says."""
    server = odd()
    server.tables["t"] = records(30)
    m = mount(server, "-o", "ttl=0")
    succeed("rsync", "-a", f"{m.path}/t", work / "copy")
    before = sorted(work.glob("copy/t/*"))
    assert len(before) == 30
    server.hooks.append(lambda r: answer if r.path == "/v1/data/t" else None)
    if not again:
        m = mount(server)
    got = run("rsync", "-a", "--delete", f"{m.path}/t", work / "copy")
    assert got.returncode == 23, got.stderr
    assert sorted(work.glob("copy/t/*")) == before


@pytest.mark.parametrize("count", [1, 1000], ids=["once", "always"])
@pytest.mark.parametrize(
    "answer",
    [Reply(404), _missing("common/not-found"), _missing("data/environment-not-found")],
    ids=["no word", "route", "environment"],
)
def test_no_project_is_without_its_files(odd, mount, work, answer, count):
    """Nor is one of which nothing is known: a backup of them stays."""
    server = odd()
    server.put_file(oid(1), "f", b"precious")
    backup = {f"files/{oid(1)}.json", f"storage/{oid(1)}_f"}
    succeed("rsync", "-a", f"{mount(server).path}/", work / "copy")
    m = mount(server)
    answers = [answer] * count
    _answer_with(server, answers, lambda r: r.path == "/v1/files")
    got = run("rsync", "-a", "--delete", f"{m.path}/", work / "copy")
    assert got.returncode == (0 if count == 1 else 23), got.stderr
    assert {os.path.relpath(p, work / "copy") for p in work.glob("copy/*/*")} == backup
    assert (work / f"copy/storage/{oid(1)}_f").read_bytes() == b"precious"
    if count > 1:
        with fails(errno.EPROTO):
            os.listdir(m / "files")


@pytest.mark.parametrize("count", [1, 1000], ids=["once", "always"])
@pytest.mark.parametrize("where", ["URL page", "URL word", "store"])
def test_no_file_is_gone_whose_size_cannot_be_had(odd, mount, work, where, count):
    """Its listing holds it: where stat said that it is gone, rsync would delete it."""
    server = odd()
    server.put_file(oid(1), "f", b"precious", size=None)
    succeed("rsync", "-a", f"{mount(server).path}/", work / "copy")
    m = mount(server, "-o", "retry=1")
    answers = [_missing("common/not-found") if where == "URL word" else
               Reply(404, b"<h1>404 Not Found</h1>")] * count
    if where == "store":
        _answer_with(server.storage, answers, lambda r: True)
    else:
        _answer_with(server, answers, lambda r: r.path.endswith("/download-url"))
    got = run("rsync", "-a", "--delete", f"{m.path}/", work / "copy")
    passes = count == 1 and where != "URL word"  # what the API says is believed
    assert got.returncode == (0 if passes else 23), got.stderr
    assert (work / f"copy/storage/{oid(1)}_f").read_bytes() == b"precious"


@pytest.mark.parametrize("status", [404, 403, 405])
def test_a_page_does_not_take_a_spec_away(odd, mount, work, status):
    server = odd()
    server.tables["t"] = records(3)
    server.specs["t"] = b'{"tableName":"t"}'
    answers = [Reply(status, b"<html>maintenance</html>")]
    _answer_with(server, answers, lambda r: r.path.endswith("/spec"))
    m = mount(server, "-o", "tables=t")
    succeed("cp", "-r", m.path, work / "copy")
    assert not answers and (work / "copy/t/.spec.json").exists()
