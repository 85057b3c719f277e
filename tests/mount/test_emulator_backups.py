"""Backups as people have them: interrupted, packed, renamed, with strays."""

import gzip
import json
import os
import re
import socket
import subprocess
import unicodedata

import pytest

from api_client import Client
from conftest import EMULATOR, environment


@pytest.fixture
def saved(work):
    """Writes the files of a backup: name to bytes, or to what JSON makes."""
    root = work / "backup"
    root.mkdir()

    def put(files):
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not isinstance(content, bytes):
                content = json.dumps(content, ensure_ascii=False).encode()
            path.write_bytes(content)
        return root

    return put


@pytest.fixture
def served(emulator, saved):
    """Serves such files: a client, and what was said at the start."""

    def serve(files, *switches):
        one = Client(emulator("--data", saved(files), *switches))
        return one, one.server.errors.read_text()

    return serve


@pytest.fixture
def refused(saved, work):
    """Such files are not served: what is said instead."""

    def refuse(files, path=None):
        done = subprocess.run(
            [EMULATOR, "--data", path or saved(files)], capture_output=True,
            text=True, timeout=20, check=False, env=environment(work))
        assert done.returncode == 1 and done.stdout == "", done
        return done.stderr

    return refuse


def rec(*ids):
    return [{"id": id, "n": number} for number, id in enumerate(ids)]


def page(ids, **pagination):
    return {"success": True, "data": {"items": rec(*ids), "pagination": pagination}}


# Interrupted exports ---------------------------------------------------------


def test_a_whole_export_says_nothing(served):
    one, said = served({
        "t_page1.json": page("ab", total=3, page=1, totalPages=2, hasNext=True),
        "t_page2.json": page("c", total=3, page=2, totalPages=2, hasNext=False)})
    assert sorted(one.ids("/v1/t")) == ["a", "b", "c"]
    assert said == ""


def test_missing_pages_are_said_before_anything_is_served(served):
    one, said = served({
        "t_page2.json": page("a", hasNext=True), "t_page5.json": page("b", hasNext=False),
        "u_page1.json": page("c", hasNext=False)})
    assert re.search(r"\bt: incomplete: page 1 is missing", said)
    assert re.search(r"\bt: incomplete: pages 3 to 4 are missing", said)
    assert re.search(r"INCOMPLETE.* of t is said above", said.splitlines()[-1])
    assert sorted(one.ids("/v1/t")) == ["a", "b"] and one.ids("/v1/u") == ["c"]


@pytest.mark.parametrize("says", [
    {"hasNext": True}, {"hasNextPage": True}, {"totalPages": 3}, {"total": 205}])
def test_a_page_that_speaks_of_more_is_heard(served, says):
    one, said = served({"t_page1.json": page("a", page=1), "t_page2.json": page("b", **says)})
    assert re.search(r"\bt: incomplete: .*(more follow|page 3 is missing|205 records; 2)", said)
    assert "INCOMPLETE" in said and len(one.ids("/v1/t")) == 2


def test_a_table_in_one_file_may_be_just_its_first_page(served):
    _, said = served({"t.json": page("ab", total=40, totalPages=20, hasNext=True)})
    assert "t: incomplete: pages 2 to 20 are missing" in said


@pytest.mark.parametrize("error, code", [
    ({"success": False, "error": {"code": "data/rate-limit-exceeded", "message": "Slow\ndown"}},
     r"data/rate-limit-exceeded \(Slow\\x0adown\)"),
    ({"statusCode": 403, "error": "PERMISSION_DENIED", "message": "No"},
     r"403 PERMISSION_DENIED \(No\)"),
    ({"error": {"code": "NOT_FOUND", "message": "None"}}, r"NOT_FOUND \(None\)"),
    ({"error": {"code": 429, "message": "Wait"}}, r"429 \(Wait\)"),
    ({"success": False, "data": None, "message": "Odd"}, r"\(Odd\)"),
    (b"<html><h1>502 Bad Gateway</h1>", "HTML"),
    (b"", "empty"),
    (b"\r\n", "empty"),
])
@pytest.mark.parametrize("last", [False, True])
def test_an_error_saved_as_a_page_is_named_with_its_code(served, error, code, last):
    pages = {"t_page1.json": page("a", hasNext=True), "t_page2.json": error}
    if not last:
        pages["t_page3.json"] = page("b", hasNext=False)
    one, said = served(pages)
    assert re.search(rf"\bt: incomplete: t_page2\.json .*{code}", said), said
    assert "t: incomplete: page 2 is missing" in said
    assert ("behind page 2 is not known" in said) == last
    assert sorted(one.ids("/v1/t")) == (["a"] if last else ["a", "b"])


