"""A mount, its copy, the copy's mount: the same tree, again and again, for all
that a server is known to name and to write."""

import json
import os
import random
import re

import pytest

from conftest import succeed
from records import moment, oid, records
from test_names import ORIGINALS, TEXTS
from test_shapes import DATES
from test_text import ODD

ROUNDS = 3


def tree_of(top):
    """{relative path: (content, date, mode)} of all files below, and {path:
    None} of all directories."""
    top = os.fsencode(top)
    found = {}
    for where, directories, files in os.walk(top, onerror=_raise):
        for name in directories:
            found[os.path.relpath(os.path.join(where, name), top)] = None
        for name in files:
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                content = file.read()
            stat = os.lstat(path)
            assert stat.st_size == len(content), path
            found[os.path.relpath(path, top)] = (
                content, stat.st_mtime_ns, oct(stat.st_mode))
    return found


def _raise(error):
    raise error


def assert_equal(found, wanted, what):
    assert sorted(found) == sorted(wanted), (
        what, sorted(set(wanted) - set(found))[:5], sorted(set(found) - set(wanted))[:5])
    for path, one in wanted.items():
        if found[path] != one:
            raise AssertionError(
                f"{what}: {path!r}: {found[path][0][:300]!r} {found[path][1:]} is not"
                f" {one[0][:300]!r} {one[1:]}")


def kept_by(place, dates):
    """What becomes of dates where files are copied to: not every file system
    has room for all of them."""
    file = place / "date"
    file.write_bytes(b"")
    kept = {}
    for date in dates:
        os.utime(file, ns=(date, date))
        kept[date] = file.stat().st_mtime_ns
    return kept


@pytest.fixture
def rounds(mount, work):
    """Copy a mount, mount the copy, and so on; each is as the first was. The
    first one's tree is given back."""

    def go(first, *options, rounds=ROUNDS, remark=None):
        wanted = tree_of(first.path)
        kept = kept_by(work, {one[1] for one in wanted.values() if one})
        copied = {
            path: one and (one[0], kept[one[1]], one[2])
            for path, one in wanted.items()
        }
        one = first
        for number in range(rounds):
            number = len(list(work.glob("copy-*")))
            copy = work / f"copy-{number}"
            succeed("cp", "-a", one.path, copy)
            one.unmount()
            assert_equal(tree_of(copy), copied, f"copy {number}")
            one = mount(None, copy, *options)
            assert_equal(tree_of(one.path), wanted, f"mount {number}")
            said = [line for line in one.report("errors").splitlines() if b"(start)" in line]
            assert len(said) == (remark is not None) and all(remark in line for line in said)
        one.unmount()
        return wanted

    return go


# What is known -----------------------------------------------------------------


@pytest.mark.parametrize("layout", ["pretty", "raw"])
def test_the_sample_project(emulator, mount, rounds, layout):
    server = emulator()
    options = ("-o", f"json={layout}")
    tree = rounds(mount(server, *options), *options)
    specs = [path for path in tree if path.endswith(b"/.spec.json")]
    assert len(specs) == 5 and len(tree) > 300


def test_every_hostile_name(odd, mount, rounds):
    server = odd()
    server.tables["weird"] = [
        json.dumps({"id": text, "n": number}).encode()
        for number, text in enumerate(TEXTS)
    ]
    for number, original in enumerate(ORIGINALS):
        server.put_file(oid(number), original, b"content %d" % number)
    # Names that are the same, of ids that are different.
    for number, file_id in enumerate(["t/w", "t%2Fw", "u", "u_a", "u_a_b"]):
        for original in ("", "a_b.png"):
            server.put_file(file_id + ("" if original else "x"), original, b"%d" % number)
    server.put_file("u_a", "b.png", b"the same name")
    server.put_file("u", "a_b.png", b"as this one")
    tree = rounds(mount(server))
    assert sum(path.startswith(b"weird/") for path in tree) == len(TEXTS)


def test_stored_files_of_one_name(odd, mount, rounds):
    """The one with the smaller id has the plain name, whatever it is marked."""
    server = odd()
    twins = [("a", "b_c.txt"), ("a_b", "c.txt"), ("x", "y_z"), ("x_y", "z"),
             ("l", "m_" + "n" * 300), ("l_m", "n" * 300)]
    for number, (file_id, original) in enumerate(twins):
        server.put_file(file_id, original, b"twin %d" % number)
    tree = rounds(mount(server))
    contents = sorted(one[0] for path, one in tree.items()
                      if path.startswith(b"storage/") and one)
    assert contents == sorted(b"twin %d" % number for number in range(len(twins)))


