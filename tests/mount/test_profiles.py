"""Profiles in a config file, commands that know a secret, and questions on a terminal."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest

from conftest import BKENDFS, daemon_of, environment, is_mounted, run, succeed, wait_until
from odd_server import EMAIL, PASSWORD, PUBLISHABLE, SECRET
from records import record_names, records

# What the environment of a mount would say otherwise.
VARIABLES = (
    "BKEND_API_URL", "BKEND_PUBLISHABLE_KEY", "BKEND_EMAIL", "BKEND_PASSWORD", "BKEND_TABLES",
)


@pytest.fixture
def config(work):
    """Write a config file; the environment with which it counts, alone."""

    def write(text, mode=0o600):
        path = work / "config/bkendfs/config"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return dict.fromkeys(VARIABLES) | {"XDG_CONFIG_HOME": str(work / "config")}

    return write


def _profile(name, server, *lines):
    return "\n".join([
        f"[{name}]", f"url = {server.url}", f"publishable_key = {PUBLISHABLE}",
        f"email = {EMAIL}", *lines, "",
    ])


def _refused(said, *words, status=2):
    assert said.status == status, (said.status, said.errors)
    for word in words:
        assert re.search(word, said.message), (word, said.message)
    for secret in (PASSWORD, PUBLISHABLE, SECRET):
        assert secret not in said.errors
    assert not is_mounted(said.path)


# Profiles --------------------------------------------------------------------


def test_a_profile_has_all_that_a_mount_needs(project, start, config):
    env = config(_profile("prod", project, f"password = {PASSWORD}", "tables = posts:authors"))
    said = start(project, "prod", env=env)
    assert said.status == 0 and said.errors == ""
    assert sorted(os.listdir(said.path)) == ["authors", "files", "posts", "storage"]
    assert sorted(os.listdir(said.path / "posts")) == record_names(3)


def test_the_default_profile_is_for_mounts_that_name_none(project, start, config):
    env = config(_profile("default", project, f"password = {PASSWORD}", "tables = posts"))
    said = start(project, env=env)
    assert said.status == 0
    assert sorted(os.listdir(said.path / "posts")) == record_names(3)


def test_projects_are_mounted_side_by_side(odd, start, config, work):
    """Each with its own key, tables and replica."""
    servers = {name: odd() for name in ("prod", "staging")}
    for name, server in servers.items():
        server.tables[f"of-{name}"] = records(len(name))
        (work / name).mkdir()
    env = config("".join(
        _profile(name, server, f"password = {PASSWORD}", f"tables = of-{name}")
        for name, server in servers.items()
    ))
    for name in servers:
        said = start(None, name, env=env, path=name)
        assert said.status == 0 and said.errors == "", said.errors
    for name in servers:
        assert f"of-{name}" in os.listdir(work / name)
        assert sorted(os.listdir(work / name / f"of-{name}")) == record_names(len(name))


def test_the_environment_is_stronger_than_a_profile(project, start, config):
    env = config(_profile("p", project, "password = wrong", "tables = nosuch", "json = raw"))
    env |= {"BKEND_PASSWORD": PASSWORD, "BKEND_TABLES": "posts"}
    said = start(project, "p", "-o", "json=pretty", env=env)
    assert said.status == 0
    assert sorted(os.listdir(said.path)) == ["files", "posts", "storage"]
    status = (said.path / ".bkendfs/status").read_text()
    assert "records: pretty" in status


def _mcp_url(work, env, *args):
    env = {k: v for k, v in environment(work, env).items() if v is not None}
    done = run(BKENDFS, "--logout", "-o", "retry=1", *args, "p", env=env)
    assert done.returncode == 0 and done.stderr == b""
    return re.fullmatch(rb"There is no login to (.*)\.\n", done.stdout)[1].decode()


@pytest.mark.parametrize("how", ["environment", "option"])
def test_the_server_that_lists_a_profiles_tables_is_not_for_another_url(project, config, work, how):
    """It would be given the tokens of a login to another service."""
    env = config(_profile("p", project, f"password = {PASSWORD}", f"mcp_url = {project.url}/own"))
    env |= {"XDG_STATE_HOME": str(work / "state")}

    def mcp_url(url, **more):
        if how == "environment":
            return _mcp_url(work, env | {"BKEND_API_URL": url} | more)
        return _mcp_url(work, env | more, "-o", f"url={url}")

    other = "https://other.invalid"
    assert _mcp_url(work, env) == f"{project.url}/own"
    assert mcp_url(other) == f"{other}/mcp"
    assert mcp_url(f"{project.url}/v1/") == f"{project.url}/own"
    assert mcp_url(other, BKEND_MCP_URL="https://lists.invalid") == "https://lists.invalid"


def test_a_key_of_the_environment_replaces_both_of_a_profile(project, start, config):
    """Not only the one of its kind: the profile's is of another project."""
    env = config(_profile("p", project, f"password = {PASSWORD}", "tables = posts"))
    said = start(project, "p", env=env | {"BKEND_SECRET_KEY": SECRET})
    assert said.status == 0
    os.listdir(said.path / "posts")
    assert {r.headers["x-api-key"] for r in project.log} == {SECRET}


