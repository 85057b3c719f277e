"""Where the replica lives, and whom that place must belong to."""

import os
import shlex
import shutil
import stat

import pytest

from conftest import BKENDFS, daemon_of, is_mounted, run, succeed, wait_until
from jsontext import pretty
from records import oid, read, record, record_names
from test_user import NOBODY, fuse_for_everyone, user  # noqa: F401 (fixtures)

pytestmark = pytest.mark.xdist_group("dev-fuse")


def _refused(said, path, *words):
    assert said.status == 1
    for word in (str(path), "cache_dir=", *words):
        assert word in said.message, (word, said.message)
    assert not is_mounted(said.path)


# A place that is not ours alone ------------------------------------------------


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o755, 0o701])
@pytest.mark.parametrize("options", [[], ["-o", "nocache"]], ids=["kept", "nocache"])
def test_one_that_others_can_enter_is_refused(project, start, work, mode, options):
    place = work / "place"
    place.mkdir()
    place.chmod(mode)
    said = start(project, *options, env={"BKENDFS_CACHE_DIR": str(place)})
    _refused(said, place, "0700")
    assert os.listdir(place) == []


def test_one_of_somebody_else_is_refused(project, start, work):
    """To root all doors are open; that does not make it root's."""
    place = work / "place"
    place.mkdir(0o700)
    if os.geteuid() == 0:
        os.chown(place, NOBODY, NOBODY)
    else:
        place = "/root"
    said = start(project, env={"BKENDFS_CACHE_DIR": str(place)})
    assert said.status == 1 and str(place) in said.message


@pytest.mark.parametrize("tail", ["", "/"])
def test_a_link_in_its_place_is_refused(project, start, work, tail):
    (work / "real").mkdir(0o700)
    (work / "place").symlink_to("real")
    said = start(project, env={"BKENDFS_CACHE_DIR": str(work / "place") + tail})
    _refused(said, work / "place", "link")
    assert os.listdir(work / "real") == []


def test_a_link_on_the_way_to_it_is_the_users_own_choice(project, start, work):
    (work / "disk").mkdir(0o755)
    (work / "way").symlink_to("disk")
    said = start(project, env={"BKENDFS_CACHE_DIR": str(work / "way/bkendfs")})
    assert said.status == 0, said.errors
    assert sorted(os.listdir(said.path / "posts")) == record_names(3)
    place = work / "disk/bkendfs"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    for path in place.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.parametrize("tail", [".db", ".lock", ".db-wal", ".db-shm"])
def test_a_link_in_it_is_not_followed(project, mount, start, work, tail):
    cache = work / "place"
    m = mount(project, cache=cache)
    assert len(os.listdir(m / "posts")) == 3
    m.unmount()
    [database] = cache.glob("*.db")
    target = work / "elsewhere"
    target.write_bytes(b"")
    link = database.with_name(database.stem + tail)
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    said = start(project, env={"BKENDFS_CACHE_DIR": str(cache)})
    _refused(said, cache, "link")
    assert target.read_bytes() == b""


# No home -----------------------------------------------------------------------


def _elsewhere(work, mnt, script, *prefix):
    """Run a script, which mounts and unmounts on mnt, where /var/cache,
    /var/tmp and /root are the test's own."""
    places = ["var/cache", "var/tmp", "root"]
    for name in places:
        (work / name).mkdir(parents=True, exist_ok=True)
    (work / "var/tmp").chmod(0o1777)
    (work / "var").chmod(0o755)
    words = " ".join(shlex.quote(str(word)) for word in prefix)
    done = run(
        "unshare", "-m", "sh", "-ec",
        # Other tests' mounts would not end while there is a copy of them.
        "umount -al -t fuse.bkendfs || :\n"
        + "".join(f"mount --bind {work}/{name} /{name}\n" for name in places)
        + f"exec {words} sh -ec {shlex.quote(script)}",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )
    wait_until(lambda: daemon_of(mnt) is None, 20, "the end of the daemon")
    return done


def _script(project, program, mnt, **extra):
    """Mount, look, unmount, without HOME."""
    env = project.env() | extra
    env = " ".join(f"{key}={shlex.quote(value)}" for key, value in env.items())
    return f"{env} {program} {mnt}\ncat {mnt}/posts/{oid(1)}.json\nfusermount3 -u {mnt}\n"


