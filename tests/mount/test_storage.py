"""Stored files: the right bytes or an error, never a short or a mixed file."""

import errno
import os
import random
import signal
import subprocess
import threading
import time

import pytest

from conftest import run, succeed, wait_until, wait_until_it_waits
from odd_server import Reply, Storage
from records import fails, moment, oid, read

BIG = random.Random(7).randbytes(12 * 1024 * 1024 + 4321)


def _holds(server, data, name="f.bin", **claim):
    server.put_file(oid(1), name, data, **claim)
    return f"storage/{oid(1)}_{name}"


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 131072, 1 << 20, (1 << 20) + 1])
def test_a_file_of_any_size_reads_right(odd, mount, size):
    server = odd()
    path = _holds(server, BIG[:size])
    m = mount(server)
    assert os.stat(m / path).st_size == size
    assert read(m / path) == BIG[:size]


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "length"])
def test_a_large_file_reads_right(odd, mount, ranges, chunked):
    server = odd()
    server.storage.ranges = ranges
    server.storage.chunked = chunked
    path = _holds(server, BIG)
    m = mount(server)
    assert read(m / path) == BIG


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_reads_anywhere_in_a_file_are_right(odd, mount, ranges):
    server = odd()
    server.storage.ranges = ranges
    path = _holds(server, BIG)
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
    path = _holds(server, BIG)
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
    assert [reader.wait(5) for reader in readers] == [0] * 4


def test_nothing_but_the_range_is_told_to_the_download_host(odd, mount):
    server = odd()
    path = _holds(server, BIG)
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
    path = _holds(server, BIG)
    m = mount(server)
    read(m / path)
    asked = [r for r in server.log if r.path.endswith("/download-url")]
    assert len(asked) == 1
    assert asked[0].method == "POST"


# URLs that expire ----------------------------------------------------------


@pytest.mark.parametrize("every", [2, 3])
def test_urls_that_expire_in_mid_read_are_renewed(odd, mount, every):
    server = odd()
    path = _holds(server, BIG)
    seen = []

    def hook(request):
        seen.append(request)
        if len(seen) % every == 0 and len(seen) <= 12:
            server.storage.revoke()

    server.storage.hooks.append(hook)
    m = mount(server)
    assert read(m / path) == BIG
    assert server.storage.count(lambda r: r.status == 403) >= 1
    assert server.count(lambda r: r.path.endswith("/download-url")) >= 2


def test_a_url_that_lives_shorter_than_the_read_is_renewed(odd, mount):
    server = odd()
    server.storage.ttl = 1
    server.storage.rate = 4 << 20
    path = _holds(server, BIG)
    m = mount(server)
    with open(m / path, "rb", buffering=0) as held:
        for offset in (0, 5 << 20, 11 << 20):
            held.seek(offset)
            assert held.read(100000) == BIG[offset : offset + 100000]
            time.sleep(1.1)
    assert server.count(lambda r: r.path.endswith("/download-url")) >= 2


def test_a_url_that_expired_between_two_reads_is_renewed(odd, mount):
    server = odd()
    path = _holds(server, BIG)
    m = mount(server)
    with open(m / path, "rb", buffering=0) as held:
        assert held.read(4096) == BIG[:4096]
        server.storage.revoke()
        held.seek(8 * 1024 * 1024)
        assert held.read(4096) == BIG[8 * 1024 * 1024 :][:4096]
        server.storage.revoke()
    assert read(m / path) == BIG


def test_a_url_that_is_never_good_is_an_error_in_time(odd, mount):
    server = odd()
    server.storage.ttl = -1
    path = _holds(server, b"x" * 5000)
    m = mount(server, "-o", "retry=1")
    with fails(errno.EACCES, errno.EIO):
        read(m / path)
    assert server.count(lambda r: r.path.endswith("/download-url")) < 50
    server.storage.ttl = 900
    assert read(m / path) == b"x" * 5000


# Transfers that break ------------------------------------------------------


