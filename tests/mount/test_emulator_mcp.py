"""What the emulator's MCP tells a program that was allowed to ask."""

import json
import re

import pytest

from mcp_client import EDITIONS, Mcp, Program, names_of


@pytest.fixture
def program(emulator):
    """Factory: program(*switches) → a program that is known to a new emulator."""
    return lambda *switches: Program(emulator(*switches))


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
