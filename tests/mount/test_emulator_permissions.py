"""Who may see what, as a table's specification has it."""

import json

import pytest

from api_client import Client

ROWS = [
    {"id": "a", "createdBy": "one", "status": "published", "email": "a@x", "n": 1},
    {"id": "b", "createdBy": "two", "status": "draft", "email": "b@x", "n": 2},
]
READ = {"read": True, "list": True}


@pytest.fixture
def served(emulator, work):
    """Factory: served(**spec) → a Client of a backup with table t, whose
    specification has these members; served() has none."""

    def make(**spec):
        table = work / "backup/t"
        table.mkdir(parents=True)
        for row in ROWS:
            (table / f"{row['id']}.json").write_text(json.dumps(row))
        if spec:
            (table / ".spec.json").write_text(json.dumps({"tableName": "t", **spec}))
        return Client(emulator("--data", work / "backup"))

    return make


def roles(one):
    return {
        "admin": one.headers,
        "user": one.bearer(one.sign_in()["accessToken"]),
        "guest": {"X-API-Key": one.server.key},
    }


def status(one, headers, path):
    status, body = one.api(path, headers=headers)
    if status != 200:
        assert (status, body["error"]["code"]) == (403, "data/permission-denied")
    return status == 200


def seen(one):
    """Role → what of read and list it may, by its letter."""
    return {
        role: ("r" if status(one, headers, "/v1/t/a") else "")
        + ("l" if status(one, headers, "/v1/t") else "")
        for role, headers in roles(one).items()
    }


NOTHING_SET = [
    {},
    {"schema": {}},
    {"permissions": {}},
    {"permissions": None},
]


@pytest.mark.parametrize("spec", NOTHING_SET)
def test_where_nothing_is_set_everybody_reads(served, spec):
    assert seen(served(**spec)) == {"admin": "rl", "user": "rl", "guest": "rl"}


GROUPS = [
    # What is set, what the account may, what a guest may.
    ({"user": READ, "guest": {}}, "rl", ""),
    ({"user": READ}, "rl", ""),
    ({"user": {}, "guest": READ}, "", "rl"),
    ({"user": {"read": True}, "guest": {"read": False}}, "rl", ""),
    ({"user": {"read": True, "list": False}, "guest": {"list": True}}, "r", "l"),
    ({"user": {"read": False, "list": True}, "guest": {"read": True}}, "l", "rl"),
    ({"user": {"read": "yes"}, "guest": {"read": 1}}, "", ""),
    # One's own: all that was saved is the account's.
    ({"user": {"read": False, "list": False}, "self": READ, "guest": {}}, "rl", ""),
    ({"self": {"read": True}}, "rl", ""),
    ({"self": {"read": True, "list": False}}, "r", ""),
    ({"user": {"list": True}, "self": {"read": True}}, "rl", ""),
    ({"user": READ, "self": {"read": False, "list": False}}, "rl", ""),
    # A role of the project's own, which the account is taken to have.
    ({"role:editor": READ, "guest": {}}, "rl", ""),
    ({"editor": {"read": True}, "user": {"read": False}}, "rl", ""),
    ({"admin": {"read": False, "list": False}}, "", ""),
]


@pytest.mark.parametrize("groups, user, guest", GROUPS)
def test_groups(served, groups, user, guest):
    one = served(permissions=groups)
    assert seen(one) == {"admin": "rl", "user": user, "guest": guest}


def test_who_may_read_gets_all_saved_rows_of_its_own(served):
    one = served(permissions={"user": {}, "self": READ, "guest": {}})
    user = roles(one)["user"]
    assert one.ids("/v1/t", headers=user, sortDirection="asc") == ["a", "b"]
    assert one.data("/v1/t/b", headers=user)["createdBy"] == "two"


def test_a_specification_that_says_nothing_understood_allows_nothing(served, work, emulator):
    one = served()
    (work / "backup/t/.spec.json").write_text("[1]")
    one = Client(emulator("--data", work / "backup"))
    assert seen(one) == {"admin": "rl", "user": "", "guest": ""}


