"""
A scripted server that lists tables (Model Context Protocol) beside an OddServer's
API, on the same port. Written from the description of the service alone.

    mcp = McpServer(server, edition=3, sse=True)
    mcp.projects["p1"] = {"prod": ["posts", …]}

Editions differ in the arguments of the tools: 0 takes none but pages, 1
organizationId/projectId/environment, 2 environmentId, 3 orgId/projectId/envId;
"resources" has no tools that list. mcp.said holds every message, mcp.faults
what the tests have against the client.
"""

import base64
import hashlib
import html
import itertools
import json
import re
import secrets
import urllib.parse

from odd_server import Reply

ORGANIZATION = "org_5e11e5"


def _schema(**properties):
    required = [name for name, kind in properties.items() if name not in ("page", "limit")]
    return {"type": "object", "required": required,
            "properties": {name: {"type": kind} for name, kind in properties.items()}}


_PAGES = {"page": "number", "limit": "number"}
_TABLES = {
    0: _schema(**_PAGES),
    1: _schema(organizationId="string", projectId="string", environment="string", **_PAGES),
    2: _schema(projectId="string", environmentId="string", **_PAGES),
    3: _schema(orgId="string", projectId="string", envId="string", **_PAGES),
}
_ENVIRONMENTS = {
    0: _schema(**_PAGES), 1: _schema(organizationId="string", projectId="string", **_PAGES),
    2: _schema(projectId="string", **_PAGES), 3: _schema(orgId="string", projectId="string", **_PAGES),
}
_PROJECTS = {0: _schema(**_PAGES), 1: _schema(organizationId="string", **_PAGES),
             2: _schema(**_PAGES), 3: _schema(orgId="string", **_PAGES)}