@pytest.mark.parametrize("how", ["cut", "reset", "500", "reset in mid-body"])
def test_a_transfer_that_breaks_goes_on(odd, mount, how):
    server = odd()
    path = _holds(server, BIG)
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
    path = _holds(server, data)
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
    path = _holds(server, BIG[: 1 << 20])

    def hook(request):
        with server.storage.lock:
            reply = server.storage.reply(request)
        reply.cut = 0
        return reply

    server.storage.hooks.append(hook)
    m = mount(server, "-o", "retry=1")
    with fails(errno.EIO):
        read(m / path)
    assert run("cp", m / path, work / "copy").returncode != 0
    server.storage.hooks.clear()
    assert read(m / path) == BIG[: 1 << 20]


def test_a_wrong_content_range_is_never_taken_for_the_right_bytes(odd, mount):
    server = odd()
    path = _holds(server, BIG[: 4 << 20])

    def hook(request):
        with server.storage.lock:
            reply = server.storage.reply(request)
            if reply.status == 206 and reply.headers["Content-Range"][:8] != "bytes 0-":
                reply.headers["Content-Range"] = f"bytes 0-{len(reply.body) - 1}/{4 << 20}"
        return reply

    server.storage.hooks.append(hook)
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
    path = _holds(server, b"A" * size)
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
    path = _holds(server, b"A" * (8 << 20))

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
    path = _holds(server, BIG)
    server.storage.etag = lambda path, data: f'"{random.random()}"'
    m = mount(server, "-o", "retry=1")
    try:
        assert read(m / path) == BIG
    except OSError as error:
        assert error.errno in (errno.EIO, errno.EPROTO, errno.ESTALE)


# Where a download may lead -------------------------------------------------


def _send_to(server, url):
    server.hooks.append(
        lambda r: server.ok(b'{"url":"%s","filename":"x","size":10}' % url.encode())
        if r.path.endswith("/download-url") else None
    )


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:1/x", "/etc/passwd",
     "", "javascript:1", "smb://127.0.0.1/x", "http://", "dict://127.0.0.1:1/x"],
)
def test_a_download_url_may_be_http_only(odd, mount, url):
    server = odd()
    path = _holds(server, b"x" * 10)
    _send_to(server, url)
    m = mount(server, "-o", "retry=1")
    with fails(errno.EPROTO):
        read(m / path)


def test_a_plain_download_url_may_lead_to_loopback_only(odd, mount):
    server = odd()
    path = _holds(server, b"x" * 10)
    other = Storage(("0.0.0.0", 0))
    try:
        other.hooks.append(lambda r: Reply(body=b"x" * 10))
        _send_to(server, f"http://0.0.0.0:{other.port}/x")
        m = mount(server, "-o", "retry=1")
        with fails(errno.EPROTO, errno.EACCES):
            read(m / path)
        assert not other.log
    finally:
        other.stop()


def test_spaces_in_a_download_url_are_sent_as_escapes(odd, mount):
    server = odd()
    path = _holds(server, b"x" * 10)
    server.storage.hooks.append(
        lambda r: server.storage.serve(r, b"x" * 10, '"e"')
    )
    _send_to(server, server.storage.url + "/my  photo.jpg?name=a b")
    m = mount(server, "-o", "retry=1")
    assert read(m / path) == b"x" * 10
    assert {r.target for r in server.storage.log} == {"/my%20%20photo.jpg?name=a%20b"}


@pytest.mark.parametrize(
    "url, why",
    [
        ("https://host.invalid:123456/x", "Port number"),
        ("ftp://127.0.0.1/x", "neither http nor https"),
        ("http://host.invalid/x", "in the clear"),
    ],
)
def test_a_download_url_that_cannot_be_followed_tells_why(odd, mount, url, why):
    server = odd()
    path = _holds(server, b"x" * 10)
    _send_to(server, url)
    m = mount(server, "-o", "retry=1")
    with fails(errno.EPROTO):
        read(m / path)
    assert why in m.report("errors").decode()


