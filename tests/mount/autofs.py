"""An automounter, as systemd is one for x-systemd.automount: whoever walks onto
the mount point waits until it has run a command that mounts something there.

    autofs.py MOUNTPOINT COMMAND...

It says "ready", and then "mounted" or "failed: …" for each time that it is asked;
at the end of its input it goes, and takes its own mount away. Root's alone."""

import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys

# linux/auto_fs.h
MISSING_DIRECT = 5
READY, FAIL, CATATONIC = 0x9360, 0x9361, 0x9362
PACKET = 4096
TIMEOUT = 50  # seconds, for the command

libc = ctypes.CDLL(None, use_errno=True)


def _checked(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _answer(packet, control, command):
    _, kind, token = struct.unpack_from("=iiI", packet)
    assert kind == MISSING_DIRECT, kind
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=TIMEOUT)
        said, word = "mounted", READY
    except subprocess.SubprocessError as trouble:
        said, word = f"failed: {trouble}", FAIL
    print(said, flush=True)
    fcntl.ioctl(control, word, token)


def main(path, *command):
    os.setpgid(0, 0)  # the command's group is ours
    asked, end = os.pipe2(os.O_CLOEXEC | os.O_DIRECT)
    options = f"fd={end},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct"
    _checked(libc.mount(b"bkendfs-test", os.fsencode(path), b"autofs", 0, options.encode()))
    control = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    print("ready", flush=True)
    while asked in select.select([asked, sys.stdin], [], [])[0]:
        _answer(os.read(asked, PACKET), control, command)
    fcntl.ioctl(control, CATATONIC)
    os.close(control)
    _checked(libc.umount2(os.fsencode(path), 2))  # MNT_DETACH


main(*sys.argv[1:])
