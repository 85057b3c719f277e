"""Tables that a mount was never told of: the server that lists them is asked, by
whoever has logged in, and the key confirms each."""

import json
import os
import re
import signal
import stat
import subprocess
import threading

import pytest

from conftest import BKENDFS, environment, run, succeed, wait_until
from mcp_server import McpServer
from odd_server import Reply
from records import record_names, records
from test_login import Login, choice, get, kept

# A login is to the address of whoever lists the tables: the server itself.
pytestmark = pytest.mark.wire("the server's own address")

MANY = [f"table{n:02d}" for n in range(45)]


@pytest.fixture
def project(odd):
    server = odd()
    for name in MANY:
        server.tables[name] = records(2)
    return server


def state(work, **extra):
    return {"XDG_STATE_HOME": str(work / "state"), "BKEND_TABLES": None} | extra


@pytest.fixture
def login(work, watched):
    """Log in to a server as its user does."""

    def do(server, **extra):
        settings = environment(work, server.env()) | extra | {
            "XDG_STATE_HOME": str(work / "state"), "XDG_CONFIG_HOME": str(work / "no-config")}
        one = Login(work, watched, settings)
        assert get(choice(one.address(), "allow"))[0] == 200
        assert one.end()[0] == 0

    return do


def listed(m):
    return sorted(set(os.listdir(m.path)) - {"files", "storage"})


def messages(mcp, method):
    return [params for said, params in mcp.said if said == method]


def pages_of(server, table):
    return server.count(lambda r: r.is_page(table))


@pytest.mark.parametrize("sse", [False, True], ids=["json", "sse"])
@pytest.mark.parametrize("edition", [0, 1, 2, 3, "resources"])
def test_a_mount_shows_what_it_was_never_told_of(project, login, mount, work, edition, sse):
    mcp = McpServer(project, edition=edition, sse=sse)
    mcp.projects = {"p1": {"dev": MANY[:2], "prod": MANY}, "p2": {"prod": ["foreign1", "foreign2"]}}
    login(project)
    m = mount(project, env=state(work))
    assert mcp.said == []
    assert listed(m) == MANY
    assert mcp.faults == []
    assert mcp.said[-1][0] == "DELETE" and not mcp.live
    assert [said for said, _ in mcp.said].count("initialize") == 1
    assert m.report("errors").decode() == ""
    assert sorted(os.listdir(m / "table07")) == record_names(2)
    assert b"table: table07, mcp, 2 records" in m.report("status")
    # A second look asks nobody.
    before = len(project.log)
    assert listed(m) == MANY
    assert len(project.log) == before


def test_mounting_asks_nobody_and_what_needs_no_list_does_not_wait(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY}}
    login(project)
    asked, go_on = threading.Event(), threading.Event()

    def hold(request):
        if request.path == mcp.path and b"initialize" in request.body:
            asked.set()
            go_on.wait(60)

    project.hooks.insert(0, hold)
    m = mount(project, env=state(work))
    found = []
    looker = threading.Thread(target=lambda: found.extend(listed(m)))
    try:
        os.stat(m.path)
        assert sorted(os.listdir(m / "table03")) == record_names(2)
        assert not asked.is_set()
        looker.start()
        assert asked.wait(30)
        assert sorted(os.listdir(m / "table04")) == record_names(2)
        assert b"doing: asking which tables there are" in m.report("status")
    finally:
        go_on.set()
    looker.join(60)
    assert sorted(found) == MANY


def test_a_look_that_is_interrupted(project, login, mount, work):
    mcp = McpServer(project)
    login(project)
    asked, go_on = threading.Event(), threading.Event()

    def hold(request):
        if request.path == mcp.path:
            asked.set()
            go_on.wait(60)

    project.hooks.insert(0, hold)
    m = mount(project, env=state(work))
    looker = subprocess.Popen(["ls", m.path], stderr=subprocess.DEVNULL)
    try:
        assert asked.wait(30)
        looker.send_signal(signal.SIGINT)
        wait_until(lambda: looker.poll() is not None, 20, "the end of ls")
    finally:
        looker.kill()
        looker.wait()
    # And the mount ends while its question has no answer.
    m.unmount()
    go_on.set()