def test_another_account_does_not_get_the_profiles_password(project, start, config):
    env = config(_profile("p", project, f"password = {PASSWORD}", "tables = posts"))
    said = start(project, "p", env=env | {"BKEND_EMAIL": "other@example.com"})
    _refused(said, "no password for other@example.com")
    assert not project.log


def test_a_url_as_the_source_gets_nothing_of_the_default_profile(project, odd, start, config):
    other = odd()
    env = config(_profile("default", other, f"password = {PASSWORD}", "tables = posts"))
    said = start(project, project.url, env=env)
    _refused(said, "no key")
    assert not project.log and not other.log


def test_mount_8_can_name_a_profile(project, start, config, work):
    """mount -t fuse bkendfs#prod DIR -o …, with what mount(8) adds."""
    env = config(_profile("prod", project, f"password = {PASSWORD}", "tables = posts"))
    path = work / "fstab"
    path.mkdir()
    options = "rw,nofail,relatime,x-systemd.automount"
    if os.geteuid() == 0:
        env = environment(work, {k: v for k, v in env.items() if v})
        env["BKENDFS_CACHE_DIR"] = str(work / "cache")
        said = run("mount", "-t", "fuse", f"{BKENDFS}#prod", path, "-o", options, env=env)
        assert said.returncode == 0, said.stderr
    else:
        assert start(project, "prod", "-o", options, env=env, path="fstab").status == 0
    try:
        assert sorted(os.listdir(path / "posts")) == record_names(3)
    finally:
        succeed("fusermount3", "-u", path)
    wait_until(lambda: daemon_of(path) is None, 20, "the end of the daemon")


def test_a_profile_that_is_not_there(project, start, config):
    env = config(_profile("prod", project, f"password = {PASSWORD}"))
    _refused(start(project, "prdo", env=env), "no profile 'prdo'", "did you mean prod")
    assert not project.log


def test_a_wrong_line_is_named(project, start, config, work):
    env = config(_profile("p", project, "pasword = x"))
    place = re.escape(f"{work}/config/bkendfs/config:5: ")
    _refused(start(project, "p", env=env), place, "pasword", "password")


def test_a_file_with_a_secret_that_others_can_read(project, start, config):
    env = config(_profile("p", project, f"password = {PASSWORD}"), 0o644)
    _refused(start(project, "p", env=env), "others can read", "chmod 600")
    assert not project.log


def test_an_option_that_is_nearly_one(project, start):
    _refused(start(project, "-o", "tabels=posts"), "did you mean tables")


# Passwords -------------------------------------------------------------------

# Every printable character, and some that a shell, an INI file or JSON would take for theirs.
ODD_PASSWORD = "".join(map(chr, range(0x21, 0x7f))) + " ; # é\u4e2d\U0001f511 = %s $(id) "


