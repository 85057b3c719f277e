"""What was deleted is found without listing all again, and is gone from both
directories where there are two."""

import os
import signal

import pytest

from conftest import wait_until
from jsontext import pretty
from records import oid, read, record, record_names, records


def _listed(place):
    return sorted(name for name in os.listdir(place) if name[0] != ".")


def _asked(server):
    with server.lock:
        lines = [request.path for request in server.log]
        server.log.clear()
    return lines


def _asked_by_who_sees(server, sees):
    """What is asked for by the first look that sees a change. (On a slow machine
    there may be many before it, and each may cost a check.)"""

    def look():
        _asked(server)
        return sees()

    wait_until(look, 30, "the change")
    return _asked(server)


@pytest.mark.parametrize("gone", [(0,), (1234,), (3999,), (17, 3000)])
def test_a_deleted_record_costs_a_few_requests(odd, mount, gone):
    server = odd()
    server.tables["t"] = records(4000)
    m = mount(server, "-o", "ttl=1")
    assert _listed(m / "t") == record_names(4000)
    inode = os.stat(m / "t" / f"{oid(100)}.json").st_ino
    with server.lock:
        server.tables["t"] = [
            raw for n, raw in enumerate(server.tables["t"]) if n not in gone
        ]
    left = [
        name for n, name in enumerate(record_names(4000)) if n not in gone
    ]
    asked = _asked_by_who_sees(server, lambda: _listed(m / "t") == left)
    assert len(asked) <= 20  # a whole listing has 40 pages
    assert os.stat(m / "t" / f"{oid(100)}.json").st_ino == inode
    assert read(m / "t" / f"{oid(101)}.json") == pretty(record(101))
    for n in gone:
        assert not os.path.exists(m / "t" / f"{oid(n)}.json")


def test_a_deleted_file_is_gone_from_both_directories(odd, mount, work):
    server = odd()
    for n in range(2500):
        # Not in the order of their ids, so that the server is seen to sort.
        minute = n * 7919 % 2500
        at = f"2026-01-{minute // 1440 + 1:02d}T{minute // 60 % 24:02d}:{minute % 60:02d}:00.000Z"
        server.put_file(oid(n), "x", b"x", at=at)
    m = mount(server, "-o", "ttl=1", cache=work / "cache")
    assert len(_listed(m / "storage")) == 2500
    with server.lock:
        del server.files[oid(777)]
    asked = _asked_by_who_sees(server, lambda: len(_listed(m / "files")) == 2499)
    assert len(asked) <= 12  # a whole listing has 25 pages
    names = _listed(m / "storage")
    assert len(names) == 2499 and f"{oid(777)}_x" not in names
    assert f"{oid(777)}.json" not in _listed(m / "files")
    m.unmount()
    again = mount(server, "-o", "offline", cache=work / "cache")
    assert _listed(again / "storage") == names
