"""Stored files: the right bytes or an error, never a short or a mixed file."""

import errno
import os
import random
import subprocess
import threading

import pytest

from conftest import run, succeed
from odd_server import Reply
from records import fails, moment, oid, read
from stored import BIG, holds


def _change_replies(server, change):
    """Let change(reply) make something else of what the store answers."""

    def hook(request):
        with server.storage.lock:
            reply = server.storage.reply(request)
        change(reply)
        return reply

    server.storage.hooks.append(hook)


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 131072, 1 << 20, (1 << 20) + 1])
def test_a_file_of_any_size_reads_right(odd, mount, size):
    server = odd()
    path = holds(server, BIG[:size])
    m = mount(server)
    assert os.stat(m / path).st_size == size
    assert read(m / path) == BIG[:size]


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "length"])
def test_a_large_file_reads_right(odd, mount, ranges, chunked):
    server = odd()
    server.storage.ranges = ranges
    server.storage.chunked = chunked
    path = holds(server, BIG)
    m = mount(server)
    assert read(m / path) == BIG


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_reads_anywhere_in_a_file_are_right(odd, mount, ranges):
    server = odd()
    server.storage.ranges = ranges
    path = holds(server, BIG)
    m = mount(server)
    dice = random.Random(3)
    handle = os.open(m / path, os.O_RDONLY)
    try:
        end = len(BIG)
        places = [(end - 10, 100), (end, 10), (end + 5, 10), (0, 10), (end - 4097, 4097)]
        places += [(dice.randrange(end), dice.randrange(1, 300000)) for _ in range(12)]
        places += [(step * 1000000, 1000) for step in range(11, -1, -1)]
        for offset, length in places:
            got = os.pread(handle, length, offset)
            while got and len(got) < min(length, end - offset):
                got += os.pread(handle, length - len(got), offset + len(got))
            assert got == BIG[offset : offset + length], (offset, length)
    finally:
        os.close(handle)


def test_a_file_reads_right_for_many_readers_at_once(odd, mount):
    server = odd()
    path = holds(server, BIG)
    m = mount(server)
    readers = [
        subprocess.Popen(["cmp", "-", str(m / path)], stdin=subprocess.PIPE)
        for _ in range(4)
    ]
    feeders = [
        threading.Thread(target=reader.communicate, args=(BIG,)) for reader in readers
    ]
    for feeder in feeders:
        feeder.start()
    for feeder in feeders:
        feeder.join(60)
    assert [reader.wait(30) for reader in readers] == [0] * 4


def test_nothing_but_the_range_is_told_to_the_download_host(odd, mount):
    server = odd()
    path = holds(server, BIG)
    m = mount(server)
    read(m / path)
    assert server.storage.log
    for request in server.storage.log:
        assert request.method == "GET"
        for header in ("authorization", "x-api-key", "cookie", "referer"):
            assert header not in request.headers
        told = repr(request)
        for secret in server.secrets():
            assert secret.decode() not in told.replace(request.target, "")


def test_one_url_serves_for_a_whole_file(odd, mount):
    server = odd()
    path = holds(server, BIG)
    m = mount(server)
    read(m / path)
    asked = [r for r in server.log if r.path.endswith("/download-url")]
    assert len(asked) == 1
    assert asked[0].method == "POST"


# Transfers that break ------------------------------------------------------


@pytest.mark.parametrize("how", ["cut", "reset", "500", "reset in mid-body"])
def test_a_transfer_that_breaks_goes_on(odd, mount, how):
    server = odd()
    path = holds(server, BIG)
    seen = [0]

    def hook(request):
        seen[0] += 1
        if seen[0] % 2 == 0 or seen[0] > 9:
            return None
        if how == "500":
            return Reply(500, b"<Error/>")
        if how == "reset":
            return Reply(reset=True)
        with server.storage.lock:
            reply = server.storage.reply(request)
        reply.cut = len(reply.body) // 2
        return reply

    server.storage.hooks.append(hook)
    m = mount(server)
    assert read(m / path) == BIG
    assert seen[0] > 1


def test_a_range_less_store_that_cuts_is_read_right(odd, mount):
    server = odd()
    server.storage.ranges = False
    data = BIG[: 3 << 20]
    path = holds(server, data)
    cuts = [700000, 1 << 20, 2500000]

    def hook(request):
        if not cuts:
            return None
        with server.storage.lock:
            reply = server.storage.reply(request)
        reply.cut = cuts.pop(0)
        return reply

    server.storage.hooks.append(hook)
    m = mount(server)
    assert read(m / path) == data


