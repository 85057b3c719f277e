"""The emulator is told to be slow, to fail and to lie, and is."""

import http.client
import re
import socket
import threading
import time

import pytest

from api_client import put


def test_the_rate_limit(client):
    one = client("--no-demo", "--generate", "t=5:100", "--rate-limit", "3/2")
    for left in (2, 1, 0):
        status, headers, _ = one.call("GET", "/v1/t", **one.headers)
        assert (status, headers["X-RateLimit-Limit"]) == (200, "3")
        assert headers["X-RateLimit-Remaining"] == str(left)
    status, headers, body = one.call("GET", "/v1/t", **one.headers)
    assert status == 429 and b"data/rate-limit-exceeded" in body
    assert 1 <= int(headers["Retry-After"]) <= 2
    time.sleep(2.1)
    assert one.call("GET", "/v1/t", **one.headers)[0] == 200


@pytest.mark.alone
def test_latency_holds_up_nobody_else(client):
    one = client("--no-demo", "--generate", "t=5:100", "--latency", "300")
    start = time.monotonic()
    threads = [threading.Thread(target=one.data, args=("/v1/t",)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.3 <= time.monotonic() - start < 3
    stats = one.server.stats()
    assert stats["inflight_max"] > 20 and stats["requests"] == stats["pages"] == 40
    assert stats["connections"] == 40 and stats["by_status"] == {"200": 40}


@pytest.mark.alone
def test_the_storage_rate(client):
    one = client("--no-demo", "--generate-files", "1:100000", "--storage-rate", "100000")
    file_id, = one.ids("/v1/files")
    start = time.monotonic()
    assert len(one.object(file_id)[2]) == 100000
    assert 0.8 < time.monotonic() - start < 3


def test_faults_of_each_kind(client):
    one = client("--no-demo", "--generate", "t=50:100")
    one.server.put_file("f", b"x" * 1000)
    for status in (500, 503):
        one.server.set(fail=f"100:{status}:API")
        assert one.api("/v1/t")[0] == status
        one.server.set(fail="")
    one.server.set(fail="100:reset")
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        one.api("/v1/t")
    one.server.set(fail="")
    one.server.set(fail="100:cut:API")
    with pytest.raises(http.client.IncompleteRead):
        one.api("/v1/t")
    one.server.set(fail="")
    path = one.download("f")["url"][len(one.server.url):]
    one.server.set(fail="100:cut:STORAGE")
    one.data("/v1/t")
    with pytest.raises(http.client.IncompleteRead) as cut:
        one.call("GET", path)
    assert len(cut.value.partial) == 500
    one.server.set(fail="")
    one.server.set(fail="100:stall")
    with socket.create_connection(one.host.split(":"), timeout=1) as stalled:
        stalled.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        received = b""
        with pytest.raises(TimeoutError):
            while True:
                received += stalled.recv(65536)
        assert received.endswith(b"x" * 500) and b"Content-Length: 1000" in received
    one.server.set(fail="")
    one.data("/v1/t")


def test_answers_of_others_and_halves(client):
    one = client("--no-demo", "--generate", "t=5:100")
    one.server.put_file("f", b"x" * 1000)
    whole = one.call("GET", "/v1/t", **one.headers)[2]
    one.server.set(fail="100:half")
    status, _, half = one.call("GET", "/v1/t", **one.headers)
    assert status == 200 and half == whole[: len(whole) // 2]
    one.server.set(fail="")
    path = one.download("f")["url"][len(one.server.url):]
    one.server.set(fail="100:page")
    status, headers, page = one.call("GET", "/v1/t", **one.headers)
    assert status == 200 and page.startswith(b"<!doctype html>")
    assert headers["Content-Type"] == "text/html"
    # An object is whatever it is.
    assert one.call("GET", path)[2] == b"x" * 1000


def test_who_comes_before_he_was_told_to_is_counted(client):
    one = client("--no-demo", "--generate", "t=5:100", "--fail", "100:429:API")
    status, headers, _ = one.call("GET", "/v1/t", **one.headers)
    assert (status, headers["Retry-After"]) == (429, "1")
    one.server.set(fail="")
    one.api("/v1/data/t/spec")  # this was not told to wait
    assert one.server.stats()["early"] == 0
    one.api("/v1/t")
    assert one.server.stats()["early"] == 1
    time.sleep(1.1)
    one.api("/v1/t")
    assert one.server.stats()["early"] == 1


def test_a_seed_chooses_the_same_faults_in_any_order(client):
    def fates(seed, pages):
        one = client(
            "--no-demo", "--generate", "t=5:100", "--fail", "50:500", "--seed", seed
        )
        return {
            (page, number): one.api("/v1/t", page=page)[0]
            for number in range(3) for page in pages
        }

    first = fates(7, range(1, 30))
    assert fates(7, range(29, 0, -1)) == first
    assert fates(8, range(1, 30)) != first


def test_some_faults_are_some(client):
    one = client("--no-demo", "--generate", "t=5:100", "--fail", "30:500")
    failed = sum(one.api("/v1/t")[0] == 500 for _ in range(300))
    assert 50 < failed < 140


def test_lies_about_files(client):
    one = client("--no-demo")
    one.server.put_file("f", b"x" * 1000)
    one.server.put_file("n", b"y", size="none")
    assert "size" not in one.data("/v1/files/n")
    for lie, size in (("size", 500), ("size-large", 2010), ("size-zero", 0)):
        one.server.set(lie=lie)
        assert one.data("/v1/files/f")["size"] == size == one.download("f")["size"]
        one.server.set(lie="")
    one.server.set(lie="size-missing")
    assert "size" not in one.data("/v1/files/f")
    assert all("size" not in item for item in one.data("/v1/files")["items"])
    one.server.set(lie="")
    one.server.set(lie="no-range")
    assert one.object("f", Range="bytes=0-9")[0] == 200


def test_lies_about_listings(client):
    one = client("--no-demo", "--generate", "t=60:100")
    truth = one.ids("/v1/t")
    ascending = {"sortDirection": "asc"}
    one.server.set(lie="no-sort")
    assert one.ids("/v1/t", **ascending) == truth
    one.server.set(lie="")
    by_title = one.ids("/v1/t", sortBy="title")
    assert by_title != truth
    one.server.set(lie="no-sort-field")
    assert one.ids("/v1/t", sortBy="title") == truth
    one.server.set(lie="")
    one.server.set(lie="no-select")
    assert one.refused("/v1/t", select="id")[0] == 400
    one.server.set(lie="no-filter")
    assert one.refused("/v1/t", andFilters="{}")[0] == 400
    one.server.set(lie="")
    for lie, total in (("total-low", 30), ("total-high", 91)):
        one.server.set(lie=lie)
        assert one.data("/v1/t")["pagination"]["total"] == total
        one.server.set(lie="")
    one.server.set(lie="repeat-page")
    assert one.ids("/v1/t", page=2) == truth
    one.server.set(lie="no-items")
    assert "items" not in one.data("/v1/t")


def test_the_forms_that_answers_may_have(client):
    one = client("--no-demo", "--generate", "t=60:100", "--envelope", "bare")
    def page():
        return one.api("/v1/t")[1]
    assert list(page()) == ["items", "pagination"]
    one.server.set(key_order="first")
    assert list(page()) == ["pagination", "items"]
    one.server.set(paging="nextpage")
    assert page()["pagination"]["hasNextPage"] is True
    one.server.set(paging="none")
    assert set(page()["pagination"]) == {"page", "limit", "total", "totalPages"}
    one.server.set(errors="2")
    assert one.api("/v1/x")[1] == {
        "statusCode": 404, "error": "TABLE_NOT_FOUND", "message": "There is no such table"}
    one.server.set(errors="3")
    assert one.api("/v1/x")[1]["error"]["code"] == "TABLE_NOT_FOUND"


def test_scripted_answers(client):
    one = client("--no-demo", "--generate", "t=5:100")
    one.script(path="/v1/t", count=2, status=429, retry_after=7, body='{"a":1}')
    for _ in range(2):
        status, headers, body = one.call("GET", "/v1/t", **one.headers)
        assert (status, headers["Retry-After"], body) == (429, "7", b'{"a":1}')
    one.data("/v1/t")
    one.script(path="/v1/t", kind="cut")
    with pytest.raises(http.client.IncompleteRead):
        one.api("/v1/t")
    one.data("/v1/t")


def test_a_table_that_changes_keeps_what_was_promised(client):
    one = client("--no-demo", "--generate", "t=200:100", "--mutate", "1000")
    first = one.ids("/v1/t", limit=100, sortDirection="asc")
    put(one, "t", {"id": "keep-me"})
    time.sleep(1.5)
    one.server.set(mutate=0)
    time.sleep(0.2)
    now = []
    while len(now) % 100 == 0:
        now += one.ids("/v1/t", limit=100, page=len(now) // 100 + 1, sortDirection="asc")
    assert now == sorted(set(now)) and "keep-me" in now
    assert set(now) != set(first)
    newest = one.data("/v1/t", sortBy="updatedAt", limit=1)["items"][0]
    assert newest["updatedAt"] > "2025"


def test_the_log_names_requests_and_what_they_carried(client):
    one = client("--no-demo", "--generate-files", "1:10")
    file_id, = one.ids("/v1/files", limit=1)
    one.object(file_id, Range="bytes=1-2")
    lines = one.server.log.read_text().splitlines()
    assert lines[0] == "GET /v1/files?limit=1 200 key"
    assert re.fullmatch(r"GET /storage/\S+ 206 range=bytes=1-2", lines[2])
