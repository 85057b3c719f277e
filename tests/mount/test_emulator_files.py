"""The emulator's stored files: their list, their bytes, and the URLs that lead to them."""

import time


def test_the_file_list_has_names_of_its_own(client):
    one = client()
    page = one.data("/v1/files", limit=5)
    assert {"hasNextPage", "hasPrevPage"} < set(page["pagination"])
    names = [f["originalName"] for f in one.data("/v1/files", limit=100)["items"]]
    assert len(names) >= 25 and names.count("photo.png") == 2
    assert any("/" in name for name in names)
    file = page["items"][0]
    assert one.data(f"/v1/files/{file['id']}") == file
    answer = one.download(file["id"])
    assert answer["filename"] == file["originalName"] and answer["size"] == file["size"]


def test_objects_and_their_ranges(client):
    one = client("--no-demo")
    content = bytes(range(256)) * 8
    one.server.put_file("f", content, name="a b.bin", mime="x/y")
    status, headers, body = one.object("f")
    assert (status, body) == (200, content)
    assert headers["Content-Length"] == "2048" and headers["Accept-Ranges"] == "bytes"
    tag = headers["ETag"]
    for asked, part in (("0-0", content[:1]), ("5-9", content[5:10]), ("2000-", content[2000:]),
                        ("-3", content[-3:]), ("2040-9999", content[2040:]),
                        ("-9999", content)):
        status, headers, body = one.object("f", Range="bytes=" + asked)
        assert (status, body) == (206, part)
        assert headers["Content-Range"].endswith("/2048")
    for asked in ("2048-", "-0"):
        status, headers, _ = one.object("f", Range="bytes=" + asked)
        assert (status, headers["Content-Range"]) == (416, "bytes */2048")
    for asked in ("5-2", "x-", "0-1,3-4"):
        assert one.object("f", Range="bytes=" + asked)[0] == 200
    assert one.object("f", Range="bytes=0-0", If_Range=tag)[0] == 206
    assert one.object("f", Range="bytes=0-0", If_Range='"other"')[0] == 200
    assert one.object("f", If_Match=tag)[0] == 200
    assert one.object("f", If_Match='"other"')[0] == 412
    assert one.object("f", method="HEAD")[0] == 403
    one.server.put_file("f", content[1:])
    assert one.object("f", If_Match=tag)[0] == 412


def test_urls_are_signed_and_expire(client):
    one = client("--no-demo", "--url-ttl", "1")
    one.server.put_file("f", b"content")
    one.server.put_file("g", b"other")
    path = one.download("f")["url"][len(one.server.url):]
    assert one.call("GET", path)[2] == b"content"
    for bad in (path.replace("/f?", "/g?"), path[:-1] + ("0" if path[-1] != "0" else "1"),
                path.replace("expires=", "expires=9"), "/storage/f"):
        assert one.call("GET", bad)[0] == 403
    time.sleep(1.1)
    status, _, body = one.call("GET", path)
    assert status == 403 and b"expired" in body
    one.server.set(url_ttl=100)
    path = one.download("f")["url"][len(one.server.url):]
    assert one.call("GET", path)[0] == 200
    one.server.expire("urls")
    assert one.call("GET", path)[0] == 403


def test_generated_objects_are_the_same_however_they_are_read(client):
    one = client("--no-demo", "--generate-files", "2:3000000")
    first, second = one.ids("/v1/files")
    whole = one.object(first)[2]
    assert len(whole) == 3000000 and whole != one.object(second)[2]
    assert one.object(first, Range="bytes=1234567-2345678")[2] == whole[1234567:2345679]
    blocks = [whole[i:i + 4096] for i in range(0, len(whole), 4096)]
    assert len(set(blocks)) == len(blocks)
