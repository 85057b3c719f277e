"""Processes, as /proc shows them."""

import contextlib
import os
from pathlib import Path


def alive(pid):
    """Whether a process is there and not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


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


def of_threads(pid, name):
    """A small file of each thread of a process. They come and go meanwhile."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield (task / name).read_text()


def is_at_rest(pid):
    """Whether no thread of a process had anything to do, for a moment: what it
    was given before, it has seen to as far as it can."""

    def threads():
        # Each with how often it gave its processor up: who ran meanwhile, did.
        return sorted(
            tuple(
                line
                for line in status.splitlines()
                if line.startswith(("Pid:", "State:", "voluntary", "nonvoluntary"))
            )
            for status in of_threads(pid, "status")
        )

    first = threads()
    return all("S (sleeping)" in state for state, *_ in first) and threads() == first


def children_of(pid, name=None):
    """The pids of those that a process has started, or of those of this name."""
    return [
        int(child)
        for children in of_threads(pid, "children")
        for child in children.split()
        if name is None or _of_process(child, "comm") == f"{name}\n".encode()
    ]


def mounter_of(pid):
    """The process that has mounted it for another one."""
    [mounter] = children_of(pid, "bkendfs-mount")
    return mounter


def sockets_of(pid):
    """The numbers of the sockets that a process has open. They come and go
    meanwhile."""
    found = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            kind, _, number = os.readlink(fd).partition(":")
            if kind == "socket":
                found.add(number.strip("[]"))
    return found


def other_namespaces():
    """Who sees other mounts than we do, and may have a copy of one that was
    unmounted here: {pid: name}."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(process / "ns/mnt") != os.readlink("/proc/self/ns/mnt"):
                found[process.name] = (process / "comm").read_text().strip()
    return found


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
