"""While records come, go and change, a listing holds every record that was
there throughout, once. What cannot be listed so is an error that explains
itself, and never a hole."""

import datetime
import errno
import http.client
import json
import os
import urllib.parse

import pytest

import names
from odd_server import Reply
from records import changed_at, oid, read, record, record_names, records
from truth import Client

CHANGES_A_SECOND = 200
RECORDS = 5000


class Reader:
    """A plain client that keeps its connection: pages one after the other, as
    any export script asks for them."""

    def __init__(self, server):
        client = Client(server)
        self.headers = client.headers
        address = urllib.parse.urlsplit(client.url)
        self.connection = http.client.HTTPConnection(
            address.hostname, address.port, timeout=20
        )

    def ids(self):
        """The ids of one pass over the pages, up to the first empty one."""
        found, page = [], 1
        while True:
            self.connection.request(
                "GET",
                f"/v1/data/t?page={page}&limit=100&sortDirection=asc",
                headers=self.headers,
            )
            answer = self.connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body[:500]
            items = json.loads(body)["data"]["items"]
            if not items:
                return found
            found += [item["id"] for item in items]
            page += 1


def _begin(emulator, *switches):
    """A table that begins to change: its server, one who reads it naively, and
    the ids of those records that are never deleted."""
    server = emulator(
        "--no-demo", "--generate", f"t={RECORDS}:200", "--latency", 2, *switches
    )
    reader = Reader(server)
    before = reader.ids()
    assert len(set(before)) == RECORDS
    server.set(mutate=CHANGES_A_SECOND)
    return server, reader, set(sorted(before)[::2])


def _listed(m):
    """The ids of a table's records, as often as they are listed."""
    return [
        name.removesuffix(".json")
        for name in os.listdir(m / "t")
        if name != ".spec.json"
    ]


def _list_again_and_again(server, mount, stay, times):
    """List the table on so many new mounts."""
    first = last = None
    for number in range(times):
        m = mount(server, "-o", "nocache,ttl=0")
        found = _listed(m)
        last = set(found)
        first = first or last
        m.unmount()
        missing = stay - last
        assert not missing, f"listing {number}: {sorted(missing)} missing"
        assert len(found) == len(last), f"listing {number}: some stand twice"
    # It did change meanwhile.
    assert first != last


@pytest.mark.parametrize("part", range(5))
def test_fifty_listings_under_change_miss_nothing(emulator, mount, part):
    """In five parts: the slower they are, the more changes meanwhile."""
    server, _, stay = _begin(emulator)
    _list_again_and_again(server, mount, stay, 10)


def test_a_page_by_page_pass_does_miss_some(emulator, mount):
    """What the listings above are up against."""
    server, reader, stay = _begin(emulator)
    missed = set()
    for _ in range(30):
        missed |= stay - set(reader.ids())
        if missed:
            break
    assert missed
    # They are there all the while.
    m = mount(server, "-o", "nocache,ttl=0")
    for record_id in missed:
        assert os.path.exists(m / "t" / f"{record_id}.json")
    assert missed <= set(_listed(m))


@pytest.mark.parametrize(
    "switches",
    [
        ("--lie", "no-sort"),
        ("--lie", "no-filter"),
        ("--lie", "no-select"),
        ("--max-limit", 20),
        ("--paging", "none"),
    ],
    ids=lambda switches: " ".join(map(str, switches)),
)
def test_whatever_the_server_can_do_nothing_is_missed(emulator, mount, switches):
    """Each asks in a way of its own; how often tells nothing more of it."""
    server, _, stay = _begin(emulator, *switches)
    _list_again_and_again(server, mount, stay, 4)


# What is no listing at all -------------------------------------------------


def _is_right_or_explained(m, wanted):
    """Whether the table's listing is right; else it fails, again and again, and
    .bkendfs/errors says why."""
    try:
        found = os.listdir(m / "t")
    except OSError as error:
        code = errno.errorcode[error.errno]
        assert code in ("EIO", "EPROTO")
        lines = [
            line.split("\t") for line in m.report().decode().splitlines()
        ]
        told = [line for line in lines if line[1] == "t" and line[4] == code]
        assert told, f"{code}, and nothing explains it: {lines}"
        assert all(line[2] == "GET /v1/data/t" and line[6] for line in told)
        return False
    assert sorted(name for name in found if name != ".spec.json") == wanted
    return True


