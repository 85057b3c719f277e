"""Stored files as the usual tools copy them, many at a time, and with a server
that fails now and then: every byte is the server's.

BKEND_TEST_FIO_MIB=1024 makes the file that fio verifies so large; it has 64 MiB
else."""

import hashlib
import json
import os
import random
import subprocess
import tarfile

import pytest

from conftest import run, succeed
from records import moment, oid

pytestmark = pytest.mark.xdist_group("storage-copies")

MIB = 1 << 20

BLOB = random.Random(11).randbytes(72 * MIB)

SIZES = [
    0, 1, 4095, 4096, 4097,
    (128 << 10) - 1, 128 << 10, (128 << 10) + 1,
    MIB - 1, MIB, MIB + 1,
    2 * MIB + 77, 3 * MIB, 5 * MIB - 1, 40 * MIB,
]
SIZES += [random.Random(12).randrange(2, 300000) for _ in range(45)]


def _sum(data):
    return hashlib.sha256(data).hexdigest()


def _piece(number, size):
    """Some bytes, others for each number."""
    begin = number * 4099
    return BLOB[begin : begin + size]


# Copies --------------------------------------------------------------------


@pytest.fixture
def stored(odd):
    """A server with files of all those sizes."""
    server = odd()
    for number, size in enumerate(SIZES):
        server.put_file(
            oid(number), f"file {number}.bin", _piece(number, size), at=moment(number)
        )
    return server


def _sums(server):
    """{name in storage/: sha256 of what the server has}"""
    return {
        f"{oid(number)}_file {number}.bin": _sum(
            server.storage.objects[f"/bucket/{oid(number)}"]
        )
        for number in range(len(SIZES))
    }


def _sums_on_disk(path):
    return {name: _sum((path / name).read_bytes()) for name in os.listdir(path)}


def _cp(m, work):
    succeed("cp", "-r", m / "storage", work / "copy")
    return _sums_on_disk(work / "copy")


def _rsync(m, work):
    succeed("rsync", "-a", f"{m / 'storage'}/", work / "copy")
    return _sums_on_disk(work / "copy")


def _tar(m, work):
    succeed("tar", "-cf", work / "copy.tar", "-C", m / "storage", ".")
    with tarfile.open(work / "copy.tar") as archive:
        return {
            entry.name[2:]: _sum(archive.extractfile(entry).read())
            for entry in archive
            if entry.isfile()
        }


@pytest.mark.parametrize("copy", [_cp, _rsync, _tar], ids=lambda tool: tool.__name__[1:])
def test_a_copy_has_the_server_s_bytes(stored, mount, work, copy):
    m = mount(stored)
    assert copy(m, work) == _sums(stored)
    # A URL a file, and nobody was asked for a file's size.
    asked = stored.count(lambda r: r.path.endswith("/download-url"))
    assert asked <= len(SIZES) + 2


def test_a_second_rsync_copies_nothing(stored, mount, work):
    m = mount(stored)
    succeed("rsync", "-a", f"{m / 'storage'}/", work / "copy")
    asked = len(stored.storage.log)
    again = ("rsync", "-ai", f"{m / 'storage'}/", work / "copy")
    assert succeed(*again) == b""
    assert len(stored.storage.log) == asked
    m.unmount()
    # Nor at the next mount, which knows nothing of the first.
    fresh = mount(stored)
    assert succeed(
        "rsync", "-ai", "--omit-dir-times", f"{fresh / 'storage'}/", work / "copy"
    ) == b""
    # Of an empty file nobody can tell whether that is true but the store.
    assert len(stored.storage.log) <= asked + 1


# Many readers --------------------------------------------------------------


def _sha256sums(paths):
    """Read files side by side, a process each; the sums in order."""
    readers = [
        subprocess.Popen(["sha256sum", path], stdout=subprocess.PIPE)
        for path in paths
    ]
    try:
        said = [reader.communicate(timeout=50)[0].split() for reader in readers]
        assert [reader.returncode for reader in readers] == [0] * len(readers)
        return [words[0].decode().lstrip("\\") for words in said]
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()


def test_readers_of_many_files_get_the_right_bytes_from_a_failing_server(emulator, mount):
    server = emulator("--no-demo", "--storage-latency", 5)
    sizes = [size * MIB + 123 for size in (3, 4, 6, 8, 10, 12, 30, 31)]
    wanted = []
    for number, size in enumerate(sizes):
        data = _piece(number, size)
        wanted.append(_sum(data))
        server.put_file(oid(number), data, name="f")
    for kind in ("reset", "503", "cut"):
        server.set(fail=f"5:{kind}")
    m = mount(server)
    found = _sha256sums([m / f"storage/{oid(n)}_f" for n in range(len(sizes))])
    assert found == wanted
    assert server.stats()["by_status"].get("503", 0) > 0


# fio -----------------------------------------------------------------------


def _fio(*options, cwd):
    """fio's verdict: its jobs, each without an error."""
    said = run(
        "fio", "--ioengine=psync", "--verify=crc32c", "--verify_interval=4096",
        "--verify_state_save=0", "--output-format=json", *options,
        cwd=cwd, timeout=55,
    )
    assert said.returncode == 0, (said.stdout[-1500:], said.stderr[-1500:])
    jobs = json.loads(said.stdout[said.stdout.index(b"{") :])["jobs"]
    assert [job["error"] for job in jobs] == [0] * len(jobs)
    return jobs


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    """A backup with one file, each block of which holds its own checksum and
    place: the directory, the file's name in storage/, its size."""
    top = tmp_path_factory.mktemp("fio")
    files = top / "saved" / "bkend_files"
    files.mkdir(parents=True)
    size = int(os.environ.get("BKEND_TEST_FIO_MIB", "64")) * MIB
    name = f"{oid(1)}_pattern.bin"
    _fio(
        "--name=write", f"--filename={files / name}", f"--size={size}",
        "--rw=write", "--bs=256k", "--do_verify=0", cwd=top,
    )
    assert os.stat(files / name).st_size == size
    yield top / "saved", name, size
    os.unlink(files / name)


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("order, block", [("read", "128k"), ("randread", "64k")])
def test_fio_verifies_what_it_wrote(emulator, mount, work, pattern, order, block, jobs):
    saved, name, size = pattern
    server = emulator("--data", saved)
    m = mount(server)
    done = _fio(
        "--name=verify", f"--filename={m / 'storage' / name}", f"--size={size}",
        f"--rw={order}", f"--bs={block}", f"--numjobs={jobs}", "--readonly",
        "--verify_fatal=1", "--allow_file_create=0", "--invalidate=0", cwd=work,
    )
    assert len(done) == jobs
    assert all(job["read"]["io_bytes"] == size for job in done)
