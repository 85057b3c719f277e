"""HTTP/2 has ends of its own: streams and connections that break off, or never
answer. None of them may lose anything, or hold up others."""

import os
import subprocess
import threading

import pytest

from conftest import wait_until
from jsontext import pretty
from odd_h2 import INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM, OddH2
from odd_server import Reply
from records import oid, read, record, record_names, records

CONTENT = bytes(range(256)) * 2000
STORED = f"storage/{oid(1)}_f"


@pytest.fixture
def site(odd):
    server = odd()
    server.tables["posts"] = records(450)
    server.put_file(oid(1), "f", CONTENT)
    one = OddH2(server)
    yield one
    one.stop()


def _once(wanted, what):
    """A plan: do it to the first request like this."""
    left = [True]

    def plan(stream):
        if not wanted(stream.request) or not left:
            return False
        left.clear()
        what(stream)
        return True

    return plan


def _is_page(number):
    return lambda r: r.is_page("posts") and r.query.get("page") == str(number)


def _is_object(request):
    return request.path.startswith("/bucket/")


def _looks_right(m):
    assert sorted(os.listdir(m / "posts")) == record_names(450)
    assert read(m / f"posts/{oid(7)}.json") == pretty(record(7))
    assert read(m / STORED) == CONTENT


def _refuse(stream):
    stream.reset(REFUSED_STREAM)


def _break(stream):
    reply = stream.reply()
    stream.send(reply, upto=len(reply.body) // 2)
    stream.reset(INTERNAL_ERROR)


def _end_early(stream, length=True):
    reply = stream.reply()
    stream.send(reply, upto=len(reply.body) // 2, length=length)
    stream.reset(NO_ERROR)


def _end_early_without_length(stream):
    _end_early(stream, length=False)


def _go_away(stream):
    """Nothing from here on is looked at."""
    stream.connection.goaway(stream.number - 1)
    stream.connection.close()


def _go_away_amid(stream):
    reply = stream.reply()
    stream.send(reply, upto=len(reply.body) // 2)
    stream.connection.goaway(stream.number, INTERNAL_ERROR)
    stream.connection.close()


def _close_amid(stream):
    reply = stream.reply()
    stream.send(reply, upto=len(reply.body) // 2, length=False)
    stream.connection.close()


ENDS = [
    _refuse, _break, _end_early, _end_early_without_length, _go_away,
    _go_away_amid, _close_amid,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__[1:])
def test_a_page_that_breaks_off_is_asked_for_again(site, mount, end):
    plan = _once(_is_page(3), end)
    site.plans.append(plan)
    m = mount(site)
    _looks_right(m)
    assert site.count(_is_page(3)) >= 1


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__[1:])
def test_an_object_that_breaks_off_is_read_whole(site, mount, end):
    ended = []
    site.plans.append(_once(_is_object, lambda s: (ended.append(s), end(s))))
    m = mount(site)
    _looks_right(m)
    assert ended


def test_an_object_without_ranges_that_ends_early_is_not_taken_as_whole(site, mount):
    """Nothing says how long it is but the metadata, which may be wrong."""
    site.storage.ranges = False
    site.put_file(oid(2), "g", CONTENT, size=None)
    site.plans.append(_once(_is_object, _end_early_without_length))
    m = mount(site)
    assert read(m / f"storage/{oid(2)}_g") == CONTENT


def test_a_stream_that_is_refused_costs_no_patience(site, mount):
    """It was not looked at, so that nothing is wrong with what it asks for."""
    site.plans.append(_once(_is_page(2), _refuse))
    m = mount(site, "-o", "retry=0")
    _looks_right(m)


def test_a_retry_after_is_heeded(site, mount):
    limit = Reply(429, b"{}", {"Retry-After": "1"})
    site.plans.append(_once(_is_page(2), lambda stream: stream.send(limit)))
    m = mount(site)
    _looks_right(m)
    assert b"trying again in 1000 ms" in m.log()


def test_streams_that_stall_hold_up_no_others(site, mount):
    """All of them share a connection, and one request may still be made."""
    release = threading.Event()
    for number in range(10, 25):
        site.put_file(oid(number), "slow", CONTENT)
    slow = [f"/bucket/{oid(number)}" for number in range(10, 25)]

    def stall(stream):
        if stream.request.path not in slow:
            return False
        reply = stream.reply()
        reply.hold, reply.hold_at = release, 10000
        stream.send(reply)
        return True

    site.plans.append(stall)
    m = mount(site)
    os.listdir(m / "storage")
    readers = [
        subprocess.Popen(
            ["cat", m / f"storage/{oid(number)}_slow"], stdout=subprocess.PIPE
        )
        for number in range(10, 25)
    ]
    try:
        wait_until(
            lambda: site.storage.count(lambda r: r.path in slow) >= 15, 20,
            "the readers",
        )
        _looks_right(m)
        assert all(reader.poll() is None for reader in readers)
        assert len(site.connections) <= 4
    finally:
        release.set()
        outputs = [reader.communicate(timeout=60)[0] for reader in readers]
    assert outputs == [CONTENT] * 15


def test_a_connection_that_says_nothing_any_more_is_given_up(site, mount):
    """It still takes all that is sent to it; a new one would answer."""
    m = mount(site, "-o", "ttl=0,retry=60")
    _looks_right(m)
    for connection in site.connections:
        connection.mute = True
    muted = len(site.connections)
    assert sorted(os.listdir(m / "posts")) == record_names(450)
    assert len(site.connections) > muted
