"""Directories as the C library reads them, with their positions."""

import contextlib
import ctypes
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_libc.opendir.restype = ctypes.c_void_p
_libc.readdir.restype = ctypes.c_void_p
_libc.telldir.restype = ctypes.c_long

GETDENTS64 = 217 if os.uname().machine == "x86_64" else 61


def _trouble(what):
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code), what)


class DirStream:
    """A DIR *. Calls that wait for the daemon let other threads run."""

    def __init__(self, path):
        self.path = os.fspath(path)
        self._dir = _libc.opendir(os.fsencode(path))
        if not self._dir:
            _trouble(self.path)

    def next(self):
        """The next entry's name, None at the end."""
        ctypes.set_errno(0)
        entry = _libc.readdir(ctypes.c_void_p(self._dir))
        if entry:
            # ino, off, reclen, type, name
            return os.fsdecode(ctypes.string_at(entry + 19))
        if ctypes.get_errno():
            _trouble(self.path)
        return None

    def tell(self):
        return _libc.telldir(ctypes.c_void_p(self._dir))

    def seek(self, position):
        _libc.seekdir(ctypes.c_void_p(self._dir), ctypes.c_long(position))

    def rewind(self):
        _libc.rewinddir(ctypes.c_void_p(self._dir))

    def take(self, count=None):
        """So many entries from here, or all: [(position before, name)]."""
        taken = []
        while count is None or len(taken) < count:
            position = self.tell()
            name = self.next()
            if name is None:
                break
            taken.append((position, name))
        return taken

    def close(self):
        if self._dir:
            _libc.closedir(ctypes.c_void_p(self._dir))
        self._dir = None


@contextlib.contextmanager
def opened(path):
    stream = DirStream(path)
    try:
        yield stream
    finally:
        stream.close()


def getdents(handle, size):
    """One getdents64 call: [(offset of the next entry, name)]."""
    buffer = ctypes.create_string_buffer(size)
    got = _libc.syscall(
        ctypes.c_long(GETDENTS64),
        ctypes.c_int(handle),
        buffer,
        ctypes.c_size_t(size),
    )
    if got < 0:
        _trouble(f"getdents of {size} bytes")
    entries, position = [], 0
    while position < got:
        _, offset, length, _ = struct.unpack_from("=QqHB", buffer, position)
        name = buffer.raw[position + 19 : position + length].split(b"\0")[0]
        entries.append((offset, name.decode()))
        position += length
    return entries
