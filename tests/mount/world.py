"""
A project whose past is known: what each name led to, and since when. So what a
mount says can be judged while the project changes: what it tells must have been
true at some moment from then on from when it has to be, and what was true all
that time must be told.
"""

import contextlib
import datetime
import errno
import os
import random
import time

from jsontext import pretty
from records import oid

TABLE = "t"


def _stamp():
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Step:
    """What a name leads to from some moment of a span on."""

    def __init__(self, content):
        self.content = content
        self.begins = time.monotonic()
        self.began = float("inf")


class Past:
    """What each name led to, and when. No moment of a change is known better
    than that it lies between its begin and its end."""

    def __init__(self):
        self._names = {}

    @contextlib.contextmanager
    def changing(self, name, content):
        """The name leads to that once the body is done; None: to nothing."""
        step = Step(content)
        self._names.setdefault(name, [Step(None)]).append(step)
        yield
        step.began = time.monotonic()

    def within(self, name, begin, end):
        """All that it may have led to at some moment of a span."""
        steps = self._names.get(name, [Step(None)])
        untils = [step.began for step in steps[1:]] + [float("inf")]
        return [
            step.content
            for n, (step, until) in enumerate(zip(steps, untils))
            if (n == 0 or step.begins <= end) and until >= begin
        ]

    def names(self):
        """All that ever led to anything."""
        return list(self._names)

    def moments_of(self, told):
        """When exactly these names were there."""
        steps = [
            (step.began, name, step.content is not None)
            for name, steps in self._names.items()
            for step in steps[1:]
        ]
        there, wanted, moments = set(), set(told), []
        if not wanted:
            moments.append(0)
        for began, name, is_there in sorted(steps):
            (there.add if is_there else there.discard)(name)
            if there == wanted:
                moments.append(began)
        return moments

    def judge_listing(self, told, begin, end):
        """told: the names that a listing gave, which says that it is whole."""
        assert len(set(told)) == len(told), "a name stands there twice"
        for name in told:
            seen = self.within(name, begin, end)
            assert set(seen) != {None}, f"{name} was not there"
        for name in self._names.keys() - set(told):
            seen = self.within(name, begin, end)
            assert None in seen, f"{name} was there all the time"

    def judge_content(self, name, content, begin, end):
        """content: what was read; None: that there is no such file."""
        seen = self.within(name, begin, end)
        assert content in seen, (
            f"{name} is {_short(content)}, not one of {[_short(c) for c in seen]}"
        )


def _short(content):
    if content is None or len(content) < 80:
        return content
    return content[:60] + b"... (%d bytes)" % len(content)


class World:
    """An OddServer with a table and stored files, and their past."""

    def __init__(
        self, server, seed, records=250, files=6, file_size=300_000, text_size=200
    ):
        self.server = server
        self.dice = random.Random(seed)
        self.records = Past()
        self.files = Past()
        self._raw = {}  # number: raw record
        self._count = 0
        self._file_size = file_size
        self._text_size = text_size
        for _ in range(records):
            self.insert()
        for _ in range(files):
            self.put_file()

    # Changes

    def _put(self, number, created, revision):
        text = "x" * self.dice.randrange(self._text_size)
        raw = (
            '{"id":"%s","n":%d,"revision":%d,"text":"%s","createdAt":"%s",'
            '"updatedAt":"%s"}'
            % (oid(number), number, revision, text, created, _stamp())
        ).encode()
        with self.records.changing(oid(number) + ".json", pretty(raw)):
            self._raw[number] = (created, revision, raw)
            self._serve()

    def _serve(self):
        with self.server.lock:
            self.server.tables[TABLE] = [raw for _, _, raw in self._raw.values()]

    def insert(self):
        number = self._count
        self._count += 1
        self._put(number, _stamp(), 0)

    def change(self):
        number = self.dice.choice(list(self._raw))
        created, revision, _ = self._raw[number]
        self._put(number, created, revision + 1)

    def delete(self):
        number = self.dice.choice(list(self._raw))
        with self.records.changing(oid(number) + ".json", None):
            del self._raw[number]
            self._serve()

    def put_file(self, number=None):
        """A new stored file, or another content for one."""
        if number is None:
            number = len(self.server.files)
        size = self.dice.randrange(1, self._file_size)
        content = self.dice.randbytes(size)
        with self.files.changing(f"{oid(number)}_f.bin", content):
            self.server.put_file(
                oid(number), "f.bin", content, size=True, at=_stamp()
            )

    def change_file(self):
        self.put_file(self.dice.randrange(len(self.server.files)))

    def happen(self):
        """Something changes."""
        what = [self.insert, self.change, self.change, self.delete, self.change_file]
        self.dice.choice(what)()

    # Looks

    def past_of(self, directory):
        return self.records if directory == TABLE else self.files

    def look_at(self, mount, directory, begin, judge_all=True, excuses=()):
        """A listing that comes to its end must be whole, and what it names must
        read right: as it was at some moment from begin on. What is offline and
        not kept of a stored file is no fault; nor are errors with these
        excuses. Whether all could be read."""
        past = self.past_of(directory)
        try:
            told = _names(mount / directory)
        except OSError as error:
            assert error.errno in excuses, error
            return False
        past.judge_listing(told, begin, time.monotonic())
        whole = True
        for name in told if judge_all else told[:: len(told) // 10 + 1]:
            try:
                content = read_or_none(mount / directory / name)
            except OSError as error:
                if directory == TABLE or error.errno != errno.ENODATA:
                    assert error.errno in excuses, error
                whole = False
                continue
            past.judge_content(name, content, begin, time.monotonic())
        return whole

    def look_at_all(self, mount, begin, excuses=()):
        table = self.look_at(mount, TABLE, begin, excuses=excuses)
        return self.look_at(mount, "storage", begin, excuses=excuses) and table

    def look_at_relic(self, mount, directory):
        """The same of a mount that may know of any moment, but of one. Whether
        it knows a listing."""
        past = self.past_of(directory)
        try:
            told = _names(mount / directory)
        except OSError as error:
            assert error.errno == errno.ENODATA, error
            return False
        moments = past.moments_of(told)
        assert moments, f"never were these {len(told)} names there at once"
        self.look_at(mount, directory, moments[0])
        return True


def _names(path):
    return [name for name in os.listdir(path) if name[0] != "."]


def read_or_none(path):
    """A file's bytes; None where there is no such name."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except FileNotFoundError:
        return None
