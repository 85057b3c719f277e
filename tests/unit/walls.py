#!/usr/bin/env python3
"""Check the walls of the house.

  walls.py SRC BUILD    every wall; exit status 1 where one is broken
  walls.py --picture    draw the rooms, as src/README.md has them

A room is a folder of src. A file may include, and call, what is in its own
room and in the rooms that ARROWS leads to, over any number of steps; a header
of another project is included only where HOMES says so; no two files, where x.c
and x.h are one, include or call each other in a circle, or have one name. Who
calls whom is read from the objects: what a file defines and what it leaves
undefined.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

# Room -> the rooms right below it. "" is what lies in src itself.
ARROWS = {
    "": ["command"],
    "command": ["config", "fs", "status", "http"],
    "config": ["http", "tree", "json"],
    "fs": ["status", "sync"],
    "status": ["content", "api"],
    "sync": ["sync/listing", "sync/object", "mcp"],
    "sync/listing": ["sync/record"],
    "sync/object": ["sync/record"],
    "sync/record": ["sync/core"],
    "sync/core": ["content", "api"],
    "mcp": ["http", "tree", "json"],
    "content": ["replica"],
    "replica": ["base"],
    "api": ["http", "tree", "json"],
    "http": ["base"],
    "tree": ["base"],
    "json": ["base"],
    "base": [],
    "emulator": ["emulator/server"],
    "emulator/server": ["emulator/service"],
    "emulator/service": ["emulator/load", "emulator/page", "emulator/mcp"],
    "emulator/page": ["emulator/query", "emulator/exchange"],
    "emulator/mcp": ["emulator/oauth"],
    "emulator/oauth": ["emulator/exchange"],
    "emulator/load": ["emulator/store"],
    "emulator/query": ["emulator/store"],
    "emulator/exchange": ["emulator/store"],
    "emulator/store": ["tree", "json"],
}

# A header's name, as a pattern -> where it may be included: a directory of
# src, or a part of a file's name.
HOMES = [
    (r"fuse.*", ["fs/"]),
    (r"sqlite3\.h", ["replica/"]),
    (r"curl/.*", ["http/curl"]),
    (r"(cjson/)?cJSON.*", ["json/parsed", "emulator/service/",
                            "emulator/mcp/", "emulator/oauth/"]),
    (r"xxhash\.h", ["content/", "replica/page_sum"]),
    (r"ini\.h", ["config/profile"]),
    (r"microhttpd\.h", ["emulator/server/", "mcp/loopback"]),
    (r"openssl/.*", ["emulator/oauth/challenge", "mcp/pkce"]),
    (r"pcre2\.h", ["emulator/query/pattern"]),
    (r"utf8proc\.h", ["emulator/load/nfc"]),
    (r"zlib\.h", ["emulator/load/gzip"]),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:([<"])([^>"]+)[>"]|(.*))',
                     re.M)


def room_of(path):
    return path.rpartition("/")[0]


def below(room, seen=None):
    """The rooms that a room's files may use, its own too."""
    seen = set() if seen is None else seen
    if room not in seen:
        seen.add(room)
        for other in ARROWS.get(room, []):
            below(other, seen)
    return seen


def module_of(path):
    return re.sub(r"\.[chS]$", "", path)


def includes(source):
    """(file, line, foreign?, header) of each include of src."""
    for file in sorted(source.rglob("*.[ch]")):
        path = file.relative_to(source).as_posix()
        text = file.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield path, line, match[1] == "<", match[2] or match[3]


def objects(source, build):
    """(path in src, object) of all that the two programs are made of."""
    with open(build / "compile_commands.json", encoding="utf-8") as commands:
        for command in json.load(commands):
            file = (build / command["file"]).resolve()
            made = command["output"]
            if made.startswith("src/") and file.is_relative_to(source):
                yield file.relative_to(source).as_posix(), build / made


def program_of(path):
    """Either program has a symbol of its own by each name."""
    return path.startswith("emulator/")


def symbols(source, build):
    """(file, symbol, kind) of all that the objects define, or want."""
    files = {str(made): path for path, made in objects(source, build)}
    out = subprocess.run(["nm", "-g", "-P", "-A", *files], check=False,
                         capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"{build} is not built whole: {out.stderr}")
    for line in out.stdout.splitlines():
        made, rest = line.split(": ", 1)
        symbol, kind = rest.split()[:2]
        yield files[made], symbol, kind


def calls(source, build):
    """(file, symbol, file that defines it) across the files of src."""
    defined, wanted = {}, []
    for path, symbol, kind in symbols(source, build):
        if kind in "Uwv":
            wanted.append((path, symbol))
        else:
            defined[program_of(path), symbol] = path
    for path, symbol in wanted:
        ours = program_of(path)
        home = (defined.get((ours, symbol))
                or defined.get((not ours, symbol), path))
        if home != path:
            yield path, symbol, home


