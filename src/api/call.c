#include "api/call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "api/retry.h"
#include "base/random.h"

/* Attempts with a token that was renewed meanwhile cost nothing, but end. */
#define STALE_TOKENS_MAX 8

struct api_call {
	struct api *api;
	struct call_spec spec; /* its strings are owned */
	const struct call_ops *ops;
	void *ctx;
	struct gate_pass pass;
	struct auth_waiter waiter;
	struct http_call *http_call;
	struct http_timer *timer;
	struct http_head head;
	struct buf error_body;
	bool refused; /* our own side did not like the body */
	unsigned attempt;
	unsigned renewals;     /* 1: refreshed, 2: signed in again */
	unsigned stale_tokens; /* refusals of tokens that are gone already */
	int64_t started_ms;
	uint64_t token_generation; /* of the token that was sent */
	TAILQ_ENTRY(api_call) link;
};

static void attempt_begin(struct api_call *call);

static void call_free(struct api_call *call)
{
	struct api *api = call->api;
	http_cancel(api->http, call->http_call);
	http_timer_stop(api->http, call->timer);
	auth_stop_waiting(&call->waiter);
	TAILQ_REMOVE(&api->calls, call, link);
	call->http_call = NULL;
	call->ops->release(call->ctx);
	buf_done(&call->error_body);
	free((char *)call->spec.path);
	free((char *)call->spec.subject);
	free_secret((char *)call->spec.body);
	struct gate_pass pass = call->pass;
	if (pass.state == PASS_WAITING)
		gate_leave(&api->gate, &call->pass);
	free(call);
	/* Last, since it may let others in, who know nothing of this one. */
	if (pass.state == PASS_IN)
		gate_leave(&api->gate, &pass);
}

void api_cancel(struct api_call *call)
{
	if (call)
		call_free(call);
}

/* "GET /v1/data/posts", without the query. */
static void describe(const struct api_call *call, char *out, size_t size)
{
	snprintf(out, size, "%s %.*s", call->spec.method,
	    (int)strcspn(call->spec.path, "?"), call->spec.path);
}

static void report(const struct api_call *call, const struct api_error *error)
{
	char request[512];
	if ((call->spec.expects_miss && error->err == -ENOENT) ||
	    (call->spec.may_be_refused && error->status == 400))
		return;
	describe(call, request, sizeof(request));
	failures_add(call->api->failures, call->spec.subject, request,
	    error->status, error->err, error->code, error->message);
	log_warn("%s: %s: status %d%s%s%s%s", call->spec.subject, request,
	    error->status, error->code[0] ? ", " : "", error->code,
	    error->message[0] ? ": " : "", error->message);
}

static void finish(struct api_call *call, struct api_error *error)
{
	if (error->err)
		report(call, error);
	call->ops->done(call->ctx, error);
	call_free(call);
}

static void on_pause_over(void *ctx)
{
	struct api_call *call = ctx;
	call->timer = NULL;
	attempt_begin(call);
}

/* Try again after a pause, if the policy says so. False: it gives up. */
static bool pause_and_retry(struct api_call *call, int status, int err)
{
	struct api *api = call->api;
	struct retry_outcome outcome = {
	    .status = status,
	    .err = err,
	    .retry_after_ms = call->head.retry_after_ms,
	    .attempt = call->attempt,
	    .elapsed_ms = http_now(api->http) - call->started_ms,
	    .budget_ms = call->spec.patience_ms,
	    .random = (uint32_t)(random_next(&api->random) >> 32),
	};
	if (call->spec.once && status != 429)
		return false;
	int64_t wait = retry_wait_ms(&outcome);
	if (wait < 0)
		return false;
	char request[512];
	describe(call, request, sizeof(request));
	log_info("%s: %s: status %d, trying again in %" PRId64 " ms",
	    call->spec.subject, request, status, wait);
	api->retries++;
	if (api->config.waits)
		api->config.waits(api->config.ctx, status, wait);
	if (status == 429) {
		api->limited++;
		gate_hold(&api->gate, wait);
	}
	call->timer = http_timer_start(api->http, wait, on_pause_over, call);
	if (!call->timer)
		return false;
	/* After the hold, or it would let one more in. */
	gate_leave(&api->gate, &call->pass);
	return true;
}

