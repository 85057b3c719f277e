"""
A copy of a project whose server and store fail in every way at once. What fails
is chosen by a seed, the request and how often that came, so that a failure can
be had again. By hand another seed and another share of each fault can be taken;
then the project is larger, and answers stall as well, each for a minute:

    CHAOS_SEED=7 CHAOS_PERCENT=5 tests/run -k chaos
"""

import os
import re

from conftest import run
from truth import assert_same, on_disk, tree

SEED = int(os.environ.get("CHAOS_SEED", 1))
PERCENT = os.environ.get("CHAOS_PERCENT")
KINDS = ["500", "503", "429", "reset", "cut", "half", "page"]


def _begin(emulator, records, files):
    server = emulator(
        "--no-demo", "--generate", f"t={records}:300",
        "--generate-files", f"{files}:20000",
        "--seed", SEED,
    )
    wanted = tree(server)
    server.set(token_ttl=3)
    server.reset()
    return server, wanted


def _fail(server):
    for kind in KINDS + (["stall"] if PERCENT else []):
        server.set(fail=f"{PERCENT or 5}:{kind}")


def _assert_polite(server):
    """Nobody came before he was told to, and no token twice."""
    assert server.stats()["early"] == 0
    refused = re.findall(rb"^POST /v1/auth/refresh 401.*", server.log.read_bytes(), re.M)
    assert not refused


def test_a_copy_through_every_fault_is_whole(emulator, mount, work):
    server, wanted = _begin(emulator, *(10_000, 300) if PERCENT else (4000, 100))
    _fail(server)
    m = mount(server)
    copied = run("cp", "-r", m.path, work / "copy", timeout=3000)
    assert copied.returncode == 0, copied.stderr
    by_status = server.stats()["by_status"]
    assert all(by_status[status] > 5 for status in ("0", "429", "500", "503"))
    _assert_polite(server)
    assert_same(on_disk(work / "copy"), wanted)
