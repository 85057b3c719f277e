"""
What a mount of a server must hold, asked from the server directly: one page
after the other, one file after the other, with nothing of the program.
"""

import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import jsontext
import names

# Certificates are for the program to verify.
_direct = urllib.request.build_opener(
    urllib.request.ProxyHandler({}),
    urllib.request.HTTPSHandler(context=ssl._create_unverified_context()),
)


class Client:
    """A plain client of the API, signed in."""

    def __init__(self, server):
        env = server.env()
        self.url = env["BKEND_API_URL"]
        self.headers = {"X-API-Key": env["BKEND_PUBLISHABLE_KEY"]}
        tokens = self.call(
            "/v1/auth/email/signin",
            {
                "method": "password",
                "email": env["BKEND_EMAIL"],
                "password": env["BKEND_PASSWORD"],
            },
        )
        token = json.loads(tokens.raw)["accessToken"]
        self.headers["Authorization"] = "Bearer " + token

    def call(self, path, body=None, method=None, wanted_id=None):
        headers = dict(self.headers)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(
            self.url + path, data=data, headers=headers, method=method
        )
        with _direct.open(request, timeout=30) as answer:
            return jsontext.payload(answer.read(), wanted_id)

    def listing(self, path):
        """All raw records of a listing, in order of id."""
        raws, page = [], 1
        while True:
            answer = self.call(
                f"{path}?page={page}&limit=100&sortDirection=asc"
            )
            items = [value.raw for value in answer["items"].elements]
            raws += items
            total = int(answer["pagination"]["total"].raw)
            if len(raws) >= total or not items:
                assert len(raws) == total
                return raws
            page += 1

    def content(self, file_id):
        quoted = urllib.parse.quote(file_id, safe="")
        answer = self.call(f"/v1/files/{quoted}/download-url", method="POST")
        url = json.loads(answer["url"].raw)
        with _direct.open(url, timeout=30) as body:
            return body.read()


def member(raw, name):
    """A member of a raw record as bytes of text; None where there is none."""
    text = json.loads(raw.decode("utf-8", "surrogateescape"), strict=False)
    value = text.get(name)
    if value is None:
        return None
    return value.encode("utf-8", "surrogatepass")


def tree(server, layout=jsontext.pretty):
    """{relative path in bytes: content} of the whole project. Of a spec only
    that it is there is known: its content is None."""
    client = Client(server)
    files = {}
    for table in server.tables:
        top = names.table(table) + b"/"
        for raw in client.listing(f"/v1/data/{table}"):
            files[top + names.record(member(raw, "id"))] = layout(raw)
        try:
            client.call(f"/v1/data/{table}/spec")
            files[top + b".spec.json"] = None
        except urllib.error.HTTPError:
            pass
    taken = set()
    for raw in client.listing("/v1/files"):
        file_id = member(raw, "id")
        files[b"files/" + names.record(file_id)] = layout(raw)
        name = names.stored(file_id, member(raw, "originalName"))
        if name in taken:
            name = names.stored_twin(file_id, member(raw, "originalName"))
        taken.add(name)
        files[b"storage/" + name] = client.content(file_id.decode())
    return files


def on_disk(path):
    """{relative path in bytes: content} of all files below a directory."""
    files = {}
    top = os.fsencode(path)
    for where, _, here in os.walk(top, onerror=_raise):
        for name in here:
            full = os.path.join(where, name)
            files[os.path.relpath(full, top)] = Path(os.fsdecode(full)).read_bytes()
    return files


def _raise(error):
    raise error


def assert_same(found, wanted):
    """Two trees are the same, name by name and byte by byte."""
    missing = sorted(set(wanted) - set(found))
    surplus = sorted(set(found) - set(wanted))
    assert not missing and not surplus, (
        f"missing {missing[:5]} ({len(missing)}), "
        f"surplus {surplus[:5]} ({len(surplus)})"
    )
    for name, content in wanted.items():
        if content is None:
            json.loads(found[name])
        elif found[name] != content:
            raise AssertionError(
                f"{name!r} differs: {found[name][:200]!r} is not {content[:200]!r}"
            )
