#!/usr/bin/env python3
"""completions.py ROOT BUILD: whether bash, zsh and fish complete all that the
programs can be told, settings after -o, values, and the names of profiles. In
the shells themselves."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from words import Words

ROOT, BUILD = (Path(word).resolve() for word in sys.argv[1:3])
FILES = ROOT / "packaging/completions"
TIMEOUT = 60  # seconds, for any one answer
troubles = []


class Bash:
    """The function that bash calls, called as bash does: words are broken at
    blanks, and at = and :, and only what stands behind those is replaced."""

    name = "bash"

    def __init__(self, home, env):
        self.home, self.env = home, env

    def complete(self, line):
        program = line.split()[0]
        words = re.findall(r"[=:]+|[^\s=:]+", line) + ([""] if line[-1] in " =:" else [])
        script = (
            f"source {FILES}/bash/{program}\n"
            'COMP_LINE=$1 COMP_POINT=${#1}; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))\n'
            "function=$(complete -p " + program + ")\n"
            "function=${function#*-F }; ${function%% *}\n"
            'printf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        done = subprocess.run(
            ["bash", "--norc", "-c", script, "bash", line, *words], cwd=self.home, env=self.env,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False,
        )
        if done.stderr:
            troubles.append(f"bash: {line}: {done.stderr.decode()}")
        typed = line.split(" ")[-1]
        kept = typed[: max(typed.rfind("="), typed.rfind(":")) + 1]
        return {kept + one for one in done.stdout.decode().split("\n") if one}

    def close(self):
        pass


class Fish:
    """fish tells what it would offer."""

    name = "fish"

    def __init__(self, home, env):
        self.home, self.env = home, env
        shutil.copytree(FILES / "fish", home / ".config/fish/completions")

    def complete(self, line):
        done = subprocess.run(
            ["fish", "-c", "complete -C $argv[1]", line], cwd=self.home, env=self.env,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False,
        )
        if done.stderr:
            troubles.append(f"fish: {line}: {done.stderr.decode()}")
        return {one.partition("\t")[0] for one in done.stdout.decode().splitlines()}

    def close(self):
        pass


class Zsh:
    """zsh on a terminal: a key of the test's own writes out what the line has
    become, another one what could follow."""

    name = "zsh"

    def __init__(self, home, env):
        self.answer = home / "answer"
        (home / ".zshrc").write_text(
            f"fpath=({FILES}/zsh $fpath)\n"
            "unsetopt beep; unsetopt auto_list; LISTMAX=10000\n"
            "autoload -Uz compinit; compinit -u -D\n"
            # Every match goes by here.
            "typeset -ga seen\n"
            "compadd() { local -a found; builtin compadd -O found \"$@\"\n"
            "    seen+=($found); builtin compadd \"$@\" }\n"
            f"ask() {{ seen=(); zle complete-word; print -rl -- \"$BUFFER\" $seen >{home}/a\n"
            f"    mv {home}/a {self.answer}; BUFFER=; seen=() }}\n"
            "zle -N ask; bindkey '^T' ask\nPS1='ready> '\n"
        )
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            os.execvpe("zsh", ["zsh", "-i"], env | {"TERM": "dumb", "ZDOTDIR": str(home)})
        self._wait(lambda text: b"ready> " in text)

    def _wait(self, done):
        text, deadline = b"", time.monotonic() + TIMEOUT
        while not done(text):
            if select.select([self.fd], [], [], 0.01)[0]:
                text += os.read(self.fd, 65536)
            if time.monotonic() > deadline:
                sys.exit(f"zsh does not answer: {text}")

    def complete(self, line):
        self.answer.unlink(missing_ok=True)
        os.write(self.fd, line.encode() + b"\x14")
        self._wait(lambda text: self.answer.exists())
        became, *seen = self.answer.read_text().splitlines()
        before, _, typed = line.rpartition(" ")
        assert became.startswith(before + " "), (line, became)
        head = typed[: max(map(typed.rfind, ",=")) + 1]
        words = {head + one for one in seen} | set(seen)
        if len(became) > len(line):
            words.add(became[len(before) + 1:].rstrip(" "))
        return words

    def close(self):
        os.write(self.fd, b"exit\n")
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def check(shell, line, wanted, unwanted=()):
    offered = shell.complete(line)
    bare = {word.rstrip("=/ ") for word in offered}
    for word in sorted(wanted):
        if word.rstrip("=") not in bare:
            troubles.append(f"{shell.name}: {line}: {word} is not offered: {sorted(offered)}")
    for word in unwanted:
        if word in bare:
            troubles.append(f"{shell.name}: {line}: {word} is offered")


def check_all(shell, words):
    check(shell, "bkendfs --", words.options | {"--help=all"}, words.emulator - words.options)
    check(shell, "bkend-emulator --", words.emulator, {"--demo"})
    check(shell, "bkendfs -o ", words.settings)
    check(shell, "bkendfs -o ttl=5,o", {"ttl=5,offline"})
    check(shell, "bkendfs -f -o json=", {"json=pretty", "json=raw"})
    check(shell, "bkendfs prod -o offline,log_level=", {"offline,log_level=debug"})
    check(shell, "bkendfs ", {"prod", "staging", "default", "backup"}, {"key", "file"})
    check(shell, "bkendfs --check pr", {"prod"})
    check(shell, "bkendfs prod ", {"backup"}, {"prod", "staging"})
    check(shell, "bkendfs --demo ", {"backup"}, {"prod"})
    check(shell, "bkendfs --login ", {"prod"}, {"backup"})
    check(shell, "bkendfs -o ttl=5 pr", {"prod"})
    check(shell, "bkend-emulator --envelope ", {"bare", "data"})
    check(shell, "bkend-emulator --data ba", {"backup"})
    check(shell, "bkend-emulator --data=ba", {"--data=backup"})
    check(shell, "bkend-emulator --envelope=", {"--envelope=bare", "--envelope=data"})
    check(shell, "bkend-emulator --no-demo --con", {"--control", "--connections"})


words = Words(BUILD)
with tempfile.TemporaryDirectory() as place:
    for kind in (Bash, Zsh, Fish):
        home = Path(place) / kind.name
        (home / ".config/bkendfs").mkdir(parents=True)
        (home / "backup").mkdir()
        (home / "file").touch()
        (home / ".config/bkendfs/config").write_text(
            "[default]\nurl = https://a.example\n# [none]\n\n[prod]\nkey = x\n  [staging]\n"
        )
        ours = ("XDG_", "BKEND", "COMP", "ZDOTDIR")
        env = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        env |= {"HOME": str(home), "LC_ALL": "C.UTF-8"}
        env["PATH"] = f"{BUILD}/src:{env['PATH']}"
        shell = kind(home, env)
        try:
            check_all(shell, words)
        finally:
            shell.close()
print("\n".join(troubles))
sys.exit(bool(troubles))