@pytest.mark.parametrize("table", [
    "storage", "a", "Z", "x" * 64, "a-b_c", "Posts_page1", "mnt", "bkend_files", "bkend_files2",
    "users", "accounts", "sessions",
])
def test_every_name_of_a_table(odd, mount, rounds, table):
    server = odd()
    server.tables[table] = [b'{"id":"a"}', b'{"id":".spec"}', b'{"id":"files"}']
    server.specs[table] = b'{"tableName":"%s"}' % table.encode()
    tree = rounds(mount(server), rounds=1)
    top = b"storage.table" if table == "storage" else table.encode()
    assert {top + b"/a.json", top + b"/%2Espec.json", top + b"/.spec.json"} <= set(tree)


@pytest.mark.parametrize("spec", [b'{"tableName":"bkend_files"}', None])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_table_that_is_called_like_the_exports_directory(odd, mount, rounds, spec, count):
    server = odd()
    server.tables["bkend_files"] = records(count)
    server.tables["t"] = records(2)
    server.put_file(oid(9), "1.json", b'{"id":"1"}')
    if spec:
        server.specs["bkend_files"] = spec
    # Without anything in it, only what is beside it tells.
    doubt = None if spec or count else b"bkend_files: is empty, and taken for a table"
    tree = rounds(mount(server), rounds=1, remark=doubt)
    assert sum(path.startswith(b"bkend_files/") for path in tree) == count + bool(spec)


@pytest.mark.parametrize("layout", ["pretty", "raw"])
def test_every_hostile_record(odd, mount, rounds, layout):
    server = odd()
    raws = [b'{"id":"%s",%s}' % (oid(n).encode(), members)
            for n, members in enumerate(ODD.values())]
    raws += [
        b'{"id":"a","success":true,"data":{"x":1}}',
        b'{"success":true,"data":{"id":"not it"},"id":"b"}',
        b'{"success":false,"error":{"code":"x","message":"y"},"id":"c"}',
        b'{"id":"d","items":[{"id":"e"}],"pagination":{"total":0}}',
        b'{"id":"f","statusCode":403,"error":"PERMISSION_DENIED","message":"m"}',
        b'{"id":"bytes","s":"\xff\xfe \xed\xa0\x80"}',
        b'{ "id" : "space" , "n":1.0\t,\r\n"m": [ ] }',
        b'{"id":"null date","updatedAt":null}',
        b'{"id":"no date"}',
        b'{"id":"first","id":"last"}',
    ]
    raws += [
        b'{"id":"date %d","createdAt":"2020-01-01T00:00:00Z","updatedAt":%s}' % item
        for item in enumerate(DATES)
    ]
    raws += [
        b'{"id":"made %d","createdAt":%s,"updatedAt":"never"}' % item
        for item in enumerate(DATES)
    ]
    server.tables["odd"] = raws
    options = ("-o", f"json={layout}")
    tree = rounds(mount(server, *options), *options)
    assert sum(path.startswith(b"odd/") for path in tree) == len(raws)


NUL_ID = pytest.param(
    b'{"id":"a\\u0000b\\/c"}', marks=pytest.mark.wire("nginx takes no %00 in a path"))


@pytest.mark.parametrize("raw", [
    b'{"id":12345678901234567890}', b'{"id":-1.0e5}', b'{"id":0}',
    b'{"id":{"$oid":"507f"}}', b'{"\\u0069d":"escaped key"}',
    b'{"_id":"x"}', b'{"_id":{"$oid":"x"},"name":1}', b'{"_id":7}',
    b'{"_id":"no","id":"yes"}', b'{"id":null,"_id":"x"}', b'{"id":"","_id":"x"}',
    b'{"id":{"oid":"y"},"_id":"x"}', NUL_ID, b'{"id":"\\ud800"}',
])
def test_every_form_of_an_id(odd, mount, rounds, raw):
    server = odd()
    server.tables["t"] = [raw]
    server.files["f"] = raw[:-1] + b',"originalName":"n","size":3}'
    server.hooks.append(lambda r: server._download_url("f")
                        if r.path.endswith("/download-url") else None)
    server.storage.objects["/bucket/f"] = b"abc"
    server.files["f"] = server.files["f"][:-1] + b',"s3Key":"bucket/f"}'
    tree = rounds(mount(server), rounds=2)
    assert sum(path.startswith(b"t/") for path in tree) == 1
    [stored] = [one for path, one in tree.items() if path.startswith(b"storage/")]
    assert stored[0] == b"abc"


SPECS = [
    b"{}", b"null",
    b' { "tableName" :\t"t" ,\r\n"schema":{"a":1.0,"b":[ ]} } ',
    b'{"permissions":{"guest":{},"user":{"list":false,"read":false}}}',
    b'{"permissions":{"self":{"read":true}}}',
    b'{"permissions":{"admin":{"list":false,"read":false}}}',
    b'{"permissions":{"rowFilters":[{"x":1}],"columnPermissions":{"n":{"read":[]}}}}',
    b'{"rowFilters":[{"x":1}],"columnPermissions":{"n":{"read":[]}}}',
    b'{"permissions":7}', b'{"tableName":"another"}', b'{"a":1,"a":2}',
    b'{"success":true,"data":{"tableName":"not it"}}',
]
# Without an envelope these are no specs, nor a word that there is none.
BARE = [b'{"success":false,"error":{"code":"x","message":"y"}}', b'{"data":1,"success":true}']