def test_a_store_that_always_cuts_is_an_error_and_never_short(odd, mount, work):
    server = odd()
    path = holds(server, BIG[: 1 << 20])

    def cut(reply):
        reply.cut = 0

    _change_replies(server, cut)
    m = mount(server, "-o", "retry=1")
    with fails(errno.EIO):
        read(m / path)
    assert run("cp", m / path, work / "copy").returncode != 0
    server.storage.hooks.clear()
    assert read(m / path) == BIG[: 1 << 20]


def test_a_store_that_tells_no_totals_is_read_right(odd, mount):
    server = odd()
    path = holds(server, BIG[: 4 << 20])

    def leave_out(reply):
        if reply.status == 206:
            span = reply.headers["Content-Range"].split("/")[0]
            reply.headers["Content-Range"] = f"{span}/*"

    _change_replies(server, leave_out)
    assert read(mount(server) / path) == BIG[: 4 << 20]


def test_a_wrong_content_range_is_never_taken_for_the_right_bytes(odd, mount):
    server = odd()
    path = holds(server, BIG[: 4 << 20])

    def move(reply):
        if reply.status == 206 and reply.headers["Content-Range"][:8] != "bytes 0-":
            reply.headers["Content-Range"] = f"bytes 0-{len(reply.body) - 1}/{4 << 20}"

    _change_replies(server, move)
    m = mount(server, "-o", "retry=1")
    try:
        assert read(m / path) == BIG[: 4 << 20]
    except OSError as error:
        assert error.errno in (errno.EIO, errno.EPROTO)


# Objects that change -------------------------------------------------------


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_an_object_that_changes_in_the_read_is_never_mixed(odd, mount, ranges):
    size = 12 << 20
    server = odd()
    server.storage.ranges = ranges
    path = holds(server, b"A" * size)
    seen = [0]

    def hook(request):
        with server.storage.lock:
            seen[0] += 1
            reply = server.storage.reply(request)
            server.storage.objects[f"/bucket/{oid(1)}"] = b"B" * size
            if seen[0] == 1:
                reply.cut = len(reply.body) // 2
        return reply

    server.storage.hooks.append(hook)
    m = mount(server, "-o", "retry=1")
    for _ in range(3):
        try:
            data = read(m / path)
        except OSError as error:
            assert error.errno in (errno.EIO, errno.EPROTO, errno.ESTALE)
        else:
            assert len(data) == size and len(set(data)) == 1
    assert seen[0] >= 2


def test_an_object_of_another_length_is_never_cut_or_padded(odd, mount):
    server = odd()
    path = holds(server, b"A" * (8 << 20))

    def hook(request):
        with server.storage.lock:
            reply = server.storage.reply(request)
            server.storage.objects[f"/bucket/{oid(1)}"] = b"B" * (3 << 20)
        return reply

    server.storage.hooks.append(hook)
    m = mount(server, "-o", "retry=1")
    for _ in range(3):
        try:
            data = read(m / path)
        except OSError as error:
            assert error.errno in (errno.EIO, errno.EPROTO, errno.ESTALE)
        else:
            assert data in (b"A" * (8 << 20), b"B" * (3 << 20))


def test_an_etag_of_its_own_for_each_answer_makes_no_mix(odd, mount):
    server = odd()
    path = holds(server, BIG)
    server.storage.etag = lambda path, data: f'"{random.random()}"'
    m = mount(server, "-o", "retry=1")
    try:
        assert read(m / path) == BIG
    except OSError as error:
        assert error.errno in (errno.EIO, errno.EPROTO, errno.ESTALE)


# While it is in use, and afterwards ----------------------------------------


def test_a_mount_in_use_is_not_unmounted_and_reads_on(odd, mount):
    server = odd()
    server.storage.rate = 8 << 20
    path = holds(server, BIG)
    m = mount(server)
    with open(m / path, "rb", buffering=0) as held:
        assert held.read(1000) == BIG[:1000]
        said = run("fusermount3", "-u", m.path)
        assert said.returncode != 0 and b"busy" in said.stderr
        held.seek(6 << 20)
        assert held.read(1000) == BIG[6 << 20 :][:1000]


def test_mtime_of_a_stored_file_is_known_without_asking_for_it(odd, mount):
    server = odd()
    for number in range(5):
        server.put_file(oid(number), "f", b"x" * 10, at=moment(number))
    m = mount(server)
    succeed("ls", "-l", m / "storage")
    assert not server.storage.log
    assert not server.count(lambda r: r.path.endswith("/download-url"))


def test_a_file_that_was_read_is_read_again_without_its_host(odd, mount):
    server = odd()
    path = holds(server, BIG[:100000])
    m = mount(server)
    assert read(m / path) == BIG[:100000]
    asked = len(server.storage.log)
    assert read(m / path) == BIG[:100000]
    assert len(server.storage.log) == asked
