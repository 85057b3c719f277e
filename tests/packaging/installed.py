#!/usr/bin/env python3
"""installed.py ROOT BUILD: whether all that belongs on a system is installed,
where it belongs, and says the version that it is."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT, BUILD = (Path(word).resolve() for word in sys.argv[1:3])

WANTED = {
    "bin/bkendfs": 0o755,
    "bin/bkend-emulator": 0o755,
    "share/man/man1/bkendfs.1": 0o644,
    "share/man/man1/bkend-emulator.1": 0o644,
    "share/man/man5/bkendfs.conf.5": 0o644,
    "share/bash-completion/completions/bkendfs": 0o644,
    "share/bash-completion/completions/bkend-emulator": 0o644,
    "share/zsh/site-functions/_bkendfs": 0o644,
    "share/zsh/site-functions/_bkend-emulator": 0o644,
    "share/fish/vendor_completions.d/bkendfs.fish": 0o644,
    "share/fish/vendor_completions.d/bkend-emulator.fish": 0o644,
    "lib/systemd/user/bkendfs@.service": 0o644,
    "share/doc/bkendfs/README.md": 0o644,
    "share/doc/bkendfs/CHANGELOG.md": 0o644,
    "share/doc/bkendfs/SECURITY.md": 0o644,
    "share/doc/bkendfs/examples/bkendfs-backup@.service": 0o644,
    "share/doc/bkendfs/examples/bkendfs-backup@.timer": 0o644,
}


def main():
    version = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text())[1]
    log = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(r"^## (\S+)", log, re.M)[1] == version, "CHANGELOG.md begins with another"
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(
            ["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", place],
            check=True, timeout=60, stdout=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        prefix = Path(place, "usr/local")
        there = {
            str(one.relative_to(prefix)): one for one in Path(place).rglob("*")
            if not one.is_dir()
        }
        assert set(there) == set(WANTED), set(there) ^ set(WANTED)
        for name, mode in WANTED.items():
            assert there[name].stat().st_mode & 0o777 == mode, name
        for name in ("bkendfs", "bkend-emulator"):
            said = subprocess.run([there[f"bin/{name}"], "--version"], stdout=subprocess.PIPE,
                                  check=True, timeout=60)
            assert said.stdout.decode().splitlines()[0] == f"{name} {version}"
        unit = there["lib/systemd/user/bkendfs@.service"].read_text()
        assert "ExecStart=/usr/local/bin/bkendfs -f " in unit and "@bindir@" not in unit


main()
