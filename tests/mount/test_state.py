"""Where the replica lives, and whom that place must belong to."""

import os
import shlex
import stat

import pytest

from conftest import BKENDFS, daemon_of, is_mounted, run, succeed, wait_until
from jsontext import pretty
from records import oid, read, record, record_names, records
from test_user import NOBODY, fuse_for_everyone, user  # noqa: F401 (fixtures)

pytestmark = pytest.mark.xdist_group("dev-fuse")


@pytest.fixture
def project(odd):
    server = odd()
    server.tables["posts"] = records(3)
    return server


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
    """Run a script, which mounts and unmounts on mnt, where /var/cache and
    /var/tmp are the test's own."""
    for name in ("cache", "tmp"):
        (work / "var" / name).mkdir(parents=True, exist_ok=True)
    (work / "var/tmp").chmod(0o1777)
    (work / "var").chmod(0o755)
    words = " ".join(shlex.quote(str(word)) for word in prefix)
    done = run(
        "unshare", "-m", "sh", "-ec",
        f"mount --bind {work}/var/cache /var/cache\n"
        f"mount --bind {work}/var/tmp /var/tmp\n"
        f"exec {words} sh -ec {shlex.quote(script)}",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )
    wait_until(lambda: daemon_of(mnt) is None, 20, "the end of the daemon")
    return done


def _script(project, program, mnt):
    """Mount, look, unmount, without HOME."""
    env = " ".join(f"{key}={shlex.quote(value)}" for key, value in project.env().items())
    return f"{env} {program} {mnt}\ncat {mnt}/posts/{oid(1)}.json\nfusermount3 -u {mnt}\n"


def test_root_without_a_home_uses_the_machines_cache(project, work):
    (work / "mnt").mkdir()
    done = _elsewhere(work, work / "mnt", _script(project, BKENDFS, work / "mnt"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == pretty(record(1))
    place = work / "var/cache/bkendfs"
    assert list(place.glob("*.db"))
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert os.listdir(work / "var/tmp") == []


def _as_user(project, user, work):  # noqa: F811
    return _elsewhere(work, user.mnt, _script(project, user.program, user.mnt), *user.prefix)


def test_a_user_without_a_home_has_a_place_of_their_own(project, user, work):  # noqa: F811
    done = _as_user(project, user, work)
    assert done.returncode == 0, done.stderr
    assert done.stdout == pretty(record(1))
    place = work / f"var/tmp/bkendfs-{NOBODY}"
    assert list(place.glob("*.db"))
    info = place.stat()
    assert (info.st_uid, stat.S_IMODE(info.st_mode)) == (NOBODY, 0o700)


@pytest.mark.parametrize("trap", ["theirs", "open", "link"])
def test_a_place_that_somebody_else_prepared_is_refused(project, user, work, trap):  # noqa: F811
    place = work / f"var/tmp/bkendfs-{NOBODY}"
    place.parent.mkdir(parents=True)
    real = work / "real"
    real.mkdir(0o700)
    os.chown(real, NOBODY, NOBODY)
    if trap == "link":
        place.symlink_to(real)
    else:
        place.mkdir()
        place.chmod(0o777)
    if trap == "open":
        os.chown(place, NOBODY, NOBODY)
    done = _as_user(project, user, work)
    assert done.returncode == 1 and str(f"/var/tmp/bkendfs-{NOBODY}") in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert os.listdir(real) == [] and (trap == "link" or os.listdir(place) == [])


def test_a_user_whose_home_is_known_needs_no_variable(project, user, work):  # noqa: F811
    """The user database says where it is, as in a service or a cron job."""
    passwd = work / "passwd"
    passwd.write_text(f"somebody:x:{NOBODY}:{NOBODY}::{user.home}:/bin/sh\n")
    passwd.chmod(0o644)
    script = f"mount --bind {passwd} /etc/passwd\nexec " + " ".join(map(str, user.prefix)) + (
        " sh -ec " + shlex.quote(_script(project, user.program, user.mnt)))
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