@pytest.mark.parametrize("error, code", [
    ({"id": "req-1", "statusCode": 500, "error": "INTERNAL", "message": "Oh"}, r"500 INTERNAL \(Oh\)"),
    ({"success": False, "id": "r", "code": "X", "message": "Oh"}, r"X \(Oh\)"),
])
def test_an_error_with_an_id_is_no_record(served, error, code):
    one, said = served({"t_page1.json": page("a", hasNext=True), "t_page2.json": error,
                        "t_page3.json": page("b", hasNext=False)})
    assert re.search(rf"\bt: incomplete: t_page2\.json .*{code}", said), said
    assert sorted(one.ids("/v1/t")) == ["a", "b"]


@pytest.mark.parametrize("name", ["t.ndjson", "t_page1.json"])
def test_a_record_that_speaks_of_an_error_is_one(served, name):
    lines = [{"id": "a", "createdAt": "2026-01-01T00:00:00Z", "success": False, "error": "late"},
             {"id": "b", "updatedAt": "2026-01-01T00:00:00Z", "statusCode": 500, "message": "no"}]
    one, said = served({name: "\n".join(map(json.dumps, lines)).encode()})
    assert sorted(one.ids("/v1/t")) == ["a", "b"] and said == ""


def test_a_page_that_was_saved_twice_took_the_place_of_another(served):
    """Where no total tells."""
    one, said = served({
        "t_page1.json": page("a", page=1, hasNext=True), "t_page2.json": page("a", page=1, hasNext=True),
        "t_page3.json": page("b", page=3, hasNext=False),
        # Counted from another number on, or saved in two forms.
        "u_page0.json": page("a", page=1, hasNext=True), "u_page1.json": page("b", page=2, hasNext=False),
        "u_page1.json.gz": gzip.compress(json.dumps(page("b", page=2, hasNext=False)).encode())})
    assert "t: incomplete: t_page1 and t_page2 both hold page 1" in said
    assert "u: incomplete" not in said and sorted(one.ids("/v1/u")) == ["a", "b"]


@pytest.mark.parametrize("rest", [
    {"data": {"items": rec("a")}, "pagination": {"hasNext": True}},
    {"items": rec("a"), "hasNext": True},
    {"data": rec("a"), "page": 1, "totalPages": 2},
])
def test_what_a_page_says_of_the_rest_is_heard_wherever_it_stands(served, rest):
    _, said = served({"t_page1.json": rest})
    assert re.search(r"\bt: incomplete: page (1 says that more|2 is missing)", said), said


@pytest.mark.parametrize("files", [
    {"t.ndjson": b'{"id":"a","n":1}\n{"id":"a","n":2}\n{"id":"b"}'},
    {"t_page1.json": page("a", hasNext=False), "t.json": [{"id": "a", "n": 1}, {"id": "b"}]},
])
def test_two_texts_of_one_record_without_a_date_are_told_of(served, files):
    one, said = served(files)
    assert re.search(r"\bt: incomplete: 1 record.* a among them", said), said
    assert sorted(one.ids("/v1/t")) == ["a", "b"]


