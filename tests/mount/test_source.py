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
import subprocess
import time
from pathlib import Path

import pytest

from conftest import (
    BKENDFS, alive, daemon_of, environment, is_mounted, read_only, run, succeed,
    wait_until,
)
from records import fails

# What is set for a project elsewhere must not matter.
ELSEWHERE = {
    "BKEND_API_URL": "https://nobody.invalid",
    "BKEND_PUBLISHABLE_KEY": "pk_" + "0" * 64,
    "BKEND_SECRET_KEY": "sk_" + "0" * 64,
    "BKEND_EMAIL": "nobody@nobody.invalid",
    "BKEND_PASSWORD": "none",
    "BKEND_TABLES": "nothing:nowhere",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}


# Whom root is to be, where it matters that he may not do everything.
NOBODY = 65534
AS_USER = (
    ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if os.geteuid() == 0 else ()
)


def give(path):
    if AS_USER:
        os.chown(path, NOBODY, NOBODY)


def record(number, **more):
    return {
        "id": f"{number:024x}",
        "createdBy": "",
        "createdAt": "2024-01-02T03:04:05.678Z",
        "updatedAt": f"2024-02-03T04:05:{number % 60:02}.000Z",
        **more,
    }


def save(path, tables, files=True):
    """A backup as a copied mount has it: {table: [record]}."""
    for table, records in tables.items():
        (path / table).mkdir(parents=True)
        for one in records:
            text = json.dumps(one, indent=2) + "\n"
            (path / table / f"{one['id']}.json").write_text(text)
    if files:
        (path / "files").mkdir(parents=True)
        (path / "storage").mkdir()
    return path


def settle(path):
    """Wait until what is there is old enough to be told from what may come."""
    newest = max(os.lstat(one).st_ctime for one in [path, *path.rglob("*")])
    wait_until(lambda: time.time() > newest + 3, 10, "the clock to move on")


