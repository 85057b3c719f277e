#include "mcp/oauth.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/percent.h"
#include "json/json.h"
#include "mcp/rpc.h"

#define ANSWER_MAX ((size_t)64 << 10)
#define PATIENCE_MS 20000
#define LIFETIME_DEFAULT_S 3600

/* What we need, and no more. */
#define SCOPE "*:read"

static cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

#define CLEANUP_JSON CLEANUP(cleanup_json)
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

/* ---- errors ---- */

/* The length of "https://host:port". */
static size_t origin_len(const char *url)
{
	const char *host = strstr(url, "://");
	return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#")
		    : strlen(url);
}

/* Method and path, which tell nothing that is secret. */
static void name_request(
    struct mcp_error *error, const char *method, const char *url)
{
	const char *path = url + origin_len(url);
	snprintf(error->request, sizeof(error->request), "%s %.*s", method,
	    (int)strcspn(path, "?#"), path);
}

static int fail(struct mcp_error *error, int r, const char *message)
{
	error->err = r;
	snprintf(error->message, sizeof(error->message), "%s", message);
	return r;
}

static int errno_of(int status)
{
	return status == 404   ? -ENOENT
	       : status >= 500 ? -EIO
	       : status == 429 ? -EAGAIN
	       : status >= 400 ? -EACCES
			       : -EPROTO;
}

/* The server's words, if there are some. */
static void tell_refusal(
    struct mcp_error *error, const struct web_answer *answer)
{
	CLEANUP_BUF struct buf words;
	int64_t code;
	buf_init(&words, sizeof(error->message) * 8);
	CLEANUP_JSON cJSON *root =
	    cJSON_ParseWithLength(buf_str(&answer->body), answer->body.len);
	const cJSON *name = member(root, "error");
	if (cJSON_IsString(name))
		snprintf(
		    error->code, sizeof(error->code), "%s", name->valuestring);
	rpc_read_error(buf_str(&answer->body), answer->body.len, &code, &words);
	error->status = answer->status;
	fail(error, errno_of(answer->status),
	    words.len ? buf_str(&words) : "the server refuses");
}

/* What went over the wire and came back in words. */
static void hide(struct mcp_error *error, const char *secret)
{
	if (secret && *secret &&
	    (strstr(error->message, secret) || strstr(error->code, secret))) {
		error->code[0] = '\0';
		strcpy(
		    error->message, "the server's words repeat what is secret");
	}
}

/* 0: the answer is one of success. */
static int ask(struct web *web, const struct web_request *request,
    struct web_answer *ret_answer, struct mcp_error *error)
{
	*error = (struct mcp_error){0};
	name_request(error, request->method, request->url);
	int r = web_ask(web, request, ret_answer);
	if (r < 0)
		return fail(error, r,
		    ret_answer->detail[0] ? ret_answer->detail
		    : r == -ETIME	  ? "no answer came in time"
					  : strerror(-r));
	if (ret_answer->status / 100 == 2)
		return 0;
	tell_refusal(error, ret_answer);
	return error->err;
}

/* ---- where things are ---- */

static bool has_origin_of(const char *url, const char *other)
{
	size_t len = origin_len(url);
	return len == origin_len(other) && strncasecmp(url, other, len) == 0;
}

/* It goes onto a terminal, to a browser by way of a shell script, and into a
 * line of a file. */
static bool is_harmless(const char *url)
{
	for (const char *c = url; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return false;
	}
	size_t origin = origin_len(url);
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
	const cJSON *value = member(root, name);
	if (!cJSON_IsString(value))
		return 0;
	if (!is_endpoint(value->valuestring, from))
		return -EPROTO;
	return (*where = strdup(value->valuestring)) ? 0 : -ENOMEM;
}

static bool does_s256(const cJSON *root)
{
	const cJSON *methods = member(root, "code_challenge_methods_supported");
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
	server->tells_issuer = cJSON_IsTrue(
	    member(root, "authorization_response_iss_parameter_supported"));
	return r;
}

