"""Every shape that the service's documentation allows an answer to have."""

import errno
import json
import os

import pytest

from conftest import run
from jsontext import pretty
from odd_server import Reply
from records import fails, oid, read, record, record_names, records
from truth import assert_same, on_disk, tree


def _project(server):
    server.tables["posts"] = records(230)
    server.tables["one"] = records(1)
    server.tables["none"] = []
    server.specs["posts"] = b'{"tableName":"posts","schema":{},"indexes":[]}'
    for number in range(3):
        server.put_file(oid(number), f"f{number}.bin", bytes([number]) * 3000)
    return server


@pytest.mark.parametrize("paging", ["next", "nextpage", "none"])
@pytest.mark.parametrize("envelope", ["data", "bare"])
@pytest.mark.parametrize("order", ["first", "last"])
def test_a_project_reads_the_same_in_every_shape(odd, mount, envelope, paging, order):
    server = _project(odd(envelope=envelope, paging=paging, order=order))
    m = mount(server)
    assert_same(on_disk(m.path), tree(server))


@pytest.mark.parametrize(
    "options",
    [
        {"space": True},
        {"gzip": True},
        {"chunked": True},
        {"gzip": True, "chunked": True, "space": True, "envelope": "bare"},
        {"max_limit": 20},
    ],
    ids=lambda options: "+".join(options),
)
def test_a_project_reads_the_same_however_it_is_sent(odd, mount, options):
    server = _project(odd(**options))
    m = mount(server)
    found = on_disk(m.path)
    server.gzip = False
    assert_same(found, tree(server))


def test_api_answers_are_asked_for_compressed_and_objects_are_not(odd, mount):
    server = _project(odd(gzip=True))
    m = mount(server)
    os.listdir(m / "posts")
    read(m / f"storage/{oid(1)}_f1.bin")
    pages = [r for r in server.log if r.is_page("posts")]
    assert pages and all("gzip" in r.headers["accept-encoding"] for r in pages)
    for request in server.storage.log:
        assert request.headers.get("accept-encoding", "identity") == "identity"


@pytest.mark.parametrize("shape", [1, 2, 3])
def test_every_error_shape_is_understood(odd, mount, shape):
    server = _project(odd(errors=shape))
    server.hooks.append(
        lambda r: server.no(403, "data/permission-denied", "Not for you")
        if r.path.startswith("/v1/data/posts") else None
    )
    m = mount(server)
    with fails(errno.ENOENT):
        os.listdir(m / "nosuch")
    with fails(errno.ENOENT):
        read(m / f"one/{oid(7)}.json")
    with fails(errno.EACCES):
        os.listdir(m / "posts")
    report = m.report("errors").decode()
    assert "Not for you" in report and "403" in report
    assert ("PERMISSION_DENIED" if shape == 2 else "data/permission-denied") in report


@pytest.mark.parametrize("shape", [1, 2, 3])
def test_an_error_at_sign_in_is_understood_in_every_shape(odd, start, shape):
    server = odd(errors=shape)
    said = start(server, env={"BKEND_PASSWORD": "wrong"})
    assert said.status == 1
    assert "password" in said.message.lower()


def test_records_that_may_be_read_but_not_listed_are_readable(odd, mount):
    server = _project(odd())
    server.hooks.append(
        lambda r: server.no(403, "data/permission-denied")
        if r.is_page("posts") else None
    )
    m = mount(server)
    with fails(errno.EACCES):
        os.listdir(m / "posts")
    assert read(m / f"posts/{oid(5)}.json") == pretty(record(5))
    assert os.listdir(m / "one") == record_names(1)


@pytest.mark.parametrize("layout", ["envelope", "bare", "unknown members"])
def test_sign_in_is_understood_in_every_shape(odd, mount, layout):
    server = _project(odd(envelope="bare" if layout == "bare" else "data"))
    if layout == "unknown members":
        server.hooks.append(
            lambda r: Reply(
                body=server._sign_in(r).body.replace(
                    b'"tokenType"', b'"user":{"id":"u","accessToken":"no"},"tokenType"'
                )
            )
            if r.path.endswith("/signin") else None
        )
    m = mount(server)
    assert os.listdir(m / "one") == record_names(1)


