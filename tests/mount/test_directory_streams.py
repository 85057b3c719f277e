"""Directories that are read as programs may read them: piece by piece, from any
position that was handed out, several at a time, and not always to the end."""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter

import pytest

from conftest import sockets_of, succeed, wait_until, wait_until_it_waits
from dirstream import getdents, opened
from paged import PagedTable
from records import read, record_names, records
from truth import Client

SPEC = b'{"tableName":"t","schema":{},"indexes":[],"permissions":{}}'

CONNECTIONS = 16  # the default


def _whole(pages):
    """What stands in such a directory, in its order."""
    return [".", "..", ".spec.json", *record_names(pages * 100)]


def _names(taken):
    return [name for _, name in taken]


def _project(odd, pages, before=None):
    server = odd()
    server.specs["t"] = SPEC
    return server, PagedTable(server, "t", pages, before=before)


# Positions -----------------------------------------------------------------


def _jump_about(stream, taken, dice, jumps):
    """Go to positions that were handed out, in any order; some entries follow
    each of them as they did."""
    for _ in range(jumps):
        at = dice.randrange(len(taken))
        further = min(dice.randrange(1, 150), len(taken) - at)
        stream.seek(taken[at][0])
        assert stream.tell() == taken[at][0]
        assert stream.take(further) == taken[at : at + further]


def test_a_position_leads_back_to_its_entry(odd, mount):
    server, _ = _project(odd, 6)
    m = mount(server)
    dice = random.Random(1)
    # Asked of the daemon, then kept by the kernel, then asked of the kernel.
    for _ in range(3):
        with opened(m / "t") as stream:
            taken = stream.take()
            end = stream.tell()
            assert _names(taken) == _whole(6)
            assert len({position for position, _ in taken} | {end}) == len(taken) + 1
            _jump_about(stream, taken, dice, 40)
            for _ in range(3):
                at = dice.randrange(len(taken))
                stream.seek(taken[at][0])
                assert stream.take() == taken[at:]
            stream.seek(end)
            assert stream.next() is None


def test_a_position_stays_good_while_the_listing_arrives(odd, mount):
    let_go = threading.Event()

    def hold(page):
        if page > 6:
            let_go.wait(30)

    server, _ = _project(odd, 14, hold)
    m = mount(server)
    dice = random.Random(2)
    whole = _whole(14)
    try:
        with opened(m / "t") as stream:
            taken = stream.take(3 + 600)
            assert _names(taken) == whole[:603]
            _jump_about(stream, taken, dice, 40)
            stream.rewind()
            assert stream.take(603) == taken
            let_go.set()
            # Now what has been read, and what is about to come.
            _jump_about(stream, taken, dice, 20)
            stream.seek(taken[350][0])
            taken += stream.take()[603 - 350 :]
            assert _names(taken) == whole
            _jump_about(stream, taken, dice, 40)
            stream.rewind()
            assert stream.take() == taken
    finally:
        let_go.set()


def test_a_rewound_directory_gives_the_same_entries(odd, mount):
    server, _ = _project(odd, 5, before=lambda page: time.sleep(0.02))
    m = mount(server)
    whole = _whole(5)
    with opened(m / "t") as stream:
        # In front of the first page's end, on it, behind it, and at the end.
        for count in (0, 1, 2, 50, 103, 104, 399, 503):
            assert _names(stream.take(count)) == whole[:count]
            stream.rewind()
        for _ in range(3):
            assert _names(stream.take()) == whole
            assert stream.next() is None
            stream.rewind()


def test_an_offset_from_getdents_stays_good(odd, mount):
    server, _ = _project(odd, 3, before=lambda page: time.sleep(0.02))
    m = mount(server)
    handle = os.open(m / "t", os.O_RDONLY | os.O_DIRECTORY)
    try:
        everything = []
        while entries := getdents(handle, 300):
            everything += entries
        assert _names(everything) == _whole(3)
        for index in (200, 3, 120, 301, 0, 299, 1, 2):
            os.lseek(handle, everything[index][0], os.SEEK_SET)
            assert getdents(handle, 300)[0] == everything[index + 1]
    finally:
        os.close(handle)


