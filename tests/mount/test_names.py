"""Names: the server's bytes, made safe, and unmistakable."""

import json
import os
import re

import pytest

import names
from conftest import run, succeed
from jsontext import pretty
from odd_server import Reply
from records import oid, read

NFC, NFD = "caf\u00e9", "cafe\u0301"

TEXTS = [
    "plain", "with space", "a/b", "../../etc/passwd", "/", ".hidden", ".", "..",
    "...", "a.b.c", "100%", "%2F", "%41%zz%4", "new\nline", "tab\t", "nul\0nul",
    "\x1b[31mred\x1b]0;title\x07", "del\x7f", "c1\u0085\u009b31m", NFC, NFD,
    "日本語テキスト", "emoji 😀👩‍👩‍👧", "rtl \u202e txt.exe", "back\\slash", '"quoted"', "'$(id)`x`;&|",
    "-rf", "~", "a" * 250, "b" * 251, "c" * 300, "é" * 150, "日" * 120, "x/" * 130,
    "d" * 237 + "%41" * 10, "y" * 233 + "😀" * 9, "\ud800", "x\udfff\ud800y", "q?a=b&c#d",
    "NUL", "con.txt", "a:b*c?", " lead and trail ", "z" * 2000,
]

ORIGINALS = TEXTS + [
    "photo.jpg", "photo.jpg", "archive.tar.gz", ".bashrc", "..jpg", "...jpg", "x.",
    "e" * 300 + ".jpg", "e" * 300 + "." + "f" * 15, "e" * 300 + "." + "f" * 16,
    "g" * 300 + ".a/b", "g" * 300 + ".\n\n\n\n\n", "." * 300, "." * 300 + "png",
    "日" * 100 + ".日本", "h" * 227 + ".jpeg", "h" * 225 + ".jpeg", "", None,
]


def _bytes(text):
    return None if text is None else text.encode("utf-8", "surrogatepass")


@pytest.fixture
def weird(odd):
    """Records with all those ids, and stored files with all those names."""
    server = odd()
    server.tables["weird"] = [
        json.dumps({"id": text, "n": number}).encode()
        for number, text in enumerate(TEXTS)
    ]
    for number, original in enumerate(ORIGINALS):
        server.put_file(oid(number), original, b"content %d" % number)
    return server


def test_record_names_follow_the_rules_to_the_byte(weird, mount):
    m = mount(weird)
    wanted = {names.record(_bytes(text)): number for number, text in enumerate(TEXTS)}
    assert len(wanted) == len(TEXTS)
    found = os.listdir(os.fsencode(m / "weird"))
    assert sorted(found) == sorted(wanted)
    for name, number in wanted.items():
        text = read(os.fsencode(m / "weird") + b"/" + name)
        assert json.loads(text) == {"id": TEXTS[number], "n": number}


def test_stored_file_names_follow_the_rules_to_the_byte(weird, mount):
    m = mount(weird)
    wanted = {
        names.stored(oid(number).encode(), _bytes(original)): number
        for number, original in enumerate(ORIGINALS)
    }
    assert len(wanted) == len(ORIGINALS)
    assert sorted(os.listdir(os.fsencode(m / "storage"))) == sorted(wanted)
    for name, number in wanted.items():
        content = read(os.fsencode(m / "storage") + b"/" + name)
        assert content == b"content %d" % number


def test_no_name_is_dangerous_or_too_long(weird, mount):
    m = mount(weird)
    for place in ("weird", "storage", "files"):
        for name in os.listdir(os.fsencode(m / place)):
            assert len(name) <= 255
            name.decode("utf-8")
            assert not re.search(rb"[\x00-\x1f\x7f/]|\xc2[\x80-\x9f]", name)


def test_every_name_can_be_copied_and_read_back(weird, mount, work):
    m = mount(weird)
    succeed("cp", "-r", m.path, work / "copy")
    assert run("diff", "-r", m.path, work / "copy").stdout == b""
    assert len(os.listdir(work / "copy/weird")) == len(TEXTS)
    assert len(os.listdir(work / "copy/storage")) == len(ORIGINALS)


@pytest.mark.wire("nginx takes no %00 in a path")
def test_a_record_is_found_by_its_name_alone(weird, mount):
    m = mount(weird)
    for number, text in enumerate(TEXTS):
        name = names.record(_bytes(text))
        if b"~" in name[-22:]:
            continue  # cut: the listing alone knows whose name that is
        path = os.fsencode(m / "weird") + b"/" + name
        assert json.loads(read(path)) == {"id": text, "n": number}
    assert weird.count(lambda r: r.is_page()) == 0


