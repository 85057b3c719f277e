"""Several readers of one stored file: each gets the right bytes, in time, and
together they fetch it not much more than once."""

import contextlib
import os
import random
import re
import threading
import time

import pytest

from conftest import succeed, wait_until
from records import oid

pytestmark = pytest.mark.threads

MIB = 1 << 20

BLOB = random.Random(14).randbytes(64 * MIB)


class _Readers:
    """Threads that read one file, each in its own order, and compare."""

    def __init__(self, path, data):
        self.path = path
        self.data = data
        self.wrong = []

    def _read(self, handle, offset, length):
        while length:
            got = os.pread(handle, length, offset)
            if not got or self.data[offset : offset + len(got)] != got:
                self.wrong.append((offset, length, len(got)))
                return
            offset += len(got)
            length -= len(got)

    def _follow(self, ranges):
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            self.wrong.append(error)
            return
        try:
            for offset, length in ranges:
                self._read(handle, offset, length)
        except OSError as error:
            self.wrong.append(error)
        finally:
            os.close(handle)

    def run(self, plans):
        threads = [
            threading.Thread(target=self._follow, args=(plan,), daemon=True)
            for plan in plans
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(55)
            assert not thread.is_alive()
        assert not self.wrong, self.wrong[:5]


def _from(start, size):
    """The whole of a file, in order, from somewhere in it."""
    step = 256 << 10
    offsets = [*range(start, size, step), *range(0, start, step)]
    return [(offset, min(step, size - offset)) for offset in offsets]


@pytest.mark.parametrize("rate", [None, 16 * MIB], ids=["fast", "16 MiB/s"])
def test_readers_of_one_file_do_not_fetch_it_again_and_again(odd, mount, rate):
    size = len(BLOB)
    server = odd()
    server.storage.rate = rate
    server.storage.hooks.append(lambda request: time.sleep(0.01))
    server.put_file(oid(1), "f", BLOB)
    m = mount(server)
    dice = random.Random(13)
    anywhere = [
        (dice.randrange(size - 70000), dice.randrange(1, 70000)) for _ in range(200)
    ]
    plans = [_from(part * 9 * MIB, size) for part in range(7)] + [anywhere]
    _Readers(m / f"storage/{oid(1)}_f", BLOB).run(plans)
    sent = server.storage.sent
    assert size <= sent <= 3 * size, f"{sent / size:.2f} times the file"


def test_a_read_that_waits_keeps_what_it_needs(odd, mount):
    """Half of what a read wants is there, half is on its way. What others read
    in the meantime must not cost it the first half for good."""
    step = 128 << 10
    place = 16 * step
    server = odd()
    let_go = threading.Event()
    held = []

    def hold(request):
        begin = int(re.match(r"bytes=(\d+)-", request.headers["range"])[1])
        if begin == place + step and not held:
            held.append(request)
            let_go.wait(50)

    server.storage.hooks.append(hold)
    server.put_file(oid(1), "f", BLOB)
    m = mount(server)
    path = m / f"storage/{oid(1)}_f"
    handle = os.open(path, os.O_RDONLY)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_RANDOM)
    got = []

    def wait_for_both():
        with contextlib.suppress(OSError):
            got.append(os.pread(handle, step, place + step // 2))

    waits = threading.Thread(target=wait_for_both, daemon=True)
    try:
        # From somewhere else first, so that it does not count as sequential.
        assert os.pread(handle, 4096, 40 * MIB) == BLOB[40 * MIB :][:4096]
        assert os.pread(handle, step // 2, place) == BLOB[place:][: step // 2]
        waits.start()
        wait_until(lambda: held, 20, "the request for the second half")
        for number in range(412):
            at = (number * 37 % 412 + 100) * step
            assert os.pread(handle, 4096, at) == BLOB[at : at + 4096]
        let_go.set()
        waits.join(15)
        assert not waits.is_alive(), "it waits still"
        assert got == [BLOB[place + step // 2 :][:step]]
    finally:
        let_go.set()
        if waits.is_alive():
            m.kill()
            succeed("fusermount3", "-uz", m.path)
            waits.join(10)
        with contextlib.suppress(OSError):
            os.close(handle)
