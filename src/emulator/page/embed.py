#!/usr/bin/env python3
"""Make C of files.

    embed.py OUT.c HEADER NAME=FILE...

Each FILE's bytes become NAME, and their number NAME_size.
"""

import pathlib
import sys

WIDTH = 16


def lines(name, data):
    yield f"const char {name}[] = {{"
    for at in range(0, len(data), WIDTH):
        # Characters, whose sign differs between machines, are written as such.
        yield "\t" + " ".join(f"'\\x{byte:02x}'," for byte in data[at:at + WIDTH])
    yield "};"
    yield f"const size_t {name}_size = sizeof({name});"


def main():
    out, header, *files = sys.argv[1:]
    text = [f'#include "{header}"', ""]
    for pair in files:
        name, _, file = pair.partition("=")
        text += lines(name, pathlib.Path(file).read_bytes())
    pathlib.Path(out).write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