def test_names_of_another_form_name_nothing(weird, mount):
    """%2e, %2f or a needless escape would be second names of one record."""
    m = mount(weird)
    for name in (b"a%2fb.json", b"%70lain.json", b".hidden.json", b"%2Ehidden.JSON"):
        assert not os.path.lexists(os.fsencode(m / "weird") + b"/" + name), name


def test_a_dot_dot_id_does_not_leave_its_table(weird, mount):
    m = mount(weird)
    assert json.loads(read(m / "weird/%2E..json"))["id"] == ".."
    assert json.loads(read(m / "weird/%2E.%2F..%2Fetc%2Fpasswd.json"))
    asked = {r.target for r in weird.log if r.path.startswith("/v1/data")}
    assert all(target.startswith("/v1/data/weird") for target in asked), asked


def test_bytes_that_are_not_utf8_are_escaped(odd, mount):
    server = odd()
    server.tables["t"] = [b'{"id":"a\xff\xe2\x82b\xc0\xaf"}', b'{"id":"\xed\xa0\x80"}']
    server.put_file("f1", b'"\xfe\xc3.j\xffpg"', b"x")
    m = mount(server)
    assert sorted(os.listdir(m / "t")) == ["%ED%A0%80.json", "a%FF%E2%82b%C0%AF.json"]
    assert os.listdir(m / "storage") == ["f1_%FE%C3.j%FFpg"]


def test_duplicates_and_twins_are_all_there(odd, mount):
    server = odd()
    stored = {
        "a": "b_c.txt", "a_b": "c.txt", "a_b_c.txt": "", "d": "same", "e": "same",
        "f": "g_" + "g" * 300, "f_g": "g" * 300, "h": "%41", "h_": "",
    }
    for file_id, name in stored.items():
        server.put_file(file_id, name, b"I am " + file_id.encode())
    m = mount(server)
    wanted = {
        names.stored(b"a", b"b_c.txt"): b"a",
        names.stored_twin(b"a_b", b"c.txt"): b"a_b",
        names.stored(b"a_b_c.txt", b""): b"a_b_c.txt",
        names.stored(b"d", b"same"): b"d",
        names.stored(b"e", b"same"): b"e",
        names.stored(b"f", b"g_" + b"g" * 300): b"f",
        names.stored_twin(b"f_g", b"g" * 300): b"f_g",
        names.stored(b"h", b"%41"): b"h",
        names.stored(b"h_", b""): b"h_",
    }
    assert len(wanted) == len(stored)
    assert sorted(os.listdir(os.fsencode(m / "storage"))) == sorted(wanted)
    for name, file_id in wanted.items():
        assert read(os.fsencode(m / "storage") + b"/" + name) == b"I am " + file_id


def test_a_cut_name_is_found_at_the_next_mount_too(odd, mount, work):
    server = odd()
    server.tables["t"] = [b'{"id":"%s"}' % (b"x" * 300)]
    name = names.record(b"x" * 300).decode()
    for _ in range(2):
        m = mount(server, cache=work / "cache")
        assert read(m / "t" / name) == pretty(server.tables["t"][0])
        m.unmount()


def test_normalisation_twins_are_two_files(odd, mount):
    server = odd()
    server.tables["t"] = [json.dumps({"id": i, "n": i}).encode() for i in (NFC, NFD)]
    m = mount(server)
    assert len(os.listdir(m / "t")) == 2
    for text in (NFC, NFD):
        assert json.loads(read(m / f"t/{text}.json"))["n"] == text


def test_the_error_file_keeps_a_terminal_safe(odd, mount):
    server = odd()
    server.tables["t"] = []
    evil = "\x1b]0;owned\x07\x1b[31m\nsecond line\r\x9b2J"
    server.hooks.append(
        lambda r: server.no(403, "data/permission-denied\x1b[1m", evil)
        if r.path.startswith("/v1/data/t") else None
    )
    m = mount(server)
    run("ls", m / "t")
    run("cat", m / "t/\x1b[31mx\n.json")
    assert b"owned" in m.report("errors")
    for text in (m.report("errors"), m.log()):
        assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", text)
        assert not any(line.startswith(b"second line") for line in text.splitlines())
