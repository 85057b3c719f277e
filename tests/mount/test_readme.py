"""Every command of README.md, run as it stands there, and what it says."""

import contextlib
import importlib.machinery
import importlib.util
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import BKENDFS, daemon_of, environment, is_mounted, wait_until

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()

# What cannot be run here, and what runs it.
ELSEWHERE = {
    "./packaging/demo": None,
    "packaging/deb": "tests/package",
    "sudo apt install ./build-deb/bkendfs_*.deb ./build-deb/bkend-emulator_*.deb": "tests/package",
    "meson setup build && ninja -C build && sudo meson install -C build": "tests/packaging/installed.py",
    """duckdb -c "SELECT title, viewsTotal FROM read_ndjson('mnt/.bkendfs/tables/posts.ndjson')"""
    """ ORDER BY viewsTotal DESC LIMIT 2\"""": "tests/neighbours",
    "cp /usr/share/doc/bkendfs/examples/bkendfs-backup@.* ~/.config/systemd/user/": "tests/package",
    "systemctl --user enable --now bkendfs-backup@prod.timer": "tests/package",
}

# Between one command's output and the next one's.
MARK = "\x01"


def _blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.M | re.S)


def _commands():
    """[(command, what it prints)], from the top of the page to its end."""
    found = []
    for block in _blocks("console"):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def _pattern(command, lines):
    """A line that is only … stands for any number of them, and … in one for
    whatever stands there. On a terminal, ls has columns."""
    if re.fullmatch(r"ls [\w/]+", command):
        lines = " ".join(lines).split()
    whole = "".join(
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
        for line in lines
    )
    return re.compile(whole)


def _reader(server, staging, text):
    """The page, for one who has two projects of their own."""
    for ours, theirs in {
        "https://api.example.com": server.url,
        "https://staging.example.com": staging.url,
        "sk_…": server.secret_key,
        "pass show bkend/staging": f"echo {staging.secret_key}",
        "RESTIC_PASSWORD=…": "RESTIC_PASSWORD=secret",
        # A port that is free on any machine.
        "127.0.0.1:8420": "127.0.0.1:0",
    }.items():
        text = text.replace(ours, theirs)
    return text


@pytest.fixture
def shell(work, emulator):
    """Runs lines in one shell; [(status, output)]."""
    server, staging = emulator(), emulator()
    home = work / "reader"
    config = home / ".config/bkendfs/config"
    config.parent.mkdir(parents=True)
    [profiles] = _blocks("ini")
    config.write_text(_reader(server, staging, profiles))
    config.chmod(0o600)
    env = environment(home) | {"PATH": f"{BKENDFS.parent}:{os.environ['PATH']}"}

    def run(lines):
        script = "".join(
            _reader(server, staging, line) + f"\nprintf '{MARK}%d\\n' $?\n" for line in lines)
        with open(work / "said", "wb+") as said:
            # What is left in the background must not keep a pipe open.
            process = subprocess.Popen(
                ["bash"], stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT,
                cwd=home, env=env, start_new_session=True)
            try:
                process.communicate(script.encode(), timeout=300)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                process.wait(20)
            said.seek(0)
            text = said.read().decode()
        parts = re.split(rf"{MARK}(\d+)\n", text)
        return list(zip(map(int, parts[1::2]), parts[0::2]))

    yield run
    for name in ("mnt", "staging"):
        while is_mounted(home / name):
            subprocess.run(["fusermount3", "-u", home / name], check=True, timeout=60)
        wait_until(lambda at=home / name: not daemon_of(at), 60, "the end of the daemon")


def test_each_command_does_what_the_page_says(shell):
    commands = _commands()
    assert len(commands) > 40
    done = shell([command for command, _ in commands])
    troubles = [
        f"$ {command}\n{said}(exit status {status}; the page says:)\n" + "\n".join(lines)
        for (command, lines), (status, said) in zip(commands, done)
        if status != 0 or not _pattern(command, lines).fullmatch(said)
    ]
    assert not troubles, "\n".join(troubles)
    assert len(done) == len(commands), f"it ended at {commands[len(done)][0]}"


def test_what_is_not_run_here_is_run_elsewhere():
    lines = [line for block in _blocks("sh") for line in block.splitlines()]
    assert set(lines) == set(ELSEWHERE)
    for place in filter(None, ELSEWHERE.values()):
        assert (ROOT / place).exists(), place
    kinds = set(re.findall(r"^```(\w+)$", README, re.M))
    assert kinds == {"console", "sh", "ini"}, "a block that nobody tests"


def test_the_figures_are_those_that_were_measured():
    bench = ROOT / "tests/bench"
    loader = importlib.machinery.SourceFileLoader("picture", str(bench / "picture"))
    picture = importlib.util.module_from_spec(importlib.util.spec_from_loader("picture", loader))
    loader.exec_module(picture)
    measured = json.loads((bench / "measured.json").read_text())
    assert (bench / "speed.svg").read_text() == picture.drawing(measured)
    assert f"Measured on {measured['date'][:10]}" in README
    [words] = re.findall(r"!\[(.*)\]\(tests/bench/speed.svg\)", README)
    told = [float(figure) for figure in re.findall(r"([\d.]+) s\b", words)]
    assert told == [round(s, 1) for _, *pair in picture.figures(measured) for s in pair]
    [again] = [row for row in measured["rows"] if row["name"] == "requests-again"]
    assert f"takes {again['checks'][0]['value']:.0f} requests" in README
