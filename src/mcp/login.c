#include "mcp/login.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/timestamp.h"
#include "mcp/loopback.h"
#include "mcp/oauth.h"
#include "mcp/pkce.h"

struct login {
	struct web *web;
	struct oauth_server server;
	char *client_id;
	char state[PKCE_SIZE];
	char verifier[PKCE_SIZE]; /* a secret */
	char challenge[PKCE_SIZE];
	struct lock lock;
	/* Under lock. */
	struct loopback *loopback; /* NULL: not open */
	bool cancelled;
};

struct login *login_new(struct web *web)
{
	struct login *login = calloc(1, sizeof(*login));
	if (!login)
		return NULL;
	login->web = web;
	lock_init(&login->lock);
	return login;
}

void login_free(struct login *login)
{
	if (!login)
		return;
	loopback_close(login->loopback);
	oauth_server_done(&login->server);
	free(login->client_id);
	explicit_bzero(login->verifier, sizeof(login->verifier));
	lock_done(&login->lock);
	free(login);
}

void login_cancel(struct login *login)
{
	lock_acquire(&login->lock);
	login->cancelled = true;
	if (login->loopback)
		loopback_cancel(login->loopback);
	lock_release(&login->lock);
	web_cancel(login->web);
}

static int fail(struct mcp_error *error, int r, const char *message)
{
	*error = (struct mcp_error){.err = r};
	snprintf(error->message, sizeof(error->message), "%s", message);
	return r;
}

/* ---- there ---- */

static int make_secrets(struct login *login, struct mcp_error *error)
{
	int r = pkce_random(login->state);
	if (r == 0)
		r = pkce_random(login->verifier);
	if (r == 0)
		r = pkce_challenge(login->verifier, login->challenge);
	return r < 0 ? fail(error, r, "no random numbers are to be had") : 0;
}

static int open_loopback(struct login *login, struct mcp_error *error)
{
	struct loopback *loopback;
	int r = loopback_open(login->state, &loopback);
	if (r < 0)
		return fail(error, r,
		    "no port of this machine is free for the browser to come"
		    " back to");
	loopback_expect(
	    loopback, login->server.issuer, login->server.tells_issuer);
	lock_acquire(&login->lock);
	login->loopback = loopback;
	if (login->cancelled)
		loopback_cancel(loopback);
	lock_release(&login->lock);
	return 0;
}

static struct oauth_request request_of(const struct login *login)
{
	return (struct oauth_request){
	    .client_id = login->client_id,
	    .redirect_uri = loopback_uri(login->loopback),
	    .state = login->state,
	    .challenge = login->challenge,
	};
}

static int begin(struct login *login, const char *url,
    void (*show)(void *ctx, const char *address), void *ctx,
    struct mcp_error *error)
{
	CLEANUP_BUF struct buf address;
	buf_init(&address, 65536);
	int r = oauth_find(login->web, url, &login->server, error);
	if (r == 0)
		r = make_secrets(login, error);
	if (r == 0)
		r = open_loopback(login, error);
	if (r == 0)
		r = oauth_register(login->web, &login->server,
		    loopback_uri(login->loopback), &login->client_id, error);
	if (r < 0)
		return r;
	struct oauth_request request = request_of(login);
	if (oauth_url(&login->server, &request, &address) < 0)
		return fail(error, -ENOMEM, "out of memory");
	show(ctx, buf_str(&address));
	return 0;
}

/* ---- and back ---- */

static int refused(
    const struct loopback_answer *answer, struct mcp_error *error)
{
	fail(error, -EACCES,
	    answer->words[0] ? answer->words
	    : strcmp(answer->error, "access_denied") == 0
		? "it was denied"
		: "the server refuses");
	snprintf(error->code, sizeof(error->code), "%s", answer->error);
	return -EACCES;
}

static int await_code(struct login *login, int64_t patience_ms, char **ret_code,
    struct mcp_error *error)
{
	struct loopback_answer answer = {0};
	int r = loopback_wait(login->loopback, patience_ms, &answer);
	if (r == -ETIMEDOUT)
		return fail(error, r, "nobody has answered in the browser");
	if (r < 0)
		return fail(error, r, strerror(-r));
	if (!answer.code)
		return refused(&answer, error);
	*ret_code = answer.code;
	return 0;
}

static int copy_grant(const struct login *login,
    const struct oauth_tokens *tokens, struct grant *ret_grant)
{
	const struct oauth_server *server = &login->server;
	*ret_grant = (struct grant){
	    .token_endpoint = strdup(server->token_endpoint),
	    .client_id = strdup(login->client_id),
	    .access = tokens->access,
	    .refresh = tokens->refresh,
	    .expires_ms = timestamp_now_ms() + tokens->lifetime_ms,
	};
	bool whole = ret_grant->token_endpoint && ret_grant->client_id;
	if (server->revocation_endpoint) {
		ret_grant->revocation_endpoint =
		    strdup(server->revocation_endpoint);
		whole = whole && ret_grant->revocation_endpoint;
	}
	if (!whole)
		grant_done(ret_grant);
	return whole ? 0 : -ENOMEM;
}

int login_run(struct login *login, const char *url, int64_t patience_ms,
    void (*show)(void *ctx, const char *address), void *ctx,
    struct grant *ret_grant, struct mcp_error *error)
{
	struct oauth_tokens tokens = {0};
	char *code = NULL;
	int r = begin(login, url, show, ctx, error);
	if (r == 0)
		r = await_code(login, patience_ms, &code, error);
	if (r < 0)
		return r;
	struct oauth_request request = request_of(login);
	r = oauth_exchange(login->web, login->server.token_endpoint, &request,
	    code, login->verifier, &tokens, error);
	free_secret(code);
	if (r == 0 && copy_grant(login, &tokens, ret_grant) < 0)
		r = fail(error, -ENOMEM, "out of memory");
	return r;
}

void login_conclude(struct login *login, bool well, const char *message)
{
	if (login->loopback)
		loopback_conclude(login->loopback, well, message);
}

int login_revoke(
    struct web *web, const struct grant *grant, struct mcp_error *error)
{
	*error = (struct mcp_error){0};
	if (!grant->revocation_endpoint || !grant->client_id)
		return 0;
	int r = 0;
	/* With the one that lives longer, all that was had for it goes. */
	if (grant->refresh)
		r = oauth_revoke(web, grant->revocation_endpoint,
		    grant->client_id, grant->refresh, "refresh_token", error);
	if (r == 0 && grant->access)
		r = oauth_revoke(web, grant->revocation_endpoint,
		    grant->client_id, grant->access, "access_token", error);
	return r;
}
