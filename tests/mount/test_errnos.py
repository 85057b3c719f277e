"""
Each failure has the one errno that users are promised: of the API and of the
object store, for a record, a listing, a stored file and where to find it.
"""

import concurrent.futures
import errno
import os

import pytest

from conftest import run
from odd_server import Reply
from records import oid, read, record_names, records


def _no(status):
    return lambda server: server.no(status, "some/code", "no")


def _store(status):
    return lambda server: Reply(status, b"<Error><Code>Some</Code></Error>")


def _answer(**members):
    return lambda server: Reply(**members)


BROKEN = {
    "500": (_answer(status=500, body=b"oops"), errno.EIO),
    "502": (_answer(status=502, body=b"<html>"), errno.EIO),
    "503": (_answer(status=503), errno.EIO),
    "504": (_answer(status=504), errno.EIO),
    "reset": (_answer(reset=True), errno.EIO),
    "cut": (_answer(body=b'{"id":"x' * 100, cut=50), errno.EIO),
}
API = {
    "401": (_no(401), errno.EACCES),
    "403": (_no(403), errno.EACCES),
    "404": (_no(404), errno.ENOENT),
    **BROKEN,
    "page": (_answer(body=b"<html>maintenance</html>"), errno.EPROTO),
    "half": (_answer(body=b'{"id":"a","n":'), errno.EPROTO),
    "empty": (_answer(), errno.EPROTO),
    "302": (_answer(status=302, headers={"Location": "/elsewhere"}), errno.EPROTO),
    "400": (_no(400), errno.EPROTO),
    "405": (_no(405), errno.EPROTO),
    "418": (_no(418), errno.EPROTO),
    "422": (_no(422), errno.EPROTO),
}
STORE = {
    "401": (_store(401), errno.EACCES),
    "403": (_store(403), errno.EACCES),
    "404": (_store(404), errno.ENOENT),
    **{name: case for name, case in BROKEN.items() if name != "cut"},
    "302": (_answer(status=302, headers={"Location": "ftp://127.0.0.1/x"}), errno.EPROTO),
    # What some stores say to a signature that has expired.
    "400": (_store(400), errno.EACCES),
    "418": (_store(418), errno.EPROTO),
}


def _errno_of(work, path):
    try:
        work(path)
    except OSError as error:
        return errno.errorcode[error.errno]
    return None


def _errnos(work, paths):
    """What each says, all at once, since they wait for their patience."""
    with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
        found = {name: pool.submit(_errno_of, work, path) for name, path in paths.items()}
        return {name: one.result() for name, one in found.items()}


def _wanted(cases):
    return {name: errno.errorcode[number] for name, (_, number) in cases.items()}


def _each_is_told(m, paths):
    report = m.report("errors").decode()
    for path in paths.values():
        assert str(path.relative_to(m.path)) in report, (path, report)


@pytest.mark.parametrize("what", ["record", "listing"])
def test_of_a_table(odd, mount, what):
    server = odd()
    for name in API:
        server.tables["t" + name] = records(2)

    def hook(request):
        table = request.path.removeprefix("/v1/data/").split("/")[0]
        if table[1:] in API and not request.path.endswith("/spec"):
            return API[table[1:]][0](server)
        return None

    server.hooks.append(hook)
    m = mount(server, "-o", "retry=1")
    if what == "record":
        paths = {name: m / f"t{name}/{oid(1)}.json" for name in API}
        assert _errnos(read, paths) == _wanted(API)
        paths.pop("404")  # an answer, and no failure
    else:
        paths = {name: m / f"t{name}" for name in API}
        assert _errnos(os.listdir, paths) == _wanted(API)
    _each_is_told(m, paths)


# What a server says that refuses a table's spec, or that has no such thing.
NO_SPEC = ("401", "403", "404", "400", "405", "422")


def _specs_answered(odd, cases):
    server = odd()
    for name in cases:
        server.tables["t" + name] = records(2)
    server.hooks.append(
        lambda request: cases[request.path.split("/")[3][1:]][0](server)
        if request.path.endswith("/spec") else None)
    return server


