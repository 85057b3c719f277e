"""The shapes of what the emulator answers: specifications, OpenAPI documents,
stored files' types, and what it says to those who want to write."""

import json

import pytest

from api_client import Client

SCHEMA = {
    "bsonType": "object",
    "required": ["title", "n"],
    "properties": {
        "title": {"bsonType": "string", "maxLength": 200},
        "kind": {"bsonType": "string", "enum": ["a", "b"]},
        "n": {"bsonType": "int", "minimum": 0},
        "big": {"bsonType": "long"},
        "ratio": {"bsonType": ["null", "double"]},
        "on": {"bsonType": "bool"},
        "when": {"bsonType": "date"},
        "owner": {"bsonType": "objectId"},
        "tags": {"bsonType": "array", "items": {"bsonType": "string"}},
        "list": {"bsonType": "array"},
        "deep": {"bsonType": "object", "properties": {"er": {"bsonType": "bool"}}, "required": []},
        "any": {"bsonType": "object"},
        "odd": {"bsonType": "something"},
        "createdAt": {"bsonType": "date"},
    },
}


@pytest.fixture
def sample(emulator):
    return Client(emulator())


@pytest.fixture
def served(emulator, work):
    """A Client of a backup with a table t, which has SCHEMA."""
    table = work / "backup/t"
    table.mkdir(parents=True)
    (table / "a.json").write_text('{"id":"a"}')
    (table / ".spec.json").write_text(json.dumps({"tableName": "t", "schema": SCHEMA}))
    return Client(emulator("--data", work / "backup"))


def test_the_specification_is_as_the_service_has_it(emulator):
    for table, one in (("posts", Client(emulator())),
                       ("g", Client(emulator("--no-demo", "--generate", "g=3:400")))):
        spec = one.data(f"/v1/{table}/spec")
        assert set(spec) == {"tableName", "schema", "indexes", "permissions"}
        assert spec["schema"]["bsonType"] == "object"
        record = one.data(f"/v1/{table}")["items"][0]
        assert set(spec["schema"]["properties"]) == set(record) - {
            "id", "createdBy", "createdAt", "updatedAt"}
        assert all(field["bsonType"] for field in spec["schema"]["properties"].values())
        assert [index["key"] for index in spec["indexes"]] == [
            {"id": 1}, {"createdAt": -1}, {"updatedAt": -1}, {"createdBy": 1}]
        for group in "user", "guest":
            assert spec["permissions"][group]["read"] is True
    assert one.server.put_record("made", "x", b'{"id":"x"}') is None
    assert one.data("/v1/made/spec")["schema"] == {"bsonType": "object", "properties": {}}


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def resolve(document, reference):
    assert reference.startswith("#/")
    for step in reference[2:].split("/"):
        document = document[step]
    return document


def schemas(node):
    """Every schema in a document."""
    if isinstance(node, dict):
        for name, child in node.items():
            if name in ("schema", "items", "additionalProperties") and isinstance(child, dict):
                yield child
            if name in ("schemas", "properties"):
                yield from child.values()
            yield from schemas(child)
    elif isinstance(node, list):
        for child in node:
            yield from schemas(child)


