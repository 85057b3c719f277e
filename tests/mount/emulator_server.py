"""A running emulator."""

import json
import os
import select
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from commands import EMULATOR, environment

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Emulator:
    """A running bkend-emulator and its control interface."""

    def __init__(self, watched, work, *switches):
        self._watched = watched
        number = len(list(work.glob("emulator-*.log")))
        self.errors = work / f"emulator-{number}.err"
        self.log = work / f"emulator-{number}.log"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [EMULATOR, "--control", "--log", self.log]
                + [str(switch) for switch in switches],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(work),
            )
        watched.pids.add(self.process.pid)
        self.settings = self._read_settings()
        self.url = self.settings["BKEND_API_URL"]
        self.tables = [
            name for name in self.settings["BKEND_TABLES"].split(":") if name
        ]

    def _read_settings(self):
        text = b""
        deadline = time.monotonic() + 20
        while b"BKEND_TABLES=" not in text or not text.endswith(b"\n"):
            ready, _, _ = select.select(
                [self.process.stdout], [], [], max(0, deadline - time.monotonic())
            )
            piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert piece, (
                f"the emulator did not start: {text!r} "
                f"{self.errors.read_text(errors='replace')}"
            )
            text += piece
        pairs = (line.split("=", 1) for line in text.decode().splitlines())
        return {
            key: value.strip("'\"") for key, value in pairs
        }

    @property
    def key(self):
        return self.settings["BKEND_PUBLISHABLE_KEY"]

    @property
    def secret_key(self):
        return self.settings["BKEND_SECRET_KEY"]

    def env(self):
        """What a mount of this project needs, as its user."""
        return {
            "BKEND_API_URL": self.url,
            "BKEND_PUBLISHABLE_KEY": self.key,
            "BKEND_EMAIL": self.settings["BKEND_EMAIL"],
            "BKEND_PASSWORD": self.settings["BKEND_PASSWORD"],
            "BKEND_TABLES": ":".join(self.tables),
        }

    def secrets(self):
        """What must never be seen in a log or a report."""
        return [
            self.key.encode(),
            self.secret_key.encode(),
            self.settings["BKEND_PASSWORD"].encode(),
        ]

    def control(self, method, path, body=None, **query):
        """Call the control interface; the answer's body."""
        url = self.url + "/_emulator/" + path
        if query:
            url += "?" + urllib.parse.urlencode(
                {key.replace("_", "-"): value for key, value in query.items()}
            )
        request = urllib.request.Request(url, data=body, method=method)
        try:
            with _direct.open(request, timeout=20) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(
                f"{method} {url}: {error.code} {error.read()[:500]!r}"
            ) from None

    def stats(self):
        return json.loads(self.control("GET", "stats"))

    def reset(self):
        self.control("POST", "reset", b"")

    def set(self, **switches):
        self.control("POST", "set", b"", **switches)

    def put_record(self, table, record_id, raw):
        if table not in self.tables:
            self.tables.append(table)
        self.control(
            "PUT",
            f"data/{table}/{urllib.parse.quote(record_id, safe='')}",
            raw,
        )

    def delete_record(self, table, record_id):
        quoted = urllib.parse.quote(record_id, safe="")
        self.control("DELETE", f"data/{table}/{quoted}")

    def put_file(self, file_id, data, **query):
        quoted = urllib.parse.quote(file_id, safe="")
        self.control("PUT", f"files/{quoted}", data, **query)

    def script(self, path, count=1, **answer):
        self.control("POST", "script", b"", path=path, count=count, **answer)

    def expire(self, what):
        self.control("POST", "expire", b"", what=what)

    def stop(self):
        """End it as a user would; it must end well."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait(20)
        self._watched.pids.discard(self.process.pid)
        self.process.stdout.close()
        assert status == 0, (
            f"the emulator ended with {status}: "
            f"{self.errors.read_text(errors='replace')[-2000:]}"
        )


@pytest.fixture
def emulator(watched, work):
    """Factory: emulator("--latency", 20) → a running Emulator."""
    started = []

    def start(*switches):
        started.append(Emulator(watched, work, *switches))
        return started[-1]

    yield start
    for one in started:
        if one.process.returncode is None:
            one.stop()
