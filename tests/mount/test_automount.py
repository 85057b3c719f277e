"""Below an automounter, as x-systemd.automount in fstab asks for one."""

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import BKENDFS, daemon_of, environment, succeed, wait_until
from records import record_names

AUTOFS = Path(__file__).with_name("autofs.py")


@pytest.fixture
def automounter(work):
    """Starts one for a mount point, by a command; it is stopped by closing its
    input."""
    started = []

    def start(path, command, env):
        process = subprocess.Popen(
            [sys.executable, AUTOFS, path, *command], env=env, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.stdin.close()
        assert process.wait(60) == 0


def _types(path):
    said = Path("/proc/self/mounts").read_text().splitlines()
    return [line.split()[2] for line in said if line.split()[1] == str(path)]


def test_whoever_looks_has_it_mounted(project, automounter, work):
    path = work / "mnt"
    path.mkdir()
    env = environment(work, project.env()) | {"BKENDFS_CACHE_DIR": str(work / "cache")}
    process = automounter(path, [BKENDFS, path], env)
    assert _types(path) == ["autofs"] and not project.log
    for _ in range(2):
        names = succeed("ls", "-A", path / "posts", timeout=60).decode().split()
        assert sorted(names) == record_names(3)
        assert process.stdout.readline() == "mounted\n"
        assert _types(path) == ["autofs", "fuse.bkendfs"]
        succeed("fusermount3", "-u", path)
        wait_until(lambda: not daemon_of(path), 60, "the end of the daemon")
    assert _types(path) == ["autofs"]
