/* Where a server that gives tokens has what: see oauth.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/parsed.h"
#include "mcp/oauth.h"
#include "mcp/oauth_ask.h"

#define CLEANUP_ANSWER CLEANUP(web_answer_done)

void oauth_server_done(struct oauth_server *server)
{
	free(server->issuer);
	free(server->authorization_endpoint);
	free(server->token_endpoint);
	free(server->registration_endpoint);
	free(server->revocation_endpoint);
	*server = (struct oauth_server){0};
}

/* ---- where things are ---- */

static bool has_origin_of(const char *url, const char *other)
{
	size_t len = oauth_origin_len(url);
	return len == oauth_origin_len(other) &&
	       strncasecmp(url, other, len) == 0;
}

/* It goes onto a terminal, to a browser by way of a shell script, and into a
 * line of a file. */
static bool is_harmless(const char *url)
{
	for (const char *c = url; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return false;
	}
	size_t origin = oauth_origin_len(url);
	return !strpbrk(url, "#\"'<>\\`$|") && !memchr(url, '@', origin);
}

/* Where a person, or a token, may be sent to: never in the clear from where it
 * was not. */
static bool is_endpoint(const char *url, const char *from)
{
	if (!is_harmless(url) || http_url_problem(url))
		return false;
	return strncasecmp(from, "https:", 6) != 0 ||
	       strncasecmp(url, "https:", 6) == 0;
}

static int take_url(
    const cJSON *root, const char *name, const char *from, char **where)
{
	const cJSON *value = parsed_member(root, name);
	if (!cJSON_IsString(value))
		return 0;
	if (!is_endpoint(value->valuestring, from))
		return -EPROTO;
	return (*where = strdup(value->valuestring)) ? 0 : -ENOMEM;
}

static bool does_s256(const cJSON *root)
{
	const cJSON *methods =
	    parsed_member(root, "code_challenge_methods_supported");
	const cJSON *one;
	if (!methods)
		return true;
	cJSON_ArrayForEach (one, methods) {
		if (cJSON_IsString(one) &&
		    strcmp(one->valuestring, "S256") == 0)
			return true;
	}
	return false;
}

/* from: where the metadata came from. Its issuer has to live there. */
static int read_server(const cJSON *root, const char *from,
    struct oauth_server *server, const char **why)
{
	*why = "its metadata name no place where to get a token";
	int r = take_url(root, "issuer", from, &server->issuer);
	if (r == 0)
		r = take_url(root, "authorization_endpoint", from,
		    &server->authorization_endpoint);
	if (r == 0)
		r = take_url(
		    root, "token_endpoint", from, &server->token_endpoint);
	if (r == 0)
		r = take_url(root, "registration_endpoint", from,
		    &server->registration_endpoint);
	if (r == 0)
		r = take_url(root, "revocation_endpoint", from,
		    &server->revocation_endpoint);
	if (r < 0)
		*why = "its metadata lead to places that nobody should send a"
		       " token to";
	else if (!server->authorization_endpoint || !server->token_endpoint)
		r = -EPROTO;
	if (r == 0 && server->issuer && !has_origin_of(server->issuer, from)) {
		*why = "its metadata are another server's (issuer)";
		r = -EPROTO;
	}
	if (r == 0 && !does_s256(root)) {
		*why = "it does not know S256";
		r = -EPROTO;
	}
	server->tells_issuer = cJSON_IsTrue(parsed_member(
	    root, "authorization_response_iss_parameter_supported"));
	return r;
}

/* One JSON object. -ENOENT: there is none. */
static int get_json(
    struct web *web, const char *url, cJSON **ret_root, struct mcp_error *error)
{
	static const char *const headers[] = {"Accept: application/json", NULL};
	CLEANUP_ANSWER struct web_answer answer;
	int r = oauth_ask(web,
	    &(struct web_request){.method = "GET",
		.url = url,
		.headers = headers,
		.max = OAUTH_ANSWER_MAX,
		.patience_ms = OAUTH_PATIENCE_MS},
	    &answer, error);
	if (r < 0)
		return error->status / 100 == 4 || error->status / 100 == 3
			   ? -ENOENT
			   : r;
	*ret_root =
	    cJSON_ParseWithLength(buf_str(&answer.body), answer.body.len);
	if (cJSON_IsObject(*ret_root))
		return 0;
	parsed_free(*ret_root);
	*ret_root = NULL;
	oauth_fail(error, -ENOENT, "the answer is no JSON object");
	return -ENOENT;
}