def test_a_record_that_came_again_is_no_matter(served):
    """The same but for white space, or a later one."""
    dated = [{"id": "b", "n": n, "updatedAt": f"2026-01-0{n}T00:00:00Z"} for n in (1, 2)]
    one, said = served({
        "t_page1.json": {"items": [{"id": "a", "n": 1.0}, dated[1]], "pagination": {"hasNext": True}},
        "t_page2.json": {"items": [dated[0], {"id": "c"}], "pagination": {"hasNext": False}},
        "t.json": b'[ { "id" : "a",\n"n":1.0} ]'})
    assert said == "" and sorted(one.ids("/v1/t")) == ["a", "b", "c"]
    assert one.data("/v1/t/b")["n"] == 2


@pytest.mark.parametrize("name, text", [
    ("t.ndjson", b'{"id":"t"}'), ("t.json", b'[{"id":"t"}]'), ("t.json", b'{"id":"t"}\n{"id":"u"}\n'),
    ("t.json", json.dumps(page("t", hasNext=False)).encode())])
def test_a_record_may_be_called_as_its_table(served, name, text):
    one, said = served({name: text})
    assert said == "" and "t" in one.ids("/v1/t")


def test_an_export_of_errors_alone(served):
    one, said = served({"t_page1.json": {"error": {"code": 429, "message": "Wait"}}})
    assert "t: incomplete: t_page1.json holds an error in place of records: 429 (Wait)" in said
    assert one.ids("/v1/t") == []


def test_a_listing_of_an_incomplete_table_says_so_to_its_clients(served):
    one, _ = served({
        "t_page2.json": page("a"), "u_page1.json": page("b"),
        "files_page2.json": page(["f"]), "bkend_files/f_": b""})
    for table, missing in ("t", True), ("u", False), ("files", True):
        _, headers, _ = one.call("GET", f"/v1/{table}", **one.headers)
        assert ("page 1 is missing" in headers.get("X-Incomplete", "")) == missing, table


DAMAGED = {
    "cut page": b'{"items":[{"id":"a"},{"id":', "cut array": b'[{"id":"a"},{"id":"b"',
    "cut line": b'{"id":"a"}\n{"id":"b', "comma": b'[{"id":"a"},]', "no comma": b'[{"id":"a"} {"id":"b"}]',
    "no id": b'[{"id":"a"},{"x":1}]', "no object": b'[{"id":"a"},7]', "record": b'[{"id":"a"},{"id":"b",}]',
    "deep": b'[{"id":"a","x":' + b"[" * 9999 + b"]" * 9999 + b"}]",
    "cut packed": gzip.compress(b'[{"id":"a"}]' * 99, mtime=0)[:-20]}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("name", ["t_page1.json", "t.json"])
def test_a_file_that_is_damaged_is_named_and_nothing_served(refused, name, text):
    said = refused({name: text, "u.json": b"[]"})
    assert re.search(rf"{re.escape(name)}: ", said), said


@pytest.mark.parametrize("text", [b'Fetching...\n{"id":"a"}\n', b'{"x":1}\n{"id":"a"}\n', b'{"x":1}\n'])
def test_a_record_a_line_begins_with_a_record(refused, text):
    """Else all of its table would be passed over like a program's own file."""
    said = refused({"t.ndjson": text, "u.json": rec("a")})
    assert re.search(r"\bt\.ndjson: what it begins with is no record", said), said


# Forms -----------------------------------------------------------------------


ROWS = b'{"id":"a","big":9007199254740993001,"one":1.0,"esc":"\\u00e9\\/"}', b'{"id":"b"}'


@pytest.mark.parametrize("name", ["t.json", "t_page1.json"])
@pytest.mark.parametrize("text", [
    b"[%s,%s]", b'{"items":[%s,%s]}', b'{"data":[%s,\n%s]}', b'{"success":true,"data":{"items":[%s,%s]}}',
    b'{"records":[%s , %s]}', b'{"t":[%s,%s]}', b"%s\n%s\n", b"\xef\xbb\xbf%s\r\n%s\r\n",
    b"\xef\xbb\xbf[\r\n%s,\r\n%s\r\n]\r\n", b"[%s]\n[%s]"])
