"""
The rows about tables.
"""

import os
import random
import statistics
import subprocess
import time

from front import Front
from lab import HERE, Trouble
from row import Result, Row, interleaved, median_ratio
from servers import Api, Emulator

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
    result.at_most("cp -r of a listed table ÷ tmpfs", ratio, 1.2)
    return result


def table_server(lab, quick):
    """A table that takes its time; (server, its records)."""
    records = 1000 if quick else 10000
    server = Emulator(
        lab, "--latency", 20, "--generate", f"records={records}:{KIB}"
    )
    return server, records


def copy_cold(lab, quick, server, records, *options):
    """Both begin with nothing: the script with its sign-in, bkendfs with its
    mount."""
    lab.need_memory(records * 8 * KIB)
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
        mount = lab.mount(server, *options)
        lab.command("cp", "-r", mount / "records", copy)
        seconds = mount.age()
        mount.unmount()
        must_be(count_files(lab, copy), records + 1, "the copy")
        lab.remove(copy, mount.replica)
        return seconds

    return interleaved(1 if quick else 5, script=script, bkendfs=bkendfs)


def cold_copy(lab, quick):
    raw = copy_cold(lab, quick, *table_server(lab, quick))
    result = Result(raw=raw)
    ratio = median_ratio(raw["script"], raw["bkendfs"])
    result.at_least("cold cp -r: script ÷ bkendfs", ratio, 10)
    return result


# HTTP/2 asks for so much at once on one connection; more than is the default,
# which is meant for connections.
STREAMS = 64


def cold_copy_h2(lab, quick):
    server, records = table_server(lab, quick)
    front = Front(lab, server)
    options = (f"cacert={front.authority}", f"connections={STREAMS}")
    raw = copy_cold(lab, quick, front, records, *options)
    result = Result(raw=raw)
    ratio = median_ratio(raw["script"], raw["bkendfs"])
    result.at_least("cold cp -r, HTTP/2: script ÷ bkendfs", ratio, 12)
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
    result.at_most("find, again ÷ tmpfs", ratio, 1.0)
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
    """On a new mount, and when the listings are no longer believed: where all
    records have an updatedAt, and where one of each table has none."""
    server, _, tables, _ = project(lab, quick)
    result = Result()
    for label, undated in (
        ("cp -r again, remounted", False),
        ("the same, one without updatedAt", True),
    ):
        for table in ("one", "two") if undated else ():
            server.put(
                table,
                {"id": "f" * 24, "createdAt": "2024-01-01T00:00:00.000Z"},
            )
        replica = lab.disk / lab.name("replica")
        first = copy_project(lab, server, replica)
        time.sleep(2.5)
        again = copy_project(lab, server, replica)
        result.raw[label] = {"first": first, "again": again}
        result.at_most(label, again["requests"], tables + 2, "requests")
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
        f"memory, {records:,} records listed", listed / MIB, 32, "MiB"
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


def grep(lab, quick):
    """Each first look has a fresh mount on the warm replica, which ls -f has
    read; the other finds what the first has left in the kernel."""
    records = 1000 if quick else 10000
    lab.need_memory(records * 8 * KIB)
    server = Emulator(lab, "--generate", f"records={records}:{KIB}")
    replica = lab.disk / "replica"
    tree = lab.memory / "tree"
    mount = lab.mount(server, replica=replica)
    lab.command("cp", "-r", mount / "records", tree)
    mount.unmount()
    must_be(count_files(lab, tree), records + 1, "the copy")
    again = []

    def look(directory):
        return lab.command(
            "sh", "-c", '! grep -rq "no such word" "$1"', "sh", directory
        )

    def first():
        mount = lab.mount(server, replica=replica)
        lab.command("ls", "-f", mount / "records")
        seconds = look(mount / "records")
        again.append(look(mount / "records"))
        mount.unmount()
        return seconds

    raw = interleaved(1 if quick else 5, tmpfs=lambda: look(tree), first=first)
    raw["again"] = again
    result = Result(raw=raw)
    result.at_most(
        "grep -r, the first time ÷ tmpfs",
        median_ratio(raw["first"], raw["tmpfs"]), 1.5,
    )
    result.at_most(
        "grep -r, again ÷ tmpfs", median_ratio(again, raw["tmpfs"]), 1.1
    )
    return result


CURL_Z = """
exec curl -sf --no-progress-meter -Z --parallel-max "$3" $4 \\
    -H "X-API-Key: $BKEND_PUBLISHABLE_KEY" -H "Authorization: Bearer $1" \\
    -o 'page_#1.json' \\
    "$BKEND_API_URL/v1/data/records?limit=100&sortDirection=asc&page=[1-$2]"
"""


