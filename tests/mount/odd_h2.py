"""
HTTP/2 over TLS that does to its connections and streams what a test wants, in
front of an OddServer: that one answers, this one carries, or does not.

    site = OddH2(server)
    site.plans.append(lambda stream: stream.reset(0x8) or True if ... else None)

Each plan sees every request before the server does; one that returns something
true has seen to it. Storage that is another server is reached here, too.
"""

import contextlib
import select
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from front import certified, OURS
from odd_server import Request

NO_ERROR = h2.errors.ErrorCodes.NO_ERROR
INTERNAL_ERROR = h2.errors.ErrorCodes.INTERNAL_ERROR
REFUSED_STREAM = h2.errors.ErrorCodes.REFUSED_STREAM


class Stream:
    """A request, and what becomes of it. Lives in a thread of its own."""

    def __init__(self, connection, number, headers):
        self.connection = connection
        self.number = number
        fields = {name.decode(): value.decode() for name, value in headers}
        self.method, self.target = fields[":method"], fields[":path"]
        self.fields = {
            name: value for name, value in fields.items() if name[0] != ":"
        }
        self.body = b""
        self.over = False

    def run(self):
        site = self.connection.site
        self.request = Request(self.method, self.target, self.fields, self.body)
        # A stream that the client has let go of, it forgets.
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError, KeyError):
            if not any(plan(self) for plan in list(site.plans)):
                self.send(self.reply())

    def reply(self):
        """The server's answer."""
        server = self.connection.site.server
        if self.request.path.startswith("/bucket/"):
            server = server.storage
        with server.lock:
            server.log.append(self.request)
        return server.answer(self.request)

    def send(self, reply, upto=None, length=True):
        """The head and upto so many bytes of the body, or all of it, which ends
        the stream. Without length, nothing says how long it is."""
        if reply.hold and reply.hold_at is None:
            reply.hold.wait(60)
        headers = [(":status", str(reply.status))]
        headers += [(n.lower(), v) for n, v in reply.headers.items()]
        if length:
            headers.append(("content-length", str(len(reply.body))))
        self.connection.do(lambda h: h.send_headers(self.number, headers))
        end = len(reply.body) if upto is None else upto
        if reply.hold_at is not None:
            self._send_body(reply.body[: reply.hold_at])
            reply.hold.wait(60)
        self._send_body(reply.body[reply.hold_at or 0 : end])
        if upto is None:
            self.connection.do(lambda h: h.end_stream(self.number))

    def _send_body(self, data):
        while data:
            data = data[self.connection.send_some(self, data) :]

    def reset(self, code):
        self.connection.do(lambda h: h.reset_stream(self.number, code))


class Connection:
    def __init__(self, site, raw):
        self.site = site
        self.raw = raw
        self.changed = threading.Condition()  # protects all below
        config = h2.config.H2Configuration(client_side=False, header_encoding=None)
        self.state = h2.connection.H2Connection(config=config)
        self.streams = {}
        self.mute = False
        self.closed = False

    def run(self):
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
            self.do(lambda h: h.initiate_connection())
            while data := self._receive():
                with self.changed:
                    events = self.state.receive_data(data)
                    self._flush()
                    self.changed.notify_all()
                for event in events:
                    self._take(event)
        self.close()

    def _receive(self):
        # TLS of one connection is not for two threads at once: whoever writes
        # has to get in between.
        while not self.closed:
            with self.changed:
                with contextlib.suppress(ssl.SSLWantReadError):
                    return self.raw.recv(65536)
            self.site.wait_readable(self.raw)
        return b""

    def _take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            stream = Stream(self, event.stream_id, event.headers)
            self.streams[event.stream_id] = stream
        elif isinstance(event, h2.events.DataReceived):
            self.streams[event.stream_id].body += event.data
            self.do(lambda h: h.acknowledge_received_data(
                event.flow_controlled_length, event.stream_id))
        elif isinstance(event, h2.events.StreamEnded):
            stream = self.streams[event.stream_id]
            threading.Thread(target=stream.run, daemon=True).start()
        elif isinstance(event, h2.events.StreamReset):
            self.streams[event.stream_id].over = True

    def do(self, what):
        """Let the protocol do something, and send what comes of it."""
        with self.changed:
            what(self.state)
            self._flush()

    def send_some(self, stream, data):
        """As much as may be sent at the moment; how much that was."""
        with self.changed:
            while True:
                if self.closed or stream.over:
                    raise ConnectionError("nobody listens")
                room = min(
                    self.state.local_flow_control_window(stream.number),
                    self.state.max_outbound_frame_size, len(data),
                )
                if room > 0:
                    break
                self.changed.wait(1)
            self.state.send_data(stream.number, data[:room])
            self._flush()
            return room

    def _flush(self):
        data = self.state.data_to_send()
        if self.mute or not data:
            return
        view = memoryview(data)
        while view:
            with contextlib.suppress(ssl.SSLWantWriteError, ssl.SSLWantReadError):
                view = view[self.raw.send(view) :]
                continue
            self.site.wait_writable(self.raw)

    def goaway(self, last, code=NO_ERROR):
        """No stream after that one is, or will be, looked at."""
        self.do(lambda h: h.close_connection(code, last_stream_id=last))

    def close(self):
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        with contextlib.suppress(OSError):
            self.raw.shutdown(socket.SHUT_RDWR)
        self.raw.close()


class OddH2:
    is_put_in_front = True  # so that mounts trust it

    def __init__(self, server):
        self.server = server
        self.plans = []
        self.connections = []
        certificates = certified(OURS)
        self.ca = certificates / "ca.crt"
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(
            certificates / "site.crt", certificates / "site.key"
        )
        self._tls.set_alpn_protocols(["h2", "http/1.1"])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        server.storage.url = self.url
        threading.Thread(target=self._accept, daemon=True).start()

    def __getattr__(self, name):
        return getattr(self.server, name)

    def env(self):
        return {**self.server.env(), "BKEND_API_URL": self.url}

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._listener.accept()
                threading.Thread(
                    target=self._serve, args=[raw], daemon=True
                ).start()

    def _serve(self, raw):
        with contextlib.suppress(OSError):
            raw.settimeout(20)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw = self._tls.wrap_socket(raw, server_side=True)
            if raw.selected_alpn_protocol() != "h2":
                self._serve_once(raw)
                return
            raw.setblocking(False)
            connection = Connection(self, raw)
            self.connections.append(connection)
            connection.run()

    def _serve_once(self, raw):
        """HTTP/1.1, as what must leave no trace is sent: one request, which
        the server itself answers."""
        with raw, socket.create_connection(
            ("127.0.0.1", self.server.port), timeout=20
        ) as inner:
            stream = raw.makefile("rb")
            head, length = b"", 0
            while not head.endswith(b"\r\n\r\n"):
                line = stream.readline()
                if not line:
                    return
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
                if not line.lower().startswith(b"connection:"):
                    head += line
            head = head[:-2] + b"Connection: close\r\n\r\n"
            inner.sendall(head + stream.read(length))
            while data := inner.recv(65536):
                raw.sendall(data)

    @staticmethod
    def wait_readable(raw):
        select.select([raw], [], [], 0.5)

    @staticmethod
    def wait_writable(raw):
        select.select([], [raw], [], 0.5)

    def stop(self):
        self._listener.close()
        for connection in list(self.connections):
            connection.close()
