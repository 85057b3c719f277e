"""A server that limits requests is asked again when it said so, not before."""

import email.utils
import math
import os
import threading
import time

import pytest

from conftest import wait_until
from odd_server import Reply
from paged import PagedTable
from records import record_names

CONNECTIONS = 16  # the default


class Quota:
    """So many pages a window, which ends a second after its first refusal: so
    it comes to one however slow the machine is.

    told says how a refusal names the end of the window: "seconds", "date" or
    "nothing". refusals holds (when, end as named), on the monotonic clock."""

    def __init__(self, most, told):
        self.most = most
        self.told = told
        self.arrivals = []
        self.refusals = []
        self._end = 0
        self._used = 0
        self._lock = threading.Lock()

    def __call__(self, page):
        with self._lock:
            now = time.monotonic()
            self.arrivals.append(now)
            if self._end and now >= self._end:
                self._end, self._used = 0, 0
            self._used += 1
            if self._used <= self.most:
                return None
            self._end = self._end or now + 1
            return self._refuse(now)

    def _refuse(self, now):
        headers = {}
        if self.told == "seconds":
            named = math.ceil(self._end - now)
            headers["Retry-After"] = str(named)
            self._end = now + named
        elif self.told == "date":
            # A date has no fractions: the window grows to the next second.
            wall = time.time()
            named = math.ceil(wall + self._end - now - 0.001)
            headers["Retry-After"] = email.utils.formatdate(named, usegmt=True)
            self._end = now + named - wall
        self.refusals.append((now, self._end))
        return Reply(
            429,
            b'{"success":false,"error":{"code":"data/rate-limit-exceeded",'
            b'"message":"Too many requests"}}',
            headers,
        )

    def episodes(self):
        """The refusals, as [(first, end as the first named it)]."""
        found = []
        for when, end in self.refusals:
            if not found or when >= found[-1][1]:
                found.append((when, end))
        return found

    def arrived(self, begin, end):
        return sum(1 for at in self.arrivals if begin < at < end)


@pytest.mark.parametrize(
    "told, pages", [("seconds", 300), ("date", 150), ("nothing", 150)]
)
def test_a_listing_under_a_quota_waits_as_told_and_is_whole(odd, mount, told, pages):
    server = odd()
    quota = Quota(100, told)
    table = PagedTable(server, "t", pages, before=quota)
    m = mount(server, "-o", "retry=0")
    assert sorted(os.listdir(m / "t")) == record_names(pages * 100)
    episodes = quota.episodes()
    assert len(episodes) >= (pages - 1) // 100
    for first, end in episodes:
        # Those that were under way already arrive, and nobody else.
        assert quota.arrived(first, end) <= CONNECTIONS - 1
    # Nothing was asked for again but what was refused.
    assert table.requests() == pages + len(quota.refusals)
    assert len(quota.refusals) <= len(episodes) * CONNECTIONS


def test_one_who_is_refused_speaks_for_all(odd, mount):
    """Others are not even tried, be they about to be sent or new."""
    server = odd()
    quota = Quota(3, "seconds")
    tables = [PagedTable(server, name, 3, before=quota) for name in "tuv"]
    m = mount(server, "-o", "retry=0,connections=1")
    listed = {}

    def list_one(name):
        listed[name] = sorted(os.listdir(m / name))

    listers = [
        threading.Thread(target=list_one, args=(name,), daemon=True)
        for name in "tuv"
    ]
    for lister in listers[:2]:
        lister.start()
    wait_until(lambda: quota.refusals, 20, "the first refusal")
    listers[2].start()
    for lister in listers:
        lister.join(30)
    assert listed == dict.fromkeys("tuv", record_names(300))
    for first, end in quota.episodes():
        assert quota.arrived(first, end) == 0
    refused = len(quota.refusals)
    assert sum(table.requests() for table in tables) == 9 + refused
