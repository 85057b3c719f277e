"""bkendfs --fetch: everything is in the replica, or it says what is not."""

import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from conftest import succeed, wait_until
from fetches import MIB, content, content_files, fetch, fetching, project  # noqa: F401 (fixtures)
from odd_server import Reply
from records import read
from test_memory import SANITIZED


def _tree(mount):
    """{path: bytes} of all that a copy would have."""
    found = {}
    for place, _, names in os.walk(mount / ".", onerror=lambda e: pytest.fail(str(e))):
        for name in names:
            path = os.path.join(place, name)
            found[os.path.relpath(path, mount / ".")] = read(path)
    return found


def test_all_of_it_is_there_without_a_server(project, fetch, mount, work):
    no_sockets = work / "no-sockets"
    succeed("cc", "-o", no_sockets, Path(__file__).with_name("no-sockets.c"))
    m = mount(project, cache=work / "other", env={"BKEND_TABLES": "posts:authors"})
    source = _tree(m)
    m.unmount()
    assert len(source) >= 250 + 3 + 5 + 5
    status, report, errors = fetch(project)
    assert (status, errors) == (0, "")
    assert "whole: 2 tables with 253 records, and 5 stored files" in report
    project.stop()
    m = mount(
        project,
        "-o",
        "offline",
        cache=work / "cache",
        env={"BKEND_TABLES": "posts:authors"},
        through=[no_sockets],
    )
    assert _tree(m) == source


def test_records_that_the_disk_has_damaged_are_missing(project, fetch, work):
    """Their table is as it was, so that none of them is asked for again."""
    assert fetch(project)[0] == 0
    (database,) = (work / "cache").glob("*.db")
    pages = database.read_bytes()
    assert b"Post 42" in pages
    database.write_bytes(pages.replace(b"Post 42", b"Post 43"))
    status, report, errors = fetch(project)
    assert status == 1 and "whole" not in report
    assert "(records): not all that is kept of them can be read" in errors
    for path in (work / "cache").glob("*.db*"):
        path.unlink()
    assert fetch(project)[0] == 0


@pytest.mark.parametrize("reply", [Reply(500), Reply(200, b"<html>sign in</html>")])
def test_a_spec_that_fails_is_missing(project, fetch, reply):
    project.hooks.append(lambda r: reply if r.path == "/v1/data/posts/spec" else None)
    status, report, errors = fetch(project, "-o", "retry=1")
    assert status == 1
    assert re.search(r"\bposts: (Input/output|Protocol) error", report + errors), (report, errors)


def test_only_what_changed_is_asked_for_again(project, fetch):
    assert fetch(project)[0] == 0
    before = len(project.log)
    project.put_file("f9", "new.bin", b"new")
    status, report, errors = fetch(project)
    assert (status, errors) == (0, "")
    assert "6 stored files" in report
    asked = project.log[before:]
    assert len(asked) <= 20, [r.path for r in asked]
    assert len([r for r in asked if "f1" in r.path]) == 0


def test_what_is_torn_on_the_disk_comes_again(project, fetch, mount, work):
    assert fetch(project)[0] == 0
    files = sorted(content_files(work), key=os.path.getsize)
    assert len(files) >= 4
    os.unlink(files[0])
    os.truncate(files[-1], 2 * MIB)
    status, report, errors = fetch(project)
    assert (status, errors) == (0, "")
    project.stop()
    m = mount(project, "-o", "offline", cache=work / "cache")
    for number, size in enumerate((0, 1, 5000, 131072, 3 * MIB + 17)):
        assert read(m / f"storage/f{number}_{number}.bin") == content(number, size)


def test_what_has_rotted_on_the_disk_comes_again(project, fetch, mount, work):
    assert fetch(project)[0] == 0
    largest = max(content_files(work), key=os.path.getsize)
    with open(largest, "r+b") as file:
        file.seek(MIB + 5)
        byte = file.read(1)[0]
        file.seek(MIB + 5)
        file.write(bytes([byte ^ 1]))
    before = len(project.log)
    assert fetch(project)[0] == 0
    assert [r for r in project.log[before:] if "f4/download-url" in r.path]
    project.stop()
    m = mount(project, "-o", "offline", cache=work / "cache")
    assert read(m / "storage/f4_4.bin") == content(4, 3 * MIB + 17)


def test_what_is_missing_is_named(project, fetch):
    project.hooks.append(
        lambda r: Reply(status=403, body=b"{}") if "f2/download-url" in r.path else None
    )
    status, report, errors = fetch(project, BKEND_TABLES="posts:authors:nowhere")
    assert status == 1 and report == ""
    assert "is not whole; missing:\n" in errors
    assert re.search(r"^  nowhere: the server has no such table$", errors, re.M)
    assert re.search(r"^  storage/f2_2\.bin: ", errors, re.M)
    assert len(errors.splitlines()) == 3, errors


