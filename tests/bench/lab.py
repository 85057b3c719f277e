"""
What a row works with: commands under a time-out, servers, mounts and scratch
directories, all of which end with the row, however it ends.

Nothing here looks into a mount itself. A hung mount must fail its row and not
the bench, so whatever touches one is a command of its own; mount points are
looked up in /proc/self/mountinfo, which asks no daemon anything.
"""

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND_TIMEOUT = 180  # seconds, for any one command
START_TIMEOUT = 20  # seconds, until a server answers or a mount is there

HERE = Path(__file__).resolve().parent


class Trouble(Exception):
    """A row cannot be measured, and why."""


def environment(home, extra=None):
    """What the programs under test get to see of the environment."""
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("BKEND", "XDG_", "RCLONE_"))
        and not key.lower().endswith("_proxy")
    }
    env["HOME"] = str(home)
    env["LC_ALL"] = "C.UTF-8"
    env["PATH"] = env.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    env.update(extra or {})
    return env


def wait_until(condition, what, timeout=START_TIMEOUT, pause=0.002):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise Trouble(f"{what} did not come within {timeout} s")
        time.sleep(pause)


def mounts_under(path):
    """The mount points at or below a path without symbolic links."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        for line in table:
            point = re.sub(
                r"\\([0-7]{3})",
                lambda match: chr(int(match[1], 8)),
                line.split(" ")[4],
            )
            if point == str(path) or point.startswith(f"{path}/"):
                found.append(point)
    return found


def wait_for(process, timeout):
    """Whether a process ends in time. Seen at once: Popen.wait() with a
    time-out looks every 50 ms only."""
    watch = os.pidfd_open(process.pid)
    try:
        return bool(select.select([watch], [], [], timeout)[0])
    finally:
        os.close(watch)


def end(process, number=signal.SIGTERM, patience=10):
    """End a process that we started, and wait for it; its status. Each leads
    a group of its own: with SIGKILL the whole group goes."""
    for one in (number, signal.SIGKILL):
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if one == signal.SIGKILL:
                    os.killpg(process.pid, one)
                else:
                    process.send_signal(one)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
    return process.returncode


class Lab:
    """One row's processes, mounts and directories. Under `disk` lie replicas
    and logs, under `memory` (a tmpfs) what is copied."""

    def __init__(self, programs):
        self.programs = programs
        self.disk = Path(tempfile.mkdtemp(prefix="bkendfs-bench-")).resolve()
        self.memory = Path(
            tempfile.mkdtemp(prefix="bkendfs-bench-", dir="/dev/shm")
        ).resolve()
        self.servers = []
        self.mounts = []
        self._numbers = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def name(self, kind):
        """A name that is new in this lab."""
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return f"{kind}-{self._numbers[kind]}"

    def need_disk(self, size):
        """Fail unless the disk has room for size bytes."""
        room = shutil.disk_usage(self.disk).free
        if room < size * 1.2:
            raise Trouble(
                f"needs {size >> 20} MiB in {self.disk.parent}, there are"
                f" {room >> 20}"
            )

    def need_memory(self, size):
        """Fail unless the tmpfs and the memory have room for size bytes."""
        room = shutil.disk_usage(self.memory).free
        with open("/proc/meminfo", encoding="ascii") as table:
            for line in table:
                if line.startswith("MemAvailable:"):
                    room = min(room, int(line.split()[1]) * 1024)
        if room < size * 1.2:
            raise Trouble(
                f"needs {size >> 20} MiB in /dev/shm, there are {room >> 20}"
            )

    # Commands

    def command(self, *words, timeout=COMMAND_TIMEOUT, output=None, env=None):
        """Run a command that must succeed; the seconds that it took."""
        words = [os.fspath(word) for word in words]
        errors = self.disk / self.name("command")
        with open(errors, "wb") as stderr:
            begin = time.perf_counter()
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output or subprocess.DEVNULL,
                stderr=stderr,
                env=environment(self.disk, env),
                start_new_session=True,
            )
            try:
                ended = wait_for(process, timeout)
                seconds = time.perf_counter() - begin
                if not ended:
                    self.give_up()  # else a reader of a hung mount stays
                    raise Trouble(f"{words[0]} hung for {timeout} s")
            finally:
                status = end(process, signal.SIGKILL)
        if status:
            said = errors.read_text(errors="replace").strip()
            raise Trouble(f"{words[0]} ended with {status}: {said[-500:]}")
        errors.unlink()
        return seconds

    def output(self, *words, **options):
        """Run a command that must succeed; (its output, the seconds)."""
        path = self.disk / self.name("output")
        with open(path, "wb") as file:
            seconds = self.command(*words, output=file, **options)
        text = path.read_bytes()
        path.unlink()
        return text, seconds

    def probe(self, *words, **options):
        """What probe.py says of a mount."""
        text, _ = self.output(
            sys.executable, "-B", HERE / "probe.py", *words, **options
        )
        return [float(word) for word in text.split()]

    def remove(self, *paths):
        """Remove copies; a copy of a mount keeps its read-only modes."""
        for path in paths:
            if path.exists():
                if path.is_dir():
                    self.command("chmod", "-R", "u+rwX", path)
                self.command("rm", "-rf", path)

    # What runs beside them

    def start(self, words, env=None, **options):
        """Start what runs beside the commands; it ends with the lab."""
        log = self.disk / self.name("server")
        with open(log, "wb") as stderr:
            process = subprocess.Popen(
                [os.fspath(word) for word in words],
                stdin=subprocess.DEVNULL,
                stderr=stderr,
                env=environment(self.disk, env),
                start_new_session=True,
                **options,
            )
        process.log = log
        self.servers.append(process)
        return process

    def mount(self, server, *options, replica=None):
        """Mount a project; with a replica's directory, on that replica."""
        point = self.disk / self.name("mnt")
        replica = replica or self.disk / self.name("replica")
        words = [self.programs / "bkendfs", "-f"]
        words += ["-o", ",".join([f"cache_dir={replica}", *options]), point]
        return Mount(self, words, point, server.settings, replica)

    def give_up(self):
        """End every daemon the hard way, so that no call stays stuck."""
        for mount in self.mounts:
            end(mount.process, signal.SIGKILL)

    def close(self):
        """End and remove everything. Never raises; may be called again."""
        handlers = {
            number: signal.signal(number, signal.SIG_IGN)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            for mount in self.mounts:
                with contextlib.suppress(Trouble, OSError):
                    mount.unmount()
            for top in (self.disk, self.memory):
                for point in mounts_under(top):
                    subprocess.run(["fusermount3", "-uz", point], check=False)
            for server in self.servers:
                end(server)
            for top in (self.disk, self.memory):
                if top.exists() and not mounts_under(top):
                    subprocess.run(["chmod", "-R", "u+rwX", top], check=False)
                    shutil.rmtree(top, ignore_errors=True)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


class Mount:
    """A file system in the foreground: bkendfs, or a rival."""

    def __init__(self, lab, words, point, env=None, replica=None):
        self.lab = lab
        self.path = point
        self.replica = replica
        self.path.mkdir()
        self.begun = time.perf_counter()
        self.process = lab.start(words, env, stdout=subprocess.DEVNULL)
        lab.servers.remove(self.process)
        lab.mounts.append(self)
        wait_until(
            lambda: self.process.poll() is not None or mounts_under(point),
            "the mount",
        )
        if self.process.returncode is not None:
            raise Trouble(f"no mount: {self.log()}")

    def __truediv__(self, name):
        return self.path / name

    def log(self):
        return self.process.log.read_text(errors="replace")[-1000:].strip()

    def age(self):
        """Seconds since the mount command began."""
        return time.perf_counter() - self.begun

    def high_water(self):
        """The most memory that it ever had resident, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024

    def unmount(self):
        """Unmount as a user would; the daemon must end well."""
        if self not in self.lab.mounts:
            return
        said = subprocess.run(
            ["fusermount3", "-u", str(self.path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if said.returncode:
            subprocess.run(
                ["fusermount3", "-uz", str(self.path)],
                capture_output=True,
                check=False,
            )
            end(self.process)
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            end(self.process, signal.SIGKILL)
            status = "a kill, 30 s after the unmount"
        self.lab.mounts.remove(self)
        if said.returncode or status:
            why = said.stderr.decode(errors="replace").strip()
            raise Trouble(
                f"unmount: {why}; it ended with {status}: {self.log()}"
            )
