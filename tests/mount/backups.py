"""Backups to mount, made here, and whoever is to read them."""

import json
import os
import time

import pytest

from conftest import children_of, wait_until

# What is set for a project elsewhere must not matter.
ELSEWHERE = {
    "BKEND_API_URL": "https://nobody.invalid",
    "BKEND_PUBLISHABLE_KEY": "pk_" + "0" * 64,
    "BKEND_SECRET_KEY": "sk_" + "0" * 64,
    "BKEND_EMAIL": "nobody@nobody.invalid",
    "BKEND_PASSWORD": "none",
    "BKEND_TABLES": "nothing:nowhere",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}


# Whom root is to be, where it matters that he may not do everything.
NOBODY = 65534
AS_USER = (
    ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if os.geteuid() == 0 else ()
)


def give(path):
    if AS_USER:
        os.chown(path, NOBODY, NOBODY)


def record(number, **more):
    return {
        "id": f"{number:024x}",
        "createdBy": "",
        "createdAt": "2024-01-02T03:04:05.678Z",
        "updatedAt": f"2024-02-03T04:05:{number % 60:02}.000Z",
        **more,
    }


def save(path, tables, files=True):
    """A backup as a copied mount has it: {table: [record]}."""
    for table, records in tables.items():
        (path / table).mkdir(parents=True)
        for one in records:
            text = json.dumps(one, indent=2) + "\n"
            (path / table / f"{one['id']}.json").write_text(text)
    if files:
        (path / "files").mkdir(parents=True)
        (path / "storage").mkdir()
    return path


def settle(path):
    """Wait until what is there is old enough to be told from what may come."""
    newest = max(os.lstat(one).st_ctime for one in [path, *path.rglob("*")])
    wait_until(lambda: time.time() > newest + 3, 10, "the clock to move on")


def servers_of(pid):
    """The emulators that a process has started, by pid."""
    return children_of(pid, "bkend-emulator")


def text_of(path):
    return json.loads(path.read_text())


@pytest.fixture
def backup(work):
    return save(work / "backup", {
        "posts": [record(n, title=f"post {n}") for n in range(1, 6)],
        "empty": [],
    })