def test_of_a_spec(odd, mount, work):
    """It is absent where that is what the server says, and else no less than a page."""
    cases = API | {"501": (_no(501), None)}
    server = _specs_answered(odd, cases)
    m = mount(server, "-o", "retry=1")
    absent = {*NO_SPEC, "501"}
    assert _errnos(lambda path: os.stat(path / ".spec.json"), {n: m / f"t{n}" for n in cases}) == {
        name: "ENOENT" if name in absent else errno.errorcode[number]
        for name, (_, number) in cases.items()}
    listed = _errnos(os.listdir, {name: m / f"t{name}" for name in cases})
    assert listed == {
        name: None if name in absent else errno.errorcode[number]
        for name, (_, number) in cases.items()}
    for name in absent:
        assert sorted(os.listdir(m / f"t{name}")) == record_names(2)
    _each_is_told(m, {name: m / f"t{name}/.spec.json" for name in cases if name != "404"})
    # Whatever the listing comes to, a record is there by its name.
    assert read(m / f"t500/{oid(1)}.json")


@pytest.mark.parametrize("how", ["500", "page"])
def test_a_copy_without_a_spec_that_failed_is_none(odd, mount, work, how):
    server = _specs_answered(odd, {how: API[how]})
    m = mount(server, "-o", "retry=1", env={"BKEND_TABLES": "t" + how})
    assert run("cp", "-r", m.path, work / "copy").returncode == 1
    server.hooks.clear()
    server.specs["t" + how] = b'{"tableName":"t"}'
    assert run("cp", "-r", m.path, work / "again").returncode == 0
    assert (work / f"again/t{how}/.spec.json").exists()


def _with_files(odd, cases):
    server = odd()
    ids = {name: oid(number) for number, name in enumerate(cases)}
    for name, number in ids.items():
        server.put_file(number, "f", name.encode() * 100)
    return server, ids, {number: name for name, number in ids.items()}


def test_of_where_a_stored_file_is(odd, mount):
    server, ids, names = _with_files(odd, API)

    def hook(request):
        if request.path.endswith("/download-url"):
            return API[names[request.path.split("/")[3]]][0](server)
        return None

    server.hooks.append(hook)
    m = mount(server, "-o", "retry=1")
    os.listdir(m / "storage")
    paths = {name: m / f"storage/{number}_f" for name, number in ids.items()}
    assert _errnos(read, paths) == _wanted(API)
    _each_is_told(m, paths)


def test_of_the_object_store(odd, mount):
    server, ids, names = _with_files(odd, STORE)
    server.storage.hooks.append(
        lambda request: STORE[names[request.path.split("/")[-1]]][0](server)
    )
    m = mount(server, "-o", "retry=1")
    os.listdir(m / "storage")
    paths = {name: m / f"storage/{number}_f" for name, number in ids.items()}
    assert _errnos(read, paths) == _wanted(STORE)
    _each_is_told(m, paths)


@pytest.mark.wire("nothing listens any more")
def test_of_what_nobody_answers(odd, mount):
    server, ids, _ = _with_files(odd, {"one": None})
    server.tables["t"] = records(2)
    m = mount(server, "-o", "retry=1")
    os.listdir(m / "storage")
    server.storage.stop()
    paths = {"object": m / f"storage/{ids['one']}_f"}
    assert _errnos(read, paths) == {"object": "ENETUNREACH"}
    _each_is_told(m, paths)
    server.stop()
    paths = {"record": m / f"t/{oid(1)}.json"}
    assert _errnos(read, paths) == {"record": "ENETUNREACH"}
    assert _errnos(os.listdir, {"listing": m / "t"}) == {"listing": "ENETUNREACH"}
    _each_is_told(m, {**paths, "listing": m / "t"})
    m.unmount()
    m = mount(server, "-o", "offline", cache=m.cache)
    assert _errnos(read, {"record": m / f"t/{oid(1)}.json"}) == {"record": "ENODATA"}
    assert _errnos(os.listdir, {"listing": m / "t"}) == {"listing": "ENODATA"}
