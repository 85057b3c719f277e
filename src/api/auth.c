/*
 *   no token ──► signing in ──► token ──► refreshing ──► token
 *                    ▲                        │ failed in any way
 *                    └────────────────────────┘
 *
 * With a keeper, it is he who has the refresh token:
 *
 *   no token ──► waiting for him ──► token, of another mount
 *                    ▲   └──► refreshing ──► token
 *                    │             │ never sent: back to him, after a pause
 *                    └─────────────┤
 *                                  └──► lost: as without him, if there is a
 *                                       password, else refused
 *
 * A refresh token is used once, whatever comes of it: sent again after an
 * answer that was lost, it would look like a replay and end all sessions.
 */
#include "api/auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/counts.h"
#include "api/redact.h"
#include "api/token.h"
#include "api/token_keeper.h"
#include "base/buf.h"
#include "json/json.h"

/* Another mount has the token for as long as a request takes. */
#define BUSY_MS 50
/* There was no connection to send it on. */
#define UNSENT_MS 1000

struct auth {
	struct auth_config config;
	bool is_lost;	      /* what the keeper had */
	int64_t unsent_since; /* http_now of the first try; -1: none */
	int64_t patience_ms;
	int64_t silence_ms;
};

struct auth *auth_new(const struct auth_config *config)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	if (!auth)
		return NULL;
	auth->config = *config;
	auth->unsent_since = -1;
	auth->is_lost = !config->keeper;
	auth_reset_patience(auth);
	return auth;
}

void auth_free(struct auth *auth)
{
	free(auth);
}

void auth_set_mfa_code(struct auth *auth, const char *code)
{
	auth->config.mfa_code = code;
}

void auth_set_patience(
    struct auth *auth, int64_t patience_ms, int64_t silence_ms)
{
	auth->patience_ms = patience_ms;
	auth->silence_ms = silence_ms;
}

void auth_reset_patience(struct auth *auth)
{
	auth_set_patience(auth, auth->config.patience_ms, 0);
}

struct renewal {
	struct auth *auth;
	struct buf body;
	bool refresh;
	char *kept; /* the keeper's token; owned; NULL: not his */
};

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
	const struct auth_config *config = &renewal->auth->config;
	struct answer_tokens pair;
	int r =
	    answer_tokens(buf_str(&renewal->body), renewal->body.len, &pair);
	/* A pair is adopted whole or not at all. */
	if (r == 0 && renewal->refresh && !pair.refresh) {
		answer_tokens_done(&pair);
		r = -EPROTO;
	}
	if (r < 0) {
		redact_error(config->redact, buf_str(&renewal->body),
		    renewal->body.len, error);
		return r;
	}
	if (renewal->kept) {
		config->keeper->keep(config->keeper->ctx, &pair);
		/* From here on it is his alone to give out. */
		free_secret(TAKE(pair.refresh));
		free_secret(TAKE(renewal->kept));
	}
	token_adopt(config->token, &pair,
	    renewal->refresh ? TOKEN_REFRESHED : TOKEN_SIGNED_IN);
	return 0;
}

static void on_pause(void *ctx)
{
	auth_renew(ctx);
}

static void renew_later(struct auth *auth, int64_t pause_ms)
{
	const struct auth_config *config = &auth->config;
	if (!http_timer_start(config->http, pause_ms, on_pause, auth))
		token_settle(
		    config->token, &(struct api_error){.err = -ENOMEM});
}

/* It stands for a token that was not sent, for there was no connection. True:
 * it is tried again soon. */
static bool give_back(struct renewal *renewal)
{
	struct auth *auth = renewal->auth;
	const struct api_keeper *keeper = auth->config.keeper;
	int64_t now = http_now(auth->config.http);
	struct answer_tokens same = {.refresh = renewal->kept};
	keeper->keep(keeper->ctx, &same);
	if (auth->unsent_since < 0)
		auth->unsent_since = now;
	if (now - auth->unsent_since >= auth->patience_ms) {
		auth->unsent_since = -1;
		return false;
	}
	renew_later(auth, UNSENT_MS);
	return true;
}

static bool was_not_sent(const struct api_error *error)
{
	return error->status == 0 &&
	       (error->err == -ENETUNREACH || error->err == -ETIMEDOUT);
}

