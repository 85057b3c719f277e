"""The emulator's command line, and hostile requests to it."""

import socket
import subprocess

import pytest

from conftest import EMULATOR


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
