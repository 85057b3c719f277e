"""How a program gets leave to ask the emulator's MCP: its registration, a
person's answer, tokens."""

import html
import json
import re
import secrets

import pytest

from mcp_client import CALLBACK, FORM, Mcp, Program, consent_of, names_of, query_of


@pytest.fixture
def program(emulator):
    """Factory: program(*switches) → a program that is known to a new emulator."""
    return lambda *switches: Program(emulator(*switches))


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


def test_behind_a_server_that_speaks_tls_links_lead_to_it(emulator):
    server = emulator("--allow-host", "data.example.com")
    one = Program(server)
    proxied = {"Host": "data.example.com", "X_Forwarded_Proto": "https"}
    _, _, text = one.http.call("GET", "/.well-known/oauth-authorization-server", **proxied)
    assert json.loads(text)["token_endpoint"] == "https://data.example.com/mcp/oauth/token"
    _, headers, _ = one.http.call("POST", "/mcp", **proxied)
    assert '"https://data.example.com/.well-known/' in headers["WWW-Authenticate"]
    file_id = one.http.data("/v1/files")["items"][0]["id"]
    status, _, text = one.http.call("POST", f"/v1/files/{file_id}/download-url",
                                    **proxied, **one.http.headers)
    assert json.loads(text)["data"]["url"].startswith("https://data.example.com/storage/")
    # The form comes back by a page of that address.
    _, _, page = one.http.call("GET", one.question(), **proxied)
    status, _, _ = one.decide("allow", page.decode(), headers={
        **proxied, "Origin": "https://data.example.com"})
    assert status == 303
    for made_up in "http", "javascript", "https, http", "":
        _, _, text = one.http.call("GET", "/.well-known/oauth-protected-resource",
                                   **{**proxied, "X_Forwarded_Proto": made_up})
        assert json.loads(text)["resource"] == "http://data.example.com/mcp"


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


def test_the_page_is_for_no_frame_and_fetches_nothing(program):
    _, headers, page = program().ask(redirect_uri="http://127.0.0.1:4711/callback")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert policy.endswith("form-action 'self' http://127.0.0.1:4711")
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "<script" not in page and "src=" not in page


@pytest.mark.parametrize("callback, leaves", [
    (CALLBACK, False), ("com.example.app:/x", False), ("https://example.com/x", True)])
def test_the_page_says_where_the_answer_goes(emulator, callback, leaves):
    _, _, page = Program(emulator(), callback=callback).ask()
    assert callback.rpartition("/")[0].removesuffix("/callback") in page
    assert ("web site" in page) == leaves and ("this machine" in page) != leaves


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
