"""Starting: mounted when the command returns, or one clear line and nothing."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from conftest import (
    BKENDFS, children_of, daemon_of, environment, is_mounted, mounts_under, run,
    sockets_of, succeed, wait_until,
)
from jsontext import pretty
from odd_server import PASSWORD, PUBLISHABLE, SECRET, Reply
from records import oid, read, record, record_names


def _refused(said, status, *words):
    """A start that failed as it should: status, one line, nothing mounted."""
    assert said.status == status, (said.status, said.errors)
    line = said.message
    assert line.startswith("bkendfs: "), line
    for word in words:
        assert re.search(word, line, re.IGNORECASE), (word, line)
    assert said.output == ""
    if said.path is not None:
        assert not mounts_under(said.path)
        assert daemon_of(said.path) is None
    for secret in (PASSWORD, PUBLISHABLE, SECRET):
        assert secret not in said.errors
    return line


# Starts that work ----------------------------------------------------------


def test_the_mount_is_live_when_the_command_returns(project, start):
    said = start(project)
    assert said.status == 0 and said.errors == ""
    assert is_mounted(said.path)
    assert sorted(os.listdir(said.path / "posts")) == record_names(3)
    assert read(said.path / f"posts/{oid(1)}.json") == pretty(record(1))


def test_the_daemon_lets_go_of_terminal_and_directory(project, start):
    said = start(project)
    pid = daemon_of(said.path)
    assert os.getsid(pid) == pid
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    for number in (0, 1, 2):
        assert os.readlink(f"/proc/{pid}/fd/{number}") == "/dev/null"


def test_the_daemon_ends_when_it_is_unmounted(project, start):
    said = start(project)
    pid = daemon_of(said.path)
    succeed("fusermount3", "-u", said.path)
    wait_until(lambda: daemon_of(said.path) is None, 20, "the end of the daemon")
    assert not os.path.exists(f"/proc/{pid}/exe")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_unmounts(project, mount, number):
    m = mount(project)
    os.listdir(m / "posts")
    os.kill(m.pid, number)
    assert m.wait() == 0
    assert not is_mounted(m.path)


def test_the_url_may_be_the_source(project, start):
    said = start(project, project.url, env={"BKEND_API_URL": None})
    assert said.status == 0
    assert len(os.listdir(said.path / "posts")) == 3


@pytest.mark.parametrize("tail", ["/v1", "/v1/", "//v1//", "/"])
@pytest.mark.wire("the server's own address")
def test_the_url_may_end_as_many_apps_have_it(project, mount, work, tail):
    """In /v1, that is; it is the same project still."""
    plain = mount(project, cache=work / "cache")
    os.listdir(plain / "posts")
    plain.unmount()
    project.log.clear()
    m = mount(project, "-o", f"url={project.url}{tail}", cache=work / "cache")
    assert sorted(os.listdir(m / "posts")) == record_names(3)
    assert m.report("status").split(b"\n")[1] == f"url: {project.url}".encode()
    assert all(r.path.count("/v1") == 1 for r in project.log)
    assert not [r for r in project.log if r.is_page("posts") and "sortBy" not in r.query]


def test_a_host_named_v1_keeps_its_name(start, project):
    said = start(project, "-o", "url=https://v1/,retry=0")
    _refused(said, 1, r"https://v1 ")


def test_options_are_stronger_than_the_environment(project, start):
    env = {"BKEND_API_URL": "http://127.0.0.1:1", "BKEND_TABLES": "nosuch"}
    said = start(project, "-o", f"url={project.url},tables=posts", env=env)
    assert said.status == 0
    assert sorted(os.listdir(said.path)) == ["files", "posts", "storage"]


def test_tables_may_be_given_with_colons_and_commas(project, start):
    said = start(project, env={"BKEND_TABLES": "posts,authors:tags"})
    assert said.status == 0
    assert sorted(os.listdir(said.path)) == ["authors", "files", "posts", "storage", "tags"]


def test_a_comma_between_tables_is_explained(project, start):
    _refused(start(project, "-o", "tables=posts,tags"), 2, r"colon.*tables=posts:tags")


def test_offline_without_a_table_sends_to_fetch(project, start, work):
    env = {"BKEND_TABLES": None, "BKENDFS_CACHE_DIR": str(work / "cache")}
    said = start(project, "-o", "offline", env=env)
    assert said.status == 0
    assert re.fullmatch(r"bkendfs: no table is known.*bkendfs --fetch.*without -o offline\n", said.errors)


def test_a_mount_that_knows_no_table_says_so(project, start, work):
    """rsync -a --delete from it would empty a backup, and exit 0."""
    words = r"no table is known.*backup.*tables=A:B"
    env = {"BKEND_TABLES": None, "BKENDFS_CACHE_DIR": str(work / "cache")}
    said = start(project, env=env)
    assert said.status == 0
    assert re.fullmatch(rf"bkendfs: {words}.*\n", said.errors)
    for report in ("status", "errors"):
        assert re.search(words, read(said.path / ".bkendfs" / report).decode())
    # Once there is one, all is well; also in the next mount.
    os.listdir(said.path / "posts")
    status = read(said.path / ".bkendfs/status").decode()
    assert "no table" not in status and "\ntables: 1\n" in status
    succeed("fusermount3", "-u", said.path)
    wait_until(lambda: daemon_of(said.path) is None, 20, "the end of the daemon")
    again = start(project, env=env)
    assert again.status == 0 and again.errors == ""
    assert read(again.path / ".bkendfs/errors") == b""


def test_mount_8_can_call_it(project, start, work):
    """mount -t fuse bkendfs#URL DIR -o …, with what mount(8) adds."""
    path = work / "fstab"
    path.mkdir()
    options = "nodev,nosuid,noatime,_netdev,tables=posts,json=raw"
    if os.geteuid() == 0:
        # Not in a directory where mount(8) would find it by its type alone.
        env = environment(work, project.env())
        env["BKENDFS_CACHE_DIR"] = str(work / "cache")
        del env["BKEND_API_URL"]
        source = f"{BKENDFS}#{project.url}"
        said = run("mount", "-t", "fuse", source, path, "-o", options, env=env)
        assert said.returncode == 0, said.stderr
    else:
        said = start(project, project.url, "-o", "rw," + options, path="fstab")
        assert said.status == 0, said.errors
    try:
        assert read(path / f"posts/{oid(1)}.json") == record(1)
        [(_, flags, kind, _)] = mounts_under(path)
        assert kind.startswith("fuse.") and {"ro", "nodev"} <= set(flags.split(","))
    finally:
        succeed("fusermount3", "-u", path)
    wait_until(lambda: daemon_of(path) is None, 20, "the end of the daemon")