@pytest.mark.parametrize("source", ["environment", "profile", "command"])
def test_a_password_of_every_printable_character(project, start, config, work, source):
    if source == "environment":
        said = start(project, env={"BKEND_PASSWORD": ODD_PASSWORD})
    else:
        (work / "password").write_text(ODD_PASSWORD + "\n")
        line = (
            f'password = "{ODD_PASSWORD}"' if source == "profile"
            else f"password_command = cat {work}/password"
        )
        said = start(project, "p", env=config(_profile("p", project, line)))
    assert said.status == 1 and "refuses to sign in" in said.message
    assert ODD_PASSWORD not in said.errors
    assert json.loads(project.log[0].body)["password"] == ODD_PASSWORD


@pytest.mark.parametrize("source", ["environment", "profile", "offline"])
def test_a_password_of_nobody_is_told(project, start, config, source):
    """Else a backup lacks what a guest may not see, and nobody knows why."""
    env = {"BKEND_EMAIL": None}
    words = ["-o", "offline"] if source == "offline" else []
    if source == "profile":
        text = _profile("p", project, "password_command = echo secret")
        env = config(text.replace(f"email = {EMAIL}\n", ""))
        words = ["p"]
    said = start(project, *words, env=env)
    assert said.status == 0
    assert "no account that it is of" in said.errors and "BKEND_EMAIL" in said.errors
    assert "secret" not in said.errors and PASSWORD not in said.errors


def test_a_password_that_nobody_needs_is_not_told(project, start):
    said = start(project, env={"BKEND_EMAIL": None, "BKEND_SECRET_KEY": SECRET})
    assert said.status == 0 and "account" not in said.errors


def test_a_password_that_is_not_utf_8(project, start):
    _refused(start(project, env={"BKEND_PASSWORD": "a\udcffb"}), "password is not UTF-8")
    assert not project.log


@pytest.mark.parametrize("name", [
    "password", "password_command", "secret_key", "publishable_key", "refresh_token_command",
    "refresh_token", "email",
])
def test_secrets_are_not_taken_from_the_command_line(project, start, name):
    _refused(start(project, "-o", f"{name}=x"), f"{name}.*not taken from the command line")


# Keys ------------------------------------------------------------------------


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\r\n"], ids=repr)
def test_blanks_around_a_key_are_no_part_of_it(project, start, blank):
    env = {"BKEND_PUBLISHABLE_KEY": blank + PUBLISHABLE + blank}
    said = start(project, env=env)
    assert said.status == 0, said.errors
    assert project.log[0].headers["x-api-key"] == PUBLISHABLE


def test_a_key_of_the_wrong_kind(project, start, config):
    _refused(
        start(project, env={"BKEND_PUBLISHABLE_KEY": SECRET}), "publishable key begins with sk_",
    )
    none = dict.fromkeys(("BKEND_EMAIL", "BKEND_PASSWORD", "BKEND_PUBLISHABLE_KEY"))
    _refused(
        start(project, env=none | {"BKEND_SECRET_KEY": PUBLISHABLE}), "secret key begins with pk_",
    )
    env = config(f"[p]\nurl = {project.url}\nsecret_key = {PUBLISHABLE}\n")
    _refused(start(project, "p", env=env), "secret key begins with pk_")
    assert not project.log


# Commands --------------------------------------------------------------------


def test_commands_know_the_key_and_the_password(project, start, config, work):
    (work / "key").write_text(PUBLISHABLE + "\n")
    env = config("\n".join([
        "[p]", f"url = {project.url}", f"publishable_key_command = cat {work}/key",
        f"email = {EMAIL}", f"password_command = printf '%s\\n' '{PASSWORD}' | cat",
        "tables = posts",
    ]), 0o644)
    said = start(project, "p", env=env)
    assert said.status == 0 and said.errors == "", said.errors
    assert sorted(os.listdir(said.path / "posts")) == record_names(3)


def test_a_command_knows_the_secret_key(project, start, config):
    env = config(f"[p]\nurl = {project.url}\nsecret_key_command = echo {SECRET}\n")
    said = start(project, "p", env=env)
    assert said.status == 0
    assert project.log[0].headers["x-api-key"] == SECRET


