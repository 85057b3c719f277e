"""
The servers that a row measures against, all on 127.0.0.1: the emulator; nginx
as an object store; and the few API calls that lead a mount to that store.
"""

import http.client
import http.server
import json
import os
import select
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
import urllib.request

from lab import START_TIMEOUT, Trouble, wait_until

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Emulator:
    """A running bkend-emulator and its control interface."""

    def __init__(self, lab, *switches):
        words = [lab.programs / "bkend-emulator", "--no-demo", "--control"]
        self.process = lab.start(
            words + [str(switch) for switch in switches], stdout=subprocess.PIPE
        )
        self.settings = self._read_settings()
        self.url = self.settings["BKEND_API_URL"]

    def _read_settings(self):
        text = b""
        deadline = time.monotonic() + START_TIMEOUT
        pipe = self.process.stdout.fileno()
        while b"BKEND_TABLES=" not in text or not text.endswith(b"\n"):
            left = max(0, deadline - time.monotonic())
            ready, _, _ = select.select([pipe], [], [], left)
            piece = os.read(pipe, 65536) if ready else b""
            if not piece:
                said = self.process.log.read_text(errors="replace")
                raise Trouble(f"the emulator did not start: {said.strip()}")
            text += piece
        pairs = (line.split("=", 1) for line in text.decode().splitlines())
        settings = {key: value.strip("'\"") for key, value in pairs}
        del settings["BKEND_SECRET_KEY"]  # else mounts would not sign in
        return settings

    def _control(self, method, what, body=None, **query):
        url = f"{self.url}/_emulator/{what}?" + urllib.parse.urlencode(query)
        request = urllib.request.Request(url, method=method, data=body)
        with _direct.open(request, timeout=START_TIMEOUT) as answer:
            return answer.read()

    def stats(self):
        return json.loads(self._control("GET", "stats"))

    def settled(self):
        """The statistics once no request has come for half a second."""
        before = None
        while (now := self.stats()) != before:
            before = now
            time.sleep(0.5)
        return now

    def reset(self):
        self._control("POST", "reset")

    def put(self, table, record):
        self._control(
            "PUT", f"data/{table}/{record['id']}", json.dumps(record).encode()
        )

    def set(self, **switches):
        self._control("POST", "set", **switches)


class Nginx:
    """nginx that serves one directory, and tells what it has sent. rate: bytes
    a second, of each connection."""

    CONFIG = """
        daemon off; worker_processes 2; {user}
        pid {dir}/pid; error_log {dir}/error.log;
        events {{ worker_connections 512; }}
        http {{
            log_format sent '$status $bytes_sent';
            access_log {dir}/access.log sent;
            client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2;
            fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4;
            scgi_temp_path {dir}/t5;
            sendfile on; tcp_nopush on; keepalive_requests 1000000;
            server {{
                listen 127.0.0.1:{port};
                limit_rate {rate};
                root {store};
                autoindex on;
            }}
        }}
    """

    def __init__(self, lab, store, rate=0):
        self.directory = lab.disk / lab.name("nginx")
        self.directory.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config = self.directory / "nginx.conf"
        config.write_text(
            self.CONFIG.format(
                dir=self.directory,
                store=store,
                port=port,
                rate=rate,
                user="user root;" if os.geteuid() == 0 else "",
            )
        )
        self.url = f"http://127.0.0.1:{port}"
        path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        errors = self.directory / "error.log"
        words = [shutil.which("nginx", path=path), "-e", errors, "-c", config]
        self.process = lab.start(words, stdout=subprocess.DEVNULL)
        wait_until(self._listens, "nginx")

    def _listens(self):
        if self.process.poll() is not None:
            said = (self.directory / "error.log").read_text(errors="replace")
            raise Trouble(f"nginx did not start: {said.strip()[-500:]}")
        port = int(self.url.rsplit(":", 1)[1])
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def sent(self):
        """(answers, bytes) since the last call, once they have all ended."""
        log = self.directory / "access.log"
        size = -1
        while size != (size := log.stat().st_size):
            time.sleep(0.5)
        lines = [line.split() for line in log.read_text().splitlines()]
        os.truncate(log, 0)
        return len(lines), sum(int(sent) for _, sent in lines)


