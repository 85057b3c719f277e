"""Where the bytes of a stored file are: URLs that expire, lead elsewhere, or are refused."""

import errno
import time

import pytest

from conftest import run
from odd_server import Reply, Storage
from records import fails, read
from stored import BIG, holds


# URLs that expire ----------------------------------------------------------


@pytest.mark.parametrize("every", [2, 3])
def test_urls_that_expire_in_mid_read_are_renewed(odd, mount, every):
    server = odd()
    path = holds(server, BIG)
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
    path = holds(server, BIG)
    m = mount(server)
    with open(m / path, "rb", buffering=0) as held:
        for offset in (0, 5 << 20, 11 << 20):
            held.seek(offset)
            assert held.read(100000) == BIG[offset : offset + 100000]
            time.sleep(1.1)
    assert server.count(lambda r: r.path.endswith("/download-url")) >= 2


def test_a_url_that_expired_between_two_reads_is_renewed(odd, mount):
    server = odd()
    path = holds(server, BIG)
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
    path = holds(server, b"x" * 5000)
    m = mount(server, "-o", "retry=1")
    with fails(errno.EACCES, errno.EIO):
        read(m / path)
    assert server.count(lambda r: r.path.endswith("/download-url")) < 50
    server.storage.ttl = 900
    assert read(m / path) == b"x" * 5000


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
    path = holds(server, b"x" * 10)
    _send_to(server, url)
    m = mount(server, "-o", "retry=1")
    with fails(errno.EPROTO):
        read(m / path)


def test_a_plain_download_url_may_lead_to_loopback_only(odd, mount):
    server = odd()
    path = holds(server, b"x" * 10)
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
    path = holds(server, b"x" * 10)
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
    path = holds(server, b"x" * 10)
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
    path = holds(server, BIG[:300000])
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
    path = holds(server, b"x" * 10)
    _redirect(server, lambda r: location)
    m = mount(server, "-o", "retry=1")
    with fails(errno.EPROTO, errno.EIO):
        read(m / path)
    assert f"it redirects to {location}" in m.report("errors").decode()


def test_redirects_without_end_are_an_error(odd, mount):
    server = odd()
    path = holds(server, b"x" * 10)
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
    path = holds(server, b"x" * 10)
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
    path = holds(server, b"x" * 10)
    server.storage.objects.clear()
    m = mount(server, "-o", "retry=1")
    with fails(errno.ENOENT):
        read(m / path)
