"""The emulator answers as the API's description says, without any mount."""

import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from conftest import EMULATOR


class Client:
    """Plain requests to one emulator, each on a connection of its own."""

    def __init__(self, server):
        self.host = server.url.split("//")[1]
        self.server = server
        self.headers = {"X-API-Key": server.secret_key}

    def call(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.host, timeout=20)
        if isinstance(body, dict):
            body = json.dumps(body)
        try:
            connection.request(
                method, path, body,
                {key.replace("_", "-"): value for key, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def api(self, path, method="GET", body=None, headers=None, **query):
        """(status, decoded body) of an API call."""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        if headers is None:
            headers = self.headers
        status, _, text = self.call(method, path, body, **headers)
        return status, json.loads(text)

    def data(self, path, **rest):
        status, body = self.api(path, **rest)
        assert status == 200 and body["success"] is True, (status, body)
        return body["data"]

    def refused(self, path, **rest):
        """(status, code) of a call that is refused."""
        status, body = self.api(path, **rest)
        assert body["success"] is False
        return status, body["error"]["code"]

    def sign_in(self, password=None):
        return self.data("/v1/auth/email/signin", method="POST", body={
            "method": "password",
            "email": self.server.settings["BKEND_EMAIL"],
            "password": password or self.server.settings["BKEND_PASSWORD"]})

    def refresh(self, token):
        return self.api("/v1/auth/refresh", method="POST", body={"refreshToken": token})

    def bearer(self, token):
        return {"X-API-Key": self.server.key, "Authorization": f"Bearer {token}"}

    def ids(self, path, **query):
        return [item["id"] for item in self.data(path, **query)["items"]]

    def script(self, **answer):
        query = {name.replace("_", "-"): value for name, value in answer.items()}
        self.server.control("POST", "script?" + urllib.parse.urlencode(query), b"")

    def download(self, file_id):
        return self.data(f"/v1/files/{file_id}/download-url", method="POST")

    def object(self, file_id, method="GET", **headers):
        url = self.download(file_id)["url"]
        assert url.startswith(self.server.url)
        return self.call(method, url[len(self.server.url):], **headers)


@pytest.fixture
def client(emulator):
    """Factory: client(switches…) → a Client of a new emulator."""
    return lambda *switches: Client(emulator(*switches))


def put(client, table, *records):
    for record in records:
        client.server.put_record(table, record["id"], json.dumps(record).encode())


def where(**conditions):
    return json.dumps(conditions)


# Keys, sign-in and tokens ----------------------------------------------------


def test_the_two_keys_open_what_each_may(client):
    one = client()
    guest = {"X-API-Key": one.server.key}
    assert one.refused("/v1/posts", headers={}) == (401, "auth/invalid-api-key")
    wrong = {"X-API-Key": "pk_" + "0" * 64}
    assert one.refused("/v1/posts", headers=wrong) == (401, "auth/invalid-api-key")
    assert re.fullmatch("pk_[0-9a-f]{64}", one.server.key)
    assert re.fullmatch("sk_[0-9a-f]{64}", one.server.secret_key)
    one.data("/v1/posts", headers=guest)
    assert one.refused("/v1/drafts", headers=guest) == (403, "data/permission-denied")
    assert one.refused("/v1/files", headers=guest)[0] == 401
    one.data("/v1/drafts")
    one.data("/v1/files")
    user = one.bearer(one.sign_in()["accessToken"])
    one.data("/v1/drafts", headers=user)
    one.data("/v1/files", headers=user)
    assert one.data("/v1/auth/me", headers=user)["email"] == one.server.settings["BKEND_EMAIL"]
    assert one.refused("/v1/auth/me") == (401, "auth/unauthorized")


def test_tables_that_are_not_there_are_told_apart_from_system_tables(client):
    one = client()
    assert one.refused("/v1/nothing") == (404, "data/table-not-found")
    assert one.refused("/v1/data/_users") == (403, "data/system-table-access")
    assert one.refused("/v1/posts/nothing") == (404, "data/not-found")
    assert one.refused("/v1/files/nothing") == (404, "file/not-found")
    assert one.refused("/v2") == (404, "common/not-found")
    assert one.refused("/v1/posts", method="POST", body={})[0] == 405


def test_sign_in_names_what_is_wrong(client):
    one = client("--no-demo")
    def sign_in(body):
        return one.refused("/v1/auth/email/signin", method="POST", body=body)
    email = one.server.settings["BKEND_EMAIL"]
    assert sign_in({"email": "nobody", "password": "x"}) == (400, "auth/invalid-email")
    assert sign_in({"email": email, "password": "x"}) == (401, "auth/invalid-credentials")
    assert sign_in({"email": email}) == (401, "auth/invalid-credentials")
    assert sign_in("no json")[0] == 400
    assert sign_in("{" * 5000)[0] == 400
    assert sign_in(" " * (2 << 20))[0] == 413


def test_refresh_rotates_and_a_replay_ends_all_sessions(client):
    one = client("--no-demo")
    first, other = one.sign_in(), one.sign_in()
    status, body = one.refresh(first["refreshToken"])
    second = body["data"]
    assert status == 200 and second["refreshToken"] != first["refreshToken"]
    one.data("/v1/auth/me", headers=one.bearer(second["accessToken"]))
    status, body = one.refresh(first["refreshToken"])
    assert (status, body["error"]["code"]) == (401, "auth/invalid-refresh-token")
    for pair in (second, other):
        assert one.api("/v1/auth/me", headers=one.bearer(pair["accessToken"]))[0] == 401
        assert one.refresh(pair["refreshToken"])[1]["error"]["code"] == "auth/session-expired"
    assert one.refresh("nonsense")[1]["error"]["code"] == "auth/invalid-refresh-token"


@pytest.mark.parametrize("envelope", ["data", "bare"])
def test_tokens_are_found_by_who_unwraps_and_by_who_does_not(client, envelope):
    one = client("--no-demo", "--envelope", envelope)
    status, body = one.api("/v1/auth/email/signin", method="POST", body={
        "method": "password",
        "email": one.server.settings["BKEND_EMAIL"],
        "password": one.server.settings["BKEND_PASSWORD"]})
    for _ in range(2):
        assert status == 200 and body.pop("success") is True
        assert body.pop("data") == body
        assert body["tokenType"] == "Bearer" and body["expiresIn"] == 3600
        assert one.api("/v1/auth/me", headers=one.bearer(body["accessToken"]))[0] == 200
        status, body = one.refresh(body["refreshToken"])


def test_tokens_end_in_time_on_sign_out_and_on_command(client):
    one = client("--no-demo", "--token-ttl", "1")
    pair = one.sign_in()
    assert pair["expiresIn"] == 1
    me = one.bearer(pair["accessToken"])
    one.data("/v1/auth/me", headers=me)
    time.sleep(1.1)
    assert one.refused("/v1/auth/me", headers=me) == (401, "auth/access-token-expired")
    one.server.set(token_ttl=100)
    me = one.bearer(one.refresh(pair["refreshToken"])[1]["data"]["accessToken"])
    one.data("/v1/auth/me", headers=me)
    one.server.expire("tokens")
    assert one.api("/v1/auth/me", headers=me)[0] == 401
    pair = one.sign_in()
    one.server.expire("sessions")
    assert one.refresh(pair["refreshToken"])[0] == 401
    me = one.bearer(one.sign_in()["accessToken"])
    one.data("/v1/auth/signout", method="POST", headers=me)
    assert one.api("/v1/auth/me", headers=me)[0] == 401


# Tables ----------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_in_both_directions_hold_every_record_once(client, direction):
    one = client("--no-demo", "--generate", "t=257:120")
    seen = []
    for number in range(1, 5):
        page = one.data("/v1/t", page=number, limit=100, sortDirection=direction)
        seen += [item["id"] for item in page["items"]]
        assert page["pagination"] == {
            "total": 257, "page": number, "limit": 100, "totalPages": 3,
            "hasNext": number < 3, "hasPrev": number > 1}
    assert len(seen) == len(set(seen)) == 257
    assert seen == sorted(seen, reverse=direction == "desc")
    assert one.ids("/v1/data/t", limit=100) == sorted(seen, reverse=True)[:100]


def test_odd_pages_and_limits(client):
    one = client("--no-demo", "--generate", "t=30:120")
    assert len(one.ids("/v1/t")) == 20
    assert one.data("/v1/t", limit=10**30)["pagination"]["limit"] == 100
    assert one.ids("/v1/t", page=10**30) == []
    assert one.ids("/v1/t", page=2**63 - 1, limit=7) == []
    assert one.data("/v1/t", page=0, limit=0)["pagination"]["limit"] == 1
    for query in ({"page": "x"}, {"limit": "-1"}, {"sortDirection": "up"}):
        assert one.refused("/v1/t", **query)[0] == 400


def test_sorting_by_any_field(client):
    one = client("--no-demo")
    put(one, "t", {"id": "a", "n": 10, "updatedAt": "2024-01-03T00:00:00.000Z"},
        {"id": "b", "n": 9, "s": "é", "updatedAt": "2024-01-01T00:00:00.000Z"},
        {"id": "c", "n": 9.5, "updatedAt": "2024-01-02T00:00:00.000Z"}, {"id": "d"})
    assert one.ids("/v1/t", sortBy="n", sortDirection="asc") == ["d", "b", "c", "a"]
    assert one.ids("/v1/t", sortBy="n") == ["a", "c", "b", "d"]
    assert one.ids("/v1/t", sortBy="updatedAt") == ["a", "c", "b", "d"]
    assert one.ids("/v1/t", sortBy="s", limit=1) == ["b"]


def test_dates_in_other_forms_are_sorted_by_time(client):
    one = client("--no-demo")
    put(one, "t", {"id": "a", "updatedAt": 1704240000000},
        {"id": "b", "updatedAt": "2024-01-01 00:00:00+00"},
        {"id": "c", "updatedAt": {"$date": "2024-01-02T00:00:00.000Z"}},
        {"id": "d", "updatedAt": "1999-12-31"})
    assert one.ids("/v1/t", sortBy="updatedAt") == ["a", "c", "b", "d"]


FILTERS = [
    ({"n": 2}, "b"),
    ({"n": {"$ne": 2}}, "ac"),
    ({"n": {"$gt": 1, "$lte": 3}}, "bc"),
    ({"n": {"$in": [1, 3, "x"]}}, "ac"),
    ({"n": {"$nin": [1, 3]}}, "b"),
    ({"s": {"$regex": "^x\\d+$"}}, "a"),
    ({"s": {"$regex": "^X", "$options": "i"}}, "ab"),
    ({"s": {"$exists": False}}, "c"),
    ({"deep.er": {"$eq": True}}, "c"),
    ({"id": {"$gte": "b"}}, "bc"),
    ({"updatedAt": {"$gt": "2024-01-01T00:00:00.000Z"}}, "bc"),
    ({"updatedAt": {"$lt": "2024-01-03T00:00:00Z"}, "n": {"$gt": 1}}, "b"),
    ([{"n": {"$gt": 1}}, {"n": {"$lt": 3}}], "b"),
]


@pytest.mark.parametrize("conditions, expected", FILTERS)
def test_filters(client, conditions, expected):
    one = client("--no-demo")
    put(one, "t",
        {"id": "a", "n": 1, "s": "x12", "updatedAt": "2024-01-01T00:00:00.000Z"},
        {"id": "b", "n": 2, "s": "xyz", "updatedAt": "2024-01-02T00:00:00.000Z"},
        {"id": "c", "n": 3, "deep": {"er": True}, "updatedAt": "2024-01-03T00:00:00.000Z"})
    for sort in ({}, {"sortBy": "updatedAt"}, {"sortBy": "n"}):
        page = one.data("/v1/t", andFilters=json.dumps(conditions), sortDirection="asc", **sort)
        assert "".join(item["id"] for item in page["items"]) == expected
        assert page["pagination"]["total"] == len(expected)


def test_alternatives_search_and_refused_filters(client):
    one = client("--no-demo")
    put(one, "t", {"id": "a", "n": 1, "s": "One"}, {"id": "b", "n": 2, "s": ["two"]},
        {"id": "c", "n": 3, "s": "Three"})
    either = json.dumps([{"n": 1}, {"n": 3, "s": "Three"}])
    assert one.ids("/v1/t", orFilters=either) == ["c", "a"]
    assert one.ids("/v1/t", orFilters=either, andFilters=where(n={"$gt": 1})) == ["c"]
    assert one.ids("/v1/t", orFilters=where(n=1, s="Three")) == ["c", "a"]
    assert one.ids("/v1/t", search="TWO") == ["b"]
    for text in ("{", "7", '{"n":{"$bad":1}}', '{"n":{"$regex":"(("}}', '[1]', "[" * 3000):
        assert one.refused("/v1/t", andFilters=text)[0] == 400


TOKENS = (b'{ "id":"r", "big":1234567890123456789 ,"one":1.0,"huge":1e400,"esc":"\\u00e9\\/",'
          b'"twice":1,"twice":2,"createdAt":"2024-01-01T00:00:00.000Z" }')


def test_text_is_served_verbatim_and_selected_token_by_token(client):
    one = client("--no-demo")
    one.server.put_record("t", "r", TOKENS)
    one.server.set(envelope="bare")
    assert one.call("GET", "/v1/t/r", **one.headers)[2] == TOKENS
    assert TOKENS in one.call("GET", "/v1/t", **one.headers)[2]
    selected = one.call("GET", "/v1/t?select=huge,esc,twice,none", **one.headers)[2]
    assert (b'{"id":"r","createdAt":"2024-01-01T00:00:00.000Z","huge":1e400,'
            b'"esc":"\\u00e9\\/","twice":2}') in selected


def test_the_spec_and_the_openapi_document(client):
    one = client()
    spec = one.data("/v1/posts/spec")
    assert spec["tableName"] == "posts" and spec["schema"] and spec["permissions"]
    assert one.data("/v1/posts/openapi")["openapi"].startswith("3.0")


@pytest.mark.alone
def test_a_page_of_a_million_records_is_quick(client):
    one = client("--no-demo", "--generate", "t=1000000:400")
    connection = http.client.HTTPConnection(one.host, timeout=20)
    start = time.monotonic()
    for number in range(1, 101):
        for sort in ("id", "updatedAt"):
            connection.request(
                "GET", f"/v1/t?limit=100&page={number * 99}&sortBy={sort}", headers=one.headers)
            assert connection.getresponse().read().count(b'"title"') == 100
    connection.close()
    # Generous: the machine may be busy, and the build may be a checked one.
    assert (time.monotonic() - start) / 200 < 0.05


# Stored files ----------------------------------------------------------------


def test_the_file_list_has_names_of_its_own(client):
    one = client()
    page = one.data("/v1/files", limit=5)
    assert {"hasNextPage", "hasPrevPage"} < set(page["pagination"])
    names = [f["originalName"] for f in one.data("/v1/files", limit=100)["items"]]
    assert len(names) >= 25 and names.count("photo.png") == 2
    assert any("/" in name for name in names)
    file = page["items"][0]
    assert one.data(f"/v1/files/{file['id']}") == file
    answer = one.download(file["id"])
    assert answer["filename"] == file["originalName"] and answer["size"] == file["size"]


def test_objects_and_their_ranges(client):
    one = client("--no-demo")
    content = bytes(range(256)) * 8
    one.server.put_file("f", content, name="a b.bin", mime="x/y")
    status, headers, body = one.object("f")
    assert (status, body) == (200, content)
    assert headers["Content-Length"] == "2048" and headers["Accept-Ranges"] == "bytes"
    tag = headers["ETag"]
    for asked, part in (("0-0", content[:1]), ("5-9", content[5:10]), ("2000-", content[2000:]),
                        ("-3", content[-3:]), ("2040-9999", content[2040:]),
                        ("-9999", content)):
        status, headers, body = one.object("f", Range="bytes=" + asked)
        assert (status, body) == (206, part)
        assert headers["Content-Range"].endswith("/2048")
    for asked in ("2048-", "-0"):
        status, headers, _ = one.object("f", Range="bytes=" + asked)
        assert (status, headers["Content-Range"]) == (416, "bytes */2048")
    for asked in ("5-2", "x-", "0-1,3-4"):
        assert one.object("f", Range="bytes=" + asked)[0] == 200
    assert one.object("f", Range="bytes=0-0", If_Range=tag)[0] == 206
    assert one.object("f", Range="bytes=0-0", If_Range='"other"')[0] == 200
    assert one.object("f", If_Match=tag)[0] == 200
    assert one.object("f", If_Match='"other"')[0] == 412
    assert one.object("f", method="HEAD")[0] == 403
    one.server.put_file("f", content[1:])
    assert one.object("f", If_Match=tag)[0] == 412


def test_urls_are_signed_and_expire(client):
    one = client("--no-demo", "--url-ttl", "1")
    one.server.put_file("f", b"content")
    one.server.put_file("g", b"other")
    path = one.download("f")["url"][len(one.server.url):]
    assert one.call("GET", path)[2] == b"content"
    for bad in (path.replace("/f?", "/g?"), path[:-1] + ("0" if path[-1] != "0" else "1"),
                path.replace("expires=", "expires=9"), "/storage/f"):
        assert one.call("GET", bad)[0] == 403
    time.sleep(1.1)
    status, _, body = one.call("GET", path)
    assert status == 403 and b"expired" in body
    one.server.set(url_ttl=100)
    path = one.download("f")["url"][len(one.server.url):]
    assert one.call("GET", path)[0] == 200
    one.server.expire("urls")
    assert one.call("GET", path)[0] == 403


def test_generated_objects_are_the_same_however_they_are_read(client):
    one = client("--no-demo", "--generate-files", "2:3000000")
    first, second = one.ids("/v1/files")
    whole = one.object(first)[2]
    assert len(whole) == 3000000 and whole != one.object(second)[2]
    assert one.object(first, Range="bytes=1234567-2345678")[2] == whole[1234567:2345679]
    blocks = [whole[i:i + 4096] for i in range(0, len(whole), 4096)]
    assert len(set(blocks)) == len(blocks)


# Told to be slow, to fail and to lie -----------------------------------------


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


# What was saved --------------------------------------------------------------


def test_a_copied_mount_is_served_as_it_was(client, tmp_path):
    for name, text in (
            ("t/a.json", b' {"id":"a","n":1.0}\n'), ("t/%2Eb.json", b'{"id":".b"}'),
            ("t/.spec.json", b'{"tableName":"t"}'), ("storage.table/x.json", b'{"_id":"x"}'),
            ("files/f.json", b'{"id":"f","originalName":"a/b.txt","size":3}'),
            ("storage/f_a%2Fb.txt", b"abc")):
        path = tmp_path / "saved" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    one = client("--data", tmp_path / "saved", "--envelope", "bare")
    assert one.server.tables == ["storage", "t"]
    assert one.call("GET", "/v1/t/a", **one.headers)[2] == b'{"id":"a","n":1.0}'
    assert one.call("GET", "/v1/t/.b", **one.headers)[0] == 200
    assert one.call("GET", "/v1/t/spec", **one.headers)[2] == b'{"tableName":"t"}'
    assert one.call("GET", "/v1/storage/x", **one.headers)[2] == b'{"_id":"x"}'
    one.server.set(envelope="data")
    assert one.refused("/v1/storage/spec")[0] == 403
    assert one.object("f")[2] == b"abc"


def test_what_the_export_scripts_saved_is_served(client, tmp_path):
    (tmp_path / "t_page1.json").write_bytes(
        b'{"success":true,"data":{"items":[{"id":"b","n":1e400}, {"id":"a"}],"pagination":{}}}')
    (tmp_path / "t_page2.json").write_bytes(b'{"items":[{"id":"a"}]}')
    files = tmp_path / "bkend_files"
    files.mkdir()
    (files / "photo.png").write_bytes(b"pixels")
    (files / "65a000000000000000000009_two_words.txt").write_bytes(b"")
    os.utime(files / "photo.png", (1704067200, 1704067200))
    one = client("--data", tmp_path)
    assert one.ids("/v1/t") == ["b", "a"]
    assert b'{"id":"b","n":1e400}' in one.call("GET", "/v1/t", **one.headers)[2]
    named = {file["originalName"]: file for file in one.data("/v1/files")["items"]}
    assert named["two_words.txt"]["id"] == "65a000000000000000000009"
    assert named["photo.png"]["size"] == 6
    assert named["photo.png"]["createdAt"] == "2024-01-01T00:00:00.000Z"
    assert one.object(named["photo.png"]["id"])[2] == b"pixels"


@pytest.mark.parametrize("name, text", [
    ("t/a.json", b'{"id":"a"'),
    ("t/a.json", b"{}"),
    ("t_page1.json", b'{"items":['),
    ("t_page1.json", b"{}"),
    ("t/.spec.json", b""),
])
def test_a_damaged_backup_is_not_served(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text)
    done = subprocess.run([EMULATOR, "--data", tmp_path], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 1 and name in done.stderr and done.stdout == ""


def test_a_missing_object_is_named(tmp_path):
    (tmp_path / "storage").mkdir()
    (tmp_path / "files").mkdir()
    (tmp_path / "files/f.json").write_text('{"id":"f","originalName":"x"}')
    done = subprocess.run([EMULATOR, "--data", tmp_path], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 1 and "storage/f_x" in done.stderr


@pytest.mark.parametrize("files", [
    [], ["Documents/letter.txt"], ["files/letter.txt", "Documents/picture.png"],
    ["letter.json"],
])
def test_a_directory_that_is_no_backup_is_not_served(tmp_path, files):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    done = subprocess.run([EMULATOR, "--data", tmp_path], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert "this is no backup" in done.stderr


def test_a_backup_of_a_project_without_anything_is_one(client, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "storage").mkdir()
    assert client("--data", tmp_path).data("/v1/files")["items"] == []


# The command line, and hostile input -----------------------------------------


@pytest.mark.parametrize("words", [
    ["--nonsense"], ["--latency"], ["--latency", "x"], ["--lie", "x"], ["--fail", "200:500"],
    ["--fail", "5:x"], ["--rate-limit", "5"], ["--generate", "t"], ["--listen", "x"], ["word"],
    ["--connections", "0"], ["--client-timeout", "x"], ["--socket", "999"], ["--nonsense", "x"],
])
def test_wrong_usage_is_one_line(words):
    done = subprocess.run([EMULATOR, *words], capture_output=True, text=True, timeout=20,
                          check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"bkend-emulator: {words[0]}: ") or "--listen" in words


def test_localhost_is_an_address(client):
    assert client("--no-demo", "--listen", "localhost:0").server.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("address", [
    "example.com:80", "127.0.0.1", "127.0.0.1:http", "::1:80", ":80", "127.0.0.1:", "127.0.0.1:65536",
])
def test_what_is_no_address_is_told_how_to_write_one(address):
    done = subprocess.run([EMULATOR, "--no-demo", "--listen", address], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 2 and f"{address}: not ADDRESS:PORT" in done.stderr


def test_help_version_and_a_port_in_use(client):
    one = client("--no-demo")
    for words, status in ((["--help"], 0), (["--version"], 0), (["--listen", one.host], 1)):
        done = subprocess.run([EMULATOR, "--no-demo", *words], capture_output=True, text=True,
                              timeout=20, check=False)
        assert done.returncode == status
        assert done.stderr.count("\n") == status


def test_a_server_whose_settings_nobody_gets_does_not_serve():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([EMULATOR, "--no-demo"], stdout=full, stderr=subprocess.PIPE, timeout=20,
                              check=False)
    assert done.returncode == 1 and b"cannot write the settings" in done.stderr


def test_hostile_requests_do_no_harm(client):
    one = client("--generate", "t=5:100")
    for path in ("/v1/data/%00", "/v1/data/a%2Fb", "/v1/t/%00%ff", "/v1//", "/v1/t/a/b", "/%",
                 "/v1/t?%", "/v1/t?page=%00&&&=&==", "/v1/t?select=,,%00,", "/v1/t?sortBy=%00",
                 "/v1/t?search=%ff", "/v1/t?" + "&".join("a=b" for _ in range(1000)),
                 "/v1/t?sortBy=" + "." * 9000, "/v1/files/%2F/download-url",
                 "/storage/?expires=x&signature=", "/v1/t?andFilters=%7B%22%22%3A%7B%7D%7D"):
        status = one.call("GET", path, **one.headers)[0]
        assert status in (200, 400, 403, 404, 405), path
    for text in (b"GET\r\n\r\n", b"\x00" * 5000, b"GET / HTTP/1.1\r\n" + b"a" * 200000):
        with socket.create_connection(one.host.split(":"), timeout=5) as raw:
            try:
                raw.sendall(text)
                raw.shutdown(socket.SHUT_WR)
                raw.recv(1000)
            except OSError:
                pass
    one.data("/v1/t")
