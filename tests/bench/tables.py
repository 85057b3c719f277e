"""
The rows about tables.
"""

import os
import random
import statistics
import subprocess
import time

from lab import HERE, Trouble
from row import Result, Row, interleaved, median_ratio
from servers import Emulator

KIB = 1024
MIB = 1024 * KIB


def count_files(lab, directory):
    names, _ = lab.output("find", directory, "-type", "f", "-printf", "x")
    return len(names)


def must_be(count, expected, what):
    """A fast answer that is not the answer is no measurement."""
    if count != expected:
        raise Trouble(f"{count} files in {what}, {expected} expected")


def warm_copy(lab, quick):
    """Each copy has a fresh mount on the warm replica, which ls -f has read,
    so that the kernel knows the names and none of the contents."""
    records = 1000 if quick else 10000
    lab.need_memory(records * 16 * KIB)
    server = Emulator(lab, "--generate", f"records={records}:{KIB}")
    replica = lab.disk / "replica"
    tree = lab.memory / "tree"
    copy = lab.memory / "copy"

    def from_mount(copy=copy):
        mount = lab.mount(server, replica=replica)
        lab.command("ls", "-f", mount / "records")
        seconds = lab.command("cp", "-r", mount / "records", copy)
        mount.unmount()
        must_be(count_files(lab, copy), records + 1, "the copy")
        return seconds

    def from_tmpfs():
        seconds = lab.command("cp", "-r", tree, copy)
        lab.remove(copy)
        return seconds

    def measured():
        seconds = from_mount()
        lab.remove(copy)
        return seconds

    from_mount(tree)
    raw = interleaved(1 if quick else 9, tmpfs=from_tmpfs, bkendfs=measured)
    result = Result(raw=raw)
    ratio = median_ratio(raw["bkendfs"], raw["tmpfs"])
    result.at_most("cp -r of a listed table ÷ tmpfs", ratio, 1.6)
    return result


