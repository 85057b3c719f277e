"""
TLS and HTTP/2 in front of a server: nginx, with a certificate of an authority
that ends with the run.
"""

import os
import shutil
import socket
import subprocess

from lab import Trouble, wait_until

CONFIG = """
daemon off; worker_processes 1; {user}
pid {dir}/pid; error_log {dir}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2;
    fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4;
    scgi_temp_path {dir}/t5;
    sendfile on; tcp_nopush on; keepalive_requests 1000000;
    ssl_certificate {dir}/site.crt; ssl_certificate_key {dir}/site.key;
    ssl_session_cache shared:site:1m;
    http2_max_concurrent_streams 128;
    {upstream}
    server {{
        listen 127.0.0.1:{port} ssl http2 backlog=511;
        location / {{ {location} }}
    }}
}}
"""

UPSTREAM = "upstream behind {{ server {server}; keepalive 128; }}"

# What goes in comes out at once.
PROXY = (
    "proxy_pass http://behind; proxy_http_version 1.1;"
    ' proxy_set_header Connection ""; proxy_set_header Host $http_host;'
    " proxy_buffering off; proxy_request_buffering off;"
)


class Front:
    """Serves what another server does, or the files of a directory, at url;
    authority is what it is trusted by. Its settings are the server's, with
    what curl and bkendfs need."""

    def __init__(self, lab, server=None, store=None):
        self.directory = lab.disk / lab.name("front")
        self.directory.mkdir()
        self.authority = self.directory / "ca.crt"
        self._certify(lab)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        upstream, location = "", f"root {store};"
        if server:
            behind = server.url.split("//")[1]
            upstream, location = UPSTREAM.format(server=behind), PROXY
        config = self.directory / "nginx.conf"
        config.write_text(
            CONFIG.format(
                dir=self.directory,
                port=self.port,
                upstream=upstream,
                location=location,
                user="user root;" if os.geteuid() == 0 else "",
            )
        )
        self.settings = {
            **(server.settings if server else {}),
            "BKEND_API_URL": self.url,
            "CURL_CA_BUNDLE": str(self.authority),
        }
        path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        errors = self.directory / "error.log"
        words = [shutil.which("nginx", path=path), "-e", errors, "-c", config]
        self.process = lab.start(words, stdout=subprocess.DEVNULL)
        wait_until(self._listens, "nginx")

    def _certify(self, lab):
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        key += ["-nodes", "-days", "2"]
        place = self.directory
        lab.command(
            "openssl", "req", "-x509", *key, "-subj", "/CN=Bench",
            "-keyout", place / "ca.key", "-out", self.authority,
        )
        lab.command(
            "openssl", "req", "-x509", *key, "-subj", "/CN=127.0.0.1",
            "-addext", "subjectAltName=IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE",
            "-CA", self.authority, "-CAkey", place / "ca.key",
            "-keyout", place / "site.key", "-out", place / "site.crt",
        )

    def _listens(self):
        if self.process.poll() is not None:
            said = (self.directory / "error.log").read_text(errors="replace")
            raise Trouble(f"nginx did not start: {said.strip()[-500:]}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
