"""
JSON as text, for checking that no token was changed. Independent of the
program: nothing here turns a number into a float or a string into a str.
"""

import re

_TOKEN = re.compile(
    rb'[{}\[\],:]|"[^"\\]*(?:\\.[^"\\]*)*"|[^\s{}\[\],:"]+', re.DOTALL
)
_OPEN = {b"{": b"}", b"[": b"]"}


def tokens(raw):
    """The tokens of a JSON text, as they stand."""
    return _TOKEN.findall(raw)


def pretty(raw):
    """The layout that json=pretty promises."""
    out = []
    depth = 0
    words = tokens(raw)
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word in _OPEN:
            if words[position] == _OPEN[word]:
                out.append(word + _OPEN[word])
                position += 1
                continue
            depth += 1
            out.append(word + b"\n" + b"  " * depth)
        elif word in (b"}", b"]"):
            depth -= 1
            out.append(b"\n" + b"  " * depth + word)
        elif word == b",":
            out.append(b",\n" + b"  " * depth)
        elif word == b":":
            out.append(b": ")
        else:
            out.append(word)
    return b"".join(out) + b"\n"


class Value:
    """A value in a text: its raw bytes, and what is in it."""

    def __init__(self, raw, members=None, elements=None):
        self.raw = raw
        self.members = members  # name (a raw string token) → Value
        self.elements = elements

    def __getitem__(self, name):
        return self.members[b'"' + name.encode() + b'"']

    def __contains__(self, name):
        return b'"' + name.encode() + b'"' in (self.members or {})


def parse(text):
    """The Value that a JSON text holds, each part with its raw bytes."""
    spans = [(m.start(), m.end()) for m in _TOKEN.finditer(text)]

    def word(index):
        return text[spans[index][0] : spans[index][1]]

    def value(index):
        start = index
        if word(index) == b"{":
            members = {}
            index += 1
            while word(index) != b"}":
                name = word(index)
                assert word(index + 1) == b":"
                index, members[name] = value(index + 2)
                if word(index) == b",":
                    index += 1
            raw = text[spans[start][0] : spans[index][1]]
            return index + 1, Value(raw, members=members)
        if word(index) == b"[":
            elements = []
            index += 1
            while word(index) != b"]":
                index, element = value(index)
                elements.append(element)
                if word(index) == b",":
                    index += 1
            raw = text[spans[start][0] : spans[index][1]]
            return index + 1, Value(raw, elements=elements)
        return index + 1, Value(word(index))

    end, result = value(0)
    assert end == len(spans)
    return result


def payload(text, wanted_id=None):
    """The payload of an answer, out of whichever envelope it came in."""
    whole = parse(text)
    if wanted_id is not None and "id" in whole:
        return whole
    if "success" in whole and "data" in whole and whole["success"].raw == b"true":
        return whole["data"]
    return whole
