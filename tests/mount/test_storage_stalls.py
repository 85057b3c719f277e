"""What goes on, and what can be ended, while downloads stall."""

import os
import signal
import subprocess
import threading
import time

import pytest

from conftest import succeed, wait_until, wait_until_it_waits
from records import oid, read
from stored import BIG


def _stall(server, count):
    """Reads of count files get half of a body and then nothing."""
    let_go = threading.Event()
    for number in range(count):
        server.put_file(oid(number), "f", BIG[:200000])

    def hook(request):
        with server.storage.lock:
            reply = server.storage.reply(request)
        reply.hold, reply.hold_at = let_go, len(reply.body) // 2
        return reply

    server.storage.hooks.append(hook)
    return let_go


def _cats(m, count):
    return [
        subprocess.Popen(
            ["cat", str(m / f"storage/{oid(number)}_f")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in range(count)
    ]


def _end(processes):
    for process in processes:
        process.kill()
    for process in processes:
        process.wait(10)


@pytest.mark.alone
def test_everything_else_answers_while_downloads_stall(odd, mount):
    server = odd()
    server.tables["t"] = [b'{"id":"%d"}' % n for n in range(150)]
    let_go = _stall(server, 16)
    m = mount(server)
    os.listdir(m / "storage")
    os.listdir(m / "t")
    cats = _cats(m, 16)
    try:
        wait_until(lambda: len(server.storage.log) >= 16)
        quickest = []
        for act in (
            lambda n: os.statvfs(m.path),
            lambda n: os.stat(m / f"t/{n}.json"),
            lambda n: os.listdir(m / "t"),
            lambda n: m.report("errors"),
            lambda n: read(m / f"t/{n}.json"),
            lambda n: os.path.exists(m / f".none{n}"),
        ):
            spans = []
            for turn in range(5):
                began = time.monotonic()
                act(turn)
                spans.append(time.monotonic() - began)
            assert max(spans) < 2
            quickest.append(min(spans))
        assert max(quickest) < 0.05, quickest
        assert all(cat.poll() is None for cat in cats)
    finally:
        _end(cats)
        let_go.set()


def test_listings_go_on_while_some_downloads_stall(odd, mount):
    server = odd()
    server.tables["u"] = [b'{"id":"a"}']
    let_go = _stall(server, 8)
    m = mount(server)
    cats = _cats(m, 8)
    try:
        wait_until(lambda: len(server.storage.log) >= 8)
        assert os.listdir(m / "u") == ["a.json"]
    finally:
        _end(cats)
        let_go.set()


@pytest.mark.alone
def test_ctrl_c_ends_a_stalled_read_at_once(odd, mount):
    server = odd()
    let_go = _stall(server, 1)
    m = mount(server)
    [cat] = _cats(m, 1)
    try:
        wait_until(lambda: server.storage.log)
        wait_until_it_waits(cat, m.pid)
        cat.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert cat.wait(10) == -signal.SIGINT
        assert time.monotonic() - began < 1
    finally:
        let_go.set()
    server.storage.hooks.clear()
    assert read(m / f"storage/{oid(0)}_f") == BIG[:200000]


@pytest.mark.parametrize("how", ["lazily", "by signal"])
def test_unmounting_while_reading_ends_well(odd, mount, how):
    server = odd()
    let_go = _stall(server, 4)
    m = mount(server)
    cats = _cats(m, 4)
    try:
        wait_until(lambda: len(server.storage.log) >= 4)
        if how == "lazily":
            succeed("fusermount3", "-uz", m.path)
            _end(cats)
        else:
            m.process.send_signal(signal.SIGTERM)
        assert m.wait() == 0
        for cat in cats:
            assert cat.wait(10) != 0
    finally:
        _end(cats)
        let_go.set()
