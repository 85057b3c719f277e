"""A record's text: every token stands as the server wrote it."""

import os

import pytest

from jsontext import pretty, tokens
from odd_server import Reply
from records import oid, read, record

ODD = {
    "large integers": b'"n":12345678901234567890,"m":9007199254740993,"k":-0',
    "numbers as written": b'"a":1.0,"b":1e400,"c":1E+2,"d":0.10,"e":-0.0,"f":1e-7',
    "repeated keys": b'"k":1,"k":"two","k":{"k":[],"k":{}},"\\u006b":4',
    "escapes": b'"s":"\\u00e9\\/\\n\\u0000\\ud83d\\ude00\\ud800 \\"q\\" \\\\","\\u0061b":"\\b\\f"',
    "several scripts": '"s":"日本語 عربي é é 😀 \u2028"'.encode(),
    "empty ones": b'"a":[],"b":{},"c":"","d":[[]],"e":[{}],"f":{"g":{}}',
    "order of keys": b'"z":1,"a":2,"10":3,"9":4,"A":5,"__proto__":6',
    "white space": b' "a" :\t[ 1 ,\n 2 ] , "b": { } ,"c":[ ],"s":" , : { } [ ] "',
    "literals": b'"t":true,"f":false,"n":null',
    "nesting": b'"x":' + b'[{"y":' * 45 + b"1" + b"}]" * 45,
    "a long string": b'"x":"' + b"a\\u00e9" * 20000 + b'"',
}


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "alone"])
@pytest.mark.parametrize("envelope", ["data", "bare"])
@pytest.mark.parametrize("layout", ["pretty", "raw"])
def test_every_token_stands_as_the_server_wrote_it(odd, mount, layout, envelope, listed):
    server = odd(envelope=envelope)
    raws = {
        oid(number): b'{"id":"%s",%s}' % (oid(number).encode(), members)
        for number, members in enumerate(ODD.values())
    }
    server.tables["odd"] = list(raws.values())
    m = mount(server, "-o", f"json={layout}")
    if listed:
        assert len(os.listdir(m / "odd")) == len(raws)
    for name, raw in raws.items():
        text = read(m / f"odd/{name}.json")
        assert tokens(text) == tokens(raw)
        assert text == (raw if layout == "raw" else pretty(raw))
        assert os.stat(m / f"odd/{name}.json").st_size == len(text)


@pytest.mark.parametrize("layout", ["pretty", "raw"])
def test_a_file_record_is_text_like_any_other(odd, mount, layout):
    server = odd()
    raw = (
        b'{"id":"f1","s3Key":"k","originalName":"a\\u002fb","size":0010e0,'
        b'"size":12345678901234567890,"metadata":{ "x": [ ] },"x":1.0}'
    ).replace(b"0010e0", b"10")
    server.files["f1"] = raw
    m = mount(server, "-o", f"json={layout}")
    assert read(m / "files/f1.json") == (raw if layout == "raw" else pretty(raw))


@pytest.mark.parametrize("envelope", ["data", "bare"])
@pytest.mark.parametrize("listed", [True, False], ids=["listed", "alone"])
def test_a_record_that_looks_like_an_envelope_is_a_record(odd, mount, envelope, listed):
    server = odd(envelope=envelope)
    raws = [
        b'{"id":"a","success":true,"data":{"x":1}}',
        b'{"success":true,"data":{"id":"not it"},"id":"b"}',
        b'{"success":false,"error":{"code":"x","message":"y"},"id":"c"}',
        b'{"id":"d","items":[{"id":"e"}],"pagination":{"total":0}}',
        b'{"id":"f","statusCode":403,"error":"PERMISSION_DENIED","message":"m"}',
    ]
    server.tables["t"] = raws
    m = mount(server, "-o", "json=raw")
    if listed:
        assert sorted(os.listdir(m / "t")) == [c + ".json" for c in "abcdf"]
    for name, raw in zip("abcdf", raws):
        assert read(m / f"t/{name}.json") == raw


def test_a_record_of_several_megabytes_is_whole(odd, mount):
    server = odd()
    big = record(1, b',"x":"%s"' % (b"0123456789abcdef" * 400000))
    server.tables["t"] = [record(0), big, record(2)]
    m = mount(server, "-o", "json=raw")
    assert len(os.listdir(m / "t")) == 3
    assert read(m / f"t/{oid(1)}.json") == big
    assert read(m / f"t/{oid(2)}.json") == record(2)


def test_bytes_that_are_not_utf8_stand_in_the_text(odd, mount):
    server = odd()
    raw = b'{"id":"a","s":"\xff\xfe \xed\xa0\x80"}'
    server.tables["t"] = [raw]
    m = mount(server, "-o", "json=raw")
    assert read(m / "t/a.json") == raw


def test_a_listing_s_records_are_the_very_bytes(odd, mount):
    """The white space between the elements is not theirs; that within is."""
    server = odd()
    page = (
        b'{"success":true,"data":{"items":[ \n{ "id" : "a" , "n":1.0 }\t,\r\n'
        b'{"id":"b","items":[1,{"items":[]}]} ],"pagination":'
        b'{"total":2,"page":1,"limit":100,"totalPages":1,"hasNext":false}}}'
    )
    server.tables["t"] = []
    server.hooks.append(lambda r: Reply(body=page) if r.is_page("t") else None)
    m = mount(server, "-o", "json=raw")
    assert sorted(os.listdir(m / "t")) == ["a.json", "b.json"]
    assert read(m / "t/a.json") == b'{ "id" : "a" , "n":1.0 }'
    assert read(m / "t/b.json") == b'{"id":"b","items":[1,{"items":[]}]}'
