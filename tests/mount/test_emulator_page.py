"""What a person in a browser sees of what is served, and who else does not."""

import html.parser
import http.server
import json
import re
import threading
import urllib.parse

import pytest

from api_client import Client
from chromium import chromium
from conftest import BKENDFS, environment, run, succeed
from test_emulator_queries import cpu

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763"
    "f8cfc0000003010100c9fe92ef0000000049454e44ae426082")


class Text(html.parser.HTMLParser):
    """A page's text, the elements and the attributes that it has, and its links."""

    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.names, self.links = "", set(), set(), []
        self.feed(text)

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            self.names.add(name)
            if name in ("href", "src"):
                self.links.append(value)


class Site:
    """The pages of one emulator, as plain requests."""

    def __init__(self, server):
        self.server = server
        self.url = server.settings["BKEND_PAGE_URL"]
        self.client = Client(server)
        status, headers, _ = self.get(urllib.parse.urlsplit(self.url).path)
        self.base = headers["Location"] if status == 302 else urllib.parse.urlsplit(self.url).path

    def get(self, path, method="GET", **headers):
        return self.client.call(method, path, **(HTML | headers))

    def page(self, name="", /, **query):
        """(headers, body) of a page that is there."""
        query = "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote) if query else ""
        status, headers, body = self.get(self.base + name + query)
        assert status == 200, (name, status, body)
        return headers, body

    def text(self, name="", /, **query):
        return Text(self.page(name, **query)[1].decode())


@pytest.fixture
def site(emulator):
    """Factory: site(switches…) → the pages of a new emulator."""
    return lambda *switches: Site(emulator(*switches))


@pytest.fixture
def tab():
    """A browser's tab."""
    with chromium() as browser:
        yield browser


def _backup(work, **tables):
    for table, records in tables.items():
        (work / "backup" / table).mkdir(parents=True)
        for number, record in enumerate(records):
            (work / f"backup/{table}/{number}.json").write_text(json.dumps(record))
    return work / "backup"


# What is to be seen -------------------------------------------------------------


def _is_well_made(page, site):
    """It is loaded whole, from here alone, and as wide as the screen."""
    assert page.named("Log.entryAdded") == [] and page.named("Runtime.exceptionThrown") == []
    urls = [one["request"]["url"] for one in page.named("Network.requestWillBeSent")]
    assert len(urls) >= 2 and all(url.startswith(site.server.url + "/") for url in urls), urls
    assert page.named("Network.loadingFailed") == []
    for one in page.named("Network.responseReceived"):
        assert one["response"]["status"] in (200, 206), one["response"]["url"]
    wide, screen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= screen


@pytest.mark.parametrize("width, dark", [(1280, False), (1280, True), (390, False), (390, True)])
def test_a_person_goes_through_all_of_it(site, tab, width, dark):
    one = site()
    tab.shape(width, dark=dark)
    tab.goto(one.url)
    _is_well_made(tab, one)
    bright = tab.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] > 128")
    assert bright == (not dark)
    tables = dict(tab.evaluate("[...document.querySelectorAll('.tables a')].map(a => "
                            "[a.children[0].textContent, a.children[1].textContent])"))
    assert tables == {name: str(one.client.data(f"/v1/{name}")["pagination"]["total"])
                      for name in one.server.tables}
    tab.click("a[href='table?name=posts']")
    _is_well_made(tab, one)
    ids = tab.evaluate("[...document.querySelectorAll('.records a')]"
                    ".map(a => new URL(a.href).searchParams.get('id'))")
    assert ids == one.client.ids("/v1/posts", limit=50)
    tab.click(".pager a[href$='page=2']")
    _is_well_made(tab, one)
    more = tab.evaluate("[...document.querySelectorAll('.records a')]"
                     ".map(a => new URL(a.href).searchParams.get('id'))")
    assert more == one.client.ids("/v1/posts", limit=50, page=2)
    tab.click(f".records a[href$='{more[-1]}']")
    _is_well_made(tab, one)
    record = one.client.data(f"/v1/posts/{more[-1]}")
    shown = dict(tab.evaluate("[...document.querySelectorAll('.record > dl > dt')].map(dt => "
                           "[dt.textContent, dt.nextElementSibling.textContent])"))
    assert list(shown) == list(record)
    assert shown["body"] == record["body"] and shown["viewsTotal"] == str(record["viewsTotal"])
    tab.click("a[href^='record?table=authors']")
    _is_well_made(tab, one)
    tab.click("nav a")
    tab.click("a[href='files']")
    _is_well_made(tab, one)
    assert tab.evaluate("document.querySelectorAll('.files li').length") == one.client.data(
        "/v1/files")["pagination"]["total"]


