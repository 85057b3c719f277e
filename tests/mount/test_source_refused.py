"""What cannot be mounted by its name, and what is said of it."""

import json
import os
import shutil
import signal
import subprocess

import pytest

from backups import AS_USER, backup, give, record  # noqa: F401 (a fixture)
from conftest import BKENDFS, alive, environment, is_mounted, run, wait_until


def refused(said, *words, status=1):
    assert said.status == status, said.errors
    for word in words:
        assert word in said.errors, said.errors
    assert said.path is None or not is_mounted(said.path)


def test_a_link_that_leads_nowhere(start, work):
    os.symlink("nowhere", work / "dangling")
    refused(start(None, work / "dangling"), "there is no directory")
    os.symlink("loop", work / "loop")
    refused(start(None, work / "loop"), "Too many levels of symbolic links")


def test_a_directory_that_is_not_there(start, work):
    refused(start(None, work / "nothing"), "there is no directory", str(work / "nothing"))


def test_a_file(start, work):
    (work / "backup.zip").write_bytes(b"PK")
    refused(start(None, work / "backup.zip"), "is no directory", "unpacked")


def test_an_empty_one(start, work):
    (work / "empty").mkdir()
    refused(start(None, work / "empty"), "this is no backup", "cannot be mounted")


def test_one_that_is_no_backup(start, work):
    (work / "home" / "Documents").mkdir(parents=True)
    (work / "home" / "Documents" / "letter.txt").write_text("dear")
    (work / "home" / "files").mkdir()
    refused(start(None, work / "home"), "this is no backup", "cannot be mounted")


def test_the_directory_of_one_table(start, backup):
    refused(start(None, backup / "posts"), "name the directory that these lie in")


def test_what_is_wrong_is_told_also_after_many_complaints(start, work):
    (work / "strays").mkdir()
    for number in range(300):
        (work / "strays" / f"stray-{number}").write_text("")
    said = start(None, work / "strays")
    refused(said, "this is no backup", "more like these")
    assert len(said.errors.splitlines()) < 40


def test_one_that_may_not_be_read(backup, work, start):
    (work / "mnt").mkdir()
    backup.chmod(0)
    os.chmod(work, 0o755)
    done = run(*AS_USER, BKENDFS, backup, work / "mnt", env=environment(work))
    backup.chmod(0o755)
    assert done.returncode == 1
    assert b"cannot be read: permission denied" in done.stderr


def test_a_table_that_may_not_be_read_is_no_empty_one(backup, work, start):
    (work / "mnt").mkdir()
    give(work / "mnt")
    (work / "home").mkdir()
    give(work / "home")
    (backup / "posts").chmod(0)
    os.chmod(work, 0o755)
    done = run(*AS_USER, BKENDFS, backup, work / "mnt", env=environment(work / "home"))
    (backup / "posts").chmod(0o755)
    assert done.returncode == 1
    assert b"posts: Permission denied" in done.stderr


def test_a_broken_record_is_named(start, backup):
    (backup / "posts" / "torn.json").write_text('{"id": "torn"')
    refused(start(None, backup), "posts/torn.json", "not a valid JSON object")


@pytest.mark.parametrize("option", ["offline", "tables=posts", "url=https://x.invalid"])
def test_options_that_are_for_a_server(start, backup, option):
    word = option.split("=")[0]
    refused(start(None, backup, "-o", option), f"leave out {word}", status=2)


@pytest.mark.parametrize("place", ["", "posts", ".."])
def test_a_mount_point_in_it_or_around_it(start, backup, place):
    point = f"backup/{place}"
    refused(start(None, backup, path=point), "one lies in the other")


def test_without_the_emulator(work, backup):
    bin = work / "bin"
    bin.mkdir()
    shutil.copy(BKENDFS, bin / "bkendfs")
    (work / "mnt").mkdir()
    env = environment(work, {"PATH": str(work / "mnt")})
    done = run(bin / "bkendfs", backup, work / "mnt", env=env)
    assert done.returncode == 1
    assert b"there is no bkend-emulator" in done.stderr


def test_an_interrupted_export_says_so(start, work):
    export = work / "export"
    export.mkdir()
    (export / "posts_page3.json").write_text(json.dumps({
        "items": [record(1)],
        "pagination": {"page": 3, "total": 201, "limit": 100, "totalPages": 3},
    }))
    said = start(None, export)
    assert "posts_page" in said.errors and "missing" in said.errors, said.errors
    if said.status == 0:
        assert "missing" in (said.path / ".bkendfs" / "errors").read_text()


@pytest.mark.parametrize("whom", ["command", "group"])
def test_a_signal_ends_the_start(work, backup, whom):
    # In the server's place stands one that never is ready.
    (work / "mnt").mkdir()
    slow = work / "bin"
    slow.mkdir()
    shutil.copy(BKENDFS, slow / "bkendfs")
    (slow / "bkend-emulator").write_text(
        f"#!/bin/sh\necho $$ > {work}/pid.new\n"
        f"mv {work}/pid.new {work}/pid\nexec sleep 2000\n")
    (slow / "bkend-emulator").chmod(0o755)
    process = subprocess.Popen(
        [slow / "bkendfs", backup, work / "mnt"], stderr=subprocess.PIPE,
        env=environment(work), start_new_session=True)
    wait_until((work / "pid").exists, 20, "the start of the server")
    server = int((work / "pid").read_text())
    if whom == "command":
        process.terminate()
    else:
        os.killpg(process.pid, signal.SIGINT)
    process.wait(20)
    process.stderr.close()
    wait_until(lambda: not alive(server), 20, "the end of the server")
    assert not is_mounted(work / "mnt")


def test_check_of_one_that_is_no_backup(start, work):
    (work / "empty").mkdir()
    refused(start(None, "--check", work / "empty", path=None), "this is no backup")