def check_openapi(document, table):
    """What client generators insist on, by the OpenAPI 3.0.0 specification."""
    assert document["openapi"] == "3.0.0"
    assert document["info"]["title"] == f"{table} API" and document["info"]["version"]
    assert set(document["paths"]) == {f"/v1/data/{table}", f"/v1/data/{table}/{{id}}"}
    for reference in references(document):
        assert resolve(document, reference)
    operations = [item["get"] for item in document["paths"].values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for path, item in document["paths"].items():
        names = {parameter["name"] for parameter in item["get"]["parameters"]
                 if parameter["in"] == "path" and parameter["required"] is True}
        assert names == {part[1:-1] for part in path.split("/") if part.startswith("{")}
        for parameter in item["get"]["parameters"]:
            assert parameter["schema"]["type"]
        for answer in item["get"]["responses"].values():
            assert "$ref" in answer or answer["description"]
    for schema in schemas(document):
        assert "bsonType" not in schema
        assert schema.get("type", "object") in (
            "string", "number", "integer", "boolean", "array", "object")
        assert "items" in schema or schema.get("type") != "array"
        assert schema.get("required") != []
    for requirement in document["security"]:
        assert set(requirement) <= set(document["components"]["securitySchemes"])


def test_the_openapi_document_can_be_made_a_client_of(sample, served):
    check_openapi(sample.data("/v1/posts/openapi"), "posts")
    document = served.data("/v1/t/openapi")
    check_openapi(document, "t")
    record = document["components"]["schemas"]["Record"]
    assert set(record["required"]) == {"title", "n", "id"}
    time = {"type": "string", "format": "date-time"}
    assert record["properties"] == {
        "id": {"type": "string"}, "createdBy": {"type": "string"},
        "createdAt": time, "updatedAt": time,
        "title": {"type": "string", "maxLength": 200},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "n": {"type": "integer", "format": "int32", "minimum": 0},
        "big": {"type": "integer", "format": "int64"},
        "ratio": {"type": "number", "format": "double", "nullable": True},
        "on": {"type": "boolean"}, "when": time, "owner": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "list": {"type": "array", "items": {}},
        "deep": {"type": "object", "properties": {"er": {"type": "boolean"}}},
        "any": {"type": "object"},
        "odd": {},
    }


@pytest.mark.parametrize("envelope", ["data", "bare"])
def test_the_openapi_document_says_how_answers_come(served, envelope):
    served.server.set(envelope=envelope)
    document = served.api("/v1/t/openapi")[1]
    document = document.get("data", document)
    answer = document["paths"]["/v1/data/t"]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    page = schema["properties"]["data"] if envelope == "data" else schema
    assert page == {"$ref": "#/components/schemas/Page"}


def test_a_table_without_a_specification_has_an_openapi_document(emulator, work):
    (work / "backup/t").mkdir(parents=True)
    (work / "backup/t/a.json").write_text('{"id":"a"}')
    one = Client(emulator("--data", work / "backup"))
    check_openapi(one.data("/v1/t/openapi"), "t")
    assert one.refused("/v1/t/spec")[0] == 403


# Stored files ----------------------------------------------------------------


TYPES = [
    ("image/png", "image/png"),
    ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
    ("application/vnd.api+json", "application/vnd.api+json"),
    ("", "application/octet-stream"),
    ("nonsense", "application/octet-stream"),
    ("a/b\\r\\nX: y", "application/octet-stream"),
    ("text/html/x", "application/octet-stream"),
    ("x/" + "y" * 500, "application/octet-stream"),
]


@pytest.mark.parametrize("claimed, given", TYPES)
def test_an_object_has_its_type(emulator, claimed, given):
    one = Client(emulator("--no-demo"))
    one.server.control("PUT", "files/f", b"body", mime=claimed)
    status, headers, body = one.object("f")
    assert (status, headers["Content-Type"], body) == (200, given, b"body")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert one.object("f", Range="bytes=1-2")[1]["Content-Type"] == given
    assert "X" not in headers


@pytest.mark.parametrize("mime, active", [
    ("text/html", True), ("TEXT/HTML; charset=x", True), ("image/svg+xml", True),
    ("application/xhtml+xml", True), ("text/xml", True), ("text/javascript", True),
    ("image/png", False), ("application/pdf", False), ("text/plain", False)])
def test_what_could_run_scripts_is_kept_in_a_sandbox(emulator, mime, active):
    one = Client(emulator("--no-demo"))
    one.server.control("PUT", "files/f", b"x", mime=mime)
    policy = one.object("f")[1]["Content-Security-Policy"]
    assert policy == ("sandbox" if active else None)


def test_files_need_a_token(sample):
    guest = {"X-API-Key": sample.server.key}
    file_id = sample.ids("/v1/files")[0]
    for path, method in (("/v1/files", "GET"), (f"/v1/files/{file_id}", "GET"),
                         (f"/v1/files/{file_id}/download-url", "POST")):
        assert sample.refused(path, method=method, headers=guest) == (
            401, "common/authentication-required")


# Writes ----------------------------------------------------------------------


WRITES = [
    ("POST", "/v1/data/posts"), ("POST", "/v1/posts"), ("PATCH", "/v1/data/posts/x"),
    ("PUT", "/v1/posts/x"), ("DELETE", "/v1/posts/x"), ("PUT", "/v1/posts/spec"),
    ("POST", "/v1/files"), ("POST", "/v1/files/presigned-url"), ("PATCH", "/v1/files/x"),
    ("DELETE", "/v1/files/x"), ("POST", "/v1/files/multipart/init"),
    ("POST", "/v1/auth/email/signup"), ("POST", "/v1/auth/google/callback"),
    ("POST", "/v1/auth/password/reset/request"), ("PATCH", "/v1/auth/me"),
    ("DELETE", "/v1/auth/withdraw"), ("POST", "/v1/auth/mfa/setup"), ("PATCH", "/v1/users/x/role"),
]


@pytest.mark.parametrize("method, path", WRITES)
def test_a_write_is_told_that_this_is_a_copy(sample, method, path):
    status, headers, body = sample.call(method, path, "{}", **sample.headers)
    error = json.loads(body)
    assert status == 405 and headers["Allow"] == "GET"
    assert error["success"] is False
    assert error["error"]["code"] == "common/method-not-allowed"
    assert "read-only copy" in error["error"]["message"]


def test_what_takes_a_post_says_so(sample):
    for path in "/v1/auth/email/signin", "/v1/auth/refresh", "/v1/files/x/download-url":
        status, headers, body = sample.call("GET", path, **sample.headers)
        assert (status, headers["Allow"]) == (405, "POST")
        assert "read-only" not in body.decode()
    assert sample.refused("/v1/auth/nothing") == (404, "common/not-found")
    assert sample.refused("/v2/x", method="POST") == (404, "common/not-found")
