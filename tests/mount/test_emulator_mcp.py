"""How a program gets leave to ask the emulator's MCP which tables there are,
and what it is told."""

import base64
import hashlib
import html
import json
import re
import secrets
import urllib.parse

import pytest

from test_emulator import Client

CALLBACK = "http://127.0.0.1/callback"
FORM = "application/x-www-form-urlencoded"
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


@pytest.fixture
def program(emulator):
    """Factory: program(*switches) → a program that is known to a new emulator."""
    return lambda *switches: Program(emulator(*switches))


# Leave ------------------------------------------------------------------------


def test_the_metadata_say_where_everything_is(program):
    one = program()
    base = one.server.url
    status, headers, text = one.http.call("GET", "/.well-known/oauth-authorization-server")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    found = json.loads(text)
    assert found["issuer"] == base + "/mcp"
    assert found["code_challenge_methods_supported"] == ["S256"]
    for name, end in (("authorization_endpoint", "authorize"), ("token_endpoint", "token"),
                      ("registration_endpoint", "register"), ("revocation_endpoint", "revoke")):
        assert found[name] == f"{base}/mcp/oauth/{end}"
    _, _, text = one.http.call("GET", "/.well-known/oauth-protected-resource")
    found = json.loads(text)
    assert found["resource"] == base + "/mcp"
    assert found["authorization_servers"] == [base + "/mcp"]
    status, headers, _ = one.http.call("POST", "/.well-known/oauth-authorization-server", "{}")
    assert (status, headers["Allow"]) == (405, "GET")
    assert one.http.call("GET", "/.well-known/oauth-authorization-server/mcp")[0] == 404


@pytest.mark.parametrize("uri", [
    "http://127.0.0.1/x", "http://127.0.0.1:8080/x?y=1", "http://[::1]:1/", "http://localhost",
    "https://example.com/back", "com.example.app:/back", "com.example.app://back"])
def test_an_address_that_may_be_registered(program, uri):
    status, answer = program().register(client_name="x", redirect_uris=[uri])
    assert status == 201 and answer["redirect_uris"] == [uri]
    assert answer["client_id"].startswith("dyn-")


@pytest.mark.parametrize("uri", [
    "", "/x", "http://example.com/", "http://127.0.0.1.example.com/", "http://127.0.0.1@e.com/",
    "https://user@e.com/", "https://e.com/#x", "javascript:alert(1)", "data:text/html,x", "file:///x",
    "https://e.com/\r\nX: y", 'https://e.com/"', "https://e.com/ x", "https://", "https:///x",
    "http://[::1/x", "http://127.0.0.1:x/", "https://e.com/" + "x" * 600, "x.y", 7])
def test_an_address_that_may_not_be_registered(program, uri):
    status, answer = program().register(client_name="x", redirect_uris=[CALLBACK, uri])
    assert (status, answer["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize("metadata", [
    {"client_name": "x" * 201}, {"client_name": 7}, {"client_name": ""},
    {"client_name": "\ud800"}])
def test_a_name_that_cannot_be_shown_is_refused(program, metadata):
    status, answer = program().register(redirect_uris=[CALLBACK], **metadata)
    assert (status, answer["error"]) == (400, "invalid_client_metadata")


def test_registration_takes_json_alone(program):
    one = program()
    for kind in "text/plain", FORM, "application/jsonp":
        status, _, text = one.http.call("POST", "/mcp/oauth/register", json.dumps(
            {"client_name": "x", "redirect_uris": [CALLBACK]}), Content_Type=kind)
        assert (status, json.loads(text)["error"]) == (400, "invalid_client_metadata")
    assert one.register(client_name="x", redirect_uris=[])[0] == 400
    assert one.register(client_name="x", redirect_uris=[CALLBACK] * 9)[0] == 400


def test_a_person_says_yes_and_the_program_asks(program):
    one = program()
    status, headers, page = one.ask()
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    status, headers, _ = one.decide("allow", page)
    assert status == 303 and headers["Location"].startswith(CALLBACK + "?code=")
    back = query_of(headers["Location"])
    assert back["state"] == "a state & more"
    status, tokens = one.exchange(back["code"])
    assert status == 200
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == (
        "Bearer", 3600, "*:read")
    found = names_of(Mcp(one, tokens["access_token"]).ready().pages("backend_table_list"))
    assert found == one.server.tables and found


