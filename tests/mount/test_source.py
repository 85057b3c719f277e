"""A directory is mounted by its name: what a copy of a mount saved, or an
official export, without account, network or a second program to start."""

import contextlib
import errno
import gzip
import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from backups import ELSEWHERE, backup, record, servers_of, text_of  # noqa: F401 (a fixture)
from conftest import (
    BKENDFS, alive, daemon_of, environment, is_mounted, run, sockets_of, succeed,
    wait_until,
)
from records import fails


def test_a_copied_mount(mount, emulator, work):
    server = emulator()
    first = mount(server)
    succeed("cp", "-a", first.path, work / "backup")
    first.unmount()
    server.stop()
    again = mount(None, work / "backup", env=ELSEWHERE)
    succeed("diff", "-r", work / "backup", again.path)
    # Also what is closed to guests, and to users, in the service.
    assert os.listdir(again / "drafts")
    assert again.report("errors") == b""


def test_an_official_export(mount, work):
    export = work / "export"
    export.mkdir()
    for page, numbers in enumerate([(3, 2), (1,)], 1):
        (export / f"posts_page{page}.json").write_text(json.dumps({
            "success": True,
            "data": {
                "items": [record(n, big=1234567890123456789) for n in numbers],
                "pagination": {"total": 3, "page": page, "limit": 2,
                               "totalPages": 2, "hasNext": page == 1},
            },
        }))
    (export / "bkend_files").mkdir()
    (export / "bkend_files" / "photo.png").write_bytes(b"\x89PNG" * 1000)
    one = mount(None, f"{export}/", env=ELSEWHERE)
    assert sorted(os.listdir(one / "posts"))[-3:] == [
        f"{n:024x}.json" for n in (1, 2, 3)]
    assert '"big": 1234567890123456789' in (
        one / "posts" / f"{2:024x}.json").read_text()
    [name] = os.listdir(one / "storage")
    assert name.endswith("_photo.png")
    assert (one / "storage" / name).read_bytes() == b"\x89PNG" * 1000


def test_the_tree_holds_what_the_directory_holds(mount, backup):
    one = mount(None, backup, env=ELSEWHERE)
    assert sorted(os.listdir(one.path)) == ["empty", "files", "posts", "storage"]
    assert os.listdir(one / "files") == os.listdir(one / "storage") == []
    assert text_of(one / "posts" / f"{3:024x}.json")["title"] == "post 3"
    status = one.report("status").decode()
    assert f"directory: {backup}\n" in status
    assert "127.0.0.1" not in status and "url:" not in status
    # That it has no specs is nothing that failed.
    assert len(os.listdir(one / "posts")) == 5
    assert one.report("errors") == b""
    # Nothing that is no table is asked for.
    with pytest.raises(FileNotFoundError):
        os.listdir(one / "orders")


def test_its_name_is_shown(mount, backup):
    one = mount(None, backup)
    line = succeed("findmnt", "-n", "-o", "SOURCE,FSTYPE", one.path).decode()
    assert line.split() == [str(backup), "fuse.bkendfs"]


def test_no_port_is_opened_and_nobody_else_can_connect(mount, backup):
    one = mount(None, backup)
    os.listdir(one / "posts")
    [server] = servers_of(one.pid)
    for pid in (one.pid, server):
        inodes = sockets_of(pid)
        assert inodes
        for table in ("tcp", "tcp6", "udp", "udp6"):
            lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()
            assert not inodes & {line.split()[9] for line in lines[1:]}
    # The one socket that listens has no name that leads to it.
    named = [
        line.split()[7]
        for line in Path("/proc/net/unix").read_text().splitlines()[1:]
        if len(line.split()) > 7 and line.split()[6] in inodes
    ]
    for name in named:
        assert not name.startswith("@") and not os.path.exists(name)
    assert not list(one.cache.glob("**/socket*"))


def _no_internet(work):
    """What ends a program, and all that it starts, at the first socket of the
    internet's."""
    succeed("cc", "-o", work / "no-sockets", Path(__file__).with_name("no-sockets.c"))
    return [work / "no-sockets", "-u"]


def test_no_socket_of_the_internet_is_made(mount, backup, work):
    one = mount(None, backup, env=ELSEWHERE, through=_no_internet(work))
    assert len(os.listdir(one / "posts")) == 5
    assert text_of(one / "posts" / f"{2:024x}.json")["title"] == "post 2"
    os.kill(one.pid, signal.SIGHUP)
    succeed("cp", "-r", one.path, work / "copy")
    one.unmount()


def test_the_demo_could_not_start_like_that(work):
    """It has a port, on this machine: what the test above takes away."""
    (work / "mnt").mkdir()
    done = run(*_no_internet(work), BKENDFS, "--demo", work / "mnt", env=environment(work))
    assert done.returncode != 0 and not is_mounted(work / "mnt")


def test_it_needs_no_network_at_all(mount, backup):
    """Not even that of this machine: there is no interface that is up."""
    through = ("unshare", "-n") if os.geteuid() == 0 else ()
    one = mount(None, backup, env=ELSEWHERE, through=through)
    assert len(os.listdir(one / "posts")) == 5
    assert text_of(one / "posts" / f"{2:024x}.json")["title"] == "post 2"