/*
 * The n-th place where metadata of that name may be: at the origin's root, as
 * the service has it; with the path behind, as RFC 8414 says; behind the path,
 * as OpenID Connect has it; and the same of the path's own parent. -ENOENT:
 * there is no such place.
 */
static int place(const char *url, const char *name, int n, struct buf *out)
{
	size_t origin = oauth_origin_len(url);
	const char *path = url + origin;
	size_t len = strcspn(path, "?#");
	while (len && path[len - 1] == '/')
		len--;
	const char *last = len ? memrchr(path, '/', len) : NULL;
	size_t parent = last ? (size_t)(last - path) : 0;
	buf_clear(out);
	if (n > 0 && !len)
		return -ENOENT;
	switch (n) {
	case 0:
		return buf_printf(
		    out, "%.*s/.well-known/%s", (int)origin, url, name);
	case 1:
		return buf_printf(out, "%.*s/.well-known/%s%.*s", (int)origin,
		    url, name, (int)len, path);
	case 2:
		return buf_printf(
		    out, "%.*s/.well-known/%s", (int)(origin + len), url, name);
	case 3:
		return parent ? buf_printf(out, "%.*s/.well-known/%s",
				    (int)(origin + parent), url, name)
			      : -ENOENT;
	default:
		return -ENOENT;
	}
}

#define PLACES 4

/* -ENOENT: none of the places has some. */
static int find_named(struct web *web, const char *url, const char *name,
    cJSON **ret_root, struct mcp_error *error)
{
	CLEANUP_BUF struct buf where;
	int r = -ENOENT;
	buf_init(&where, 4096);
	for (int n = 0; r == -ENOENT && n < PLACES; n++) {
		r = place(url, name, n, &where);
		if (r == 0)
			r = get_json(web, buf_str(&where), ret_root, error);
	}
	return r;
}

static int find_server(struct web *web, const char *url,
    struct oauth_server *ret_server, struct mcp_error *error)
{
	static const char *const names[] = {
	    "oauth-authorization-server", "openid-configuration"};
	CLEANUP_PARSED cJSON *root = NULL;
	const char *why;
	int r = -ENOENT;
	for (size_t i = 0; r == -ENOENT && i < ARRAY_SIZE(names); i++)
		r = find_named(web, url, names[i], &root, error);
	if (r < 0)
		return r;
	r = read_server(root, url, ret_server, &why);
	if (r < 0) {
		oauth_server_done(ret_server);
		oauth_fail(error, r, why);
	}
	return r;
}

/* The server that gives tokens may be another one; then this one says so. */
static int find_elsewhere(struct web *web, const char *url,
    struct oauth_server *ret_server, struct mcp_error *error)
{
	CLEANUP_PARSED cJSON *root = NULL;
	int r = find_named(web, url, "oauth-protected-resource", &root, error);
	const cJSON *first =
	    cJSON_GetArrayItem(parsed_member(root, "authorization_servers"), 0);
	if (r < 0)
		return r;
	if (!cJSON_IsString(first) || !is_endpoint(first->valuestring, url))
		return -ENOENT;
	return find_server(web, first->valuestring, ret_server, error);
}

int oauth_find(struct web *web, const char *url,
    struct oauth_server *ret_server, struct mcp_error *error)
{
	*ret_server = (struct oauth_server){0};
	int r = find_server(web, url, ret_server, error);
	if (r == -ENOENT)
		r = find_elsewhere(web, url, ret_server, error);
	if (r == -ENOENT)
		oauth_fail(error, r,
		    "no OAuth metadata are there: is it the address of the"
		    " service's MCP server?");
	return r;
}
