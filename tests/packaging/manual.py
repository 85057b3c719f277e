#!/usr/bin/env python3
"""manual.py ROOT BUILD: whether the manual pages are well formed, and have each
option, setting, variable and key that the programs' own help has, and no other."""

import os
import re
import subprocess
import sys
from pathlib import Path

from words import Words

ROOT, BUILD = map(Path, sys.argv[1:3])
PAGES = {page.name: page for page in (ROOT / "packaging/man").iterdir()}
ENV = {**os.environ, "LC_ALL": "C.UTF-8", "MANPAGER": "cat"}
troubles = []


def shown(name):
    """As a reader sees it, on lines without end."""
    done = subprocess.run(
        ["mandoc", "-Tutf8", "-Owidth=500", PAGES[name]],
        stdout=subprocess.PIPE, env=ENV, timeout=60, check=True,
    )
    return re.sub(r".\x08", "", done.stdout.decode())


def lint(page):
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wstyle", page],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENV, timeout=60, check=False,
    )
    for line in done.stdout.decode().splitlines():
        # That is of the machine: which other manuals it has.
        if "referenced manual not found" not in line and "mandoc.db" not in line:
            troubles.append(line)


def compare(where, there, wanted):
    for word in sorted(wanted - there):
        troubles.append(f"{where}: {word} is missing")
    for word in sorted(there - wanted):
        troubles.append(f"{where}: no program knows {word}")


def items(name, pattern):
    """What is explained: the words at the head of a list's items."""
    heads = re.findall(r"^\.It (.*)$", PAGES[name].read_text(), re.M)
    return {word for head in heads for word in re.findall(pattern, head)}


words = Words(BUILD)
main, conf, emulator = "bkendfs.1", "bkendfs.conf.5", "bkend-emulator.1"
for one in PAGES.values():
    lint(one)
for name, text in ((n, p.read_text()) for n, p in PAGES.items()):
    for page, section in re.findall(r"^\.Xr (bkend\S*) (\d)", text, re.M):
        if f"{page}.{section}" not in PAGES:
            troubles.append(f"{name}: there is no {page}({section})")
compare(main, {"--" + w for w in items(main, r"\\-([a-z-]+)(?!=)\b")}, words.options)
compare(main, {"-" + w for w in items(main, r"(?<=Fl )([a-zA-Z])\b")}, words.letters)
settings = re.findall(r"^\.It Cm ([a-z_]+)( Ns =)?", PAGES[main].read_text(), re.M)
compare(main, {n + ("=" if v else "") for n, v in settings}, words.settings)
compare(main, items(main, r"BKEND[A-Z_]+"), words.variables)
heads = re.findall(r"^\.It Cm (.*)$", PAGES[conf].read_text(), re.M)
compare(conf, {w for head in heads for w in head.split(" , ")}, words.keys)
compare(emulator, {"--" + w for w in items(emulator, r"\\-([a-z-]+)")}, words.emulator)
# What stands in the source is there for a reader, too.
for name, wanted in ((main, words.options | words.variables), (conf, words.keys),
                     (emulator, words.emulator)):
    text = shown(name)
    for word in wanted:
        if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text):
            troubles.append(f"{name}: {word} is not to be seen")
print("\n".join(troubles))
sys.exit(bool(troubles))
