"""A real web server in front of another one: TLS and HTTP/2."""

import atexit
import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from commands import succeed, wait_until
from emulator_server import Emulator
from odd_server import OddServer

CONFIG = """
daemon off;
{user}
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log notice;
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
        listen 127.0.0.1:{port} {listen};
        ssl_certificate {site}.crt;
        ssl_certificate_key {site}.key;
        {settings}
        # What goes in comes out: as it comes, as slowly, and once.
        proxy_buffering off;
        proxy_buffer_size 32k;
        proxy_buffers 8 32k;
        proxy_request_buffering off;
        proxy_next_upstream off;
        proxy_read_timeout 3600;
        client_max_body_size 0;
        merge_slashes off;
        location / {{
            proxy_pass {api};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
        location /bucket/ {{ proxy_pass {storage}; proxy_http_version 1.1; }}
    }}
}}
"""


def certificate(place, name, subject, days=2):
    """A key, and a certificate of our own authority, which ends in so many days."""
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
        "openssl", "x509", "-req", "-in", place / f"{name}.csr", "-days", str(days),
        "-CA", place / "ca.crt", "-CAkey", place / "ca.key", "-CAcreateserial",
        "-extfile", place / f"{name}.ext", "-out", place / f"{name}.crt",
    )


OURS = "IP:127.0.0.1,DNS:localhost"


@functools.cache
def certified(subject):
    """Where site.crt, site.key and ca.crt are: one directory for all tests of a
    run, since making them takes longer than most tests."""
    place = Path(tempfile.mkdtemp(prefix="bkendfs-certificate-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    certificate(place, "site", subject)
    return place


class Front:
    """nginx with a certificate, in front of a server, and of its storage where that is
    another one."""

    def __init__(
        self, work, server, subject=OURS, certificates=None, listen="ssl http2",
        settings="keepalive_requests 100000;",
    ):
        self.server = server
        storage = getattr(server, "storage", server)
        self.dir = work / f"front-{len(list(work.glob('front-*')))}"
        self.dir.mkdir()
        certificates = certificates or certified(subject)
        self.ca = certificates / "ca.crt"
        # Handed on, it takes connections from the beginning: nobody has to wait
        # until nginx is up, and nobody else gets the port.
        listener = socket.create_server(("127.0.0.1", 0), backlog=511)
        port = listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{port}"
        (self.dir / "nginx.conf").write_text(
            CONFIG.format(
                dir=self.dir, site=certificates / "site", port=port,
                listen=listen, settings=settings,
                api=server.url, storage=storage.url,
                user="user root;" if os.geteuid() == 0 else "",
            )
        )
        with listener:
            self.process = subprocess.Popen(
                ["/usr/sbin/nginx", "-p", self.dir, "-c", self.dir / "nginx.conf",
                 "-e", self.dir / "error.log"],
                env={"NGINX": f"{listener.fileno()};"},
                pass_fds=[listener.fileno()],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        if storage is not server:
            storage.url = self.url

    def env(self):
        return {**self.server.env(), "BKEND_API_URL": self.url}

    def secrets(self):
        return self.server.secrets()

    def __getattr__(self, name):
        """All else is the server's."""
        return getattr(self.server, name)

    def lines(self, part, least):
        """What it was asked for with this in its path: protocol, connection, path.
        It writes a line when the answer has gone, maybe after it was taken in: so
        many are waited for."""
        log = self.dir / "access.log"
        found = []

        def are_there():
            found[:] = [line for line in log.read_text().splitlines() if part in line]
            return len(found) >= least

        wait_until(are_there, 20, f"{least} lines with {part}")
        return found

    def take_up(self):
        """Read the certificate anew, as whoever has renewed it has it done: a new
        worker takes over, and the old one ends with its connections."""
        ended = self._workers_ended()
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self._workers_ended() > ended, 30, "the old one's end")

    def _workers_ended(self):
        return (self.dir / "error.log").read_text().count("exited with code 0")

    def stop(self):
        # What comes just before it begins to wait for a signal is not heard.
        for _ in range(40):
            self.process.terminate()
            try:
                self.process.wait(0.5)
                return
            except subprocess.TimeoutExpired:
                continue
        self.process.wait(10)


@pytest.fixture
def in_front(request, work):
    """Factory: in_front(server) → what is to be mounted: the server itself, or
    with --tls the web server in front of it, the same one each time."""
    fronts = {}

    def find(server):
        if (
            not request.config.getoption("--tls")
            or request.node.get_closest_marker("wire")
            or not isinstance(server, (Emulator, OddServer))
        ):
            return server
        if server not in fronts:
            fronts[server] = Front(work, server)
            fronts[server].is_put_in_front = True
        return fronts[server]

    yield find
    for one in fronts.values():
        one.stop()


def trust(server):
    """The options that mounting it takes: a test that knows of no web server in
    front names no certificates."""
    put = getattr(server, "is_put_in_front", False)
    return ["-o", f"cacert={server.ca}"] if put else []
