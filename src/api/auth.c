/*
 * Tokens: signed in for, renewed before they expire or when refused, one
 * renewal at a time.
 *
 *   no token ──► signing in ──► token ──► refreshing ──► token
 *                    ▲                        │ failed in any way
 *                    └────────────────────────┘
 *
 * A refresh token is used once, whatever comes of it: sent again after an
 * answer that was lost, it would look like a replay and end all sessions.
 */
#include "api/call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "json/json.h"

/* After a refusal, sign-in is not tried again for so long: servers count. */
#define REFUSED_MS 15000

/* Renew this long before a token ends, or a tenth of its life if shorter. */
#define AHEAD_MS 60000

/* But not before so long. */
#define LEAST_MS 1000

void auth_init(struct auth *auth, struct api *api)
{
	*auth = (struct auth){.api = api, .patience_ms = api->config.retry_ms};
	TAILQ_INIT(&auth->waiting);
}

void auth_done(struct auth *auth)
{
	answer_tokens_done(&auth->tokens);
	answer_tokens_done(&auth->previous);
}

bool auth_is_due(const struct auth *auth)
{
	if (!auth->api->config.email)
		return false;
	return !auth->tokens.access || auth->renewal ||
	       http_now(auth->api->http) >= auth->expires_ms;
}

/* Tell everybody who waits now: who does so again waits for the next token. */
static void wake(struct auth *auth, const struct api_error *error)
{
	struct auth_queue batch = TAILQ_HEAD_INITIALIZER(batch);
	struct auth_waiter *waiter;
	TAILQ_CONCAT(&batch, &auth->waiting, link);
	TAILQ_FOREACH (waiter, &batch, link)
		waiter->queue = &batch;
	while ((waiter = TAILQ_FIRST(&batch))) {
		auth_stop_waiting(waiter);
		waiter->ready(waiter->ctx, error);
	}
}

void auth_stop_waiting(struct auth_waiter *waiter)
{
	if (!waiter->queue)
		return;
	TAILQ_REMOVE(waiter->queue, waiter, link);
	waiter->queue = NULL;
}

/* A token is used for a while, whatever its server says of its life: else one
 * that is due at once would be renewed for ever, and never be used. Should it
 * be refused, that costs a renewal. */
static int64_t used_for_ms(const struct answer_tokens *tokens)
{
	int64_t ahead = tokens->lifetime_ms / 10;
	if (ahead > AHEAD_MS)
		ahead = AHEAD_MS;
	int64_t used = tokens->lifetime_ms - ahead;
	return used > LEAST_MS ? used : LEAST_MS;
}

/* ---- one renewal ---- */

struct renewal {
	struct auth *auth;
	struct buf body;
	bool refresh;
};

static void renew(struct auth *auth);

static int renewal_body(void *ctx, const char *data, size_t len)
{
	struct renewal *renewal = ctx;
	return buf_add(&renewal->body, data, len);
}

static void renewal_restart(void *ctx)
{
	struct renewal *renewal = ctx;
	buf_clear(&renewal->body);
}

static int renewal_end(void *ctx, struct api_error *error)
{
	struct renewal *renewal = ctx;
	struct auth *auth = renewal->auth;
	struct answer_tokens tokens;
	int r =
	    answer_tokens(buf_str(&renewal->body), renewal->body.len, &tokens);
	/* A pair is adopted whole or not at all. */
	if (r == 0 && renewal->refresh && !tokens.refresh) {
		answer_tokens_done(&tokens);
		r = -EPROTO;
	}
	if (r < 0) {
		api_fill_error(auth->api, buf_str(&renewal->body),
		    renewal->body.len, error);
		return r;
	}
	answer_tokens_done(&auth->tokens);
	auth->tokens = tokens;
	auth->generation++;
	auth->expires_ms = http_now(auth->api->http) + used_for_ms(&tokens);
	return 0;
}

