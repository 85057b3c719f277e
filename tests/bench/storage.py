"""
The rows about stored files.
"""

import http.client
import json
import random
import statistics
import time
import urllib.parse

from front import Front
from lab import HERE, Mount, Trouble
from row import Result, Row, interleaved, median_ratio
from servers import Api, Emulator, FileApi, Nginx
from tables import KIB, MIB, count_files, must_be

GIB = 1024 * MIB

DOWNLOAD = """
url=$(curl -sf -X POST -H "X-API-Key: $BKEND_PUBLISHABLE_KEY" \\
    -H "Authorization: Bearer $2" \\
    "$BKEND_API_URL/v1/files/$1/download-url" | jq -r '(.data // .).url')
exec curl -sf -o /dev/null "$url"
"""


def stored_name(lab, mount, number=0):
    """The path of a stored file by its place in the listing."""
    listing, _ = lab.output("ls", "-f", mount / "storage")
    names = [name for name in listing.decode().split("\n") if name]
    return mount / "storage" / sorted(set(names) - {".", ".."})[number]


def copy_fresh(lab, server, *options):
    """How long cp takes for the only file of a mount that knows nothing yet."""
    mount = lab.mount(server, *options)
    seconds = lab.command("cp", stored_name(lab, mount), "/dev/null")
    mount.unmount()
    lab.remove(mount.replica)
    return seconds


def copy_rclone(lab, url, name, *switches):
    """The same from a directory that rclone mounts, knowing nothing."""
    mount = mount_rclone(lab, url, *switches)
    lab.command("ls", mount.path)
    seconds = lab.command("cp", mount / name, "/dev/null")
    mount.unmount()
    lab.remove(mount.cache)
    return seconds


def small_files(lab, quick):
    """Both begin with nothing: the script with its sign-in, bkendfs with its
    mount."""
    files = 50 if quick else 500
    lab.need_memory(files * 32 * KIB)
    server = Emulator(
        lab,
        "--latency", 50, "--storage-latency", 20,
        "--generate-files", f"{files}:{20 * KIB}",
    )
    copy = lab.memory / "copy"

    def script():
        copy.mkdir()
        seconds = lab.command(
            "sh", "-c", 'cd "$1" && exec "$2"', "sh",
            copy, HERE / "export-files.sh", env=server.settings,
        )
        must_be(count_files(lab, copy / "bkend_files"), files, "the export")
        lab.remove(copy)
        return seconds

    def bkendfs():
        mount = lab.mount(server)
        lab.command("cp", "-r", mount / "storage", copy)
        seconds = mount.age()
        mount.unmount()
        must_be(count_files(lab, copy), files, "the copy")
        lab.remove(copy, mount.replica)
        return seconds

    raw = interleaved(1 if quick else 3, script=script, bkendfs=bkendfs)
    result = Result(raw=raw)
    ratio = median_ratio(raw["script"], raw["bkendfs"])
    result.at_least("small files: script ÷ bkendfs", ratio, 25)
    return result


def one_large(lab, quick):
    size = 32 * MIB if quick else 256 * MIB
    server = Emulator(
        lab,
        "--latency", 50, "--storage-latency", 50,
        "--storage-rate", 20_000_000,
        "--generate-files", f"1:{size}",
    )
    api = Api(server.settings)
    file_id = api.file_ids(1)[0]

    def curl():
        return lab.command(
            "sh", "-c", DOWNLOAD, "sh", file_id, api.token, env=server.settings
        )

    raw = interleaved(
        1 if quick else 3,
        curl=curl,
        bkendfs=lambda: copy_fresh(lab, server),
    )
    result = Result(raw=raw)
    ratio = median_ratio(raw["curl"], raw["bkendfs"])
    result.at_least("one large file: curl ÷ bkendfs", ratio, 9)
    return result


def one_large_nginx(lab, quick):
    """The same with nginx as the store, beside rclone mount. nginx counts its
    limit_rate anew for each request, and gives a second's worth at once: that
    flatters whoever asks for small ranges. The row above has a limit that is
    really a connection's."""
    size = 32 * MIB if quick else 256 * MIB
    store, name = make_store(lab, size)
    nginx = Nginx(lab, store, rate=20_000_000)
    with FileApi(store, [name], latency=50) as api:
        api.store_url = nginx.url
        client = Api(api.settings)
        file_id = client.file_ids(1)[0]

        def curl():
            words = ["sh", "-c", DOWNLOAD, "sh", file_id, client.token]
            return lab.command(*words, env=api.settings)

        raw = interleaved(
            1 if quick else 3,
            curl=curl,
            bkendfs=lambda: copy_fresh(lab, api),
            rclone=lambda: copy_rclone(lab, nginx.url, name),
        )
    result = Result(raw=raw)
    to_curl = median_ratio(raw["curl"], raw["bkendfs"])
    to_rclone = median_ratio(raw["rclone"], raw["bkendfs"])
    result.at_least("one large file, nginx: curl ÷ bkendfs", to_curl, 6)
    result.at_least("the same: rclone mount ÷ bkendfs", to_rclone, 2)
    return result