def test_pictures_show_as_pictures(site, tab):
    one = site("--no-demo")
    for number, (name, mime) in enumerate([
            ("a.png", "image/png"), ("b.png", "image/png; x=y"), ("c.bin", None),
            ("d.svg", "image/svg+xml"), ("e.png", "image/png")]):
        data = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>" if (
            name == "d.svg") else PICTURE
        query = {"mime": mime} if mime else {}
        one.server.put_file(f"f{number}", b"" if name == "e.png" else data, name=name, **query)
    tab.shape(1280)
    tab.goto(one.url)
    _is_well_made(tab, one)
    tab.goto(one.server.url + one.base + "files")
    _is_well_made(tab, one)
    tab.evaluate("Promise.all([...document.images].map(one => one.decode())).then(() => 0)")
    shown = dict(tab.evaluate("[...document.querySelectorAll('.files li')].map(li => [li"
                           ".querySelector('b').textContent, li.querySelector('img')?.naturalWidth"
                           " ?? li.querySelector('.mark').textContent])"))
    assert shown == {"a.png": 1, "b.png": 1, "c.bin": "bin", "d.svg": 9, "e.png": "png"}
    tab.click("a[href='file?id=f0']")
    assert tab.evaluate("document.querySelector('.whole').naturalWidth") == 1
    assert one.page("object", id="f0")[1] == PICTURE


def test_what_belongs_together_is_linked(site):
    one = site("--no-demo")
    one.server.put_file("picture-of-ada", PICTURE, name="ada.png", mime="image/png")
    one.server.put_record("people", "person-0001", b'{"id":"person-0001","name":"Ada"}')
    one.server.put_record("notes", "note-00001", json.dumps({
        "id": "note-00001", "by": "person-0001", "picture": "picture-of-ada",
        "self": "note-00001", "other": "person-0002", "list": [["person-0001"]]}).encode())
    links = one.text("record", table="notes", id="note-00001").links
    assert links.count("record?table=people&id=person-0001") == 2
    assert "file?id=picture-of-ada" in links and "object?id=picture-of-ada" in links
    assert not [link for link in links if "person-0002" in link or link.startswith("record?") and
                "note-00001" in link]


def test_it_says_how_to_mount_and_the_words_work(site, work):
    one = site()
    body = one.page()[1].decode()
    [lines] = re.findall("<pre><code>(.*?)</code></pre>", body, re.S)
    point = work / "mnt"
    point.mkdir()
    script = lines.replace("bkendfs ", f"'{BKENDFS}' ").replace(" mnt", f" '{point}'")
    env = environment(work, {"BKEND_PASSWORD": one.server.settings["BKEND_PASSWORD"],
                             "BKENDFS_CACHE_DIR": str(work / "cache")})
    assert script.count("'") == 4
    succeed("sh", "-e", "-c", script, env=env)
    try:
        assert set(one.server.tables) < set(path.name for path in point.iterdir())
        assert len(list((point / "posts").glob("[!.]*.json"))) == 100
    finally:
        run("fusermount3", "-u", point)


def test_it_says_how_to_point_an_app_at_it(site):
    settings = (one := site()).server.settings
    text = one.text().text
    for name in ("BKEND_API_URL", "BKEND_PUBLISHABLE_KEY", "BKEND_EMAIL", "BKEND_PASSWORD"):
        assert settings[name] in text
    assert settings["BKEND_SECRET_KEY"] not in text


# What is hostile ------------------------------------------------------------------


EVIL = ["<script>document.title='evil'</script>", "\"><img src=x onerror=\"document.title='evil'\">",
        "'><svg onload=alert(1)>", "</title><script>alert(1)</script>", "javascript:alert(1)",
        "</bdi></dd></dl></main><base href=//evil.example>", "a&b=<c>\u202e\u0000\u0085\n\t\ufffe",
        "..", ".", "", "%3Cscript%3E&lt;b&gt;", "\ud800", "&page=7#x?y", "\"" * 300, "x" * 5000]