static void renewal_done(void *ctx, const struct api_error *error)
{
	struct renewal *renewal = ctx;
	struct auth *auth = renewal->auth;
	auth->renewal = NULL;
	if (error->err && renewal->refresh) {
		renew(auth); /* by signing in: there is no refresh token now */
		return;
	}
	if (error->err == -EACCES) {
		auth->refused_until_ms = http_now(auth->api->http) + REFUSED_MS;
		auth->refusal = *error;
	}
	wake(auth, error);
}

static void renewal_release(void *ctx)
{
	struct renewal *renewal = ctx;
	buf_done(&renewal->body);
	free(renewal);
}

static const struct call_ops renewal_ops = {
    .body = renewal_body,
    .restart = renewal_restart,
    .end = renewal_end,
    .done = renewal_done,
    .release = renewal_release,
};

static int add_member(struct buf *out, const char *name, const char *value)
{
	int r = buf_printf(out, "%s\"%s\":", out->len ? "," : "{", name);
	return r < 0 ? r : json_string_encode(value, strlen(value), out);
}

static int write_body(struct auth *auth, bool refresh, struct buf *out)
{
	const struct api_config *config = &auth->api->config;
	int r;
	if (refresh) {
		r = add_member(out, "refreshToken", auth->tokens.refresh);
	} else {
		r = add_member(out, "method", "password");
		if (r == 0)
			r = add_member(out, "email", config->email);
		if (r == 0)
			r = add_member(out, "password", config->password);
		if (r == 0 && config->mfa_code)
			r = add_member(out, "mfaCode", config->mfa_code);
	}
	return r < 0 ? r : buf_addc(out, '}');
}

static void renew(struct auth *auth)
{
	struct api *api = auth->api;
	bool refresh = auth->tokens.refresh != NULL;
	struct api_error error = {.err = -ENOMEM};
	struct buf body;
	buf_init_secret(&body, 2 * ANSWER_MAX);
	struct renewal *renewal = calloc(1, sizeof(*renewal));
	if (renewal && write_body(auth, refresh, &body) == 0) {
		renewal->auth = auth;
		renewal->refresh = refresh;
		buf_init_secret(&renewal->body, ANSWER_MAX);
		if (refresh)
			api->refreshes++;
		else
			api->sign_ins++;
		struct call_spec spec = {
		    .method = "POST",
		    .path =
			refresh ? "/v1/auth/refresh" : "/v1/auth/email/signin",
		    .subject = "(sign-in)",
		    .body = buf_str(&body),
		    .token = TOKEN_NONE,
		    .patience_ms = auth->patience_ms,
		    .silence_ms = auth->silence_ms,
		    .once = refresh,
		    .urgent = true,
		};
		auth->renewal = call_start(api, &spec, &renewal_ops, renewal);
		renewal = NULL; /* the call's, or released by it */
	}
	free(renewal);
	/* Whatever comes of it, this pair is not used again; but an answer may
	 * still repeat it. */
	if (auth->tokens.access) {
		answer_tokens_done(&auth->previous);
		auth->previous = auth->tokens;
		auth->tokens = (struct answer_tokens){0};
	}
	buf_done(&body);
	if (!auth->renewal)
		wake(auth, &error);
}

void auth_wait(struct auth *auth, struct auth_waiter *waiter)
{
	struct api_error refusal = auth->refusal;
	if (!auth->renewal && !auth->tokens.refresh &&
	    http_now(auth->api->http) < auth->refused_until_ms) {
		waiter->ready(waiter->ctx, &refusal);
		return;
	}
	TAILQ_INSERT_TAIL(&auth->waiting, waiter, link);
	waiter->queue = &auth->waiting;
	if (!auth->renewal)
		renew(auth);
}

void auth_reject(struct auth *auth, bool drop_refresh)
{
	auth->expires_ms = 0;
	if (drop_refresh)
		free_secret(TAKE(auth->tokens.refresh));
}
