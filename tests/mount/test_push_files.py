"""Small stored files that are here already are in the kernel's cache before
they are asked for, by who reads them in the order of their listing."""

import os
import random

from conftest import succeed
from records import oid
from test_push import TRACED, _counts

COUNT = 300


def _contents():
    rng = random.Random(7)
    sizes = [0, 1, 4095, 4096, 4097, 20000, 131072, 131073]
    return [rng.randbytes(sizes[n % len(sizes)]) for n in range(COUNT)]


def _project(odd):
    server = odd()
    contents = _contents()
    for number, data in enumerate(contents):
        server.put_file(oid(number), "f", data)
    return server, contents


def _copied(path):
    return [(path / f"{oid(n)}_f").read_bytes() for n in range(COUNT)]


def test_a_copy_of_what_is_kept_hardly_asks_the_daemon(odd, mount, work):
    server, contents = _project(odd)
    m = mount(server, cache=work / "cache")
    succeed("cp", "-r", m / "storage", work / "one")
    assert _copied(work / "one") == contents
    m.unmount()
    m = mount(server, *TRACED, cache=work / "cache")
    with server.lock:
        server.log.clear()
    succeed("cp", "-r", m / "storage", work / "two")
    assert _copied(work / "two") == contents
    reads, stores = _counts(m)
    # Empty ones need none; the largest are left to be asked for.
    large = sum(len(data) > 131072 for data in contents)
    assert reads < 300 * 0.4 + 2 * large
    assert stores > 100
    assert not [r for r in server.log if "download" in r.path]


def test_a_first_copy_is_right_and_asks_the_store_once_a_file(odd, mount, work):
    server, contents = _project(odd)
    m = mount(server, *TRACED)
    succeed("cp", "-r", m / "storage", work / "copy")
    assert _copied(work / "copy") == contents
    asked = [r.path for r in server.log if r.path.endswith("/download-url")]
    assert len(asked) == len(set(asked))


def test_who_looks_at_attributes_only_gets_nothing(odd, mount, work):
    server, _ = _project(odd)
    m = mount(server, cache=work / "cache")
    succeed("cp", "-r", m / "storage", work / "one")
    m.unmount()
    m = mount(server, *TRACED, cache=work / "cache")
    succeed("ls", "-lR", m / "storage")
    succeed("du", "-s", m / "storage")
    assert _counts(m) == (0, 0)


def test_reading_against_the_order_pushes_nothing(odd, mount, work):
    server, contents = _project(odd)
    m = mount(server, cache=work / "cache")
    succeed("cp", "-r", m / "storage", work / "one")
    m.unmount()
    m = mount(server, *TRACED, cache=work / "cache")
    os.listdir(m / "storage")
    for number in reversed(range(COUNT)):
        assert (m / "storage" / f"{oid(number)}_f").read_bytes() == contents[
            number
        ]
    assert _counts(m)[1] < 60


def test_urls_and_objects_do_not_wait_for_each_other(emulator, mount, work):
    """Also where one host has both: so many at once of each."""
    server = emulator(
        *("--no-demo", "--generate-files", "60:2000"),
        *("--latency", "30", "--storage-latency", "30"),
    )
    m = mount(server, "-o", "connections=2")
    succeed("cp", "-r", m / "storage", work / "copy")
    stats = server.stats()
    assert stats["storage"] == stats["urls"] == 60
    assert 2 < stats["inflight_max"] <= 4
