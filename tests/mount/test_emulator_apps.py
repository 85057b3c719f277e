"""Apps that were written for the hosted service live on here: nothing but their base
URL (and what they sign in with) is another. They fetch in the ways that the service's own
clients do."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from api_client import Client, where
from conftest import COMMAND_TIMEOUT, environment

APPS = Path(__file__).with_name("apps")

# What an app needs, as bkend-emulator(1) says it.
CLIENTS = {"docs": ["--envelope", "bare"], "web": [], "social": []}


def _all(one, path, **query):
    """What a careful reader finds: each page, to the total."""
    items = []
    while True:
        page = one.data(path, page=len(items) // 100 + 1, limit=100, **query)
        items += page["items"]
        if len(items) >= page["pagination"]["total"] or not page["items"]:
            return items


def _object(one, file_id):
    status, _, body = one.object(file_id)
    return hashlib.sha256(body).hexdigest() if status == 200 else None


@pytest.fixture
def truth(emulator):
    """What is in the sample project."""
    one = Client(emulator())
    return {
        "tables": {table: [item["id"] for item in _all(one, f"/v1/{table}")]
                   for table in one.server.tables},
        "files": {item["id"]: _object(one, item["id"]) for item in _all(one, "/v1/files")},
        "greek": one.ids("/v1/posts", limit=100, andFilters=where(language="el"),
                         sortBy="createdAt", sortDirection="asc"),
    }


@pytest.fixture
def app(watched, work):
    """Factory: app(client, server) → the app, signed in and waiting."""
    started = []

    def start(client, server):
        settings = server.settings
        errors = open(work / "app.err", "wb")
        process = subprocess.Popen(
            [shutil.which("node"), APPS / "app.mjs", client, *server.tables],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            env=environment(work, {
                "APP_API_URL": server.url, "APP_API_KEY": server.key,
                "APP_EMAIL": settings["BKEND_EMAIL"], "APP_PASSWORD": settings["BKEND_PASSWORD"]}))
        watched.pids.add(process.pid)
        errors.close()
        started.append(process)
        assert process.stdout.readline() == b"signed in\n", (work / "app.err").read_text()
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
        watched.pids.discard(process.pid)


def _finish(process, work):
    """Let it go on, to its end: what it found."""
    out, _ = process.communicate(b"\n", timeout=COMMAND_TIMEOUT)
    assert process.returncode == 0, (work / "app.err").read_text()
    return json.loads(out)


@pytest.mark.parametrize("expired", [False, True], ids=["signed in", "expired"])
@pytest.mark.parametrize("client", CLIENTS)
def test_an_app_reads_everything(emulator, app, truth, work, client, expired):
    server = emulator(*CLIENTS[client])
    process = app(client, server)
    if expired:
        server.expire("tokens")
    found = _finish(process, work)
    assert {name: found[name] for name in truth} == truth
    assert found["me"] == server.settings["BKEND_EMAIL"] and found["same"] is True
    assert (found["missing"]["status"], found["missing"]["code"]) == (404, "data/not-found")
    assert found["write"]["status"] == 405 and "read-only copy" in found["write"]["message"]
    # What was asked at once was refused at once, and renewals were enough: no token was
    # used twice, which would have ended every session.
    assert (server.stats()["refresh"] > 0) == expired


def test_an_app_that_is_signed_out_is_told(emulator, app, work):
    """Its sessions are over, as after a restart: it has to sign in anew."""
    for client, switches in CLIENTS.items():
        server = emulator(*switches)
        process = app(client, server)
        server.expire("sessions")
        process.communicate(b"\n", timeout=COMMAND_TIMEOUT)
        assert process.returncode != 0
        assert server.stats()["by_status"]["401"] >= 2


def test_an_app_reads_on_from_a_backup(emulator, app, truth, work):
    """Of what the sample project's mount was copied to, by hand of the API."""
    data = work / "backup"
    one = Client(emulator())
    for table in one.server.tables:
        (data / table).mkdir(parents=True)
        for item in _all(one, f"/v1/{table}"):
            (data / table / f"{item['id']}.json").write_text(json.dumps(item))
    for client, switches in CLIENTS.items():
        server = emulator("--data", data, *switches)
        found = _finish(app(client, server), work)
        assert found["tables"] == truth["tables"] and found["greek"] == truth["greek"]
        assert found["files"] == {}