/* 401: true when a renewed token is worth another attempt. */
static bool renew_and_retry(struct api_call *call)
{
	struct auth *auth = &call->api->auth;
	if (call->spec.token == TOKEN_NONE || !call->api->config.email)
		return false;
	if (call->token_generation != auth->generation) {
		if (call->stale_tokens++ >= STALE_TOKENS_MAX)
			return false;
	} else {
		if (call->renewals >= 2)
			return false;
		auth_reject(auth, call->renewals++ == 1);
	}
	gate_leave(&call->api->gate, &call->pass);
	attempt_begin(call);
	return true;
}

/* What comes of an attempt. The call is still inside the gate, and leaves it on
 * each way from here. */
static void conclude(struct api_call *call, int err, const char *detail)
{
	struct api_error error = {0};
	int status = call->head.status;
	if (err == 0 && status >= 200 && status < 300) {
		error.status = status;
		err = call->ops->end(call->ctx, &error);
		if (err == 0) {
			finish(call, &error);
			return;
		}
		/* A body of the length that was announced, or none where
		 * there never is one, is as it was meant. */
		if (err == -EPIPE &&
		    (call->head.content_length >= 0 || status == 204))
			err = -EPROTO;
		status = err == -EPIPE ? 0 : status;
		detail = "the answer is not what the API promises";
	} else if (err == 0) {
		api_fill_error(call->api, buf_str(&call->error_body),
		    call->error_body.len, &error);
		if (status >= 300 && status < 400 && call->head.location[0])
			api_fill_redirect(
			    call->api, call->head.location, &error);
	} else if (call->refused) {
		detail = "the answer is not what the API promises";
	} else {
		status = 0;
	}
	error.status = status;
	if (status == 401 && err == 0 && renew_and_retry(call))
		return;
	call->ops->restart(call->ctx);
	if (pause_and_retry(call, err ? 0 : status, err))
		return;
	if (err && !error.message[0])
		snprintf(error.message, sizeof(error.message), "%s", detail);
	error.err = retry_errno(status, err);
	finish(call, &error);
}

static int on_head(void *ctx, const struct http_head *head)
{
	struct api_call *call = ctx;
	call->head = *head;
	if (head->quota_left >= 0)
		call->api->quota_left = head->quota_left;
	if (call->ops->head && head->status >= 200 && head->status < 300)
		call->ops->head(call->ctx, head);
	return 0;
}

static int on_body(void *ctx, const void *data, size_t len)
{
	struct api_call *call = ctx;
	call->api->bytes += len;
	if (call->head.status >= 200 && call->head.status < 300) {
		int r = call->ops->body(call->ctx, data, len);
		call->refused = r < 0;
		return r;
	}
	/* An error's body is only read for its words: what is too long is
	 * let go. */
	size_t room = call->error_body.max - call->error_body.len;
	return buf_add(&call->error_body, data, len < room ? len : room);
}

static void on_done(void *ctx, int err, const char *detail)
{
	struct api_call *call = ctx;
	call->http_call = NULL;
	conclude(call, err, detail);
}

static const struct http_sink sink = {on_head, on_body, on_done};

/* What is sent; one without its token would have a guest's answer. */
struct sent {
	struct buf url;
	struct buf bearer; /* a secret */
	const char *headers[5];
};

static int sent_init(struct sent *sent, const struct api_call *call)
{
	const struct api *api = call->api;
	const char *token =
	    call->spec.token == TOKEN_CARRIED ? api->auth.tokens.access : NULL;
	size_t count = 0;
	*sent = (struct sent){0};
	buf_init(&sent->url, strlen(api->config.url) + PATH_MAX_BYTES);
	buf_init_secret(&sent->bearer, 2 * ANSWER_MAX);
	sent->headers[count++] = api->key_header;
	sent->headers[count++] = "Accept: application/json";
	if (call->spec.body)
		sent->headers[count++] = "Content-Type: application/json";
	int r =
	    buf_printf(&sent->url, "%s%s", api->config.url, call->spec.path);
	if (r == 0 && token) {
		r = buf_printf(
		    &sent->bearer, "Authorization: Bearer %s", token);
		sent->headers[count++] = buf_str(&sent->bearer);
	}
	return r;
}