def test_names_are_confirmed_by_the_key(project, login, mount, work):
    """Gone, refused, malformed, hostile: nothing of it shows."""
    project.tables["secret"] = records(1)
    project.hooks.append(lambda r: project.no(403, "data/permission-denied")
                         if r.path == "/v1/data/secret" else None)
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": [
        "table01", "gone", "secret", "../../etc", ".bkendfs", "a/b", "", "x" * 65, "\u202eevil",
        "a\nb", "_system", "files", "table02", "storage"]}}
    project.tables["storage"] = records(1)
    login(project)
    m = mount(project, env=state(work))
    assert listed(m) == ["storage.table", "table01", "table02"]
    asked = {r.path for r in project.log if r.is_page()}
    assert asked == {f"/v1/data/{t}" for t in ("table01", "gone", "secret", "table02", "storage")}
    assert b"mcp" in m.report("status")


def test_projects_of_others_cost_a_few_requests_and_once(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {f"p{n}": {"prod": [f"other{n}x{i}" for i in range(30)]} for n in range(5)}
    mcp.projects["p9"] = {"dev": [*MANY, "only-in-dev"], "prod": MANY}
    login(project)
    m = mount(project, "-o", "ttl=0", env=state(work))
    assert listed(m) == MANY
    foreign = project.count(lambda r: r.is_page() and "other" in r.path)
    assert foreign == 5 * 3
    assert pages_of(project, "only-in-dev") == 1


def test_what_is_new_shows_after_a_while_and_at_a_hangup(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY[:3]}}
    login(project)
    m = mount(project, env=state(work))
    assert listed(m) == MANY[:3]
    mcp.projects = {"p1": {"prod": MANY[:5]}}
    assert listed(m) == MANY[:3]
    os.kill(m.pid, signal.SIGHUP)
    wait_until(lambda: listed(m) == MANY[:5], 20, "the new ones")


def test_it_is_remembered_and_how(project, login, mount, start, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY}}
    login(project)
    m = mount(project, env=state(work), cache=work / "cache")
    assert listed(m) == MANY
    for name in MANY:
        os.listdir(m / name)
    m.unmount()
    # The server that lists them is gone: so is nothing of what is known.
    project.hooks.insert(0, lambda r: Reply(500, b"{}") if r.path == mcp.path else None)
    m = mount(project, env=state(work), cache=work / "cache")
    assert listed(m) == MANY
    assert b"table: table07, mcp, " in m.report("status")
    errors = m.report("errors")
    assert len(errors.splitlines()) == 1 and b"MCP initialize" in errors and b"500" in errors
    m.unmount()
    m = mount(project, "-o", "offline", env=state(work), cache=work / "cache")
    assert listed(m) == MANY
    assert b"table: table07, mcp, " in m.report("status")


def test_without_a_login_nobody_is_asked(project, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY}}
    m = mount(project, env=state(work))
    assert listed(m) == [] and mcp.said == []
    assert project.count(lambda r: r.path.startswith(mcp.path)) == 0


def test_a_login_beside_a_mount_that_lives(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY}}
    m = mount(project, env=state(work))
    assert listed(m) == []
    login(project)
    assert listed(m) == MANY


def test_a_start_that_will_be_told_does_not_complain(project, login, start, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY}}
    said = start(project, env=state(work))
    assert "no table is known" in said.errors and "--login" in said.errors
    succeed("fusermount3", "-u", said.path)
    login(project)
    said = start(project, env=state(work), path="mnt")
    assert said.status == 0 and said.errors == ""


# Tokens --------------------------------------------------------------------


def test_old_tokens_are_renewed_once_and_rotate(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY[:2]}}
    mcp.ttl = 1  # too old to be used, from the start
    login(project)
    first = kept(work).read_text()
    mcp.ttl = 3600
    m = mount(project, env=state(work))
    assert listed(m) == MANY[:2]
    assert project.count(lambda r: r.path.endswith("/oauth/token")) == 2
    second = kept(work).read_text()
    assert second != first and stat.S_IMODE(kept(work).stat().st_mode) == 0o600
    assert mcp.replays == 0
    for secret in mcp.issued:
        for text in (m.log(), m.report("errors"), m.report("status")):
            assert secret.encode() not in text


def test_a_token_that_is_refused_is_renewed(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY[:2]}}
    login(project)
    mcp.access.clear()
    m = mount(project, env=state(work))
    assert listed(m) == MANY[:2]
    assert m.report("errors") == b"" and mcp.replays == 0