def servers_of(pid):
    """The emulators that a process has started, by pid."""
    children = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += (task / "children").read_text().split()
    return [
        int(child) for child in children
        if b"bkend-emulator" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def text_of(path):
    return json.loads(path.read_text())


@pytest.fixture
def backup(work):
    return save(work / "backup", {
        "posts": [record(n, title=f"post {n}") for n in range(1, 6)],
        "empty": [],
    })


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
        inodes = {
            os.readlink(fd).split("[")[1][:-1]
            for fd in Path(f"/proc/{pid}/fd").iterdir()
            if os.readlink(fd).startswith("socket:")
        }
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


def test_a_link_that_leads_nowhere(start, work):
    os.symlink("nowhere", work / "dangling")
    refused(start(None, work / "dangling"), "there is no directory")
    os.symlink("loop", work / "loop")
    refused(start(None, work / "loop"), "Too many levels of symbolic links")


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


# What cannot be mounted --------------------------------------------------------


def refused(said, *words, status=1):
    assert said.status == status, said.errors
    for word in words:
        assert word in said.errors, said.errors
    assert said.path is None or not is_mounted(said.path)


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


# The replica ------------------------------------------------------------------


def replicas(one):
    return sorted(path.name for path in one.cache.glob("*.db"))


def test_a_second_mount_finds_what_the_first_has_read(mount, backup, work):
    settle(backup)
    first = mount(None, backup, cache=work / "cache")
    inodes = {name: os.stat(first / "posts" / name).st_ino
              for name in os.listdir(first / "posts")}
    kept = replicas(first)
    first.unmount()
    again = mount(None, backup, cache=work / "cache")
    assert replicas(again) == kept and len(kept) == 1
    assert inodes == {name: os.stat(again / "posts" / name).st_ino
                      for name in os.listdir(again / "posts")}


@pytest.mark.parametrize("times", ["kept", "new"])
def test_a_replaced_backup_shows_what_is_there_now(mount, backup, work, times):
    """Whatever the new one has in common with the old one: names, sizes, and
    times that a copy has kept."""
    settle(backup)
    name = f"{3:024x}.json"
    first = mount(None, backup, cache=work / "cache")
    assert text_of(first / "posts" / name)["title"] == "post 3"
    before = replicas(first)
    first.unmount()
    succeed("cp", "-a", backup, work / "new")
    changed = work / "new" / "posts" / name
    stat = changed.stat()
    changed.write_text(changed.read_text().replace("post 3", "POST 3"))
    if times == "kept":
        os.utime(changed, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    else:
        (work / "new" / "posts" / f"{5:024x}.json").unlink()
    shutil.rmtree(backup)
    (work / "new").rename(backup)
    for settled in (False, True):
        if settled:
            settle(backup)
        again = mount(None, backup, cache=work / "cache")
        assert text_of(again / "posts" / name)["title"] == "POST 3"
        assert len(os.listdir(again / "posts")) == (5 if times == "kept" else 4)
        now = replicas(again)
        again.unmount()
    # The old one does not lie there for ever.
    assert len(now) == 1 and now != before
    stems = {path.name.split(".")[0] for path in (work / "cache").iterdir()}
    assert stems == {now[0].removesuffix(".db")}


def test_what_changes_while_it_is_young_is_not_kept(mount, backup, work):
    """A change within one tick of the clock leaves no trace in times."""
    (backup / "posts" / f"{9:024x}.json").write_text(json.dumps(record(9)))
    one = mount(None, backup, cache=work / "cache")
    assert len(os.listdir(one / "posts")) == 6
    assert replicas(one) == []


def test_two_mounts_of_one_directory(mount, backup, work):
    settle(backup)
    first = mount(None, backup, cache=work / "cache")
    second = mount(None, backup, cache=work / "cache")
    assert os.listdir(first / "posts") == os.listdir(second / "posts")
    first.unmount()
    assert len(os.listdir(second / "posts")) == 5


def test_a_mount_of_the_old_one_goes_on_beside_the_new_one(mount, backup, work):
    settle(backup)
    first = mount(None, backup, cache=work / "cache")
    names = sorted(os.listdir(first / "posts"))
    backup.rename(work / "old")
    save(backup, {"posts": [record(70)]})
    settle(backup)
    second = mount(None, backup, cache=work / "cache")
    assert os.listdir(second / "posts") == [f"{70:024x}.json"]
    assert sorted(os.listdir(first / "posts")) == names
    assert len(replicas(second)) == 2


def test_nocache_leaves_nothing_behind(mount, backup, work):
    settle(backup)
    one = mount(None, backup, "-o", "nocache", cache=work / "cache")
    assert len(os.listdir(one / "posts")) == 5
    one.unmount()
    assert [path for path in (work / "cache").rglob("*") if path.is_file()] == []


def test_from_a_read_only_medium(mount, backup, work):
    with read_only(backup, work) as medium:
        before = [(p, p.stat().st_mtime_ns, p.stat().st_ctime_ns)
                  for p in backup.rglob("*")]
        one = mount(None, medium)
        assert len(os.listdir(one / "posts")) == 5
        assert text_of(one / "posts" / f"{1:024x}.json")["title"] == "post 1"
        one.unmount()
        assert before == [(p, p.stat().st_mtime_ns, p.stat().st_ctime_ns)
                          for p in backup.rglob("*")]


def test_as_an_ordinary_user_who_may_only_read(backup, work):
    for path in [*backup.rglob("*"), backup]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for name in ("mnt", "home"):
        (work / name).mkdir()
        give(work / name)
    os.chmod(work, 0o755)
    done = run(*AS_USER, BKENDFS, backup, work / "mnt", env=environment(work / "home"))
    assert done.returncode == 0, done.stderr
    listed = run(*AS_USER, "ls", work / "mnt" / "posts").stdout.splitlines()
    done = run(*AS_USER, "fusermount3", "-u", work / "mnt")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: not daemon_of(work / "mnt"), 20, "the end of it")
    assert len(listed) == 5


# --check ----------------------------------------------------------------------


def test_check(start, backup):
    said = start(None, "--check", backup, env=ELSEWHERE, path=None)
    assert said.status == 0, said.errors + said.output
    assert f"directory: {backup}" in said.output
    assert re.search(r"^  posts +5 records; no .spec.json$", said.output, re.M)
    assert re.search(r"^  empty +0 records; no .spec.json$", said.output, re.M)
    assert "127.0.0.1" not in said.output + said.errors


def test_check_of_one_that_is_no_backup(start, work):
    (work / "empty").mkdir()
    refused(start(None, "--check", work / "empty", path=None), "this is no backup")