def test_a_cache_that_is_too_small_is_said_before_anything_comes(project, fetch):
    project.put_file("big", "big.bin", content(9, 12 * MIB))
    status, report, errors = fetch(project, "-o", "cache_size=8M")
    assert status == 1
    size = re.search(r"too small.* set -o cache_size=(\d+M)", errors)[1]
    assert not [r for r in project.log if "download-url" in r.path]
    status, report, errors = fetch(project, "-o", f"cache_size={size}")
    assert (status, errors) == (0, "")


def test_other_reading_does_not_push_it_out(project, fetch, mount, work):
    for number in range(6):
        project.put_file(f"p{number}", "p.bin", content(20 + number, MIB))
    assert fetch(project)[0] == 0
    for number in range(12):
        project.put_file(f"q{number}", "q.bin", content(40 + number, 2 * MIB))
    m = mount(project, "-o", "cache_size=16M", cache=work / "cache")
    for number in range(12):
        read(m / f"storage/q{number}_q.bin")
    m.unmount()
    project.stop()
    m = mount(project, "-o", "offline", cache=work / "cache")
    for number in range(6):
        assert read(m / f"storage/p{number}_p.bin") == content(20 + number, MIB)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_it_goes_on_after_an_interruption(project, fetch, fetching, work, how):
    project.put_file("slow", "slow.bin", content(3, 1000))
    stuck = []

    def hold(request):
        if "slow/download-url" in request.path:
            stuck.append(request)
            if len(stuck) == 1:
                return Reply(status=503, body=b"{}", headers={"Retry-After": "600"})
        return None

    project.hooks.append(hold)
    words, env = fetching(project)
    process = subprocess.Popen(
        words,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: stuck and len(content_files(work)) >= 4, 40, "the others")
    process.send_signal(how)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == (1 if how == signal.SIGINT else -how), errors
    if how == signal.SIGINT:
        assert b"goes on from there" in errors
    before = len(project.log)
    status, report, errors = fetch(project)
    assert (status, errors) == (0, "")
    assert len(project.log) - before <= 25


def test_a_replica_in_use_is_left_alone(project, fetch, mount, work):
    m = mount(project, cache=work / "cache")
    os.listdir(m / "posts")
    status, report, errors = fetch(project)
    assert status == 1 and "in use by another mount" in errors
    assert len(os.listdir(m / "posts")) == 250


class Generated:
    """So many bytes that are made when they are sent; no two MiB are equal."""

    _piece = os.urandom(MIB)

    def __init__(self, first, end):
        self._first, self._end = first, end

    def __len__(self):
        return self._end - self._first

    def __getitem__(self, wanted):
        first, last, _ = wanted.indices(len(self))
        first, last = self._first + first, self._first + last
        if last - first > MIB:
            return Generated(first, last)
        out = b""
        while first < last:
            number, at = divmod(first, MIB)
            piece = number.to_bytes(8, "big") + self._piece[8:]
            out += piece[at : at + last - first]
            first += min(MIB - at, last - first)
        return out


def _most_memory(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) << 10