/* One JSON object. -ENOENT: there is none. */
static int get_json(
    struct web *web, const char *url, cJSON **ret_root, struct mcp_error *error)
{
	static const char *const headers[] = {"Accept: application/json", NULL};
	CLEANUP_ANSWER struct web_answer answer;
	int r = ask(web,
	    &(struct web_request){.method = "GET",
		.url = url,
		.headers = headers,
		.max = ANSWER_MAX,
		.patience_ms = PATIENCE_MS},
	    &answer, error);
	if (r < 0)
		return error->status / 100 == 4 || error->status / 100 == 3
			   ? -ENOENT
			   : r;
	*ret_root =
	    cJSON_ParseWithLength(buf_str(&answer.body), answer.body.len);
	if (cJSON_IsObject(*ret_root))
		return 0;
	cJSON_Delete(*ret_root);
	*ret_root = NULL;
	fail(error, -ENOENT, "the answer is no JSON object");
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
	size_t origin = origin_len(url);
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
	CLEANUP_JSON cJSON *root = NULL;
	const char *why;
	int r = -ENOENT;
	for (size_t i = 0; r == -ENOENT && i < ARRAY_SIZE(names); i++)
		r = find_named(web, url, names[i], &root, error);
	if (r < 0)
		return r;
	r = read_server(root, url, ret_server, &why);
	if (r < 0) {
		oauth_server_done(ret_server);
		fail(error, r, why);
	}
	return r;
}

/* The server that gives tokens may be another one; then this one says so. */
static int find_elsewhere(struct web *web, const char *url,
    struct oauth_server *ret_server, struct mcp_error *error)
{
	CLEANUP_JSON cJSON *root = NULL;
	int r = find_named(web, url, "oauth-protected-resource", &root, error);
	const cJSON *first =
	    cJSON_GetArrayItem(member(root, "authorization_servers"), 0);
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
		fail(error, r,
		    "no OAuth metadata are there: is it the address of the"
		    " service's MCP server?");
	return r;
}

/* ---- registration ---- */

/* It goes into URLs, forms, and a line of a file. */
static bool is_plain(const cJSON *value)
{
	if (!cJSON_IsString(value) || !value->valuestring[0] ||
	    strlen(value->valuestring) > 16384)
		return false;
	for (const char *c = value->valuestring; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return false;
	}
	return true;
}

int oauth_register(struct web *web, const struct oauth_server *server,
    const char *redirect_uri, char **ret_client_id, struct mcp_error *error)
{
	static const char *const headers[] = {
	    "Accept: application/json", "Content-Type: application/json", NULL};
	CLEANUP_BUF struct buf body;
	CLEANUP_ANSWER struct web_answer answer = {0};
	*error = (struct mcp_error){0};
	buf_init(&body, 4096);
	if (!server->registration_endpoint)
		return fail(error, -ENOENT,
		    "the server has no place where to register a client");
	if (buf_printf(&body,
		"{\"client_name\":\"bkendfs\",\"redirect_uris\":[\"%s\"],"
		"\"token_endpoint_auth_method\":\"none\","
		"\"grant_types\":[\"authorization_code\",\"refresh_token\"],"
		"\"response_types\":[\"code\"]}",
		redirect_uri) < 0)
		return fail(error, -ENOMEM, "out of memory");
	int r = ask(web,
	    &(struct web_request){.method = "POST",
		.url = server->registration_endpoint,
		.headers = headers,
		.body = buf_str(&body),
		.max = ANSWER_MAX,
		.patience_ms = PATIENCE_MS},
	    &answer, error);
	if (r < 0)
		return r;
	CLEANUP_JSON cJSON *root =
	    cJSON_ParseWithLength(buf_str(&answer.body), answer.body.len);
	const cJSON *id = member(root, "client_id");
	if (!is_plain(id))
		return fail(error, -EPROTO, "the answer has no client_id");
	*ret_client_id = strdup(id->valuestring);
	return *ret_client_id ? 0 : fail(error, -ENOMEM, "out of memory");
}

/* ---- forms ---- */

static int add_pair(struct buf *out, const char *name, const char *value)
{
	int r = buf_printf(out, "%s=", name);
	return r == 0 ? percent_encode(value, strlen(value), out) : r;
}

struct pair {
	const char *name;
	const char *value;
};

static int add_pairs(struct buf *out, const struct pair *pairs, size_t count)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (i)
			r = buf_addc(out, '&');
		if (r == 0)
			r = add_pair(out, pairs[i].name, pairs[i].value);
	}
	return r;
}

int oauth_url(const struct oauth_server *server,
    const struct oauth_request *request, struct buf *out)
{
	const char *base = server->authorization_endpoint;
	const struct pair pairs[] = {
	    {"response_type", "code"},
	    {"client_id", request->client_id},
	    {"code_challenge", request->challenge},
	    {"code_challenge_method", "S256"},
	    {"redirect_uri", request->redirect_uri},
	    {"scope", SCOPE},
	    {"state", request->state},
	};
	int r = buf_printf(out, "%s%c", base, strchr(base, '?') ? '&' : '?');
	return r == 0 ? add_pairs(out, pairs, ARRAY_SIZE(pairs)) : r;
}

