"""Memory stays bounded, whatever the server sends."""

import bisect
import itertools
import os
import re
from pathlib import Path

from conftest import BKENDFS
from odd_server import Reply
from paged import PagedTable
from records import oid, read, record

MIB = 1 << 20

# A sanitizer's own memory says nothing about the program's.
SANITIZED = re.search(rb"__(asan|tsan)_init", BKENDFS.read_bytes()) is not None


def _peak(pid):
    """The most memory that a process ever had, in bytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) << 10


class Made:
    """Bytes of which each part is made when it is sent: so many parts, of the
    sizes given, by number."""

    def __init__(self, sizes, make):
        self._starts = [0, *itertools.accumulate(sizes)]
        self._make = make
        self._last = (None, b"")

    def __len__(self):
        return self._starts[-1]

    def __getitem__(self, wanted):
        first, last, _ = wanted.indices(len(self))
        out = b""
        while first < last:
            number = bisect.bisect_right(self._starts, first) - 1
            if self._last[0] != number:
                self._last = (number, self._make(number))
            at = first - self._starts[number]
            piece = self._last[1][at : at + last - first]
            out += piece
            first += len(piece)
        return out


def _large(number, size):
    """A record of so many bytes."""
    raw = record(number, b',"x":""')
    return raw.replace(b'""', b'"%s"' % (b"x" * (size - len(raw))))


def _large_pages(server, pages, size):
    """A table whose records have size bytes each."""

    def make(page):
        if page > pages:
            return None
        around = table.body(page)
        head = around[: around.index(b"[") + 1]
        tail = around[around.rindex(b"]") :]

        def part(number):
            if number == 0:
                return head
            if number == 101:
                return tail
            comma = b"," if number < 100 else b" "
            return _large((page - 1) * 100 + number - 1, size - 1) + comma

        return Reply(body=Made([len(head), *[size] * 100, len(tail)], part))

    table = PagedTable(server, "t", pages, before=make)


def test_a_page_of_large_records_is_never_held_whole(odd, mount):
    size = MIB // 16 if SANITIZED else 2 * MIB
    server = odd()
    _large_pages(server, 3, size)
    m = mount(server, "-o", "json=raw,ttl=3600")  # it takes long where all do
    assert len(os.listdir(m / "t")) == 300
    listed = _peak(m.pid)
    assert read(m / "t" / (oid(250) + ".json")) == _large(250, size - 1)
    assert SANITIZED or listed < 64 * MIB, f"{listed / MIB:.1f} MiB"
