"""Stores that tell no version, or no end: a whole file of one version, or an error."""

import errno

import pytest

from odd_server import Reply
from records import fails, oid, read

SIZE = 1_000_000


def _holds(server, data, **claim):
    server.put_file(oid(1), "f.bin", data, **claim)
    return f"storage/{oid(1)}_f.bin"


@pytest.mark.wire("the connection's end is the body's")
def test_a_body_cut_where_its_connection_ends_is_no_file(odd, mount, tmp_path):
    server = odd()
    path = _holds(server, b"A" * SIZE)
    cut = [300_000]
    server.storage.hooks.append(lambda r: Reply(200, b"A" * SIZE, bare=True, cut=cut[0]))
    m = mount(server, "-o", "retry=1")
    for _ in range(3):
        with fails(errno.EIO):
            read(m / path)
    cut[0] = None
    assert read(m / path) == b"A" * SIZE


@pytest.mark.wire("the connection's end is the body's")
def test_an_unclaimed_body_that_ends_with_its_connection_is_fetched_twice(odd, mount):
    server = odd()
    path = _holds(server, b"A" * SIZE, size=False)
    seen = []

    def hook(request):
        seen.append(request)
        return Reply(200, b"A" * SIZE, bare=True, cut=300_000 if len(seen) == 1 else None)

    server.storage.hooks.append(hook)
    m = mount(server)
    assert read(m / path) == b"A" * SIZE
    assert len(seen) == 3


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_a_store_without_validators_makes_no_mix(odd, mount, ranges):
    server = odd()
    path = _holds(server, b"A" * (8 << 20))
    seen = []

    def hook(request):
        with server.storage.lock:
            seen.append(request)
            version = bytes([ord("A") + len(seen) // 2]) * (8 << 20)
            server.storage.ranges = ranges
            reply = server.storage.serve(request, version, '"x"')
            for name in ("ETag", "Last-Modified"):
                del reply.headers[name]
            if len(seen) == 1 and reply.status == 200:
                reply.cut = 5 << 20
        return reply

    server.storage.hooks.append(hook)
    m = mount(server, "-o", "retry=2")
    data = read(m / path)
    assert len(data) == 8 << 20 and len(set(data)) == 1


def test_an_answer_without_the_first_ones_etag_is_of_another_version(odd, mount):
    server = odd()
    path = _holds(server, b"A" * (8 << 20))
    seen = []

    def hook(request):
        with server.storage.lock:
            seen.append(request)
            if len(seen) == 1:
                return server.storage.serve(request, b"A" * (8 << 20), '"x"')
            request.headers.pop("if-range", None)
            reply = server.storage.serve(request, b"B" * (8 << 20), '"y"')
            for name in ("ETag", "Last-Modified"):
                del reply.headers[name]
        return reply

    server.storage.hooks.append(hook)
    m = mount(server, "-o", "retry=1")
    with fails(errno.EIO):
        read(m / path)
    assert read(m / path) == b"B" * (8 << 20)
