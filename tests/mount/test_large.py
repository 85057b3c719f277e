"""Records whose layout is far larger than they are."""

import concurrent.futures
import os
import random
import time

import pytest

from jsontext import pretty
from records import read
from test_memory import MIB, SANITIZED, _peak


class Deep:
    """A record of count zeros in depth arrays, and any part of its layout."""

    def __init__(self, name, depth, count):
        self.raw = b'{"id":"%s","x":%s%s%s}' % (
            name, b"[" * depth, b",".join([b"0"] * count), b"]" * depth)
        small = pretty(b'{"id":"%s","x":%s0%s}' % (name, b"[" * depth, b"]" * depth))
        line = b" " * (2 * depth + 2) + b"0"
        self._head, self._tail = small.split(line)
        self._line, self._count = line + b",\n", count
        self.size = len(small) + (count - 1) * len(self._line)

    def part(self, offset, size):
        """Of lines only, or the very end."""
        if offset + size > self.size:
            size = self.size - offset
        end = offset + size
        lines_end = self.size - len(self._tail)
        if end > lines_end:
            whole = self._line * 3
            text = (whole[:-2] + self._tail)
            return text[len(text) - (self.size - offset):][:size]
        at = (offset - len(self._head)) % len(self._line)
        return (self._line * (size // len(self._line) + 2))[at:][:size]

    def whole(self):
        lines = self._line * self._count
        return self._head + lines[:-2] + self._tail


def _mount(odd, mount, records, *options):
    server = odd()
    server.tables["t"] = [record.raw for record in records]
    m = mount(server, *options)
    assert len(os.listdir(m / "t")) == len(records)
    return m


@pytest.mark.alone
def test_a_layout_of_more_than_64_mib_is_read_in_one_go(odd, mount):
    """It was made anew for each read: half a minute, and a gigabyte."""
    record = Deep(b"a", 900, 50000)
    assert record.size > 80 * MIB
    m = _mount(odd, mount, [record])
    before = _peak(m.pid)
    began = time.monotonic()
    assert read(m / "t/a.json") == record.whole()
    assert time.monotonic() - began < 20
    assert SANITIZED or _peak(m.pid) - before < 16 * MIB


def test_a_layout_of_more_than_a_gigabyte_can_be_read(odd, mount):
    record = Deep(b"a", 900, 700000)
    assert record.size > 1 << 30
    m = _mount(odd, mount, [record])
    assert os.stat(m / "t/a.json").st_size == record.size
    handle = os.open(m / "t/a.json", os.O_RDONLY)
    try:
        for at in (record.size - 100, record.size // 2, record.size - 5000, 3 << 20,
                   record.size - (1 << 27), record.size - 1):
            assert os.pread(handle, 4096, at) == record.part(at, 4096), at
        assert os.pread(handle, 4096, record.size) == b""
    finally:
        os.close(handle)
    assert SANITIZED or _peak(m.pid) < 96 * MIB


@pytest.mark.parametrize("form", ["pretty", "raw"])
def test_many_large_records_are_read_side_by_side(odd, mount, form):
    """More of them than are remembered, in pieces of any order."""
    template = b'{"id":"#","text":"@","list":[%s],"end":{}}' % (
        b",".join(b'{"n":%d,"q":"\\""}' % n for n in range(40000)))
    layout = pretty(template) if form == "pretty" else template

    def of(number, text):
        letters = bytes([97 + number]) * 600000
        return text.replace(b"#", b"%d" % number).replace(b"@", letters)

    texts = [of(number, template) for number in range(24)]
    server = odd()
    server.tables["t"] = texts
    m = mount(server, "-o", f"json={form}")
    assert len(os.listdir(m / "t")) == len(texts)

    def check(number):
        expected = of(number, layout)
        order = list(range(0, len(expected), 100003))
        random.Random(number).shuffle(order)
        with open(m / f"t/{number}.json", "rb", buffering=0) as file:
            assert os.fstat(file.fileno()).st_size == len(expected)
            for at in order:
                assert os.pread(file.fileno(), 100003, at) == expected[at : at + 100003]

    before = _peak(m.pid)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        list(pool.map(check, range(len(texts))))
    assert SANITIZED or _peak(m.pid) - before < 48 * MIB
