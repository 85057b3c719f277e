"""A server may say itself that it has not all of a table (X-Incomplete, as
bkend-emulator does over an interrupted export). What is left is served, but
nothing calls it whole: a listing ends in an error once all that there is has
been listed."""

import errno
import json
import os
import re

import pytest

from conftest import BKENDFS, environment, run
from odd_server import PUBLISHABLE
from records import fails, oid, read, records

MISSING = "page 2 is missing"

wire = pytest.mark.wire("nginx lets no control character through")


def _rec(number):
    return {"id": f"{number:024x}", "n": number}


@pytest.fixture
def export(work):
    """posts lacks its second page, tags nothing."""
    path = work / "export"
    path.mkdir()
    for number in 1, 3:
        (path / f"posts_page{number}.json").write_text(json.dumps({
            "items": [_rec(number)],
            "pagination": {"page": number, "total": 3, "totalPages": 3},
        }))
    (path / "tags.json").write_text(json.dumps([_rec(7)]))
    return path


@pytest.fixture
def project(odd):
    """A server that says of posts and of the list of files what it lacks."""
    server = odd()
    server.says = f"{MISSING} \x1b[31m {PUBLISHABLE}"
    server.tables["posts"] = records(3)
    server.tables["tags"] = records(2)
    server.put_file(oid(1), "f", b"content")
    plain = server.reply

    def reply(request):
        answer = plain(request)
        if request.path in ("/v1/data/posts", "/v1/files") and server.says is not None:
            answer.headers["X-Incomplete"] = server.says
        return answer

    server.reply = reply
    return server


def _line(text, begin):
    lines = [line for line in text.splitlines() if line.startswith(begin)]
    assert len(lines) == 1, text
    return lines[0]


def _shown(directory):
    """The names that are listed before the listing fails, as it has to."""
    names = []
    with os.scandir(directory) as entries, fails(errno.EIO):
        for entry in entries:
            names.append(entry.name)
    return sorted(names)


def test_a_mounted_export_is_served_and_not_called_whole(start, export):
    said = start(None, export)
    assert said.status == 0, said.errors
    assert re.search("INCOMPLETE.* of posts is said above; .*rsync -a", said.errors)
    for _ in range(2):
        assert _shown(said.path / "posts") == [f"{n:024x}.json" for n in (1, 3)]
    assert len(list((said.path / "tags").iterdir())) == 1
    assert json.loads(read(said.path / f"posts/{3:024x}.json"))["n"] == 3
    status = (said.path / ".bkendfs/status").read_text()
    assert re.search(f"INCOMPLETE, as the server itself says: {MISSING}", _line(status, "table: posts"))
    assert "INCOMPLETE" not in _line(status, "table: tags")
    errors = (said.path / ".bkendfs/errors").read_text()
    assert re.search(rf"\tposts\tGET /v1/data/posts\t200\t.*\tincomplete\t{MISSING}", errors)
    # And what a person who got the error can do.
    assert re.search(rf"\tposts\t\t0\tEIO\tincomplete\t.*rsync -a.*: {MISSING}", errors)


def test_a_copy_of_it_fails_and_rsync_copies_the_rest(start, export, work):
    said = start(None, export)
    done = run("cp", "-r", said.path, work / "copy")
    assert done.returncode == 1 and b"Input/output error" in done.stderr
    assert list((work / "copy/posts").iterdir()) == []
    (work / "rest/posts").mkdir(parents=True)
    (work / "rest/posts/earlier.json").write_text("{}")
    done = run("rsync", "-a", "--delete", f"{said.path}/", work / "rest")
    assert done.returncode == 23, done.stderr
    assert {f"{1:024x}.json", f"{3:024x}.json", "earlier.json"} <= set(
        os.listdir(work / "rest/posts"))
    assert os.listdir(work / "rest/tags") == [f"{7:024x}.json"]


def test_it_is_no_stream(start, export):
    said = start(None, export)
    streams = said.path / ".bkendfs/tables"
    with fails(errno.EIO):
        read(streams / "posts.ndjson")
    assert read(streams / "tags.ndjson").count(b"\n") == 1
    errors = (said.path / ".bkendfs/errors").read_text()
    assert re.search(rf"\tposts\t\t0\tEIO\tincomplete\t.*: {MISSING}", errors)


@wire
def test_an_empty_one_fails_as_well(project, mount):
    project.tables["posts"] = []
    m = mount(project)
    assert _shown(m / "posts") == []


