"""Whatever a server says, wherever it says it, does nothing to a terminal, a log
line or a path."""

import json
import os
import re
import subprocess

import pytest

from conftest import BKENDFS, environment, run, wait_until
from mcp_server import McpServer
from odd_server import Reply
from records import oid, records
from test_discovery import listed, login, state  # noqa: F401 (a fixture)

# A title, a cleared screen, what turns a line around, ends it or goes back in
# it, what leads out of a directory, and what ends a string.
EVIL = (
    "\x1b]0;own\x07\x1b[2J\x9b31m\u202egnp\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
    "\u2028\u2029\r\n\b\x7f\x85../../etc/passwd\x00end"
)
# What a header can hold of it, as the bytes of UTF-8.
IN_HEADER = "\x1b]0;own\x07\x1b[2J \u202egnp\u2066 ../../etc/passwd".encode().decode("latin-1")

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


def _assert_harmless(where, text):
    text = text.decode("utf-8")  # whatever is no UTF-8 is spelt out, too
    found = UNSAFE.search(text)
    assert not found, (where, text[max(0, found.start() - 60) :][:200])


def _assert_lines(where, text, pattern):
    """No line was made to look as if it were one of ours."""
    for line in text.decode().splitlines():
        assert re.match(pattern, line), (where, line)


def _evil(server, status, code="x/" + EVIL, **headers):
    return server.no(status, code, "words " + EVIL, **headers)


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = records(3)
    for number, name in enumerate([EVIL, "\u202egpj.exe", "..", "../x", "a/../../b"]):
        server.put_file(oid(number), name, b"content")
    return server


def _all_answers(server):
    """One hook an odd answer: by the table, or the file, that is asked for."""
    redirect = {"Location": "http://127.0.0.1:1/" + IN_HEADER}
    evil = {
        "refused": lambda: _evil(server, 403),
        "failing": lambda: _evil(server, 500),
        "limited": lambda: _evil(server, 500, **{"Retry-After": IN_HEADER}),
        "moved": lambda: Reply(302, b"", redirect),
        "garbled": lambda: Reply(200, EVIL.encode()),
        "partial": lambda: Reply(200, json.dumps({"items": [{"id": EVIL}]}).encode()),
        "headed": lambda: _evil(
            server, 400,
            **dict.fromkeys(("ETag", "Date", "X-Incomplete", "X-RateLimit-Remaining",
                             "Last-Modified", "Content-Range"), IN_HEADER),
        ),
    }
    for name in evil:
        server.tables[name] = records(2)

    def hook(request):
        found = re.match(r"/v1/data/(\w+)", request.path)
        return evil[found[1]]() if found and found[1] in evil else None

    server.hooks.append(hook)
    return list(evil)


def _assert_mount_is_harmless(m):
    for name in ("status", "errors", "metrics"):
        _assert_harmless(name, m.report(name))
    _assert_harmless("the log", m.log())
    _assert_lines("the log", m.log(), r"bkendfs: ")
    _assert_lines("errors", m.report(), r"20\d\d-\d\d-\d\dT[^\t]*\t[^\t]*\t[^\t]*\t\d+\t")
    _assert_lines("status", m.report("status"), r"[a-z_]+: ")


def test_what_it_answers_does_nothing(project, mount):
    names = _all_answers(project)
    m = mount(project, "-o", "retry=0,log_level=debug", env={"BKEND_TABLES": ":".join(names)})
    for name in names:
        run("ls", "-f", m / name)
        run("cat", m / name / f"{oid(1)}.json")
    assert len(m.report("errors").splitlines()) >= 5
    assert rb"\x1b" in m.report("errors") and rb"\xe2\x80\xae" in m.report("errors")
    _assert_mount_is_harmless(m)


def test_what_a_store_answers_does_nothing(project, mount):
    m = mount(project, "-o", "retry=0,log_level=debug")
    for headers in (
        {"Location": "http://127.0.0.1:1/" + IN_HEADER},
        {"Location": IN_HEADER},
        dict.fromkeys(("ETag", "Content-Range", "Last-Modified", "Retry-After"), IN_HEADER),
    ):
        for status in (206, 302, 403, 503):
            project.storage.hooks[:] = [
                lambda r, s=status, h=headers: Reply(s, EVIL.encode(), dict(h))
            ]
            for name in os.listdir(m / "storage")[:2]:
                run("cat", m / "storage" / name)
    project.storage.hooks.clear()
    assert len(m.report("errors").splitlines()) >= 5
    _assert_mount_is_harmless(m)