def test_a_person_says_no(program):
    one = program()
    _, _, page = one.ask()
    status, headers, _ = one.decide("deny", page)
    assert status == 303
    back = query_of(headers["Location"])
    assert (back["error"], back["state"]) == ("access_denied", "a state & more")
    assert "code" not in back
    status, headers, _ = one.decide("allow", page)
    assert status == 400 and "Location" not in headers


def test_a_question_is_answered_once(program):
    one = program()
    _, _, page = one.ask()
    assert one.decide("allow", page)[0] == 303
    for decision in "allow", "deny":
        status, headers, _ = one.decide(decision, page)
        assert status == 400 and "Location" not in headers
    assert one.decide("maybe")[0] == 400


def test_the_port_of_a_program_on_this_machine_is_free(program):
    one = program()
    code = one.allowed(redirect_uri="http://127.0.0.1:4711/callback")
    # The address of the question, to the letter, is that of the exchange, too.
    status, answer = one.exchange(code)
    assert (status, answer["error"]) == (400, "invalid_grant")
    code = one.allowed(redirect_uri="http://127.0.0.1:4711/callback")
    assert one.exchange(code, redirect_uri="http://127.0.0.1:4711/callback")[0] == 200


@pytest.mark.parametrize("changes", [
    {"redirect_uri": "http://127.0.0.1/callback/"}, {"redirect_uri": "http://localhost/callback"},
    {"redirect_uri": "http://127.0.0.1/callback?x=1"}, {"redirect_uri": "https://127.0.0.1/callback"},
    {"redirect_uri": "http://127.0.0.1@example.com/callback"}, {"redirect_uri": None},
    {"redirect_uri": "http://127.0.0.1:80.example.com/callback"},
    {"redirect_uri": "javascript:alert(1)"}, {"client_id": "dyn-unknown"}, {"client_id": None}])
def test_nobody_is_sent_where_nobody_has_registered(program, changes):
    status, headers, page = program().ask(**changes)
    assert status == 400 and "Location" not in headers
    assert "consent" not in page and "javascript" not in page


def test_a_port_of_another_host_is_not_free(emulator):
    one = Program(emulator(), callback="https://example.com/back")
    assert one.ask()[0] == 200
    assert one.ask(redirect_uri="https://example.com:8443/back")[0] == 400


@pytest.mark.parametrize("changes, error", [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": None}, "unsupported_response_type"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge": "=" * 43}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"scope": "all"}, "invalid_scope"), ({"scope": "*:read  *:*"}, "invalid_scope")])
def test_a_wrong_question_goes_back_to_the_program(program, changes, error):
    status, headers, _ = program().ask(**changes)
    assert status == 303 and headers["Location"].startswith(CALLBACK + "?error=")
    back = query_of(headers["Location"])
    assert (back["error"], back["state"]) == (error, "a state & more")


def test_a_code_is_good_for_its_program_alone(program):
    one = program()
    for changes in ({"code_verifier": secrets.token_urlsafe(48)}, {"code_verifier": ""},
                    {"client_id": "dyn-other"}, {"redirect_uri": CALLBACK + "/"}):
        code = one.allowed()
        status, answer = one.exchange(code, **changes)
        assert (status, answer["error"]) == (400, "invalid_grant")
        # Somebody else had it: it is of no use to anybody any more.
        assert one.exchange(code)[0] == 400
    assert one.exchange("code_" + "0" * 64)[0] == 400
    assert one.exchange("")[0] == 400


def test_a_code_that_is_used_twice_ends_what_it_brought(program):
    one = program()
    code = one.allowed()
    _, tokens = one.exchange(code)
    assert one.works(tokens["access_token"])
    status, answer = one.exchange(code)
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert not one.works(tokens["access_token"])
    assert one.refresh(tokens["refresh_token"])[0] == 400


def test_a_code_does_not_last(program):
    one = program("--mcp-code-ttl", 0)
    assert one.exchange(one.allowed())[0] == 400


