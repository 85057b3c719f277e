"""A server may say itself that it has not all of a table (X-Incomplete, as
bkend-emulator does over an interrupted export). What is left is served, but
nothing calls it whole."""

import json
import re

import pytest

from conftest import BKENDFS, environment, run
from odd_server import PUBLISHABLE
from records import oid, records

MISSING = "page 2 is missing"


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


def test_a_mounted_export_is_served_and_not_called_whole(start, export):
    said = start(None, export)
    assert said.status == 0, said.errors
    assert len(list((said.path / "posts").iterdir())) == 2
    assert len(list((said.path / "tags").iterdir())) == 1
    status = (said.path / ".bkendfs/status").read_text()
    assert re.search(f"INCOMPLETE, as the server itself says: {MISSING}", _line(status, "table: posts"))
    assert "INCOMPLETE" not in _line(status, "table: tags")
    errors = (said.path / ".bkendfs/errors").read_text()
    assert re.search(rf"\tposts\tGET /v1/data/posts\t200\t.*\tincomplete\t{MISSING}", errors)


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


@pytest.mark.wire("HTTP/2 carries no control characters in a header")
def test_a_mount_of_a_server_tells_it_until_it_is_over(project, mount):
    m = mount(project, "-o", "ttl=0")
    for _ in range(2):
        assert len(list((m / "posts").iterdir())) == 3
        assert list((m / "storage").iterdir())
    status = (m / ".bkendfs/status").read_text()
    assert MISSING in _line(status, "table: posts")
    assert MISSING in _line(status, "files: INCOMPLETE")
    errors = (m / ".bkendfs/errors").read_text()
    # Once, however many pages say it.
    assert len(re.findall(r"\tposts\t.*\tincomplete\t", errors)) == 1
    for text in status, errors:
        assert "\x1b" not in text and PUBLISHABLE not in text
    project.says = None
    list((m / "posts").iterdir())
    list((m / "storage").iterdir())
    assert "INCOMPLETE" not in (m / ".bkendfs/status").read_text()


@pytest.mark.parametrize("says", ["", "x" * 5000], ids=["nothing", "much"])
def test_that_it_is_said_counts_whatever_the_words(project, mount, says):
    project.says = says
    m = mount(project)
    list((m / "posts").iterdir())
    assert "INCOMPLETE" in _line((m / ".bkendfs/status").read_text(), "table: posts")


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
