"""
Fixtures for the mount tests: a real bkendfs on a real mount point, in front of
the emulator or of the odd server.

A hung mount must fail its test and not the suite: every command has a
time-out, and a watchdog ends the daemons when a test takes too long, so that
whatever is blocked in the kernel comes back with an error. Mount points are
looked up in /proc/self/mountinfo, which asks no daemon anything.
"""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from api_client import client  # noqa: F401 (a fixture)
from odd_server import OddServer
from records import records

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BKEND_BUILD", REPO / "build")).resolve()
BKENDFS = BUILD / "src" / "bkendfs"
EMULATOR = BUILD / "src" / "bkend-emulator"

# Far more than any takes, with others beside it and under the sanitizers.
COMMAND_TIMEOUT = 90  # seconds, for any one command
# seconds, before the watchdog ends a test's daemons; by hand, a test may be made
# to take longer than that
TEST_TIMEOUT = int(os.environ.get("TEST_TIMEOUT", 300))


def pytest_addoption(parser):
    parser.addoption(
        "--tls", action="store_true",
        help="mount through nginx with TLS and HTTP/2, where the test does not"
        " say what goes over the wire itself",
    )


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "wire(reason): it says what goes over the wire, so that"
        " --tls puts nothing in between"
    )
    config.addinivalue_line(
        "markers", "alone: it measures time, so that nothing may run beside it"
    )
    config.addinivalue_line(
        "markers", "threads: it has many threads at work, so that tests/run has"
        " it run under ThreadSanitizer, too"
    )
    config.addinivalue_line(
        "markers", "xdist_group(name): these run one after the other"
    )


def pytest_unconfigure():
    if "chromium" in sys.modules:
        sys.modules["chromium"].end_browser()


# Commands ------------------------------------------------------------------


def environment(home, extra=None):
    """What the programs under test get to see of the environment."""
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(
            ("BKEND", "XDG_", "ASAN_", "UBSAN_", "LSAN_", "TSAN_")
        )
        and not key.lower().endswith("_proxy")
    }
    env["HOME"] = str(home)
    env["LC_ALL"] = "C.UTF-8"
    env["ASAN_OPTIONS"] = (
        f"log_path={home}/sanitizer-a:exitcode=99:detect_leaks=1"
        ":allow_addr2line=1"
    )
    suppressions = Path(__file__).with_name("lsan.supp")
    env["LSAN_OPTIONS"] = f"suppressions={suppressions}:print_suppressions=0"
    env["UBSAN_OPTIONS"] = f"log_path={home}/sanitizer-u:print_stacktrace=1"
    env["TSAN_OPTIONS"] = f"log_path={home}/sanitizer-t:exitcode=99"
    env.update(extra or {})
    return env