HANDED_ON = (
    "rw,defaults,relatime,strictatime,diratime,nodiratime,lazytime,nolazytime,norelatime,"
    "nostrictatime,iversion,noiversion,mand,nomand,silent,loud,symfollow,nosymfollow,nofail,auto,"
    "users,comment=x,x-systemd.automount,X-mount.mkdir,_netdev,noatime,atime,sync,dirsync,noexec,"
    "max_read=131072"
)


@pytest.mark.parametrize("option", HANDED_ON.split(",") + [HANDED_ON], ids=lambda o: o[:20])
def test_what_mount_8_hands_on_is_taken(project, start, option):
    said = start(project, "-o", option)
    assert said.status == 0 and said.errors == ""
    assert sorted(os.listdir(said.path / "posts")) == record_names(3)


def test_help_and_version_need_nothing(start):
    said = start(None, "-h", path=None)
    assert said.status == 0
    for word in ("MOUNTPOINT", "--demo", "json=", "tables=", "cacert="):
        assert word in said.output
    said = start(None, "-V", path=None)
    assert said.status == 0
    assert re.search(r"bkendfs.*\d+\.\d+", said.output)


def test_the_demo_needs_no_account_and_no_network(start):
    said = start(None, "--demo")
    assert said.status == 0, said.errors
    assert len(os.listdir(said.path)) == 5 + 2
    stored = os.listdir(said.path / "storage")
    assert stored and read(said.path / "storage" / stored[0])


# A network in which loopback is all that there is, as root can make one.
LOOPBACK_ALONE = """
import fcntl, os, socket, struct, sys
with socket.socket() as any:
    fcntl.ioctl(any, 0x8914, struct.pack("16sH22x", b"lo", 1))  # SIOCSIFFLAGS: IFF_UP
os.execvp(sys.argv[1], sys.argv[1:])
"""


