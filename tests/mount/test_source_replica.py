"""What a mount of a directory keeps of it, and for how long that is believed."""

import json
import os
import shutil

import pytest

from backups import AS_USER, backup, give, record, save, settle, text_of  # noqa: F401 (a fixture)
from conftest import (
    BKENDFS, daemon_of, environment, read_only, run, succeed, wait_until,
)
from test_user import fuse_for_everyone  # noqa: F401 (a fixture)


def replicas(one):
    return sorted(path.name for path in one.cache.glob("*.db"))


def test_a_second_mount_finds_what_the_first_has_read(mount, backup, work):
    settle(backup)
    first = mount(None, backup, cache=work / "cache")
    inodes = {name: os.stat(first / "posts" / name).st_ino
              for name in os.listdir(first / "posts")}
    kept = replicas(first)
    first.unmount()
    again = mount(None, backup, cache=work / "cache")
    assert replicas(again) == kept and len(kept) == 1
    assert inodes == {name: os.stat(again / "posts" / name).st_ino
                      for name in os.listdir(again / "posts")}


@pytest.mark.parametrize("times", ["kept", "new"])
def test_a_replaced_backup_shows_what_is_there_now(mount, backup, work, times):
    """Whatever the new one has in common with the old one: names, sizes, and
    times that a copy has kept."""
    settle(backup)
    name = f"{3:024x}.json"
    first = mount(None, backup, cache=work / "cache")
    assert text_of(first / "posts" / name)["title"] == "post 3"
    before = replicas(first)
    first.unmount()
    succeed("cp", "-a", backup, work / "new")
    changed = work / "new" / "posts" / name
    stat = changed.stat()
    changed.write_text(changed.read_text().replace("post 3", "POST 3"))
    if times == "kept":
        os.utime(changed, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    else:
        (work / "new" / "posts" / f"{5:024x}.json").unlink()
    shutil.rmtree(backup)
    (work / "new").rename(backup)
    for settled in (False, True):
        if settled:
            settle(backup)
        again = mount(None, backup, cache=work / "cache")
        assert text_of(again / "posts" / name)["title"] == "POST 3"
        assert len(os.listdir(again / "posts")) == (5 if times == "kept" else 4)
        now = replicas(again)
        again.unmount()
    # The old one does not lie there for ever.
    assert len(now) == 1 and now != before
    stems = {path.name.split(".")[0] for path in (work / "cache").iterdir()}
    assert stems == {now[0].removesuffix(".db")}


def test_what_changes_while_it_is_young_is_not_kept(mount, backup, work):
    """A change within one tick of the clock leaves no trace in times."""
    (backup / "posts" / f"{9:024x}.json").write_text(json.dumps(record(9)))
    one = mount(None, backup, cache=work / "cache")
    assert len(os.listdir(one / "posts")) == 6
    assert replicas(one) == []


def test_two_mounts_of_one_directory(mount, backup, work):
    settle(backup)
    first = mount(None, backup, cache=work / "cache")
    second = mount(None, backup, cache=work / "cache")
    assert os.listdir(first / "posts") == os.listdir(second / "posts")
    first.unmount()
    assert len(os.listdir(second / "posts")) == 5


def test_a_mount_of_the_old_one_goes_on_beside_the_new_one(mount, backup, work):
    settle(backup)
    first = mount(None, backup, cache=work / "cache")
    names = sorted(os.listdir(first / "posts"))
    backup.rename(work / "old")
    save(backup, {"posts": [record(70)]})
    settle(backup)
    second = mount(None, backup, cache=work / "cache")
    assert os.listdir(second / "posts") == [f"{70:024x}.json"]
    assert sorted(os.listdir(first / "posts")) == names
    assert len(replicas(second)) == 2


def test_nocache_leaves_nothing_behind(mount, backup, work):
    settle(backup)
    one = mount(None, backup, "-o", "nocache", cache=work / "cache")
    assert len(os.listdir(one / "posts")) == 5
    one.unmount()
    assert [path for path in (work / "cache").rglob("*") if path.is_file()] == []


def test_from_a_read_only_medium(mount, backup, work):
    with read_only(backup, work) as medium:
        before = [(p, p.stat().st_mtime_ns, p.stat().st_ctime_ns)
                  for p in backup.rglob("*")]
        one = mount(None, medium)
        assert len(os.listdir(one / "posts")) == 5
        assert text_of(one / "posts" / f"{1:024x}.json")["title"] == "post 1"
        one.unmount()
        assert before == [(p, p.stat().st_mtime_ns, p.stat().st_ctime_ns)
                          for p in backup.rglob("*")]


@pytest.mark.xdist_group("dev-fuse")
def test_as_an_ordinary_user_who_may_only_read(backup, work, fuse_for_everyone):
    for path in [*backup.rglob("*"), backup]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for name in ("mnt", "home"):
        (work / name).mkdir()
        give(work / name)
    os.chmod(work, 0o755)
    done = run(*AS_USER, BKENDFS, backup, work / "mnt", env=environment(work / "home"))
    assert done.returncode == 0, done.stderr
    listed = run(*AS_USER, "ls", work / "mnt" / "posts").stdout.splitlines()
    done = run(*AS_USER, "fusermount3", "-u", work / "mnt")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: not daemon_of(work / "mnt"), 20, "the end of it")
    assert len(listed) == 5
