"""What happens to the data directory while it is served, and contents that are
larger than any memory."""

import json
import os
import shutil

import pytest

from api_client import Client

TIMES = {"createdAt": "2024-01-01T00:00:00.000Z", "updatedAt": "2024-01-01T00:00:00.000Z"}


def _record(id, **rest):
    return json.dumps({"id": id, **TIMES, **rest}).encode()


@pytest.fixture
def backup(work):
    root = work / "backup"
    for name, text in {
        "t/a.json": _record("a", v="x" * 50),
        "t/b.json": _record("b"),
        "u_page1.json": b'{"items":[%s,%s]}' % (_record("a"), _record("b")),
        "files/f.json": _record("f", originalName="n", size=5),
        "storage/f_n": b"hello",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text)
    return root


@pytest.fixture
def served(emulator, backup):
    return Client(emulator("--data", backup))


def _put_in_place(path, what):
    path.unlink()
    if what == "link":
        path.symlink_to("/etc/passwd")
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "directory":
        path.mkdir()
    elif what is not None:
        path.write_bytes(what)


@pytest.mark.parametrize("what", [
    _record("a", v="y" * 500), b"{", _record("c", v="y" * 50), b"", None, "link", "pipe",
    "directory",
], ids=["longer", "shorter", "another", "empty", "gone", "link", "pipe", "directory"])
def test_a_record_that_is_another_now_is_not_served(served, backup, what):
    assert served.ids("/v1/t") == ["b", "a"]
    _put_in_place(backup / "t/a.json", what)
    for path in ("/v1/t", "/v1/t/a", "/v1/t?sortBy=v", "/v1/t?search=y"):
        status, body = served.api(path)
        assert (status, body["error"]["code"]) == (500, "common/internal-error"), path
        assert "since it was loaded" in body["error"]["message"]
    assert served.data("/v1/t/b")["id"] == "b"


def test_records_are_not_cut_out_of_a_page_that_was_written_again(served, backup):
    page = backup / "u_page1.json"
    page.write_bytes(b" " * 20 + page.read_bytes())
    assert served.api("/v1/u")[0] == 500
    assert served.ids("/v1/t") == ["b", "a"]


def test_an_object_that_is_another_now_has_another_tag(served, backup):
    status, headers, body = served.object("f")
    assert (status, body) == (200, b"hello")
    (backup / "storage/f_n").write_bytes(b"hello world")
    status, later, body = served.object("f", If_Range=headers["ETag"], Range="bytes=1-2")
    assert (status, body) == (200, b"hello world")
    assert later["ETag"] != headers["ETag"]


@pytest.mark.parametrize("what", [None, "link", "pipe", "directory"])
def test_what_is_no_object_any_more_is_not_there(served, backup, what):
    _put_in_place(backup / "storage/f_n", what)
    status, _, body = served.object("f")
    assert status == 404 and b"NoSuchKey" in body
    assert served.ids("/v1/t") == ["b", "a"]


@pytest.mark.parametrize("name", ["", "storage"])
def test_no_link_that_came_later_leads_out(served, backup, work, name):
    elsewhere = work / "elsewhere"
    url = served.download("f")["url"][len(served.server.url):]
    shutil.copytree(backup, elsewhere)
    (elsewhere / "storage/f_n").write_bytes(b"secret")
    (backup / name).rename(work / "away")
    (backup / name).symlink_to(elsewhere / name)
    assert served.call("GET", url)[0] == 404


# Contents larger than memory -----------------------------------------------------


def _most_memory(server):
    """The most that it has had at once, in KiB."""
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


SIZE = 4 << 30
AT = 3 << 30


def test_a_large_object_takes_no_memory(emulator, backup):
    with open(backup / "storage/f_n", "r+b") as file:
        file.truncate(SIZE)
        file.seek(AT)
        file.write(b"MARK")
    server = emulator("--data", backup)
    one = Client(server)
    before = _most_memory(server)
    status, headers, body = one.object("f", Range=f"bytes={AT}-{AT + 3}")
    assert (status, body) == (206, b"MARK")
    status, last, body = one.object("f", Range="bytes=-3")
    assert body == b"\0\0\0" and last["Content-Range"] == f"bytes {SIZE - 3}-{SIZE - 1}/{SIZE}"
    assert last["ETag"] == headers["ETag"]
    assert one.object("f", If_None_Match=headers["ETag"])[0] == 304
    # All of it from the middle on, of which we take in some.
    length = 128 << 20
    status, _, body = one.object("f", Range=f"bytes={AT}-{AT + length - 1}")
    assert status == 206 and len(body) == length and body[:4] == b"MARK"
    assert one.data("/v1/files")["items"][0]["id"] == "f"
    assert _most_memory(server) - before < 32 << 10


def test_a_content_is_another_though_its_time_was_put_back(served, backup):
    """Else pieces of both would be put together."""
    path = backup / "storage/f_n"
    old = served.object("f")[1]["ETag"]
    piece = {"If-Range": old, "Range": "bytes=1-2"}
    assert served.object("f", **piece)[0] == 206
    stat = path.stat()
    while path.stat().st_ctime_ns == stat.st_ctime_ns:
        path.write_bytes(b"HELLO")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    status, headers, body = served.object("f", **piece)
    assert (status, body) == (200, b"HELLO") and headers["ETag"] != old