static int post_form(struct web *web, const char *url, const struct pair *pairs,
    size_t count, struct web_answer *ret_answer, struct mcp_error *error)
{
	static const char *const headers[] = {"Accept: application/json",
	    "Content-Type: application/x-www-form-urlencoded", NULL};
	CLEANUP_BUF struct buf body;
	buf_init_secret(&body, ANSWER_MAX);
	*ret_answer = (struct web_answer){0};
	*error = (struct mcp_error){0};
	if (add_pairs(&body, pairs, count) < 0)
		return fail(error, -ENOMEM, "out of memory");
	return ask(web,
	    &(struct web_request){.method = "POST",
		.url = url,
		.headers = headers,
		.body = buf_str(&body),
		.max = ANSWER_MAX,
		.patience_ms = PATIENCE_MS,
		.once = true},
	    ret_answer, error);
}

/* ---- tokens ---- */

static void scrub(cJSON *json)
{
	for (; json; json = json->next) {
		if (json->valuestring)
			explicit_bzero(
			    json->valuestring, strlen(json->valuestring));
		scrub(json->child);
	}
}

static int64_t lifetime_ms(const cJSON *root)
{
	const cJSON *value = member(root, "expires_in");
	double seconds = LIFETIME_DEFAULT_S;
	if (cJSON_IsNumber(value) && value->valuedouble >= 0 &&
	    value->valuedouble < 1e9)
		seconds = value->valuedouble;
	return (int64_t)seconds * 1000;
}

static int read_tokens(const struct web_answer *answer,
    struct oauth_tokens *ret_tokens, struct mcp_error *error)
{
	CLEANUP_JSON cJSON *root =
	    cJSON_ParseWithLength(buf_str(&answer->body), answer->body.len);
	const cJSON *access = member(root, "access_token");
	const cJSON *refresh = member(root, "refresh_token");
	const cJSON *type = member(root, "token_type");
	struct oauth_tokens tokens = {.lifetime_ms = lifetime_ms(root)};
	if (!is_plain(access) ||
	    (cJSON_IsString(type) && strcasecmp(type->valuestring, "bearer"))) {
		scrub(root);
		return fail(
		    error, -EPROTO, "the answer has no token that serves");
	}
	tokens.access = strdup(access->valuestring);
	if (is_plain(refresh))
		tokens.refresh = strdup(refresh->valuestring);
	scrub(root);
	if (!tokens.access || (is_plain(refresh) && !tokens.refresh)) {
		free_secret(tokens.access);
		return fail(error, -ENOMEM, "out of memory");
	}
	*ret_tokens = tokens;
	return 0;
}

int oauth_exchange(struct web *web, const char *token_endpoint,
    const struct oauth_request *request, const char *code, const char *verifier,
    struct oauth_tokens *ret_tokens, struct mcp_error *error)
{
	const struct pair pairs[] = {
	    {"grant_type", "authorization_code"},
	    {"code", code},
	    {"code_verifier", verifier},
	    {"client_id", request->client_id},
	    {"redirect_uri", request->redirect_uri},
	};
	CLEANUP_ANSWER struct web_answer answer;
	int r = post_form(
	    web, token_endpoint, pairs, ARRAY_SIZE(pairs), &answer, error);
	if (r == 0)
		r = read_tokens(&answer, ret_tokens, error);
	hide(error, code);
	hide(error, verifier);
	return r;
}

int oauth_refresh(struct web *web, const char *token_endpoint,
    const char *client_id, const char *refresh, struct oauth_tokens *ret_tokens,
    struct mcp_error *error)
{
	const struct pair pairs[] = {
	    {"grant_type", "refresh_token"},
	    {"refresh_token", refresh},
	    {"client_id", client_id},
	};
	CLEANUP_ANSWER struct web_answer answer;
	int r = post_form(
	    web, token_endpoint, pairs, ARRAY_SIZE(pairs), &answer, error);
	if (r == 0)
		r = read_tokens(&answer, ret_tokens, error);
	hide(error, refresh);
	return r;
}

int oauth_revoke(struct web *web, const char *revocation_endpoint,
    const char *client_id, const char *token, const char *hint,
    struct mcp_error *error)
{
	const struct pair pairs[] = {
	    {"token", token},
	    {"token_type_hint", hint},
	    {"client_id", client_id},
	};
	CLEANUP_ANSWER struct web_answer answer;
	int r = post_form(
	    web, revocation_endpoint, pairs, ARRAY_SIZE(pairs), &answer, error);
	hide(error, token);
	return r;
}
