"""Commands that tests run, and what these get to see."""

import os
import subprocess
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BKEND_BUILD", REPO / "build")).resolve()
BKENDFS = BUILD / "src" / "bkendfs"
EMULATOR = BUILD / "src" / "bkend-emulator"

# Far more than any takes, with others beside it and under the sanitizers.
COMMAND_TIMEOUT = 90  # seconds, for any one command

# What a test waits for comes so many times later where a sanitizer is at work
# and others are busy beside it. Who measures time does not wait here.
PATIENCE = 3


def environment(home, extra=None):
    """What the programs under test get to see of the environment."""
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(
            ("BKEND", "XDG_", "ASAN_", "UBSAN_", "LSAN_", "TSAN_")
        )
        and not key.lower().endswith("_proxy")
    }
    env["HOME"] = str(home)
    env["LC_ALL"] = "C.UTF-8"
    env["ASAN_OPTIONS"] = (
        f"log_path={home}/sanitizer-a:exitcode=99:detect_leaks=1"
        ":allow_addr2line=1"
    )
    suppressions = Path(__file__).with_name("lsan.supp")
    env["LSAN_OPTIONS"] = f"suppressions={suppressions}:print_suppressions=0"
    env["UBSAN_OPTIONS"] = f"log_path={home}/sanitizer-u:print_stacktrace=1"
    env["TSAN_OPTIONS"] = f"log_path={home}/sanitizer-t:exitcode=99"
    env.update(extra or {})
    return env


def run(*command, timeout=COMMAND_TIMEOUT, **options):
    """Run a command to its end; bytes in, bytes out. Never raises for what
    the command did."""
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        [os.fspath(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=timeout,
        **options,
    )


def succeed(*command, **options):
    """Run a command that must succeed; its standard output."""
    done = run(*command, **options)
    assert done.returncode == 0, (command, done.returncode, done.stderr[-2000:])
    return done.stdout


def wait_until(condition, timeout=10.0, what="the condition"):
    """Poll until condition() is true, and return what it gave. timeout: in
    seconds, on a machine that has nothing else to do."""
    deadline = time.monotonic() + PATIENCE * timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come true"
        time.sleep(0.01)


def preload(work, name):
    """The environment of a daemon with a library of ours in front."""
    library = work / (name + ".so")
    succeed("cc", "-shared", "-fPIC", "-o", library, Path(__file__).with_name(name + ".c"), "-ldl")
    sanitizer = environment(work)["ASAN_OPTIONS"]
    return {
        "LD_PRELOAD": str(library),
        "ASAN_OPTIONS": sanitizer + ":verify_asan_link_order=0",
    }
