"""What the program says of itself, and to whoever manages it."""

import contextlib
import os
import re
import subprocess
import threading

import pytest

from conftest import BKENDFS, EMULATOR, environment, is_mounted, run, succeed


# Help ------------------------------------------------------------------------


def _help(words, work):
    return succeed(BKENDFS, words, env=environment(work)).decode()


def test_the_help_fits_a_screen_and_has_each_setting(work):
    text = _help("--help", work)
    lines = text.splitlines()
    assert len(lines) <= 23, "and a prompt"
    assert max(map(len, lines)) < 80
    assert text == _help("-h", work)
    whole = _help("--help=all", work)
    assert len(whole.splitlines()) > 60 and max(map(len, whole.splitlines())) <= 80
    names = set(re.findall(r"BKEND[A-Z_]+|^  ([a-z_]+)(?==| )", whole, re.M)) - {""}
    assert len(names) > 12
    for name in names | set(re.findall(r"BKEND[A-Z_]+", whole)):
        assert re.search(rf"\b{name}\b", text), name


def test_the_versions_are_those_of_the_libraries_too(work):
    text = _help("--version", work)
    assert text == _help("-V", work)
    for line in (r"bkendfs \d+\.\d+\.\d+", r"libfuse 3\.\d+\.\d+",
                 r"libcurl/[78]\.\d+\.\d+ .*SSL.*", r"SQLite 3\.\d+\.\d+"):
        assert re.search(rf"^{line}$", text, re.M), line
    done = run(EMULATOR, "--version", env=environment(work))
    assert re.fullmatch(rb"bkend-emulator \d+\.\d+\.\d+\nlibmicrohttpd \d[\d.]+\n", done.stdout)


# The first time ----------------------------------------------------------------


def test_who_has_set_nothing_is_told_how_to_begin(work):
    (work / "mnt").mkdir()
    done = run(BKENDFS, work / "mnt", env=environment(work))
    said = done.stderr.decode()
    assert done.returncode == 2 and done.stdout == b"" and not is_mounted(work / "mnt")
    for way in ("bkendfs --demo MOUNTPOINT", "bkendfs ./DIRECTORY MOUNTPOINT",
                "BKEND_SECRET_KEY=", "BKEND_PUBLISHABLE_KEY=", "BKEND_EMAIL=",
                "BKEND_TABLES=", ".config/bkendfs/config", "bkendfs NAME MOUNTPOINT"):
        assert way in said
    assert len(said.splitlines()) < 12 and max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("env", [{"BKEND_EMAIL": "me@example.com"}, {"BKEND_TABLES": "posts"},
                                 {"BKEND_API_URL": "https://api.example.com"}])
def test_who_has_set_something_is_told_what_is_missing(work, env):
    (work / "mnt").mkdir()
    done = run(BKENDFS, work / "mnt", env=environment(work, env))
    assert done.returncode == 2
    assert re.fullmatch(rb"bkendfs: no key: .*BKEND_SECRET_KEY.*\n", done.stderr)


@pytest.mark.parametrize("profiles", [None, "[backups]\nttl = 5\n"])
def test_a_directory_that_was_meant_is_offered_as_one(work, profiles):
    for name in ("mnt", "backup", ".config/bkendfs"):
        (work / name).mkdir(parents=True)
    if profiles:
        (work / ".config/bkendfs/config").write_text(profiles)
    for words in (["backup", "mnt"], ["--check", "backup"]):
        done = run(BKENDFS, *words, cwd=work, env=environment(work))
        assert done.returncode == 2
        assert re.fullmatch(rb"bkendfs: no profile 'backup': .* say \./backup\n", done.stderr)
    assert not is_mounted(work / "mnt")
    done = run(BKENDFS, "./backup", "mnt", cwd=work, env=environment(work))
    assert b"backup" in done.stderr and b"no profile" not in done.stderr


@pytest.mark.parametrize("words", [["--demo", "--check"], ["--check", "--fetch"], ["--login", "--logout"]])
def test_two_commands_are_one_too_many(work, words):
    done = run(BKENDFS, *words, cwd=work, env=environment(work))
    assert (done.returncode, done.stdout) == (2, b"")
    assert re.fullmatch(rb"bkendfs: two commands .*: choose one .*\n", done.stderr)
    succeed(BKENDFS, words[0], "--help", env=environment(work))


@pytest.mark.parametrize("option", ["offline", "tables=posts", "url=https://x.invalid"])
def test_the_sample_project_leaves_no_choice_of_a_server(work, option):
    (work / "mnt").mkdir()
    done = run(BKENDFS, "--demo", "-o", option, work / "mnt", env=environment(work))
    assert (done.returncode, done.stdout) == (2, b"") and not is_mounted(work / "mnt")
    assert f"leave out {option.split('=')[0]}".encode() in done.stderr


@pytest.mark.parametrize("words", [["--demo", ""], ["prod", ""], [""]])
def test_an_empty_word_is_no_mount_point(work, words):
    done = run(BKENDFS, *words, cwd=work, env=environment(work))
    assert (done.returncode, done.stdout) == (2, b"")
    assert re.fullmatch(rb"bkendfs: the mount point is an empty word.*\n", done.stderr)


def test_a_wrong_option_s_value_is_not_repeated(work):
    """It may be a secret, and what is said may go to a log."""
    for words in (["--secret-key=sk_abcdef"], ["-o", "secret_key=sk_abcdef"], ["-o", "word=sk_abcdef"]):
        done = run(BKENDFS, *words, "mnt", cwd=work, env=environment(work))
        assert done.returncode == 2
        assert b"sk_abcdef" not in done.stderr and words[-1].split("=")[0].encode() in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["--help=all"], ["--version"], ["--check"]])
def test_an_answer_that_cannot_be_written_is_a_failure(project, work, words):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BKENDFS, *words], env=environment(work, project.env()),
                              stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                              timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"bkendfs: cannot write to the standard output\n")


# Colours -----------------------------------------------------------------------------


def _take_in(terminal, text):
    with contextlib.suppress(OSError):  # which is its end
        while piece := os.read(terminal, 65536):
            text += piece


def test_nothing_is_coloured(project, work):
    """So that NO_COLOR has nothing to ask for, on a terminal either."""
    text = bytearray()
    master, slave = os.openpty()
    reader = threading.Thread(target=_take_in, args=(master, text))
    reader.start()
    env = environment(work, project.env()) | {"TERM": "xterm-256color"}
    try:
        for words in (["--help"], ["--help=all"], ["--nosuch"], ["--check"], ["/nosuch"]):
            subprocess.run([BKENDFS, *words], env=env, stdin=subprocess.DEVNULL, stdout=slave,
                           stderr=slave, timeout=60, check=False)
    finally:
        os.close(slave)
        reader.join()
        os.close(master)
    assert b"Usage: bkendfs" in text and b"posts" in text
    assert not re.search(rb"\x1b\[[0-9;]*m", text)
