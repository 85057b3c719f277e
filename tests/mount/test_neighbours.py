"""Programs that make backups, which know by its dates that a file is the same."""

import json
import os

import pytest

from conftest import daemon_of, environment, run, succeed, wait_until

RECORDS, FILES = 60, 8


class Restic:
    def __init__(self, work):
        self._env = environment(work, {"RESTIC_PASSWORD": "secret"})
        self._repository = work / "repository"
        succeed("restic", "-q", "-r", self._repository, "init", env=self._env)

    def backup(self, path):
        """How many files it read, of how many."""
        said = succeed("restic", "-r", self._repository, "--json", "backup", ".",
                       cwd=path, env=self._env).splitlines()
        summary = json.loads(said[-1])
        read = summary["files_new"] + summary["files_changed"]
        return read, summary["total_files_processed"]

    def again(self, newest):
        """Of those with the latest date, how many it reads again."""
        return 0


class Borg:
    def __init__(self, work):
        self._env = environment(work, {"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"})
        self._repository = work / "repository"
        self._count = 0
        succeed("borg", "init", "-e", "none", self._repository, env=self._env)

    def backup(self, path):
        self._count += 1
        done = run("borg", "create", "--list", f"{self._repository}::{self._count}", path,
                   env=self._env)
        assert done.returncode == 0, done.stderr
        kinds = [line[0] for line in done.stderr.decode().splitlines()]
        unread = kinds.count("U")
        return kinds.count("A") + kinds.count("M"), kinds.count("A") + kinds.count("M") + unread

    def again(self, newest):
        """It cannot know that nothing changed in the same moment."""
        return newest


@pytest.mark.parametrize("kind", [Restic, Borg])
def test_a_second_run_reads_no_file_that_is_the_same(emulator, start, work, kind):
    server = emulator("--no-demo", "--generate", f"t={RECORDS}:300",
                      "--generate-files", f"{FILES}:20000")
    tool, path = kind(work), start(server).path
    read, seen = tool.backup(path)
    assert read == seen and seen >= RECORDS + 2 * FILES
    dates = [os.stat(path / top / name).st_ctime_ns for top in ("t", "files", "storage")
             for name in os.listdir(path / top)]
    succeed("fusermount3", "-u", path)
    wait_until(lambda: not daemon_of(path), 60, "the end of the daemon")
    server.put_record("t", "new", b'{"id":"new","createdAt":"2030-01-01T00:00:00.000Z"}')
    assert start(server).status == 0
    assert tool.backup(path) == (1 + tool.again(dates.count(max(dates))), seen + 1)