OUR_TAGS = set("""html head meta link title body header nav a bdi i main h1 h2 p span section ul li
    b small time form input label div dl dt dd ol details summary code pre footer img audio
    video""".split())
OUR_NAMES = set("""lang charset name content rel href type class datetime action value inputmode
    size aria-label alt src loading download controls preload""".split())


@pytest.fixture
def evil(site):
    """A project in which everything is what somebody else chose."""
    one = site("--no-demo")
    for number, text in enumerate(EVIL):
        # Not every text can stand in the path of a request.
        name = text if text not in ("", "\ud800") else f"r{number}"
        record = {"id": name, "title": text, text: text, "list": [text, {text: [text]}]}
        one.server.put_record("posts", name, json.dumps(record).encode())
    for number, text in enumerate(EVIL):
        name = text.encode("utf-8", "surrogatepass").replace(b"\0", b"") or b"none"
        one.server.put_file(f"f{number}", b"<script>document.title='evil'</script>",
                            name=name, mime="text/html")
    return one


def test_nothing_foreign_becomes_markup(evil):
    """However it is written: each page has our elements and attributes, and no others."""
    todo, seen = [""], set()
    while todo:
        link = todo.pop()
        if link in seen or link.startswith(("object", "style.css", "icon.svg", "text")):
            continue
        seen.add(link)
        status, headers, body = evil.get(evil.base + link)
        assert status == 200, (link, body)
        page = Text(body.decode())  # it is UTF-8
        assert page.tags <= OUR_TAGS and page.names <= OUR_NAMES, link
        assert b"\0" not in body and "\x85" not in page.text
        todo += [one for one in page.links if one != "./"]
    assert len([link for link in seen if link.startswith("record?")]) >= len(EVIL) - 2
    assert len([link for link in seen if link.startswith("file?")]) == len(EVIL)
    text = evil.text("table", name="posts").text
    for one in EVIL[:6]:
        assert one in text
    assert EVIL[0] in evil.text("record", table="posts", id=EVIL[0]).text


def test_nothing_foreign_runs(evil, tab):
    tab.shape(1280)
    todo = ["", "table?name=posts", "files"]
    for name in todo[1:]:
        todo += [link for link in Text(evil.get(evil.base + name)[2].decode()).links
                 if link.startswith(("record?", "file?"))][:8]
    for link in todo:
        tab.goto(evil.server.url + evil.base + link)
        _is_well_made(tab, evil)
        assert tab.evaluate("document.title") != "evil" and tab.evaluate("document.scripts.length") == 0
    assert tab.named("Page.javascriptDialogOpening") == []


OPENS = {
    "text/html": False, "image/svg+xml": False, "IMAGE/SVG+XML;x": False,
    "application/xhtml+xml": False, "text/xml": False, "application/pdf": False,
    "multipart/x-mixed-replace": False, "text/plainly": False, "nonsense": False,
    "image/png": True, "text/plain": True, "audio/wav": True, "video/mp4": True}


def test_contents_run_nothing(site, tab):
    """Opened by themselves, whatever they are said to be, they are shown or saved."""
    one = site("--no-demo")
    for number, (mime, opens) in enumerate(OPENS.items()):
        one.server.put_file(f"f{number}", b"<svg xmlns='http://www.w3.org/2000/svg'><script>"
                            b"document.title='evil'</script></svg>", name="x", mime=mime)
        headers, _ = one.page("object", id=f"f{number}")
        policies = headers.get_all("Content-Security-Policy")
        assert policies, mime
        assert all("sandbox" in policy and "allow" not in policy for policy in policies)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert (headers["Content-Disposition"] != "attachment") == opens, mime
        tab.goto(one.server.url + one.base)
        went = tab.call("Page.navigate", url=f"{one.server.url}{one.base}object?id=f{number}")
        assert (went.get("errorText") != "net::ERR_ABORTED") == opens, mime
        assert tab.evaluate("document.title") != "evil"


# What is large --------------------------------------------------------------------


def _peak(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) * 1024