@pytest.mark.parametrize("layout", ["pretty", "raw"])
@pytest.mark.parametrize("envelope", ["data", "bare"])
def test_every_spec(odd, mount, rounds, envelope, layout):
    server = odd(envelope=envelope)
    for number, spec in enumerate(SPECS + BARE * (envelope == "data")):
        server.tables[f"t{number}"] = [b'{"id":"a","n":1}', b'{"id":"b","x":1}']
        server.specs[f"t{number}"] = spec
    options = ("-o", f"json={layout}")
    tree = rounds(mount(server, *options), *options)
    assert sum(path.endswith(b"/.spec.json") for path in tree) > len(SPECS) // 2


@pytest.mark.parametrize("envelope, spec", [
    *[(envelope, spec) for envelope in ("data", "bare") for spec in (b"[]", b'"a word"', b"1.0")],
    *[("bare", spec) for spec in BARE]])
def test_what_is_no_spec_is_not_passed_over(odd, mount, envelope, spec):
    server = odd(envelope=envelope)
    server.tables["t"] = records(2)
    server.specs["t"] = spec
    m = mount(server)
    with pytest.raises(OSError, match="Protocol error"):
        os.listdir(m / "t")


def test_stored_files_of_every_size(odd, mount, rounds):
    server = odd()
    for number, size in enumerate([0, 1, 4095, 4096, 4097, 131072, 131073, 1 << 20]):
        data = random.Random(number).randbytes(size)
        server.put_file(f"true-{number}", "f.bin", data)
        server.put_file(f"untold-{number}", "f.bin", data, size=None)
    assert len(rounds(mount(server))) == 2 + 4 * 8


def test_a_claim_that_is_wrong_is_not_taken_over(odd, mount, rounds):
    """The copy has the true size, and its metadata the old claim: of a smaller
    one than that, nobody can tell whether the copying was broken off."""
    server = odd()
    for number, claim in enumerate([0, 1, 2999, 3001]):
        server.put_file(f"f{number}", "f.bin", b"abc" * 1000, size=claim)
    one = mount(server, "-o", "verify_sizes")
    tree = rounds(one, remark=b"f3_f.bin holds 3000 bytes of 3001")
    assert all(len(one[0]) == 3000 for path, one in tree.items()
               if path.startswith(b"storage/"))


def test_a_project_without_anything(odd, mount, rounds):
    server = odd()
    assert sorted(rounds(mount(server))) == [b"files", b"storage"]


def test_empty_tables_and_files_without_a_table(odd, mount, rounds):
    server = odd()
    server.tables["empty"] = []
    server.tables["described"] = []
    server.specs["described"] = b'{"tableName":"described"}'
    server.put_file("a", None, b"content")
    assert len(rounds(mount(server))) == 4 + 1 + 2


def test_large_listings(emulator, mount, rounds):
    server = emulator("--no-demo", "--generate", "big=2345:200",
                      "--generate-files", "123:1000")
    tree = rounds(mount(server))
    assert sum(path.startswith(b"big/") for path in tree) == 2345 + 1


@pytest.mark.parametrize("layout", ["pretty", "raw"])
def test_an_official_export(mount, work, rounds, layout):
    """What is made up for files of which the scripts saved no metadata stays as
    it was made up first."""
    export = work / "export"
    (export / "bkend_files").mkdir(parents=True)
    for page in (1, 2):
        items = b",".join(b'{"id":"%d-%d",%s}' % (page, number, members)
                          for number, members in enumerate(ODD.values()))
        (export / f"posts_page{page}.json").write_bytes(
            b'{"success":true,"data":{"items":[%s],"pagination":{"total":%d,"page":%d,'
            b'"limit":%d,"totalPages":2,"hasNext":%s}}}' % (
                items, 2 * len(ODD), page, len(ODD), b"true" if page == 1 else b"false"))
    names = ["photo.jpg", "no extension", f"{oid(1)}_with id.png", "%2F.txt", "é.txt",
             "a_b_c", "x" * 200 + ".txt", "日" * 75, "~0123456789abcdef.txt"]
    for number, name in enumerate(names):
        path = export / "bkend_files" / name
        path.write_bytes(b"content %d" % number)
        os.utime(path, ns=(0, 1704153602123456789 + number))
    options = ("-o", f"json={layout}")
    tree = rounds(mount(None, export, *options), *options)
    assert sum(path.startswith(b"posts/") for path in tree) == 2 * len(ODD)
    assert sorted(one[0] for path, one in tree.items() if path.startswith(b"storage/")) == [
        b"content %d" % number for number in range(len(names))]


