#include "api/call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/answer.h"
#include "api/bearer.h"
#include "api/counts.h"
#include "api/gate.h"
#include "api/redact.h"
#include "api/retry.h"
#include "api/suspects.h"
#include "api/token.h"
#include "base/timestamp.h"
#include "base/buf.h"
#include "base/failures.h"
#include "base/log.h"
#include "base/random.h"

struct calls {
	struct calls_config config;
	char *key_header; /* "X-API-Key: …" */
	struct gate gate;
	uint64_t random; /* for jitter */
	struct suspects suspects;
	TAILQ_HEAD(, api_call) list;
};

struct api_call {
	struct calls *calls;
	struct call_spec spec; /* its strings are owned */
	const struct call_ops *ops;
	void *ctx;
	struct gate_pass pass;
	struct token_waiter waiter;
	struct bearer *bearer; /* NULL: carries no token */
	struct http_call *http_call;
	struct http_timer *timer;
	struct http_head head;
	struct buf error_body;
	bool refused; /* our own side did not like the body */
	unsigned attempt;
	unsigned garbled; /* of these with an answer that nobody understood */
	int64_t started_ms;
	TAILQ_ENTRY(api_call) link;
};

static void attempt_begin(struct api_call *call);

struct calls *calls_new(const struct calls_config *config)
{
	struct calls *calls = calloc(1, sizeof(*calls));
	if (!calls ||
	    asprintf(&calls->key_header, "X-API-Key: %s", config->key) < 0) {
		free(calls);
		return NULL;
	}
	calls->config = *config;
	gate_init(&calls->gate, config->http, config->connections);
	TAILQ_INIT(&calls->list);
	calls->random = random_seed();
	return calls;
}

static void call_free(struct api_call *call)
{
	struct calls *calls = call->calls;
	http_cancel(calls->config.http, call->http_call);
	http_timer_stop(calls->config.http, call->timer);
	token_stop_waiting(&call->waiter);
	bearer_free(call->bearer);
	TAILQ_REMOVE(&calls->list, call, link);
	call->http_call = NULL;
	call->ops->release(call->ctx);
	buf_done(&call->error_body);
	free((char *)call->spec.path);
	free((char *)call->spec.subject);
	free_secret((char *)call->spec.body);
	struct gate_pass pass = call->pass;
	if (pass.state == PASS_WAITING)
		gate_leave(&calls->gate, &call->pass);
	free(call);
	/* Last, since it may let others in, who know nothing of this one. */
	if (pass.state == PASS_IN)
		gate_leave(&calls->gate, &pass);
}

void call_cancel(struct api_call *call)
{
	if (call)
		call_free(call);
}

void calls_free(struct calls *calls)
{
	if (!calls)
		return;
	struct api_call *call;
	while ((call = TAILQ_FIRST(&calls->list)))
		call_free(call);
	gate_done(&calls->gate);
	free_secret(calls->key_header);
	free(calls);
}