def test_a_command_is_told_none_of_our_secrets(project, start, config, work):
    env = config(_profile("p", project, f"password_command = env > {work}/seen; echo '{PASSWORD}'"))
    said = start(project, "p", env=env | {"BKEND_PUBLISHABLE_KEY": PUBLISHABLE})
    assert said.status == 0
    seen = (work / "seen").read_text()
    assert "XDG_CONFIG_HOME" in seen and PUBLISHABLE not in seen


@pytest.mark.parametrize("command,words", [
    ("exit 3", "it failed .exit status 3."),
    ("nosuchprogram 2>&-", "it failed .exit status 127."),
    ("kill -9 $$", "ended by a signal"),
    ("true", "it printed nothing"),
    ("echo", "it printed nothing"),
    ("echo one; echo two", "more than one line"),
    ("printf 'a\\377b'", "not UTF-8"),
    ("printf 'a\\000b'", "not UTF-8"),
    ("yes", "too much"),
    (f"echo '{PASSWORD}'; exit 1", "it failed .exit status 1."),
])
def test_a_command_that_gives_no_password(project, start, config, command, words):
    env = config(_profile("p", project, f"password_command = {command}"))
    _refused(start(project, "p", env=env), "^bkendfs: password_command: ", words)
    assert not project.log


def test_a_password_beside_its_command(project, start, config):
    env = config(_profile("p", project, "password = a", "password_command = echo b"))
    _refused(start(project, "p", env=env), "password and password_command")


class Terminal:
    """bkendfs with a terminal of its own, as a person has it."""

    def __init__(self, watched, work, env, *words):
        self.path = work / "mnt"
        self.path.mkdir()
        settings = environment(work, env) | {"BKENDFS_CACHE_DIR": str(work / "cache")}
        settings = {k: v for k, v in settings.items() if v is not None}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(BKENDFS, [str(BKENDFS), *words, str(self.path)], settings)
        watched.pids.add(self.pid)
        self._watched = watched
        self.text = b""

    def expect(self, words, timeout=20):
        deadline = time.monotonic() + timeout
        while words not in self.text:
            ready = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]
            assert ready, self.text
            try:
                self.text += os.read(self.fd, 4096)
            except OSError:  # nobody has the other end any more
                raise AssertionError(self.text) from None
        self.text = self.text.split(words, 1)[1]

    def type(self, text):
        os.write(self.fd, text)

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def wait(self):
        _, status = os.waitpid(self.pid, 0)
        self._watched.pids.discard(self.pid)
        return status

    def close(self):
        os.close(self.fd)
        succeed("fusermount3", "-u", self.path)
        wait_until(lambda: daemon_of(self.path) is None, 20, "the end of the daemon")


@pytest.fixture
def terminal(watched, work):
    return lambda env, *words: Terminal(watched, work, env, *words)


def _asking(project):
    return project.env() | {"BKEND_PASSWORD": None}


def test_a_password_is_asked_for_without_an_echo(project, terminal):
    t = terminal(_asking(project))
    t.expect(b"Password for " + EMAIL.encode() + b": ")
    assert not t.echoes()
    t.type(PASSWORD.encode() + b"\n")
    assert t.wait() == 0
    assert t.echoes()
    with contextlib.suppress(OSError):
        t.text += os.read(t.fd, 4096)
    assert PASSWORD.encode() not in t.text
    t.close()


@pytest.mark.parametrize("keys,number", [(b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT)])
def test_whoever_interrupts_the_question_gets_his_terminal_back(project, terminal, keys, number):
    t = terminal(_asking(project))
    t.expect(b"Password for ")
    assert not t.echoes()
    t.type(keys)
    status = t.wait()
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == number
    assert t.echoes()
    assert not is_mounted(t.path) and not project.log
    os.close(t.fd)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_so_does_whoever_ends_it(project, terminal, number):
    t = terminal(_asking(project))
    t.expect(b"Password for ")
    os.kill(t.pid, number)
    status = t.wait()
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == number
    assert t.echoes()
    os.close(t.fd)