def make_store(lab, size):
    """A file of no pattern that a mistake could hide in, on the tmpfs; its
    directory and name."""
    lab.need_memory(size)
    store = lab.memory / "store"
    store.mkdir()
    block = random.Random(1).randbytes(MIB - 8)
    with open(store / "object.bin", "wb") as file:
        for number in range(size // MIB):
            file.write(number.to_bytes(8, "big") + block)
    return store, "object.bin"


def mount_rclone(lab, url, *switches):
    point = lab.disk / lab.name("rclone")
    cache = lab.disk / lab.name("rclone-cache")
    words = ["rclone", "mount", ":http:", point, "--http-url", url]
    words += ["--read-only", "--config", lab.disk / "no-rclone.conf"]
    words += ["--cache-dir", cache, *switches]
    mount = Mount(lab, words, point)
    mount.cache = cache
    return mount


def loopback(lab, quick):
    """Every copy has a fresh mount, and what it keeps is fresh, too. curl keeps
    nothing on the disk: bkendfs and rclone are measured without that, and with
    it: bkendfs as it comes, rclone with its full cache."""
    size = 128 * MIB if quick else GIB
    lab.need_disk(2 * size)
    store, name = make_store(lab, size)
    nginx = Nginx(lab, store)

    def curl():
        url = f"{nginx.url}/{name}"
        return lab.command("curl", "-sf", "-o", "/dev/null", url)

    with FileApi(store, [name]) as api:
        api.store_url = nginx.url
        mount = lab.mount(api)
        lab.command("cmp", store / name, stored_name(lab, mount))
        mount.unmount()
        lab.remove(mount.replica)
        raw = interleaved(
            1 if quick else 5,
            curl=curl,
            bkendfs=lambda: copy_fresh(lab, api, "nocache"),
            rclone=lambda: copy_rclone(lab, nginx.url, name),
            keeping=lambda: copy_fresh(lab, api),
            rclone_keeping=lambda: copy_rclone(
                lab, nginx.url, name, "--vfs-cache-mode", "full"
            ),
        )
    result = Result(raw={**raw, "bytes": size})
    for kind, rival, words, target in (
        ("bkendfs", "rclone", "", 0.75),
        ("keeping", "rclone_keeping", ", kept on the disk", 0.5),
    ):
        to_curl = median_ratio(raw["curl"], raw[kind])
        to_rclone = median_ratio(raw[rival], raw[kind])
        result.at_least(f"throughput: bkendfs ÷ curl{words}", to_curl, target)
        result.at_least(
            f"throughput: bkendfs ÷ rclone mount{words}", to_rclone, 2
        )
    return result


def loopback_tls(lab, quick):
    """The store speaks TLS; curl is given the URL, and HTTP/2 where it likes.
    bkendfs without what it keeps on the disk, as in the row above, and with
    it."""
    size = 128 * MIB if quick else GIB
    lab.need_disk(size)
    store, name = make_store(lab, size)
    front = Front(lab, store=store)
    trust = f"cacert={front.authority}"

    def curl():
        return lab.command(
            "curl", "-sf", "-o", "/dev/null", f"{front.url}/{name}",
            env=front.settings,
        )

    with FileApi(store, [name]) as api:
        api.store_url = front.url
        raw = interleaved(
            1 if quick else 5,
            curl=curl,
            bkendfs=lambda: copy_fresh(lab, api, "nocache", trust),
            keeping=lambda: copy_fresh(lab, api, trust),
        )
    result = Result(raw={**raw, "bytes": size})
    for kind, words in (("bkendfs", ""), ("keeping", ", kept on the disk")):
        ratio = median_ratio(raw["curl"], raw[kind])
        result.at_least(f"over TLS: bkendfs ÷ curl{words}", ratio, 0.7)
    return result


def random_reads(lab, quick):
    size = 128 * MIB if quick else GIB
    reads = 100 if quick else 1000
    store, name = make_store(lab, size)
    nginx = Nginx(lab, store)
    with FileApi(store, [name]) as api:
        api.store_url = nginx.url
        mount = lab.mount(api)
        path = stored_name(lab, mount)
        nginx.sent()
        api.requests = 0
        report, seconds = lab.output(
            "fio", "--name=random", f"--filename={path}", "--readonly",
            "--rw=randread", "--bs=4k", f"--size={size}", "--ioengine=psync",
            f"--number_ios={reads}", "--fadvise_hint=0", "--invalidate=0",
            "--thread", "--output-format=json",
        )
        objects, sent = nginx.sent()
        asked = api.requests
        mount.unmount()
    done = json.loads(report)["jobs"][0]["read"]
    if done["total_ios"] != reads:
        raise Trouble(f"fio did {done['total_ios']} reads, {reads} expected")
    result = Result(
        raw={
            "reads": reads,
            "seconds": seconds,
            "latency_ns": done["clat_ns"],
            "object_requests": objects,
            "object_bytes": sent,
            "api_requests": asked,
        }
    )
    result.at_most(
        "random 4 KB: requests a read", (objects + asked) / reads, 1.2
    )
    result.at_most(
        "random 4 KB: fetched a read", sent / reads / KIB, 160, "KiB"
    )
    return result


def storage_rss(lab, quick):
    """A sparse file is as good as any: nobody but cp looks at it."""
    size = 256 * MIB if quick else 4 * GIB
    lab.need_disk(size)
    store = lab.disk / "store"
    store.mkdir()
    with open(store / "object.bin", "wb") as file:
        file.truncate(size)
    nginx = Nginx(lab, store)
    with FileApi(store, ["object.bin"]) as api:
        api.store_url = nginx.url
        mount = lab.mount(api)
        path = stored_name(lab, mount)
        seconds = lab.command("cp", path, "/dev/null")
        memory = mount.high_water()
        mount.unmount()
    result = Result(raw={"bytes": size, "seconds": seconds, "rss": memory})
    result.at_most(
        f"memory, {size / GIB:g} GiB copied", memory / MIB, 128, "MiB"
    )
    return result


def first_byte(lab, quick):
    """File by file, apart and in no order, so that nothing was read ahead;
    the rival is a client whose connections are open."""
    count, files = (4, 20) if quick else (15, 90)
    server = Emulator(
        lab,
        "--latency", 50, "--storage-latency", 20,
        "--generate-files", f"{files}:{8 * MIB}",
    )
    api = Api(server.settings)
    ids = api.file_ids(files)
    order = [number * 5 % files for number in range(count)]
    random.Random(1).shuffle(order)
    mount = lab.mount(server)
    stored_name(lab, mount)
    store = None
    figures = {"url": [], "object": [], "bkendfs": []}
    for number in order:
        begin = time.perf_counter()
        answer = api.call("POST", f"/v1/files/{ids[number]}/download-url")
        figures["url"].append(time.perf_counter() - begin)
        url = urllib.parse.urlsplit(answer["url"])
        if not store:
            store = http.client.HTTPConnection(url.netloc, timeout=60)
            store.connect()
        begin = time.perf_counter()
        store.request(
            "GET", f"{url.path}?{url.query}", headers={"Range": "bytes=0-4095"}
        )
        must_be(len(store.getresponse().read()), 4096, "the range")
        figures["object"].append(time.perf_counter() - begin)
        path = stored_name(lab, mount, number)
        figures["bkendfs"] += lab.probe("first-byte", path)
    mount.unmount()
    url, one, taken = (
        statistics.median(figures[name]) * 1000
        for name in ("url", "object", "bkendfs")
    )
    result = Result(raw=figures)
    result.at_most("first byte of a file", taken, url + one + 5, "ms")
    return result


ROWS = (
    Row(
        "small-files",
        "500 files of 20 KB, 50 ms API + 20 ms storage: script ÷ cp -r",
        small_files,
        ("curl", "jq"),
    ),
    Row(
        "one-large",
        "256 MiB, 20 MB/s a connection, 50 ms: curl ÷ cp",
        one_large,
        ("curl", "jq"),
    ),
    Row(
        "one-large-nginx",
        "256 MiB from nginx, 20 MB/s a connection: curl, rclone mount ÷ cp",
        one_large_nginx,
        ("curl", "jq", "nginx", "rclone"),
    ),
    Row(
        "loopback",
        "1 GiB from nginx: throughput of cp ÷ curl, ÷ cp from rclone mount",
        loopback,
        ("curl", "nginx", "rclone"),
    ),
    Row(
        "loopback-tls",
        "1 GiB from nginx over TLS: throughput of cp ÷ curl",
        loopback_tls,
        ("curl", "nginx", "openssl"),
    ),
    Row(
        "random",
        "random reads of 4 KB in 1 GiB: requests and bytes fetched a read",
        random_reads,
        ("fio", "nginx"),
    ),
    Row(
        "storage-rss",
        "memory after a copy of 4 GiB",
        storage_rss,
        ("nginx",),
    ),
    Row(
        "first-byte",
        "first byte of a file ≤ URL and object round trips + 5 ms",
        first_byte,
    ),
)
