/*
 *   no token ──► signing in ──► token ──► refreshing ──► token
 *                    ▲                        │ failed in any way
 *                    └────────────────────────┘
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
#include "base/buf.h"
#include "json/json.h"

struct auth {
	struct auth_config config;
	int64_t patience_ms;
	int64_t silence_ms;
};

struct auth *auth_new(const struct auth_config *config)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	if (!auth)
		return NULL;
	auth->config = *config;
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
	token_adopt(config->token, &pair);
	return 0;
}

static void renewal_done(void *ctx, const struct api_error *error)
{
	struct renewal *renewal = ctx;
	struct auth *auth = renewal->auth;
	if (error->err && renewal->refresh)
		auth_renew(auth); /* by signing in: no refresh token is left */
	else
		token_settle(auth->config.token, error);
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
    struct auth *auth, bool refresh, const char *body)
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
	*renewal = (struct renewal){.auth = auth, .refresh = refresh};
	buf_init_secret(&renewal->body, ANSWER_MAX);
	if (refresh)
		config->counts->refreshes++;
	else
		config->counts->sign_ins++;
	return call_start(config->calls, &spec, &renewal_ops, renewal);
}

void auth_renew(struct auth *auth)
{
	const struct auth_config *config = &auth->config;
	const char *refresh = token_refresh(config->token);
	struct api_call *renewal = NULL;
	struct buf body;
	buf_init_secret(&body, 2 * ANSWER_MAX);
	if (write_body(config, refresh, &body) == 0)
		renewal = renewal_start(auth, refresh != NULL, buf_str(&body));
	token_retire(config->token);
	buf_done(&body);
	if (!renewal)
		token_settle(
		    config->token, &(struct api_error){.err = -ENOMEM});
}