def test_the_demo_needs_no_other_network_than_loopback(mount):
    through = ("unshare", "-n", sys.executable, "-c", LOOPBACK_ALONE) if os.geteuid() == 0 else ()
    m = mount(None, "--demo", through=through)
    assert len(os.listdir(m.path)) == 5 + 2
    stored = os.listdir(m / "storage")
    assert stored and read(m / "storage" / stored[0])


def test_the_demo_takes_its_server_along(start, work):
    said = start(None, "--demo")
    succeed("ls", said.path)
    pid = daemon_of(said.path)
    family = children_of(pid)
    assert family or sockets_of(pid), "no server to be seen"
    succeed("fusermount3", "-u", said.path)
    wait_until(
        lambda: not [child for child in family if os.path.exists(f"/proc/{child}/exe")],
        20, "the end of the demo server",
    )


def test_a_second_mount_of_a_project_says_that_it_keeps_nothing(project, start, work):
    assert "mounted elsewhere" not in start(project).errors
    (work / "two").mkdir()
    said = start(project, path="two")
    assert "mounted elsewhere too: this mount has a replica of its own" in said.errors
    assert "mounted elsewhere" in read(said.path / ".bkendfs/errors").decode()


def test_the_log_goes_to_its_file(project, start, work):
    log = work / "own.log"
    said = start(project, "-o", f"log={log},log_level=debug,retry=0")
    project.hooks.append(lambda r: project.no(403, "x", "y"))
    run("ls", said.path / "posts")
    assert b"403" in log.read_bytes()


@pytest.mark.parametrize("flags", [["-s"], ["-d"], ["-o", "noatime"]], ids=" ".join)
def test_the_usual_fuse_flags_work(project, work, flags, mount):
    m = mount(project, *flags)
    assert sorted(os.listdir(m / "posts")) == record_names(3)


def test_nocache_leaves_nothing_behind(project, mount, work):
    m = mount(project, "-o", "nocache", cache=work / "cache")
    assert sorted(os.listdir(m / "posts")) == record_names(3)
    m.unmount()
    assert not [path for path in (work / "cache").rglob("*") if path.is_file()]


def test_two_mounts_of_a_project_can_share_a_replica(project, mount, work):
    first = mount(project, cache=work / "cache")
    second = mount(project, cache=work / "cache")
    for m in (first, second, first):
        assert sorted(os.listdir(m / "posts")) == record_names(3)


def test_it_starts_on_what_a_crash_left(project, mount, work):
    for _ in range(3):
        m = mount(project, cache=work / "cache")
        assert sorted(os.listdir(m / "posts")) == record_names(3)
        m.kill()
        succeed("fusermount3", "-uz", m.path)
    m = mount(project, cache=work / "cache")
    assert read(m / f"posts/{oid(2)}.json") == pretty(record(2))


def test_a_replica_that_is_garbage_is_no_reason_for_wrong_answers(project, mount, start, work):
    m = mount(project, cache=work / "cache")
    os.listdir(m / "posts")
    m.unmount()
    for path in (work / "cache").rglob("*"):
        if path.is_file():
            path.write_bytes(b"garbage" * 1000)
    said = start(project, env={"BKENDFS_CACHE_DIR": str(work / "cache")})
    if said.status == 0:
        assert sorted(os.listdir(said.path / "posts")) == record_names(3)
    else:
        _refused(said, 1, str(work / "cache"))


# Starts that fail ----------------------------------------------------------


def test_a_wrong_key(project, start):
    wrong = {"BKEND_PUBLISHABLE_KEY": "pk_" + "0" * 64}
    _refused(start(project, "-o", "retry=1", env=wrong), 1, r"\bkey\b")


def test_a_wrong_key_at_the_emulator(emulator, start):
    server = emulator("--no-demo")
    wrong = {"BKEND_PUBLISHABLE_KEY": "pk_" + "0" * 64}
    _refused(start(server, "-o", "retry=1", env=wrong), 1, r"\bkey\b")


