"""
A copy of a project whose server and store fail in every way at once. What fails
is chosen by a seed, the request and how often that came, so that a failure can
be had again. By hand another seed and another share of each fault can be taken;
then the project is larger, and answers stall as well, each for a minute:

    CHAOS_SEED=7 CHAOS_PERCENT=5 tests/run -k chaos
"""

import errno
import os
import re

import pytest

from conftest import run
from truth import assert_same, on_disk, tree

pytestmark = pytest.mark.threads

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


NEVER = [
    ("500:API", errno.EIO),
    ("page:API", errno.EPROTO),
    ("503:STORAGE", errno.EIO),
]


def _assert_nothing_false(found, wanted, errors):
    """What of a copy is there is right; what cp did not say to have failed at is
    there as a whole."""
    for name, content in found.items():
        right = wanted[name]
        if content == right or (right is None and content):
            continue
        assert os.path.basename(name) in errors, name
        assert right is None or right.startswith(content), name
    for name in wanted.keys() - found.keys():
        parts = name.split(b"/")
        assert any(part in errors for part in parts), name


@pytest.mark.parametrize("kind,wanted_errno", NEVER)
def test_what_never_recovers_is_an_error(emulator, mount, work, kind, wanted_errno):
    server, wanted = _begin(emulator, 150, 2)
    m = mount(server, "-o", "retry=1", cache=work / "cache")
    os.listdir(m.path)
    server.set(fail="100:" + kind)
    copied = run("cp", "-r", m.path, work / "copy", timeout=80)
    assert copied.returncode == 1
    text = os.strerror(wanted_errno).encode()
    lines = copied.stderr.splitlines()
    assert lines and all(line.endswith(text) for line in lines), copied.stderr
    _assert_nothing_false(on_disk(work / "copy"), wanted, copied.stderr)
    m.unmount()
    # Nor is anything false kept.
    m = mount(server, "-o", "offline", cache=work / "cache")
    copied = run("cp", "-r", m.path, work / "kept")
    _assert_nothing_false(on_disk(work / "kept"), wanted, copied.stderr)
    m.unmount()
    server.set(fail="")
    m = mount(server, cache=work / "cache")
    assert_same(on_disk(m.path), wanted)