# What is not known --------------------------------------------------------------


PIECES = [
    "a", "B", "7", "_", "-", ".", "..", "%", "%41", "%2f", "/", " ", "\n", "\0", "~",
    "\x7f", "\u0085", "é", "e\u0301", "日本", "😀", "\ud800", "\\", '"', "'", "$(x)",
    "~0123456789abcdef", ".json", ".spec", "x" * 60, "é" * 40, "😀" * 40, "%0A" * 30,
]
NUMBERS = ["0", "-0", "1.0", "1e400", "-5e-08", "9007199254740993", "1E+2", "0.10",
           "12345678901234567890"]
WHITE = ["", "", "", " ", "\n  ", "\t", "\r\n"]


class Maker:
    """Makes up names, values and texts, the same ones for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def word(self, most=5):
        count = self.random.randint(1, most)
        return "".join(self.random.choice(PIECES) for _ in range(count))

    def string(self, text):
        """A string token, one of the many of a text."""
        kind = self.random.randrange(3)
        if kind == 0:
            return json.dumps(text)
        escaped = json.dumps(text, ensure_ascii=False)
        if kind == 2:
            escaped = escaped.replace("a", "\\u0061").replace("/", "\\/")
        return re.sub(  # what is half of a pair has no bytes of its own
            "[\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", escaped)

    def white(self):
        return self.random.choice(WHITE)

    def value(self, depth=0):
        kind = self.random.randrange(8 if depth < 4 else 5)
        if kind == 0:
            return self.random.choice(NUMBERS)
        if kind == 1:
            return self.random.choice(["true", "false", "null"])
        if kind < 5:
            return self.string(self.word())
        if kind < 7:
            return self.object([(self.string(self.word(2)), self.value(depth + 1))
                                for _ in range(self.random.randrange(4))])
        inner = (self.white() + self.value(depth + 1) + self.white()
                 for _ in range(self.random.randrange(4)))
        return "[" + ",".join(inner) + "]"

    def object(self, members):
        return "{" + ",".join(
            f"{self.white()}{name}{self.white()}:{self.white()}{value}{self.white()}"
            for name, value in members) + "}"

    def date(self):
        if self.random.randrange(3) == 0:
            return self.random.choice(list(DATES)).decode()
        return json.dumps(moment(self.random.randrange(10**6)))

    def text(self, record_id, *more):
        members = [('"id"', self.string(record_id)), *more]
        for name in ("createdBy", "createdAt", "updatedAt"):
            if self.random.randrange(5):
                value = '""' if name == "createdBy" else self.date()
                members.append((json.dumps(name), value))
        for _ in range(self.random.randrange(5)):
            members.append((self.string("x" + self.word(2)), self.value()))
        self.random.shuffle(members)
        return self.object(members).encode()

    def ids(self, most):
        """Different ids, whose names are all different, too."""
        return {self.word() for _ in range(self.random.randint(0, most))}

    def fill(self, server):
        for number in range(self.random.randint(1, 4)):
            table = self.random.choice(["storage", "t", "T", "a-b", "x_page1"]) + (
                "" if number == 0 else str(number))
            server.tables[table] = [self.text(one) for one in self.ids(40)]
            if self.random.randrange(3):
                server.specs[table] = self.object(
                    [('"tableName"', json.dumps(table)), ('"schema"', self.value())]
                ).encode()
        for number in range(self.random.randrange(25)):
            self.put_file(server, number)

    def put_file(self, server, number):
        # Also what makes one name of two files.
        file_id = self.random.choice([f"f{number}", f"f_{number}", oid(number)])
        original = self.random.choice([None, "", "same.png", self.word(9)])
        data = self.random.randbytes(self.random.choice([0, 1, 5000]))
        key = f"bucket/{file_id}"
        more = [('"s3Key"', json.dumps(key))]
        if original is not None:
            more.append(('"originalName"', self.string(original)))
        if self.random.randrange(4):
            more.append(('"size"', str(len(data))))
        server.storage.objects["/" + key] = data
        server.files[file_id] = self.text(file_id, *more)


@pytest.mark.parametrize("seed", range(int(os.environ.get("BKEND_TEST_CLOSURE", "8"))))
def test_a_project_that_was_made_up(odd, mount, rounds, seed):
    maker = Maker(seed)
    server = odd(envelope=maker.random.choice(["data", "bare"]))
    maker.fill(server)
    options = ("-o", maker.random.choice(["json=pretty", "json=raw"]))
    rounds(mount(server, *options), *options, rounds=2 if seed else ROUNDS)
