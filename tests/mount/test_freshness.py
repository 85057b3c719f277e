"""What is young is not asked for again; what is older is checked with a request,
and only what changed is fetched. Whoever has something open keeps it."""

import contextlib
import datetime
import json
import os
import re
import signal
import time

import pytest

from conftest import wait_until
from jsontext import pretty
from odd_server import Reply
from records import (
    fails, moment, oid, read, record, record_names, records,
)
from truth import Client


def _now():
    at = datetime.datetime.now(datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _changed(number, stamp=None, created=None):
    """A record as it looks after a change."""
    stamp = (stamp or _now()).encode()
    raw = re.sub(
        rb'"updatedAt":"[^"]*"',
        b'"updatedAt":"%s"' % stamp,
        record(number, b',"changed":"%s"' % stamp),
    )
    if created:
        raw = re.sub(
            rb'"createdAt":"[^"]*"', b'"createdAt":"%s"' % created.encode(), raw
        )
    return raw


def _requests(server):
    """The requests since this was last asked, "METHOD path"."""
    with server.lock:
        lines = [f"{request.method} {request.path}" for request in server.log]
        server.log.clear()
    return lines


def _list(m, table="t"):
    return sorted(name for name in os.listdir(m / table) if name[0] != ".")


def _path(m, number, table="t"):
    return m / table / f"{oid(number)}.json"


def _project(odd, count=350, **options):
    server = odd(**options)
    server.tables["t"] = records(count)
    return server


def _grow_old(seconds=1.05):
    time.sleep(seconds)


# What it costs -------------------------------------------------------------


def test_a_young_listing_costs_no_request(odd, mount):
    server = _project(odd)
    m = mount(server, "-o", "ttl=600")
    assert _list(m) == record_names(350)
    _requests(server)
    for _ in range(3):
        assert _list(m) == record_names(350)
        for number in range(350):
            assert read(_path(m, number)) == pretty(record(number))
        assert not os.path.exists(_path(m, 999))
    assert _requests(server) == []


@pytest.mark.parametrize("table, count", [("t", 0), ("t", 350), ("files", 150)])
def test_an_older_one_costs_one_when_it_is_unchanged(odd, mount, table, count):
    server = _project(odd, count if table == "t" else 1)
    for number in range(count if table == "files" else 0):
        server.put_file(oid(number), "x", b"x", at=_moment(number))
    m = mount(server, "-o", "ttl=1")
    assert _list(m, table) == record_names(count)
    for _ in range(2):
        _grow_old()
        _requests(server)
        assert _list(m, table) == record_names(count)
        assert len(_requests(server)) == 1
        assert _list(m, table) == record_names(count)


def _moment(number):
    return "2026-01-02T03:%02d:%02d.678Z" % divmod(number ^ 1, 60)


def test_one_whose_dates_are_all_one_costs_two(odd, mount):
    """Whether the order asked for is heeded cannot be told by them."""
    server = _project(odd, 1)
    for number in range(150):
        server.put_file(oid(number), "x", b"x")
    m = mount(server, "-o", "ttl=1")
    assert _list(m, "files") == record_names(150)
    _grow_old()
    _requests(server)
    assert _list(m, "files") == record_names(150)
    assert len(_requests(server)) == 2


def _in_one_order(count):
    """Records that were made one after the other, and never changed."""
    return [
        _changed(number, moment(number), moment(number)) for number in range(count)
    ]


@pytest.mark.parametrize("count", [100, 150])
def test_one_that_is_in_one_order_by_id_and_by_date_costs_one(odd, mount, count):
    """Nor can it by these. A page of them is compared as a whole; of more, the
    titles told when they were listed."""
    server = _project(odd, 1)
    server.tables["t"] = _in_one_order(count)
    m = mount(server, "-o", "ttl=1")
    assert _list(m) == record_names(count)
    _grow_old()
    _requests(server)
    assert _list(m) == record_names(count)
    assert len(_requests(server)) == 1


@pytest.mark.parametrize("count", [5, 150])
def test_a_stored_file_that_is_renamed_stands_there_once(odd, mount, count):
    """By its new name alone, also where nothing else happened."""
    server = _project(odd, 1)
    for number in range(count):
        server.put_file(oid(number), f"f{number}.txt", b"text", at=_moment(number))
    m = mount(server, "-o", "ttl=1")
    names = {f"{oid(number)}_f{number}.txt" for number in range(count)}
    assert set(_list(m, "storage")) == names
    _grow_old()
    server.put_file(oid(2), "renamed.txt", b"text", at="2026-01-03T00:00:00.000Z")
    names.remove(f"{oid(2)}_f2.txt")
    names.add(f"{oid(2)}_renamed.txt")
    for _ in range(2):
        assert set(_list(m, "storage")) == names
        assert len(_list(m, "files")) == count
        _grow_old()
    m.unmount()
    m = mount(server, cache=m.cache)
    assert set(_list(m, "storage")) == names
    assert not os.path.exists(m / "storage" / f"{oid(2)}_f2.txt")
    assert read(m / "storage" / f"{oid(2)}_renamed.txt") == b"text"


def test_storage_and_files_are_checked_together(odd, mount):
    server = _project(odd)
    for number in range(5):
        server.put_file(oid(number), "x", b"x")
    m = mount(server, "-o", "ttl=600")
    assert len(_list(m, "files")) == len(_list(m, "storage")) == 5
    _requests(server)
    os.kill(m.pid, signal.SIGHUP)
    seen = []

    def is_checked():
        assert len(_list(m, "storage")) == len(_list(m, "files")) == 5
        seen.extend(_requests(server))
        return seen

    wait_until(is_checked, 5, "the check")
    assert seen == ["GET /v1/files"]


def test_a_name_that_got_old_costs_one_request_with_all_its_like(odd, mount):
    server = _project(odd)
    m = mount(server, "-o", "ttl=2")
    assert _list(m) == record_names(350)
    _requests(server)
    _grow_old(2.05)
    for name in record_names(350):
        os.stat(m / "t" / name)
    assert len(_requests(server)) == 1


def test_a_hangup_makes_everything_due_at_once(odd, mount):
    server = _project(odd)
    server.tables["u"] = records(120)
    m = mount(server, "-o", "ttl=3600")
    assert _list(m) == record_names(350)
    assert _list(m, "u") == record_names(120)
    with server.lock:
        server.tables["t"].append(_changed(350, created=_now()))
        server.tables["u"].append(_changed(120, created=_now()))
    assert _list(m) == record_names(350)  # not due
    os.kill(m.pid, signal.SIGHUP)
    wait_until(lambda: _list(m) == record_names(351), 2, "the check of t")
    wait_until(lambda: _list(m, "u") == record_names(121), 2, "that of u")
    # And then it is young again.
    _requests(server)
    assert _list(m) == record_names(351)
    assert _requests(server) == []


@pytest.mark.parametrize("ttl", [1, 3600])
def test_a_remount_asks_once_for_each_table_at_most(odd, mount, work, ttl):
    server = _project(odd)
    server.tables["u"] = records(250)
    server.tables["v"] = []
    for number in range(150):
        server.put_file(oid(number), "x", b"x", at=_moment(number))
    places = ["t", "u", "v", "files", "storage"]
    first = mount(server, "-o", f"ttl={ttl}", cache=work / "cache")
    before = {place: _list(first, place) for place in places}
    inodes = {name: os.stat(first / "t" / name).st_ino for name in before["t"]}
    first.unmount()
    _grow_old()
    _requests(server)
    again = mount(server, "-o", f"ttl={ttl}", cache=work / "cache")
    assert {place: _list(again, place) for place in places} == before
    asked = [line for line in _requests(server) if "/auth/" not in line]
    expected = ["GET /v1/data/t", "GET /v1/data/u", "GET /v1/data/v", "GET /v1/files"]
    assert sorted(asked) == expected  # whatever ttl is
    assert {
        name: os.stat(again / "t" / name).st_ino for name in before["t"]
    } == inodes
    assert read(_path(again, 17)) == pretty(record(17))


def test_few_changes_cost_few_requests(odd, mount, work):
    server = _project(odd, 2000)
    m = mount(server, "-o", "ttl=600", cache=work / "cache")
    assert _list(m) == record_names(2000)
    m.unmount()
    changed = {number: _changed(number) for number in (3, 777, 1999)}
    with server.lock:
        for number, raw in changed.items():
            server.tables["t"][number] = raw
    _requests(server)
    again = mount(server, "-o", "ttl=0", cache=work / "cache")
    assert _list(again) == record_names(2000)
    asked = [line for line in _requests(server) if "/auth/" not in line]
    assert len(asked) < 8, asked
    assert not [line for line in asked if line.startswith("GET /v1/data/t/")]
    for number, raw in changed.items():
        assert read(_path(again, number)) == pretty(raw)
    assert read(_path(again, 4)) == pretty(record(4))


def test_few_changes_of_the_emulators_cost_few_requests(emulator, mount):
    server = emulator("--no-demo", "--generate", "t=2000:200")
    m = mount(server, "-o", "ttl=1")
    names = _list(m)
    assert len(names) == 2000
    changed = {}
    for name in (names[3], names[777], names[1999]):
        raw = json.loads((m / "t" / name).read_bytes())
        raw["updatedAt"] = _now()
        raw["changed"] = True
        changed[name] = json.dumps(raw).encode()
        server.put_record("t", raw["id"], changed[name])
    created = b'{"id":"ffffffffffffffffffffffff","createdBy":"u1"' + (
        b',"createdAt":"%s","updatedAt":"%s"}' % (_now().encode(), _now().encode())
    )
    server.put_record("t", "f" * 24, created)
    server.reset()
    wanted = sorted(names + ["f" * 24 + ".json"])
    wait_until(lambda: _list(m) == wanted, 5, "the new record")
    assert server.stats()["api"] < 8
    for name, raw in changed.items():
        found = json.loads(read(m / "t" / name))
        assert found["changed"] is True and found["id"] == json.loads(raw)["id"]


# What is seen --------------------------------------------------------------


@pytest.mark.parametrize("way", ["listing", "name"])
def test_a_changed_record_is_another_file_and_open_ones_stay(odd, mount, way):
    server = _project(odd)
    m = mount(server, "-o", "ttl=1")
    path = _path(m, 200)
    assert _list(m) == record_names(350)
    before = os.stat(path)
    with open(path, "rb", buffering=0) as held:
        assert held.read(4) == pretty(record(200))[:4]
        changed = _changed(200)
        with server.lock:
            server.tables["t"][200] = changed

        def is_seen():
            if way == "listing":
                os.listdir(m / "t")
            return os.stat(path).st_ino != before.st_ino

        wait_until(is_seen, 10, "the change")
        assert read(path) == pretty(changed)
        assert os.stat(path).st_size == len(pretty(changed))
        assert os.stat(path).st_mtime_ns > before.st_mtime_ns
        # The old one, by the descriptor that was open.
        held.seek(0)
        assert held.read(100000) == pretty(record(200))
        kept = os.fstat(held.fileno())
        assert (kept.st_ino, kept.st_size) == (before.st_ino, before.st_size)
    # Its neighbours are what they were.
    for number in (199, 201):
        assert read(_path(m, number)) == pretty(record(number))


def test_an_unread_file_that_is_open_keeps_its_version(odd, mount):
    """Not a byte of it was asked for before it changed."""
    server = _project(odd)
    m = mount(server, "-o", "ttl=1")
    assert _list(m) == record_names(350)
    with open(_path(m, 5), "rb", buffering=0) as held:
        with server.lock:
            server.tables["t"][5] = _changed(5)
        wait_until(
            lambda: _list(m) and b"changed" in read(_path(m, 5)), 10, "the change"
        )
        assert held.read(100000) == pretty(record(5))


def test_what_was_deleted_is_gone_after_ttl(odd, mount):
    server = _project(odd)
    m = mount(server, "-o", "ttl=1")
    assert _list(m) == record_names(350)
    with open(_path(m, 100), "rb", buffering=0) as held:
        with server.lock:
            del server.tables["t"][100]
        wanted = record_names(100) + record_names(249, 101)
        wait_until(lambda: _list(m) == wanted, 10, "the end of the record")
        wait_until(
            lambda: not os.path.exists(_path(m, 100)), 3, "the end of its name"
        )
        assert held.read(100000) == pretty(record(100))
    with fails(2):
        os.stat(_path(m, 100))


def test_what_is_new_appears_after_ttl(odd, mount):
    server = _project(odd)
    m = mount(server, "-o", "ttl=1")
    assert _list(m) == record_names(350)
    assert not os.path.exists(_path(m, 350))
    new = _changed(350, created=_now())
    with server.lock:
        server.tables["t"].append(new)
    wait_until(lambda: os.path.exists(_path(m, 350)), 10, "its name")
    wait_until(lambda: _list(m) == record_names(351), 10, "its entry")
    assert read(_path(m, 350)) == pretty(new)


def test_a_record_that_takes_anothers_place_is_noticed(odd, mount):
    """The count is the same as before."""
    server = _project(odd)
    m = mount(server, "-o", "ttl=1")
    assert _list(m) == record_names(350)
    with server.lock:
        del server.tables["t"][10]
        server.tables["t"].append(_changed(350, created=_now()))
    wanted = record_names(10) + record_names(340, 11)
    wait_until(lambda: _list(m) == wanted, 10, "the exchange")
    assert _list(m) == wanted


def test_everything_may_change_at_once(odd, mount):
    server = _project(odd)
    m = mount(server, "-o", "ttl=0")
    assert _list(m) == record_names(350)
    with server.lock:
        new = [_changed(number) for number in range(20, 400)]
        server.tables["t"][:] = new
    assert _list(m) == record_names(380, 20)
    for raw in new:
        number = int(json.loads(raw)["id"][8:], 16)
        assert read(_path(m, number)) == pretty(raw)
    with server.lock:
        server.tables["t"].clear()
    assert _list(m) == []


def test_an_open_directory_keeps_its_version(odd, mount):
    server = _project(odd)
    m = mount(server, "-o", "ttl=0")
    handle = os.open(m / "t", os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert sorted(os.listdir(handle)) == record_names(350)
        with server.lock:
            del server.tables["t"][3]
            server.tables["t"].append(_changed(350, created=_now()))
        assert _list(m) == record_names(3) + record_names(347, 4)
        assert sorted(os.listdir(handle)) == record_names(350)
        assert _list(m) == record_names(3) + record_names(347, 4)
    finally:
        os.close(handle)


def test_a_slow_reader_goes_on_with_its_version(odd, mount):
    """Others list the whole table meanwhile, before and after it changes."""
    server = _project(odd, 3000)
    m = mount(server, "-o", "ttl=0")
    with os.scandir(m / "t") as entries:
        names = [next(entries).name]
        assert _list(m) == record_names(3000)
        with server.lock:
            del server.tables["t"][2990]
            server.tables["t"].append(_changed(3000, created=_now()))
        wanted = record_names(2990) + record_names(10, 2991)
        wait_until(lambda: _list(m) == wanted, 10, "the change")
        names += [entry.name for entry in entries]
    assert names == record_names(3000)


# Changes at bad moments ----------------------------------------------------


@contextlib.contextmanager
def _after_page(server, page, act, only=lambda request: True, count=1):
    """Do something once, right after the count-th such page's answer was
    made."""
    done = []
    left = [count]

    def hook(request):
        if (
            request.is_page("t")
            and request.query.get("page", "1") == str(page)
            and request.query.get("limit") != "1"
            and only(request)
        ):
            with server.lock:
                answer = server.reply(request)
                left[0] -= 1
                if left[0] == 0:
                    done.append(request.target)
                    act(server.tables["t"])
                return answer
        return None

    server.hooks.append(hook)
    yield done
    server.hooks.remove(hook)
    assert done


def _change_one_after_the_other(first, second):
    def act(rows):
        for number in (first, second):
            time.sleep(0.02)
            rows[number] = _changed(number)

    return act


def test_a_change_behind_a_listing_is_seen_at_the_next_check(odd, mount):
    """A record changes when its page has come, and after it one on a page that
    is still to come: the newest time stamp in the listing is that of the
    second, and yet the first has to be fetched."""
    server = _project(odd, 450)
    act = _change_one_after_the_other(5, 440)

    m = mount(server, "-o", "ttl=0,connections=1")
    with _after_page(server, 1, act):
        assert _list(m) == record_names(450)
    assert _list(m) == record_names(450)
    assert read(_path(m, 440)) == pretty(server.tables["t"][440])
    assert read(_path(m, 5)) == pretty(server.tables["t"][5])


def test_a_change_behind_a_refresh_is_seen_at_the_next_check(odd, mount):
    """The same, where only what changed is fetched: that is more than a page."""
    server = _project(odd, 450)
    m = mount(server, "-o", "ttl=0,connections=1")
    assert _list(m) == record_names(450)
    with server.lock:
        for number in range(50, 350):
            server.tables["t"][number] = _changed(number)
    act = _change_one_after_the_other(60, 340)
    with _after_page(server, 1, act, lambda r: "andFilters" in r.query):
        assert _list(m) == record_names(450)
    assert _list(m) == record_names(450)
    assert read(_path(m, 340)) == pretty(server.tables["t"][340])
    assert read(_path(m, 60)) == pretty(server.tables["t"][60])


@pytest.mark.parametrize("answer", [1, 2, 3])
def test_a_deletion_during_a_refresh_hides_nothing(odd, mount, answer):
    server = _project(odd, 450)
    m = mount(server, "-o", "ttl=0")
    assert _list(m) == record_names(450)
    with server.lock:
        for number in range(100, 400):
            server.tables["t"][number] = _changed(number)

    def act(rows):
        del rows[95:105]

    # Each answer is followed by a question of its own, for greater ids.
    with _after_page(server, 1, act, lambda r: "andFilters" in r.query, answer):
        _list(m)
    assert _list(m) == record_names(95) + record_names(345, 105)
    for number in (94, 105, 399, 400):
        assert read(_path(m, number)) == pretty(
            next(raw for raw in server.tables["t"] if oid(number).encode() in raw)
        )


def _refuse_filters(request):
    if "andFilters" in request.query:
        return Reply(400, b'{"error":{"code":"x","message":"no filters"}}')
    return None


def _ignore_filters(request):
    request.query.pop("andFilters", None)


def _refuse_sorting(request):
    if "sortBy" in request.query:
        return Reply(400, b'{"error":{"code":"x","message":"no sorting"}}')
    return None


def _find_nothing(request):
    if "andFilters" in request.query:
        request.query["andFilters"] = '{"id":{"$in":[]}}'


@pytest.mark.parametrize(
    "hook",
    [_refuse_filters, _ignore_filters, _refuse_sorting, _find_nothing],
    ids=lambda hook: hook.__name__.strip("_").replace("_", " "),
)
def test_whatever_the_server_can_do_changes_are_seen(odd, mount, hook):
    server = _project(odd, 450)
    server.hooks.append(hook)
    m = mount(server, "-o", "ttl=0,retry=1")
    assert _list(m) == record_names(450)
    for step in range(3):
        changed, new = _changed(7 + step), _changed(450 + step, created=_now())
        with server.lock:
            rows = server.tables["t"]
            at = next(i for i, raw in enumerate(rows) if oid(7 + step).encode() in raw)
            rows[at] = changed
            rows.append(new)
            del rows[100]
            wanted = sorted(json.loads(raw)["id"] + ".json" for raw in rows)
        # A pass that is under way may be joined.
        wait_until(lambda: _list(m) == wanted, 5, "the change")
        assert read(_path(m, 7 + step)) == pretty(changed)
        assert read(_path(m, 450 + step)) == pretty(new)


@pytest.mark.parametrize("count", [20, 150])
def test_a_server_that_ignores_sort_by_hides_no_change(emulator, mount, count):
    """Its greatest id is its newest record, until an older one changes."""
    server = emulator("--no-demo", "--lie", "no-sort-field")
    for number, raw in enumerate(_in_one_order(count)):
        server.put_record("t", oid(number), raw)
    m = mount(server, "-o", "ttl=0")
    assert _list(m) == record_names(count)
    for number in (3, 7):
        changed = _changed(number)
        server.put_record("t", oid(number), changed)
        assert _list(m) == record_names(count)
        assert read(_path(m, number)) == pretty(changed)


def test_changes_all_the_while_are_seen_in_the_end(emulator, mount):
    server = emulator("--no-demo", "--generate", "t=600:200", "--mutate", "200")
    m = mount(server, "-o", "ttl=0")
    for _ in range(5):
        found = os.listdir(m / "t")
        assert len(found) == len(set(found))
    server.set(mutate=0)
    rows = {
        json.loads(raw)["id"] + ".json": raw
        for raw in Client(server).listing("/v1/data/t")
    }
    assert _list(m) == sorted(rows)
    stale = [name for name, raw in rows.items() if read(m / "t" / name) != pretty(raw)]
    assert not stale


def test_a_swap_is_seen_where_pages_have_a_size_and_an_order_of_their_own(
    odd, mount
):
    server = _project(odd, 5)

    def answer(request):
        if not request.is_page("t"):
            return None
        if "andFilters" in request.query:
            return Reply(400)
        rows, first = server.tables["t"], 3 * int(request.query["page"]) - 3
        pages = b'{"total":%d,"page":%d,"limit":3,"totalPages":%d}' % (
            len(rows),
            first // 3 + 1,
            -(-len(rows) // 3),
        )
        return server.ok(
            b'{"items":[%s],"pagination":%s}'
            % (b",".join(rows[first : first + 3]), pages)
        )

    server.hooks.append(answer)
    server.tables["t"][0] = _changed(0, moment(9))
    m = mount(server, "-o", "ttl=0", "-o", "tables=t")
    assert _list(m) == record_names(5)
    server.tables["t"][4] = _changed(9)
    assert _list(m) == record_names(4) + record_names(1, first=9)
