"""
The naming rules of the tree, written a second time from their description.
Everything is bytes; an id and an original name are given as the server's text
in UTF-8, with a lone surrogate as its three bytes.
"""

import re

_HEX = b"0123456789abcdefABCDEF"


def safe(text, is_id=False):
    """Make a piece of a server's text fit for a name."""
    out = bytearray()
    position = 0
    while position < len(text):
        byte = text[position]
        length = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
        piece = text[position : position + length]
        try:
            character = piece.decode("utf-8")
        except UnicodeDecodeError:
            out += b"%%%02X" % byte
            position += 1
            continue
        number = ord(character)
        escape = (
            character == "/"
            or number < 0x20
            or 0x7F <= number <= 0x9F
            or (is_id and position == 0 and character == ".")
            or (
                character == "%"
                and len(text) > position + 2
                and text[position + 1] in _HEX
                and text[position + 2] in _HEX
            )
        )
        out += b"".join(b"%%%02X" % b for b in piece) if escape else piece
        position += length
    return bytes(out)


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def _mark(data):
    return b"~%016x" % fnv1a(data)


def _fit(stem, mark, extension):
    """Cut the stem where the whole would be over 255 bytes: never inside a
    character or a %XX."""
    room = 255 - len(mark) - len(extension)
    units = re.findall(rb"%[0-9A-F]{2}|[\x00-\x7f]|[\xc0-\xff][\x80-\xbf]+", stem)
    assert b"".join(units) == stem
    cut = b""
    for unit in units:
        if len(cut) + len(unit) > room:
            break
        cut += unit
    return cut + mark + extension


def record(record_id):
    whole = safe(record_id, is_id=True) + b".json"
    if len(whole) <= 255:
        return whole
    return _fit(whole[:-5], _mark(whole), b".json")


def _stored(file_id, original):
    name = safe(original or b"")
    stem, dot, last = name.rpartition(b".")
    extension = dot + last
    if not dot or len(extension) > 16 or not stem.strip(b"."):
        extension = b""
    return safe(file_id, is_id=True) + b"_" + name, extension


def stored(file_id, original):
    """A stored file's name, where no other has it."""
    whole, extension = _stored(file_id, original)
    if len(whole) <= 255:
        return whole
    stem = whole[: len(whole) - len(extension)]
    return _fit(stem, _mark(whole), extension)


def stored_twin(file_id, original):
    """A stored file's name, where one with a smaller id has it already."""
    whole, extension = _stored(file_id, original)
    stem = whole[: len(whole) - len(extension)]
    return _fit(stem, _mark(whole + b"\0" + file_id), extension)


def table(name):
    return b"storage.table" if name == "storage" else name.encode()