def list_cold(lab, quick, server, records, at_once, how, *options):
    """What a skilled user types, who knows how many pages there are: all of
    them, so many at once, saved and not split. Both have signed in: bkendfs
    does while it mounts."""
    token = Api(server.settings).token
    pages = lab.memory / "pages"

    def curl():
        pages.mkdir()
        seconds = lab.command(
            "sh", "-c", 'cd "$1" && shift && ' + CURL_Z.strip(), "sh",
            pages, token, str(records // 100), str(at_once), how,
            env=server.settings,
        )
        must_be(count_files(lab, pages), records // 100, "the pages")
        lab.remove(pages)
        return seconds

    def bkendfs():
        mount = lab.mount(server, *options)
        listing, seconds = lab.output("ls", "-f", mount / "records")
        mount.unmount()
        must_be(listing.count(b".json\n"), records + 1, "the listing")
        lab.remove(mount.replica)
        return seconds

    return interleaved(1 if quick else 5, curl=curl, bkendfs=bkendfs)


def cold_listing(lab, quick):
    server, records = table_server(lab, quick)
    raw = list_cold(lab, quick, server, records, 16, "--parallel-immediate")
    result = Result(raw=raw)
    ratio = median_ratio(raw["bkendfs"], raw["curl"])
    result.at_most("cold ls -f ÷ curl -Z, HTTP/1.1, 16 at once", ratio, 1.2)
    return result


def cold_listing_h2(lab, quick):
    """Without --parallel-immediate curl waits for its first connection, and
    has all streams on that."""
    server, records = table_server(lab, quick)
    front = Front(lab, server)
    options = (f"cacert={front.authority}", f"connections={STREAMS}")
    raw = list_cold(
        lab, quick, front, records, STREAMS, "--http2", *options
    )
    result = Result(raw=raw)
    ratio = median_ratio(raw["bkendfs"], raw["curl"])
    result.at_most(
        f"cold ls -f ÷ curl -Z, HTTP/2, {STREAMS} streams", ratio, 1.2
    )
    return result


def million(lab, quick):
    """Listed cold; then by a new mount, which checks what it has; then by one
    that has nobody to ask."""
    records = 20000 if quick else 1000000
    lab.need_disk(records * 2 * KIB)
    server = Emulator(lab, "--generate", f"records={records}:{KIB}")
    replica = lab.disk / "replica"

    def listed(*options):
        mount = lab.mount(server, *options, replica=replica)
        mounted = mount.age()
        listing, seconds = lab.output(
            "ls", "-f", mount / "records", timeout=400
        )
        must_be(listing.count(b".json\n"), records + 1, "the listing")
        mount.unmount()
        return mounted, seconds

    cold, again, offline = listed(), listed(), listed("offline")
    result = Result(raw={"cold": cold, "again": again, "offline": offline})
    result.at_least(
        "cold ls -f, records a second", records / cold[1], 100000
    )
    result.at_most("listed again in a new mount", again[1], 3, "s")
    result.at_most("offline mount", offline[0], 0.2, "s")
    return result


def large_records(lab, quick):
    """Eight records of almost the largest size, read at the same time."""
    count, size = 8, (MIB if quick else 15 * MIB)
    server = Emulator(lab, "--generate", f"records={count}:{size}")
    mount = lab.mount(server)
    listing, _ = lab.output("ls", "-f", mount / "records", timeout=120)
    names = [name for name in listing.decode().split() if name[0] != "."]
    must_be(len(names), count, "the listing")
    seconds = lab.command(
        "sh", "-c", 'cd "$1" && shift && for n; do cat "$n" & done; wait',
        "sh", mount / "records", *names,
    )
    memory = mount.high_water()
    result = Result(raw={"seconds": seconds, "rss": memory})
    result.at_most("memory, 8 large records at once", memory / MIB, 128, "MiB")
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
    Row(
        "cold-listing",
        "10,000 records, 20 ms a request: ls -f ÷ curl -Z of all pages",
        cold_listing,
        ("curl",),
    ),
    Row(
        "cold-copy-h2",
        "the same through TLS and HTTP/2: page-at-a-time script ÷ cp -r",
        cold_copy_h2,
        ("curl", "jq", "nginx", "openssl"),
    ),
    Row(
        "cold-listing-h2",
        "the same through TLS and HTTP/2: ls -f ÷ curl -Z, 64 streams",
        cold_listing_h2,
        ("curl", "nginx", "openssl"),
    ),
    Row("grep", "grep -r over 10,000 listed records ÷ tmpfs", grep, ("grep",)),
    Row("million", "1,000,000 records listed, again, and offline", million),
    Row(
        "large-records",
        "memory with eight large records read at once",
        large_records,
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