@pytest.mark.parametrize("how", ["unmount", "TERM", "KILL"])
def test_the_server_ends_with_the_mount(mount, backup, how):
    one = mount(None, backup)
    [server] = servers_of(one.pid)
    if how == "unmount":
        one.unmount()
    elif how == "TERM":
        one.process.terminate()
        assert one.wait() == 0
    else:
        one.kill()
        run("fusermount3", "-uz", one.path)
    wait_until(lambda: not alive(server), 20, "the end of its server")


def test_ctrl_c_in_the_terminal_is_not_for_the_server(start, backup):
    said = start(None, backup)
    assert said.status == 0, said.errors
    pid = daemon_of(said.path)
    [server] = servers_of(pid)
    assert os.getsid(server) == server
    assert os.readlink(f"/proc/{server}/cwd") == "/"
    assert len(os.listdir(said.path / "posts")) == 5


def test_whoever_waits_for_the_output_does_not_wait_for_the_server(start, backup):
    # run() of the fixture reads until all have let go of the pipes.
    assert start(None, backup).status == 0


def test_a_relative_name_is_of_where_it_was_typed(backup, work, start):
    (work / "mnt").mkdir()
    env = environment(work, {"BKENDFS_CACHE_DIR": str(work / "cache")})
    for where, name in [
        (work, "./backup"), (backup, "."), (backup / "posts", ".."),
        (backup / "posts", "../../backup/"),
    ]:
        done = run(BKENDFS, name, work / "mnt", cwd=where, env=env)
        assert done.returncode == 0, done.stderr
        try:
            assert len(os.listdir(work / "mnt" / "posts")) == 5
        finally:
            succeed("fusermount3", "-u", work / "mnt")
        wait_until(lambda: not daemon_of(work / "mnt"), 20, "the end of it")


# What mount tables, the server's start or a line of a report might take it for.
@pytest.mark.parametrize("name", [b"a b:c,d\ne\xe9\\f%41#?=\"'", b"L" * 250], ids=["odd", "long"])
def test_a_name_of_any_bytes(mount, backup, work, name):
    path = os.fsdecode(os.path.join(os.fsencode(work), name))
    os.rename(backup, path)
    os.symlink(path, work / "link")
    for source in path, f"{work}/link//":
        one = mount(None, source)
        assert len(os.listdir(one / "posts")) == 5
        lines = one.report("status").splitlines()
        assert len([line for line in lines if line.startswith(b"directory: ")]) == 1
        assert all(re.match(rb"[a-z_]+: [ -~]+$", line) for line in lines), lines
        one.unmount()


def test_a_packed_backup(mount, backup):
    for path in list((backup / "posts").iterdir()):
        (path.parent / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    one = mount(None, backup)
    assert text_of(one / "posts" / f"{4:024x}.json")["title"] == "post 4"
    assert len(os.listdir(one / "posts")) == 5


def test_a_directory_that_goes_or_changes_is_no_other_one(mount, backup, work):
    """What was read stays; what was not is an error, never half of each."""
    one = mount(None, backup, "-o", "ttl=0,retry=1")
    names = sorted(os.listdir(one / "posts"))
    for name in names[1:]:
        (backup / "posts" / name).write_text(json.dumps(record(99)))
    shutil.rmtree(backup / "files")
    for name in names[:2]:
        with contextlib.suppress(OSError):
            assert text_of(one / "posts" / name)["title"] == f"post {int(name[:24], 16)}"
    shutil.rmtree(backup)
    with fails(errno.EIO, errno.EPROTO):
        os.listdir(one / "posts")
    assert one.report("errors")


def test_mount_8_can_call_it(backup, work, start):
    (work / "mnt").mkdir()
    env = environment(work, {"BKENDFS_CACHE_DIR": str(work / "cache")})
    options = "ro,relatime,nofail,x-systemd.automount,_netdev"
    if os.geteuid() == 0:
        succeed("mount", "-t", "fuse", f"{BKENDFS}#./backup", work / "mnt",
                "-o", options, env=env, cwd=work)
    else:
        succeed(BKENDFS, "./backup", work / "mnt", "-o", options, env=env, cwd=work)
    try:
        assert len(os.listdir(work / "mnt" / "posts")) == 5
    finally:
        succeed("fusermount3", "-u", work / "mnt")
    wait_until(lambda: not daemon_of(work / "mnt"), 20, "the end of it")


def test_without_its_server_it_does_not_wait_long(mount, backup):
    one = mount(None, backup)
    name = f"{1:024x}.json"
    with open(one / "posts" / name, "rb") as file:
        file.read()
    [server] = servers_of(one.pid)
    os.kill(server, signal.SIGKILL)
    before = time.monotonic()
    with fails(errno.ENETUNREACH, errno.EIO):
        os.listdir(one / "posts")
    assert time.monotonic() - before < 40
    errors = one.report("errors")
    assert b"\tposts" in errors
    # Said in words that a person understands, and no zombie is left.
    assert errors.count(b"bkend-emulator that serves this mount has ended (by signal 9, Killed)") == 1
    assert not alive(server) and not Path(f"/proc/{server}").exists()


# --check ----------------------------------------------------------------------


def test_check(start, backup):
    said = start(None, "--check", backup, env=ELSEWHERE, path=None)
    assert said.status == 0, said.errors + said.output
    assert f"directory: {backup}" in said.output
    assert re.search(r"^  posts +5 records; no .spec.json$", said.output, re.M)
    assert re.search(r"^  empty +0 records; no .spec.json$", said.output, re.M)
    assert "127.0.0.1" not in said.output + said.errors