/* The keeper's token brought no other one. */
static void lose(struct renewal *renewal, const struct api_error *error)
{
	struct auth *auth = renewal->auth;
	const struct auth_config *config = &auth->config;
	if (was_not_sent(error)) {
		if (!give_back(renewal))
			token_settle(config->token, error);
		return;
	}
	config->keeper->keep(config->keeper->ctx, NULL);
	auth->is_lost = true;
	if (config->password)
		auth_renew(auth);
	else
		token_settle(config->token, error);
}

static void renewal_done(void *ctx, const struct api_error *error)
{
	struct renewal *renewal = ctx;
	struct auth *auth = renewal->auth;
	if (!error->err)
		auth->unsent_since = -1;
	if (renewal->kept)
		lose(renewal, error);
	else if (error->err && renewal->refresh && auth->config.password)
		auth_renew(auth); /* by signing in: no refresh token is left */
	else
		token_settle(auth->config.token, error);
}

static void renewal_release(void *ctx)
{
	struct renewal *renewal = ctx;
	buf_done(&renewal->body);
	free_secret(renewal->kept);
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

/* refresh: the token to refresh with; NULL: sign in. */
static int write_body(
    const struct auth_config *config, const char *refresh, struct buf *out)
{
	int r;
	if (refresh) {
		r = add_member(out, "refreshToken", refresh);
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

static struct api_call *renewal_start(
    struct auth *auth, bool refresh, char **kept, const char *body)
{
	const struct auth_config *config = &auth->config;
	struct call_spec spec = {
	    .method = "POST",
	    .path = refresh ? "/v1/auth/refresh" : "/v1/auth/email/signin",
	    .subject = "(sign-in)",
	    .body = body,
	    .patience_ms = auth->patience_ms,
	    .silence_ms = auth->silence_ms,
	    .once = refresh,
	    .urgent = true,
	};
	struct renewal *renewal = calloc(1, sizeof(*renewal));
	if (!renewal)
		return NULL;
	*renewal = (struct renewal){
	    .auth = auth, .refresh = refresh, .kept = TAKE(*kept)};
	buf_init_secret(&renewal->body, ANSWER_MAX);
	if (refresh)
		config->counts->refreshes++;
	else
		config->counts->sign_ins++;
	return call_start(config->calls, &spec, &renewal_ops, renewal);
}

/* refresh: the token to use; NULL: sign in. kept: the same, from the keeper,
 * taken over; or NULL. */
static void renew_by(struct auth *auth, const char *refresh, char *kept)
{
	const struct auth_config *config = &auth->config;
	struct api_call *renewal = NULL;
	bool is_kept = kept != NULL;
	char *spent = kept ? strdup(kept) : NULL;
	struct buf body;
	buf_init_secret(&body, 2 * ANSWER_MAX);
	if ((!kept || spent) && write_body(config, refresh, &body) == 0)
		renewal =
		    renewal_start(auth, refresh != NULL, &kept, buf_str(&body));
	buf_done(&body);
	if (!renewal && is_kept)
		config->keeper->keep(config->keeper->ctx,
		    spent ? &(struct answer_tokens){.refresh = spent} : NULL);
	free_secret(kept);
	if (spent)
		token_retire_for(config->token, spent);
	else
		token_retire(config->token);
	if (!renewal)
		token_settle(
		    config->token, &(struct api_error){.err = -ENOMEM});
}

static void renew_alone(struct auth *auth)
{
	static const struct api_error over = {
	    .err = -EACCES,
	    .code = "auth/session-expired",
	    .message = "the session has ended",
	};
	const struct auth_config *config = &auth->config;
	const char *refresh = token_refresh(config->token);
	if (refresh || config->password)
		renew_by(auth, refresh, NULL);
	else
		token_settle(config->token, &over);
}

/* What the keeper has. */
static void on_taken(void *ctx, int err, struct answer_tokens *pair)
{
	struct auth *auth = ctx;
	const struct auth_config *config = &auth->config;
	if (err == -EAGAIN) {
		renew_later(auth, BUSY_MS);
	} else if (err < 0) {
		auth->is_lost = true;
		renew_alone(auth);
	} else if (pair->access) {
		token_retire(config->token);
		token_adopt(config->token, pair, TOKEN_SHARED);
		token_settle(config->token, &(struct api_error){0});
	} else {
		renew_by(auth, pair->refresh, pair->refresh);
	}
}

void auth_renew(struct auth *auth)
{
	const struct api_keeper *keeper = auth->config.keeper;
	if (auth->is_lost)
		renew_alone(auth);
	else
		keeper->take(keeper->ctx, on_taken, auth);
}
