"""A program that asks a person for leave, and then the emulator's MCP for the
tables: by the letter, and not to be confused with the real one."""

import base64
import hashlib
import html
import json
import re
import secrets
import urllib.parse

from api_client import Client

CALLBACK = "http://127.0.0.1/callback"
FORM = "application/x-www-form-urlencoded"
# What the tools' arguments are called: organisation, project, environment.
EDITIONS = {
    "none": (None, None, None),
    "environment": ("organizationId", "projectId", "environment"),
    "environment-id": ("organizationId", "projectId", "environmentId"),
    "env-id": ("orgId", "projectId", "envId"),
}


class Program:
    """One that asks, from its registration to its tokens."""

    def __init__(self, server, name="a test", callback=CALLBACK):
        self.http = Client(server)
        self.server = server
        status, answer = self.register(client_name=name, redirect_uris=[callback])
        assert status == 201, answer
        self.id = answer["client_id"]
        self.callback = callback
        self.verifier = secrets.token_urlsafe(48)

    def register(self, **metadata):
        status, _, text = self.http.call("POST", "/mcp/oauth/register", json.dumps(metadata),
                                         Content_Type="application/json")
        return status, json.loads(text)

    def question(self, **changes):
        """The address that a person's browser is sent to."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code", "client_id": self.id, "redirect_uri": self.callback,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256", "scope": "*:read", "state": "a state & more"}
        query.update(changes)
        return "/mcp/oauth/authorize?" + urllib.parse.urlencode(
            {key: value for key, value in query.items() if value is not None})

    def ask(self, **changes):
        """(status, headers, page)"""
        status, headers, page = self.http.call("GET", self.question(**changes))
        return status, headers, page.decode()

    def decide(self, decision, page=None, headers=None, **more):
        """What the browser gets for a press of that button."""
        form = dict(consent=consent_of(page or self.ask()[2]), decision=decision, **more)
        return self.http.call("POST", "/mcp/oauth/authorize", urllib.parse.urlencode(form),
                              Content_Type=FORM, **(headers or {}))

    def allowed(self, **changes):
        """The code, after a person said yes."""
        status, headers, _ = self.decide("allow", self.ask(**changes)[2])
        assert status == 303
        return query_of(headers["Location"])["code"]

    def post(self, path, **form):
        status, headers, text = self.http.call(
            "POST", "/mcp/oauth/" + path, urllib.parse.urlencode(form), Content_Type=FORM)
        assert headers["Cache-Control"] == "no-store"
        return status, json.loads(text) if text else None

    def exchange(self, code, **changes):
        form = {"grant_type": "authorization_code", "code": code, "client_id": self.id,
                "code_verifier": self.verifier, "redirect_uri": self.callback}
        return self.post("token", **{**form, **changes})

    def refresh(self, token, **changes):
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": self.id}
        return self.post("token", **{**form, **changes})

    def tokens(self):
        status, answer = self.exchange(self.allowed())
        assert status == 200, answer
        return answer

    def works(self, token):
        """Whether the access token is good."""
        status, _, _ = self.http.call("GET", "/mcp", Authorization="Bearer " + token)
        assert status in (401, 405)
        return status == 405


class Mcp:
    """A session, by the letter of the protocol."""

    def __init__(self, program, token=None):
        self.http = program.http
        self.headers = {
            "Authorization": "Bearer " + (token or program.tokens()["access_token"]),
            "Accept": "application/json, text/event-stream", "Content_Type": "application/json"}
        self.number = 0
        status, headers, answer = self.send(self.message("initialize", {
            "protocolVersion": "2025-03-26", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}}))
        assert status == 200
        self.hello = answer["result"]
        self.headers["Mcp_Session_Id"] = headers["Mcp-Session-Id"]

    def ready(self):
        status, _, answer = self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert (status, answer) == (202, None)
        return self

    def message(self, method, params=None):
        self.number += 1
        message = {"jsonrpc": "2.0", "id": self.number, "method": method}
        return message if params is None else {**message, "params": params}

    def send(self, message, **headers):
        """(status, headers, the answer among what came)"""
        status, got, text = self.http.call("POST", "/mcp", json.dumps(message),
                                           **{**self.headers, **headers})
        text = text.decode()
        if got["Content-Type"] == "text/event-stream":
            text = events_of(text)[-1]
        return status, got, json.loads(text) if text else None

    def ask(self, method, params=None):
        message = self.message(method, params)
        status, _, answer = self.send(message)
        assert status == 200 and answer["id"] == message["id"]
        return answer

    def result(self, method, params=None):
        answer = self.ask(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    def error(self, method, params=None):
        return self.ask(method, params)["error"]["code"]

    def call(self, tool, **arguments):
        result = self.result("tools/call", {"name": tool, "arguments": arguments})
        assert result["isError"] is False and result["content"][0]["type"] == "text"
        return result["content"][0]["text"]

    def pages(self, tool, **arguments):
        """All items of a list, page by page."""
        items, page = [], 1
        while True:
            answer = json.loads(self.call(tool, page=page, **arguments))
            items += answer["items"]
            assert answer["pagination"]["page"] == page
            if not answer["pagination"]["hasNext"]:
                assert answer["pagination"]["total"] == len(items)
                return items
            page += 1

    def all(self, kind):
        """A list that goes on under a cursor: (items, answers)."""
        items, answers, params = [], 0, {}
        while True:
            answer = self.result(kind + "/list", params)
            items += answer[kind]
            answers += 1
            if "nextCursor" not in answer:
                return items, answers
            params = {"cursor": answer["nextCursor"]}

    def resource(self, address):
        contents = self.result("resources/read", {"uri": address})["contents"]
        assert contents[0]["uri"] == address
        return json.loads(contents[0]["text"])


def consent_of(page):
    return html.unescape(re.search(r'name="consent" value="([^"]+)"', page)[1])


def query_of(address):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


def events_of(text):
    """The data of each event of a stream."""
    found = []
    for event in text.split("\n\n"):
        data = [line[5:].removeprefix(" ") for line in event.split("\n")
                if line.startswith("data:")]
        if data:
            found.append("\n".join(data))
    return found


def names_of(items):
    return [item["tableName"] for item in items]
