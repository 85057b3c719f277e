"""An app in a real browser, on another port than the emulator."""

import http.server
import json
import threading

import pytest

from api_client import Client
from chromium import running_chromium

APP = """<!DOCTYPE html><meta charset="utf-8"><img id="picture" crossorigin>
<script>
const BASE = %(base)s, KEY = %(key)s, ACCOUNT = %(account)s;
async function call(method, path, token, body) {
  const headers = {"X-API-Key": KEY};
  if (token) headers.Authorization = "Bearer " + token;
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(BASE + path, {method, headers, body: body && JSON.stringify(body)});
  return [answer.status, await answer.json()];
}
function shown(url) {
  const picture = document.getElementById("picture");
  return new Promise((resolve, reject) => {
    picture.onload = () => resolve([picture.naturalWidth, picture.naturalHeight]);
    picture.onerror = () => reject(new Error("the picture does not show"));
    picture.src = url;
  });
}
async function main() {
  const found = {};
  const [, signed] = await call("POST", "/v1/auth/email/signin", null,
                                {method: "password", ...ACCOUNT});
  const token = signed.data.accessToken;
  found.me = (await call("GET", "/v1/auth/me", token))[1].data.email;
  const list = (await call("GET", "/v1/data/posts?limit=3", token))[1].data;
  found.total = list.pagination.total;
  const filters = encodeURIComponent(JSON.stringify({language: "el"}));
  found.greek = (await call("GET", "/v1/data/posts?limit=100&andFilters=" + filters, token))[1]
    .data.items.map(item => item.language);
  const files = (await call("GET", "/v1/files?limit=100", token))[1].data.items;
  const picture = files.find(file => file.mimeType === "image/png" && file.size);
  const [, url] = await call("POST", `/v1/files/${picture.id}/download-url`, token);
  found.size = await shown(url.data.url);
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").drawImage(document.getElementById("picture"), 0, 0);
  found.readable = canvas.toDataURL().startsWith("data:image/png");
  const part = await fetch(url.data.url, {headers: {Range: "bytes=0-7"}});
  found.part = [part.status, part.headers.get("Content-Range").split("/")[0]];
  [found.missing] = await call("GET", "/v1/data/nothing", token);
  [found.unsigned] = await call("GET", "/v1/files", "no token");
  [found.write] = await call("DELETE", "/v1/data/posts/" + list.items[0].id, token);
  return found;
}
main().catch(error => ({error: String(error)}))
  .then(found => fetch("/found", {method: "POST", body: JSON.stringify(found)}));
</script>
"""


class AppServer(http.server.ThreadingHTTPServer):
    """Serves the app, and takes what it found."""

    def __init__(self, page):
        super().__init__(("127.0.0.1", 0), AppHandler)
        self.page = page
        self.found = None
        self.arrived = threading.Event()


class AppHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.server.page.encode())

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.server.found = json.loads(self.rfile.read(length))
        self.send_response(200)
        self.end_headers()
        self.server.arrived.set()

    def log_message(self, *_):
        pass


@pytest.fixture
def app(emulator, work):
    """Factory: app(host, *switches) → what the app found, being served under
    that name, with an emulator of these switches."""

    def run(host, *switches):
        server = AppServer("")
        origin = f"http://{host}:{server.server_port}"
        one = Client(emulator(*[switch.format(origin=origin) for switch in switches]))
        settings = one.server.settings
        server.page = APP % {
            "base": json.dumps(one.server.url), "key": json.dumps(one.server.key),
            "account": json.dumps({"email": settings["BKEND_EMAIL"],
                                   "password": settings["BKEND_PASSWORD"]})}
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with running_chromium(work, "--host-resolver-rules=MAP app.example 127.0.0.1", origin):
                assert server.arrived.wait(90), (work / "chromium.err").read_text()[-3000:]
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        return one, server.found

    return run


@pytest.mark.parametrize("host, switches", [
    ("localhost", ()), ("app.example", ("--allow-origin", "{origin}"))])
def test_an_app_signs_in_lists_filters_and_shows_a_picture(app, host, switches):
    one, found = app(host, *switches)
    assert found["me"] == one.server.settings["BKEND_EMAIL"]
    assert found["total"] == one.data("/v1/posts")["pagination"]["total"]
    assert found["greek"] and set(found["greek"]) == {"el"}
    assert min(found["size"]) > 0 and found["readable"]
    assert found["part"] == [206, "bytes 0-7"]
    assert (found["missing"], found["unsigned"], found["write"]) == (404, 401, 405)


def test_an_app_of_somewhere_else_gets_nothing(app):
    _, found = app("app.example")
    assert found == {"error": "TypeError: Failed to fetch"}
