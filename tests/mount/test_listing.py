"""A listing is complete, or it is an error."""

import errno
import os
import subprocess
import threading
import time

import pytest

from conftest import run, succeed, wait_until
from odd_server import Reply
from paged import PagedTable
from records import fails, oid, record, record_names, records
from truth import assert_same, on_disk, tree

pytestmark = pytest.mark.threads


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 1001])
def test_a_listing_of_any_length_is_whole(odd, mount, count):
    server = odd()
    server.tables["t"] = records(count)
    m = mount(server)
    assert sorted(os.listdir(m / "t")) == record_names(count)
    assert server.count(lambda r: r.is_page("t")) <= max(1, -(-count // 100)) + 2


def _refuse_page_two(server, reply):
    """Page 2 and what follows cannot be had, whatever the page size."""

    def hook(request):
        if request.is_page() and int(request.query.get("page", 1)) > 1:
            return reply()
        return None

    server.hooks.append(hook)


@pytest.mark.parametrize(
    "reply, codes",
    [
        (lambda: Reply(500, b"{}"), [errno.EIO]),
        (lambda: Reply(reset=True), [errno.EIO]),
        (lambda: Reply(body=b'{"success":true,"data":{"items":[', cut=20), [errno.EIO]),
        (lambda: Reply(403, b'{"error":{"code":"x","message":"y"}}'), [errno.EACCES]),
        (lambda: Reply(body=b"<html>busy</html>"), [errno.EPROTO]),
        (lambda: Reply(body=b'{"success":true,"data":{}}'), [errno.EPROTO]),
        (lambda: Reply(404, b'{"error":{"code":"x","message":"y"}}'),
         [errno.ENOENT, errno.EIO, errno.EPROTO]),
    ],
    ids=["500", "reset", "cut", "403", "not JSON", "no items", "404"],
)
def test_a_listing_that_cannot_be_completed_fails(odd, mount, reply, codes):
    server = odd()
    server.tables["t"] = records(250)
    _refuse_page_two(server, reply)
    m = mount(server, "-o", "retry=1,ttl=1")
    with fails(*codes):
        os.listdir(m / "t")
    assert run("ls", m / "t").returncode == 2
    server.hooks.clear()
    # A table that was not found may be remembered as missing for a while.
    wait_until(lambda: os.path.exists(m / "t"), 5, "the table")
    assert sorted(os.listdir(m / "t")) == record_names(250)


@pytest.mark.parametrize("place", ["t", "files", "storage"])
def test_rsync_delete_after_a_failed_listing_deletes_nothing(odd, mount, work, place):
    server = odd()
    server.tables["t"] = records(250)
    for number in range(150):
        server.put_file(oid(number), "x", b"x")
    m = mount(server)
    copy = work / "copy"
    succeed("rsync", "-a", f"{m / place}/", copy)
    before = on_disk(copy)
    assert len(before) >= 150
    m.unmount()
    _refuse_page_two(server, lambda: Reply(500, b"{}"))
    fresh = mount(server, "-o", "retry=1")
    said = run("rsync", "-a", "--delete", f"{fresh / place}/", copy)
    assert said.returncode != 0
    assert on_disk(copy) == before


def test_cp_and_tar_and_find_say_that_a_listing_failed(odd, mount, work):
    server = odd()
    server.tables["t"] = records(250)
    _refuse_page_two(server, lambda: Reply(500, b"{}"))
    m = mount(server, "-o", "retry=0")
    assert run("cp", "-r", m / "t", work / "copy").returncode != 0
    assert run("tar", "-cf", "/dev/null", "-C", m.path, "t").returncode != 0
    assert run("find", m / "t").returncode != 0


def _once(server, page, act):
    """Do something right after a page's answer was made."""
    done = []

    def hook(request):
        if request.is_page("t") and int(request.query.get("page", 1)) == page:
            with server.lock:
                if not done:
                    done.append(True)
                    answer = server.reply(request)
                    act(server.tables["t"])
                    return answer
        return None

    server.hooks.append(hook)
    return done


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_deletion_while_listing_hides_nothing_that_stays(odd, mount, page):
    server = odd()
    server.tables["t"] = records(450)

    def act(rows):
        del rows[5:12]

    done = _once(server, page, act)
    m = mount(server)
    found = os.listdir(m / "t")
    assert done
    assert len(set(found)) == len(found)
    survivors = set(record_names(5)) | set(record_names(438, 12))
    assert survivors <= set(found) <= set(record_names(450))


@pytest.mark.parametrize("first", [0, 1000], ids=["before", "behind"])
def test_an_insertion_while_listing_doubles_and_hides_nothing(odd, mount, first):
    server = odd()
    server.tables["t"] = records(450, 20)
    done = _once(server, 1, lambda rows: rows.extend(records(7, first)))
    m = mount(server)
    found = os.listdir(m / "t")
    assert done
    assert len(set(found)) == len(found)
    wanted = set(record_names(450, 20))
    assert wanted <= set(found) <= wanted | set(record_names(7, first))


def test_deletions_all_the_while_never_hide_what_stays(odd, mount):
    """Each page that is served takes a record with it that was on page 1."""
    server = odd()
    server.tables["t"] = records(600)
    gone = []

    def hook(request):
        if request.is_page("t"):
            with server.lock:
                answer = server.reply(request)
                if len(gone) < 40:
                    gone.append(server.tables["t"].pop(len(gone) % 3))
                return answer
        return None

    server.hooks.append(hook)
    m = mount(server)
    found = set(os.listdir(m / "t"))
    left = {name for name in record_names(600)} - {
        oid(n) + ".json" for n in range(600) if record(n) in gone
    }
    assert left <= found


@pytest.mark.parametrize(
    "lie",
    ["total-low", "total-high", "repeat-page", "no-sort", "no-select", "no-filter"],
)
def test_a_server_that_lies_gets_no_hole(emulator, mount, lie):
    server = emulator("--no-demo", "--generate", "t=450:100", "--lie", lie)
    m = mount(server, "-o", "retry=1")
    try:
        found = os.listdir(m / "t")
    except OSError as error:
        assert error.errno in (errno.EIO, errno.EPROTO)
        return
    assert len(found) == len(set(found))
    assert len([name for name in found if name != ".spec.json"]) == 450


def test_a_server_without_items_is_a_protocol_error(emulator, mount):
    server = emulator("--no-demo", "--generate", "t=5:100", "--lie", "no-items")
    m = mount(server, "-o", "retry=1")
    with fails(errno.EPROTO):
        os.listdir(m / "t")


def test_a_record_on_two_pages_stands_there_once(odd, mount):
    server = odd()
    server.tables["t"] = records(150)

    def hook(request):
        if request.is_page("t") and request.query.get("page") == "2":
            with server.lock:
                rows = server.tables["t"]
                rows.append(rows[3])
                try:
                    return server.reply(request)
                finally:
                    rows.pop()
        return None

    server.hooks.append(hook)
    m = mount(server, "-o", "retry=1")
    try:
        found = os.listdir(m / "t")
    except OSError as error:
        assert error.errno in (errno.EIO, errno.EPROTO)
        return
    assert sorted(found) == record_names(150)


def test_many_who_list_at_once_share_the_pages(odd, mount):
    server = odd()
    server.tables["t"] = records(450)

    def slow(request):
        if request.is_page():
            time.sleep(0.05)

    server.hooks.append(slow)
    m = mount(server)
    listers = [
        subprocess.Popen(["ls", str(m / "t")], stdout=subprocess.PIPE)
        for _ in range(8)
    ]
    for lister in listers:
        out, _ = lister.communicate(timeout=30)
        assert lister.returncode == 0
        assert out.decode().split() == record_names(450)
    assert server.count(lambda r: r.is_page("t")) <= 5 + 2


def _watch(server, under_way, most, delay):
    """Slow the server down, and count how many requests it has at once."""

    def hook(request):
        if request.path.startswith("/v1/data/"):
            with server.lock:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
            time.sleep(delay)
            with server.lock:
                under_way[0] -= 1

    server.hooks.append(hook)


def test_pages_are_fetched_side_by_side(odd, mount):
    server = odd()
    waiting, together = [], threading.Event()

    def hold(page):
        # The first ones are asked for as their reader goes on.
        if page > 8:
            waiting.append(page)
            if len(waiting) >= 16:
                together.set()
            together.wait(10)

    PagedTable(server, "t", 40, before=hold)
    under_way, most = [0], [0]
    _watch(server, under_way, most, 0.01)
    m = mount(server, "-o", "connections=16")
    assert sorted(os.listdir(m / "t")) == record_names(4000)
    assert together.is_set(), waiting
    assert most[0] <= 17


def test_no_more_than_connections_requests_are_under_way(odd, mount):
    server = odd()
    server.tables["t"] = records(1200)
    under_way, most = [0], [0]
    _watch(server, under_way, most, 0.02)
    m = mount(server, "-o", "connections=3")
    assert sorted(os.listdir(m / "t")) == record_names(1200)
    assert 2 <= most[0] <= 3


def test_a_project_that_changes_while_it_is_copied_loses_nothing(emulator, mount, work):
    server = emulator("--no-demo", "--generate", "t=600:200", "--mutate", "200")
    m = mount(server)
    for attempt in range(3):
        found = os.listdir(m / "t")
        assert len(found) == len(set(found))
    server.set(mutate=0)
    m.unmount()
    fresh = mount(server)
    assert_same(on_disk(fresh.path), tree(server))


def test_a_listing_can_be_left_before_its_end(odd, mount):
    server = odd()
    server.tables["t"] = records(3000)
    m = mount(server)
    for _ in range(5):
        with os.scandir(m / "t") as entries:
            next(entries)
    assert len(os.listdir(m / "t")) == 3000


def test_unmounting_in_the_middle_of_a_listing_ends_it(odd, mount):
    server = odd()
    server.tables["t"] = records(500)
    let_go = threading.Event()
    _refuse_page_two(server, lambda: Reply(500, hold=let_go))
    m = mount(server)
    lister = subprocess.Popen(
        ["ls", str(m / "t")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: server.count(lambda r: r.query.get("page") == "2"))
    m.process.terminate()
    assert m.wait() == 0
    assert lister.wait(30) != 0
    let_go.set()


@pytest.mark.alone
def test_what_is_known_is_told_at_once_while_pages_stall(odd, mount, work):
    """All places for requests are taken by pages that do not come."""
    server = odd()
    server.tables["known"] = records(300)
    let_go = threading.Event()
    stalled = []

    def stall(page):
        if page > 8:
            stalled.append(page)
            let_go.wait(50)

    table = PagedTable(server, "t", 40, before=stall)
    first = mount(server, "-o", "ttl=3600", cache=work / "cache")
    assert len(os.listdir(first / "known")) == 300
    first.unmount()
    # The kernel knows nothing any more: each name asks the daemon.
    m = mount(server, "-d", "-o", "ttl=3600", cache=work / "cache")
    # The first name that is looked for makes all be checked.
    assert os.stat(m / "known" / record_names(300)[299]).st_size > 100
    lister = subprocess.Popen(["ls", str(m / "t")], stdout=subprocess.PIPE)
    try:
        wait_until(lambda: len(stalled) >= 16, 30, "16 pages that stall")
        spans = []
        for name in record_names(100):
            began = time.monotonic()
            assert os.stat(m / "known" / name).st_size > 100
            spans.append(time.monotonic() - began)
        assert m.log().count(b"opcode: LOOKUP") >= 100
        spans.sort()
        assert spans[50] < 0.05, spans
        began = time.monotonic()
        assert len(os.listdir(m / "known")) == 300
        assert time.monotonic() - began < 2
        assert len(stalled) == 16 and lister.poll() is None
    finally:
        let_go.set()
        out, _ = lister.communicate(timeout=40)
    assert out.decode().split() == record_names(4000)
    assert table.requests() == 40