def check_include(path, foreign, header, source):
    if foreign:
        for pattern, homes in HOMES:
            if (re.fullmatch(pattern, header)
                    and not path.startswith(tuple(homes))):
                return f"<{header}> belongs to {' or '.join(homes)} only"
    elif not (source / header).is_file():
        return f'"{header}" is not in src; include from there'
    elif room_of(header) not in below(room_of(path)):
        return f'"{header}" is not below {room_of(path) or "src"}'
    return None


def circles(edges):
    """The strongly connected parts of more than one (Tarjan's algorithm)."""
    number, low, path, found = {}, {}, [], []

    def visit(one):
        number[one] = low[one] = len(number)
        path.append(one)
        for other in sorted(edges[one]):
            if other not in number:
                visit(other)
            if other in path:
                low[one] = min(low[one], low[other])
        if low[one] == number[one]:
            at = path.index(one)
            if len(path) - at > 1:
                found.append(sorted(path[at:]))
            del path[at:]

    for one in sorted(edges):
        if one not in number:
            visit(one)
    return found


def namesakes(source):
    """Files whose difference only the folder tells."""
    homes = collections.defaultdict(list)
    for file in sorted(source.rglob("*.[ch]")):
        homes[file.name].append(file.relative_to(source).as_posix())
    for name, paths in sorted(homes.items()):
        if len(paths) > 1 and name != "main.c":
            yield f"one name for {' and '.join(paths)}"


def arrows_within(circle, edges):
    for one in circle:
        others = sorted(edges[one] & set(circle))
        yield f"  {one} -> {', '.join(others)}"


PICTURE = re.compile(r"```\n(.*?)```\n", re.S)
WIDTH = 66


def depths(top):
    """Room -> how many rooms stand above it, on the longest way from top."""
    found = {}

    def visit(room, depth):
        if found.get(room, -1) < depth:
            found[room] = depth
            for other in ARROWS[room]:
                visit(other, depth + 1)

    visit(top, 0)
    return found


def layers(rooms):
    """Rooms by depth, each a line of cells of one width in all."""
    edge = None
    for depth in sorted(set(rooms.values())):
        names = sorted(room for room in rooms if rooms[room] == depth)
        widths = [WIDTH // len(names)] * len(names)
        widths[-1] += WIDTH - sum(widths) - (len(names) - 1)
        here = "+" + "+".join("-" * width for width in widths) + "+"
        # A corner of either line stands in the one between them.
        yield "".join("+" if "+" in pair else "-"
                      for pair in zip(here, edge or here))
        yield "|" + "|".join((name or "main.c").center(width)
                             for name, width in zip(names, widths)) + "|"
        edge = here
    yield edge


def picture():
    """Either program's rooms, what is used standing below what uses it, and
    the arrows."""
    ours = depths("")
    others = {room: depth for room, depth in depths("emulator").items()
              if room not in ours}
    for rooms in (ours, others):
        yield from layers(rooms)
        yield ""
        for room in sorted(rooms, key=lambda room: (rooms[room], room)):
            if ARROWS[room]:
                yield f"{room or 'main.c':17} -> {', '.join(ARROWS[room])}"
        yield ""


def check_picture(source):
    """The one in src/README.md is this one, with a word on each room."""
    text = (source / "README.md").read_text(encoding="utf-8")
    drawn = PICTURE.search(text)
    if not drawn or drawn[1].rstrip("\n") != "\n".join(picture()).rstrip("\n"):
        yield "src/README.md: its picture is not what walls.py --picture draws"
    for room in filter(None, ARROWS):
        if f"- `{room}/`: " not in text:
            yield f"src/README.md: not a word on {room}/"


def problems(source, build):
    yield from check_picture(source)
    for room in sorted({room_of(file.relative_to(source).as_posix())
                        for file in source.rglob("*.[ch]")}):
        if room not in ARROWS:
            yield f"src/{room}: no such room in walls.py"
    edges = collections.defaultdict(set)
    for path, line, foreign, header in includes(source):
        wrong = check_include(path, foreign, header, source)
        if wrong:
            yield f"src/{path}:{line}: {wrong}"
        if not foreign and module_of(path) != module_of(header):
            edges[module_of(path)].add(module_of(header))
    called = 0
    for path, symbol, home in calls(source, build):
        called += 1
        if room_of(home) not in below(room_of(path)):
            yield f"src/{path}: calls {symbol} of {home}, which is not below"
        if module_of(path) != module_of(home):
            edges[module_of(path)].add(module_of(home))
    if not called:
        yield f"{build}: no objects there: who calls whom is not known"
    yield from namesakes(source)
    for circle in circles(edges):
        yield f"a circle of {len(circle)} files:"
        yield from arrows_within(circle, edges)


def main():
    if sys.argv[1:] == ["--picture"]:
        print("\n".join(picture()).rstrip("\n"))
        return 0
    if len(sys.argv) != 3:
        sys.exit("usage: walls.py SRC BUILD | --picture")
    sys.setrecursionlimit(10000)
    source, build = (pathlib.Path(path).resolve() for path in sys.argv[1:])
    found = list(problems(source, build))
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