def test_tables_in_one_file_stay_true_to_the_token(served, name, text):
    one, said = served({name: text % ROWS})
    assert said == ""
    body = one.call("GET", "/v1/t?sortDirection=asc", **one.headers)[2]
    assert b'"items":[' + ROWS[0] + b"," + ROWS[1] + b"]" in body


@pytest.mark.parametrize("ending", [".ndjson", ".jsonl", ".json.gz", ".ndjson.gz"])
def test_endings_of_a_table_in_one_file(served, ending):
    text = b"\r\n".join(ROWS)
    one, _ = served({"t" + ending: gzip.compress(text) if ending.endswith(".gz") else text})
    assert one.call("GET", "/v1/t/a", **one.headers)[2] == b'{"success":true,"data":' + ROWS[0] + b"}"


def test_records_may_have_items_and_data_of_their_own(served):
    order = b'{"id":"o","items":[{"sku":1}],"data":{"items":[]},"error":"none"}'
    one, _ = served({"orders.json": order + b"\n" + order.replace(b'"o"', b'"p"')})
    assert one.ids("/v1/orders") == ["p", "o"]


@pytest.mark.parametrize("name", ["t.json", "t_page1.json"])
@pytest.mark.parametrize("text", [b"[]", b"[ ]\n", b'{"items":[]}'])
def test_a_table_of_nothing_is_a_table(served, name, text):
    one, said = served({name: text, "u.json": rec("a")})
    assert said == "" and one.server.tables == ["t", "u"]
    assert one.ids("/v1/t") == []


def test_a_large_file_is_read_in_pieces(served):
    rows = [{"id": f"{n:05}", "text": "x" * 1000, "esc": '"\\[{]}'} for n in range(3000)]
    one, _ = served({"t.json": rows, "u.json": b"\n".join(json.dumps(row).encode() for row in rows)})
    for table in "tu":
        got = []
        for number in range(1, 31):
            got += one.data(f"/v1/{table}", page=number, limit=100, sortDirection="asc")["items"]
        assert got == rows


def test_a_copied_mount_with_marks_and_returns(served):
    one, said = served({
        "t/a.json": b'\xef\xbb\xbf{\r\n  "id": "a"\r\n}\r\n', "t/.spec.json": b'\xef\xbb\xbf{"tableName":"t"}\r\n'})
    assert said == "" and one.data("/v1/t/a") == {"id": "a"}
    assert one.data("/v1/t/spec") == {"tableName": "t"}


def test_utf16_is_named(refused):
    said = refused({"t.json": '[{"id":"a"}]'.encode("utf-16")})
    assert "t.json: this is UTF-16" in said
    said = refused({"t/a.json": '{"id":"a"}'.encode("utf-16"), "t.json": b"[]"})
    assert "t/a.json: this is UTF-16" in said


def test_files_that_are_no_tables_are_named(served):
    one, said = served({
        "t.json": rec("a"), "package.json": {"name": "x", "version": "1"}, "version.json": b'"1.0"',
        "notes.txt": b"", "t (1).json": rec("b"), "old.zip": b"PK", "schema.json": [{"name": "t"}]})
    assert one.server.tables == ["t"] and one.ids("/v1/t") == ["a"]
    for name in "package.json", "version.json", "notes.txt", "t (1).json", "schema.json":
        assert f"{name}: " in said
    assert "old.zip: an archive; unpack it" in said


# Packed ----------------------------------------------------------------------


def test_a_backup_of_which_each_file_was_packed(served):
    files = {
        "t/a.json": b'{"id":"a"}', "t/.spec.json": b'{"tableName":"t"}', "u_page1.json": b'[{"id":"u"}]',
        "files/f.json": b'{"id":"f","originalName":"x.txt"}', "files/g.json": b'{"id":"g","originalName":"y.gz"}',
        "storage/f_x.txt": b"x" * 300000}
    packed = {name + ".gz": gzip.compress(text) for name, text in files.items()}
    packed["storage/g_y.gz"] = gzip.compress(b"as it is")
    one, said = served(packed)
    assert said == ""
    assert one.ids("/v1/t") == ["a"] and one.ids("/v1/u") == ["u"]
    assert one.data("/v1/t/spec") == {"tableName": "t"}
    assert one.object("f")[2] == files["storage/f_x.txt"]
    assert one.object("f", Range="bytes=299990-")[2] == b"x" * 10
    assert one.object("g")[2] == packed["storage/g_y.gz"]