def test_two_mounts_renew_once(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY[:2]}}
    mcp.ttl = 1
    login(project)
    mcp.ttl = 3600
    asked, go_on = threading.Event(), threading.Event()

    def hold(request):
        if request.path.endswith("/oauth/token"):
            asked.set()
            go_on.wait(60)

    project.hooks.insert(0, hold)
    project.log.clear()
    mounts = [mount(project, env=state(work)) for _ in range(2)]
    found = [None, None]

    def look(n):
        found[n] = listed(mounts[n])

    lookers = [threading.Thread(target=look, args=(n,)) for n in range(2)]
    lookers[0].start()
    assert asked.wait(30)
    lookers[1].start()
    # The second one has found that the lock is taken.
    wait_until(lambda: b"asking which tables" in mounts[1].report("status"), 20, "the second look")
    go_on.set()
    for looker in lookers:
        looker.join(60)
    assert found == [MANY[:2]] * 2
    assert project.count(lambda r: r.path.endswith("/oauth/token")) == 1
    assert mcp.replays == 0


def test_a_refresh_token_whose_answer_is_lost_is_not_sent_again(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY[:2]}}
    mcp.ttl = 1
    login(project)
    project.log.clear()
    project.hooks.insert(0, lambda r: Reply(reset=True) if r.path.endswith("/oauth/token") else None)
    m = mount(project, "-o", "ttl=0", env=state(work))
    assert listed(m) == []
    del project.hooks[0]
    m.unmount()
    m = mount(project, env=state(work))
    assert listed(m) == []
    assert b"the login has ended: bkendfs --login" in m.report("errors")
    assert project.count(lambda r: r.path.endswith("/oauth/token")) == 1 and mcp.replays == 0
    login(project)
    m.unmount()
    assert listed(mount(project, env=state(work))) == MANY[:2]


def test_a_refresh_token_that_was_never_sent_is_kept(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY[:2]}}
    mcp.ttl = 1
    login(project)
    project.hooks.insert(0, lambda r: Reply(429, b"{}") if r.path.endswith("/oauth/token") else None)
    m = mount(project, env=state(work))
    assert listed(m) == []
    m.unmount()
    del project.hooks[0]
    assert listed(mount(project, env=state(work))) == MANY[:2]
    assert mcp.replays == 0


# The conversation ----------------------------------------------------------


def test_a_session_that_is_forgotten_is_begun_anew(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY}}
    login(project)
    forgot = []

    def forget(request):
        if request.path == mcp.path and b"backend_table_list" in request.body and not forgot:
            forgot.append(True)
            mcp.live.clear()

    project.hooks.insert(0, forget)
    m = mount(project, env=state(work))
    assert listed(m) == MANY
    assert len(messages(mcp, "initialize")) == 2 and m.report("errors") == b""


def test_a_server_without_sessions(project, login, mount, work):
    mcp = McpServer(project, sessions=False)
    mcp.projects = {"p1": {"prod": MANY}}
    login(project)
    assert listed(mount(project, env=state(work))) == MANY
    assert mcp.said[-1][0] != "DELETE"


def test_a_stream_that_stays_open(project, login, mount, work):
    """The answer is there: nobody waits for the end of the stream."""
    mcp = McpServer(project, sse=True)
    mcp.projects = {"p1": {"prod": MANY}}
    login(project)
    never = threading.Event()

    def hold(request):
        if request.path != mcp.path or b'"id"' not in request.body:
            return None
        reply = mcp.message(request)
        reply.hold, reply.hold_at = never, len(reply.body)
        reply.body += b": the end\n\n"
        return reply

    project.hooks.insert(0, hold)
    m = mount(project, env=state(work))
    try:
        assert listed(m) == MANY
    finally:
        never.set()


@pytest.mark.parametrize("reply", [
    Reply(200, b"<html>hello</html>"),
    Reply(200, b'{"jsonrpc":"2.0","id":999,"result":{}}'),
    Reply(200, b"[" * 100000),
    Reply(200, b'{"jsonrpc":"2.0","id":1,"result":{"tools":"x"}}' + b" " * (5 << 20)),
    Reply(200, b"data: {}\n\n", {"Content-Type": "text/event-stream"}),
    Reply(200, b"data: " + b"x" * (5 << 20), {"Content-Type": "text/event-stream"}),
    Reply(200, b'{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"\\u001b[2Jno"}}'),
    Reply(302, b"", {"Location": "http://127.0.0.1:9/"}),
    Reply(403, b"{}"),
    Reply(reset=True),
], ids=lambda reply: f"{reply.status}-{reply.body[:12]!r}")
def test_answers_that_are_none(project, login, mount, work, reply):
    mcp = McpServer(project)
    login(project)
    project.hooks.insert(0, lambda r: reply if r.path == mcp.path else None)
    m = mount(project, env=state(work, BKEND_TABLES="table01"))
    assert listed(m) == ["table01"]
    errors = m.report("errors")
    assert b"MCP initialize" in errors and b"\x1b" not in errors


