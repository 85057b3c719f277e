"""Which pages of a browser may call the emulator, and what they may read."""

import subprocess

import pytest

from api_client import Client
from conftest import EMULATOR

PAGE = "http://localhost:3000"


def preflight(one, path, origin, method="GET", **headers):
    return one.call("OPTIONS", path, Origin=origin, Access_Control_Request_Method=method,
                    Access_Control_Request_Headers="authorization,x-api-key", **headers)


def names(value):
    return {name.strip().lower() for name in value.split(",")}


@pytest.fixture
def one(emulator):
    return Client(emulator())


@pytest.mark.parametrize("path", ["/v1/posts", "/v1/auth/email/signin", "/v1/nothing/at/all",
                                  "/storage/x", "/v1/posts/spec"])
def test_a_page_asks_first_and_needs_no_key_for_that(one, path):
    status, headers, body = preflight(one, path, PAGE, method="POST")
    assert (status, body) == (204, b"")
    assert headers["Access-Control-Allow-Origin"] == PAGE
    assert {"get", "post", "options"} <= names(headers["Access-Control-Allow-Methods"])
    assert names(headers["Access-Control-Allow-Headers"]) == {
        "authorization", "x-api-key", "content-type"}
    assert int(headers["Access-Control-Max-Age"]) > 0
    assert "origin" in names(headers["Vary"])


def test_a_refused_write_can_be_read_by_the_page_that_tried(one):
    for method in "PUT", "PATCH", "DELETE":
        _, headers, _ = preflight(one, "/v1/posts/x", PAGE, method=method)
        assert method.lower() in names(headers["Access-Control-Allow-Methods"])


OURS = ["http://localhost", "http://localhost:3000", "https://localhost:8443", "http://127.0.0.1:5173",
        "http://127.1.2.3", "http://[::1]:3000", "http://app.localhost:1", "HTTP://LOCALHOST:3000"]


@pytest.mark.parametrize("origin", OURS)
def test_pages_of_this_machine_may_read(one, origin):
    status, headers, _ = one.call("GET", "/v1/posts", Origin=origin, **one.headers)
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == origin
    assert "etag" in names(headers["Access-Control-Expose-Headers"])


NOT_OURS = ["https://example.com", "http://localhost.example.com", "http://127.0.0.1.example.com",
            "http://example.com:127", "http://192.168.1.2:3000", "http://[::2]", "null", "file://",
            "http://localhost@example.com", "http://example.com#.localhost", "http://notlocalhost",
            "localhost", "http://", "ftp://localhost", "http://example.com/.localhost", "*"]


@pytest.mark.parametrize("origin", NOT_OURS)
def test_no_other_page_may(one, origin):
    status, headers, _ = preflight(one, "/v1/posts", origin)
    assert status == 403
    for _, headers, _ in (preflight(one, "/v1/posts", origin),
                          one.call("GET", "/v1/posts", Origin=origin, **one.headers)):
        assert "origin" in names(headers["Vary"])
        assert not [name for name in headers if name.lower().startswith("access-control-")]


def test_errors_can_be_read_too(one):
    one.server.set(rate_limit="6/100")
    for path, status in (("/v1/posts", 401), ("/v1/nothing", 404), ("/v2", 404)):
        headers = {} if status == 401 else one.headers
        got, answer, _ = one.call("GET", path, Origin=PAGE, **headers)
        assert (got, answer["Access-Control-Allow-Origin"]) == (status, PAGE)
    got, answer, _ = one.call("POST", "/v1/posts", "{}", Origin=PAGE, **one.headers)
    assert (got, answer["Access-Control-Allow-Origin"]) == (405, PAGE)
    one.script(path="/v1/posts", count=1, status=500)
    got, answer, _ = one.call("GET", "/v1/posts", Origin=PAGE, **one.headers)
    assert (got, answer["Access-Control-Allow-Origin"]) == (500, PAGE)
    while got != 429:
        got, answer, _ = one.call("GET", "/v1/posts", Origin=PAGE, **one.headers)
    assert answer["Access-Control-Allow-Origin"] == PAGE
    assert {"retry-after", "x-ratelimit-remaining"} <= names(
        answer["Access-Control-Expose-Headers"])


