"""What nobody else on the machine gets to see: keys, passwords, tokens; and what a
server's words cannot do."""

import os
import pty
import re
import resource
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from conftest import (
    BKENDFS, children_of, daemon_of, environment, is_mounted, memory_of, run, succeed,
    wait_until,
)
from odd_server import PASSWORD, PUBLISHABLE, SECRET, Reply
from records import oid, read
from test_user import NOBODY, fuse_for_everyone, user  # noqa: F401 (fixtures)

pytestmark = pytest.mark.xdist_group("dev-fuse")

SECRETS = {
    "BKEND_PUBLISHABLE_KEY": PUBLISHABLE,
    "BKEND_SECRET_KEY": SECRET,
    "BKEND_PASSWORD": PASSWORD,
    "BKEND_MFA_CODE": "482915",
}


def _assert_protected(pid):
    """Neither a core file nor the environment tells anything."""
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M), limits
    _assert_environment_is_clean(pid)


def _assert_environment_is_clean(pid):
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes()
    except PermissionError:
        assert os.geteuid() != 0  # what is not dumpable is root's alone
        return
    for value in SECRETS.values():
        assert value.encode() not in text


# Escapes -------------------------------------------------------------------

EVIL = "\x1b]0;title\x07\x1b[31mred\x1b[2J\r\b\x9b31m\x85\x7f end"


def _assert_harmless(said):
    assert said.status == 1
    assert "red" in said.message and "\\x1b" in said.message
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", said.errors), repr(said.errors)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
@pytest.mark.parametrize("shape", [1, 2, 3])
def test_a_servers_words_at_the_start_do_nothing(project, start, status, shape):
    project.errors = shape
    project.hooks.append(lambda r: project.no(status, "auth/" + EVIL, EVIL))
    said = start(project, "-o", "retry=0")
    if status == 404:  # its words are not shown
        assert said.status == 1 and "\x1b" not in said.errors
    else:
        _assert_harmless(said)


@pytest.mark.parametrize("flags", [[], ["-f"]], ids=["background", "foreground"])
def test_a_servers_words_on_a_key_do_nothing(project, start, flags):
    project.hooks.append(lambda r: project.no(401, "auth/invalid-api-key", EVIL))
    env = {"BKEND_SECRET_KEY": SECRET, "BKEND_EMAIL": None, "BKEND_PASSWORD": None}
    _assert_harmless(start(project, *flags, "-o", "retry=0", env=env))


def test_a_servers_words_in_the_log_do_nothing(project, mount):
    project.hooks.append(
        lambda r: project.no(403, EVIL, EVIL) if r.path.startswith("/v1/data") else None
    )
    m = mount(project)
    run("ls", m / "posts")
    for text in (m.log(), m.report("errors")):
        assert b"red" in text
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text.decode()), text


def test_what_is_asked_of_the_emulator_cannot_steer_its_log(emulator):
    server = emulator("--no-demo")
    host, port = server.url[7:].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(
            b"GET /v1/\x1b[2J\x9b?a=\x07 HTTP/1.1\r\nHost: localhost\r\n"
            b"Range: bytes=\x1b[1m-\r\nConnection: close\r\n\r\n"
        )
        while raw.recv(65536):
            pass
    log = server.log.read_bytes()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\x9f]", log), log


# Core files and the environment ----------------------------------------------


def _start_waiting(project, work, watched, *prefix, program=BKENDFS, env=None):
    """A start in the background whose sign-in gets no answer: (process, release)."""
    release = threading.Event()
    project.hooks.append(lambda r: Reply(hold=release) if "signin" in r.path else None)
    path = work / "waiting"
    path.mkdir()

    def no_limit():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    process = subprocess.Popen(
        [*prefix, str(program), str(path)],
        env=environment(work, project.env()) | SECRETS | (env or {}),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        cwd=work, preexec_fn=no_limit if hard == resource.RLIM_INFINITY else None,
    )
    watched.pids.add(process.pid)
    wait_until(lambda: project.log, what="the sign-in")
    return process, release