EXPRESSIONS = [
    ("user", "rl", ""),
    ("guest", "rl", "rl"),
    ("public", "rl", "rl"),
    ("admin", "", ""),
    ("self", "rl", ""),
    ("role:editor", "rl", ""),
    ("role:*", "rl", ""),
    ("admin | user", "rl", ""),
    ("user|guest", "rl", "rl"),
    ("user & admin", "", ""),
    ("guest | user & admin", "rl", "rl"),
    ("admin & guest | self", "rl", ""),
    ("", "", ""),
    ("nobody", "", ""),
]


@pytest.mark.parametrize("expression, user, guest", EXPRESSIONS)
def test_expressions_come_before_groups(served, expression, user, guest):
    everybody = {"user": READ, "guest": READ}
    if user:
        everybody = {"user": {}, "guest": {}}
    one = served(permissions=everybody, expressionPermissions={"read": expression})
    assert seen(one) == {"admin": "rl", "user": user, "guest": guest}


def test_an_expression_of_its_own_for_lists(served):
    one = served(expressionPermissions={"read": "guest", "list": "user"})
    assert seen(one) == {"admin": "rl", "user": "rl", "guest": "r"}


def test_columns_are_dropped_and_cannot_be_asked_for(served):
    one = served(columnPermissions={
        "email": {"read": "admin"}, "n": {"read": "user"}, "id": {"read": "admin"}})
    role = roles(one)
    shown = {"id", "createdBy", "status"}
    for name, more in ("admin", {"email", "n"}), ("user", {"n"}), ("guest", set()):
        headers = role[name]
        assert set(one.data("/v1/t/a", headers=headers)) == shown | more
        for query in {}, {"sortBy": "status"}, {"search": "a"}:
            for item in one.data("/v1/t", headers=headers, **query)["items"]:
                assert set(item) == shown | more
        one_email = one.ids("/v1/t", headers=headers, andFilters='{"email":"a@x"}')
        assert one_email == (["a"] if name == "admin" else [])
        assert one.ids("/v1/t", headers=headers, search="b@x") == (
            ["b"] if name == "admin" else [])
        item = one.data("/v1/t", headers=headers, select="email,n")["items"][0]
        assert set(item) == {"id", "createdBy"} | more


def test_a_column_that_is_there_twice_is_dropped_twice(served):
    one = served(columnPermissions={"email": {"read": "admin"}})
    one.server.put_record("t", "c", b'{"id":"c","email":1, "e\\u006dail" : 2}')
    guest = roles(one)["guest"]
    assert one.data("/v1/t/c", headers=guest) == {"id": "c"}


ROW_FILTERS = [
    ([{"expression": "guest", "filter": {"status": "published"}}], "a", "a"),
    ([{"expression": "user", "filter": {"status": "draft"}}], "b", "ab"),
    ([{"expression": "guest", "filter": {"status": "published"}},
      {"expression": "self", "filter": {"createdBy": "$userId"}}], "ab", "a"),
    ([{"expression": "guest", "filter": {"n": 1}},
      {"expression": "user", "filter": {"n": {"$gt": 1}}}], "ab", "a"),
    ([{"expression": "guest", "filter": {"status": "published", "n": 2}}], "", ""),
    ([{"expression": "guest", "filter": {}}], "ab", "ab"),
]


@pytest.mark.parametrize("filters, user, guest", ROW_FILTERS)
def test_row_filters_hide_from_lists_alone(served, filters, user, guest):
    one = served(rowFilters=filters)
    for name, headers in roles(one).items():
        expected = {"admin": "ab", "user": user, "guest": guest}[name]
        page = one.data("/v1/t", headers=headers, sortDirection="asc")
        assert "".join(item["id"] for item in page["items"]) == expected
        assert page["pagination"]["total"] == len(expected)
        assert one.data("/v1/t/b", headers=headers)["id"] == "b"
