#include "api/api.h"

#include <errno.h>
#include <stdlib.h>

#include "api/api_parts.h"
#include "api/auth.h"
#include "api/call.h"
#include "api/shortfalls.h"
#include "api/storage.h"
#include "api/token.h"
#include "api/trial.h"

/* A quota with fewer answers left than this is spent on nothing guessed. */
#define QUOTA_LOW 20

/* The token wants another pair. */
static void on_renew(void *ctx)
{
	struct api *api = ctx;
	auth_renew(api->auth);
}

/* It wants to know whether the one it has is good. */
static void on_check(void *ctx)
{
	struct api *api = ctx;
	trial_begin(api->calls, api->token);
}

static const struct token_events token_events = {on_renew, on_check};

/* Signing in, over the calls that carry what comes of it. */
static int make_auth(
    struct api *api, struct http *http, const struct api_config *config)
{
	struct auth_config auth = {
	    .calls = api->calls,
	    .token = api->token,
	    .redact = &api->redact,
	    .counts = &api->counts,
	    .http = http,
	    .keeper = config->keeper,
	    .email = config->email,
	    .password = config->password,
	    .mfa_code = config->mfa_code,
	    .patience_ms = config->retry_ms,
	};
	api->auth = auth_new(&auth);
	return api->auth ? 0 : -ENOMEM;
}

static int make_calls(struct api *api, struct http *http,
    const struct api_config *config, struct failures *failures)
{
	struct calls_config calls = {
	    .http = http,
	    .url = config->url,
	    .key = config->key,
	    .token = api->token,
	    .redact = &api->redact,
	    .failures = failures,
	    .counts = &api->counts,
	    .connections = config->connections,
	    .waits = config->waits,
	    .ctx = config->ctx,
	};
	api->calls = calls_new(&calls);
	return api->calls ? 0 : -ENOMEM;
}

int api_new(struct http *http, const struct api_config *config,
    struct failures *failures, struct api **ret_api)
{
	struct api *api = calloc(1, sizeof(*api));
	if (!api)
		return -ENOMEM;
	api->patience_ms = config->retry_ms;
	api->lacks_specs = config->lacks_specs;
	api->failures = failures;
	api->counts.quota_left = -1;
	api->redact = (struct redact){.key = config->key,
	    .password = config->password,
	    .mfa_code = config->mfa_code};
	if (!(api->shortfalls = shortfalls_new()))
		goto fail;
	if ((config->email || config->keeper) &&
	    !(api->token = token_new(http, &token_events, api)))
		goto fail;
	api->redact.token = api->token;
	if (make_calls(api, http, config, failures) < 0)
		goto fail;
	if (api->token && make_auth(api, http, config) < 0)
		goto fail;
	api->storage = storage_new(
	    http, config->connections, config->retry_ms, &api->counts);
	if (!api->storage)
		goto fail;
	*ret_api = api;
	return 0;
fail:
	api_free(api);
	return -ENOMEM;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	storage_free(api->storage);
	calls_free(api->calls);
	free(api->probe);
	auth_free(api->auth);
	token_free(api->token);
	shortfalls_free(api->shortfalls);
	free(api);
}

void api_set_mfa_code(struct api *api, const char *code)
{
	api->redact.mfa_code = code;
	if (!api->token)
		return;
	auth_set_mfa_code(api->auth, code);
	token_forget_refusal(api->token);
}

void api_counters(struct api *api, struct api_counters *ret_counters)
{
	const struct counts *counts = &api->counts;
	*ret_counters = (struct api_counters){
	    .requests = counts->requests,
	    .objects = counts->objects,
	    .retries = counts->retries,
	    .sign_ins = counts->sign_ins,
	    .refreshes = counts->refreshes,
	    .limited = counts->limited,
	    .bytes = counts->bytes,
	    .quota_left = counts->quota_left,
	    .held_until_ms = counts->held_until_ms,
	};
}

bool api_shortfall(struct api *api, const char *table, char *out, size_t size)
{
	return shortfalls_find(api->shortfalls, table, out, size);
}

bool api_quota_is_low(struct api *api)
{
	int64_t left = api->counts.quota_left;
	return left >= 0 && left < QUOTA_LOW;
}

void api_cancel(struct api_call *call)
{
	call_cancel(call);
}