def _redirect(server, location):
    server.storage.hooks.append(
        lambda r: None if r.path.startswith("/moved")
        else Reply(302, b"", {"Location": location(r)})
    )


@pytest.mark.wire("another host, of plain HTTP")
def test_a_redirect_of_a_download_is_followed_without_credentials(odd, mount):
    server = odd()
    path = _holds(server, BIG[:300000])
    other = Storage()
    try:
        other.hooks.append(lambda r: other.serve(r, BIG[:300000], '"e"'))
        _redirect(server, lambda r: f"{other.url}/moved?X-Amz-Signature=redirected")
        m = mount(server)
        assert read(m / path) == BIG[:300000]
        assert other.log
        for request in other.log:
            assert "authorization" not in request.headers
            assert "x-api-key" not in request.headers
        assert b"redirected" not in m.log() + m.report("errors")
    finally:
        other.stop()


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_may_not_leave_http(odd, mount, location):
    server = odd()
    path = _holds(server, b"x" * 10)
    _redirect(server, lambda r: location)
    m = mount(server, "-o", "retry=1")
    with fails(errno.EPROTO, errno.EIO):
        read(m / path)
    assert f"it redirects to {location}" in m.report("errors").decode()


def test_redirects_without_end_are_an_error(odd, mount):
    server = odd()
    path = _holds(server, b"x" * 10)
    _redirect(server, lambda r: server.storage.url + r.target)
    m = mount(server, "-o", "retry=1")
    with fails(errno.EPROTO, errno.EIO):
        read(m / path)
    assert len(server.storage.log) < 200
    report = m.report("errors").decode()
    assert f"it redirects to {server.storage.url}/" in report
    assert "Signature" not in report


@pytest.mark.parametrize("to", ["other host", "file"])
def test_a_redirect_of_the_api_tells_no_secret(odd, mount, to):
    server = odd()
    server.tables["t"] = [b'{"id":"a"}']
    other = Storage()
    try:
        other.hooks.append(lambda r: Reply(body=b'{"id":"a"}'))
        location = {"other host": f"http://localhost:{other.port}/x", "file": "file:///x"}
        server.hooks.append(
            lambda r: Reply(307, b"", {"Location": location[to]})
            if r.path.startswith("/v1/data") else None
        )
        m = mount(server, "-o", "retry=1")
        run("cat", m / "t/a.json")
        run("ls", m / "t")
        for request in other.log:
            told = repr(request)
            assert not [s for s in server.secrets() if s.decode() in told]
        if to == "file":
            assert run("cat", m / "t/a.json").returncode != 0
    finally:
        other.stop()


# What storage refuses ------------------------------------------------------


@pytest.mark.parametrize(
    "status, code, wanted",
    [
        (404, "file/not-found", errno.ENOENT),
        (403, "file/access-denied", errno.EACCES),
        (500, "internal", errno.EIO),
    ],
)
def test_a_refused_download_url_is_the_right_error(odd, mount, status, code, wanted):
    server = odd()
    path = _holds(server, b"x" * 10)
    server.hooks.append(
        lambda r: server.no(status, code, "told so")
        if r.path.endswith("/download-url") else None
    )
    m = mount(server, "-o", "retry=1")
    with fails(wanted):
        read(m / path)
    report = m.report("errors").decode()
    assert str(status) in report and code in report and "told so" in report


def test_an_object_that_is_gone_is_not_found(odd, mount):
    server = odd()
    path = _holds(server, b"x" * 10)
    server.storage.objects.clear()
    m = mount(server, "-o", "retry=1")
    with fails(errno.ENOENT):
        read(m / path)


# While downloads stall -----------------------------------------------------


def _stall(server, count):
    """Reads of count files get half of a body and then nothing."""
    let_go = threading.Event()
    for number in range(count):
        server.put_file(oid(number), "f", BIG[:200000])

    def hook(request):
        with server.storage.lock:
            reply = server.storage.reply(request)
        reply.hold, reply.hold_at = let_go, len(reply.body) // 2
        return reply

    server.storage.hooks.append(hook)
    return let_go


