"""Any attempt to write is EROFS."""

import ctypes
import errno
import os

import pytest

from conftest import run
from jsontext import pretty
from records import fails, oid, read, record, records

RECORD = f"posts/{oid(1)}.json"
STORED = f"storage/{oid(1)}_f.bin"
META = f"files/{oid(1)}.json"

FILES = [RECORD, STORED, META, ".bkendfs/errors"]
PLACES = ["", "posts", "files", "storage", ".bkendfs"]


@pytest.fixture
def m(odd, mount):
    server = odd()
    server.tables["posts"] = records(3)
    server.put_file(oid(1), "f.bin", b"content")
    mounted = mount(server)
    yield mounted
    assert read(mounted / RECORD) == pretty(record(1))
    assert read(mounted / STORED) == b"content"


def _libc(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


ON_A_FILE = {
    "open for writing": lambda p: os.open(p, os.O_WRONLY),
    "open for both": lambda p: os.open(p, os.O_RDWR),
    "open and truncate": lambda p: os.open(p, os.O_WRONLY | os.O_TRUNC),
    "open for appending": lambda p: os.open(p, os.O_WRONLY | os.O_APPEND),
    "open or create": lambda p: os.open(p, os.O_WRONLY | os.O_CREAT, 0o644),
    "truncate": lambda p: os.truncate(p, 0),
    "unlink": os.unlink,
    "rename": lambda p: os.rename(p, os.fspath(p) + "x"),
    "link": lambda p: os.link(p, os.fspath(p) + "x"),
    "chmod": lambda p: os.chmod(p, 0o600),
    "chown": lambda p: os.chown(p, os.geteuid(), os.getegid()),
    "utime": lambda p: os.utime(p, (0, 0)),
    "setxattr": lambda p: os.setxattr(p, "user.x", b"y"),
    "removexattr": lambda p: os.removexattr(p, "user.x"),
    "access": lambda p: _libc("access", os.fsencode(p), os.W_OK),
}


@pytest.mark.parametrize("act", ON_A_FILE.values(), ids=ON_A_FILE)
def test_no_file_can_be_changed(m, act):
    for name in FILES:
        with fails(errno.EROFS):
            act(m / name)


ON_A_DIRECTORY = {
    "create": lambda p: os.open(p / "new", os.O_WRONLY | os.O_CREAT, 0o644),
    "create a record": lambda p: os.open(
        p / f"{oid(9)}.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644
    ),
    "mkdir": lambda p: os.mkdir(p / "new"),
    "symlink": lambda p: os.symlink("x", p / "new"),
    "mkfifo": lambda p: os.mkfifo(p / "new"),
    "nameless file": lambda p: os.open(p, os.O_TMPFILE | os.O_WRONLY, 0o644),
    "chmod": lambda p: os.chmod(p, 0o700),
    "utime": lambda p: os.utime(p),
    "setxattr": lambda p: os.setxattr(p, "user.x", b"y"),
    "access": lambda p: _libc("access", os.fsencode(p), os.W_OK),
}


@pytest.mark.parametrize("act", ON_A_DIRECTORY.values(), ids=ON_A_DIRECTORY)
def test_nothing_can_be_made_in_a_directory(m, act):
    for name in PLACES:
        # A file system without nameless files may say so first.
        also = [errno.EOPNOTSUPP] if act is ON_A_DIRECTORY["nameless file"] else []
        with fails(errno.EROFS, *also):
            act(m / name)


def test_no_directory_can_be_removed_or_renamed(m):
    for name in ("posts", "files", "storage", ".bkendfs"):
        with fails(errno.EROFS):
            os.rmdir(m / name)
        with fails(errno.EROFS):
            os.rename(m / name, m / "other")


def test_the_usual_tools_say_read_only(m, work):
    (work / "mine").write_bytes(b"x")
    for command in (
        ["touch", m / "posts/new.json"],
        ["cp", work / "mine", m / "storage/new"],
        ["rm", "-rf", m / "posts"],
        ["mkdir", m / "new"],
        ["sh", "-c", f"echo x >> '{m / RECORD}'"],
        ["mv", m / "posts", work / "moved"],
    ):
        said = run(*command)
        assert said.returncode != 0, command
        assert b"Read-only file system" in said.stderr, (command, said.stderr)


def test_no_write_reaches_the_server(m):
    run("rm", "-rf", m / "posts", m / "files", m / "storage")
    run("touch", m / "posts/new.json")
    for request in m.server.log:
        assert request.method == "GET" or (
            "/auth/" in request.path or request.path.endswith("/download-url")
        )
