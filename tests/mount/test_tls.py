"""TLS: a real web server in front, HTTP/2, and certificates that are verified."""

import os
import re
import subprocess

import pytest

from conftest import environment, is_mounted, memory_of, succeed, wait_until
from front import OURS, Front, certificate, certified
from jsontext import pretty
from records import oid, read, record, record_names, records

@pytest.fixture
def front(odd, work):
    """Factory: front(subject, listen=…) → nginx in front of a small project."""
    started = []

    def start(subject=OURS, **options):
        server = odd()
        server.tables["posts"] = records(450)
        server.put_file(oid(1), "f", b"content" * 100000)
        started.append(Front(work, server, subject, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_a_certificate_of_a_given_authority_is_accepted(front, mount):
    site = front()
    m = mount(site, "-o", f"cacert={site.ca}")
    assert sorted(os.listdir(m / "posts")) == record_names(450)
    assert read(m / f"posts/{oid(1)}.json") == pretty(record(1))
    assert read(m / f"storage/{oid(1)}_f") == b"content" * 100000


def test_http_2_is_spoken_where_the_server_has_it(front, mount):
    site = front()
    m = mount(site, "-o", f"cacert={site.ca}")
    assert len(os.listdir(m / "posts")) == 450
    pages = [line.split() for line in site.lines("/v1/data/posts?", 5)]
    assert {protocol for protocol, *_ in pages} == {"HTTP/2.0"}
    connections = {connection for _, connection, _ in pages}
    assert len(connections) <= 2, "requests did not share connections"


def test_an_objects_bytes_over_tls_come_without_credentials(front, mount):
    site = front()
    m = mount(site, "-o", f"cacert={site.ca}")
    assert read(m / f"storage/{oid(1)}_f") == b"content" * 100000
    assert site.server.storage.log
    for request in site.server.storage.log:
        assert "authorization" not in request.headers
        assert "x-api-key" not in request.headers


def test_tokens_that_are_over_stay_in_no_buffer(front, mount, work):
    site = front()
    # AddressSanitizer keeps what was freed, as it was, unless it is told so.
    asan = environment(work)["ASAN_OPTIONS"] + ":max_free_fill_size=1048576"
    m = mount(
        site, "-o", f"cacert={site.ca},ttl=0", env={"ASAN_OPTIONS": asan}
    )
    for _ in range(6):
        site.server.expire_tokens()
        assert read(m / f"posts/{oid(1)}.json")
        os.listdir(m / "posts")
    over = site.server.issued[:-4]
    assert len(over) >= 6 and any(token.startswith("refresh") for token in over)
    if os.geteuid() != 0:
        return  # whose memory nobody else can read: see test_secrets.py
    pieces = list(memory_of(m.pid))
    assert any(site.server.issued[-1].encode() in piece for piece in pieces)
    for token in over:
        assert not any(token.encode() in piece for piece in pieces), token


def _refused(said, site, why="certificate"):
    assert said.status == 1
    assert re.search(why, said.message, re.IGNORECASE)
    assert "cacert=" in said.message
    assert not is_mounted(said.path)
    assert not site.server.log


def test_a_certificate_that_does_not_verify_is_refused(front, start):
    site = front()
    _refused(start(site, "-o", "retry=5"), site)


def test_a_certificate_for_another_name_is_refused(front, start):
    site = front("DNS:other.example")
    said = start(site, "-o", f"retry=5,cacert={site.ca}")
    assert said.status == 1
    assert re.search("certificate", said.message, re.IGNORECASE)
    assert not is_mounted(said.path)
    assert not site.server.log


@pytest.fixture
def authority(work):
    """A directory where nginx may be given one certificate after the other."""
    place = work / "authority"
    place.mkdir()
    certificate(place, "site", OURS)
    return place


def test_a_certificate_that_has_expired_is_refused(front, start, authority):
    certificate(authority, "site", OURS, days=-1)
    site = front(certificates=authority)
    said = start(site, "-o", f"retry=5,cacert={site.ca}")
    _refused(said, site, "expired")


def test_a_certificate_of_its_own_is_refused(front, start, authority):
    key, crt = authority / "site.key", authority / "site.crt"
    succeed(
        "openssl", "req", "-x509", "-key", key, "-subj", "/CN=127.0.0.1", "-days", "2",
        "-addext", f"subjectAltName={OURS}", "-out", crt,
    )
    site = front(certificates=authority)
    _refused(start(site, "-o", f"retry=5,cacert={site.ca}"), site, "self.signed")


def test_a_certificate_may_be_renewed_in_mid_life(front, mount, authority, work):
    site = front(certificates=authority)
    m = mount(site, "-o", f"cacert={site.ca},ttl=0,retry=5")
    assert len(os.listdir(m / "posts")) == 450
    certificate(authority, "site", OURS)
    site.take_up()
    assert read(m / f"storage/{oid(1)}_f") == b"content" * 100000
    # By one that nobody vouches for, until that is mended.
    kept = {p: p.read_bytes() for p in (authority / "site.key", authority / "site.crt")}
    for path in kept:
        path.write_bytes((certified("DNS:other.example") / path.name).read_bytes())
    site.take_up()
    asked = len(site.server.log)
    with pytest.raises(OSError):
        os.listdir(m / "posts")
    assert b"certificate" in m.report("errors").lower()
    assert len(site.server.log) == asked
    for path, data in kept.items():
        path.write_bytes(data)
    site.take_up()
    assert sorted(os.listdir(m / "posts")) == record_names(450)


def test_a_new_authority_is_trusted_at_once(front, mount, authority, work):
    """As where it is renewed: who was trusted before is not any more."""
    site = front(certificates=authority)
    trusted = work / "trusted.pem"
    trusted.write_bytes(site.ca.read_bytes())
    m = mount(site, "-o", f"cacert={trusted},ttl=0,retry=5")
    assert len(os.listdir(m / "posts")) == 450
    kept = {p: p.read_bytes() for p in authority.iterdir()}
    for path in kept:
        path.unlink()
    certificate(authority, "site", OURS)
    site.take_up()
    with pytest.raises(OSError):
        os.listdir(m / "posts")
    (work / "new.pem").write_bytes(site.ca.read_bytes())
    (work / "new.pem").rename(trusted)
    assert sorted(os.listdir(m / "posts")) == record_names(450)
    for path, data in kept.items():
        path.write_bytes(data)
    site.take_up()
    with pytest.raises(OSError):
        os.listdir(m / "posts")


@pytest.mark.parametrize("listen, settings, protocol", [
    ("ssl", "", "HTTP/1.1"),
    ("ssl http2", "ssl_protocols TLSv1.2;", "HTTP/2.0"),
], ids=["without HTTP-2", "TLS 1.2"])
def test_what_the_server_has_is_used(front, mount, listen, settings, protocol):
    site = front(listen=listen, settings=settings)
    m = mount(site, "-o", f"cacert={site.ca}")
    assert sorted(os.listdir(m / "posts")) == record_names(450)
    assert read(m / f"storage/{oid(1)}_f") == b"content" * 100000
    assert all(line.startswith(protocol) for line in site.lines("/v1/data/posts?", 5))


def test_a_connection_that_ends_after_some_requests_loses_none(front, mount):
    """As after nginx's keepalive_requests: GOAWAY, while others are on their way."""
    site = front(settings="keepalive_requests 3;")
    site.server.specs["posts"] = b"{}"
    for number in range(2, 32):
        site.put_file(oid(number), "f", b"%d" % number * 1000)
    m = mount(site, "-o", f"cacert={site.ca}")
    assert sorted(os.listdir(m / "posts")) == [".spec.json", *record_names(450)]
    for number in range(2, 32):
        assert read(m / f"storage/{oid(number)}_f") == b"%d" % number * 1000
    # Each content took a request for its URL, and one for itself.
    assert len({line.split()[1] for line in site.lines(" /", 60)}) > 10
    assert m.report("errors") == b"" and b"trying again" not in m.log()


def test_a_server_that_is_gone_behind_it_is_waited_for(front, mount):
    site = front()
    m = mount(site, "-o", f"cacert={site.ca},retry=60")
    site.server.stop()
    try:
        with subprocess.Popen(["ls", m / "posts"], stdout=subprocess.PIPE) as ls:
            wait_until(lambda: b"status 502, trying again" in m.log(), 20, "a 502")
            site.server.start_again()
            names = ls.communicate(timeout=60)[0].decode().split()
        assert ls.returncode == 0 and names == record_names(450)
    finally:
        site.server.stop()


@pytest.mark.wire("it is about whom to trust")
def test_a_download_host_that_does_not_verify_is_refused(front, odd, mount):
    site = front()
    api = odd()
    api.put_file(oid(1), "f", b"content")
    api.storage.url = site.url
    m = mount(api, "-o", "retry=1")
    with pytest.raises(OSError):
        read(m / f"storage/{oid(1)}_f")
    assert b"certificate" in m.report("errors").lower()
    assert not site.server.storage.log


def test_the_emulator_behind_it_leads_back_through_it(emulator, mount, work):
    """By its download links, and by what its page says: it sees only plain requests."""
    server = emulator("--no-demo")
    server.put_record("posts", oid(1), b'{"id":"%s"}' % oid(1).encode())
    server.put_file(oid(2), b"content" * 1000, name="f")
    site = Front(work, server)
    try:
        m = mount(site, "-o", f"cacert={site.ca}")
        assert os.listdir(m / "posts")
        assert read(m / f"storage/{oid(2)}_f") == b"content" * 1000
        assert all(line.startswith("HTTP/2.0 ") for line in site.lines(" /storage/", 1))
        page = succeed("curl", "-sL", "--cacert", site.ca, "-H", "Accept: text/html", site.url)
        assert f"bkendfs {site.url} mnt".encode() in page
    finally:
        site.stop()