class FileApi:
    """As much of the API as a mount of storage/ needs, for files that lie in
    a store's directory: sign-in, the file list, download URLs. latency: of
    each answer, in milliseconds."""

    STAMP = "2024-01-01T00:00:00.000Z"

    def __init__(self, store, names, latency=0):
        items = [
            {
                "id": f"{0x659200800000000000000000 + number:x}",
                "s3Key": name,
                "originalName": name,
                "mimeType": "application/octet-stream",
                "size": os.path.getsize(store / name),
                "visibility": "private",
                "ownerId": "owner",
                "createdAt": self.STAMP,
                "updatedAt": self.STAMP,
            }
            for number, name in enumerate(names)
        ]
        self.items = {item["id"]: item for item in items}
        self.store_url = None
        self.requests = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet
            disable_nagle_algorithm = True
            api = self

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                time.sleep(latency / 1000)
                status, payload = self.api.payload(self.command, self.path)
                body = json.dumps(payload).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        address = ("127.0.0.1", 0)
        self.server = http.server.ThreadingHTTPServer(address, Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(
            target=self.server.serve_forever, args=(0.05,), daemon=True
        ).start()
        self.settings = {
            "BKEND_API_URL": self.url,
            "BKEND_PUBLISHABLE_KEY": "pk_" + "0" * 64,
            "BKEND_EMAIL": "demo@example.com",
            "BKEND_PASSWORD": "demo-password",
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def payload(self, method, target):
        """(status, payload) of the answer to a request."""
        self.requests += 1
        path, _, query = target.partition("?")
        if path == "/v1/auth/email/signin" or path == "/v1/auth/refresh":
            return 200, {
                "accessToken": "access",
                "refreshToken": "refresh",
                "tokenType": "Bearer",
                "expiresIn": 3600,
            }
        if path == "/v1/files":
            return 200, self._page(urllib.parse.parse_qs(query))
        if path.startswith("/v1/files/"):
            words = path.split("/")
            item = self.items.get(words[3])
            if item and method == "GET" and len(words) == 4:
                return 200, item
            if item and words[4:] == ["download-url"]:
                return 200, {
                    "url": f"{self.store_url}/{item['s3Key']}",
                    "filename": item["originalName"],
                    "contentType": item["mimeType"],
                    "size": item["size"],
                    "expiresAt": "2099-01-01T00:00:00.000Z",
                }
        return 404, {"error": {"code": "NOT_FOUND", "message": "no such thing"}}

    def _page(self, query):
        page, limit = (
            int(query.get(key, [default])[0])
            for key, default in (("page", 1), ("limit", 20))
        )
        items = sorted(
            self.items.values(),
            key=lambda item: item["id"],
            reverse=query.get("sortDirection") != ["asc"],
        )
        pages = -(-len(items) // limit)
        return {
            "items": items[(page - 1) * limit : page * limit],
            "pagination": {
                "total": len(items),
                "page": page,
                "limit": limit,
                "totalPages": pages,
                "hasNextPage": page < pages,
                "hasPrevPage": page > 1,
            },
        }


class Api:
    """A client that keeps its connection: the round trips as such."""

    def __init__(self, settings):
        self.settings = settings
        url = urllib.parse.urlsplit(settings["BKEND_API_URL"])
        if url.scheme == "https":
            trust = ssl.create_default_context(
                cafile=settings["CURL_CA_BUNDLE"]
            )
            self.connection = http.client.HTTPSConnection(
                url.netloc, timeout=60, context=trust
            )
        else:
            self.connection = http.client.HTTPConnection(
                url.netloc, timeout=60
            )
        self.headers = {"X-API-Key": settings["BKEND_PUBLISHABLE_KEY"]}
        account = {
            "method": "password",
            "email": settings["BKEND_EMAIL"],
            "password": settings["BKEND_PASSWORD"],
        }
        signed_in = self.call("POST", "/v1/auth/email/signin", account)
        self.token = signed_in["accessToken"]
        self.headers["Authorization"] = f"Bearer {self.token}"

    def call(self, method, path, body=None):
        headers = self.headers
        if body:
            body = json.dumps(body)
            headers = {**headers, "Content-Type": "application/json"}
        self.connection.request(method, path, body, headers)
        answer = json.loads(self.connection.getresponse().read())
        return answer.get("data", answer)

    def file_ids(self, count):
        page = self.call("GET", "/v1/files?page=1&limit=100&sortDirection=asc")
        return [item["id"] for item in page["items"]][:count]
