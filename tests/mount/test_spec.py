"""A table's spec changes without any record of it doing so."""

import os
import signal
import time

from conftest import wait_until
from jsontext import pretty
from records import read, record, record_names, records

ONE = b'{"tableName":"t","schema":{"a":1}}'
TWO = b'{"tableName":"t","schema":{"a":1,"b":2}}'


def _project(odd):
    server = odd()
    server.tables["t"] = records(120)
    server.specs["t"] = ONE
    return server


def _asked(server, what="/spec"):
    with server.lock:
        asked = [r.path for r in server.log if r.path.endswith(what)]
        server.log.clear()
    return len(asked)


def _listed(m):
    return sorted(name for name in os.listdir(m / "t") if name[0] != ".")


def test_a_changed_spec_is_seen_by_who_opens_it(odd, mount):
    server = _project(odd)
    m = mount(server, "-o", "ttl=600")
    assert _listed(m) == record_names(120)
    assert read(m / "t/.spec.json") == pretty(ONE)
    assert _asked(server) == 1
    before = os.stat(m / "t/.spec.json")
    with server.lock:
        server.specs["t"] = TWO
    assert read(m / "t/.spec.json") == pretty(ONE)  # not due
    os.kill(m.pid, signal.SIGHUP)
    wait_until(lambda: read(m / "t/.spec.json") == pretty(TWO), 5, "the new one")
    assert _asked(server) == 1
    assert os.stat(m / "t/.spec.json").st_ino != before.st_ino
    assert _asked(server) == 0


def test_its_date_follows_what_it_says_and_not_its_white_space(odd, mount):
    """Else each rsync after a server's update would copy it again."""
    server = _project(odd)
    server.tables["u"] = server.tables["t"]
    server.tables["v"] = server.tables["t"]
    server.specs["u"] = ONE.replace(b":", b" : ").replace(b",", b",\n  ")
    server.specs["v"] = TWO
    m = mount(server)
    t, u, v = (os.stat(m / name / ".spec.json").st_mtime_ns for name in "tuv")
    assert t == u != v


def test_an_unchanged_listing_does_not_ask_for_it(odd, mount):
    server = _project(odd)
    m = mount(server, "-o", "ttl=1")
    assert _listed(m) == record_names(120)
    _asked(server)
    time.sleep(1.05)  # it is due for a check
    assert _listed(m) == record_names(120)
    with server.lock:
        assert len(server.log) == 1
    assert _asked(server) == 0


def test_it_comes_with_changed_records(odd, mount, work):
    server = _project(odd)
    m = mount(server, "-o", "ttl=600")
    assert _listed(m) == record_names(120)
    _asked(server)
    with server.lock:
        server.specs["t"] = TWO
        server.tables["t"].append(
            record(120).replace(b'"updatedAt":"20', b'"updatedAt":"21')
        )
    os.kill(m.pid, signal.SIGHUP)
    wait_until(lambda: _listed(m) == record_names(121), 5, "the new record")
    wait_until(lambda: _asked(server) == 1, 5, "the spec")
    time.sleep(0.2)
    assert read(m / "t/.spec.json") == pretty(TWO)
    assert _asked(server) == 0


def test_a_refused_one_is_not_asked_for_with_each_change(odd, mount):
    server = _project(odd)
    del server.specs["t"]
    m = mount(server, "-o", "ttl=1")
    assert _listed(m) == record_names(120)
    assert not os.path.exists(m / "t/.spec.json")
    _asked(server)
    with server.lock:
        server.tables["t"].append(
            record(120).replace(b'"updatedAt":"20', b'"updatedAt":"21')
        )
    wait_until(lambda: _listed(m) == record_names(121), 5, "the new record")
    time.sleep(0.2)
    assert _asked(server) == 0
