"""What a fetch shows of how far it is."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading

import pytest

from conftest import wait_until
from fetches import MIB, content, content_files, fetching, held, project  # noqa: F401 (fixtures)
from records import read, records


def test_without_a_terminal_there_is_a_line_from_time_to_time(project, fetching, work, held):
    words, env = fetching(project)
    with subprocess.Popen(
        words,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        lines = []
        for line in process.stderr:
            assert re.fullmatch(rb"[ -~]+\n", line), line
            lines.append(line)
            if b"storage  5 of 6 files, 3.3 MB of 5.4 MB" in line:
                held.set()
    assert process.returncode == 0, lines
    assert held.is_set(), lines
    rate = rb", [\d.]+ [kM]?B/s, \d\d:\d\d left\n"
    assert re.search(rate + rb"\Z", lines[-1]), lines


def _last_line(screen, shown):
    """What stands in the line once more of it was drawn."""
    shown.append(os.read(screen, 4096))
    whole = b"".join(shown).split(b"\r\x1b[K")
    # The last one may be half of one.
    return whole[-2] if len(whole) > 1 else b""


def _watched(words, env):
    """A fetch on a terminal: its process, and a function that reads on until
    its line is like this, or raises OSError at its end."""
    screen, follow = pty.openpty()
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen(
        words,
        env={**env, "TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=follow,
    )
    os.close(follow)
    shown = []

    def until(line):
        try:
            while not re.fullmatch(line, _last_line(screen, shown)):
                pass
        except OSError:
            os.close(screen)
            raise

    return process, until


def test_a_table_has_a_bar_as_well(project, fetching):
    """Its total is known from the first page, or from the last time."""
    let_go = threading.Event()

    def hold(request):
        if request.is_page("posts") and request.query.get("page") != held:
            return None
        if request.is_page("posts"):
            assert let_go.wait(60)

    project.tables["posts"] = records(1250)
    project.hooks.append(hold)
    # The first time the rest is on its way; then even the first page is.
    for held, done in ("2", rb"[1-9]\d{1,2}"), ("1", b"0"):
        let_go.clear()
        process, until = _watched(*fetching(project))
        try:
            until(rb"posts \[#* +\]  %s of 1250 records" % done)
            let_go.set()
            with pytest.raises(OSError):
                until(b"never")
            assert process.wait(30) == 0
        finally:
            let_go.set()
            process.kill()
            process.wait()


def test_what_is_lost_on_the_disk_meanwhile_comes_again(project, fetching, work, mount, held):
    process, until = _watched(*fetching(project))
    until(rb"storage \[.*\]  5 of 6 files, .*")
    wait_until(lambda: len(content_files(work)) >= 4, 20, "what came")
    for path in content_files(work):
        os.unlink(path)
    held.set()
    until(rb"storage, again \[.*\] .* of [45] files.*")
    with pytest.raises(OSError):
        until(b"never")
    assert process.wait(30) == 0
    project.stop()
    m = mount(project, "-o", "offline", cache=work / "cache")
    for number, size in enumerate((0, 1, 5000, 131072, 3 * MIB + 17)):
        assert read(m / f"storage/f{number}_{number}.bin") == content(number, size)


def test_a_terminal_has_a_bar_that_keeps_to_its_width(project, fetching, work, held):
    def widen(columns):
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(screen, termios.TIOCSWINSZ, size)

    screen, follow = pty.openpty()
    widen(100)
    words, env = fetching(project, TERM="xterm")
    process = subprocess.Popen(
        words,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=follow,
    )
    os.close(follow)
    shown = []
    try:
        bar = rb"storage \[#{12} {8}\]  5 of 6 files, 3.3 MB of 5.4 MB.*"
        while not re.fullmatch(bar, _last_line(screen, shown)):
            pass
        widen(31)
        while _last_line(screen, shown) != b"storage [############        ]":
            pass
        widen(100)
        while not re.fullmatch(bar, _last_line(screen, shown)):
            pass
        held.set()
        while True:
            _last_line(screen, shown)
    except OSError:
        pass  # it has ended
    finally:
        os.close(screen)
    assert process.wait(30) == 0
    assert held.is_set(), shown
    text = b"".join(shown)
    # Drawn over itself, without colours, and taken away in the end.
    assert re.fullmatch(rb"(\r\x1b\[K[ -~]*)*\r\x1b\[K", text), text