def test_refresh_tokens_rotate_and_a_used_one_ends_all(program):
    one = program()
    first = one.tokens()
    other = one.tokens()
    status, second = one.refresh(first["refresh_token"])
    assert status == 200 and second["refresh_token"] != first["refresh_token"]
    assert one.works(first["access_token"]) and one.works(second["access_token"])
    status, third = one.refresh(second["refresh_token"])
    assert status == 200
    status, answer = one.refresh(first["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")
    for tokens in first, second, third:
        assert not one.works(tokens["access_token"])
        assert one.refresh(tokens["refresh_token"])[0] == 400
    assert one.works(other["access_token"])


def test_a_refresh_token_is_good_for_its_program_alone(program):
    one = program()
    tokens = one.tokens()
    status, answer = one.refresh(tokens["refresh_token"], client_id="dyn-other")
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert not one.works(tokens["access_token"])
    assert one.post("token", grant_type="password")[1]["error"] == "unsupported_grant_type"


def test_access_tokens_do_not_last(program):
    one = program("--token-ttl", 0)
    tokens = one.tokens()
    assert tokens["expires_in"] == 0 and not one.works(tokens["access_token"])
    one.server.set(token_ttl=3600)
    _, tokens = one.refresh(tokens["refresh_token"])
    assert one.works(tokens["access_token"])
    one.server.expire("mcp-tokens")
    assert not one.works(tokens["access_token"])
    status, tokens = one.refresh(tokens["refresh_token"])
    assert status == 200 and one.works(tokens["access_token"])
    one.server.expire("mcp-grants")
    assert not one.works(tokens["access_token"])
    assert one.refresh(tokens["refresh_token"])[0] == 400


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_what_is_revoked_is_over(program, which):
    one = program()
    tokens, other = one.tokens(), one.tokens()
    for _ in range(2):
        assert one.post("revoke", token=tokens[which], client_id=one.id) == (200, None)
    assert not one.works(tokens["access_token"])
    assert one.refresh(tokens["refresh_token"])[0] == 400
    assert one.works(other["access_token"])
    assert one.post("revoke", token="unknown") == (200, None)
    assert one.post("revoke")[0] == 400


def test_who_only_asks_drives_out_nobody_who_was_allowed(program):
    one = program()
    tokens = one.tokens()
    _, _, page = one.ask()
    for _ in range(300):
        assert one.ask()[0] == 200
    assert one.works(tokens["access_token"])
    assert one.decide("allow", page)[0] == 400
    assert one.decide("allow")[0] == 303


# The page ---------------------------------------------------------------------


def test_the_page_is_for_no_frame_and_fetches_nothing(program):
    _, headers, page = program().ask(redirect_uri="http://127.0.0.1:4711/callback")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert policy.endswith("form-action 'self' http://127.0.0.1:4711")
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "<script" not in page and "src=" not in page


def test_what_a_program_calls_itself_is_text(emulator):
    name = "<img src=x onerror=alert(1)>\"'&amp;\x1b[31m"
    _, _, page = Program(emulator(), name=name).ask()
    assert "<img" not in page and "\x1b" not in page
    shown = html.unescape(re.search(r"<bdi>(.*?)</bdi>", page)[1])
    assert shown == name.replace("\x1b", " ")


def test_no_other_page_can_answer(program):
    one = program()
    _, _, page = one.ask()
    for origin in ("https://example.com", "null", "http://localhost:1", "http://" + one.http.host
                   + ".example.com"):
        status, headers, _ = one.decide("allow", page, headers={"Origin": origin})
        assert status == 403 and "Location" not in headers
    assert one.decide("allow", page, headers={"Origin": one.server.url})[0] == 303


def test_no_other_page_can_read_the_question(program):
    one = program()
    for origin in one.server.url, "http://localhost:3000":
        _, headers, _ = one.http.call("GET", one.question(), Origin=origin)
        assert "Access-Control-Allow-Origin" not in headers
    _, headers, _ = one.http.call("GET", "/.well-known/oauth-authorization-server",
                                  Origin="http://localhost:3000")
    assert headers["Access-Control-Allow-Origin"] == "http://localhost:3000"


def test_another_name_of_this_machine_is_not_answered(program):
    one = program()
    for path in one.question(), "/mcp", "/.well-known/oauth-authorization-server":
        assert one.http.call("GET", path, Host="rebound.example.com")[0] == 421


def test_whoever_allows_what_a_backup_holds_has_its_password(emulator, work):
    server = emulator("--credentials", work / "credentials")
    one = Program(server)
    _, _, page = one.ask()
    assert 'type="password"' in page and server.settings["BKEND_EMAIL"] in page
    for wrong in {}, {"password": ""}, {"password": "wrong"}:
        status, headers, again = one.decide("allow", page, **wrong)
        again = again.decode()
        assert status == 200 and "Location" not in headers and "not it" in again
        assert consent_of(again) == consent_of(page)
    status, headers, _ = one.decide("allow", page, password=server.settings["BKEND_PASSWORD"])
    assert status == 303
    assert one.exchange(query_of(headers["Location"])["code"])[0] == 200
    assert one.decide("deny")[0] == 303


# MCP --------------------------------------------------------------------------


def test_who_has_no_token_is_told_where_to_get_one(program):
    one = program()
    place = f'resource_metadata="{one.server.url}/.well-known/oauth-protected-resource"'
    for method in "GET", "POST", "DELETE":
        status, headers, text = one.http.call(method, "/mcp")
        assert status == 401 and json.loads(text)["error"]["code"] == -32001
        assert headers["WWW-Authenticate"] == "Bearer " + place
    for token in "wrong", one.tokens()["refresh_token"]:
        _, headers, _ = one.http.call("POST", "/mcp", "{}", Authorization="Bearer " + token)
        assert headers["WWW-Authenticate"] == 'Bearer error="invalid_token", ' + place
    _, _, text = one.http.call("POST", "/mcp", "{}", X_API_Key=one.server.secret_key)
    assert json.loads(text)["error"]["code"] == -32001


def test_a_token_of_mcp_is_none_of_the_api(program):
    one = program()
    status, _, _ = one.http.call("GET", "/v1/posts", X_API_Key=one.server.key,
                                 Authorization="Bearer " + one.tokens()["access_token"])
    assert status == 401


def test_initialize_says_what_there_is(program):
    mcp = Mcp(program())
    assert mcp.hello["protocolVersion"] == "2025-03-26"
    assert {"tools", "resources"} <= set(mcp.hello["capabilities"])
    assert mcp.hello["serverInfo"]["name"] == "bkend-emulator"
    assert mcp.result("ping") == {}
    assert mcp.error("tools/list") == -32600
    mcp.ready()
    assert mcp.result("tools/list")["tools"]
    assert mcp.error("tools/none") == -32601


def test_a_session_is_needed_and_ends(program):
    one = program()
    tokens = one.tokens()
    mcp, other = Mcp(one, tokens["access_token"]).ready(), Mcp(one).ready()
    for session in "", "0" * 64, other.headers["Mcp_Session_Id"]:
        status, _, answer = mcp.send(mcp.message("tools/list"), Mcp_Session_Id=session)
        assert (status, answer["error"]["code"]) == (404, -32002)
    assert mcp.result("tools/list")
    end = {key: mcp.headers[key] for key in ("Authorization", "Mcp_Session_Id")}
    assert [mcp.http.call("DELETE", "/mcp", **end)[0] for _ in range(2)] == [204, 404]
    assert mcp.send(mcp.message("tools/list"))[0] == 404
    assert other.result("tools/list")
    one.server.expire("mcp-sessions")
    assert other.send(other.message("tools/list"))[0] == 404
    # A session is whose grant it is, with whatever token of that.
    _, tokens = one.refresh(tokens["refresh_token"])
    assert Mcp(one, tokens["access_token"]).ready().result("tools/list")


@pytest.mark.parametrize("body, status, code", [
    ("{", 400, -32700), ("", 400, -32700), ("[]", 400, -32600), ("[" * 2000, 400, -32700),
    (json.dumps([1] * 65), 400, -32600), ("7", 200, -32600), ("{}", 200, -32600),
    ('{"jsonrpc":"1.0","id":1,"method":"ping"}', 200, -32600),
    ('{"jsonrpc":"2.0","id":null,"method":"ping"}', 200, -32600),
    ('{"jsonrpc":"2.0","id":1,"method":7}', 200, -32600),
    ('{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', 200, -32600)])
def test_what_is_no_request_is_refused(program, body, status, code):
    mcp = Mcp(program()).ready()
    got, _, text = mcp.http.call("POST", "/mcp", body, **mcp.headers)
    assert (got, json.loads(text)["error"]["code"]) == (status, code)


def test_the_headers_of_a_request_are_checked(program):
    mcp = Mcp(program()).ready()
    ping = mcp.message("ping")
    assert mcp.send(ping, Accept="application/json")[0] == 406
    assert mcp.send(ping, Content_Type="text/plain")[0] == 415
    assert mcp.send(ping, Origin="https://example.com")[0] == 403
    status, headers, _ = mcp.send(ping, Origin="http://localhost:3000")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "http://localhost:3000")
    assert "Mcp-Session-Id" in headers["Access-Control-Expose-Headers"]
    _, headers, _ = mcp.http.call("OPTIONS", "/mcp", Origin="http://localhost:3000")
    assert "mcp-session-id" in headers["Access-Control-Allow-Headers"]
    status, headers, _ = mcp.http.call("GET", "/mcp", **mcp.headers)
    assert (status, headers["Allow"]) == (405, "POST, DELETE")


