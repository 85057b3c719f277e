"""
What a disk may hold after its power was cut: from the log that disk.c keeps of
all that was done to a directory.

What was synced is there. Of what came after that, each change may have got to
the disk or not, in any order; a write may have got there in part, by sectors.
A disk with a journal keeps at least the order of names: half of the cuts are
such.
"""

import struct
from pathlib import Path

CREATE, WRITE, TRUNCATE, SYNC, UNLINK, RENAME, MKDIR, RMDIR = range(1, 9)
SECTOR = 512


class Change:
    """An entry of the log."""

    def __init__(self, kind, path, number, data):
        self.kind = kind
        self.path = path
        self.number = number  # an offset or a size
        self.data = data
        self.file = None  # which one, whatever its name
        self.safe = False  # it was synced


def read_log(path):
    log, at, changes = Path(path).read_bytes(), 0, []
    while at + 8 <= len(log):
        kind, length = struct.unpack_from("=II", log, at)
        name = log[at + 8 : at + 8 + length].decode()
        at += 8 + length
        number, length = struct.unpack_from("=qq", log, at)
        changes.append(Change(kind, name, number, log[at + 16 : at + 16 + length]))
        at += 16 + length
    return changes


def _parent(path):
    return path.rpartition("/")[0]


def _is_above(directory, path):
    return directory == "" or path == directory or path.startswith(directory + "/")


def _mark(changes):
    """Which file each change is of, and whether it was synced afterwards."""
    names, files = {}, 0
    for n, change in enumerate(changes):
        change.safe = False
        if change.kind == CREATE:
            files += 1
            names[change.path] = files
        change.file = names.get(change.path)
        if change.kind == UNLINK:
            names.pop(change.path, None)
        elif change.kind == RENAME:
            names[change.data.decode()] = names.pop(change.path)
        elif change.kind == SYNC:
            for earlier in changes[:n]:
                if change.file is not None:
                    same = earlier.file == change.file and earlier.kind != UNLINK
                else:
                    same = (
                        earlier.kind not in (WRITE, TRUNCATE)
                        and _parent(earlier.path) == change.path
                    )
                way = earlier.kind == MKDIR and _is_above(earlier.path, change.path)
                earlier.safe = earlier.safe or same or way


def _write(content, change, chance, dice):
    end = change.number + len(change.data)
    for at in range(change.number, end, SECTOR):
        if not change.safe and dice.random() >= chance:
            continue
        piece = change.data[at - change.number :][:SECTOR]
        if len(content) < at + len(piece):
            content.extend(bytes(at + len(piece) - len(content)))
        content[at : at + len(piece)] = piece


def after_cut(changes, dice):
    """{path: bytes, or None for a directory} after these changes and a cut."""
    _mark(changes)
    chance = dice.choice([0, 0.1, 0.5, 0.9, 1])
    of_names = [c for c in changes if c.kind not in (WRITE, TRUNCATE, SYNC)]
    last_name = dice.randrange(len(of_names) + 1)
    in_order = set(map(id, of_names[:last_name])) if dice.random() < 0.5 else None
    names, contents = {"": None}, {}
    for change in changes:
        if change.kind == WRITE:
            content = contents.setdefault(change.file, bytearray())
            _write(content, change, chance, dice)
            continue
        if in_order is not None and change.kind != TRUNCATE:
            happened = id(change) in in_order
        else:
            happened = dice.random() < chance
        if not change.safe and not happened:
            continue
        if change.kind == TRUNCATE:
            content = contents.setdefault(change.file, bytearray())
            grown = change.number - len(content)
            content[change.number :] = bytes(max(grown, 0))
        elif change.kind == CREATE:
            names[change.path] = change.file
        elif change.kind == MKDIR:
            names[change.path] = None
        elif change.kind in (UNLINK, RMDIR):
            names.pop(change.path, None)
        elif change.kind == RENAME and change.path in names:
            names[change.data.decode()] = names.pop(change.path)
    return {
        path: None if file is None else bytes(contents.get(file, b""))
        for path, file in names.items()
    }


def make(directory, state):
    """Make the directory as it is after a cut. Where the way to a file is
    gone, so is the file."""
    for path in sorted(state):
        target = directory / path
        if path and not target.parent.is_dir():
            continue
        if state[path] is None:
            target.mkdir(mode=0o700)
        else:
            target.touch(mode=0o600)
            target.write_bytes(state[path])
