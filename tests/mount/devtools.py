"""A real browser, told what to do over its debugging pipe: no port, and no package."""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

from conftest import environment, wait_until

TIMEOUT = 60


class Page:
    """A tab, and all that happened in it."""

    def __init__(self, browser, session):
        self._browser = browser
        self._session = session
        self.events = []

    def call(self, method, **params):
        return self._browser.call(method, self._session, **params)

    def shape(self, width, height=900, dark=False):
        """As a screen of that width, as a phone's where it is narrow."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        """Go there, and wait until all of it is loaded."""
        self.events.clear()
        went = self.call("Page.navigate", url=url)
        assert "errorText" not in went, (url, went)
        self.wait_for("Page.loadEventFired")

    def wait_for(self, method):
        return self._browser.wait_for(self, method)

    def value(self, expression):
        """What a script of ours gives in the page, whatever the page allows."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, selector):
        """Follow a link, as a person does, to a page that is loaded."""
        self.events.clear()
        self.value(f"document.querySelector({json.dumps(selector)}).click()")
        self.wait_for("Page.loadEventFired")

    def named(self, method):
        return [event["params"] for event in self.events if event["method"] == method]

    def urls(self):
        """What was asked for, of anybody."""
        return [one["request"]["url"] for one in self.named("Network.requestWillBeSent")]

    def screenshot(self, path):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


class Browser:
    """A headless Chromium, and the pipe to it."""

    def __init__(self, process, to, back):
        self._process, self._to, self._back = process, to, back
        self._rest = b""
        self._number = 0
        self._answers = {}
        self._pages = {}

    def _read(self, deadline):
        """Take in one message."""
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._back], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(self._back, 1 << 20) if ready else b""
            assert piece, f"the browser is silent, status {self._process.poll()}"
            self._rest += piece
        text, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(text)
        if "id" in message:
            self._answers[message["id"]] = message
        elif message.get("sessionId") in self._pages:
            self._pages[message["sessionId"]].events.append(message)

    def call(self, method, session=None, **params):
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT
        while number not in self._answers:
            self._read(deadline)
        answer = self._answers.pop(number)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def wait_for(self, page, method):
        deadline = time.monotonic() + TIMEOUT
        while not page.named(method):
            self._read(deadline)
        return page.named(method)[0]

    def page(self):
        """A new tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Network", "Runtime", "Log"):
            page.call(f"{domain}.enable")
        return page


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
        "--disable-dev-shm-usage", f"--user-data-dir={work}/chromium", *arguments]
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


@contextlib.contextmanager
def chromium(work, *arguments):
    """A Browser, ended at the end."""
    take, to = os.pipe()
    back, give = os.pipe()

    def give_pipes():
        # It reads from descriptor 3 and writes to 4, wherever the two are now.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (take, give)]
        for number, end in enumerate(ends, 3):
            os.dup2(end, number)

    try:
        with running_chromium(work, "--remote-debugging-pipe", *arguments,
                              preexec_fn=give_pipes, pass_fds=(3, 4)) as process:
            os.close(take)
            os.close(give)
            yield Browser(process, to, back)
    finally:
        os.close(to)
        os.close(back)