def test_asking_first_costs_nothing_of_a_rate_limit(one):
    one.server.set(rate_limit="1/100")
    for _ in range(5):
        assert preflight(one, "/v1/posts", PAGE)[0] == 204
    assert one.api("/v1/posts")[0] == 200


def test_objects_can_be_read_too(one):
    file_id = next(item["id"] for item in one.data("/v1/files")["items"] if item["size"])
    status, headers, _ = one.object(file_id, Origin=PAGE, Range="bytes=0-0")
    assert (status, headers["Access-Control-Allow-Origin"]) == (206, PAGE)
    assert "content-range" in names(headers["Access-Control-Expose-Headers"])
    status, headers, _ = one.call("GET", "/storage/" + file_id, Origin=PAGE)
    assert (status, headers["Access-Control-Allow-Origin"]) == (403, PAGE)


def test_who_is_no_page_is_told_nothing_of_it(one):
    status, headers, _ = one.call("OPTIONS", "/v1/posts")
    assert status == 204 and "GET" in headers["Allow"]
    for _, headers, _ in one.call("OPTIONS", "/v1/posts"), one.call("GET", "/v1/posts"):
        assert not [name for name in headers if name.lower().startswith("access-control-")]


def test_origins_can_be_allowed(emulator):
    one = Client(emulator("--allow-origin", "https://example.com", "--allow-origin=null"))
    for origin in "https://example.com", "null", PAGE:
        assert preflight(one, "/v1/posts", origin)[0] == 204
        _, headers, _ = one.call("GET", "/v1/posts", Origin=origin, **one.headers)
        assert headers["Access-Control-Allow-Origin"] == origin
    for origin in "http://example.com", "https://example.com:8443", "https://www.example.com":
        assert preflight(one, "/v1/posts", origin)[0] == 403


@pytest.mark.parametrize("origin", ["", "*", "example.com", "https://example.com/", "https://a b"])
def test_what_is_no_origin_cannot_be_allowed(origin):
    ran = subprocess.run([EMULATOR, "--allow-origin", origin], capture_output=True, text=True,
                         timeout=20, check=False)
    assert ran.returncode == 2 and "--allow-origin" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_page_from_elsewhere_may_come_to_this_machine_if_it_was_allowed(emulator):
    one = Client(emulator("--allow-origin", "https://example.com"))
    ask = {"Access_Control_Request_Private_Network": "true"}
    _, headers, _ = preflight(one, "/v1/posts", "https://example.com", **ask)
    assert headers["Access-Control-Allow-Private-Network"] == "true"
    _, headers, _ = preflight(one, "/v1/posts", "https://example.com")
    assert "Access-Control-Allow-Private-Network" not in headers
    _, headers, _ = preflight(one, "/v1/posts", "https://example.org", **ask)
    assert "Access-Control-Allow-Private-Network" not in headers


def test_the_control_interface_is_for_no_page(one):
    status, headers, _ = preflight(one, "/_emulator/stats", PAGE)
    assert "Access-Control-Allow-Origin" not in headers
    _, headers, _ = one.call("GET", "/_emulator/stats", Origin=PAGE)
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("origin", ["https://example.com", "null", PAGE, "{own}"])
def test_no_page_drives_the_emulator(one, origin):
    origin = origin.format(own=one.server.url)
    kinds = {"Origin": origin, "Content_Type": "text/plain"}
    for method, path in (("POST", "/_emulator/set?latency=1000"), ("POST", "/_emulator/reset"),
                         ("PUT", "/_emulator/data/posts/x"), ("DELETE", "/_emulator/files/x"),
                         ("POST", "/_emulator/expire?what=sessions")):
        status, _, body = one.call(method, path, "{}", **kinds)
        assert status == 403 and b"no page" in body
    assert one.server.stats()["requests"] == 0
    assert one.data("/v1/posts", limit=1)["items"][0]["id"] != "x"