def test_a_page_that_was_saved_packed_under_its_plain_name(served):
    one, _ = served({"t_page1.json": gzip.compress(b'[{"id":"a"}]') + gzip.compress(b"\n")})
    assert one.ids("/v1/t") == ["a"]


@pytest.mark.parametrize("make", [
    ["zip", "-qr", "b.zip", "t"], ["tar", "-cf", "b.tar", "t"], ["tar", "-czf", "b.tar.gz", "t"],
    ["tar", "-cJf", "b.tar.xz", "t"]])
def test_an_archive_is_not_unpacked_but_it_is_said_how(refused, emulator, saved, work, make):
    root = saved({"t/a.json": {"id": "a"}})
    subprocess.run(make, cwd=root, check=True, timeout=20)
    said = refused({}, root / make[2])
    [how] = re.findall(r"unpack it first: (.*); then: --data backup", said)
    (work / "there").mkdir()
    subprocess.run(how, shell=True, cwd=work / "there", check=True, timeout=20)
    assert Client(emulator("--data", work / "there/backup")).ids("/v1/t") == ["a"]


# Names -----------------------------------------------------------------------


@pytest.mark.parametrize("on_disk, inside", [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_names_in_either_normal_form(served, on_disk, inside):
    def disk(text):
        return unicodedata.normalize(on_disk, text)

    def data(text):
        return unicodedata.normalize(inside, text)

    one, said = served({
        disk("t/é.json"): {"id": data("é")},
        "files/f.json": {"id": "f", "originalName": data("Ärger.txt")},
        "files/g.json": {"id": "g", "originalName": data("Straße ö.txt")},
        disk("storage/f_Ärger.txt"): b"f", disk("bkend_files/Straße ö.txt"): b"g"})
    assert said == "" and one.ids("/v1/t") == [data("é")]
    assert one.object("f")[2] == b"f" and one.object("g")[2] == b"g"


def test_the_exact_name_goes_before_its_other_form(served):
    nfc, nfd = "\u00e9", "e\u0301"
    one, said = served({
        f"t/{nfc}.json": {"id": nfc, "n": 1}, f"t/{nfd}.json": {"id": nfc, "n": 2},
        "files/f.json": {"id": "f", "originalName": nfd},
        f"storage/f_{nfc}": b"another", f"storage/f_{nfd}": b"its own"})
    assert [row["n"] for row in one.data("/v1/t")["items"]] == [1]
    assert re.search("another copy of the record", said)
    assert one.object("f")[2] == b"its own"


def test_ids_in_front_of_names(served):
    names = {
        "65a1b2c3000000000000000a_a_b.txt": ("65a1b2c3000000000000000a", "a_b.txt"),
        "65A1B2C3000000000000000B_b.txt": ("65A1B2C3000000000000000B", "b.txt"),
        "550e8400-e29b-41d4-a716-446655440000_c.txt": ("550e8400-e29b-41d4-a716-446655440000", "c.txt"),
        "01ARZ3NDEKTSV4RRFFQ69G5FAV_d.txt": ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "d.txt"),
        "rec_8f3k2m1p_e.txt": ("rec_8f3k2m1p", "e.txt"),
        "IMG_20260102_030405.jpg": (None, "IMG_20260102_030405.jpg"),
        "file_20260102_x.jpg": (None, "file_20260102_x.jpg"),
        "my_notes.txt": (None, "my_notes.txt"), "_x": (None, "_x"),
        # Two with one id: the second is served as well.
        "65a1b2c3000000000000000a_z.txt": (None, "65a1b2c3000000000000000a_z.txt"),
    }
    one, _ = served({"bkend_files/" + name: name.encode() for name in names})
    files = one.data("/v1/files", limit=100)["items"]
    got = {one.object(file["id"])[2].decode(): (file["id"], file["originalName"]) for file in files}
    assert len(got) == len(names)
    for name, (id, original) in names.items():
        if name.endswith("a_z.txt"):
            assert got[name][0] != "65a1b2c3000000000000000a"
            continue
        assert got[name][1] == original and id in (None, got[name][0])


# Strays ----------------------------------------------------------------------


STRAYS = [
    ".DS_Store", "._t_page1.json", ".hidden", "t/.DS_Store", "t/._a.json", "t/.a.json.swp", "t/a.json~",
    "t/a (conflicted copy 2026-01-02).json", "t/a.sync-conflict-20260102-030405-ABCDEFG.json",
    "t/a (1).json", "t/a copy.json", "files/._f.json", "storage/._f_x", "storage/.DS_Store", "storage/Thumbs.db",
    "storage/f_x (1)", "__MACOSX/._t", "posts (1)/a.json"]


def test_strays_are_named_and_skipped(served):
    files = {
        "t/a.json": {"id": "a", "n": 1, "updatedAt": "2026-01-01T00:00:00.000Z"},
        "files/f.json": {"id": "f", "originalName": "x"}, "storage/f_x": b"right"}
    copy = {"id": "a", "n": 2, "updatedAt": "2027-01-01T00:00:00.000Z"}
    one, said = served({**files, **{name: copy for name in STRAYS}})
    for name in STRAYS:
        shown = name.split("/")[0] if name.startswith(("__MACOSX", "posts")) else name
        assert re.search(rf"{re.escape(shown)}: .*not served", said), (name, said)
    assert one.server.tables == ["t"] and one.ids("/v1/files") == ["f"]
    assert [row["n"] for row in one.data("/v1/t")["items"]] == [1]
    assert one.object("f")[2] == b"right" and "INCOMPLETE" not in said


def test_conflict_copies_of_an_export(served):
    conflict = "a (Ann's conflicted copy 2026-01-02).txt", "a.sync-conflict-20260102-030405-ABCDEFG.txt"
    one, said = served({"bkend_files/" + name: b"" for name in (
        "a.txt", *conflict, "a (1).txt", "b (conflicted copy 2026-01-02).txt", ".x", "._a.txt", "Thumbs.db")})
    names = sorted(file["originalName"] for file in one.data("/v1/files")["items"])
    # What has no original beside it is the only one there is.
    assert names == ["a (1).txt", "a.txt", "b (conflicted copy 2026-01-02).txt"]
    for name in (*conflict, ".x", "._a.txt", "Thumbs.db"):
        assert re.search(rf"{re.escape(name)}: .*not served", said), name


def test_a_copy_alone_is_the_record(served):
    one, said = served({"t/a (conflicted copy).json": {"id": "a"}, "t/7.json": {"id": "b"}})
    assert sorted(one.ids("/v1/t")) == ["a", "b"] and said == ""


def test_two_copies_of_which_none_has_the_name(refused):
    said = refused({"t/a (1).json": {"id": "a"}, "t/a (2).json": {"id": "a", "n": 1}})
    assert "two records have the id a" in said


def test_what_is_no_file_is_named_and_left_alone(emulator, saved):
    root = saved({"t/a.json": {"id": "a"}, "storage/x": b"", "t/sub/b.json": {"id": "b"}})
    for place in "pipe", "t/pipe.json", "storage/pipe":
        os.mkfifo(root / place)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(root / "t/socket.json"))
    one = Client(emulator("--data", root))
    listener.close()
    said = one.server.errors.read_text()
    for name in "pipe", "t/pipe.json", "storage/pipe", "t/socket.json":
        assert re.search(rf"/{re.escape(name)}: not a file, not served", said)
    assert "t/sub: a directory, not served" in said
    assert one.ids("/v1/t") == ["a"] and len(one.ids("/v1/files")) == 1


