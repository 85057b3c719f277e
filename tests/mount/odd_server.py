"""
A second, independent implementation of the service, for the shapes that the
emulator does not produce. Written from the API's description alone, small, and
scriptable from the tests, in whose process it runs.

    server = OddServer(envelope="bare", paging="none")
    server.tables["posts"] = [b'{"id":"a","n":1.0}']
    server.put_file("f1", "photo.jpg", b"...")
    server.hooks.append(lambda request: Reply(500) if ... else None)

Records are raw bytes and are served as they stand. Each hook sees every request
before the server does, and may answer in its place. server.log and
server.storage.log hold all requests with their headers.
"""

import base64
import gzip
import http.client
import itertools
import json
import re
import socket
import struct
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Request:
    method: str
    target: str  # as it stood in the request line
    headers: dict  # lower-case names
    body: bytes
    at: float = field(default_factory=time.monotonic)
    status: int = 0  # of the answer, once there is one

    def __post_init__(self):
        parts = urllib.parse.urlsplit(self.target)
        self.path = parts.path
        self.query = dict(
            urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
        )

    def is_page(self, table=None):
        """Whether this asks for a page of a table (or of any)."""
        found = re.fullmatch(r"/v1/data/([^/]+)", self.path)
        if self.path == "/v1/files":
            return self.method == "GET" and table in (None, "files")
        return bool(found) and (table is None or found[1] == table)


@dataclass
class Reply:
    """An answer. The oddities: chunked sends no Content-Length; bare neither that
    nor chunks, so that the connection's end is the body's; cut sends only so many bytes of the body and closes; reset closes without an answer; hold
    waits for an event before the answer begins; hold_at, after so many bytes
    of the body; rate is in bytes a second; delay in seconds."""

    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    chunked: bool = False
    bare: bool = False
    cut: int = None
    reset: bool = False
    hold: threading.Event = None
    hold_at: int = None
    rate: int = None
    delay: float = 0