static void sent_done(struct sent *sent)
{
	buf_done(&sent->bearer);
	buf_done(&sent->url);
}

static void send_request(struct api_call *call)
{
	struct api *api = call->api;
	struct sent sent;
	int r = sent_init(&sent, call);
	struct http_request request = {
	    .method = call->spec.method,
	    .url = buf_str(&sent.url),
	    .headers = sent.headers,
	    .body = call->spec.body,
	    .body_len = call->spec.body ? strlen(call->spec.body) : 0,
	    .compressed = true,
	    .fresh = call->spec.once,
	    .silence_ms = call->spec.silence_ms,
	};
	if (r == 0)
		call->http_call = http_start(api->http, &request, &sink, call);
	sent_done(&sent);
}

/* The gate is open: send. */
static void on_pass(void *ctx)
{
	struct api_call *call = ctx;
	struct api *api = call->api;
	/* The token may have gone while we waited at the gate; without it the
	 * answer would be a guest's, who may see less. */
	if (call->spec.token == TOKEN_CARRIED && auth_is_due(&api->auth)) {
		gate_leave(&api->gate, &call->pass);
		auth_wait(&api->auth, &call->waiter);
		return;
	}
	call->token_generation = api->auth.generation;
	call->attempt++;
	call->refused = false;
	call->head =
	    (struct http_head){.content_length = -1, .retry_after_ms = -1};
	buf_clear(&call->error_body);
	api->requests++;
	send_request(call);
	if (!call->http_call) {
		struct api_error error = {.err = -ENOMEM};
		gate_leave(&api->gate, &call->pass);
		finish(call, &error);
	}
}

static void on_token(void *ctx, const struct api_error *error)
{
	struct api_call *call = ctx;
	if (error->err) {
		struct api_error final = *error;
		finish(call, &final);
		return;
	}
	gate_enter(&call->api->gate, &call->pass);
}

static void attempt_begin(struct api_call *call)
{
	struct auth *auth = &call->api->auth;
	if (call->spec.token == TOKEN_CARRIED && auth_is_due(auth))
		auth_wait(auth, &call->waiter);
	else
		gate_enter(&call->api->gate, &call->pass);
}

static void on_start(void *ctx)
{
	struct api_call *call = ctx;
	call->timer = NULL;
	attempt_begin(call);
}

struct api_call *call_start(struct api *api, const struct call_spec *spec,
    const struct call_ops *ops, void *ctx)
{
	struct api_call *call = calloc(1, sizeof(*call));
	if (!call) {
		ops->release(ctx);
		return NULL;
	}
	*call = (struct api_call){
	    .api = api, .spec = *spec, .ops = ops, .ctx = ctx};
	call->spec.path = strdup(spec->path);
	call->spec.subject = strdup(spec->subject);
	call->spec.body = spec->body ? strdup(spec->body) : NULL;
	call->pass = (struct gate_pass){.go = on_pass,
	    .ctx = call,
	    .urgent = spec->urgent,
	    .speculative = spec->speculative};
	call->waiter = (struct auth_waiter){.ready = on_token, .ctx = call};
	if (!spec->silence_ms)
		call->spec.silence_ms = retry_silence_ms(spec->patience_ms);
	call->started_ms = http_now(api->http);
	buf_init_secret(&call->error_body, ANSWER_MAX);
	TAILQ_INSERT_TAIL(&api->calls, call, link);
	/* Begun by the loop, so that no callback comes before this returns. */
	call->timer = http_timer_start(api->http, 0, on_start, call);
	if (!call->spec.path || !call->spec.subject ||
	    (spec->body && !call->spec.body) || !call->timer) {
		call_free(call);
		return NULL;
	}
	return call;
}