def run(*command, timeout=COMMAND_TIMEOUT, **options):
    """Run a command to its end; bytes in, bytes out. Never raises for what
    the command did."""
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        [os.fspath(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=timeout,
        **options,
    )


def succeed(*command, **options):
    """Run a command that must succeed; its standard output."""
    done = run(*command, **options)
    assert done.returncode == 0, (command, done.returncode, done.stderr[-2000:])
    return done.stdout


def wait_until(condition, timeout=10.0, what="the condition"):
    """Poll until condition() is true, and return what it gave."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come true"
        time.sleep(0.01)


# Where the kernel keeps who waits for a FUSE daemon's answer: for the request
# itself, or for a page of a file that it shall fill.
_WAITS = ("request_wait_answer", "fuse_", "folio_wait", "wait_on_page")


def wait_until_it_waits(process):
    """Wait until a process that we started waits for the daemon of its mount,
    in the kernel."""

    def waits():
        assert process.poll() is None, "it did not wait"
        place = Path(f"/proc/{process.pid}/wchan").read_text()
        return place.startswith(_WAITS)

    wait_until(waits, 20, "the wait for the daemon")


def preload(work, name):
    """The environment of a daemon with a library of ours in front."""
    library = work / (name + ".so")
    succeed("cc", "-shared", "-fPIC", "-o", library, Path(__file__).with_name(name + ".c"), "-ldl")
    sanitizer = environment(work)["ASAN_OPTIONS"]
    return {
        "LD_PRELOAD": str(library),
        "ASAN_OPTIONS": sanitizer + ":verify_asan_link_order=0",
    }


# Mount points --------------------------------------------------------------


def _unescape(field):
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), field)


def mounts_under(path):
    """[(mount point, options, type, superblock options)] at or below path."""
    top = os.path.realpath(os.path.dirname(path))
    top = os.path.join(top, os.path.basename(path))
    found = []
    with open("/proc/self/mountinfo", errors="surrogateescape") as table:
        for line in table:
            left, right = line.rstrip("\n").split(" - ", 1)
            point = _unescape(left.split(" ")[4])
            if point == top or point.startswith(top + "/"):
                kind, _, superblock = right.split(" ", 2)
                found.append((point, left.split(" ")[5], kind, superblock))
    return found


def connection_of(path):
    """The number of the FUSE connection of the mount that is exactly there."""
    with open("/proc/self/mountinfo", errors="surrogateescape") as table:
        for line in table:
            fields = line.split(" ")
            if _unescape(fields[4]) == os.path.realpath(path.parent) + (
                "/" + path.name
            ):
                return int(fields[2].split(":")[1])
    return None


@contextlib.contextmanager
def read_only(path, work):
    """The directory on a medium that cannot be written."""
    if os.geteuid() != 0:
        for inner in path.rglob("*"):
            inner.chmod(0o400 if inner.is_file() else 0o500)
        path.chmod(0o500)
        yield path
        for inner in [path, *path.rglob("*")]:
            inner.chmod(0o700)
        return
    place = work / "read-only"
    place.mkdir(mode=0o700)
    succeed("mount", "--bind", path, place)
    try:
        succeed("mount", "-o", "remount,bind,ro", place)
        yield place
    finally:
        succeed("umount", "-l", place)


@contextlib.contextmanager
def _fuse_control():
    """Where fusectl is: mounted for the moment, if nobody did before."""
    usual = Path("/sys/fs/fuse/connections")
    if any(usual.iterdir()):
        yield usual
        return
    with tempfile.TemporaryDirectory(prefix="fusectl-") as place:
        mounted = run("mount", "-t", "fusectl", "fusectl", place).returncode == 0
        try:
            yield Path(place)
        finally:
            if mounted:
                run("umount", place)


def abort(connection):
    """End a FUSE connection: whoever waits for its daemon, be it unkillably,
    comes back with an error. One that is gone is none to end."""
    with _fuse_control() as control:
        with contextlib.suppress(OSError):
            (control / str(connection) / "abort").write_text("1")


def is_mounted(path):
    """Whether a mount point is exactly there."""
    here = os.path.join(
        os.path.realpath(os.path.dirname(path)), os.path.basename(path)
    )
    return any(point == here for point, *_ in mounts_under(path))


def alive(pid):
    """Whether a process is there and not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


class Watched:
    """Processes that a test has started, by pid, and the connections of its
    mounts, for the watchdog."""

    def __init__(self):
        self.pids = set()
        self.connections = set()
        self.fired = False

    def bark(self):
        self.fired = True
        for connection in list(self.connections):
            abort(connection)
        for pid in list(self.pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def watched():
    """Ends what the test has started when the test takes too long."""
    processes = Watched()
    timer = threading.Timer(TEST_TIMEOUT, processes.bark)
    timer.daemon = True
    timer.start()
    yield processes
    timer.cancel()
    assert not processes.fired, f"hung for {TEST_TIMEOUT} s, daemons ended"


@pytest.fixture
def work(watched):
    """A scratch directory, which outlives the mounts in it. Sanitizer reports
    of all that ran in the test are found here."""
    path = Path(tempfile.mkdtemp(prefix="bkendfs-test-")).resolve()
    yield path
    left = mounts_under(path)
    for point, *_ in left:
        if pid := daemon_of(point):
            os.kill(pid, signal.SIGKILL)
        run("fusermount3", "-uz", point)
    reports = [
        report.name + ":\n" + report.read_text(errors="replace")[:6000]
        for report in sorted(path.rglob("sanitizer-*"))
    ]
    if not mounts_under(path):
        run("chmod", "-R", "u+rwX", path)  # a copy keeps the mount's modes
        shutil.rmtree(path)
    assert not reports, "\n".join(reports)
    assert not left, f"left mounted: {left}"


@pytest.fixture
def small_disk(work):
    """Factory: small_disk(MiB) → a directory on a disk of its own."""
    place = work / "small-disk"

    def make(mib):
        place.mkdir()
        done = run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", place)
        if done.returncode:
            place.rmdir()
            pytest.skip("only root can mount a small disk")
        return place

    yield make
    if place.is_mount():
        succeed("umount", place)


# The emulator --------------------------------------------------------------


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


@pytest.fixture
def odd():
    """Factory: odd(envelope="bare", …) → a running OddServer."""
    started = []

    def start(**options):
        started.append(OddServer(**options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def project(odd):
    """A small one, for tests of something else: one table of three records."""
    server = odd()
    server.tables["posts"] = records(3)
    return server


# A process -----------------------------------------------------------------


def memory_of(pid):
    """All that a process holds, piece by piece."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(
        f"/proc/{pid}/mem", "rb", buffering=0
    ) as memory:
        for line in maps:
            span, flags = line.split()[:2]
            start, end = (int(word, 16) for word in span.split("-"))
            if not flags.startswith("rw") or end - start > 1 << 28:
                continue
            try:
                memory.seek(start)
                yield memory.read(end - start)
            except OSError:
                continue


# In front of either --------------------------------------------------------


@pytest.fixture
def in_front(request, work):
    """Factory: in_front(server) → what is to be mounted: the server itself, or
    with --tls the web server in front of it, the same one each time."""
    from front import Front  # which uses this file

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


# bkendfs -------------------------------------------------------------------


def threads_of(pid):
    """Where the kernel has each thread of a process: {name: what it waits in}."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            name = f"{task.name} {(task / 'comm').read_text().strip()}"
            found[name] = [
                (task / "syscall").read_text().split()[:3], (task / "stack").read_text().split("\n")[:6]
            ]
    return found


def mounter_of(pid):
    """The process that has mounted it for another one."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if Path(f"/proc/{child}/comm").read_text() == "bkendfs-mount\n":
                return int(child)
    return None


def other_namespaces():
    """Who sees other mounts than we do, and may have a copy of one that was
    unmounted here: {pid: name}."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(process / "ns/mnt") != os.readlink("/proc/self/ns/mnt"):
                found[process.name] = (process / "comm").read_text().strip()
    return found


class Mount:
    """bkendfs on a mount point of its own, in the foreground so that its pid,
    its exit status and its log are at hand."""

    def __init__(self, watched, work, server, options, env, cache, through):
        self._watched = watched
        self.server = server
        number = len(list(work.glob("mnt-*")))
        self.path = work / f"mnt-{number}"
        self.path.mkdir()
        self.log_file = work / f"bkendfs-{number}.log"
        self.cache = Path(cache) if cache else work / f"cache-{number}"
        settings = environment(work, server.env() if server else None)
        settings["XDG_CACHE_HOME"] = str(self.cache)
        settings["XDG_CONFIG_HOME"] = str(work / "no-config")
        settings["BKENDFS_CACHE_DIR"] = str(self.cache)
        settings.update(env or {})
        settings = {k: v for k, v in settings.items() if v is not None}
        command = [str(BKENDFS), "-f", *map(str, options), str(self.path)]
        command = [*map(str, through), *command]
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=settings,
            )
        watched.pids.add(self.process.pid)
        wait_until(
            lambda: self.process.poll() is not None or is_mounted(self.path),
            20,
            "the mount",
        )
        # The kernel knows of it first: when it answers, the start is over.
        with contextlib.suppress(OSError):
            os.stat(self.path)
        assert self.process.poll() is None, (
            f"{command} ended with {self.process.returncode}: {self.log()!r}"
        )
        self.connection = connection_of(self.path)
        watched.connections.add(self.connection)

    @property
    def pid(self):
        return self.process.pid

    def __truediv__(self, name):
        return self.path / name

    def log(self):
        return self.log_file.read_bytes()

    def report(self, name="errors"):
        """The text of a file in .bkendfs."""
        return (self.path / ".bkendfs" / name).read_bytes()

    def wait(self):
        """Wait until the daemon has ended; its status."""
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            where = threads_of(self.pid), other_namespaces()
            abort(self.connection)
            self.process.kill()
            self.process.wait(20)
            status = f"stuck, so that it had to be killed: {where}"
        self._forget()
        return status

    def _forget(self):
        self._watched.pids.discard(self.process.pid)
        self._watched.connections.discard(self.connection)

    def unmount(self):
        """Unmount as a user would. The daemon must end, and end well; its log
        must hold no secret."""
        if self.process.returncode is not None:
            return
        said = run("fusermount3", "-u", self.path)
        if said.returncode:
            run("fusermount3", "-uz", self.path)
        status = self.wait()
        log = self.log()
        if self.server:
            assert_no_secret(log, self.server, "the log")
        slow = re.search(rb".*a turn of the loop took.*", log)
        assert not slow, slow[0]  # told by builds with -Dloop_watch=true
        assert said.returncode == 0, said.stderr
        assert status == 0, f"bkendfs ended with {status}: {self.log()[-3000:]!r}"

    def kill(self):
        """End it the hard way, as a crash would."""
        self.process.kill()
        self.process.wait(20)
        self._forget()


def assert_no_secret(text, server, where):
    for secret in server.secrets():
        assert secret not in text, f"a secret stands in {where}"
    for pattern in (
        rb"[?&]X-Amz-", rb"[Bb]earer\s+[\w.-]{12}", rb"[ps]k_[0-9a-f]{16}",
    ):
        found = re.search(rb".*" + pattern + rb".*", text)
        assert not found, f"{found[0]!r} stands in {where}"


@pytest.fixture
def mount(watched, work, in_front):
    """Factory: mount(server, "-o", "json=raw", env={…}, cache=DIR) → Mount.
    through: the words of a program that is to run bkendfs."""
    mounted = []

    def start(server, *options, env=None, cache=None, through=()):
        server = in_front(server)
        options = [*trust(server), *options]
        mounted.append(
            Mount(watched, work, server, options, env, cache, through)
        )
        return mounted[-1]

    yield start
    troubles = []
    for one in mounted:
        try:
            one.unmount()
        except AssertionError as trouble:
            troubles.append(str(trouble))
    assert not troubles, troubles


class Start:
    """What a bkendfs command that does not stay in the foreground said."""

    def __init__(self, done, path):
        self.status = done.returncode
        self.output = done.stdout.decode(errors="replace")
        self.errors = done.stderr.decode(errors="replace")
        self.path = path

    @property
    def message(self):
        """The one line that a failed start leaves."""
        lines = [line for line in self.errors.splitlines() if line.strip()]
        assert len(lines) == 1, f"not one clear line: {self.errors!r}"
        return lines[0]


@pytest.fixture
def start(work, watched, in_front):
    """Run bkendfs as a user types it (no -f): start(server, "-o", "json=raw",
    env={…}, path=…) → Start. What it leaves mounted is unmounted."""
    touched = []

    def command(server, *options, env=None, path="mnt", timeout=40):
        server = in_front(server)
        settings = environment(work, server.env() if server else None)
        settings["XDG_CONFIG_HOME"] = str(work / "no-config")
        settings["BKENDFS_CACHE_DIR"] = str(work / "start-cache")
        settings.update(env or {})
        settings = {k: v for k, v in settings.items() if v is not None}
        words = [str(BKENDFS), *trust(server), *map(str, options)]
        target = None
        if path is not None:
            target = work / path
            if path == "mnt":
                target.mkdir(exist_ok=True)
            words.append(str(target))
        # The daemon must not keep the pipes: run() would wait for it.
        said = Start(run(*words, env=settings, timeout=timeout), target)
        if path is not None and said.status == 0:
            touched.append(target)
        return said

    yield command
    for path in touched:
        while is_mounted(path):
            done = run("fusermount3", "-u", path)
            assert done.returncode == 0, done.stderr
        wait_until(lambda: not daemon_of(path), 30, "the end of the daemon")


def _of_process(pid, name):
    """A small file of /proc; of a process that is gone, nothing."""
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
            return file.read(65536)
    except OSError:
        return b""


def daemon_of(path):
    """The pid of the bkendfs whose last argument is this mount point, which is
    not the one that only mounts it."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and _of_process(entry, "comm") == b"bkendfs\n":
            words = _of_process(entry, "cmdline").split(b"\0")
            if (
                os.path.basename(words[0]) == b"bkendfs"
                and os.fsencode(path) in words
                and alive(int(entry))
            ):
                return int(entry)
    return None