def test_several_messages_may_come_at_once(program):
    mcp = Mcp(program()).ready()
    note = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
    answered = {"jsonrpc": "2.0", "id": 1, "result": {}}
    status, _, answers = mcp.send([
        note, mcp.message("ping"), note, {"jsonrpc": "2.0", "id": "a", "method": "ping"}, 7,
        answered])
    assert status == 200
    assert [answer["id"] for answer in answers] == [mcp.number, "a", None]
    assert mcp.send([note, answered])[::2] == (202, None)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("answers", ["json", "sse"])
def test_a_client_finds_the_tables_in_each_edition(program, edition, answers):
    one = program("--mcp-edition", edition, "--mcp-answers", answers, "--mcp-projects", 23,
                  *[word for i in range(25) for word in ("--generate", f"more_{i:02}=1:100")])
    mcp = Mcp(one).ready()
    tools = {tool["name"]: tool["inputSchema"] for tool in mcp.all("tools")[0]}
    assert set(tools) == {"get_context", "backend_project_list", "backend_env_list",
                          "backend_table_list"}
    organization, project, environment = EDITIONS[edition]
    context = mcp.call("get_context")
    assert one.server.url in context
    known = {}
    if organization:
        known[organization] = re.search(r"[0-9a-f]{24}", context)[0]
    projects = mcp.pages("backend_project_list", **known)
    assert len(projects) == 23
    ours = projects[-1]
    known = {project: ours["id"]} if project else {}
    environments = mcp.pages("backend_env_list", **known)
    assert [one["name"] for one in environments][:2] == ["prod", "dev"]
    prod = [one for one in environments
            if one["projectId"] == ours["id"] and one["name"] == "prod"][0]
    if environment:
        known[environment] = prod["name" if environment == "environment" else "id"]
    wanted = {name for name in (project, environment) if name}
    assert set(tools["backend_table_list"]["required"]) == wanted
    assert set(tools["backend_table_list"]["properties"]) == wanted | {"page", "limit"}
    first = json.loads(mcp.call("backend_table_list", **known))
    assert len(first["items"]) == 20 and first["pagination"]["hasNext"]
    items = mcp.pages("backend_table_list", **known)
    assert len({item["id"] for item in items}) == len(items)
    if not project:
        assert len(items) == 3 * 45 + len(one.server.tables)
        items = [item for item in items if item["projectId"] == ours["id"]
                 and item["environmentId"] == prod["id"]]
    assert names_of(items) == one.server.tables and len(items) > 20


