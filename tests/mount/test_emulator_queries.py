"""Queries by MongoDB's rules, and none that is passed over."""

import json
import threading
import time
import urllib.parse

import pytest

from api_client import Client, put


@pytest.fixture
def empty(emulator):
    return Client(emulator("--no-demo"))


def found(one, path="/v1/t", **query):
    page = one.data(path, sortDirection="asc", limit=100, **query)
    ids = "".join(item["id"] for item in page["items"])
    assert page["pagination"]["total"] == len(page["items"])
    return ids


ROWS = [
    {"id": "a", "tags": ["x", "y"], "n": [1, 5], "who": {"name": "Ann", "age": 30}, "s": "one"},
    {"id": "b", "tags": ["y"], "n": 3, "who": [{"name": "Bob"}, {"name": "Ann", "age": 9}]},
    {"id": "c", "tags": "x", "n": None, "who": {"name": ["Cid", "Ann"]}, "s": None},
    {"id": "d", "tags": [], "n": [[1, 5], 7], "who": "Ann", "s": "Two\nlines"},
    {"id": "e", "tags": [["x"]], "n": 1234567890123456789, "deep": {"er": [{"k": 1}, {"k": 2}]}},
    {"id": "f", "n": 1234567890123456788, "deep": {"er": {"k": 2, "j": 1}}, "when": "2024"},
    {"id": "g", "n": True, "deep": {"er": {"k": 2.0, "j": 1}}, "s": "ÅNGSTRÖM"},
]

FILTERS = [
    # A value, or an element of an array.
    ({"tags": "x"}, "ac"),
    ({"tags": ["x"]}, "e"),
    ({"tags": ["x", "y"]}, "a"),
    ({"tags": ["y", "x"]}, ""),
    ({"tags": []}, "d"),
    ({"tags": {"$eq": "y"}}, "ab"),
    ({"tags": {"$ne": "x"}}, "bdefg"),
    ({"tags": {"$in": ["x", "q"]}}, "ac"),
    ({"tags": {"$in": [["x"], "y"]}}, "abe"),
    ({"tags": {"$nin": ["x", "y"]}}, "defg"),
    ({"tags": {"$in": []}}, ""),
    ({"tags": {"$regex": "^x"}}, "ac"),
    # Kinds are not mixed; an array matches where any element does.
    ({"n": {"$gt": 4}}, "adef"),
    ({"n": {"$lt": 4}}, "ab"),
    ({"n": {"$gt": 4, "$lt": 4}}, "a"),
    ({"n": {"$gte": 3, "$lte": 3}}, "ab"),
    ({"n": 5}, "a"),
    ({"n": [1, 5]}, "ad"),
    ({"n": {"$gt": "1"}}, ""),
    ({"n": True}, "g"),
    # Null is also what is not there.
    ({"n": None}, "c"),
    ({"s": None}, "bcef"),
    ({"s": {"$ne": None}}, "adg"),
    ({"s": {"$gte": None}}, "bcef"),
    ({"s": {"$lte": None}}, "bcef"),
    ({"s": {"$gt": None}}, ""),
    ({"deep.er.k": {"$gte": None}}, "abcd"),
    ({"s": {"$in": [None, "one"]}}, "abcef"),
    ({"s": {"$exists": True}}, "acdg"),
    ({"s": {"$exists": False}}, "bef"),
    ({"s": {"$exists": 0}}, "bef"),
    # Numbers of 64 bits are told apart.
    ({"n": 1234567890123456789}, "e"),
    ({"n": {"$gt": 1234567890123456788}}, "e"),
    ({"n": {"$in": [1234567890123456788, 3]}}, "bf"),
    # Paths lead into documents, and into those of an array.
    ({"who.name": "Ann"}, "abc"),
    ({"who.age": {"$lt": 10}}, "b"),
    ({"who.0.name": "Bob"}, "b"),
    ({"who.1.name": "Bob"}, ""),
    ({"n.1": 5}, "a"),
    ({"n.0.1": 5}, "d"),
    ({"tags.0": "y"}, "b"),
    ({"deep.er.k": 2}, "efg"),
    ({"deep.er.k": {"$exists": False}}, "abcd"),
    ({"deep.er.k": {"$ne": 1}}, "abcdfg"),
    ({"deep.er": {"k": 2, "j": 1}}, "fg"),
    ({"deep.er": {"j": 1, "k": 2}}, ""),
    ({"deep": {"er": {"k": 2.0, "j": 1}}}, "fg"),
    ({"who.age": None}, "bcdefg"),
    # PCRE.
    ({"s": {"$regex": r"^\w+$"}}, "a"),
    ({"s": {"$regex": r"^\p{Lu}+$"}}, "g"),
    ({"s": {"$regex": "(?<=T)wo(?!x)"}}, "d"),
    ({"s": {"$regex": r"(o)n\1"}}, ""),
    ({"s": {"$regex": r"(.)\n|e\b"}}, "ad"),
    ({"s": {"$regex": "^lines"}}, ""),
    ({"s": {"$regex": "^lines", "$options": "m"}}, "d"),
    ({"s": {"$regex": "two.lines", "$options": "si"}}, "d"),
    ({"s": {"$regex": "ångström", "$options": "i"}}, "g"),
    ({"s": {"$options": "x", "$regex": "o n e # comment"}}, "a"),
    # Several of one field, and several fields.
    ([{"tags": "x"}, {"n": 1}], "a"),
    ({"tags": "x", "n": 1}, "a"),
    ({}, "abcdefg"),
    ([], "abcdefg"),
]


