"""
A person at a browser: a real, headless Chromium that tests press buttons in. It
is talked to by the protocol of its developer tools, over two pipes. It takes
longer to start than most tests take: one serves all tests of a process, each in
a context of its own, and conftest.py ends it.
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from conftest import environment, wait_until

TIMEOUT = 60  # seconds, for any one thing that a page does


class Browser:
    """The process, behind the two pipes by which it is talked to."""

    def __init__(self):
        self._ends = contextlib.ExitStack()
        home = self._ends.enter_context(
            tempfile.TemporaryDirectory(prefix="bkendfs-browser-", ignore_cleanup_errors=True))
        self._text = b""
        self._number = 0
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        self._into, self._out = ours_out, ours_in
        for end in ours_in, ours_out:
            self._ends.callback(os.close, end)

        def place():
            # Where the browser looks for them; neither may be in the other's way,
            # whatever their numbers are.
            high = [fcntl.fcntl(end, fcntl.F_DUPFD, 5) for end in (theirs_in, theirs_out)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)
            for descriptor in high:
                os.close(descriptor)

        try:
            self._ends.enter_context(running_chromium(
                Path(home), "--remote-debugging-pipe", preexec_fn=place, pass_fds=(3, 4)))
        except BaseException:
            self._ends.close()
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)

    def end(self):
        self._ends.close()

    def read(self, deadline):
        """The next message."""
        while b"\0" not in self._text:
            ready, _, _ = select.select([self._out], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(self._out, 1 << 20) if ready else b""
            assert piece, "the browser does not answer"
            self._text += piece
        message, self._text = self._text.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, params, session=None, events=None):
        """Call a method of the protocol: its result. What came unasked for that
        session meanwhile goes to events."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._into, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT
        while True:
            answer = self.read(deadline)
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            if "method" in answer and events is not None and answer.get("sessionId") == session:
                events.append(answer)


class Chromium:
    """One window, of a person who was nowhere yet. Made by chromium()."""

    def __init__(self, browser, person, width, height):
        self._browser = browser
        self._session = None
        self.events = []  # what came unasked
        self._start = 0  # how many of these came before this page
        target = self.call("Target.createTarget", url="about:blank",
                           browserContextId=person)["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target,
                                  flatten=True)["sessionId"]
        self._target = target
        for domain in "Page", "Runtime", "Network", "Log":
            self.call(domain + ".enable")
        self.shape(width, height)

    def shape(self, width, height=800, dark=False):
        """Be a screen of that size, a phone's where it is narrow."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def call(self, method, **params):
        """Call a method of the protocol: its result."""
        return self._browser.call(method, params, self._session, self.events)

    def wait_for(self, method, start=0):
        """The first event of that kind from the start-th on: its parameters."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            for event in self.events[start:]:
                if event["method"] == method:
                    return event["params"]
            message = self._browser.read(deadline)
            if "method" in message and message.get("sessionId") == self._session:
                self.events.append(message)

    def goto(self, url):
        """Open a page, and wait until it has loaded."""
        self._start = len(self.events)
        self.call("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired", self._start)

    def evaluate(self, expression):
        """The value of an expression of JavaScript in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for_paint(self):
        """Until a person could see the page: the browser takes no input for one
        that it has not shown."""
        self.evaluate("new Promise(done => requestAnimationFrame("
                      "() => requestAnimationFrame(done)))")

    def click(self, selector):
        """Press what is there as a mouse does, and wait for the next page."""
        self.wait_for_paint()
        x, y = self.evaluate(
            "(() => { const one = document.querySelector(%s);"
            "one.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const box = one.getClientRects()[0];"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()" % json.dumps(selector))
        self._start = len(self.events)
        for kind in "mousePressed", "mouseReleased":
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                      clickCount=1)
        self.wait_for("Page.loadEventFired", self._start)

    def enter(self, selector, text):
        """Write into that field, and press Enter."""
        self.wait_for_paint()
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self._start = len(self.events)
        self.call("Input.insertText", text=text)
        for kind in "keyDown", "keyUp":
            self.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r",
                      windowsVirtualKeyCode=13)
        self.wait_for("Page.loadEventFired", self._start)

    def close(self):
        """Close the window, as a person who is tired of it."""
        self._session = None
        self.call("Target.closeTarget", targetId=self._target)

    def named(self, method):
        """What events of that kind there were, since this page was asked for."""
        return [event["params"] for event in self.events[self._start:]
                if event["method"] == method]

    def requests(self):
        """The addresses of all that was fetched."""
        return [event["params"]["request"]["url"] for event in self.events
                if event["method"] == "Network.requestWillBeSent"]


def _group_lives(group):
    """Whether a process of the group is there, and not a zombie."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, number = stat.read_text().rsplit(")", 1)[1].split()[:3]
            if int(number) == group and state not in "ZX":
                return True
    return False


@contextlib.contextmanager
def running_chromium(work, *arguments, **options):
    """The process of a headless Chromium, ended at the end, with all that it has
    started: these write into its profile for some time after it."""
    command = [
        shutil.which("chromium"), "--headless=new", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage",
        "--ignore-certificate-errors",  # of our own authority, see front.py
        f"--user-data-dir={work}/chromium", *arguments]
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    with open(work / "chromium.err", "wb") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            start_new_session=True, env=dict(environment(work), HOME=str(work)), **options)
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        wait_until(lambda: not _group_lives(process.pid), 20, "the browser's end")


_running = []  # the browser of this process, if one was needed yet


def end_browser():
    """End it, if it is there."""
    while _running:
        _running.pop().end()


@contextlib.contextmanager
def chromium(width=1280, height=800):
    """A window of its own, closed at the end. Its cookies, its cache and its
    connections are, too, its own; the process is what costs, and serves
    the next test as well, unless one has failed with it."""
    if not _running:
        _running.append(Browser())
    try:
        person = _running[0].call("Target.createBrowserContext", {})["browserContextId"]
        yield Chromium(_running[0], person, width, height)
        _running[0].call("Target.disposeBrowserContext", {"browserContextId": person})
    except BaseException:
        end_browser()
        raise


class Site(ThreadingHTTPServer):
    """A web site of one page, which remembers what it was asked for."""

    daemon_threads = True

    def __init__(self, page, address, port):
        if ":" in address:
            self.address_family = socket.AF_INET6
        super().__init__((address, port), SiteHandler)
        self.page = page
        self.asked = []
        host = f"[{address}]" if ":" in address else address
        self.url = f"http://{host}:{self.server_port}"


class SiteHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/favicon.ico":
            self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.server.page.encode())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def site(page="<!DOCTYPE html><title>done</title>", address="127.0.0.1", port=0):
    """A web site on another port, or on that one."""
    server = Site(page, address, port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