def test_whoever_waits_for_a_start_is_protected_too(project, work, watched):
    env = {"BKENDFS_CACHE_DIR": str(work / "cache")}
    parent, release = _start_waiting(project, work, watched, env=env)
    [child] = children_of(parent.pid)
    try:
        for pid in (parent.pid, child):
            _assert_protected(pid)
        # Killed so that a core file would be written.
        os.kill(parent.pid, signal.SIGABRT)
        _, status = os.waitpid(parent.pid, 0)
        parent.returncode = 1
        assert os.WIFSIGNALED(status) and not os.WCOREDUMP(status)
        assert not list(work.glob("core*"))
    finally:
        os.kill(child, signal.SIGKILL)
        release.set()
    assert not is_mounted(work / "waiting")


def test_nobody_but_root_looks_into_a_users_process(project, user, work, watched):  # noqa: F811
    env = user.env(project)
    if user.prefix:
        os.chown(user.home, NOBODY, NOBODY)
    parent, release = _start_waiting(
        project, user.home, watched, *user.prefix, program=user.program, env=env
    )
    try:
        # Of a process that can be dumped, these would be the user's own.
        for pid in [parent.pid, *children_of(parent.pid)]:
            assert os.stat(f"/proc/{pid}/environ").st_uid == 0
            assert os.stat(f"/proc/{pid}/mem").st_uid == 0
    finally:
        for pid in [*children_of(parent.pid), parent.pid]:
            os.kill(pid, signal.SIGKILL)
        parent.wait(30)
        release.set()


def test_it_is_protected_while_it_asks_for_a_password(project, work, watched):
    env = environment(work, project.env()) | SECRETS
    del env["BKEND_PASSWORD"], env["BKEND_SECRET_KEY"]
    path = work / "mnt"
    path.mkdir()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(BKENDFS, [str(BKENDFS), str(path)], env)
    watched.pids.add(pid)
    try:
        said = b""
        while b"Password for" not in said:
            said += os.read(terminal, 1000)
        _assert_protected(pid)
        os.write(terminal, PASSWORD.encode() + b"\n")
        _, status = os.waitpid(pid, 0)
        assert status == 0
        assert is_mounted(path)
    finally:
        os.close(terminal)
    watched.pids.discard(pid)
    _assert_protected(daemon_of(path))
    succeed("fusermount3", "-u", path)
    wait_until(lambda: daemon_of(path) is None, 20, "the end of the daemon")


@pytest.mark.parametrize("key", ["BKEND_PUBLISHABLE_KEY", "BKEND_SECRET_KEY"])
def test_the_environment_of_a_mount_is_clean(project, mount, key):
    other = {"BKEND_PUBLISHABLE_KEY", "BKEND_SECRET_KEY"} - {key}
    m = mount(project, env=SECRETS | dict.fromkeys(other))
    assert len(os.listdir(m / "posts")) == 3
    _assert_protected(m.pid)


def test_the_demos_server_is_told_nothing(work, start):
    said = start(None, "--demo", env=SECRETS)
    assert said.status == 0, said.errors
    pid = daemon_of(said.path)
    [server] = children_of(pid, "bkend-emulator")
    _assert_protected(pid)
    _assert_environment_is_clean(server)


def test_the_mounting_program_is_told_nothing(project, user):  # noqa: F811
    """With auto_unmount it lives as long as the mount does."""
    env = user.env(project) | {key: SECRETS[key] for key in SECRETS if key != "BKEND_MFA_CODE"}
    with subprocess.Popen(
        [*user.prefix, user.program, "-o", "auto_unmount", user.mnt], env=env,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:
        assert process.wait(30) == 0
    mounting = [
        int(pid) for pid in os.listdir("/proc") if pid.isdigit()
        and str(user.mnt).encode() in _words(pid)
        and b"fusermount3" in _words(pid)[0]
    ]
    assert mounting
    for pid in mounting:
        _assert_environment_is_clean(pid)
    assert user.run("fusermount3", "-u", user.mnt).returncode == 0
    wait_until(lambda: daemon_of(user.mnt) is None, 20, "the end of the daemon")


def _words(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return [b""]


# Memory ----------------------------------------------------------------------


def test_tokens_that_are_over_are_nowhere_in_memory(project, mount):
    m = mount(project, "-o", "ttl=0")
    for _ in range(6):
        project.expire_tokens()
        assert read(m / f"posts/{oid(1)}.json")
        os.listdir(m / "posts")
    over = [token.encode() for token in project.issued[:-4]]
    assert len(over) >= 6
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            list(memory_of(m.pid))
        return
    pieces = list(memory_of(m.pid))
    assert any(project.issued[-1].encode() in piece for piece in pieces)
    for token in over:
        assert not any(token in piece for piece in pieces), token
