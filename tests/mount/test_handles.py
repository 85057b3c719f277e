"""File handles, by which the kernel's NFS server knows files: they hold while
the replica lives, whatever the kernel has forgotten."""

import ctypes
import errno
import os
import stat

import pytest

from jsontext import pretty
from records import oid, read, record, record_names, records

pytestmark = pytest.mark.threads

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100


class Handle(ctypes.Structure):
    _fields_ = [
        ("bytes", ctypes.c_uint),
        ("type", ctypes.c_int),
        ("data", ctypes.c_ubyte * 128),
    ]


def _handle(path):
    handle, mount_id = Handle(bytes=128), ctypes.c_int()
    done = LIBC.name_to_handle_at(
        AT_FDCWD, os.fsencode(path), ctypes.byref(handle), ctypes.byref(mount_id), 0)
    assert done == 0, os.strerror(ctypes.get_errno())
    return handle


def _open(m, handle, flags=os.O_RDONLY):
    top = os.open(m.path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fd = LIBC.open_by_handle_at(top, ctypes.byref(handle), flags)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "open_by_handle_at")
        return fd
    finally:
        os.close(top)


def _read(m, handle):
    with open(_open(m, handle), "rb") as file:
        return file.read()


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = records(230)
    server.specs["posts"] = b'{"tableName":"posts"}'
    server.put_file(oid(1), "photo.jpg", b"x" * 5000)
    return server


@pytest.fixture
def may_open():
    """Whether this user may open by handle at all: root may."""
    return os.geteuid() == 0


def test_a_handle_outlives_the_mount(project, mount, work, may_open):
    first = mount(project, cache=work / "cache")
    assert len(os.listdir(first / "posts")) == 231
    truth = {
        f"posts/{oid(7)}.json": pretty(record(7)),
        "posts/.spec.json": pretty(project.specs["posts"]),
        f"storage/{oid(1)}_photo.jpg": b"x" * 5000,
    }
    assert {path: read(first / path) for path in truth} == truth
    handles = {path: _handle(first / path) for path in truth}
    dirs = {path: _handle(first / path)
            for path in ("", "posts", "files", "storage")}
    # Of the moment, and in no directory that is listed.
    gone = [_handle(first / path) for path in (".bkendfs", ".bkendfs/status")]
    inodes = {path: os.stat(first / path).st_ino for path in [*handles, *dirs]}
    first.unmount()
    again = mount(project, cache=work / "cache")
    if not may_open:
        with pytest.raises(PermissionError):
            _open(again, handles["posts/.spec.json"])
        return
    for path, handle in handles.items():
        assert _read(again, handle) == truth[path], path
    for path, handle in dirs.items():
        fd = _open(again, handle, os.O_RDONLY | os.O_DIRECTORY)
        assert os.fstat(fd).st_ino == inodes[path]
        if path == "posts":
            names = [name for name in os.listdir(fd) if name[0] != "."]
            assert sorted(names) == record_names(230)
            # Connected to the tree again, up to its root.
            up = os.open("..", os.O_RDONLY, dir_fd=fd)
            assert os.fstat(up).st_ino == inodes[""]
            os.close(up)
        os.close(fd)
    for handle in gone:
        with pytest.raises(OSError) as caught:
            _open(again, handle)
        assert caught.value.errno == errno.ESTALE


def test_a_handle_of_another_replica_is_stale(project, mount, may_open):
    """Its numbers may come again there, for other files."""
    first = mount(project)
    os.listdir(first / "posts")
    handles = [_handle(first / "posts"), _handle(first / f"posts/{oid(3)}.json")]
    first.unmount()
    other = mount(project)
    assert len(os.listdir(other / "posts")) == 231
    for handle in handles:
        with pytest.raises(OSError) as caught:
            _open(other, handle)
        assert caught.value.errno == (errno.ESTALE if may_open else errno.EPERM)


def test_a_handle_keeps_its_version(project, mount, work, may_open):
    m = mount(project, "-o", "ttl=0", cache=work / "cache")
    path = m / f"posts/{oid(3)}.json"
    assert read(path) == pretty(record(3))
    handle = _handle(path)
    assert stat.S_ISREG(os.stat(path).st_mode)
    with project.lock:
        project.tables["posts"][3] = record(3, b',"new":1').replace(b'At":"2026', b'At":"2027')
    assert b'"new"' in read(path)
    if may_open:
        assert _read(m, handle) == pretty(record(3))
