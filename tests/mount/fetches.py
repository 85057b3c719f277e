"""Fetches of a project, and what they bring."""

import os
import re
import threading

import pytest

from conftest import BKENDFS, environment, run, trust
from records import records

MIB = 1 << 20


def _bytes(seed, count):
    return bytes((seed * 31 + i * 7 + (i >> 8)) & 255 for i in range(4096)) * (
        count // 4096 + 1
    )


def content(seed, count):
    return _bytes(seed, count)[:count]


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = records(250)
    server.tables["authors"] = records(3)
    for number, size in enumerate((0, 1, 5000, 131072, 3 * MIB + 17)):
        server.put_file(f"f{number}", f"{number}.bin", content(number, size))
    return server


@pytest.fixture
def fetching(work, in_front):
    """The words and the environment of a bkendfs --fetch."""

    def command(server, *options, **more):
        server = in_front(server)
        env = environment(work, server.env())
        env["BKENDFS_CACHE_DIR"] = str(work / "cache")
        env["BKEND_TABLES"] = "posts:authors"
        env.update(more)
        return [BKENDFS, "--fetch", *trust(server), *options], env

    return command


@pytest.fixture
def fetch(fetching):
    """Run bkendfs --fetch: (status, report, errors)."""

    def command(server, *options, **more):
        words, env = fetching(server, *options, **more)
        done = run(*words, env=env, timeout=80)
        # Where it takes some seconds, there are lines of progress as well.
        errors = re.sub(r"(?m)^\w+  .*\n", "", done.stderr.decode())
        return done.returncode, done.stdout.decode(), errors

    return command


@pytest.fixture
def held(project):
    """The last file's content is on its way until this is set."""
    project.put_file("slow", "slow.bin", content(3, 2 * MIB))
    let_go = threading.Event()

    def wait(request):
        if "slow" in request.path:
            assert let_go.wait(60)

    project.storage.hooks.append(wait)
    yield let_go
    let_go.set()


def content_files(work):
    return [
        os.path.join(place, name)
        for place, _, names in os.walk(work / "cache")
        if ".content" in place
        for name in names
    ]
