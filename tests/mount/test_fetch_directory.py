"""A directory is fetched like a project."""

import os
import re
import threading

from backups import record, save, settle
from conftest import BKENDFS, environment, run


def _fetch_directory(work, path, *options):
    env = environment(work, {"BKENDFS_CACHE_DIR": str(work / "cache")})
    done = run(BKENDFS, "--fetch", path, *options, env=env, timeout=80)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_directory_is_fetched(mount, work):
    numbers = range(1, 251)
    backup = save(work / "backup", {"posts": [record(n) for n in numbers], "empty": []})
    settle(backup)
    assert _fetch_directory(work, backup) == (
        0,
        "The replica is whole: 2 tables with 250 records, and 0 stored files"
        " with 0 bytes.\n",
        "",
    )
    asked = {}
    for cache in "cache", "other":
        m = mount(None, backup, cache=work / cache)
        assert sorted(os.listdir(m / "posts")) == [f"{n:024x}.json" for n in numbers]
        found = re.search(rb"^bkendfs_api_requests_total (\d+)$", m.report("metrics"), re.M)
        asked[cache] = int(found[1])
        m.unmount()
    # What was fetched is looked at for news, not read again.
    assert asked["cache"] <= 2 < asked["other"]


def test_a_directory_without_tables_is_whole(work):
    backup = save(work / "backup", {})
    settle(backup)
    status, report, errors = _fetch_directory(work, backup)
    assert (status, errors) == (0, "")
    assert "whole: 0 tables with 0 records" in report


def test_a_directory_needs_no_offline(work):
    backup = save(work / "backup", {"posts": [record(1)]})
    status, report, errors = _fetch_directory(work, backup, "-o", "offline")
    assert (status, report) == (2, "") and "leave out offline" in errors


def test_a_directory_that_was_just_copied_is_waited_for(work):
    backup = save(work / "backup", {"posts": [record(1)]})
    status, report, errors = _fetch_directory(work, backup)
    assert (status, errors) == (0, ""), errors
    assert "1 tables with 1 records" in report


def test_a_directory_that_keeps_changing_is_not_believed(work):
    backup = save(work / "backup", {"posts": [record(1)]})
    over = threading.Event()

    def write():
        while not over.wait(0.1):
            os.utime(backup / "posts" / f"{1:024x}.json")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        status, report, errors = _fetch_directory(work, backup)
    finally:
        over.set()
        writer.join()
    assert (status, report) == (1, "") and "keeps changing" in errors
