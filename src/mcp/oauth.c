#include "mcp/oauth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/percent.h"
#include "json/json.h"
#include "json/parsed.h"
#include "mcp/oauth_ask.h"

#define LIFETIME_DEFAULT_S 3600

/* What we need, and no more. */
#define SCOPE "*:read"

#define CLEANUP_ANSWER CLEANUP(web_answer_done)

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
		return oauth_fail(error, -ENOENT,
		    "the server has no place where to register a client");
	if (buf_printf(&body,
		"{\"client_name\":\"bkendfs\",\"redirect_uris\":[\"%s\"],"
		"\"token_endpoint_auth_method\":\"none\","
		"\"grant_types\":[\"authorization_code\",\"refresh_token\"],"
		"\"response_types\":[\"code\"]}",
		redirect_uri) < 0)
		return oauth_fail(error, -ENOMEM, "out of memory");
	int r = oauth_ask(web,
	    &(struct web_request){.method = "POST",
		.url = server->registration_endpoint,
		.headers = headers,
		.body = buf_str(&body),
		.max = OAUTH_ANSWER_MAX,
		.patience_ms = OAUTH_PATIENCE_MS},
	    &answer, error);
	if (r < 0)
		return r;
	CLEANUP_PARSED cJSON *root =
	    cJSON_ParseWithLength(buf_str(&answer.body), answer.body.len);
	const cJSON *id = parsed_member(root, "client_id");
	if (!is_plain(id))
		return oauth_fail(
		    error, -EPROTO, "the answer has no client_id");
	*ret_client_id = strdup(id->valuestring);
	return *ret_client_id ? 0 : oauth_fail(error, -ENOMEM, "out of memory");
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
	buf_init_secret(&body, OAUTH_ANSWER_MAX);
	*ret_answer = (struct web_answer){0};
	*error = (struct mcp_error){0};
	if (add_pairs(&body, pairs, count) < 0)
		return oauth_fail(error, -ENOMEM, "out of memory");
	return oauth_ask(web,
	    &(struct web_request){.method = "POST",
		.url = url,
		.headers = headers,
		.body = buf_str(&body),
		.max = OAUTH_ANSWER_MAX,
		.patience_ms = OAUTH_PATIENCE_MS,
		.once = true},
	    ret_answer, error);
}

/* ---- tokens ---- */

static int64_t lifetime_ms(const cJSON *root)
{
	const cJSON *value = parsed_member(root, "expires_in");
	double seconds = LIFETIME_DEFAULT_S;
	if (cJSON_IsNumber(value) && value->valuedouble >= 0 &&
	    value->valuedouble < 1e9)
		seconds = value->valuedouble;
	return (int64_t)seconds * 1000;
}

static int read_tokens(const struct web_answer *answer,
    struct oauth_tokens *ret_tokens, struct mcp_error *error)
{
	CLEANUP_PARSED cJSON *root =
	    cJSON_ParseWithLength(buf_str(&answer->body), answer->body.len);
	const cJSON *access = parsed_member(root, "access_token");
	const cJSON *refresh = parsed_member(root, "refresh_token");
	const cJSON *type = parsed_member(root, "token_type");
	struct oauth_tokens tokens = {.lifetime_ms = lifetime_ms(root)};
	if (!is_plain(access) ||
	    (cJSON_IsString(type) &&
		strcasecmp(type->valuestring, "bearer") != 0))
		return oauth_fail(
		    error, -EPROTO, "the answer has no token that serves");
	tokens.access = strdup(access->valuestring);
	if (is_plain(refresh))
		tokens.refresh = strdup(refresh->valuestring);
	if (!tokens.access || (is_plain(refresh) && !tokens.refresh)) {
		free_secret(tokens.access);
		return oauth_fail(error, -ENOMEM, "out of memory");
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
	oauth_hide(error, code);
	oauth_hide(error, verifier);
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
	oauth_hide(error, refresh);
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
	oauth_hide(error, token);
	return r;
}
