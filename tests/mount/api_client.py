"""Plain requests to an emulator, as an app makes them."""

import http.client
import json
import urllib.parse

import pytest


class Client:
    """Plain requests to one emulator, each on a connection of its own."""

    def __init__(self, server):
        self.host = server.url.split("//")[1]
        self.server = server
        self.headers = {"X-API-Key": server.secret_key}

    def call(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.host, timeout=20)
        if isinstance(body, dict):
            body = json.dumps(body)
        try:
            connection.request(
                method, path, body,
                {key.replace("_", "-"): value for key, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def api(self, path, method="GET", body=None, headers=None, **query):
        """(status, decoded body) of an API call."""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        if headers is None:
            headers = self.headers
        status, _, text = self.call(method, path, body, **headers)
        return status, json.loads(text)

    def data(self, path, **rest):
        status, body = self.api(path, **rest)
        assert status == 200 and body["success"] is True, (status, body)
        return body["data"]

    def refused(self, path, **rest):
        """(status, code) of a call that is refused."""
        status, body = self.api(path, **rest)
        assert body["success"] is False
        return status, body["error"]["code"]

    def sign_in(self, password=None):
        return self.data("/v1/auth/email/signin", method="POST", body={
            "method": "password",
            "email": self.server.settings["BKEND_EMAIL"],
            "password": password or self.server.settings["BKEND_PASSWORD"]})

    def refresh(self, token):
        return self.api("/v1/auth/refresh", method="POST", body={"refreshToken": token})

    def bearer(self, token):
        return {"X-API-Key": self.server.key, "Authorization": f"Bearer {token}"}

    def ids(self, path, **query):
        return [item["id"] for item in self.data(path, **query)["items"]]

    def script(self, **answer):
        query = {name.replace("_", "-"): value for name, value in answer.items()}
        self.server.control("POST", "script?" + urllib.parse.urlencode(query), b"")

    def download(self, file_id):
        return self.data(f"/v1/files/{file_id}/download-url", method="POST")

    def object(self, file_id, method="GET", **headers):
        url = self.download(file_id)["url"]
        assert url.startswith(self.server.url)
        return self.call(method, url[len(self.server.url):], **headers)


@pytest.fixture
def client(emulator):
    """Factory: client(switches…) → a Client of a new emulator."""
    return lambda *switches: Client(emulator(*switches))


def put(client, table, *records):
    for record in records:
        client.server.put_record(table, record["id"], json.dumps(record).encode())


def where(**conditions):
    return json.dumps(conditions)
