"""Records to test with, and what may be asked of a failing call."""

import contextlib
import datetime
import errno
import os

import pytest


def oid(number):
    """A 24-digit id; ids grow with their number."""
    return f"65a1b2c3{number:016x}"


def moment(number):
    """A time stamp with milliseconds that differ from record to record."""
    base = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    at = base + datetime.timedelta(seconds=number, milliseconds=number % 1000)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def changed_at(number):
    """When a record was last changed: of each two, the second one earlier, so that
    an answer in the order of dates cannot be one in the order of ids."""
    return moment(number ^ 1)


def nanoseconds(stamp):
    """A time stamp as st_mtime_ns."""
    at = datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z")
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (at - epoch) // datetime.timedelta(milliseconds=1) * 1000000


def record(number, extra=b""):
    """A small raw record."""
    return (
        b'{"id":"%s","title":"Post %d","n":%d.0%s,"createdBy":"u1",'
        b'"createdAt":"%s","updatedAt":"%s"}'
    ) % (
        oid(number).encode(),
        number,
        number,
        extra,
        changed_at(number).encode(),
        changed_at(number).encode(),
    )


def records(count, first=0, extra=b""):
    return [record(number, extra) for number in range(first, first + count)]


def record_names(count, first=0):
    return [oid(number) + ".json" for number in range(first, first + count)]


@contextlib.contextmanager
def fails(*errnos):
    """The body must fail with one of these errors."""
    with pytest.raises(OSError) as caught:
        yield
    names = [errno.errorcode.get(code, code) for code in errnos]
    got = errno.errorcode.get(caught.value.errno, caught.value.errno)
    assert caught.value.errno in errnos, f"{got}, not one of {names}"


def read(path):
    """A file's bytes, read to its end without asking its size."""
    handle = os.open(path, os.O_RDONLY)
    try:
        pieces = []
        while piece := os.read(handle, 131072):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(handle)