def _as_root(project, work, **extra):
    (work / "mnt").mkdir()
    program = shutil.copy(BKENDFS, work)  # which may be below /root
    done = _elsewhere(work, work / "mnt", _script(project, program, work / "mnt", **extra))
    assert done.returncode == 0, done.stderr
    assert done.stdout == pretty(record(1))
    assert os.listdir(work / "var/tmp") == []


@pytest.mark.parametrize("home", [{}, {"HOME": "/root"}], ids=["none", "of mount(8)"])
def test_root_without_a_home_uses_the_machines_cache(project, work, home):
    """At boot, where mount(8)'s helper calls /root the home; and so by hand."""
    _as_root(project, work, **home)
    place = work / "var/cache/bkendfs"
    assert list(place.glob("*.db"))
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert os.listdir(work / "root") == []


def test_what_root_has_in_its_home_already_goes_on(project, work):
    place = work / "root/.cache/bkendfs"
    place.mkdir(0o700, parents=True)
    _as_root(project, work, HOME="/root")
    assert list(place.glob("*.db"))
    assert os.listdir(work / "var/cache") == []


def _as_user(project, user, work, **extra):  # noqa: F811
    return _elsewhere(
        work, user.mnt, _script(project, user.program, user.mnt, **extra), *user.prefix)


def test_a_user_without_a_home_is_told_what_to_set(project, user, work):  # noqa: F811
    done = _as_user(project, user, work)
    assert done.returncode == 2 and done.stdout == b""
    said = done.stderr.decode()
    assert said.count("\n") == 1, said
    for word in ("no place for the replica", "HOME", "XDG_CACHE_HOME", "CacheDirectory=", "cache_dir="):
        assert word in said, said
    assert os.listdir(work / "var/tmp") == [] and not project.log


def test_a_service_without_a_home_has_what_was_made_for_it(project, user, work):  # noqa: F811
    place = work / "made"
    place.mkdir(0o700)
    os.chown(place, NOBODY, NOBODY)
    done = _as_user(project, user, work, CACHE_DIRECTORY=str(place))
    assert done.returncode == 0, done.stderr
    assert done.stdout == pretty(record(1))
    assert list(place.glob("*.db"))


@pytest.mark.parametrize("home", [{}, {"HOME": "/root"}], ids=["none", "of mount(8)"])
def test_a_user_whose_home_is_known_needs_no_variable(project, user, work, home):  # noqa: F811
    """The user database says where it is, as in a service, a cron job, or where
    mount(8), which an fstab line lets users call, has taken HOME away."""
    passwd = work / "passwd"
    passwd.write_text(f"somebody:x:{NOBODY}:{NOBODY}::{user.home}:/bin/sh\n")
    passwd.chmod(0o644)
    script = f"mount --bind {passwd} /etc/passwd\nexec " + " ".join(map(str, user.prefix)) + (
        " sh -ec " + shlex.quote(_script(project, user.program, user.mnt, **home)))
    done = _elsewhere(work, user.mnt, script)
    assert done.returncode == 0, done.stderr
    assert done.stdout == pretty(record(1))
    assert list((user.home / ".cache/bkendfs").glob("*.db"))
    assert os.listdir(work / "var/tmp") == []


# What a mount that was killed leaves ---------------------------------------------


def test_what_a_killed_mount_without_a_cache_left_goes_with_the_next(project, mount, work):
    cache = work / "cache"

    def private():
        return sorted(path.name for path in cache.glob("private-*"))

    killed = mount(project, "-o", "nocache", cache=cache)
    assert len(os.listdir(killed / "posts")) == 3
    alive = mount(project, "-o", "nocache", cache=cache)
    assert len(private()) == 2
    killed.kill()
    succeed("fusermount3", "-uz", killed.path)
    assert len(private()) == 2
    third = mount(project, cache=cache)
    assert len(private()) == 1
    for m in (alive, third):
        assert sorted(os.listdir(m / "posts")) == record_names(3)
        assert read(m / f"posts/{oid(2)}.json") == pretty(record(2))
    alive.unmount()
    assert private() == []