def test_a_key_that_is_none(project, start):
    wrong = {"BKEND_PUBLISHABLE_KEY": "hunter2"}
    said = start(project, env=wrong)
    assert said.status in (1, 2)
    line = _refused(said, said.status, r"\bkey\b")
    assert "hunter2" not in line


def test_no_key_at_all(project, start):
    line = _refused(start(project, env={"BKEND_PUBLISHABLE_KEY": None}), 2)
    assert "BKEND_PUBLISHABLE_KEY" in line


def test_a_server_that_redirects(project, start):
    project.hooks.append(lambda r: Reply(301, b"", {"Location": "https://www.example.org/api"}))
    _refused(start(project), 1, r"301, it redirects to https://www\.example\.org/api")


def test_a_wrong_password(project, start):
    _refused(start(project, env={"BKEND_PASSWORD": "no"}), 1, "password")
    assert len(project.log) == 1


def test_a_wrong_password_at_the_emulator(emulator, start):
    server = emulator("--no-demo")
    _refused(start(server, env={"BKEND_PASSWORD": "no"}), 1, "password")


def test_an_account_that_does_not_exist(project, start):
    _refused(start(project, env={"BKEND_EMAIL": "x@example.org"}), 1, "e-?mail|account")


def test_an_account_without_a_password(project, start):
    _refused(start(project, env={"BKEND_PASSWORD": None}), 2, "BKEND_PASSWORD")


def test_an_account_that_is_banned(project, start):
    project.hooks.append(lambda r: project.no(403, "auth/account-banned", "Banned"))
    _refused(start(project), 1, "banned|refused")


def test_an_account_that_wants_a_second_factor(project, start):
    project.mfa = "123456"
    _refused(start(project), 1, "BKEND_MFA_CODE")
    wrong = {"BKEND_MFA_CODE": "999999"}
    _refused(start(project, env=wrong), 1, "MFA|code")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_host_that_cannot_be_reached(project, start):
    url = f"http://127.0.0.1:{_free_port()}"
    said = start(project, "-o", "retry=1", env={"BKEND_API_URL": url})
    _refused(said, 1, re.escape(url[7:]), "reach|connect")


def test_a_host_that_does_not_exist(project, start):
    said = start(
        project, "-o", "retry=1", env={"BKEND_API_URL": "https://nosuchhost.invalid"}
    )
    _refused(said, 1, "nosuchhost.invalid", "resolve|find|reach|connect")


def test_something_that_is_not_the_api(project, start):
    project.hooks.append(lambda r: Reply(body=b"<html>welcome</html>"))
    _refused(start(project, "-o", "retry=1"), 1, f"127.0.0.1:{project.port}|API|answer")


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_knows_no_sign_in(project, start, status):
    project.hooks.append(lambda r: Reply(status, b"nothing here"))
    _refused(start(project, "-o", "retry=1"), 1, str(status))


@pytest.mark.parametrize(
    "url",
    ["http://0.0.0.0:9", "http://api.example", "http://127.0.0.1.example",
     "HTTP://api.example", "http://[::2]:9"],
)
def test_plain_http_to_another_host(project, start, url):
    said = start(project, "-o", "retry=1", env={"BKEND_API_URL": url})
    _refused(said, 2, "https")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "file:///etc/passwd", "nonsense", "https://",
     "http://localhost@api.example", "http://127.0.0.1:1@api.example"])
def test_a_url_that_is_none(project, start, url):
    _refused(start(project, env={"BKEND_API_URL": url}), 2, "URL|https")
    assert not project.log


def test_a_mount_point_that_is_missing(project, start):
    said = start(project, path="missing")
    _refused(said, 1, re.escape(str(said.path)), "not exist|no such")
    assert not said.path.exists()
    assert not project.log


def test_a_mount_point_that_is_a_file(project, start, work):
    (work / "file").write_bytes(b"mine")
    said = start(project, path="file")
    _refused(said, 1, re.escape(str(said.path)), "not a directory")
    assert (work / "file").read_bytes() == b"mine"


def test_a_mount_point_that_is_busy(project, mount, start):
    m = mount(project)
    said = start(project, path=m.path.name)
    assert said.status == 1
    line = said.message
    assert str(m.path) in line and re.search("already|busy|in use", line)
    assert len(mounts_under(m.path)) == 1
    assert len(os.listdir(m / "posts")) == 3


