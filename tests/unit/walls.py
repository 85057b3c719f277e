#!/usr/bin/env python3
"""Check the walls between the layers: includes point down only, and each
foreign header has one home."""

import pathlib
import re
import sys

LAYERS = ["base", "json", "tree", "http", "api", "replica", "sync", "fs"]
EMULATOR_MAY_INCLUDE = {"base", "json", "tree", "emulator"}

# A header's name, as a pattern -> where it may be included: a directory of
# src, or one file.
HOMES = [
    (r"fuse.*", ["fs/"]),
    (r"sqlite3\.h", ["replica/"]),
    (r"curl/.*", ["http/http_curl.c"]),
    (r"(cjson/)?cJSON.*", ["api/", "emulator/"]),
    (r"xxhash\.h", ["replica/segment.c"]),
    (r"microhttpd\.h", ["emulator/"]),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def layer_of(path):
    """The layer of a file of src; None for the program's own files."""
    return path.split("/")[0] if "/" in path else None


def may_include(user, used):
    if user is None or user == used:
        return True
    if user == "emulator":
        return used in EMULATOR_MAY_INCLUDE
    if user not in LAYERS or used not in LAYERS:
        return False
    return LAYERS.index(used) < LAYERS.index(user)


def check_own(path, header, source):
    if not (source / header).is_file():
        return f'"{header}" is not in src; include from there'
    user, used = layer_of(path), layer_of(header)
    if may_include(user, used):
        return None
    return f'"{header}" is not below {user}'


def check_foreign(path, header):
    for pattern, homes in HOMES:
        if re.fullmatch(pattern, header) and not path.startswith(tuple(homes)):
            return f"<{header}> belongs to {' or '.join(homes)} only"
    return None


def problems(source):
    for file in sorted(source.rglob("*.[ch]")):
        path = file.relative_to(source).as_posix()
        text = file.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            quote, header = match.groups()
            wrong = (check_own(path, header, source) if quote == '"'
                     else check_foreign(path, header))
            if wrong:
                line = text.count("\n", 0, match.start()) + 1
                yield f"src/{path}:{line}: {wrong}"


def main():
    found = list(problems(pathlib.Path(sys.argv[1])))
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
