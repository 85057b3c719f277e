"""Proxies: never between us and this machine, by CONNECT to all others."""

import errno
import os

import pytest

from conftest import run
from jsontext import pretty
from odd_server import EMAIL, PASSWORD, PUBLISHABLE, Reply
from proxy import Proxy, Relay
from records import fails, oid, read, record, record_names, records
from test_tls import Front

CONTENT = b"content" * 100000
STORED = f"storage/{oid(1)}_f"
VARIABLES = [
    "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
]


@pytest.fixture
def proxy():
    one = Proxy()
    yield one
    one.stop()


@pytest.fixture
def relay():
    """Factory: relay(address, port) → a Relay."""
    started = []

    def start(address, port):
        started.append(Relay(address, port))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = records(3)
    server.put_file(oid(1), "f", CONTENT)
    return server


@pytest.fixture
def front(project, work):
    """The same project behind TLS, under names that only the proxy knows."""
    site = Front(work, project, "DNS:api.example,DNS:store.example,IP:127.0.0.1")
    site.port = int(site.url.rsplit(":", 1)[1])
    project.storage.url = "https://store.example"
    yield site
    site.stop()


def _looks_right(m):
    assert sorted(os.listdir(m / "posts")) == record_names(3)
    assert read(m / f"posts/{oid(1)}.json") == pretty(record(1))
    assert read(m / STORED) == CONTENT


def _told_nothing(proxy, project):
    for secret in [PUBLISHABLE, PASSWORD, EMAIL, *project.issued, *project.storage.grants]:
        assert secret.encode() not in proxy.told
    for word in (b"x-api-key", b"authorization", b"x-amz-"):
        assert word not in proxy.told.lower()


# This machine --------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["url", "socks"])
@pytest.mark.parametrize("exception", [{}, {"NO_PROXY": "x.example"}, {"no_proxy": ""}], ids=str)
def test_no_variable_puts_a_proxy_before_this_machine(project, proxy, mount, scheme, exception):
    env = dict.fromkeys(VARIABLES, getattr(proxy, scheme)) | exception
    _looks_right(mount(project, env=env))
    assert proxy.asked == []
    for request in project.storage.log:
        assert "x-api-key" not in request.headers
        assert "authorization" not in request.headers


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy", "ALL_PROXY"])
def test_each_variable_alone_is_of_no_account(project, proxy, mount, variable):
    _looks_right(mount(project, env={variable: proxy.url}))
    assert proxy.asked == []


@pytest.mark.parametrize("address, host", [
    ("127.0.0.1", "localhost"), ("127.8.9.1", "127.8.9.1"), ("::1", "[::1]"),
    ("127.0.0.1", "127.1"), ("127.0.0.1", "LOCALHOST"),
])
def test_this_machine_has_many_names(project, proxy, relay, mount, address, host):
    port = relay(address, project.port).port
    env = dict.fromkeys(VARIABLES, proxy.url) | {"BKEND_API_URL": f"http://{host}:{port}"}
    _looks_right(mount(project, env=env))
    assert proxy.asked == []


def test_the_demo_needs_no_proxy(proxy, start):
    said = start(None, "--demo", env=dict.fromkeys(VARIABLES, proxy.url))
    assert said.status == 0, said.errors
    assert len(os.listdir(said.path)) == 5 + 2
    stored = sorted(os.listdir(said.path / "storage"))
    assert read(said.path / "storage" / stored[0])
    assert proxy.asked == []


def test_tls_to_this_machine_needs_no_proxy_either(project, proxy, front, mount):
    project.storage.url = front.url
    env = dict.fromkeys(VARIABLES, proxy.url)
    _looks_right(mount(front, "-o", f"cacert={front.ca}", env=env))
    assert proxy.asked == []


# Elsewhere -----------------------------------------------------------------


@pytest.mark.parametrize("variable, scheme", [
    ("https_proxy", "url"), ("HTTPS_PROXY", "url"), ("ALL_PROXY", "url"), ("ALL_PROXY", "socks"),
])
def test_other_hosts_are_reached_through_the_proxy(
    project, proxy, front, mount, variable, scheme
):
    for host in ("api.example", "store.example"):
        proxy.routes[f"{host}:443"] = front.port
    env = {variable: getattr(proxy, scheme), "BKEND_API_URL": "https://api.example"}
    _looks_right(mount(front, "-o", f"cacert={front.ca}", env=env))
    word = "CONNECT" if scheme == "url" else "SOCKS"
    assert set(proxy.asked) == {f"{word} api.example:443", f"{word} store.example:443"}
    _told_nothing(proxy, project)
    assert project.storage.log
    for request in project.storage.log:
        assert "x-api-key" not in request.headers
        assert "authorization" not in request.headers


def test_what_the_environment_excepts_is_excepted(project, proxy, front, start):
    """Without the proxy the name cannot be found."""
    proxy.routes["api.example:443"] = front.port
    for name in ("no_proxy", "NO_PROXY"):
        for hosts in ("api.example", "x.example, .example", "*"):
            env = {
                "https_proxy": proxy.url, "BKEND_API_URL": "https://api.example",
                "BKENDFS_CACHE_DIR": None, name: hosts,
            }
            said = start(front, "-o", f"retry=0,cacert={front.ca}", env=env)
            assert said.status == 1 and "api.example" in said.message
    assert proxy.asked == []


# Redirects -----------------------------------------------------------------


def _redirect(project, to):
    """The store sends everybody somewhere else, who then gets the object."""

    def hook(request):
        if request.path.startswith("/bucket/moved"):
            return project.storage.serve(request, CONTENT, '"e"')
        return Reply(302, b"", {"Location": to + "/bucket/moved?X-Amz-Signature=redirected"})

    project.storage.hooks.append(hook)


@pytest.mark.wire("another host, of plain HTTP")
def test_a_redirect_to_another_host_goes_through_the_proxy(project, proxy, front, mount):
    proxy.routes["store.example:443"] = front.port
    project.storage.url = f"http://127.0.0.1:{project.storage.port}"
    _redirect(project, "https://store.example")
    env = project.env() | dict.fromkeys(VARIABLES, proxy.url)
    assert read(mount(project, "-o", f"cacert={front.ca}", env=env) / STORED) == CONTENT
    assert set(proxy.asked) == {"CONNECT store.example:443"}
    _told_nothing(proxy, project)
    assert b"redirected" not in proxy.told


@pytest.mark.wire("another host, of plain HTTP")
def test_a_redirect_to_this_machine_goes_around_the_proxy(project, proxy, front, mount):
    proxy.routes["store.example:443"] = front.port
    _redirect(project, front.url)
    env = project.env() | dict.fromkeys(VARIABLES, proxy.url)
    assert read(mount(project, "-o", f"cacert={front.ca}", env=env) / STORED) == CONTENT
    assert set(proxy.asked) == {"CONNECT store.example:443"}
    assert any("/moved" in request.path for request in project.storage.log)
    for request in project.storage.log:
        assert "x-api-key" not in request.headers
        assert "authorization" not in request.headers


def test_a_redirect_to_another_host_in_the_clear_is_not_followed(project, proxy, mount):
    _redirect(project, "http://store.example")
    m = mount(project, "-o", "retry=1", env=dict.fromkeys(VARIABLES, proxy.url))
    with fails(errno.EPROTO, errno.EIO):
        read(m / STORED)
    assert proxy.asked == [] and proxy.told == b""
    assert run("ls", m / "posts").returncode == 0
