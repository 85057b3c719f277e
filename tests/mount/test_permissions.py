"""What an account may not see: the tree shows what it may, and says of the rest that
permission is denied, never that it is not there."""

import errno
import os
import re

import pytest

from jsontext import pretty
from odd_server import SECRET
from records import fails, oid, read, record, record_names, records

GUEST = {"BKEND_EMAIL": None, "BKEND_PASSWORD": None}
DENIED = "data/permission-denied"


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = records(3)
    server.tables["secret"] = records(2)
    server.put_file(oid(1), "f", b"content")
    return server


def _refuse(server, pattern, code=DENIED, status=403):
    server.hooks.append(
        lambda r: server.no(status, code) if re.search(pattern, r.path) else None
    )


# Whether a table is found by use or named, of those that a role may not list.
@pytest.mark.parametrize("code,named", [
    (DENIED, True), (DENIED, False), ("PERMISSION_DENIED", True), ("PERMISSION_DENIED", False),
    ("data/scope-insufficient", True), ("data/system-table-access", True),
])
def test_records_of_a_table_that_may_not_be_listed_are_read_by_name(project, mount, code, named):
    _refuse(project, "/v1/data/secret$", code)
    m = mount(project, env={"BKEND_TABLES": "posts:secret" if named else "posts"})
    assert (m / "secret").is_dir()
    with fails(errno.EACCES):
        os.listdir(m / "secret")
    assert read(m / f"secret/{oid(1)}.json") == pretty(record(1))
    with fails(errno.ENOENT):
        read(m / f"secret/{oid(9)}.json")
    assert ("secret" in os.listdir(m.path)) == named
    # What may be seen is not touched by that.
    assert sorted(os.listdir(m / "posts")) == record_names(3)


@pytest.mark.parametrize("code", ["data/scope-insufficient", "data/system-table-access"])
def test_a_name_that_the_key_does_not_reach_is_refused_not_missing(project, mount, code):
    """Whether there is such a table, nobody says: any name would be refused so."""
    _refuse(project, "/v1/data/secret$", code)
    m = mount(project, env={"BKEND_TABLES": "posts"})
    with fails(errno.EACCES):
        os.stat(m / "secret")
    assert "secret" not in os.listdir(m.path)


def test_records_that_may_not_be_read_either(project, mount):
    _refuse(project, "/v1/data/secret")
    m = mount(project, env={"BKEND_TABLES": "posts:secret"})
    for name in (f"secret/{oid(1)}.json", f"secret/{oid(9)}.json"):
        with fails(errno.EACCES):
            os.stat(m / name)
    assert DENIED.encode() in m.report()


def test_a_spec_that_is_refused_is_not_there(project, mount):
    """A copy is to be whole without it."""
    _refuse(project, "/spec$")
    m = mount(project, env={"BKEND_TABLES": "posts"})
    assert sorted(os.listdir(m / "posts")) == record_names(3)
    with fails(errno.ENOENT):
        os.stat(m / "posts/.spec.json")


@pytest.mark.parametrize("status,code", [
    (403, "file/access-denied"), (401, "common/authentication-required"),
])
def test_files_that_may_not_be_listed(project, mount, status, code):
    project.tokens = False
    _refuse(project, "^/v1/files$", code, status)
    m = mount(project, env=GUEST | {"BKEND_TABLES": "posts"})
    assert {"storage", "files"} <= set(os.listdir(m.path))
    for name in ("storage", "files"):
        with fails(errno.EACCES):
            os.listdir(m / name)
    assert sorted(os.listdir(m / "posts")) == record_names(3)


def test_a_file_that_may_be_seen_but_not_downloaded(project, mount):
    _refuse(project, "/download-url$", "file/access-denied")
    m = mount(project, env={"BKEND_TABLES": "posts"})
    [name] = os.listdir(m / "storage")
    assert os.stat(m / "storage" / name).st_size == 7
    with fails(errno.EACCES):
        read(m / "storage" / name)


def test_a_guest_sees_what_guests_may(project, mount):
    project.tokens = False
    _refuse(project, "/v1/data/secret")
    m = mount(project, env=GUEST | {"BKEND_TABLES": "posts:secret"})
    assert sorted(os.listdir(m / "posts")) == record_names(3)
    with fails(errno.EACCES):
        os.listdir(m / "secret")
    assert not project.count(lambda r: "authorization" in r.headers)


def test_self_rules_show_an_account_its_own_records(project, mount, work):
    """They filter in silence; another account has a replica of its own."""
    mine = [record(1)]
    project.hooks.append(
        lambda r: project.ok(
            b'{"items":[' + b",".join(mine) + b'],"pagination":{"total":1,"page":1,"limit":100,'
            b'"totalPages":1,"hasNext":false,"hasPrev":false}}'
        ) if r.path == "/v1/data/posts" and r.headers["x-api-key"] != SECRET else None
    )
    cache = work / "cache"
    m = mount(project, env={"BKEND_TABLES": "posts"}, cache=cache)
    assert os.listdir(m / "posts") == record_names(2)[1:]
    env = GUEST | {"BKEND_PUBLISHABLE_KEY": None, "BKEND_SECRET_KEY": SECRET,
                   "BKEND_TABLES": "posts"}
    whole = mount(project, env=env, cache=cache)
    assert sorted(os.listdir(whole / "posts")) == record_names(3)
    assert os.listdir(m / "posts") == record_names(2)[1:]


def test_columns_that_are_dropped_are_not_there(project, mount, work):
    """The text is the server's: what it leaves out for one account is in another's tree."""
    short = b'{"id":"%s","createdAt":"2024-01-01T00:00:00.000Z"}' % oid(1).encode()
    project.hooks.append(
        lambda r: project.ok(short)
        if r.path == f"/v1/data/posts/{oid(1)}" and r.headers["x-api-key"] != SECRET else None
    )
    m = mount(project, env={"BKEND_TABLES": "posts"}, cache=work / "cache")
    assert read(m / f"posts/{oid(1)}.json") == pretty(short)
    env = GUEST | {"BKEND_PUBLISHABLE_KEY": None, "BKEND_SECRET_KEY": SECRET,
                   "BKEND_TABLES": "posts"}
    whole = mount(project, env=env, cache=work / "cache")
    assert read(whole / f"posts/{oid(1)}.json") == pretty(record(1))


def test_a_row_that_lists_hide_is_read_by_its_name(project, mount):
    """Row filters are for lists only."""
    project.hooks.append(
        lambda r: project.ok(record(9)) if r.path == f"/v1/data/posts/{oid(9)}" else None
    )
    m = mount(project, env={"BKEND_TABLES": "posts"})
    assert read(m / f"posts/{oid(9)}.json") == pretty(record(9))
    assert sorted(os.listdir(m / "posts")) == record_names(3)
