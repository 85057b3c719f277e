"""The emulator serves what was saved, and nothing that is no backup."""

import os
import re
import subprocess

import pytest

from conftest import EMULATOR


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
    assert "move it away" in done.stderr


def test_what_lacks_an_object_is_served_as_that(client, tmp_path):
    """The rest of a copied mount can be read; what tells of files does not pass
    for whole."""
    for directory in ("storage", "files", "t"):
        (tmp_path / directory).mkdir()
    (tmp_path / "t/a.json").write_text('{"id":"a"}')
    for name in "fg":
        (tmp_path / f"files/{name}.json").write_text(f'{{"id":"{name}","originalName":"x"}}')
    (tmp_path / "storage/g_x").write_bytes(b"here")
    one = client("--data", tmp_path)
    said = one.server.errors.read_text()
    assert re.search(r"files: incomplete: storage/f_x is missing.*copy it anew", said)
    assert re.search(r"INCOMPLETE.* of files is said above", said)
    assert one.ids("/v1/t") == ["a"] and one.object("g")[2] == b"here"
    assert one.object("f")[0] == 404
    for table, missing in ("t", False), ("files", True):
        headers = one.call("GET", f"/v1/{table}", **one.headers)[1]
        assert ("storage/f_x" in headers.get("X-Incomplete", "")) == missing, table


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
