"""A stored file for a test to read."""

import random

from records import oid

BIG = random.Random(7).randbytes(12 * 1024 * 1024 + 4321)


def holds(server, data, name="f.bin", **claim):
    server.put_file(oid(1), name, data, **claim)
    return f"storage/{oid(1)}_{name}"