def cold_copy(lab, quick):
    """Both begin with nothing: the script with its sign-in, bkendfs with its
    mount."""
    records = 1000 if quick else 10000
    lab.need_memory(records * 8 * KIB)
    server = Emulator(
        lab, "--latency", 20, "--generate", f"records={records}:{KIB}"
    )
    copy = lab.memory / "copy"

    def script():
        copy.mkdir()
        seconds = lab.command(
            "sh", "-c", 'cd "$1" && exec "$2" records', "sh",
            copy, HERE / "export-table.sh", env=server.settings,
        )
        must_be(count_files(lab, copy), records // 100, "the export")
        lab.remove(copy)
        return seconds

    def bkendfs():
        mount = lab.mount(server)
        lab.command("cp", "-r", mount / "records", copy)
        seconds = mount.age()
        mount.unmount()
        must_be(count_files(lab, copy), records + 1, "the copy")
        lab.remove(copy, mount.replica)
        return seconds

    raw = interleaved(1 if quick else 5, script=script, bkendfs=bkendfs)
    result = Result(raw=raw)
    ratio = median_ratio(raw["script"], raw["bkendfs"])
    result.at_least("cold cp -r: script ÷ bkendfs", ratio, 8)
    return result


def find(lab, quick):
    """The same names on a tmpfs are the rival. Both have been read once."""
    records = 5000 if quick else 100000
    server = Emulator(lab, "--generate", f"records={records}:{KIB}")
    tree = lab.memory / "tree"
    tree.mkdir()
    mount = lab.mount(server)
    listing, first = lab.output("find", mount / "records", "-printf", "%f\\n")
    names = listing.decode().splitlines()[1:]
    must_be(len(names), records + 1, "the listing")
    for name in names:
        os.close(os.open(tree / name, os.O_CREAT | os.O_WRONLY))
    lab.command("find", mount / "records")

    raw = interleaved(
        2 if quick else 9,
        tmpfs=lambda: lab.command("find", tree),
        bkendfs=lambda: lab.command("find", mount / "records"),
        tmpfs_stat=lambda: lab.command("find", tree, "-newermt", "2100-01-01"),
        bkendfs_stat=lambda: lab.command(
            "find", mount / "records", "-newermt", "2100-01-01"
        ),
    )
    raw["first"] = first
    result = Result(raw=raw)
    ratio = median_ratio(raw["bkendfs"], raw["tmpfs"])
    result.at_most("find, again ÷ tmpfs", ratio, 1.2)
    return result


def project(lab, quick):
    """A project with two tables and some files; (server, what a whole copy
    of it takes: API requests, tables, files)."""
    records = (250, 120) if quick else (3000, 1234)
    files = 20 if quick else 150
    server = Emulator(
        lab,
        "--generate", f"one={records[0]}:{KIB}",
        "--generate", f"two={records[1]}:{KIB}",
        "--generate-files", f"{files}:{20 * KIB}",
    )
    pages = sum(-(-count // 100) for count in (*records, files))
    # besides pages and URLs: a spec a table, and the sign-in
    return server, pages + len(records) + files + 1, len(records), files


def copy_project(lab, server, replica):
    copy = lab.memory / "copy"
    server.reset()
    mount = lab.mount(server, "ttl=2", replica=replica)
    lab.command("cp", "-r", mount.path, copy)
    stats = server.settled()
    mount.unmount()
    lab.remove(copy)
    return stats


def requests(lab, quick):
    server, expected, _, files = project(lab, quick)
    stats = copy_project(lab, server, lab.disk / "replica")
    result = Result(raw={"expected": expected, "stats": stats})
    result.at_most(
        "cold cp -r of a project", stats["api"], expected + 2, "requests"
    )
    result.at_most(
        "the same, object requests", stats["storage"], files, "requests"
    )
    return result


def requests_again(lab, quick):
    """On a new mount, and when the listings are no longer believed."""
    server, _, tables, _ = project(lab, quick)
    replica = lab.disk / "replica"
    first = copy_project(lab, server, replica)
    time.sleep(2.5)
    again = copy_project(lab, server, replica)
    result = Result(raw={"first": first, "again": again})
    result.at_most(
        "cp -r again, remounted", again["requests"], tables + 2, "requests"
    )
    return result


def rss(lab, quick):
    records = 20000 if quick else 1000000
    lab.need_disk(records * 2 * KIB)
    server = Emulator(lab, "--generate", f"records={records}:{KIB}")
    mount = lab.mount(server)
    empty = mount.high_water()
    listing, seconds = lab.output("ls", "-f", mount / "records", timeout=400)
    must_be(listing.count(b".json\n"), records + 1, "the listing")
    listed = mount.high_water()
    result = Result(raw={"seconds": seconds, "empty": empty, "listed": listed})
    result.at_most(
        f"memory, {records:,} records listed", listed / MIB, 48, "MiB"
    )
    return result


def first_entry(lab, quick):
    """What is asked for until all is quiet, the reader long gone."""
    records = 20000 if quick else 1000000
    server = Emulator(lab, "--generate", f"records={records}:{KIB}")
    result = Result()

    def look(label, target, reader):
        mount = lab.mount(server)
        server.reset()
        figure = reader(mount / "records")
        stats = server.settled()
        mount.unmount()
        result.raw[label] = {"reader": figure, "stats": stats}
        result.at_most(label, stats["requests"], target, "requests")

    look(
        f"first of {records:,} entries", 2,
        lambda path: lab.probe("first-entry", path),
    )
    look(
        f"ls -f | head of {records:,}", 8,
        lambda path: lab.command("sh", "-c", 'ls -f "$1" | head', "sh", path),
    )
    return result


def stat(lab, quick):
    """The known names are in the replica, and the kernel does not have them;
    all connections wait for answers that take their time."""
    pages, records = 16, 500 if quick else 2000
    switches = ["--generate", f"known={records}:{KIB}"]
    for number in range(pages):
        switches += ["--generate", f"slow{number}=500:{KIB}"]
    server = Emulator(lab, *switches)
    replica = lab.disk / "replica"
    mount = lab.mount(server, replica=replica)
    listing, _ = lab.output("ls", "-f", mount / "known")
    mount.unmount()
    names = [name for name in listing.decode().split() if name[0] != "."]
    random.Random(1).shuffle(names)
    (lab.disk / "first").write_text(names[0])
    (lab.disk / "names").write_text("\n".join(names[1:201]))

    # a listing asks for a page and the table's spec: all connections wait
    mount = lab.mount(
        server, f"connections={2 * pages}", "ttl=3600", replica=replica
    )
    # a mount knows what is so once it has asked, at the first name
    lab.probe("stat", mount / "known", lab.disk / "first")
    server.reset()
    server.set(latency=5000)
    readers = [
        lab.start(
            ["ls", "-f", mount / f"slow{number}"], stdout=subprocess.DEVNULL
        )
        for number in range(pages)
    ]
    time.sleep(1)
    waits = lab.probe("stat", mount / "known", lab.disk / "names", timeout=60)
    stats = server.stats()
    if stats["pages"] != pages or stats["by_status"]:
        raise Trouble(f"not {pages} pages are stalled: {stats}")
    server.set(latency=0)
    for reader in readers:
        reader.wait(60)
        lab.servers.remove(reader)
    result = Result(raw={"seconds": waits, "stats": stats})
    result.raw["median"] = statistics.median(waits)
    result.at_most(
        f"stat, {pages} pages stalled", max(waits) * 1000, 50, "ms"
    )
    return result


ROWS = (
    Row(
        "warm-copy",
        "cp -r of a listed table of 10,000 records ÷ the same, tmpfs to tmpfs",
        warm_copy,
    ),
    Row(
        "cold-copy",
        "10,000 records, 20 ms a request: page-at-a-time script ÷ cp -r",
        cold_copy,
        ("curl", "jq"),
    ),
    Row("find", "find over 100,000 listed records, again ÷ tmpfs", find),
    Row("requests", "requests for a cold cp -r of a project", requests),
    Row(
        "requests-again",
        "requests for a second cp -r of the unchanged project",
        requests_again,
    ),
    Row("rss", "memory with 1,000,000 records of 1 KB listed", rss),
    Row(
        "first-entry",
        "requests for the first of 1,000,000 records, and for ls -f | head",
        first_entry,
    ),
    Row("stat", "the slowest stat while 16 pages stall for 5 s", stat),
)