@pytest.mark.parametrize(
    "record_text",
    [
        b'{"id":"a","createdBy":"","createdAt":"2026-01-01T00:00:00Z"}',
        b'{"id":"a","createdAt":"2026-01-01T00:00:00.123456Z","updatedAt":null}',
        b'{"id":"a","createdAt":"yesterday","updatedAt":12}',
        b'{"id":"a","createdAt":"2026-01-01T09:00:00.000+09:00"}',
        b'{"id":"a"}',
    ],
    ids=["no milliseconds", "microseconds", "nonsense", "zone", "none"],
)
def test_a_record_with_odd_times_is_a_record_still(odd, mount, record_text):
    server = odd()
    server.tables["t"] = [record_text]
    m = mount(server, "-o", "json=raw")
    assert os.listdir(m / "t") == ["a.json"]
    assert read(m / "t/a.json") == record_text
    at = os.stat(m / "t/a.json").st_mtime
    if b"00:00:00" in record_text:
        assert int(at) == 1767225600


# What some database writes for one and the same moment -> milliseconds.
DATES = {
    b'"2024-01-02 00:00:02.123Z"': 1704153602123,
    b'"2024-01-02 00:00:02.123456+00"': 1704153602123,
    b'"2024-01-01t20:30:02.123-03:30"': 1704153602123,
    b'"2024-01-02T00:00:02,123"': 1704153602123,
    b'"20240102T000002.123z"': 1704153602123,
    b'"2024-01-02"': 1704153600000,
    b"1704153602": 1704153602000,
    b'"1704153602123"': 1704153602123,
    b'{"$date":"2024-01-02T00:00:02.123Z"}': 1704153602123,
    b'{"$date":{"$numberLong":"1704153602123"}}': 1704153602123,
    b'"1969-12-31T23:59:58.500Z"': -1500,
    b'"0987-06-05T04:03:02Z"': -31007044618000,
    b'"9999-12-31T23:59:59.999Z"': 253402300799999,
}


def test_a_date_is_read_in_whatever_form_it_is_written(odd, mount):
    server = odd()
    server.tables["t"] = [
        b'{"id":"%d","createdAt":"2020-01-01T00:00:00Z","updatedAt":%s}' % item
        for item in enumerate(DATES)
    ]
    m = mount(server)
    found = [os.stat(m / f"t/{number}.json").st_mtime_ns // 10**6
             for number in range(len(DATES))]
    assert found == list(DATES.values())


def test_an_answer_may_come_with_members_that_nobody_knows(odd, mount):
    server = odd(envelope="bare")
    server.tables["t"] = records(2)

    def answer(request):
        if request.is_page("t"):
            plain = server.reply(request).body
            return Reply(
                body=b'{"requestId":"x","links":{"items":[]},"meta":[{"a":1}],' + plain[1:]
            )
        return None

    server.hooks.append(answer)
    m = mount(server)
    assert sorted(os.listdir(m / "t")) == record_names(2)


def test_a_listing_whose_items_are_null_is_empty(odd, mount):
    server = odd(envelope="bare")
    server.tables["t"] = []
    server.hooks.append(
        lambda r: Reply(body=server.reply(r).body.replace(b"[]", b"null", 1))
        if r.is_page("t") else None
    )
    m = mount(server)
    assert os.listdir(m / "t") == []


def test_the_size_of_a_page_is_the_documented_most(odd, mount):
    server = _project(odd())
    m = mount(server)
    os.listdir(m / "posts")
    pages = [r for r in server.log if r.is_page("posts")]
    assert len(pages) <= 4
    assert max(int(r.query["limit"]) for r in pages) == 100


def test_a_page_is_not_held_to_be_whole_by_its_length_alone(odd, mount):
    """JSON that ends early under a correct Content-Length is no listing."""
    server = odd()
    server.tables["t"] = records(3)
    server.hooks.append(
        lambda r: Reply(body=server.reply(r).body[:-30]) if r.is_page("t") else None
    )
    m = mount(server, "-o", "retry=1")
    said = run("ls", m / "t")
    assert said.returncode != 0


def test_the_spec_reads_the_same_in_both_envelopes(odd, mount):
    for envelope in ("data", "bare"):
        server = _project(odd(envelope=envelope))
        m = mount(server)
        assert json.loads(read(m / "posts/.spec.json"))["tableName"] == "posts"