def _cats(m, count):
    return [
        subprocess.Popen(
            ["cat", str(m / f"storage/{oid(number)}_f")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in range(count)
    ]


def _end(processes):
    for process in processes:
        process.kill()
    for process in processes:
        process.wait(10)


@pytest.mark.alone
def test_everything_else_answers_while_downloads_stall(odd, mount):
    server = odd()
    server.tables["t"] = [b'{"id":"%d"}' % n for n in range(150)]
    let_go = _stall(server, 16)
    m = mount(server)
    os.listdir(m / "storage")
    os.listdir(m / "t")
    cats = _cats(m, 16)
    try:
        wait_until(lambda: len(server.storage.log) >= 16)
        quickest = []
        for act in (
            lambda n: os.statvfs(m.path),
            lambda n: os.stat(m / f"t/{n}.json"),
            lambda n: os.listdir(m / "t"),
            lambda n: m.report("errors"),
            lambda n: read(m / f"t/{n}.json"),
            lambda n: os.path.exists(m / f".none{n}"),
        ):
            spans = []
            for turn in range(5):
                began = time.monotonic()
                act(turn)
                spans.append(time.monotonic() - began)
            assert max(spans) < 2
            quickest.append(min(spans))
        assert max(quickest) < 0.05, quickest
        assert all(cat.poll() is None for cat in cats)
    finally:
        _end(cats)
        let_go.set()


def test_listings_go_on_while_some_downloads_stall(odd, mount):
    server = odd()
    server.tables["u"] = [b'{"id":"a"}']
    let_go = _stall(server, 8)
    m = mount(server)
    cats = _cats(m, 8)
    try:
        wait_until(lambda: len(server.storage.log) >= 8)
        assert os.listdir(m / "u") == ["a.json"]
    finally:
        _end(cats)
        let_go.set()


@pytest.mark.alone
def test_ctrl_c_ends_a_stalled_read_at_once(odd, mount):
    server = odd()
    let_go = _stall(server, 1)
    m = mount(server)
    [cat] = _cats(m, 1)
    try:
        wait_until(lambda: server.storage.log)
        wait_until_it_waits(cat)
        cat.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert cat.wait(10) == -signal.SIGINT
        assert time.monotonic() - began < 1
    finally:
        let_go.set()
    server.storage.hooks.clear()
    assert read(m / f"storage/{oid(0)}_f") == BIG[:200000]


def test_a_mount_in_use_is_not_unmounted_and_reads_on(odd, mount):
    server = odd()
    server.storage.rate = 8 << 20
    path = _holds(server, BIG)
    m = mount(server)
    with open(m / path, "rb", buffering=0) as held:
        assert held.read(1000) == BIG[:1000]
        said = run("fusermount3", "-u", m.path)
        assert said.returncode != 0 and b"busy" in said.stderr
        held.seek(6 << 20)
        assert held.read(1000) == BIG[6 << 20 :][:1000]


@pytest.mark.parametrize("how", ["lazily", "by signal"])
def test_unmounting_while_reading_ends_well(odd, mount, how):
    server = odd()
    let_go = _stall(server, 4)
    m = mount(server)
    cats = _cats(m, 4)
    try:
        wait_until(lambda: len(server.storage.log) >= 4)
        if how == "lazily":
            succeed("fusermount3", "-uz", m.path)
            _end(cats)
        else:
            m.process.send_signal(signal.SIGTERM)
        assert m.wait() == 0
        for cat in cats:
            assert cat.wait(10) != 0
    finally:
        _end(cats)
        let_go.set()


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
    path = _holds(server, BIG[:100000])
    m = mount(server)
    assert read(m / path) == BIG[:100000]
    asked = len(server.storage.log)
    assert read(m / path) == BIG[:100000]
    assert len(server.storage.log) == asked