/* The token's home, where the call carries one; else NULL. */
static struct token *token_of(const struct api_call *call)
{
	return call->spec.with_token ? call->calls->config.token : NULL;
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
	if (call->spec.may_fail ||
	    (call->spec.expects_miss && error->err == -ENOENT) ||
	    (call->spec.expects_refusal && error->status == 403) ||
	    (call->spec.may_be_refused && error->status == 400))
		return;
	describe(call, request, sizeof(request));
	failures_add(call->calls->config.failures, call->spec.subject, request,
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

/* For who wonders why nothing comes. Loop thread. */
static void note_hold(struct counts *counts, int64_t until_ms)
{
	if (counts->held_until_ms < until_ms)
		counts->held_until_ms = until_ms;
}

/* How an attempt ended. */
struct ending {
	int status; /* 0: no whole answer came */
	int err;
	bool garbled; /* nobody can understand the answer */
	const char *detail;
};

/* Try again after a pause, if the policy says so. False: it gives up. */
static bool pause_and_retry(struct api_call *call, const struct ending *ending)
{
	struct calls *calls = call->calls;
	const struct calls_config *config = &calls->config;
	int status = ending->err ? 0 : ending->status;
	struct retry_outcome outcome = {
	    .status = status,
	    .err = ending->err,
	    .retry_after_ms = call->head.retry_after_ms,
	    .attempt = call->attempt,
	    .garbled = ending->garbled ? call->garbled : 0,
	    .elapsed_ms = http_now(config->http) - call->started_ms,
	    .budget_ms = call->spec.patience_ms,
	    .random = (uint32_t)(random_next(&calls->random) >> 32),
	};
	if ((call->spec.once || call->spec.may_fail) && status != 429)
		return false;
	int64_t wait = retry_wait_ms(&outcome);
	if (wait < 0)
		return false;
	char request[512];
	describe(call, request, sizeof(request));
	log_info("%s: %s: status %d, trying again in %" PRId64 " ms",
	    call->spec.subject, request, status, wait);
	config->counts->retries++;
	if (config->waits)
		config->waits(config->ctx, status, wait);
	if (status == 429) {
		config->counts->limited++;
		gate_hold(&calls->gate, wait);
		note_hold(config->counts, timestamp_now_ms() + wait);
	}
	call->timer = http_timer_start(config->http, wait, on_pause_over, call);
	if (!call->timer)
		return false;
	/* After the hold, or it would let one more in. */
	gate_leave(&calls->gate, &call->pass);
	return true;
}

static void on_again(void *ctx)
{
	struct api_call *call = ctx;
	attempt_begin(call);
}

static void on_refused(void *ctx, const struct api_error *error)
{
	struct api_call *call = ctx;
	struct api_error final = *error;
	finish(call, &final);
}

/* 401: true when the call goes on, or has ended. */
static bool weigh_refusal(struct api_call *call, const struct api_error *error)
{
	if (!call->bearer || call->spec.tries_token ||
	    !bearer_note(call->bearer, error))
		return false;
	gate_leave(&call->calls->gate, &call->pass);
	bearer_follow(call->bearer);
	return true;
}

/* An answer of success, in full. 0 in err: it is what was asked for. */
static void judge_body(
    struct api_call *call, struct ending *ending, struct api_error *error)
{
	int err = call->ops->end ? call->ops->end(call->ctx, error) : 0;
	/* A body of the length that was announced, or none where there never
	 * is one, is as it was meant. */
	if (err == -EPIPE &&
	    (call->head.content_length >= 0 || ending->status == 204))
		err = -EPROTO;
	if (err == -EPIPE)
		ending->status = 0;
	ending->err = err;
	ending->garbled = err == -EPROTO && !error->code[0];
}

static void judge_refusal(
    const struct api_call *call, int status, struct api_error *error)
{
	const struct redact *redact = call->calls->config.redact;
	redact_error(
	    redact, buf_str(&call->error_body), call->error_body.len, error);
	if (status >= 300 && status < 400 && call->head.location[0])
		redact_redirect(redact, call->head.location, error);
}

/* It is not of the API's making: that says in an object what is wrong. */
static bool is_page(const struct api_call *call)
{
	const struct buf *body = &call->error_body;
	return call->head.page || body->len == 0 ||
	       !answer_may_be_object(buf_str(body), body->len);
}

/* Something is missing, says who cannot know. */
static bool is_strange_miss(
    const struct api_call *call, int status, const struct api_error *error)
{
	if (status != 404 && status != 410)
		return false;
	const struct presence_miss miss = {
	    .code = error->code,
	    .is_page = is_page(call),
	    .of_files = call->spec.of_files,
	};
	return !presence_allows(call->spec.presence, &miss);
}

/* It is refused without a word, the first time. */
static bool is_doubtful(const struct api_call *call, int status)
{
	return call->spec.doubts_refusal && !call->garbled && status >= 400 &&
	       status < 500 && status != 401 && status != 408 &&
	       status != 429 && is_page(call);
}

static bool is_no_answer(
    const struct api_call *call, int status, const struct api_error *error)
{
	return (retry_is_stray(status) && !error->code[0]) ||
	       is_strange_miss(call, status, error) ||
	       is_doubtful(call, status);
}

static void judge(
    struct api_call *call, struct ending *ending, struct api_error *error)
{
	int status = call->head.status;
	ending->status = status;
	error->status = status;
	if (ending->err == 0 && status >= 200 && status < 300) {
		judge_body(call, ending, error);
	} else if (ending->err == 0) {
		judge_refusal(call, status, error);
		ending->garbled = is_no_answer(call, status, error);
		if (ending->garbled)
			ending->err = -EPROTO;
	} else if (call->refused) {
		ending->garbled = ending->err == -EPROTO;
	} else {
		ending->status = 0;
	}
	error->status = ending->status;
}

/* What comes of an attempt. The call is still inside the gate, and leaves it on
 * each way from here. */
static void conclude(struct api_call *call, int err, const char *detail)
{
	struct calls *calls = call->calls;
	struct api_error error = {0};
	struct ending ending = {.err = err, .detail = detail};
	judge(call, &ending, &error);
	if (err == 0 && retry_is_overload(call->head.status))
		gate_narrow(&calls->gate);
	if (ending.err == 0 && ending.status >= 200 && ending.status < 300) {
		suspects_clear(
		    &calls->suspects, call->spec.method, call->spec.path);
		if (call->bearer)
			bearer_served(call->bearer);
		gate_widen(&calls->gate);
		finish(call, &error);
		return;
	}
	if (ending.status == 401 && ending.err == 0 &&
	    weigh_refusal(call, &error))
		return;
	if (call->ops->restart)
		call->ops->restart(call->ctx);
	call->garbled += ending.garbled;
	if (pause_and_retry(call, &ending))
		return;
	if (ending.garbled)
		ending.detail = "the answer is not what the API promises";
	if (ending.err && !error.message[0])
		snprintf(
		    error.message, sizeof(error.message), "%s", ending.detail);
	error.err = retry_errno(ending.status, ending.err);
	finish(call, &error);
}

static int on_head(void *ctx, const struct http_head *head)
{
	struct api_call *call = ctx;
	call->head = *head;
	if (head->quota_left >= 0)
		call->calls->config.counts->quota_left = head->quota_left;
	if (call->ops->head && head->status >= 200 && head->status < 300)
		call->ops->head(call->ctx, head);
	return 0;
}

static int on_body(void *ctx, const void *data, size_t len)
{
	struct api_call *call = ctx;
	call->calls->config.counts->bytes += len;
	if (call->head.status >= 200 && call->head.status < 300) {
		int r =
		    call->ops->body ? call->ops->body(call->ctx, data, len) : 0;
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
	const struct calls *calls = call->calls;
	const char *url = calls->config.url;
	const struct token *token = token_of(call);
	const char *access = token ? token_access(token) : NULL;
	size_t count = 0;
	*sent = (struct sent){0};
	buf_init(&sent->url, strlen(url) + PATH_MAX_BYTES);
	buf_init_secret(&sent->bearer, 2 * ANSWER_MAX);
	sent->headers[count++] = calls->key_header;
	sent->headers[count++] = "Accept: application/json";
	if (call->spec.body)
		sent->headers[count++] = "Content-Type: application/json";
	int r = buf_printf(&sent->url, "%s%s", url, call->spec.path);
	if (r == 0 && access) {
		r = buf_printf(
		    &sent->bearer, "Authorization: Bearer %s", access);
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
	struct http *http = call->calls->config.http;
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
		call->http_call = http_start(http, &request, &sink, call);
	sent_done(&sent);
}

/* The gate is open: send. */
static void on_pass(void *ctx)
{
	struct api_call *call = ctx;
	struct calls *calls = call->calls;
	struct token *token = token_of(call);
	/* The token may have gone while we waited at the gate; without it the
	 * answer would be a guest's, who may see less. */
	if (token && token_is_due(token)) {
		gate_leave(&calls->gate, &call->pass);
		token_wait(token, &call->waiter);
		return;
	}
	if (call->bearer)
		bearer_sent(call->bearer);
	call->attempt++;
	call->refused = false;
	call->head =
	    (struct http_head){.content_length = -1, .retry_after_ms = -1};
	buf_clear(&call->error_body);
	calls->config.counts->requests++;
	send_request(call);
	if (!call->http_call) {
		struct api_error error = {.err = -ENOMEM};
		gate_leave(&calls->gate, &call->pass);
		finish(call, &error);
	}
}

static void on_token(void *ctx, const struct api_error *error)
{
	struct api_call *call = ctx;
	if (error->err) {
		struct api_error final = *error;
		final.unsent = true;
		finish(call, &final);
		return;
	}
	gate_enter(&call->calls->gate, &call->pass);
}

static void attempt_begin(struct api_call *call)
{
	struct token *token = token_of(call);
	if (token && token_is_due(token))
		token_wait(token, &call->waiter);
	else
		gate_enter(&call->calls->gate, &call->pass);
}

static void on_start(void *ctx)
{
	struct api_call *call = ctx;
	call->timer = NULL;
	attempt_begin(call);
}

static const struct bearer_events bearer_events = {
    .again = on_again,
    .refused = on_refused,
};

/* Where the call carries a token. 0 or -ENOMEM. */
static int make_bearer(struct api_call *call)
{
	struct calls *calls = call->calls;
	struct bearer_config config = {
	    .http = calls->config.http,
	    .token = token_of(call),
	    .suspects = &calls->suspects,
	    .method = call->spec.method,
	    .path = call->spec.path,
	};
	if (!config.token)
		return 0;
	call->bearer = bearer_new(&config, &bearer_events, call);
	return call->bearer ? 0 : -ENOMEM;
}

struct api_call *call_start(struct calls *calls, const struct call_spec *spec,
    const struct call_ops *ops, void *ctx)
{
	struct api_call *call = calloc(1, sizeof(*call));
	if (!call) {
		ops->release(ctx);
		return NULL;
	}
	*call = (struct api_call){
	    .calls = calls, .spec = *spec, .ops = ops, .ctx = ctx};
	call->spec.path = strdup(spec->path);
	call->spec.subject = strdup(spec->subject);
	call->spec.body = spec->body ? strdup(spec->body) : NULL;
	call->pass = (struct gate_pass){.go = on_pass,
	    .ctx = call,
	    .urgent = spec->urgent,
	    .speculative = spec->speculative};
	call->waiter = (struct token_waiter){.ready = on_token, .ctx = call};
	if (!spec->silence_ms)
		call->spec.silence_ms = retry_silence_ms(spec->patience_ms);
	call->started_ms = http_now(calls->config.http);
	buf_init_secret(&call->error_body, ANSWER_MAX);
	TAILQ_INSERT_TAIL(&calls->list, call, link);
	/* Begun by the loop, so that no callback comes before this returns. */
	call->timer = http_timer_start(calls->config.http, 0, on_start, call);
	if (!call->spec.path || !call->spec.subject ||
	    (spec->body && !call->spec.body) || !call->timer ||
	    make_bearer(call) < 0) {
		call_free(call);
		return NULL;
	}
	return call;
}