def error(status, code, message, shape=1, headers=None):
    """One of the three error shapes."""
    if shape == 1:
        body = {"success": False, "error": {"code": code, "message": message}}
    elif shape == 2:
        body = {
            "statusCode": status,
            "error": re.sub(r"[^A-Z]", "_", code.split("/")[-1].upper()),
            "message": message,
        }
    else:
        body = {"error": {"code": code, "message": message}}
    return Reply(status, json.dumps(body).encode(), dict(headers or {}))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    timeout = 60

    def finish(self):
        with self.server.lock:
            self.server.sockets.discard(self.connection)
        try:
            super().finish()
        except OSError:
            pass

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, BrokenPipeError, ValueError, OSError):
            self.close_connection = True

    def _any(self):
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command,
            self.path,
            {key.lower(): value for key, value in self.headers.items()},
            self.rfile.read(length) if length else b"",
        )
        owner = self.server.owner
        with self.server.lock:
            owner.log.append(request)
        reply = owner.answer(request)
        request.status = reply.status
        self._send(request, reply)

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_PATCH = _any

    def _close(self, hard):
        self.close_connection = True
        self.wfile.flush()
        if hard:
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        else:
            self.connection.shutdown(socket.SHUT_WR)

    def _send(self, request, reply):
        if reply.delay:
            time.sleep(reply.delay)
        if reply.hold and reply.hold_at is None:
            reply.hold.wait(60)
        if reply.reset:
            self._close(hard=True)
            self.connection.close()
            return
        body = reply.body
        headers = {"Content-Type": "application/json", **reply.headers}
        owner = self.server.owner
        if (
            owner.gzip
            and "gzip" in request.headers.get("accept-encoding", "")
            and reply.cut is None
        ):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        chunked = reply.chunked or owner.chunked
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        if reply.bare:
            chunked = False
            self.send_header("Connection", "close")
        elif chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if request.method == "HEAD":
            return
        end = len(body) if reply.cut is None else reply.cut
        step = 65536 if not chunked else 1000
        if reply.rate:
            step = min(step, max(1, reply.rate // 20))
        position = 0
        while position < end:
            if reply.hold_at is not None and position >= reply.hold_at:
                self.wfile.flush()
                reply.hold.wait(60)
                reply.hold_at = None
            piece = body[position : min(end, position + step)]
            if reply.hold_at is not None:
                piece = piece[: max(1, reply.hold_at - position)]
            if chunked:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            else:
                self.wfile.write(piece)
            position += len(piece)
            with self.server.lock:
                owner.sent += len(piece)
            if reply.rate:
                self.wfile.flush()
                time.sleep(len(piece) / reply.rate)
        if reply.cut is not None or reply.bare:
            self._close(hard=False)
            return
        if chunked:
            self.wfile.write(b"0\r\n\r\n")


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, owner, address):
        self.owner = owner
        self.lock = threading.RLock()
        self.sockets = set()
        super().__init__(address, _Handler)

    def process_request(self, request, client_address):
        with self.lock:
            self.sockets.add(request)
        super().process_request(request, client_address)

    def handle_error(self, *_):
        pass


class _Server:
    """What both servers share: a listener in a thread, a log and hooks."""

    gzip = False
    chunked = False

    def __init__(self, address=("127.0.0.1", 0)):
        self.log = []
        self.hooks = []
        self.sent = 0  # bytes of bodies
        self._listen(address)
        self.port = self._listener.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def _listen(self, address):
        self._listener = _Listener(self, address)
        self.lock = self._listener.lock
        self._thread = threading.Thread(
            target=self._listener.serve_forever,
            kwargs={"poll_interval": 0.02},
            daemon=True,
        )
        self._thread.start()

    def start_again(self):
        """Be there again after stop(), under the same address."""
        self._listen(("127.0.0.1", self.port))

    def answer(self, request):
        for hook in list(self.hooks):
            reply = hook(request)
            if reply is not None:
                return reply
        with self.lock:
            return self.reply(request)

    def settle(self):
        """Wait until all is in the log that was asked by who is gone by now."""
        last = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        last.request("GET", "/last")
        last.getresponse().read()
        last.close()
        end = time.monotonic() + 30
        while self._listener.sockets:
            assert time.monotonic() < end, "somebody is connected still"
            time.sleep(0.01)

    def stop(self):
        """Be gone: no listener, and no connection that was kept alive."""
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        listener.shutdown()
        listener.server_close()
        with listener.lock:
            for one in list(listener.sockets):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self._thread.join(5)

    def count(self, wanted):
        """How many of the requests so far wanted(request) holds for."""
        with self.lock:
            return sum(1 for request in self.log if wanted(request))


class Storage(_Server):
    """The download host: objects by path, opened by a signature that expires.

    ranges=False answers 200 and the whole object to a Range; uses lets a
    signature open its object only so many times; rate is in bytes a second."""

    def __init__(self, address=("127.0.0.1", 0)):
        super().__init__(address)
        self.objects = {}
        self.grants = {}  # signature → [path, end of life, uses left]
        self.ranges = True
        self.etag = lambda path, data: f'"{hash((path, data)) & (2**64 - 1):016x}"'
        self.uses = None
        self.ttl = 900
        self.rate = None
        self._numbers = itertools.count(1)

    def sign(self, path):
        signature = f"{next(self._numbers):06d}" + "5160a7" * 9
        self.grants[signature] = [path, time.monotonic() + self.ttl, self.uses]
        return (
            self.url
            + urllib.parse.quote(path)
            + f"?X-Amz-Expires={self.ttl}&X-Amz-Signature={signature}"
        )

    def revoke(self):
        """All URLs issued so far are expired now."""
        with self.lock:
            for grant in self.grants.values():
                grant[1] = 0

    def _refusal(self, status, code):
        return Reply(
            status,
            f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode(),
            {"Content-Type": "application/xml"},
        )

    def reply(self, request):
        path = urllib.parse.unquote(request.path)
        grant = self.grants.get(request.query.get("X-Amz-Signature", ""))
        if request.method != "GET" or grant is None or grant[0] != path:
            return self._refusal(403, "SignatureDoesNotMatch")
        if time.monotonic() > grant[1] or grant[2] == 0:
            return self._refusal(403, "AccessDenied")
        if grant[2] is not None:
            grant[2] -= 1
        if path not in self.objects:
            return self._refusal(404, "NoSuchKey")
        return self.serve(request, self.objects[path], self.etag(path, self.objects[path]))

    def serve(self, request, data, etag):
        """An object's bytes, as S3 serves them."""
        headers = {
            "ETag": etag,
            "Content-Type": "application/octet-stream",
            "Last-Modified": formatdate(1767225600, usegmt=True),
        }
        match = request.headers.get("if-match")
        if match and match not in ("*", etag):
            return self._refusal(412, "PreconditionFailed")
        if not self.ranges:
            return Reply(200, data, headers, rate=self.rate)
        headers["Accept-Ranges"] = "bytes"
        wanted = re.fullmatch(
            r"bytes=(\d*)-(\d*)", request.headers.get("range", "")
        )
        condition = request.headers.get("if-range")
        if not wanted or wanted[0] == "bytes=-" or condition not in (None, etag):
            return Reply(200, data, headers, rate=self.rate)
        size = len(data)
        if wanted[1]:
            first = int(wanted[1])
            last = min(int(wanted[2]), size - 1) if wanted[2] else size - 1
        else:
            first, last = max(0, size - int(wanted[2])), size - 1
        if first >= size or last < first:
            refusal = self._refusal(416, "InvalidRange")
            refusal.headers["Content-Range"] = f"bytes */{size}"
            return refusal
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        return Reply(206, data[first : last + 1], headers, rate=self.rate)


PUBLISHABLE = "pk_" + "0dd5e4f1" * 8
SECRET = "sk_" + "0dd5ec4e" * 8
EMAIL = "reader@example.org"
PASSWORD = "pa55 wörd \"quoted\" \\ back"


class OddServer(_Server):
    """The API. Options and attributes:

    envelope   "data": {"success":true,"data":…}; "bare": the payload alone
    errors     1, 2, 3: which error shape
    paging     "next", "nextpage", "none": the pagination's names; None: each
               listing's documented one
    order      "last", "first": where "pagination" stands beside "items"
    space      put white space between the tokens of the envelope
    tokens     whether a request needs an access token (with a pk_ key)
    token_ttl, refresh, mfa, signin: how sign-in behaves
    """

    def __init__(
        self,
        envelope="data",
        errors=1,
        paging=None,
        order="last",
        space=False,
        gzip=False,
        chunked=False,
        tokens=True,
        token_ttl=3600,
        max_limit=100,
    ):
        self.storage = Storage()
        self.envelope = envelope
        self.errors = errors
        self.paging = paging
        self.order = order
        self.space = space
        self.gzip = gzip
        self.chunked = chunked
        self.tokens = tokens
        self.token_ttl = token_ttl
        self.max_limit = max_limit
        self.mfa = None
        self.specs = {}  # table → raw bytes of its spec
        self.tables = {}  # table → list of raw records
        self.files = {}  # id → raw metadata
        self.total = lambda table, true: true
        self.access = {}  # access token → end of life
        self.refresh_tokens = set()
        self.used_refresh_tokens = set()
        self.replays = 0
        self.issued = []  # all tokens ever
        self._numbers = itertools.count(1)
        super().__init__()

    # What a mount needs, and must not tell

    def env(self):
        return {
            "BKEND_API_URL": self.url,
            "BKEND_PUBLISHABLE_KEY": PUBLISHABLE,
            "BKEND_EMAIL": EMAIL,
            "BKEND_PASSWORD": PASSWORD,
            "BKEND_TABLES": ":".join(self.tables),
        }

    def secrets(self):
        with self.lock:
            return [
                PUBLISHABLE.encode(),
                SECRET.encode(),
                PASSWORD.encode(),
                *(token.encode() for token in self.issued),
                *(signature.encode() for signature in self.storage.grants),
            ]

    def stop(self):
        self.storage.stop()
        super().stop()

    def start_again(self):
        self.storage.start_again()
        super().start_again()

    def put_file(self, file_id, name, data, size=True, at=None, **members):
        """Store a file. name is text, raw JSON bytes, or None for no name;
        size is the claim: True for the truth, None for none."""
        if isinstance(name, str):
            name = json.dumps(name).encode()
        key = f"bucket/{file_id}"
        self.storage.objects["/" + key] = data
        at = at or "2026-01-02T03:04:05.678Z"
        raw = b'{"id":%s,"s3Key":%s' % (
            json.dumps(file_id).encode(),
            json.dumps(key).encode(),
        )
        if name is not None:
            raw += b',"originalName":' + name
        if size is not None:
            raw += b',"size":%d' % (len(data) if size is True else size)
        for member, value in {
            "mimeType": "application/octet-stream",
            "visibility": "private",
            "ownerId": "u1",
            "createdAt": at,
            "updatedAt": at,
            **members,
        }.items():
            if value is not None:
                raw += b",%s:%s" % (
                    json.dumps(member).encode(),
                    json.dumps(value).encode(),
                )
        with self.lock:
            self.files[file_id] = raw + b"}"

    # Answers

    def ok(self, payload, status=200):
        if self.envelope == "data":
            if self.space:
                payload = b' {\n\t"success" : true ,\r\n "data" : ' + payload + b"\n} "
            else:
                payload = b'{"success":true,"data":' + payload + b"}"
        return Reply(status, payload)

    def no(self, status, code, message="no", **headers):
        return error(status, code, message, self.errors, headers)

    def reply(self, request):
        if request.headers.get("x-api-key") not in (PUBLISHABLE, SECRET):
            return self.no(401, "auth/unauthorized", "Invalid API key")
        path = request.path
        if path == "/v1/auth/email/signin" and request.method == "POST":
            return self._sign_in(request)
        if path == "/v1/auth/refresh" and request.method == "POST":
            return self._refresh(request)
        refusal = self.refusal(request)
        if refusal:
            return refusal
        if path == "/v1/files" and request.method == "GET":
            return self._page(request, "files", list(self.files.values()))
        found = re.fullmatch(r"/v1/files/([^/]+)/download-url", path)
        if found and request.method == "POST":
            return self._download_url(urllib.parse.unquote(found[1]))
        found = re.fullmatch(r"/v1/files/([^/]+)", path)
        if found and request.method == "GET":
            file_id = urllib.parse.unquote(found[1])
            if file_id not in self.files:
                return self.no(404, "file/not-found")
            return self.ok(self.files[file_id])
        found = re.fullmatch(r"/v1/data/([^/]+)(?:/([^/]+))?", path)
        if not found or request.method != "GET":
            return self.no(404, "NOT_FOUND")
        table, record = found[1], found[2]
        if table not in self.tables:
            return self.no(404, "data/table-not-found")
        if record is None:
            return self._page(request, table, self.tables[table])
        if record == "spec":
            if table not in self.specs:
                return self.no(403, "data/permission-denied")
            return self.ok(self.specs[table])
        wanted = urllib.parse.unquote_to_bytes(record)
        for raw in self.tables[table]:
            if _id(raw) == wanted:
                return self.ok(raw)
        return self.no(404, "data/not-found", f"no {record}")

    # Sign-in

    def _new_tokens(self):
        number = next(self._numbers)
        mark = base64.urlsafe_b64encode(b"odd-%d" % number).decode().rstrip("=")
        access = f"eyJhbGciOiJIUzI1NiJ9.{mark}.accessaccessaccess{number}"
        refresh = f"refreshrefreshrefresh-{mark}-{number}"
        self.access[access] = time.monotonic() + self.token_ttl
        self.refresh_tokens.add(refresh)
        self.issued += [access, refresh]
        return self.ok(
            json.dumps(
                {
                    "accessToken": access,
                    "refreshToken": refresh,
                    "tokenType": "Bearer",
                    "expiresIn": self.token_ttl,
                }
            ).encode()
        )

    def _sign_in(self, request):
        try:
            asked = json.loads(request.body)
        except ValueError:
            return self.no(400, "VALIDATION")
        if asked.get("method") != "password" or asked.get("email") != EMAIL:
            return self.no(400, "auth/invalid-email")
        if asked.get("password") != PASSWORD:
            return self.no(401, "auth/invalid-credentials")
        if self.mfa and "mfaCode" not in asked:
            return self.no(403, "auth/mfa-required")
        if self.mfa and asked["mfaCode"] != self.mfa:
            return self.no(401, "auth/invalid-mfa-code")
        return self._new_tokens()

    def _refresh(self, request):
        token = json.loads(request.body).get("refreshToken")
        if token in self.used_refresh_tokens:
            self.replays += 1
            self.end_sessions()
            return self.no(401, "auth/session-expired")
        if token not in self.refresh_tokens:
            return self.no(401, "auth/invalid-refresh-token")
        self.refresh_tokens.discard(token)
        self.used_refresh_tokens.add(token)
        return self._new_tokens()

    def expire_tokens(self):
        """All access tokens issued so far are expired now."""
        with self.lock:
            for token in self.access:
                self.access[token] = 0

    def end_sessions(self):
        """All sessions are over: neither token is good any more."""
        with self.lock:
            self.expire_tokens()
            self.refresh_tokens.clear()

    def refusal(self, request):
        if request.headers["x-api-key"] == SECRET or not self.tokens:
            return None
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self.access:
            return self.no(401, "auth/unauthorized")
        if self.access[token] < time.monotonic():
            return self.no(401, "auth/access-token-expired")
        return None

    # Listings

    def _page(self, request, table, raws):
        query = request.query
        try:
            page = int(query.get("page", 1))
            limit = min(int(query.get("limit", 20)), self.max_limit)
            tests = json.loads(query.get("andFilters", "{}"))
        except ValueError:
            return self.no(400, "VALIDATION")
        rows = [(_loads(raw), raw) for raw in raws]
        rows = [row for row in rows if _passes(row[0], tests)]
        key = query.get("sortBy", "id")
        rows.sort(
            key=lambda row: (str(row[0].get(key, "")), str(row[0].get("id", ""))),
            reverse=query.get("sortDirection", "desc") != "asc",
        )
        total = self.total(table, len(rows))
        pages = -(-total // limit)
        shown = rows[(page - 1) * limit : page * limit]
        if "select" in query:
            names = set(query["select"].split(","))
            names |= {"id", "createdBy", "createdAt", "updatedAt"}
            items = [
                json.dumps({k: v for k, v in row.items() if k in names}).encode()
                for row, _ in shown
            ]
        else:
            items = [raw for _, raw in shown]
        pagination = {
            "total": total,
            "page": page,
            "limit": limit,
            "totalPages": pages,
        }
        paging = self.paging or ("nextpage" if table == "files" else "next")
        if paging != "none":
            suffix = "Page" if paging == "nextpage" else ""
            pagination["hasNext" + suffix] = page < pages
            pagination["hasPrev" + suffix] = page > 1
        gap = b" \n\t" if self.space else b""
        members = [
            b'"items"' + gap + b":" + gap + b"[" + gap
            + (gap + b"," + gap).join(items) + gap + b"]",
            b'"pagination"' + gap + b":" + gap + json.dumps(pagination).encode(),
        ]
        if self.order == "first":
            members.reverse()
        return self.ok(b"{" + gap + (gap + b"," + gap).join(members) + gap + b"}")

    def _download_url(self, file_id):
        if file_id not in self.files:
            return self.no(404, "file/not-found")
        meta = _loads(self.files[file_id])
        return self.ok(
            json.dumps(
                {
                    "url": self.storage.sign("/" + meta["s3Key"]),
                    "filename": meta.get("originalName"),
                    "contentType": meta.get("mimeType"),
                    "size": meta.get("size"),
                    "expiresAt": time.strftime(
                        "%Y-%m-%dT%H:%M:%S.000Z",
                        time.gmtime(time.time() + self.storage.ttl),
                    ),
                }
            ).encode()
        )


def _loads(raw):
    """A record as Python sees it, whatever bytes are in it."""
    return json.loads(raw.decode("utf-8", "surrogateescape"), strict=False)


def _id(raw):
    """A record's id, in bytes; a lone surrogate is its three bytes."""
    return str(_loads(raw).get("id")).encode("utf-8", "surrogatepass")


def _passes(row, tests):
    """Whether a record passes andFilters, as far as a client may need them."""
    for name, test in tests.items():
        value = row.get(name)
        for operator, wanted in (
            test.items() if isinstance(test, dict) else [("$eq", test)]
        ):
            good = {
                "$eq": lambda: value == wanted,
                "$ne": lambda: value != wanted,
                "$gt": lambda: value is not None and value > wanted,
                "$gte": lambda: value is not None and value >= wanted,
                "$lt": lambda: value is not None and value < wanted,
                "$lte": lambda: value is not None and value <= wanted,
                "$in": lambda: value in wanted,
                "$nin": lambda: value not in wanted,
                "$exists": lambda: (value is not None) == wanted,
            }[operator]()
            if not good:
                return False
    return True
