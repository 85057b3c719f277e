"""From a person who clicks Allow in a real browser to a mount that lists tables it
was never told of, against the emulator."""

import os
import re

import pytest

from chromium import chromium
from conftest import BKENDFS, environment, run, trust, wait_until
from test_login import Login, kept


@pytest.fixture
def login(work, watched, in_front):
    """Begin to log in to a server: a Login."""
    started = []

    def start(server):
        server = in_front(server)
        settings = environment(work, server.env()) | {
            "XDG_STATE_HOME": str(work / "state"), "XDG_CONFIG_HOME": str(work / "no-config")}
        started.append(Login(work, watched, settings, *trust(server)))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()
            one.settle()
        watched.pids.discard(one.process.pid)


def state(work):
    return {"XDG_STATE_HOME": str(work / "state"), "BKEND_TABLES": None}


def listed(m):
    return sorted(set(os.listdir(m.path)) - {"files", "storage"})


def many(emulator, *switches):
    """A project of more than twenty tables."""
    tables = [f"table{n:02d}" for n in range(27)]
    return emulator("--no-demo", *(word for t in tables for word in ("--generate", f"{t}=2:100")),
                    *switches)


def allow(login, server):
    """What the page says, and what the program."""
    one = login(server)
    with chromium() as browser:
        browser.goto(one.address())
        browser.click("[value=allow]")
        page = browser.evaluate("document.querySelector('h1').textContent")
    return page, one.end()


@pytest.mark.parametrize("edition", ["none", "environment", "environment-id", "env-id"])
@pytest.mark.parametrize("answers", ["json", "sse"])
def test_from_allow_to_tables(
    emulator, login, mount, work, edition, answers, in_front
):
    server = many(emulator, "--mcp-edition", edition, "--mcp-answers", answers,
                  "--mcp-projects", 3)
    page, (status, output, errors) = allow(login, server)
    assert page == "Done" and status == 0 and errors == "" and "Logged in" in output
    m = mount(server, env=state(work))
    assert listed(m) == server.tables
    assert len(server.tables) == 27
    assert m.report("errors") == b""
    assert b"table: table26, mcp, " in m.report("status")
    done = run(BKENDFS, "--logout", *trust(in_front(server)), env=environment(
        work, in_front(server).env()) | {
        "XDG_STATE_HOME": str(work / "state"), "XDG_CONFIG_HOME": str(work / "no-config")})
    assert (done.returncode, done.stderr) == (0, b"") and kept(work) is None


@pytest.mark.parametrize("switches", [
    ("--mcp-tools", "none"), ("--mcp-tools", "none", "--mcp-resources", "tables"),
    ("--mcp-tools", "numbered", "--mcp-page", 5),
], ids=["resources", "tables", "numbered"])
def test_in_other_ways(emulator, login, mount, work, switches):
    server = many(emulator, "--mcp-projects", 2, *switches)
    assert allow(login, server)[0] == "Done"
    m = mount(server, env=state(work))
    assert listed(m) == server.tables


def test_a_list_that_cannot_be_had_whole_says_so(emulator, login, mount, work):
    server = many(emulator, "--mcp-paging", "none")
    assert allow(login, server)[0] == "Done"
    m = mount(server, env=state(work))
    assert listed(m) == server.tables[:20]
    assert b"no way to ask for the next page" in m.report("errors")


def test_deny(emulator, login, mount, work):
    server = emulator()
    one = login(server)
    with chromium() as browser:
        browser.goto(one.address())
        browser.click("[value=deny]")
        text = browser.evaluate("document.body.textContent")
        assert "did not come about" in text
    status, output, errors = one.end()
    assert status == 1 and "access_denied" in errors and kept(work) is None
    assert listed(mount(server, env=state(work))) == []


def test_a_page_with_another_state_and_one_that_is_loaded_again(emulator, login):
    server = emulator()
    one = login(server)
    address = one.address()
    target = re.search(r"redirect_uri=([^&]+)", address)[1]
    target = target.replace("%3A", ":").replace("%2F", "/")
    with chromium() as browser:
        browser.goto(target + "?code=x&state=wrong")
        assert "not the login that is waited for" in browser.evaluate("document.body.textContent")
        assert one.process.poll() is None
        # Closed half way, and begun again in another window.
        browser.goto(address)
        browser.goto("about:blank")
        browser.goto(address)
        browser.click("[value=allow]")
        assert browser.evaluate("document.querySelector('h1').textContent") == "Done"
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
        status, _, errors = one.end()
        assert status == 0 and errors == ""


def test_revoked_at_the_server(emulator, login, mount, work):
    server = emulator()
    assert allow(login, server)[0] == "Done"
    server.expire("mcp-grants")
    m = mount(server, env=state(work))
    assert listed(m) == []
    assert b"MCP initialize" in m.report("errors") or b"/oauth/token" in m.report("errors")


@pytest.mark.parametrize("what", ["mcp-tokens", "mcp-sessions"])
def test_old_tokens_and_sessions(emulator, login, mount, work, what):
    server = many(emulator)
    assert allow(login, server)[0] == "Done"
    server.expire(what)
    m = mount(server, env=state(work))
    assert listed(m) == server.tables and m.report("errors") == b""
