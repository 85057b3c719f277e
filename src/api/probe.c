/* The question before a mount: is the server there, and does it let us in? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/api_parts.h"
#include "api/auth.h"
#include "api/call.h"
#include "api/token.h"

/* A table that every project may be asked about: what counts is only whether
 * the key is refused. */
#define PROBE_TABLE "users"

struct probe {
	struct api *api;
	struct token_waiter waiter; /* with an account */
	api_done_fn done;
	void *ctx;
};

/* ---- with an account: a token ---- */

static void on_token(void *ctx, const struct api_error *error)
{
	struct probe *probe = ctx;
	struct api_error copy = *error;
	auth_reset_patience(probe->api->auth);
	probe->api->probe = NULL;
	probe->done(probe->ctx, &copy);
	free(probe);
}

static void probe_by_sign_in(struct probe *probe, int64_t patience_ms)
{
	struct api *api = probe->api;
	probe->waiter = (struct token_waiter){.ready = on_token, .ctx = probe};
	api->probe = probe;
	auth_set_patience(api->auth, patience_ms, patience_ms);
	token_wait(api->token, &probe->waiter);
}

/* ---- without: one request ---- */

static void on_done(void *ctx, const struct api_error *error)
{
	struct probe *probe = ctx;
	probe->done(probe->ctx, error);
}

/* What the answer says is nobody's business. */
static const struct call_ops key_ops = {
    .done = on_done,
    .release = free,
};

static int probe_by_key(
    struct probe *probe, const char *table, int64_t patience_ms)
{
	char path[128];
	snprintf(path, sizeof(path), "/v1/data/%s?page=1&limit=1",
	    table ? table : PROBE_TABLE);
	struct call_spec spec = {
	    .method = "GET",
	    .path = path,
	    .subject = "(key check)",
	    .patience_ms = patience_ms,
	    .silence_ms = patience_ms,
	    .expects_miss = true,
	};
	return call_start(probe->api->calls, &spec, &key_ops, probe) ? 0
								     : -ENOMEM;
}

int api_probe(struct api *api, const char *table, int64_t patience_ms,
    api_done_fn done, void *ctx)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	*probe = (struct probe){.api = api, .done = done, .ctx = ctx};
	if (!api->token)
		return probe_by_key(probe, table, patience_ms);
	probe_by_sign_in(probe, patience_ms);
	return 0;
}