@pytest.mark.parametrize(
    "name", ["a b", "t\tab", "new\nline", "back\\040slash", "h#sh", "\u00e0\u0085\u4e2d", "\udcff\udca0"],
    ids=ascii,
)
def test_a_mount_point_of_any_name_is_busy_once_it_is_taken(project, start, work, name):
    (work / name).mkdir()
    first = start(project, path=name)
    assert first.status == 0, first.errors
    second = start(project, path=name)
    assert second.status == 1 and "busy" in second.errors
    succeed("fusermount3", "-u", first.path)
    assert not os.path.ismount(first.path)
    wait_until(lambda: daemon_of(first.path) is None, 20, "the end of the daemon")


def test_the_words_of_a_failed_mount_are_whole(project, start):
    line = _refused(start(project, "-o", "noatime=3,noexec=4"), 1, "unknown option")
    assert "noatime=3" in line and "noexec=4" in line


def test_a_mount_point_that_is_stale(project, mount, start):
    m = mount(project)
    m.kill()
    wait_until(lambda: run("ls", m.path).returncode != 0, 5, "the stale mount")
    said = start(project, path=m.path.name)
    assert said.status == 1
    line = said.message
    assert f"fusermount3 -u {m.path}" in line
    assert len(mounts_under(m.path)) == 1
    succeed("fusermount3", "-u", m.path)
    said = start(project, path=m.path.name)
    assert said.status == 0, said.errors
    assert len(os.listdir(said.path / "posts")) == 3


def test_a_table_name_that_none_can_have(project, start):
    for name in ("../posts", "a b", "1st", "x" * 65, "po.sts"):
        _refused(start(project, env={"BKEND_TABLES": name}), 2, "table")


@pytest.mark.parametrize(
    "options",
    [["-o", "nosuchoption"], ["-o", "json=yaml"], ["-o", "ttl=soon"], ["-o", "ttl=-1"],
     ["-o", "connections=0"], ["-o", "connections=x"], ["-o", "retry=x"], ["--nosuch"],
     ["-o", "log_level=loud"], ["-o", "json"], ["-Z"]],
    ids=" ".join,
)
def test_wrong_usage(project, start, options):
    word = re.escape(options[-1].split("=")[0].lstrip("-"))
    _refused(start(project, *options), 2, word)
    assert not project.log


def test_a_ca_file_that_does_not_exist(project, start):
    said = start(project, "-o", "cacert=/nosuch/file")
    assert said.status in (1, 2)
    _refused(said, said.status, "/nosuch/file")
    assert not project.log


def test_no_mount_point_at_all(project, start):
    _refused(start(project, path=None), 2, "mount ?point|usage")


def test_too_many_arguments(project, start):
    _refused(start(project, project.url, "/one"), 2)


def test_a_cache_directory_that_cannot_be_made(project, start, work):
    (work / "file").write_bytes(b"")
    said = start(project, env={"BKENDFS_CACHE_DIR": str(work / "file/cache")})
    _refused(said, 1, re.escape(str(work / "file/cache")))


def test_a_log_that_cannot_be_written(project, start, work):
    said = start(project, "-o", f"log={work}/none/own.log")
    assert said.status in (1, 2)
    _refused(said, said.status, re.escape(f"{work}/none/own.log"))


def test_a_failed_start_in_the_foreground_is_the_same(project, start):
    _refused(start(project, "-f", env={"BKEND_PASSWORD": "no"}), 1, "password")


def test_ctrl_c_while_starting_leaves_nothing(project, start, work, watched):
    project.hooks.append(lambda r: Reply(500, b""))
    path = work / "mnt"
    path.mkdir()
    env = environment(work, project.env())
    env["BKENDFS_CACHE_DIR"] = str(work / "cache")
    process = subprocess.Popen(
        [str(BKENDFS), str(path)], env=env, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )
    watched.pids.add(process.pid)
    try:
        wait_until(lambda: project.log)
        time.sleep(0.1)
        # To the whole group, as a terminal does.
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) != 0
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: daemon_of(path) is None, 10, "the end of it")
    assert not is_mounted(path)