def test_a_large_file_comes_in_two_goes(project, fetching, work, mount):
    size = 300 * MIB
    project.put_file("large", "large.bin", Generated(0, size))
    words, env = fetching(project)

    def begin():
        with open(work / "said", "wb") as said:
            return subprocess.Popen(words, env=env, stdout=said, stderr=said)

    def weigh(process, sent):
        wait_until(lambda: project.storage.sent > sent, 60, "half of it")
        if not SANITIZED:
            assert _most_memory(process) < 160 * MIB

    with begin() as process:
        weigh(process, size // 2)
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 1, (work / "said").read_text()
    before = project.storage.sent
    assert before < size
    with begin() as process:
        weigh(process, (before + size) // 2)
    assert process.returncode == 0, (work / "said").read_text()
    # What was on its way only comes twice.
    assert project.storage.sent - before < size - size // 3
    project.stop()
    m = mount(project, "-o", "offline", cache=work / "cache")
    truth = Generated(0, size)
    with open(m / "storage/large_large.bin", "rb", buffering=0) as file:
        for at in range(0, size, MIB):
            assert file.read(MIB) == truth[at : at + MIB]
        assert file.read(1) == b""


def test_what_was_fetched_stays_with_a_smaller_cache(project, fetch, start, work):
    for number in range(6):
        project.put_file(f"p{number}", "p.bin", content(20 + number, MIB))
    assert fetch(project)[0] == 0
    kept = len(content_files(work))
    cache = {"BKENDFS_CACHE_DIR": str(work / "cache")}
    said = start(project, "-o", "cache_size=4M", env=cache)
    assert "--fetch has brought takes 9 MB" in said.errors
    assert re.search(r"it stays, .* set -o cache_size=\d+M, or more$", said.errors, re.M)
    project.put_file("q", "q.bin", content(40, 2 * MIB))
    assert read(said.path / "storage/q_q.bin") == content(40, 2 * MIB)
    assert len(content_files(work)) == kept
    assert "it stays" in (said.path / ".bkendfs/errors").read_text()
    before = len(project.storage.log)
    for number in range(6):
        assert read(said.path / f"storage/p{number}_p.bin") == content(20 + number, MIB)
    assert len(project.storage.log) == before


def test_a_larger_cache_than_needed_is_not_talked_of(project, fetch, start, work):
    assert fetch(project)[0] == 0
    said = start(project, env={"BKENDFS_CACHE_DIR": str(work / "cache")})
    assert said.errors == ""


def test_a_network_that_is_gone_in_the_middle_is_an_error(project, fetch, work):
    slow = 3
    for number in range(slow):
        project.put_file(f"slow{number}", "slow.bin", content(30 + number, MIB))
    stuck, gone = [], threading.Event()

    def hold(request):
        if "slow" in request.path:
            stuck.append(request)
            assert gone.wait(60)

    project.storage.hooks.append(hold)

    def end():
        wait_until(lambda: stuck and len(content_files(work)) >= 4, 40, "the others")
        project.stop()
        gone.set()

    ender = threading.Thread(target=end)
    ender.start()
    status, report, errors = fetch(project, "-o", "retry=2")
    ender.join()
    assert gone.is_set()
    assert (status, report) == (1, "")
    lines = errors.splitlines()
    assert lines[0] == "bkendfs: the replica is not whole; missing:"
    found = [re.fullmatch(r"  storage/(\w+?)_.*\.bin: .+", line) for line in lines[1:]]
    missing = {one[1] for one in found}
    # The largest of the others may be on its way still.
    slow_ones = {f"slow{number}" for number in range(slow)}
    assert slow_ones <= missing <= slow_ones | {"f4"}, errors
    project.storage.hooks.clear()
    project.start_again()
    before = len(project.log)
    status, report, errors = fetch(project)
    assert (status, errors) == (0, "")
    asked = [r.path for r in project.log[before:] if "download-url" in r.path]
    assert {path.split("/")[-2] for path in asked} == missing


def test_a_project_without_a_known_table_is_not_said_to_be_whole(project, fetch):
    status, report, errors = fetch(project, BKEND_TABLES="")
    assert (status, report) == (1, "")
    assert re.search(r"^  \(tables\): none is known.* -o tables=", errors, re.M)
    assert "nobody can say that there are none" in errors
    # All else came.
    before = len(project.log)
    assert fetch(project)[0] == 0
    assert not [r for r in project.log[before:] if "download-url" in r.path]


def test_a_signal_while_it_signs_in_says_nothing_of_a_mount(project, fetching, work):
    held = []

    def hold(request):
        if request.path.endswith("/signin"):
            held.append(request)
            return Reply(status=503, body=b"{}", headers={"Retry-After": "600"})
        return None

    project.hooks.append(hold)
    words, env = fetching(project)
    process = subprocess.Popen(
        words,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: held, 40, "the sign-in")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert b"ended by a signal (Terminated) before it was done" in errors
    assert b"mount" not in errors


def test_a_table_that_is_gone_is_not_missing(project, fetch, mount, work):
    assert fetch(project)[0] == 0
    gone = project.tables.pop("authors")
    # It is still known of by the replica, but nobody names it any more.
    for _ in range(2):
        status, report, errors = fetch(project, BKEND_TABLES="posts")
        assert (status, errors) == (0, "")
        assert "whole: 1 tables with 250 records" in report
        assert report.startswith("Not on the server: authors\n")
    m = mount(project, "-o", "offline", cache=work / "cache", env={"BKEND_TABLES": "posts"})
    assert len(os.listdir(m / "posts")) == 250
    # What was kept of it stays.
    assert len(os.listdir(m / "authors")) == 3
    m.unmount()
    # One that is named ought to be there.
    status, report, errors = fetch(project)
    assert (status, report) == (1, "")
    assert re.search(r"^  authors: the server has no such table", errors, re.M)
    # It may come again.
    project.tables["authors"] = gone
    status, report, errors = fetch(project)
    assert (status, errors) == (0, "")
    assert "whole: 2 tables with 253 records" in report


def test_a_server_without_any_table_that_was_known_is_not_whole(project, fetch):
    assert fetch(project)[0] == 0
    project.tables.clear()
    status, report, errors = fetch(project, BKEND_TABLES="")
    assert status == 1 and "whole" not in report
    assert re.search(r"^  \(tables\): the server has none of those", errors, re.M)


@pytest.mark.parametrize("option", ["offline", "nocache"])
def test_what_it_cannot_be_used_with(project, fetch, option):
    status, report, errors = fetch(project, "-o", option)
    assert status == 2 and option in errors
    assert not project.log