def test_names_lead_nowhere_and_status_spells_them_out(project, mount):
    """A name keeps the server's characters, but for those that a path or a
    terminal obeys; a report of it does not keep those that turn a line."""
    ids = [oid(1), "../../etc/passwd", "..", "\x1b[2J\u202ex", EVIL]
    project.tables["odd"] = [json.dumps({"id": one, "v": 1}).encode() for one in ids]
    m = mount(project, "-o", "retry=0,log_level=debug", env={"BKEND_TABLES": "odd"})
    for place in (m.path, m / "storage", m / "odd", m / "files"):
        names = os.listdir(place)
        assert len(names) >= 3
        for name in names:
            assert "/" not in name and name not in (".", "..")
            assert not re.search("[\x00-\x1f\x7f-\x9f]", name), name
            assert os.path.lexists(place / name)
    project.storage.hooks.append(lambda r: Reply(503, EVIL.encode()))
    for name in os.listdir(m / "storage"):
        run("cat", m / "storage" / name)
    _assert_mount_is_harmless(m)


def test_what_is_being_done_is_told_without_turning_the_line(project, mount):
    m = mount(project, "-o", "retry=30")
    [name] = [name for name in os.listdir(m / "storage") if "gpj" in name]
    project.storage.hooks.append(lambda r: Reply(503, b"", {"Retry-After": "20"}))
    with subprocess.Popen(
        ["cat", m / "storage" / name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as reader:
        said = wait_until(
            lambda: re.search(rb"^doing: reading .*gpj.*$", m.report("status"), re.M), 20, "it"
        )[0]
        reader.send_signal(2)
    assert rb"\xe2\x80\xae" in said
    _assert_harmless("status", said)


def test_a_table_is_not_named_so(project, start):
    said = start(project, env={"BKEND_TABLES": "posts:\u202etab\x1b[2J"})
    assert said.status == 2 and "is no table name" in said.message
    _assert_harmless("its complaint", said.errors.encode())


@pytest.mark.wire("the server's own address")
def test_what_lists_tables_names_none_so(project, mount, login, work):  # noqa: F811
    mcp = McpServer(project)
    mcp.projects["p1"]["prod"] = ["posts", EVIL, "\u202etab", "../x", "a b", "x" * 65]
    login(project)
    m = mount(project, "-o", "retry=0,log_level=debug", env=state(work))
    assert listed(m) == ["posts"]
    assert b"table: posts, mcp" in m.report("status")
    _assert_mount_is_harmless(m)


@pytest.mark.wire("the server's own address")
def test_its_own_words_do_nothing(project, mount, login, work):  # noqa: F811
    mcp = McpServer(project)
    login(project)
    project.hooks.insert(
        0, lambda r: Reply(
            200, json.dumps({"jsonrpc": "2.0", "id": json.loads(r.body)["id"],
                             "error": {"code": -32000, "message": EVIL}}).encode(),
            {"Content-Type": "application/json"},
        ) if r.path == mcp.path and r.method == "POST" else None
    )
    m = mount(project, "-o", "retry=0,log_level=debug", env=state(work))
    run("ls", m.path)
    assert b"gnp" in m.report("errors")
    _assert_mount_is_harmless(m)


@pytest.mark.parametrize("command", ["--check", "--fetch"])
def test_a_report_to_a_terminal_does_nothing(project, work, command):
    names = _all_answers(project)
    env = environment(work, project.env()) | {
        "BKEND_TABLES": ":".join(["posts", *names]),
        "BKENDFS_CACHE_DIR": str(work / "cache"), "XDG_CONFIG_HOME": str(work / "none"),
        "XDG_STATE_HOME": str(work / "state"),
    }
    said = run(BKENDFS, command, "-o", "retry=0", env=env)
    assert said.returncode == 1
    assert b"refused" in said.stdout + said.stderr
    _assert_harmless("its output", said.stdout)
    _assert_harmless("its complaints", said.stderr)
