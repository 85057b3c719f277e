"""The page on which a person allows a program to ask for the tables, in a real
browser."""

import pytest

from chromium import chromium, site
from mcp_client import Program, consent_of, query_of


@pytest.mark.parametrize("width, height", [(1280, 800), (390, 844), (320, 480)])
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_person_decides(emulator, width, height, decision):
    with site() as program, chromium(width, height) as browser:
        one = Program(emulator(), name="bkendfs on a machine with a long name",
                      callback="http://127.0.0.1/callback")
        one.callback = program.url + "/callback"
        browser.goto(one.server.url + one.question())
        assert browser.evaluate("document.querySelector('bdi').textContent") == (
            "bkendfs on a machine with a long name")
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for button in "allow", "deny":
            wide, high = browser.evaluate(
                f"(box => [box.width, box.height])(document.querySelector("
                f"'[value={button}]').getBoundingClientRect())")
            assert wide >= 100 and high >= 40
        browser.evaluate(f"document.querySelector('[value={decision}]').scrollIntoView()")
        browser.click(f"[value={decision}]")
        assert browser.evaluate("document.title") == "done"
        assert len(program.asked) == 1
        back = query_of(program.asked[0])
        assert back["state"] == "a state & more"
        if decision == "allow":
            assert one.exchange(back["code"])[0] == 200
        else:
            assert back["error"] == "access_denied" and "code" not in back
        for url in browser.requests():
            assert url.startswith((one.server.url + "/", program.url + "/")), url


@pytest.mark.parametrize("scheme, ink", [("light", 0), ("dark", 255)])
def test_the_page_is_readable_in_the_dark(emulator, scheme, ink):
    with chromium() as browser:
        one = Program(emulator())
        browser.call("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.goto(one.server.url + one.question())
        shades = {}
        for what, element in (("color", "h1"), ("backgroundColor", "main")):
            colour = browser.evaluate(
                f"getComputedStyle(document.querySelector('{element}')).{what}")
            shades[what] = [int(part) for part in colour[4:-1].split(",")]
        assert all(abs(part - ink) < 60 for part in shades["color"])
        assert all(abs(part - (255 - ink)) < 60 for part in shades["backgroundColor"])


def test_the_password_is_asked_for_until_it_is_right(emulator, work):
    with site() as program, chromium() as browser:
        server = emulator("--credentials", work / "credentials")
        one = Program(server)
        one.callback = program.url + "/callback"
        browser.goto(server.url + one.question())
        browser.enter("[name=password]", "wrong")
        assert "not it" in browser.evaluate("document.body.textContent")
        assert not program.asked
        browser.enter("[name=password]", server.settings["BKEND_PASSWORD"])
        assert one.exchange(query_of(program.asked[0])["code"])[0] == 200


@pytest.mark.parametrize("callback", ["http://localhost/callback", "http://[::1]/callback"])
def test_a_program_of_another_name_gets_its_answer(emulator, callback):
    address = "::1" if "[" in callback else "127.0.0.1"
    with site(address=address) as program, chromium() as browser:
        one = Program(emulator(), callback=callback)
        one.callback = callback.replace("/callback", f":{program.server_port}/callback")
        browser.goto(one.server.url + one.question())
        browser.click("[value=allow]")
        assert one.exchange(query_of(program.asked[0])["code"])[0] == 200


def test_what_a_program_calls_itself_does_nothing(emulator):
    with chromium() as browser:
        name = "</bdi><script>window.hit=1</script><img src=/x onerror=window.hit=1>"
        one = Program(emulator(), name=name)
        browser.goto(one.server.url + one.question())
        assert browser.evaluate("window.hit") is None
        assert browser.evaluate("document.querySelectorAll('img,script').length") == 0
        assert browser.evaluate("document.querySelector('bdi').textContent") == name
        assert len(browser.requests()) == 1


def test_no_page_may_show_it_in_a_frame(emulator):
    one = Program(emulator())
    page = f"<!DOCTYPE html><iframe src='{one.server.url}{one.question()}'></iframe>"
    with site(page) as other, chromium() as browser:
        browser.goto(other.url)
        tree = browser.call("Page.getFrameTree")["frameTree"]
        assert [child["frame"]["url"] for child in tree["childFrames"]] == [
            "chrome-error://chromewebdata/"]


def test_no_page_may_press_its_buttons(emulator):
    one = Program(emulator())
    _, _, question = one.ask()
    page = (f"<!DOCTYPE html><form method=post action='{one.server.url}/mcp/oauth/authorize'>"
            f"<input name=consent value='{consent_of(question)}'>"
            "<button name=decision value=allow>A prize!</button></form>")
    with site(page) as other, chromium() as browser:
        browser.goto(other.url)
        browser.click("button")
        assert browser.evaluate("document.title").startswith("Not from here")
    assert one.decide("allow", question)[0] == 303


def test_a_page_that_is_closed_decides_nothing(emulator):
    with site() as program, chromium() as browser:
        one = Program(emulator())
        one.callback = program.url + "/callback"
        browser.goto(one.server.url + one.question())
        browser.close()
        assert not program.asked
        assert one.decide("allow")[0] == 303