@pytest.mark.parametrize("arguments", [
    {}, {"projectId": 7, "environment": "prod"}, {"projectId": "x"},
    {"projectId": "x", "environment": "prod", "environmentId": "y"},
    {"projectId": "x", "environment": "prod", "page": 0},
    {"projectId": "x", "environment": "prod", "page": 1.5},
    {"projectId": "x", "environment": "prod", "limit": 101},
    {"projectId": "x", "environment": "prod", "limit": "20"}])
def test_a_tool_takes_the_arguments_that_it_names(program, arguments):
    mcp = Mcp(program("--mcp-edition", "environment")).ready()
    call = {"name": "backend_table_list", "arguments": arguments}
    assert mcp.error("tools/call", call) == -32602


def test_what_is_not_there_is_not_found(program):
    mcp = Mcp(program("--mcp-edition", "environment")).ready()
    ours = mcp.pages("backend_project_list", organizationId="65c000000000000000000001")[0]["id"]
    for arguments in ({"projectId": "x", "environment": "prod"},
                      {"projectId": ours, "environment": "x"}):
        call = {"name": "backend_table_list", "arguments": arguments}
        assert mcp.error("tools/call", call) == -32002
    call = {"name": "backend_project_list", "arguments": {"organizationId": "x"}}
    assert mcp.error("tools/call", call) == -32002
    assert mcp.error("tools/call", {"name": "none"}) == -32602
    assert mcp.error("tools/call") == -32602
    assert mcp.error("tools/list", {"cursor": "x"}) == -32602
    assert mcp.error("resources/read", {"uri": "bkend://none"}) == -32002
    assert mcp.error("resources/read") == -32002