@wire
def test_it_is_not_whole_without_the_server_either(project, mount, start, work):
    cache = {"BKENDFS_CACHE_DIR": str(work / "cache")}
    m = mount(project, cache=work / "cache")
    shown = {name: _shown(m / name) for name in ("posts", "files", "storage")}
    assert [len(names) for names in shown.values()] == [3, 1, 1]
    m.unmount()
    project.stop()
    said = start(project, "-o", "offline", env=cache)
    for name, names in shown.items():
        assert _shown(said.path / name) == names
    for name in "posts", "files":
        assert re.search(rf"^bkendfs: {name} is incomplete, .*: {MISSING}.*rsync -a", said.errors, re.M)
    assert len(said.errors.splitlines()) == 2, said.errors
    with fails(errno.EIO):
        read(said.path / ".bkendfs/tables/posts.ndjson")
    # Of what is not there nobody knows whether it is what is missing.
    with fails(errno.ENODATA):
        read(said.path / f"posts/{oid(77)}.json")
    read(said.path / "posts" / shown["posts"][0])
    status = (said.path / ".bkendfs/status").read_text()
    assert MISSING in _line(status, "table: posts") and MISSING in _line(status, "files: INCOMPLETE")
    errors = (said.path / ".bkendfs/errors").read_text()
    assert re.search(rf"\tposts\t\t0\tEIO\tincomplete\t.*: {MISSING}", errors)
    for text in said.errors, status, errors:
        assert "\x1b" not in text and PUBLISHABLE not in text


@wire
def test_once_it_is_whole_it_is_so_without_the_server(project, mount, work):
    m = mount(project, cache=work / "cache")
    _shown(m / "posts")
    m.unmount()
    project.says = None
    m = mount(project, cache=work / "cache")
    assert len(os.listdir(m / "posts")) == 3
    m.unmount()
    project.stop()
    m = mount(project, "-o", "offline", cache=work / "cache")
    assert len(os.listdir(m / "posts")) == 3
    assert m.report("errors") == b""


def test_a_check_of_an_export_fails(start, export):
    said = start(None, "--check", export, path=None)
    assert said.status == 1, said.output
    assert re.search(rf"^  posts +2 records; INCOMPLETE, .*: {MISSING}", said.output, re.M)
    assert re.search(r"^  tags +1 record; no .spec.json$", said.output, re.M)
    assert "would succeed" not in said.output


def test_a_fetch_of_an_export_fails(start, export):
    said = start(None, "--fetch", export, path=None)
    assert said.status == 1 and "is whole" not in said.output
    assert re.search(rf"^  posts: .*incomplete: {MISSING}", said.errors, re.M), said.errors
    assert "  tags:" not in said.errors


@wire
@pytest.mark.wire("HTTP/2 carries no control characters in a header")
def test_a_mount_of_a_server_tells_it_until_it_is_over(project, mount):
    m = mount(project, "-o", "ttl=0")
    for _ in range(2):
        assert len(_shown(m / "posts")) == 3
        assert _shown(m / "storage")
    status = (m / ".bkendfs/status").read_text()
    assert MISSING in _line(status, "table: posts")
    assert MISSING in _line(status, "files: INCOMPLETE")
    errors = (m / ".bkendfs/errors").read_text()
    # Once, however many pages say it.
    assert len(re.findall(r"\tposts\tGET .*\tincomplete\t", errors)) == 1
    for text in status, errors:
        assert "\x1b" not in text and PUBLISHABLE not in text
    project.says = None
    list((m / "posts").iterdir())
    list((m / "storage").iterdir())
    assert "INCOMPLETE" not in (m / ".bkendfs/status").read_text()


@wire
@pytest.mark.parametrize("says", ["", "x" * 5000], ids=["nothing", "much"])
def test_that_it_is_said_counts_whatever_the_words(project, mount, says):
    project.says = says
    m = mount(project)
    assert len(_shown(m / "posts")) == 3
    assert "INCOMPLETE" in _line((m / ".bkendfs/status").read_text(), "table: posts")


@wire
@pytest.mark.parametrize("command", ["--check", "--fetch"])
def test_neither_a_check_nor_a_fetch_succeeds(project, work, command):
    env = environment(work, project.env())
    env["BKENDFS_CACHE_DIR"] = str(work / "cache")
    done = run(BKENDFS, command, env=env, timeout=60)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 1, said
    for what in "posts", "files":
        assert re.search(rf"^ *{what}:? .*incomplete.*: {MISSING}", said, re.M | re.I), said
    assert "tags: " not in said and PUBLISHABLE not in said and "\x1b" not in said
    assert "is whole" not in said
    project.says = None
    done = run(BKENDFS, command, env=env, timeout=60)
    assert done.returncode == 0, done