# A directory that is none ----------------------------------------------------


def test_a_directory_without_a_backup_is_refused(refused, saved):
    assert "this is no backup" in refused({})
    assert "this is no backup" in refused({"notes.txt": b"", ".git/HEAD": b""})
    # The directory of one table is not the backup.
    assert "this is no backup" in refused({"a.json": {"id": "a"}, "b.json": {"id": "b"}, ".spec.json": {}})
    said = refused({"mnt/t/a.json": {"id": "a"}})
    assert re.search(r"mnt: holds directories .* --data '.*/backup/mnt'", said)
    said = refused({"export/t_page1.json": page("a", hasNext=False)})
    assert re.search(r"export/t_page1.json: an exported page, .* --data", said), said


# A table that is called like the export's directory --------------------------


MOUNT = {"files/f.json": {"id": "f", "originalName": "x"}, "storage/f_x": b"right", "t/a.json": {"id": "a"}}


def _named_alike(*ids):
    return {f"bkend_files/{id}.json": {"id": id} for id in ids}


@pytest.mark.parametrize("files", [
    {**_named_alike("a", "b"), "bkend_files/.spec.json": {"tableName": "bkend_files"}},
    _named_alike("a", "b"),
    {"bkend_files/%2Ea.json": {"id": ".a"}, "bkend_files/b.json.gz": gzip.compress(b'{"id":"b"}')},
    {**_named_alike("a", "b"), "bkend_files/.DS_Store": b""},
    {"bkend_files/" + unicodedata.normalize("NFD", "é.json"): {"id": "é"}, **_named_alike("b")},
])
def test_a_copied_table_of_the_exports_name_is_one(served, files):
    one, said = served({**MOUNT, **files})
    assert "bkend_files: " not in said and "INCOMPLETE" not in said
    assert one.server.tables == ["bkend_files", "t"]
    assert len(one.ids("/v1/bkend_files")) == 2 and one.ids("/v1/files") == ["f"]