def test_lists_go_on_under_a_cursor(program):
    mcp = Mcp(program("--mcp-page", 3, "--mcp-projects", 2)).ready()
    tools, answers = mcp.all("tools")
    assert (len(tools), answers) == (4, 2)
    resources, answers = mcp.all("resources")
    assert (len({one["uri"] for one in resources}), answers) == (7, 3)


def test_tools_may_have_other_names_or_not_be_there(program):
    one = program("--mcp-tools", "numbered")
    mcp = Mcp(one).ready()
    assert [tool["name"] for tool in mcp.all("tools")[0]][0] == "0_get_context"
    assert one.server.url in mcp.call("0_get_context")
    assert mcp.error("tools/call", {"name": "get_context"}) == -32602
    one.server.set(mcp_tools="none")
    mcp = Mcp(one).ready()
    assert "tools" not in mcp.hello["capabilities"] and mcp.error("tools/list") == -32601
    one.server.set(mcp_resources="none")
    mcp = Mcp(one).ready()
    assert "resources" not in mcp.hello["capabilities"] and mcp.error("resources/list") == -32601


def test_resources_hold_whole_lists(program):
    one = program("--mcp-projects", 3, "--mcp-page", 1, "--generate", "more=1:100")
    mcp = Mcp(one).ready()
    addresses = [resource["uri"] for resource in mcp.all("resources")[0]]
    assert len(addresses) == 1 + 3 + 6
    projects = mcp.resource(addresses[0])
    assert addresses[0].endswith("/projects") and len(projects) == 3
    ours = f"bkend://projects/{projects[-1]['id']}/environments"
    prod = [one["id"] for one in mcp.resource(ours) if one["name"] == "prod"][0]
    assert names_of(mcp.resource(f"{ours}/{prod}/tables")) == one.server.tables
    one.server.set(mcp_resources="tables")
    assert [resource["uri"] for resource in mcp.all("resources")[0]] == ["bkend://tables"]
    assert names_of(mcp.resource("bkend://tables")) == one.server.tables


def test_lists_without_pages_end_after_the_first(program):
    mcp = Mcp(program("--mcp-paging", "none", "--mcp-page", 2)).ready()
    schema = {tool["name"]: tool["inputSchema"] for tool in mcp.result("tools/list")["tools"]}
    mcp_tables = json.loads(mcp.call("backend_table_list"))
    assert schema["get_context"]["properties"] == {}
    assert len(mcp_tables["items"]) == 2 and mcp_tables["pagination"]["hasNext"]
    call = {"name": "backend_table_list", "arguments": {"page": 2}}
    assert mcp.error("tools/call", call) == -32602


def test_a_page_may_be_smaller_than_was_asked_for(program):
    mcp = Mcp(program("--max-limit", 2)).ready()
    page = json.loads(mcp.call("backend_table_list", limit=100))
    assert len(page["items"]) == page["pagination"]["limit"] == 2
    assert page["pagination"]["hasNext"]


def test_a_table_that_comes_later_is_told_of(program):
    one = program()
    mcp = Mcp(one).ready()
    one.server.put_record("later", "1", b'{"id":"1"}')
    assert "later" in names_of(mcp.pages("backend_table_list"))


@pytest.mark.parametrize("switch, value", [
    ("--mcp-edition", "x"), ("--mcp-answers", "x"), ("--mcp-page", "0"), ("--mcp-projects", "0"),
    ("--mcp-projects", "1001"), ("--mcp-tools", "x"), ("--mcp-x", "1")])
def test_a_wrong_switch_is_refused(emulator, switch, value):
    with pytest.raises(AssertionError, match=switch[2:]):
        emulator(switch, value)