class McpServer:
    def __init__(self, server, edition=1, sse=False, sessions=True, base=""):
        self.server = server
        self.url = server.url + base + "/mcp"
        self.path = base + "/mcp"
        self.edition = edition
        self.sse = sse
        self.sessions = sessions
        self.projects = {"p1": {"prod": []}}
        self.per_page = 20  # where the client does not say, and at most
        self.ttl = 3600
        self.rotate = True
        self.metadata = {}  # what to say otherwise in it
        self.places = ["/.well-known/oauth-authorization-server"]
        self.redirects = {}  # client → redirect_uri
        self.codes = {}  # code → (client, challenge, redirect_uri)
        self.access = set()
        self.refresh = {}  # refresh token → client
        self.used = set()
        self.replays = 0
        self.issued = []
        self.live = set()  # sessions
        self.said = []  # (method, params)
        self.faults = []
        self.revoked = []
        self._numbers = itertools.count(1)
        server.hooks.append(self.hook)

    # ---- OAuth

    def secret(self, kind):
        made = f"{kind}-{secrets.token_hex(24)}"
        self.issued.append(made)
        return made

    def _metadata(self):
        at = self.server.url + self.path + "/oauth/"
        return {
            "issuer": self.server.url + self.path,
            "authorization_endpoint": at + "authorize", "token_endpoint": at + "token",
            "registration_endpoint": at + "register", "revocation_endpoint": at + "revoke",
            "code_challenge_methods_supported": ["S256"], **self.metadata}

    def authorize(self, request):
        """The consent page; Allow and Deny are links."""
        query = request.query
        client, target = query.get("client_id"), query.get("redirect_uri")
        if (self.redirects.get(client) != target or query.get("response_type") != "code"
                or query.get("code_challenge_method") != "S256" or not query.get("state")):
            self.faults.append(("authorize", query))
            return Reply(400, b"no")
        code = self.secret("code")
        self.codes[code] = (client, query["code_challenge"], target)
        allow = urllib.parse.urlencode({"code": code, "state": query["state"]})
        deny = urllib.parse.urlencode({"error": "access_denied", "state": query["state"]})
        page = (f'<!DOCTYPE html><title>Allow?</title><a id=allow href="{html.escape(target)}?'
                f'{html.escape(allow)}">Allow</a> <a id=deny href="{html.escape(target)}?'
                f'{html.escape(deny)}">Deny</a>')
        return Reply(200, page.encode(), {"Content-Type": "text/html"})

    def _pair(self, client):
        access, refresh = self.secret("access"), self.secret("refresh")
        self.access.add(access)
        self.refresh[refresh] = client
        return Reply(200, json.dumps({"access_token": access, "token_type": "Bearer",
                                      "expires_in": self.ttl, "refresh_token": refresh}).encode())

    def _no(self, code, words=""):
        return Reply(400, json.dumps({"error": code, "error_description": words}).encode())

    def token(self, form):
        if form.get("grant_type") == "refresh_token":
            token = form.get("refresh_token")
            if token in self.used:
                self.replays += 1
                self.access.clear()
                self.refresh.clear()
            if self.refresh.get(token) != form.get("client_id"):
                return self._no("invalid_grant", f"{token} is unknown")
            del self.refresh[token]
            self.used.add(token)
            return self._pair(form["client_id"])
        entry = self.codes.pop(form.get("code"), None)
        if not entry:
            self.faults.append("a code used twice, or none")
            return self._no("invalid_grant", "no such code")
        client, challenge, target = entry
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if (proof.decode().rstrip("=") != challenge or form.get("client_id") != client
                or form.get("redirect_uri") != target):
            self.faults.append("a proof that is none")
            return self._no("invalid_grant", "no proof")
        return self._pair(client)

    def hook(self, request):
        path = request.path
        if path in self.places:
            return Reply(200, json.dumps(self._metadata()).encode())
        if path.startswith("/.well-known/"):
            return Reply(404, b"{}")
        if path == self.path:
            return self.message(request)
        if not path.startswith(self.path + "/oauth/"):
            return None
        what = path.rpartition("/")[2]
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        if what == "register":
            body = json.loads(request.body)
            client = f"dyn-{next(self._numbers)}"
            (self.redirects[client],) = body["redirect_uris"]
            return Reply(201, json.dumps({"client_id": client, **body}).encode())
        if what == "authorize":
            return self.authorize(request)
        if what == "revoke":
            self.revoked.append(form["token"])
            self.access.discard(form["token"])
            self.refresh.pop(form["token"], None)
            return Reply(200, b"{}")
        return self.token(form)

    # ---- the conversation

    def message(self, request):
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.access:
            return Reply(401, json.dumps({"jsonrpc": "2.0", "id": None, "error": {
                "code": -32001, "message": f"Unauthorized: {token}"}}).encode(),
                {"WWW-Authenticate": "Bearer"})
        session = request.headers.get("mcp-session-id")
        if request.method == "DELETE":
            self.live.discard(session)
            self.said.append(("DELETE", session))
            return Reply(204)
        said = json.loads(request.body)
        self.said.append((said["method"], said.get("params")))
        accepts = request.headers.get("accept", "")
        if "application/json" not in accepts or "text/event-stream" not in accepts:
            self.faults.append(("accept", accepts))
        headers = {}
        if said["method"] == "initialize":
            session = f"s{next(self._numbers)}"
            self.live.add(session)
            if self.sessions:
                headers["Mcp-Session-Id"] = session
        elif self.sessions and session not in self.live:
            return Reply(404, json.dumps({"jsonrpc": "2.0", "id": None, "error": {
                "code": -32002, "message": "session expired"}}).encode())
        if "id" not in said:
            return Reply(202, b"", headers)
        body = {"jsonrpc": "2.0", "id": said["id"]}
        try:
            body["result"] = self.result(said["method"], said.get("params") or {})
        except LookupError as wrong:
            body["error"] = {"code": -32601, "message": str(wrong)}
        text = json.dumps(body)
        if not self.sse:
            return Reply(200, text.encode(), headers)
        note = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
        cut = text.index(",") + 1
        stream = f": hello\nevent: message\ndata: {note}\n\nid: 7\r\ndata: {text[:cut]}\r\ndata: {text[cut:]}\r\n\r\n"
        return Reply(200, stream.encode(), {"Content-Type": "text/event-stream", **headers})

    def tools(self):
        if self.edition == "resources":
            return [{"name": "search_docs", "inputSchema": _schema(query="string")}]
        context = "0_get_context" if self.edition in (1, 3) else "get_context"
        e = self.edition
        return [
            {"name": context, "inputSchema": {"type": "object", "properties": {}}},
            {"name": "backend_project_list", "inputSchema": _PROJECTS[e]},
            {"name": "backend_env_list", "inputSchema": _ENVIRONMENTS[e]},
            {"name": "search_docs", "inputSchema": _schema(query="string")},
            {"name": "backend_table_list", "inputSchema": _TABLES[e]},
        ]

    def result(self, method, params):
        if method == "initialize":
            return {"protocolVersion": "2025-03-26", "capabilities": {},
                    "serverInfo": {"name": "scripted", "version": "1"}}
        if method == "tools/list":
            # Two pages of them.
            tools = self.tools()
            if params.get("cursor") == "more":
                return {"tools": tools[3:]}
            return {"tools": tools[:3], **({"nextCursor": "more"} if tools[3:] else {})}
        if method == "tools/call":
            return self.call(params["name"], params["arguments"])
        if method == "resources/list" and self.edition == "resources":
            return {"resources": [{"uri": "bkend://projects", "name": "projects"},
                                  {"uri": "bkend://docs/tables.md", "name": "docs"}]}
        if method == "resources/read":
            return {"contents": [{"uri": params["uri"], "text": json.dumps(self.read(params["uri"]))}]}
        raise LookupError(f"no such method: {method}")

    def read(self, uri):
        if uri == "bkend://projects":
            return [{"id": project, "name": project} for project in self.projects]
        if found := re.fullmatch("bkend://projects/([^/]+)/environments", uri):
            return [{"id": e, "name": e} for e in self.projects[found[1]]]
        found = re.fullmatch("bkend://projects/([^/]+)/environments/([^/]+)/tables", uri)
        if not found:
            raise LookupError(uri)
        return [{"id": t, "tableName": t} for t in self.projects[found[1]][found[2]]]

    def call(self, name, arguments):
        tool = next((t for t in self.tools() if t["name"] == name), None)
        if tool is None:
            raise LookupError(name)
        schema = tool["inputSchema"]
        if not set(schema.get("required", [])) <= set(arguments) <= set(schema["properties"]):
            self.faults.append((name, arguments))
            return {"isError": True, "content": [{"type": "text", "text": "wrong arguments"}]}
        for name_, value in arguments.items():
            if "rg" in name_ and value != ORGANIZATION:
                self.faults.append((name, arguments))
        if name.endswith("get_context"):
            text = f"# Context\n\n- **Organization ID**: `{ORGANIZATION}`\n- REST: {self.server.url}\n"
            return {"content": [{"type": "text", "text": text}]}
        project = arguments.get("projectId")
        if name == "backend_project_list":
            items = [{"id": p, "name": f"Project {p}"} for p in self.projects]
        elif name == "backend_env_list":
            items = [{"id": f"env-{project}-{e}", "name": e, "projectId": project}
                     for e in self.projects[project]]
        elif self.edition == 0:
            items = [{"id": f"{p}-{e}-{t}", "tableName": t, "projectId": p, "environment": e}
                     for p, all_ in self.projects.items() for e, tables in all_.items() for t in tables]
        else:
            e = arguments.get("environment") or next(
                e for e in self.projects[project]
                if f"env-{project}-{e}" in (arguments.get("environmentId"), arguments.get("envId")))
            items = [{"id": f"{project}-{e}-{t}", "tableName": t} for t in self.projects[project][e]]
        page = int(arguments.get("page", 1))
        limit = min(int(arguments.get("limit", self.per_page)), self.per_page)
        part = items[(page - 1) * limit:page * limit]
        answer = {"items": part, "pagination": {
            "total": len(items), "page": page, "limit": limit,
            "totalPages": -(-len(items) // limit), "hasNext": page * limit < len(items),
            "hasPrev": page > 1}}
        return {"content": [{"type": "text", "text": json.dumps(answer)}]}
