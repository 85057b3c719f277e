"""A person logs in to the emulator in a real browser, and mounts what it tells
of."""

import os
import re
import signal

import pytest

from chromium import chromium, site
from conftest import environment, trust, wait_until
from mcp_client import EDITIONS, Program, query_of
from test_login import Login, kept

MANY = [f"more_{i:02}" for i in range(25)]


@pytest.fixture
def project(emulator):
    """Factory: an emulator of more than twenty tables."""

    def start(*switches):
        generated = [word for name in MANY for word in ("--generate", f"{name}=2:100")]
        return emulator("--max-limit", 20, *generated, *switches)

    return start


def settings(work, server):
    env = environment(work, server.env())
    for name in "BKEND_EMAIL", "BKEND_PASSWORD", "BKEND_TABLES":
        env.pop(name)
    return env | {"XDG_STATE_HOME": str(work / "state"),
                  "XDG_CONFIG_HOME": str(work / "no-config")}


@pytest.fixture
def login(work, watched, in_front):
    """Factory: a bkendfs --login of that project."""
    started = []

    def start(server):
        server = in_front(server)
        started.append(
            Login(work, watched, settings(work, server), *trust(server)))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()
        watched.pids.discard(one.process.pid)


def open_page(browser, one):
    """What xdg-open was told to open, opened."""
    wait_until(one.opened.exists, 30, "the browser")
    browser.goto(one.opened.read_text())


def heading(browser):
    return browser.evaluate("document.querySelector('h1').textContent")


def code_of(browser):
    """The code that the browser brought back."""
    return next(query_of(url)["code"] for url in browser.requests() if "?code=" in url)


def listed(m):
    return sorted(set(os.listdir(m.path)) - {"files", "storage"})


@pytest.mark.parametrize("answers", ["json", "sse"])
@pytest.mark.parametrize("edition", EDITIONS)
def test_allowed_and_mounted(project, login, mount, work, edition, answers):
    server = project("--mcp-edition", edition, "--mcp-answers", answers, "--mcp-projects", 3)
    with chromium() as browser:
        one = login(server)
        open_page(browser, one)
        assert heading(browser) == "Allow bkendfs?"
        browser.click("[value=allow]")
        assert heading(browser) == "Done"
        status, _, errors = one.end()
    assert (status, errors) == (0, "")
    m = mount(server, env={"XDG_STATE_HOME": str(work / "state"), "BKEND_TABLES": None})
    assert listed(m) == sorted(server.tables) and len(server.tables) > 20
    assert len(os.listdir(m / "more_07")) == 3
    assert m.report("errors").decode() == ""


@pytest.mark.parametrize("switches", [
    ("--mcp-tools", "none"), ("--mcp-tools", "none", "--mcp-resources", "tables"),
    ("--mcp-tools", "numbered", "--mcp-page", 1)],
    ids=["resources", "one resource", "numbered"])
def test_tables_are_found_in_other_ways(project, login, mount, work, switches):
    server = project(*switches)
    with chromium() as browser:
        one = login(server)
        open_page(browser, one)
        browser.click("[value=allow]")
        assert one.end()[0] == 0
    m = mount(server, env={"XDG_STATE_HOME": str(work / "state"), "BKEND_TABLES": None})
    assert listed(m) == sorted(server.tables)


def test_a_list_that_is_cut_short_is_told_of(project, login, mount, work):
    server = project("--mcp-paging", "none")
    with chromium() as browser:
        one = login(server)
        open_page(browser, one)
        browser.click("[value=allow]")
        assert one.end()[0] == 0
    m = mount(server, env={"XDG_STATE_HOME": str(work / "state"), "BKEND_TABLES": None})
    found = listed(m)
    assert set(found) <= set(server.tables) and len(found) >= 20
    assert (found == sorted(server.tables)) != ("there are more" in m.report("errors").decode())


def test_denied(project, login, work):
    with chromium() as browser:
        one = login(project())
        open_page(browser, one)
        browser.click("[value=deny]")
        assert "denied" in browser.evaluate("document.body.textContent")
        status, _, errors = one.end()
    assert status == 1 and "denied" in errors
    assert kept(work) is None


def test_an_answer_with_a_wrong_state_is_not_taken(project, login, work):
    with chromium() as browser:
        one = login(project())
        open_page(browser, one)
        question = browser.evaluate("location.href")
        callback = query_of(question)["redirect_uri"]
        for query in "?code=stolen&state=wrong", "?error=access_denied&state=wrong", "?code=stolen":
            browser.goto(callback + query)
            assert heading(browser) != "Done"
            assert one.process.poll() is None
        browser.goto(question)
        browser.click("[value=allow]")
        assert heading(browser) == "Done"
        assert one.end()[0] == 0
    assert kept(work)


def test_another_program_at_the_port_cannot_use_the_code(project, login, work):
    server = project()
    with chromium() as browser:
        one = login(server)
        open_page(browser, one)
        port = int(re.search(r":(\d+)/", query_of(one.opened.read_text())["redirect_uri"])[1])
        one.process.kill()
        one.process.communicate()
        with site(port=port) as other:
            browser.click("[value=allow]")
            assert browser.evaluate("document.title") == "done"
            code = query_of(other.asked[0])["code"]
        thief = Program(server)
        thief.id = query_of(one.opened.read_text())["client_id"]
        thief.callback = f"http://127.0.0.1:{port}/callback"
        assert thief.exchange(code)[1]["error"] == "invalid_grant"
    assert kept(work) is None


def test_a_code_that_somebody_uses_again_ends_the_login(project, login, mount, work):
    server = project()
    with chromium() as browser:
        one = login(server)
        open_page(browser, one)
        browser.click("[value=allow]")
        assert one.end()[0] == 0
        assert Program(server).exchange(code_of(browser))[0] == 400
    m = mount(server, env={"XDG_STATE_HOME": str(work / "state"), "BKEND_TABLES": None})
    assert listed(m) == []
    assert "Unauthorized" in m.report("errors").decode()


def test_a_window_that_is_closed_leaves_the_login_waiting(project, login, work):
    server = project()
    with chromium() as browser:
        one = login(server)
        open_page(browser, one)
        browser.close()
        assert one.process.poll() is None and kept(work) is None
        one.process.send_signal(signal.SIGINT)
        assert one.end()[0] == 1
    assert kept(work) is None
