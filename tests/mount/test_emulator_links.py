"""Symbolic links in a backup lead nowhere."""

import re

import pytest

from api_client import Client


@pytest.fixture
def backup(work):
    posts = work / "backup/posts"
    posts.mkdir(parents=True)
    (posts / "a.json").write_text('{"id":"a"}')
    return posts.parent


def test_links_are_named_and_not_served(emulator, backup, work):
    secret = work / "secret"
    secret.mkdir()
    (secret / "x.json").write_text('{"id":"x","secret":"key"}')
    (secret / ".spec.json").write_text('{"secret":"key"}')
    (secret / "photo").write_text("secret")
    (backup / "posts/x.json").symlink_to(secret / "x.json")
    (backup / "posts/.spec.json").symlink_to("../../secret/.spec.json")
    (backup / "table").symlink_to(secret)
    (backup / "page_page1.json").symlink_to(secret / "x.json")
    (backup / "bkend_files").mkdir()
    (backup / "bkend_files/photo").symlink_to(secret / "photo")
    (backup / "bkend_files/fine").write_text("fine")
    (backup / "posts/dangling.json").symlink_to("nowhere")
    one = Client(emulator("--data", backup))
    assert one.server.tables == ["posts"]
    assert one.ids("/v1/posts") == ["a"]
    assert one.refused("/v1/posts/spec")[0] in (403, 404)
    assert [file["originalName"] for file in one.data("/v1/files")["items"]] == ["fine"]
    said = one.server.errors.read_text()
    for name in ("posts/x.json", "posts/.spec.json", "table", "page_page1.json",
                 "bkend_files/photo", "posts/dangling.json"):
        assert re.search(rf"/{re.escape(name)}: .*link", said), (name, said)


def test_an_object_that_is_a_link_is_missing(emulator, backup, work):
    (work / "secret").write_text("secret")
    (backup / "files").mkdir()
    (backup / "storage").mkdir()
    (backup / "files/f.json").write_text('{"id":"f","originalName":"n"}')
    (backup / "storage/f_n").symlink_to(work / "secret")
    one = Client(emulator("--data", backup))
    said = one.server.errors.read_text()
    assert re.search(r"storage/f_n: .*link", said) and "storage/f_n is missing" in said
    assert one.object("f")[0] == 404


@pytest.mark.parametrize("what", ["file", "directory"])
def test_what_becomes_a_link_later_is_not_followed(emulator, backup, work, what):
    (backup / "bkend_files").mkdir()
    (backup / "bkend_files/f").write_text("fine")
    one = Client(emulator("--data", backup))
    [file] = one.ids("/v1/files")
    assert one.object(file)[2] == b"fine"
    secret = work / "secret"
    secret.mkdir()
    for name in ("f", "a.json"):
        (secret / name).write_text('{"id":"a","stolen":1}')
    for path in (backup / "bkend_files/f", backup / "posts/a.json"):
        if what == "file":
            path.unlink()
            path.symlink_to(secret / path.name)
        else:
            path.parent.rename(work / path.parent.name)
            path.parent.symlink_to(secret)
    assert one.object(file)[0] == 404
    status, _, text = one.call("GET", "/v1/posts/a", **one.headers)
    assert status >= 400 and b"stolen" not in text


def test_the_data_directory_may_be_named_by_a_link(emulator, backup, work):
    (work / "link").symlink_to("backup")
    assert Client(emulator("--data", work / "link")).ids("/v1/posts") == ["a"]
