"""Without the server: what was read once is there, and nothing else is made up."""

import errno
import os

from conftest import succeed
from jsontext import pretty
from records import fails, oid, read, record, record_names, records


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