@pytest.mark.parametrize(
    "lie", ["total-low", "total-high", "repeat-page", "no-items"]
)
@pytest.mark.parametrize("count", [450, 400])
def test_a_lie_never_makes_a_hole(emulator, mount, lie, count):
    server = emulator("--no-demo", "--generate", f"t={count}:200")
    wanted = sorted(record_id + ".json" for record_id in Reader(server).ids())
    assert len(wanted) == count
    server.set(lie=lie)
    m = mount(server, "-o", "retry=1,ttl=0")
    right = _is_right_or_explained(m, wanted)
    if lie == "no-items":
        assert not right
    # Asked again, it is no other.
    assert _is_right_or_explained(m, wanted) == right
    server.set(lie="")
    assert _is_right_or_explained(m, wanted)


def _page_of_101(server, overlaps, told):
    """Answer with 101 records where 100 were asked for: pages that follow each
    other, or of which each repeats the first of the next one."""
    server.max_limit = 101

    def hook(request):
        if not request.is_page("t") or request.query.get("limit") != "100":
            return None
        with server.lock:
            rows = server.tables["t"]
            page = int(request.query.get("page", 1))
            first = (page - 1) * (100 if overlaps else 101)
            shown = rows[first : first + 101]
            size = 100 if overlaps else 101
            pages = -(-len(rows) // size)
            pagination = {
                "total": len(rows),
                "page": page,
                "limit": told,
                "totalPages": pages,
                "hasNext": page < pages,
            }
            return server.ok(
                b'{"items":[%s],"pagination":%s}'
                % (b",".join(shown), json.dumps(pagination).encode())
            )

    server.hooks.append(hook)


@pytest.mark.parametrize("overlaps", [False, True], ids=["in a row", "overlap"])
@pytest.mark.parametrize("told", [100, 101])
def test_a_page_of_101_makes_no_hole(odd, mount, overlaps, told):
    server = odd()
    server.tables["t"] = records(450)
    _page_of_101(server, overlaps, told)
    m = mount(server, "-o", "retry=1,ttl=0")
    _is_right_or_explained(m, record_names(450))
    server.hooks.clear()
    assert _is_right_or_explained(m, record_names(450))


BROKEN = {
    "a missing quote": lambda body: _after_half(body, b'"title":"', b'"title":'),
    "a stray comma": lambda body: _after_half(body, b'{"id"', b'{,"id"'),
    "a second colon": lambda body: _after_half(body, b'"n":', b'"n"::'),
    "a brace too few": lambda body: _after_half(body, b"},{", b",{"),
    "a bracket too many": lambda body: _after_half(body, b"},{", b"}],{"),
    "a NUL": lambda body: _after_half(body, b'"n":', b'"n":\0'),
}


def _after_half(body, old, new):
    at = body.index(old, len(body) // 2)
    return body[:at] + new + body[at + len(old) :]


def _break_page_three(server, spoil, times):
    """Spoil page 3 so often. The list of the requests that met it."""
    met = []

    def hook(request):
        if request.is_page("t") and request.query.get("page") == "3":
            with server.lock:
                answer = server.reply(request)
                if len(met) < times and b'"title"' in answer.body:
                    met.append(request.target)
                    return Reply(200, spoil(answer.body))
                return answer
        return None

    server.hooks.append(hook)
    return met


@pytest.mark.parametrize("times", [1, 10000], ids=["once", "always"])
@pytest.mark.parametrize("how", list(BROKEN))
def test_broken_json_in_the_middle_of_a_listing(odd, mount, how, times):
    server = odd()
    server.tables["t"] = records(450)
    met = _break_page_three(server, BROKEN[how], times)
    m = mount(server, "-o", "retry=1,ttl=0")
    right = _is_right_or_explained(m, record_names(450))
    assert met
    if times > 1:
        assert not right
    server.hooks.clear()
    assert _is_right_or_explained(m, record_names(450))


def _spoil_id(member):
    """One record in the middle of page 3 names itself otherwise, or not."""
    return lambda body: body.replace(b'"id":"%s"' % oid(250).encode(), member)


IDS = {
    "_id": (b'"_id":"other"', b"other"),
    "id beside _id": (b'"_id":"wrong","id":"other"', b"other"),
    "_id beside no id": (b'"id":null,"_id":"other"', b"other"),
    "an ObjectId": (b'"_id":{"$oid":"other"}', b"other"),
    "a number": (b'"id":12345678901234567890', b"12345678901234567890"),
    "slashes": (b'"id":"../a\\/b/"', b"../a/b/"),
    "a dot": (b'"id":"."', b"."),
    "two dots": (b'"id":".."', b".."),
    "dots": (b'"id":".a.b."', b".a.b."),
    "300 bytes": (b'"id":"%s"' % (b"x" * 300), b"x" * 300),
    "300 bytes that are escaped": (b'"id":"%s"' % (b"/" * 300), b"/" * 300),
}


@pytest.mark.parametrize("how", list(IDS))
def test_an_odd_id_is_a_record_like_any_other(odd, mount, how):
    member, record_id = IDS[how]
    server = odd()
    server.tables["t"] = records(450)
    _break_page_three(server, _spoil_id(member), 10000)
    m = mount(server, "-o", "json=raw,retry=1")
    name = os.fsdecode(names.record(record_id))
    wanted = set(record_names(450)) - {oid(250) + ".json"} | {name}
    assert _is_right_or_explained(m, sorted(wanted))
    raw = record(250).replace(b'"id":"%s"' % oid(250).encode(), member)
    assert read(m / "t" / name) == raw
    assert os.stat(m / "t" / name).st_size == len(raw)


@pytest.mark.parametrize(
    "member",
    [b'"uid":"a"', b'"id":""', b'"id":null', b'"id":[]', b'"id":true', b'"id":{}',
     b'"_id":""', b'"id":{"$oid":7}', b'"id":"%s"' % (b"x" * 70000)],
    ids=["none", "empty", "null", "list", "true", "object", "empty _id", "odd _id", "huge"],
)
def test_a_record_without_an_id_makes_no_hole(odd, mount, member):
    server = odd()
    server.tables["t"] = records(450)
    _break_page_three(server, _spoil_id(member), 10000)
    m = mount(server, "-o", "retry=1,ttl=0")
    assert not _is_right_or_explained(m, None)
    assert b"a record in the listing has no id" in m.report()
    server.hooks.clear()
    assert _is_right_or_explained(m, record_names(450))


def test_a_listing_that_breaks_never_ends_as_if_it_were_whole(odd, mount):
    """Who reads entry by entry meets the error, not an end."""
    server = odd()
    server.tables["t"] = records(450)
    _break_page_three(server, BROKEN["a stray comma"], 10000)
    m = mount(server, "-o", "retry=0,ttl=0")
    seen = []
    with pytest.raises(OSError) as caught:
        with os.scandir(m / "t") as entries:
            for entry in entries:
                seen.append(entry.name)
    assert caught.value.errno in (errno.EPROTO, errno.EIO)
    assert len(seen) == len(set(seen)) < 450
    assert set(seen) <= set(record_names(450))
    # What did come can be read, too.
    assert os.path.exists(m / "t" / seen[0])
    assert (m / "t" / seen[0]).read_bytes()


# Several servers behind one name ----------------------------------------------


def _written(number, seconds_ago):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds_ago)
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.000Z").encode()
    return record(number).replace(changed_at(number).encode(), stamp)


@pytest.mark.parametrize("first, dates, turn", [
    ("ahead", [], 3),
    # A look for changes finds the new ones, and is given up.
    ("behind", ["ahead"], 5),
])
def test_what_two_servers_hold_is_kept_where_one_is_behind(odd, mount, first, dates, turn):
    """One lacks ten old records, the other as many new ones: between the last
    page of the one and the first of the other, ten of both fall through, and
    the numbers fit. None of those is let go of."""
    server = odd()
    behind = records(450)
    lacking = range(5, 195, 19)
    ahead = [one for n, one in enumerate(behind) if n not in lacking]
    ahead += [_written(n, 90) for n in range(1000, 1010)]
    both = {f"{oid(n)}.json" for n in range(450) if n not in lacking}
    assert len(ahead) == len(behind)
    tables = {"ahead": ahead, "behind": behind}
    server.tables["t"] = tables[first]
    m = mount(server, "-o", "ttl=0")
    assert both < set(os.listdir(m / "t"))
    dates, asked = iter(dates), []

    def hook(request):
        if not request.is_page("t"):
            return None
        page = int(request.query["page"])
        with server.lock:
            if "sortBy" in request.query:
                who = next(dates, "behind")
            elif "andFilters" in request.query or page >= turn:
                who = "ahead"
            else:
                who = "behind"
            asked.append((page, who))
            server.tables["t"] = tables[who]
            return server.reply(request)

    server.hooks.append(hook)
    for _ in range(3):
        assert both <= set(os.listdir(m / "t"))
    assert (turn - 1, "behind") in asked and (turn, "ahead") in asked