def test_lists_that_never_end(project, login, mount, work):
    """The same page again and again, and a cursor that leads nowhere."""
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY[:2]}}
    login(project)
    plain = mcp.result

    def result(method, params):
        answer = plain(method, params)
        if method == "tools/list":
            return {"tools": mcp.tools(), "nextCursor": "again"}
        if method == "tools/call" and params["name"] == "backend_table_list":
            text = json.loads(answer["content"][0]["text"])
            text["items"] = [{"id": "x", "tableName": "table01"}]
            text["pagination"]["hasNext"] = True
            answer["content"][0]["text"] = json.dumps(text)
        return answer

    mcp.result = result
    m = mount(project, env=state(work))
    assert listed(m) == ["table01"]
    assert b"the same as the one before" in m.report("errors")
    assert len(mcp.said) < 20


def test_one_project_that_fails_leaves_the_others(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"bad": {"prod": ["x"]}, "p1": {"prod": MANY}}
    login(project)
    plain = mcp.call

    def call(name, arguments):
        if arguments.get("projectId") == "bad":
            return {"isError": True, "content": [{"type": "text", "text": "not yours"}]}
        return plain(name, arguments)

    mcp.call = call
    m = mount(project, env=state(work))
    assert listed(m) == MANY
    assert b"not yours" in m.report("errors")


def test_the_address_may_be_set(project, login, mount, work, odd):
    mcp = McpServer(odd(), base="/elsewhere")
    mcp.projects = {"p1": {"prod": MANY[:4]}}
    login(project, BKEND_MCP_URL=mcp.url + "/")
    m = mount(project, "-o", f"mcp_url={mcp.url}", env=state(work))
    assert listed(m) == MANY[:4]


# --check -------------------------------------------------------------------


def _check(server, work, **extra):
    settings = environment(work, server.env()) | {
        "BKENDFS_CACHE_DIR": str(work / "check-cache"), "XDG_CONFIG_HOME": str(work / "no-config")}
    settings.update(state(work, **extra))
    settings = {k: v for k, v in settings.items() if v is not None}
    done = run(BKENDFS, "--check", env=settings, timeout=60)
    assert done.stderr == b""
    return done.returncode, done.stdout.decode()


def test_check_tells_what_it_was_told(project, login, work):
    project.tables["secret"] = records(1)
    project.hooks.append(lambda r: project.no(403, "data/permission-denied")
                         if r.path == "/v1/data/secret" else None)
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": [*MANY, "secret"]}, "p2": {"prod": [f"no{n}" for n in range(9)]}}
    login(project)
    status, report = _check(project, work, BKEND_TABLES="table00")
    assert f"mcp:      {mcp.url} tells of 55 names\n" in report
    assert re.search(r"^  table00 +2 records, named;", report, re.M)
    assert len(re.findall(r"^  table\d\d +2 records, mcp: not named in the settings", report, re.M)) == 44
    assert re.search(r"^  secret +may not be listed", report, re.M) and "  no" not in report
    assert status == 0 and "A full backup would succeed" in report
    assert project.count(lambda r: r.is_page() and "/no" in r.path) == 3
    assert mcp.faults == []


def test_check_remembers_how(project, login, mount, work):
    mcp = McpServer(project)
    mcp.projects = {"p1": {"prod": MANY[:2]}}
    login(project)
    m = mount(project, env=state(work), cache=work / "check-cache")
    assert listed(m) == MANY[:2]
    os.listdir(m / "table07")
    m.unmount()
    project.hooks.insert(0, lambda r: Reply(403, b"{}") if r.path == mcp.path else None)
    _, report = _check(project, work)
    assert len(re.findall(r"^  table0[01] +2 records, mcp: ", report, re.M)) == 2
    assert re.search(r"^  table07 +2 records, found by use: ", report, re.M)


def test_check_tells_that_it_was_not_told(project, login, work):
    mcp = McpServer(project)
    login(project)
    project.hooks.insert(0, lambda r: Reply(403, b"{}") if r.path == mcp.path else None)
    status, report = _check(project, work, BKEND_TABLES="table00")
    assert re.search(r"^mcp: .* does not say which tables there are: .*MCP initialize", report, re.M)
    assert status == 0
    status, report = _check(project, work)
    assert status == 1 and "none is known" in report