def test_an_empty_one_is_a_table_and_told_of(served, saved):
    (saved(MOUNT) / "bkend_files").mkdir()
    one, said = served({})
    assert "bkend_files: is empty, and taken for a table of that name" in said
    assert one.server.tables == ["bkend_files", "t"] and one.ids("/v1/bkend_files") == []


def test_a_damaged_record_of_it_is_named(refused):
    said = refused({**MOUNT, **_named_alike("a", "b"), "bkend_files/c.json": b'{"id":"c'})
    assert "bkend_files: taken for a table of that name: " in said and "2 of 3 in it are records" in said
    assert "bkend_files/c.json: not a valid JSON object" in said


def test_a_record_among_stored_files_is_one_of_them_and_told_of(served):
    one, said = served({**MOUNT, **_named_alike("a"), "bkend_files/b.json": b"[]", "bkend_files/c.png": b""})
    assert "bkend_files: taken for the stored files of an export: " in said and "1 of 3 in it are records" in said
    assert one.server.tables == ["t"] and len(one.ids("/v1/files")) == 4


@pytest.mark.parametrize("files", [
    {"bkend_files/a.png": b""}, {"bkend_files/a.json": b"[]"}, {"bkend_files/b.json": {"id": "a"}},
    {"bkend_files/d/a.json": {"id": "a"}}])
def test_an_export_beside_a_copied_mount(served, files):
    one, said = served({**MOUNT, **files})
    assert said == "" and one.server.tables == ["t"] and len(one.ids("/v1/files")) == 2


@pytest.mark.parametrize("files", [_named_alike("a", "b"), {"bkend_files/.spec.json": {}, "bkend_files/x": b""}])
@pytest.mark.parametrize("beside", ["files/f.json", "storage/f_x", None])
def test_without_a_mount_beside_it_it_is_an_exports_and_told_of(served, files, beside):
    rest = {name: text for name, text in MOUNT.items() if name == beside or name == "t/a.json"}
    one, said = served({**rest, **files})
    assert "bkend_files: taken for the stored files of an export, though it looks like a table" in said
    assert one.server.tables == ["t"]


