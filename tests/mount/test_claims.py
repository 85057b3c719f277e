"""Sizes that lie: what the metadata claim of a stored file may be missing, or
false. Never is a file cut or padded."""

import errno
import os
import random

import pytest

from conftest import run, wait_until
from records import oid, read

BIG = random.Random(7).randbytes(12 * 1024 * 1024 + 4321)


def _holds(server, data, **claim):
    """Put one file into the server's storage; its path below the mount."""
    server.put_file(oid(1), "f.bin", data, **claim)
    return f"storage/{oid(1)}_f.bin"


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("claim", [1000, 49999, 50001, 5000000])
def test_a_wrong_claim_fails_one_read_and_is_right_from_then_on(odd, mount, claim, ranges):
    server = odd()
    server.storage.ranges = ranges
    path = _holds(server, BIG[:50000], size=claim)
    m = mount(server)
    assert os.stat(m / path).st_size == claim
    try:
        first = read(m / path)
    except OSError as error:
        assert error.errno == errno.EIO
        assert f"{oid(1)}_f.bin".encode() in m.report("errors")
    else:
        assert first == BIG[:50000]
    wait_until(lambda: os.stat(m / path).st_size == 50000, 5, "the true size")
    assert read(m / path) == BIG[:50000]


def test_a_wrong_claim_never_makes_a_wrong_copy(odd, mount, work):
    server = odd()
    dice = random.Random(5)
    for number in range(20):
        data = BIG[: dice.randrange(1, 60000)]
        lie = dice.choice([1, len(data) // 2 + 1, len(data) + 1, len(data) * 3])
        server.put_file(oid(number), "f", data, size=lie)
    m = mount(server)
    for attempt in range(40):
        (work / f"copy-{attempt}").mkdir()
        if run("cp", "-r", m / "storage", work / f"copy-{attempt}").returncode == 0:
            break
    else:
        raise AssertionError("the sizes never became right")
    for number in range(20):
        copied = read(work / f"copy-{attempt}/storage/{oid(number)}_f")
        assert copied == server.storage.objects[f"/bucket/{oid(number)}"]


@pytest.mark.parametrize("claim", [None, 0], ids=["missing", "zero"])
def test_where_the_claim_is_missing_or_zero_stat_asks(odd, mount, claim):
    server = odd()
    path = _holds(server, BIG[:54321], size=claim)
    m = mount(server)
    found = os.stat(m / path)
    assert found.st_size == 54321
    assert found.st_blocks * 512 >= 54321
    assert read(m / path) == BIG[:54321]


def test_an_empty_object_is_an_empty_file(odd, mount):
    server = odd()
    for number, claim in enumerate((0, None)):
        server.put_file(oid(number), "empty", b"", size=claim)
    m = mount(server)
    for number in range(2):
        assert os.stat(m / f"storage/{oid(number)}_empty").st_size == 0
        assert read(m / f"storage/{oid(number)}_empty") == b""


@pytest.mark.parametrize("claim", [None, 0, 77, 999999], ids=["none", "0", "low", "high"])
def test_verify_sizes_makes_stat_ask(odd, mount, claim):
    server = odd()
    path = _holds(server, BIG[:54321], size=claim)
    m = mount(server, "-o", "verify_sizes")
    assert os.stat(m / path).st_size == 54321
    assert read(m / path) == BIG[:54321]


@pytest.mark.parametrize("claim", ['"54321"', "-1", "1e3", '"big"', "99999999999999999999"])
def test_a_claim_that_is_no_size_is_no_claim(odd, mount, claim):
    server = odd()
    path = _holds(server, BIG[:54321])
    server.files[oid(1)] = server.files[oid(1)].replace(
        b'"size":54321', b'"size":' + claim.encode()
    )
    m = mount(server)
    assert os.stat(m / path).st_size == 54321
    assert read(m / path) == BIG[:54321]


def test_after_its_one_error_a_file_is_right_at_once(odd, mount):
    """Whoever gets the error and tries again finds the truth: the name leads
    to it before the error goes out."""
    server = odd()
    dice = random.Random(3)
    contents = {}
    for number in range(60):
        data = BIG[: dice.randrange(1, 60000)]
        lie = dice.choice([1, len(data) // 2 + 1, len(data) + 1, len(data) * 3])
        server.put_file(oid(number), "f", data, size=lie)
        contents[f"{oid(number)}_f"] = data
    m = mount(server)
    before = {name: os.stat(m / "storage" / name) for name in contents}
    failed = 0
    for name, data in sorted(contents.items(), key=lambda _: dice.random()):
        path = m / "storage" / name
        try:
            first = read(path)
        except OSError as error:
            assert error.errno == errno.EIO
            failed += 1
            first = read(path)
        assert first == data
        assert os.stat(path).st_size == len(data)
        # One that the kernel was told a false size of is another file now.
        lied = before[name].st_size != len(data)
        assert lied == (os.stat(path).st_ino != before[name].st_ino)
    assert failed > 0
