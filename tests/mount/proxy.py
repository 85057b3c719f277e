"""
A proxy on loopback that writes down what it is told, and tunnels where the
test allows it.

    proxy = Proxy()
    proxy.routes["api.example:443"] = 4711     # a port of this machine
    … https_proxy=proxy.url, or ALL_PROXY=proxy.socks …
    proxy.asked      # ["CONNECT api.example:443", "GET http://…", …]
    proxy.told       # all bytes that were said to the proxy itself
"""

import socket
import threading


class Proxy:
    """Speaks HTTP (CONNECT included) and SOCKS 5 on the same port."""

    def __init__(self):
        self.routes = {}
        self.asked = []
        self.told = b""
        self._open = []
        self._lock = threading.Lock()
        self._listener = self._listen()
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.socks = f"socks5h://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _listen(self):
        return socket.create_server(("127.0.0.1", 0), backlog=64)

    def stop(self):
        with self._lock:
            for one in [self._listener, *self._open]:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                one.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _note(self, asked, told):
        with self._lock:
            self.asked.append(asked)
            self.told += told

    def _serve(self, client):
        try:
            first = client.recv(1)
            if first == b"\x05":
                self._serve_socks(client)
            elif first:
                self._serve_http(client, first)
        except OSError:
            pass
        finally:
            client.close()

    def _serve_http(self, client, head):
        while b"\r\n\r\n" not in head:
            piece = client.recv(65536)
            if not piece:
                break
            head += piece
        words = head.split(b"\r\n")[0].decode(errors="replace").split()
        self._note(" ".join(words[:2]), head)
        port = self.routes.get(words[1]) if words[0] == "CONNECT" else None
        if not port:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        self._tunnel(client, port)

    def _serve_socks(self, client):
        methods = client.recv(1)[0]
        client.recv(methods, socket.MSG_WAITALL)
        client.sendall(b"\x05\x00")
        request = client.recv(4, socket.MSG_WAITALL)
        if request[3] == 3:  # a name
            host = client.recv(client.recv(1)[0], socket.MSG_WAITALL).decode()
        else:
            size, family = (4, socket.AF_INET) if request[3] == 1 else (16, socket.AF_INET6)
            host = socket.inet_ntop(family, client.recv(size, socket.MSG_WAITALL))
        where = f"{host}:{int.from_bytes(client.recv(2, socket.MSG_WAITALL), 'big')}"
        self._note("SOCKS " + where, b"")
        port = self.routes.get(where)
        client.sendall(b"\x05" + (b"\x00" if port else b"\x05") + b"\x00\x01" + bytes(6))
        if port:
            self._tunnel(client, port)

    def _tunnel(self, client, port):
        server = socket.create_connection(("127.0.0.1", port))
        with self._lock:
            self._open.append(server)
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)
        back.join()
        server.close()

    @staticmethod
    def _pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Relay(Proxy):
    """Another address of this machine that leads to a port of 127.0.0.1."""

    def __init__(self, address, port):
        self._address = address
        self._target = port
        super().__init__()

    def _listen(self):
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        return socket.create_server((self._address, 0), family=family, backlog=64)

    def _serve(self, client):
        self._tunnel(client, self._target)
