#include "emulator/exchange/http_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/percent.h"

#define BODY_MAX ((size_t)2 << 30)

int request_new(const char *uri, struct request **ret_request)
{
	struct request *request = calloc(1, sizeof(*request));
	if (!request)
		return -ENOMEM;
	buf_init(&request->body, BODY_MAX);
	buf_init(&request->id, BODY_MAX);
	request->uri = strdup(uri);
	request->path = strndup(uri, strcspn(uri, "?"));
	const char *query = strchr(uri, '?');
	if (!request->uri || !request->path ||
	    params_init(&request->params, query ? query + 1 : NULL) < 0) {
		request_free(request);
		return -ENOMEM;
	}
	*ret_request = request;
	return 0;
}

void request_free(struct request *request)
{
	if (!request)
		return;
	params_done(&request->params);
	buf_done(&request->body);
	buf_done(&request->id);
	free(request->table);
	free(request->path);
	free(request->uri);
	free(request);
}

const char *request_bearer(const struct request *request)
{
	const char *header = request->headers.authorization;
	if (!header || strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	return header + 7 + strspn(header + 7, " ");
}

bool request_has_type(const struct request *request, const char *type)
{
	const char *given = request->headers.content_type;
	size_t len = strlen(type);
	return given && strncasecmp(given, type, len) == 0 &&
	       strchr("; \t", given[len]);
}

/* Hosts go back into a URL only when nothing in them could break it. */
static bool host_is_plain(const char *host)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.:-[]";
	return *host && host[strspn(host, plain)] == '\0';
}

int request_add_base(const struct request *request, struct buf *out)
{
	const struct request_headers *headers = &request->headers;
	const char *host = headers->host, *proto = headers->forwarded_proto;
	return buf_printf(out, "http%s://%s",
	    proto && strcmp(proto, "https") == 0 ? "s" : "",
	    host && host_is_plain(host) ? host : "127.0.0.1");
}

bool request_is_api(const struct request *request)
{
	return strncmp(request->path, "/v1/", 4) == 0;
}

bool request_is_storage(const struct request *request)
{
	return request->kind == ROUTE_OBJECT;
}

/* The path after prefix, or NULL when it does not begin so. */
static const char *after(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);
	return strncmp(path, prefix, len) == 0 ? path + len : NULL;
}

static int take_id(struct request *request, const char *text, size_t len)
{
	return percent_decode(text, len, false, &request->id);
}

static void route_auth(struct request *request, const char *rest)
{
	static const struct {
		const char *path;
		enum route_kind kind;
	} routes[] = {
	    {"email/signin", ROUTE_SIGNIN},
	    {"refresh", ROUTE_REFRESH},
	    {"me", ROUTE_ME},
	    {"signout", ROUTE_SIGNOUT},
	};
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (strcmp(rest, routes[i].path) == 0)
			request->kind = routes[i].kind;
}

static int route_files(struct request *request, const char *rest)
{
	size_t len = strcspn(rest, "/");
	if (*rest == '\0') {
		request->kind = ROUTE_FILES;
		return 0;
	}
	if (len > 0 && rest[len] == '\0')
		request->kind = ROUTE_FILE;
	else if (len > 0 && strcmp(rest + len, "/download-url") == 0)
		request->kind = ROUTE_DOWNLOAD_URL;
	return take_id(request, rest, len);
}

/* {table}[/{id}|/spec|/openapi] */
static int route_data(struct request *request, const char *rest)
{
	CLEANUP_BUF struct buf name;
	buf_init(&name, BUF_MAX_DEFAULT);
	size_t len = strcspn(rest, "/");
	int r = percent_decode(rest, len, false, &name);
	if (r < 0 || len == 0)
		return r;
	request->table = buf_steal(&name);
	if (!request->table)
		return -ENOMEM;
	rest += len + (rest[len] == '/');
	if (*rest == '\0')
		request->kind = ROUTE_LIST;
	else if (strcmp(rest, "spec") == 0)
		request->kind = ROUTE_SPEC;
	else if (strcmp(rest, "openapi") == 0)
		request->kind = ROUTE_OPENAPI;
	else if (!strchr(rest, '/'))
		request->kind = ROUTE_RECORD;
	return take_id(request, rest, strlen(rest));
}

/* Whether a browser asks, for a page. */
static bool wants_page(const struct request *request)
{
	const char *accept = request->headers.accept;
	return accept && strstr(accept, "text/html");
}

int request_route(struct request *request)
{
	const char *rest;
	if (after(request->path, "/page/") ||
	    (strcmp(request->path, "/") == 0 && wants_page(request))) {
		request->kind = ROUTE_PAGE;
		return 0;
	}
	if ((rest = after(request->path, "/_emulator/"))) {
		request->kind = ROUTE_CONTROL;
		return 0;
	}
	if ((rest = after(request->path, "/storage/"))) {
		request->kind = ROUTE_OBJECT;
		return take_id(request, rest, strlen(rest));
	}
	if (strcmp(request->path, "/mcp") == 0) {
		request->kind = ROUTE_MCP;
		return 0;
	}
	if (after(request->path, "/mcp/oauth/") ||
	    after(request->path, "/.well-known/oauth-")) {
		request->kind = ROUTE_OAUTH;
		return 0;
	}
	if (!(rest = after(request->path, "/v1/")))
		return 0;
	if (after(rest, "auth/")) {
		route_auth(request, after(rest, "auth/"));
		return 0;
	}
	if (strcmp(rest, "files") == 0)
		return route_files(request, "");
	if (after(rest, "files/"))
		return route_files(request, after(rest, "files/"));
	if (after(rest, "data/"))
		return route_data(request, after(rest, "data/"));
	return route_data(request, rest);
}