@pytest.fixture(scope="module")
def rows():
    return ROWS


@pytest.mark.parametrize("sort", [{}, {"sortBy": "tags"}], ids=["by-id", "by-field"])
def test_filters_by_mongodbs_rules(empty, rows, sort):
    put(empty, "t", *rows)
    wrong = {}
    for conditions, expected in FILTERS:
        got = found(empty, andFilters=json.dumps(conditions), **sort)
        if sorted(got) != sorted(expected):
            wrong[json.dumps(conditions)] = (got, expected)
    assert not wrong


ALTERNATIVES = [
    ({"tags": "x", "n": 3}, None, "abc"),
    ([{"tags": "x", "n": 1}, {"n": 3}], None, "ab"),
    ([{}], None, "abcdefg"),
    ({"tags": "x", "n": 3}, {"who.name": "Bob"}, "b"),
    ([{"s": "one"}, {"s": {"$regex": "^T"}}], {"n": {"$gt": 4}}, "ad"),
    ({"s": "one"}, {"s": "two"}, ""),
]


@pytest.mark.parametrize("alternatives, conditions, expected", ALTERNATIVES)
def test_alternatives_and_conditions_together(empty, alternatives, conditions, expected):
    put(empty, "t", *ROWS)
    query = {"orFilters": json.dumps(alternatives)}
    if conditions is not None:
        query["andFilters"] = json.dumps(conditions)
    assert found(empty, **query) == expected


def test_a_repeated_key_is_an_alternative_each(empty):
    put(empty, "t", *ROWS)
    assert found(empty, orFilters='{"tags":"y","tags":"x"}') == "abc"


def test_escaped_names_and_texts_are_found(empty):
    empty.server.put_record("t", "a", b'{"id":"a","n\\u0061me":"caf\\u00e9 \\"\\/","o":{"k\\n":1}}')
    assert found(empty, andFilters='{"name":"café \\"/"}') == "a"
    assert found(empty, andFilters='{"\\u006eame":{"$regex":"É","$options":"i"}}') == "a"
    assert found(empty, andFilters='{"o.k\\n":1}') == "a"
    assert found(empty, search='CAFÉ "/') == "a"
    assert found(empty, search="name") == ""


SEARCHES = [
    ({"search": "ANN"}, "abcd"),
    ({"search": "one"}, "a"),
    ({"search": "ngstr"}, "g"),
    ({"search": "ångström"}, "g"),
    ({"search": "name"}, ""),
    ({"search": "123"}, ""),
    ({"search": "x\",\"y"}, ""),
    ({"search": ".*"}, ""),
    ({"search": "o\nl"}, "d"),
    ({"search": ""}, "abcdefg"),
    ({"search": "x", "searchType": "tags"}, "ace"),
    ({"search": "ann", "searchType": "who.name"}, "abc"),
    ({"search": "ann", "searchType": "tags"}, ""),
    ({"search": "ann", "searchType": "nothing"}, ""),
    ({"search": "ann", "andFilters": '{"tags":"y"}'}, "ab"),
    ({"searchType": "tags"}, "abcdefg"),
]


@pytest.mark.parametrize("query, expected", SEARCHES)
def test_searches(empty, query, expected):
    put(empty, "t", *ROWS)
    assert found(empty, **query) == expected