# Stored files of an export ---------------------------------------------------


def test_the_saved_list_of_files_names_them(served):
    listed = [{"id": f"f{n}", "originalName": name, "mimeType": "text/plain", "size": 1} for n, name in
              enumerate(("a.txt", "b.txt", "c/d.txt", "e.txt", "twice.txt", "twice.txt", "gone.txt"))]
    one, said = served({
        "files_page1.json": {"items": listed, "pagination": {"hasNextPage": False}},
        "bkend_files/f0_a.txt": b"0", "bkend_files/b.txt": b"1", "bkend_files/f2_c%2Fd.txt": b"2",
        "bkend_files/e.txt.gz": gzip.compress(b"3"), "bkend_files/twice.txt": b"?", "bkend_files/other": b"o"})
    for number in range(4):
        assert one.object(f"f{number}")[2] == b"%d" % number
    for id in "f4", "f5", "f6":
        assert one.object(id)[0] == 404
    assert re.search("files: incomplete: .*twice.txt .* 2 files .*f4", said)
    assert re.search("files: incomplete: .*f6_gone.txt is missing", said)
    files = {file["originalName"]: file["id"] for file in one.data("/v1/files", limit=100)["items"]
             if not file["id"].startswith("f")}
    assert {one.object(files[name])[2] for name in ("twice.txt", "other")} == {b"?", b"o"}
    assert len(one.ids("/v1/files", limit=100)) == 9


DENIED = (b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
          b"<Message>Request has expired</Message></Error>")


def listed(**sizes):
    return {"items": [{"id": id, "originalName": f"{id}.txt", "mimeType": "text/plain", "size": size}
                      for id, size in sizes.items()], "pagination": {"hasNextPage": False}}


def test_an_error_of_the_store_is_no_content(served):
    """What curl saves once a download URL has expired."""
    one, said = served({"files_page1.json": listed(f=1000, g=len(DENIED)),
                        "bkend_files/f_f.txt": DENIED, "bkend_files/g.txt": DENIED})
    assert re.search("files: incomplete: bkend_files/f_f.txt holds an error .*AccessDenied", said), said
    assert one.object("f")[0] == 404
    assert one.object("g")[2] == DENIED  # somebody stored one
    assert "g.txt" not in said


def test_an_error_of_the_store_is_no_file(served):
    one, said = served({"bkend_files/f.txt": DENIED, "bkend_files/g.xml": b"<Error>is a word</Error>"})
    assert re.search("files: incomplete: f.txt holds an error .*AccessDenied", said), said
    assert [file["originalName"] for file in one.data("/v1/files")["items"]] == ["g.xml"]


def test_a_download_that_was_broken_off_is_named(served):
    one, said = served({"files_page1.json": listed(f=10, g=10, h=0, i=5), "bkend_files/f_f.txt": b"half",
                        "bkend_files/g.txt": b"", "bkend_files/h.txt": b"what", "bkend_files/i.txt.gz": gzip.compress(b"whole")})
    for name, size in ("f_f.txt", 4), ("g.txt", 0):
        assert f"files: incomplete: bkend_files/{name} holds {size} bytes of 10:" in said
    assert "h.txt" not in said and "i.txt" not in said
    assert one.object("f")[2] == b"half"


def test_a_copied_file_of_another_size_is_named(served):
    """The claim may be what is wrong: the mount that was copied knew better."""
    claims = {"f": 10, "g": 3, "h": 4, "i": 5}
    one, said = served({
        **{f"files/{file['id']}.json": file for file in listed(**claims)["items"]},
        **{f"storage/{id}_{id}.txt": b"half" for id in claims}})
    assert re.search(r"storage/(f_f.txt holds 4 bytes of 10|i_i.txt holds 4 bytes of 5): ", said), said
    assert "2 such stored files in all" in said
    assert not re.search("g_g|h_h|incomplete", said) and one.object("f")[2] == b"half"
