"""A table of many pages that costs its server next to nothing: pages are made
as they are asked for, and large ones as they are sent."""

import threading
from collections import Counter

from odd_server import Reply
from records import record


class PagedTable:
    """Pages of 100 records of an OddServer's table, before it serves them
    itself: PagedTable(server, "t", 300).

    asked counts the pages by number. Before a page is answered before(page) is
    called, outside of any lock; it may wait, and may return a Reply."""

    def __init__(self, server, table, pages, extra=b"", before=None):
        self.table = table
        self.pages = pages
        self.asked = Counter()
        self.before = before
        self._extra = extra
        self._lock = threading.Lock()
        server.tables[table] = []
        server.hooks.append(self._answer)

    def _answer(self, request):
        if not request.is_page(self.table) or set(request.query) != {
            "page", "limit", "sortDirection",
        }:
            return None
        assert request.query["limit"] == "100"
        page = int(request.query["page"])
        with self._lock:
            self.asked[page] += 1
        reply = self.before(page) if self.before else None
        return reply or Reply(body=self.body(page))

    def records(self, page):
        if page > self.pages:
            return []
        return [
            record(number, self._extra)
            for number in range((page - 1) * 100, page * 100)
        ]

    def body(self, page):
        return b'{"success":true,"data":{"items":[%s],"pagination":%s}}' % (
            b",".join(self.records(page)),
            b'{"total":%d,"page":%d,"limit":100,"totalPages":%d,"hasNext":%s}'
            % (
                self.pages * 100,
                page,
                self.pages,
                b"true" if page < self.pages else b"false",
            ),
        )

    def requests(self):
        """How many pages were asked for so far, again or not."""
        with self._lock:
            return sum(self.asked.values())