def test_other_cases_of_a_letter_are_found(empty):
    put(empty, "t", {"id": "a", "s": "Kelvin: \u212a"}, {"id": "b", "s": "long: \u017f"})
    assert found(empty, search=": k") == "a"
    assert found(empty, search=": S") == "b"


REFUSED = [
    ({"andFilters": '{"n":{"$near":1}}'}, "$near"),
    ({"andFilters": '{"n":{"$gt":1,"x":2}}'}, "x"),
    ({"andFilters": '{"$or":[{"n":1}]}'}, "$or"),
    ({"orFilters": '[{"n":{"$not":{"$gt":1}}}]'}, "$not"),
    ({"andFilters": '{"n":{"$in":1}}'}, "$in"),
    ({"andFilters": '{"n":{"$regex":7}}'}, "$regex"),
    ({"andFilters": '{"n":{"$regex":"(("}}'}, "$regex"),
    ({"andFilters": '{"n":{"$regex":"a","$options":"q"}}'}, "$options"),
    ({"andFilters": '{"n":{"$options":"i"}}'}, "$options"),
    ({"andFilters": '{"n":{"$exists":"yes"}}'}, "$exists"),
    ({"andFilters": "{n:1}"}, "andFilters"),
    ({"orFilters": "7"}, "orFilters"),
    ({"orFilters": "[1]"}, "orFilters"),
    ({"filter": "{}"}, "filter"),
    ({"Limit": "3"}, "Limit"),
    ({"visibility": "public"}, "visibility"),
    ({"page": "x"}, "page"),
    ({"limit": "-1"}, "limit"),
    ({"sortDirection": "up"}, "sortDirection"),
    ({"search": "a\0b"}, "search"),
    ({"select": ",".join(f"f{i}" for i in range(200))}, "select"),
    ({f"p{i}": "" for i in range(100)}, "p"),
    ({"\"<script>": "1"}, "\"<script>"),
    ({"andFilters": json.dumps([{"n": i} for i in range(200)])}, "andFilters"),
]


@pytest.mark.parametrize("query, name", REFUSED)
def test_what_is_not_known_is_refused_by_name(empty, query, name):
    put(empty, "t", *ROWS)
    status, body = empty.api("/v1/t", **query)
    assert (status, body["error"]["code"]) == (400, "common/invalid-parameter")
    assert name in body["error"]["message"]


def test_what_is_given_twice_is_refused(empty):
    put(empty, "t", *ROWS)
    status, body = empty.api("/v1/t?page=1&page=2")
    assert status == 400 and "page" in body["error"]["message"]


def test_one_record_takes_no_parameters(empty):
    put(empty, "t", *ROWS)
    empty.server.control("PUT", "files/f", b"x")
    for path, method in (("/v1/t/a", "GET"), ("/v1/t/spec", "GET"), ("/v1/files/f", "GET"),
                         ("/v1/files/f/download-url", "POST")):
        status, body = empty.api(path + "?select=id", method=method)
        assert status == 400 and "select" in body["error"]["message"]


def test_lists_of_files_have_parameters_of_their_own(empty, emulator, work):
    folder = work / "backup/files"
    folder.mkdir(parents=True)
    for number, (ident, name, mime, visibility, owner) in enumerate((
            ("a", "Profile.JPG", "image/jpeg", "public", "one"),
            ("b", "profile.png", "image/png", "private", "one"),
            ("c", "other.txt", "text/plain", "private", "two"))):
        (folder / f"{ident}.json").write_text(json.dumps({
            "id": ident, "originalName": name, "mimeType": mime, "visibility": visibility,
            "ownerId": owner, "ownerType": "user", "bucket": f"b{number}", "s3Key": "profile"}))
    one = Client(emulator("--data", work / "backup"))
    for query, expected in (
            ({"visibility": "private"}, "bc"), ({"mimeType": "image/png"}, "b"),
            ({"ownerId": "one", "visibility": "private"}, "b"), ({"ownerType": "user"}, "abc"),
            ({"bucket": "b2"}, "c"), ({"search": "PROFILE"}, "ab"), ({"search": "image"}, ""),
            ({"visibility": ""}, "abc"), ({"mimeType": "image"}, ""),
            ({"search": "profile", "ownerId": "one", "mimeType": "image/jpeg"}, "a")):
        assert found(one, "/v1/files", **query) == expected
    for name in "searchType", "owner":
        status, body = one.api("/v1/files", **{name: "x"})
        assert status == 400 and name in body["error"]["message"]