def test_a_million_records_are_as_quick_as_ten(site):
    one = site("--no-demo", "--generate", "many=1000000:300", "--generate-files", "1000000:100")
    one.page("table", name="many")
    before = _peak(one.server)
    for number in (1, 2, 10000, 20000):
        began = cpu(one.server.process)
        page = one.text("table", name="many", page=number)
        one.page("files", page=number)
        one.page()
        # A look at every record takes far longer.
        assert cpu(one.server.process) - began < 1
        assert "1,000,000 records" in page.text and "of 20,000" in page.text
        ids = [urllib.parse.parse_qs(link.split("?")[1])["id"][0]
               for link in page.links if link.startswith("record?")]
        assert ids == one.client.ids("/v1/many", limit=50, page=number)
    assert _peak(one.server) - before < 16 << 20


@pytest.mark.parametrize("number", ["20001", "99999999999999999999", "0", "-1", "x", ""])
def test_a_page_that_is_not_there_is_another(site, number):
    one = site("--no-demo", "--generate", "many=101:300")
    page = one.text("table", name="many", page=number)
    assert len([link for link in page.links if link.startswith("record?")]) == (
        1 if number[:1] in ("2",) else 50)


def test_a_large_record_is_not_a_large_page(site):
    one = site("--no-demo")
    texts = {
        "wide": '{"id":"wide","v":[%s]}' % ",".join(["1"] * 500000),
        "deep": '{"id":"deep","v":%s1%s}' % ("[" * 900, "]" * 900),
        "long": '{"id":"long","v":"%s"}' % ("<" * 1000000),
        "huge": '{"id":"huge","v":"%s"}' % ("<" * 16000000),
    }
    for name, text in texts.items():
        one.server.put_record("r", name, text.encode())
    assert len(one.page("table", name="r")[1]) < 10000
    for name, text in texts.items():
        headers, body = one.page("record", table="r", id=name)
        assert len(body) < 300000
        assert "whole text" in body.decode() or name in ("huge", "long")
        headers, body = one.page("text", table="r", id=name)
        assert body.decode() == text and headers["Content-Type"].startswith("application/json")
        assert headers["X-Content-Type-Options"] == "nosniff"


# Who else does not see it ------------------------------------------------------------


@pytest.fixture
def backup(site, work):
    return site("--data", _backup(work, posts=[{"id": "one-record", "secret": "diary"}]))


def test_a_backup_is_seen_by_its_owners_link_alone(backup, site, work):
    """Others on this machine can reach the port as well, and the keys are not theirs."""
    assert re.fullmatch(backup.server.url + "/page/[0-9a-f]{32}/", backup.url)
    assert "diary" in backup.text("table", name="posts").text
    token = backup.base.split("/")[2]
    wrong = ["/", "/page/", "/page/x/", "/page/open/", f"/page/{token[:-1]}/",
             f"/page/{token}0/", f"/page/{token[:-1]}{'0' if token[-1] != '0' else '1'}/",
             f"/page/{token}", f"/page//{token}/", "/page/%00/"]
    for start in wrong:
        for rest in ("", "table?name=posts", "record?table=posts&id=one-record"):
            if not rest or start not in ("/", f"/page/{token}"):
                status, headers, body = backup.get(start + rest)
                assert status == 403 and b"BKEND_PAGE_URL" in body, start + rest
                for secret in (b"diary", b"posts", token.encode(), *backup.server.secrets()):
                    assert secret not in body
                assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert token not in backup.server.log.read_text()
    assert "GET /page/* 200" in backup.server.log.read_text()
    again = site("--data", work / "backup")
    assert again.base != backup.base


def test_no_other_site_sees_it(backup):
    """Not by a name that leads here (DNS rebinding), nor from a page on another port."""
    names = [backup.base, backup.base + "table?name=posts", "/"]
    for path in names:
        status, _, body = backup.get(path, Host="evil.example")
        assert status == 421 and b"diary" not in body
    for path in names + [backup.base + "record?table=posts&id=one-record",
                         backup.base + "text?table=posts&id=one-record", backup.base + "nothing",
                         backup.base + "style.css", backup.base + "object?id=none"]:
        _, headers, _ = backup.get(path, Origin="http://localhost:3000")
        assert "Access-Control-Allow-Origin" not in headers
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Vary"] == "Origin"
        assert headers["X-Frame-Options"] == "DENY" and headers["Referrer-Policy"] == "no-referrer"
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';") and "unsafe" not in policy
        assert "script" not in policy and "frame-ancestors 'none'" in policy


