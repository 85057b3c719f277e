"""
What all mount tests have: fixtures for a real bkendfs on a real mount point, in
front of the emulator or of the odd server. They are made in a module a noun;
what tests take of these by name, they take from here.
"""

import sys

import pytest

# Before they are imported: what fails in them says why.
pytest.register_assert_rewrite(
    "api_client", "backups", "bkendfs", "commands", "emulator_server", "fetches", "mounts",
    "scratch",
)

# Most of this is for tests, and not used here: noqa: E402, F401
from api_client import client
from bkendfs import assert_no_secret, mount, start
from commands import (
    BKENDFS, COMMAND_TIMEOUT, EMULATOR, environment, preload, run, succeed, wait_until,
)
from emulator_server import emulator
from front import in_front, trust
from mounts import abort, is_mounted, mounts_under, read_only, wait_until_it_waits
from odd_server import OddServer
from processes import (
    alive, children_of, daemon_of, memory_of, mounter_of, of_threads, sockets_of,
)
from records import records
from scratch import small_disk, watched, work


def pytest_addoption(parser):
    parser.addoption(
        "--tls", action="store_true",
        help="mount through nginx with TLS and HTTP/2, where the test does not"
        " say what goes over the wire itself",
    )


class TellsAtOnce:
    """Says what failed when it did: a run that is ended has no summary."""

    def __init__(self, config):
        self._plugins = config.pluginmanager

    def pytest_runtest_logreport(self, report):
        if report.failed:
            terminal = self._plugins.get_plugin("terminalreporter")
            terminal.write_line(f"\nfailed: {report.nodeid}")
            terminal.write_line(report.longreprtext[-2000:])


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(TellsAtOnce(config))
    config.addinivalue_line(
        "markers", "wire(reason): it says what goes over the wire, so that"
        " --tls puts nothing in between"
    )
    config.addinivalue_line(
        "markers", "alone: it measures time, so that nothing may run beside it"
    )
    config.addinivalue_line(
        "markers", "threads: it has many threads at work, so that tests/run has"
        " it run under ThreadSanitizer, too"
    )
    config.addinivalue_line(
        "markers", "xdist_group(name): these run one after the other"
    )


def pytest_unconfigure():
    if "chromium" in sys.modules:
        sys.modules["chromium"].end_browser()


@pytest.fixture
def odd():
    """Factory: odd(envelope="bare", …) → a running OddServer."""
    started = []

    def start(**options):
        started.append(OddServer(**options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def project(odd):
    """A small one, for tests of something else: one table of three records."""
    server = odd()
    server.tables["posts"] = records(3)
    return server