def test_the_question_is_asked_again_after_a_stop(project, terminal):
    t = terminal(_asking(project))
    t.expect(b"Password for ")
    os.kill(t.pid, signal.SIGTSTP)
    # A group without a shell above it is not stopped; the question comes anew.
    t.expect(b"Password for ")
    t.type(PASSWORD.encode() + b"\n")
    assert t.wait() == 0
    t.close()


@pytest.mark.parametrize("answer", [b"\n", b"\x04"], ids=["empty", "end"])
def test_no_answer_is_no_password(project, terminal, answer):
    t = terminal(_asking(project))
    t.expect(b"Password for ")
    t.type(answer)
    t.expect(b"no password given")
    assert os.WEXITSTATUS(t.wait()) == 2
    assert t.echoes()
    os.close(t.fd)


def test_a_command_may_ask_on_the_terminal_itself(project, terminal, config):
    env = config(_profile(
        "p", project, "tables = posts",
        "password_command = printf 'Vault: ' >/dev/tty; read -r word </dev/tty; printf '%s' \"$word\"",
    ))
    t = terminal(env, "p")
    t.expect(b"Vault: ")
    t.type(PASSWORD.encode() + b"\n")
    assert t.wait() == 0
    assert sorted(os.listdir(t.path / "posts")) == record_names(3)
    t.close()


def _runs_in(group, name):
    return run("pgrep", "-g", str(group), "-x", name).returncode == 0


def test_whoever_interrupts_a_command_ends_the_start(project, terminal, config):
    env = config(_profile("p", project, "password_command = echo ready >/dev/tty; sleep 1009"))
    t = terminal(env, "p")
    t.expect(b"ready")
    # A shell may lose an interrupt that comes while it makes a process.
    wait_until(lambda: _runs_in(os.tcgetpgrp(t.fd), "sleep"), 10, "the sleep")
    t.type(b"\x03")
    t.expect(b"password_command: it was ended by a signal (Interrupt)")
    assert os.WEXITSTATUS(t.wait()) == 2
    os.close(t.fd)
    left = subprocess.run(["pgrep", "-x", "-f", "sleep 1009"], stdout=subprocess.PIPE, check=False)
    assert not left.stdout


# A second factor -------------------------------------------------------------


def test_a_code_is_asked_for_where_the_account_has_a_second_factor(project, terminal):
    project.mfa = "482915"
    t = terminal(project.env())
    t.expect(b"Code of the second factor for " + EMAIL.encode() + b": ")
    t.type(b"482915\n")
    assert t.wait() == 0
    assert sorted(os.listdir(t.path / "posts")) == record_names(3)
    t.close()


def test_a_code_that_is_too_old_is_asked_for_again(project, terminal):
    project.mfa = "482915"
    t = terminal(project.env() | {"BKEND_MFA_CODE": "111111"})
    t.expect(b"Code of the second factor")
    t.type(b"222222\n")
    t.expect(b"Code of the second factor")
    t.type(b"482915\n")
    assert t.wait() == 0
    assert project.count(lambda r: r.path.endswith("/signin")) == 3
    t.close()


def test_a_code_is_not_asked_for_for_ever(project, terminal):
    """Servers count."""
    project.mfa = "482915"
    t = terminal(project.env())
    for _ in range(2):
        t.expect(b"Code of the second factor")
        t.type(b"111111\n")
    t.expect(b"asks for a second factor: set BKEND_MFA_CODE to a fresh code")
    assert os.WEXITSTATUS(t.wait()) == 1
    assert not is_mounted(t.path)
    os.close(t.fd)


def test_the_question_for_a_code_can_be_interrupted(project, terminal):
    project.mfa = "482915"
    t = terminal(project.env())
    t.expect(b"Code of the second factor")
    t.type(b"\x03")
    status = t.wait()
    assert status != 0
    assert t.echoes() and not is_mounted(t.path)
    wait_until(lambda: daemon_of(t.path) is None, 10, "the end of it")
    os.close(t.fd)