SPY = """<!DOCTYPE html><meta charset="utf-8"><script>
async function main() {
  const found = [];
  await fetch("%(url)s").then(answer => answer.text()).then(
    text => found.push(text), () => {});
  await new Promise(done => {
    const picture = new Image();
    picture.onload = () => { found.push("picture"); done(); };
    picture.onerror = done;
    picture.src = "%(url)sobject?id=f";
  });
  await new Promise(done => {
    const frame = document.createElement("iframe");
    frame.onload = done;
    frame.src = "%(url)s";
    document.body.append(frame);
  });
  found.push(...[...document.querySelectorAll("iframe")].filter(f => f.contentDocument)
    .map(f => f.contentDocument.body.textContent).filter(text => text));
  return found;
}
</script><body></body>"""


class _Spy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.server.page.encode())

    def log_message(self, *_):
        pass


def test_a_page_of_another_port_gets_nothing(site, tab):
    """Even of the sample, whose pages' address everybody knows."""
    one = site("--no-demo")
    one.server.put_file("f", PICTURE, name="a.png", mime="image/png")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Spy)
    server.page = SPY % {"url": one.server.url + one.base}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        tab.goto(f"http://127.0.0.1:{server.server_port}/")
        assert tab.evaluate("main()") == []
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    # Its own page has the picture.
    tab.goto(one.server.url + one.base + "file?id=f")
    assert tab.evaluate("document.querySelector('img').naturalWidth") == 1


# What stays as it is -------------------------------------------------------------------


def test_only_a_browser_gets_a_page_at_the_beginning(site):
    one = site()
    assert one.client.refused("/v1x", headers={})[0] == 401
    for accept in ("*/*", "application/json"):
        status, _, body = one.client.call("GET", "/", Accept=accept)
        assert status == 401 and json.loads(body)["error"]["code"] == "auth/invalid-api-key"
    assert one.get("/")[0] == 302
    assert one.get("/v1/posts")[0] == 401


def test_nothing_is_written_and_nothing_else_is_there(site):
    one = site()
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        status, headers, _ = one.get(one.base, method=method)
        assert status == 405 and headers["Allow"] == "GET"
    for name in ("nothing", "table", "table?name=nothing", "record?table=posts&id=x", "record",
                 "file", "file?id=x", "object?id=x", "object", "text?table=posts&id=x", "../", "./"):
        status, headers, body = one.get(one.base + name)
        assert status == 404 and b"Not here" in body, name
        assert headers["Content-Type"] == "text/html; charset=utf-8"


def test_the_services_troubles_are_not_the_pages(site):
    one = site("--rate-limit", "1/3600", "--fail", "100:500", "--latency", "3600000")
    for name in ("", "files"):
        one.page(name)


def test_a_file_without_contents_says_so(site, work):
    data = _backup(work, files=[{"id": "lost", "originalName": "lost.png", "size": 5,
                                 "mimeType": "image/png"}])
    one = site("--data", data)
    assert "no contents" in one.text("files").text
    page = one.text("file", id="lost")
    assert "not in what is served" in page.text and "img" not in page.tags


def test_the_projects_name_is_its_directorys(backup, work, site):
    assert "backup" in backup.text().text
    (work / "link").symlink_to(work / "backup")
    assert "<h1><bdi>backup</bdi></h1>" in site("--data", f"{work}/link/").page()[1].decode()
    assert "Sample project" in site().text().text


def test_an_interrupted_export_does_not_look_whole(site, work):
    data = work / "backup"
    data.mkdir()
    (data / "posts_page1.json").write_text(json.dumps({"data": {
        "items": [{"id": "one-record"}],
        "pagination": {"total": 5, "page": 1, "limit": 1, "totalPages": 5, "hasNext": True}}}))
    one = site("--data", data)
    _, headers, _ = one.client.call("GET", "/v1/posts", **one.client.headers)
    assert "incomplete" in one.text().text
    assert f"Incomplete: {headers['X-Incomplete']}" in one.text("table", name="posts").text
