"""TLS: a real web server in front, HTTP/2, and certificates that are verified."""

import os
import re
import socket
import subprocess

import pytest

from conftest import is_mounted, succeed, wait_until
from jsontext import pretty
from records import oid, read, record, record_names, records

CONFIG = """
daemon off;
{user}
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 512; }}
http {{
    log_format proto '$server_protocol $connection $request_uri';
    access_log {dir}/access.log proto;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {dir}/{name}.crt;
        ssl_certificate_key {dir}/{name}.key;
        keepalive_requests 10000;
        location / {{ proxy_pass {api}; proxy_http_version 1.1; }}
        location /bucket/ {{ proxy_pass {storage}; proxy_http_version 1.1; }}
    }}
}}
"""


def _certificate(place, name, subject):
    """A key, and a certificate of our own authority."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    if not (place / "ca.crt").exists():
        succeed(
            "openssl", "req", "-x509", *key, "-days", "2", "-subj", "/CN=Test CA",
            "-keyout", place / "ca.key", "-out", place / "ca.crt",
        )
    (place / f"{name}.ext").write_text(f"subjectAltName={subject}\n")
    succeed(
        "openssl", "req", *key, "-subj", f"/CN={name}",
        "-keyout", place / f"{name}.key", "-out", place / f"{name}.csr",
    )
    succeed(
        "openssl", "x509", "-req", "-in", place / f"{name}.csr", "-days", "2",
        "-CA", place / "ca.crt", "-CAkey", place / "ca.key", "-CAcreateserial",
        "-extfile", place / f"{name}.ext", "-out", place / f"{name}.crt",
    )


class Front:
    """nginx with a certificate, in front of an odd server."""

    def __init__(self, work, server, subject):
        self.server = server
        self.dir = work / "front"
        self.dir.mkdir()
        _certificate(self.dir, "site", subject)
        self.ca = self.dir / "ca.crt"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"https://127.0.0.1:{port}"
        (self.dir / "nginx.conf").write_text(
            CONFIG.format(
                dir=self.dir, name="site", port=port, api=server.url,
                storage=server.storage.url,
                user="user root;" if os.geteuid() == 0 else "",
            )
        )
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-p", self.dir, "-c", self.dir / "nginx.conf",
             "-e", self.dir / "error.log"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

        def up():
            assert self.process.poll() is None, (self.dir / "error.log").read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_until(up, 10, "nginx")
        server.storage.url = self.url

    def env(self):
        return {**self.server.env(), "BKEND_API_URL": self.url}

    def secrets(self):
        return self.server.secrets()

    def log(self):
        return (self.dir / "access.log").read_text().splitlines()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def front(odd, work):
    """Factory: front(subject) → nginx in front of a small project."""
    started = []

    def start(subject="IP:127.0.0.1,DNS:localhost"):
        server = odd()
        server.tables["posts"] = records(450)
        server.put_file(oid(1), "f", b"content" * 100000)
        started.append(Front(work, server, subject))
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
    pages = [line.split() for line in site.log() if "/v1/data/posts?" in line]
    assert len(pages) >= 5
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


def _refused(said, site):
    assert said.status == 1
    assert re.search("certificate", said.message, re.IGNORECASE)
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