# Several readers -----------------------------------------------------------


def test_readers_at_different_positions_see_everything_once(odd, mount):
    server, table = _project(odd, 20, before=lambda page: time.sleep(0.02))
    m = mount(server)
    dice = random.Random(3)
    for _ in range(2):  # while it arrives, and again
        with opened(m / "t") as one, opened(m / "t") as other:
            seen = {one: [], other: []}
            going = [one, other]
            while going:
                stream = dice.choice(going)
                taken = stream.take(dice.randrange(1, 300))
                seen[stream] += _names(taken)
                if not taken:
                    going.remove(stream)
            assert seen[one] == _whole(20)
            assert seen[other] == _whole(20)
    assert table.asked == Counter(range(1, 21))


def test_readers_in_threads_see_everything_once(odd, mount):
    server, table = _project(odd, 20, before=lambda page: time.sleep(0.02))
    m = mount(server)
    seen = [[] for _ in range(6)]

    def follow(number):
        with opened(m / "t") as stream:
            while taken := stream.take(1 + 37 * number):
                seen[number] += _names(taken)

    readers = [
        threading.Thread(target=follow, args=(number,), daemon=True)
        for number in range(len(seen))
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(40)
    for names in seen:
        assert names == _whole(20)
    assert table.asked == Counter(range(1, 21))


# Readers who stop ----------------------------------------------------------


def _quiet(table):
    """Wait until no more pages are asked for; how many were."""
    last = [-1, 0.0]

    def still():
        asked = table.requests()
        if asked != last[0]:
            last[:] = [asked, time.monotonic()]
        return time.monotonic() - last[1] > 0.7

    wait_until(still, 20, "the end of fetching")
    return last[0]


@pytest.mark.parametrize("leaves", [True, False], ids=["leaves", "lingers"])
@pytest.mark.parametrize("pages_read", [1, 20])
def test_who_stops_half_way_stops_the_fetching(odd, mount, pages_read, leaves):
    server, table = _project(odd, 150)
    m = mount(server)
    with opened(m / "t") as stream:
        read_so_far = _names(stream.take(3 + pages_read * 100 - 50))
        if leaves:
            stream.close()
        asked = _quiet(table)
        # What a reader's buffer holds, and what is fetched ahead of it.
        assert asked <= (pages_read + 4 + 2 * CONNECTIONS if pages_read > 6 else 8)
        with opened(m / "t") as second:
            assert _names(second.take()) == _whole(150)
        if not leaves:
            read_so_far += _names(stream.take())
            assert read_so_far == _whole(150)
    assert table.asked == Counter(range(1, 151))


LISTER = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
for entry in os.scandir(sys.argv[1]):
    print(entry.name)
"""


@pytest.mark.wire("a connection a request")
def test_a_listing_that_was_interrupted_is_taken_up(odd, mount):
    let_go = threading.Event()
    held = []

    def hold(page):
        if page > 20:
            held.append(page)
            let_go.wait(30)

    server, table = _project(odd, 90, hold)
    m = mount(server)
    lister = subprocess.Popen(
        ["/usr/bin/python3", "-uc", LISTER, m / "t"], stdout=subprocess.PIPE
    )
    try:
        wait_until(lambda: len(held) == CONNECTIONS, 30)
        # All that has come is read: it waits for what is held.
        for _ in range(1 + 2000):
            assert lister.stdout.readline()
        wait_until_it_waits(lister, m.pid)
        assert len(sockets_of(m.pid)) >= CONNECTIONS
        lister.send_signal(signal.SIGINT)
        assert lister.wait(10) == -signal.SIGINT
        # It is noticed a little later: then the connections go.
        wait_until(lambda: len(sockets_of(m.pid)) < CONNECTIONS / 2, 20, "the end of it")
        let_go.set()
        # Else it would be as far as one gets ahead of a reader.
        assert _quiet(table) < 20 + 2 * CONNECTIONS - 4
    finally:
        let_go.set()
        lister.kill()
        lister.communicate()
    assert sorted(os.listdir(m / "t")) == [".spec.json", *record_names(9000)]
    # What had come is not asked for again, only what was under way.
    assert all(table.asked[page] == 1 for page in range(1, 21))
    assert table.requests() <= 90 + CONNECTIONS
    assert set(table.asked) == set(range(1, 91))


# What stands there once ----------------------------------------------------


@pytest.mark.parametrize("size", [56, 113, 1000, 4096, 32768, 1 << 20])
def test_entries_come_once_in_pieces_of_any_size(odd, mount, size):
    server, _ = _project(odd, 3, before=lambda page: time.sleep(0.02))
    m = mount(server)
    for _ in range(3):  # while it arrives, then kept by the kernel
        handle = os.open(m / "t", os.O_RDONLY | os.O_DIRECTORY)
        try:
            names = []
            while entries := getdents(handle, size):
                names += _names(entries)
            assert names == _whole(3)
        finally:
            os.close(handle)


@pytest.mark.parametrize("what", ["late", "asked for before", "asked for within"])
def test_the_spec_comes_once_however_it_is_got(odd, mount, what):
    server, _ = _project(odd, 3)

    def slow(request):
        if request.path.endswith("/spec"):
            time.sleep(0.3)

    if what == "late":
        server.hooks.append(slow)
    m = mount(server)
    if what == "asked for before":
        assert read(m / "t/.spec.json")
    with opened(m / "t") as stream:
        seen = _names(stream.take(50))
        if what == "asked for within":
            assert read(m / "t/.spec.json")
        seen += _names(stream.take())
        assert seen == _whole(3)
    assert sorted(os.listdir(m / "t")) == sorted(_whole(3)[2:])
    assert server.count(lambda r: r.path.endswith("/spec")) == 1


def test_a_directory_of_directories_has_its_dots_once(odd, mount):
    server = odd()
    server.tables["t"] = records(1)
    m = mount(server)
    for place, names in (
        (m.path, {"t", "files", "storage"}),
        (m / "storage", set()),
        (m / "t", set(record_names(1))),
    ):
        with opened(place) as stream:
            for _ in range(2):
                taken = stream.take()
                assert Counter(_names(taken)) == Counter({".", "..", *names})
                _jump_about(stream, taken, random.Random(4), 5)
                stream.rewind()


# What it costs -------------------------------------------------------------


def _made_up_id(server):
    """The id of some record of an emulator's table, asked of the server."""
    answer = Client(server).call("/v1/data/huge?page=77&limit=100")
    return answer["items"].elements[50]["id"].raw.decode().strip('"')


def test_one_entry_of_a_huge_table_costs_two_requests_at_most(emulator, mount):
    server = emulator("--no-demo", "--generate", "huge=1000000:100")
    name = _made_up_id(server) + ".json"
    m = mount(server)
    server.reset()
    assert name[:-5].encode() in read(m / "huge" / name)
    assert os.stat(m / "huge" / name).st_size > 50
    assert server.stats()["api"] <= 2


@pytest.mark.alone  # how soon head ends is a matter of time
def test_the_head_of_a_huge_table_costs_eight_requests_at_most(emulator, mount):
    server = emulator("--no-demo", "--generate", "huge=1000000:100")
    m = mount(server)
    server.reset()
    with os.scandir(m / "huge") as entries:
        assert next(entries)
    assert server.stats()["api"] <= 2 + 2
    m.unmount()
    fresh = mount(server)
    server.reset()
    listed = succeed("sh", "-c", f"ls -f '{fresh.path}/huge' | head")
    assert len(listed.split()) == 10
    time.sleep(0.3)
    assert server.stats()["api"] <= 8
