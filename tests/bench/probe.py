"""
Looks at a mount from a process of its own, and prints numbers.

  probe.py first-entry DIRECTORY   the seconds until its first record's name
  probe.py stat DIRECTORY NAMES    the seconds that each stat took of the
                                   names that stand in the file NAMES
  probe.py first-byte FILE         the seconds until its first bytes
"""

import os
import sys
import time


def first_entry(directory):
    begin = time.perf_counter()
    with os.scandir(directory) as entries:
        next(entry for entry in entries if not entry.name.startswith("."))
        print(time.perf_counter() - begin)


def stat(directory, names):
    with open(names, encoding="utf-8") as lines:
        paths = [os.path.join(directory, line.rstrip("\n")) for line in lines]
    for path in paths:
        begin = time.perf_counter()
        os.stat(path)
        print(time.perf_counter() - begin)


def first_byte(path):
    begin = time.perf_counter()
    file = os.open(path, os.O_RDONLY)
    if not os.pread(file, 4096, 0):
        sys.exit(f"{path} is empty")
    print(time.perf_counter() - begin)


if __name__ == "__main__":
    {"first-entry": first_entry, "stat": stat, "first-byte": first_byte}[
        sys.argv[1]
    ](*sys.argv[2:])