def test_arrays_are_sorted_by_the_element_that_comes_first(empty):
    put(empty, "t", {"id": "a", "n": [5, 1]}, {"id": "b", "n": 3}, {"id": "c", "n": [4]},
        {"id": "d", "n": None}, {"id": "e"}, {"id": "f", "n": "s"}, {"id": "g", "n": []})
    assert found(empty, sortBy="n") == "gdeabcf"
    ids = [item["id"] for item in empty.data("/v1/t", sortBy="n")["items"]]
    assert "".join(ids) == "facbedg"
    put(empty, "u", {"id": "a", "o": {"n": 2}}, {"id": "b", "o": [{"n": 1}, {"n": 3}]})
    assert found(empty, "/v1/u", sortBy="o.n") == "ba"


# How long it takes -----------------------------------------------------------


def cpu(process):
    """Seconds that a process has used."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_pattern_that_would_take_for_ever_is_given_up(empty):
    put(empty, "t", {"id": "a", "s": "a" * 60 + "!"})
    for pattern in r"^(a+)+$", r"^(a|aa)+$", r"^(?:(\w+)(\w+)(\w+)(\w+)\w+)+\d":
        begin = cpu(empty.server.process)
        filters = json.dumps({"s": {"$regex": pattern}})
        status, body = empty.api("/v1/t", andFilters=filters)
        assert (status, body["error"]["code"]) == (400, "common/invalid-parameter")
        assert cpu(empty.server.process) - begin < 2


def test_a_search_that_is_too_long_is_named(empty):
    put(empty, "t", {"id": "a", "s": "x"})
    status, body = empty.api("/v1/t", search="x" * 100000)
    assert status == 400 and body["error"]["message"] == "search: too long"


def test_what_is_no_text_is_named(empty):
    put(empty, "t", {"id": "a", "s": "x"})
    for name in "search", "andFilters", "sortBy":
        status, _, body = empty.call("GET", f"/v1/t?{name}=%FF", **empty.headers)
        assert (status, json.loads(body)["error"]["message"]) == (400, f"{name}: not UTF-8")


def test_one_of_many_values_is_found_without_a_look_at_each(empty):
    put(empty, "t", {"id": "a", "n": list(range(40000))}, {"id": "b", "n": 1})

    def among(numbers):
        filters = json.dumps({"n": {"$in": numbers}}, separators=(",", ":"))
        return found(empty, andFilters=filters)

    numbers = list(range(90000, 76000, -1))
    begin = cpu(empty.server.process)
    assert among(numbers) == ""
    assert cpu(empty.server.process) - begin < 2
    numbers[5000] = 39999
    assert among(numbers) == "a"


def test_letters_of_which_ascii_is_shorter_are_found(empty):
    put(empty, "t", {"id": "a", "s": "\u212a\u017f"}, {"id": "c", "s": "k"}, {"id": "d", "s": ""})
    empty.server.put_record("t", "b", b'{"id":"b","s":"\\u006b\\u0053"}')
    assert found(empty, search="ks") == "ab"
    assert found(empty, search="ks", searchType="s") == "ab"
    assert found(empty, search="k") == "abc"


def test_a_large_text_is_searched_to_its_end(empty):
    put(empty, "t", {"id": "a", "s": "ab" * (4 << 20) + "needle", "q": "\""})
    assert found(empty, search="NEEDLE") == "a"
    assert found(empty, andFilters=json.dumps({"s": {"$regex": "abn"}})) == "a"


def test_a_slow_query_holds_up_nobody_else(emulator):
    one = Client(emulator("--no-demo", "--generate", "big=30000:1000", "--generate", "t=5:100"))
    filters = json.dumps({"text": {"$regex": "(quick|lazy)+.*(fox|dog)x"}})
    over = threading.Event()

    def slow():
        try:
            one.api("/v1/big", andFilters=filters)
        finally:
            over.set()

    threads = [threading.Thread(target=slow) for _ in range(2)]
    for thread in threads:
        thread.start()
    quick = 0
    while not over.is_set():
        begin = time.monotonic()
        assert one.api("/v1/t?" + urllib.parse.urlencode({"sortBy": "title"}))[0] == 200
        if not over.is_set():
            quick += 1
            assert time.monotonic() - begin < 5
    for thread in threads:
        thread.join()
    assert quick > 3
