#include "api/storage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "api/counts.h"
#include "api/gate.h"
#include "api/retry.h"
#include "base/cleanup.h"
#include "base/random.h"

struct storage {
	struct http *http;
	struct counts *counts;
	int64_t patience_ms;
	uint64_t random; /* for jitter */
	struct gate gate;
	TAILQ_HEAD(, storage_call) open;
};

struct storage_call {
	struct storage *storage;
	struct gate_pass pass;
	int status; /* of the answer; 0: none has come */
	struct http_call *http_call;
	const struct http_sink *sink;
	void *ctx;
	char *url; /* a secret: it is signed */
	char range[64];
	char if_range[160];
	bool starting; /* in storage_get */
	bool failed;   /* there */
	TAILQ_ENTRY(storage_call) link;
};

static void object_free(struct storage_call *object)
{
	struct storage *storage = object->storage;
	struct gate_pass pass = object->pass;
	http_cancel(storage->http, object->http_call);
	if (pass.state == PASS_WAITING)
		gate_leave(&storage->gate, &object->pass);
	TAILQ_REMOVE(&storage->open, object, link);
	free_secret(object->url);
	free(object);
	if (pass.state == PASS_IN)
		gate_leave(&storage->gate, &pass);
}

void storage_cancel(struct storage_call *object)
{
	if (object)
		object_free(object);
}

struct storage *storage_new(struct http *http, unsigned connections,
    int64_t patience_ms, struct counts *counts)
{
	struct storage *storage = calloc(1, sizeof(*storage));
	if (!storage)
		return NULL;
	storage->http = http;
	storage->counts = counts;
	storage->patience_ms = patience_ms;
	storage->random = random_seed();
	gate_init(&storage->gate, http, connections);
	TAILQ_INIT(&storage->open);
	return storage;
}

void storage_free(struct storage *storage)
{
	if (!storage)
		return;
	struct storage_call *object;
	while ((object = TAILQ_FIRST(&storage->open)))
		object_free(object);
	gate_done(&storage->gate);
	free(storage);
}

struct http *storage_http(struct storage *storage)
{
	return storage->http;
}

int64_t storage_retry_ms(
    struct storage *storage, const struct retry_outcome *outcome)
{
	struct retry_outcome all = *outcome;
	all.budget_ms = storage->patience_ms;
	all.random = (uint32_t)(random_next(&storage->random) >> 32);
	return retry_wait_ms(&all);
}

static int on_head(void *ctx, const struct http_head *head)
{
	struct storage_call *object = ctx;
	object->status = head->status;
	return object->sink->head(object->ctx, head);
}

static int on_body(void *ctx, const void *data, size_t len)
{
	struct storage_call *object = ctx;
	object->storage->counts->bytes += len;
	return object->sink->body(object->ctx, data, len);
}

/* Whoever asked for it may not have liked the answer: that is no matter here.
 */
static void learn(struct storage_call *object, int err)
{
	struct gate *gate = &object->storage->gate;
	if (retry_is_overload(object->status))
		gate_narrow(gate);
	else if (err == 0 && object->status >= 200 && object->status < 300)
		gate_widen(gate);
}

static void on_done(void *ctx, int err, const char *detail)
{
	struct storage_call *object = ctx;
	const struct http_sink *sink = object->sink;
	void *sink_ctx = object->ctx;
	object->http_call = NULL;
	learn(object, err);
	object_free(object);
	sink->done(sink_ctx, err, detail);
}

static const struct http_sink plain_sink = {on_head, on_body, on_done};

static void on_pass(void *ctx)
{
	struct storage_call *object = ctx;
	/* Who says nothing takes any encoding: RFC 9110, 12.5.3. */
	const char *headers[4] = {"Accept-Encoding: identity"};
	if (object->range[0])
		headers[1] = object->range;
	if (object->range[0] && object->if_range[0])
		headers[2] = object->if_range;
	struct http_request request = {
	    .method = "GET",
	    .url = object->url,
	    .headers = headers,
	    .redirects = true,
	    .silence_ms = retry_silence_ms(object->storage->patience_ms),
	};
	object->storage->counts->objects++;
	object->http_call =
	    http_start(object->storage->http, &request, &plain_sink, object);
	if (object->http_call)
		return;
	if (object->starting)
		object->failed = true;
	else
		on_done(object, -ENOMEM, "out of memory");
}

/* The header lines that a range takes. */
static void set_range(
    struct storage_call *object, const struct storage_wish *wish)
{
	if (wish->first < 0)
		object->range[0] = '\0';
	else if (wish->last >= 0)
		snprintf(object->range, sizeof(object->range),
		    "Range: bytes=%" PRId64 "-%" PRId64, wish->first,
		    wish->last);
	else
		snprintf(object->range, sizeof(object->range),
		    "Range: bytes=%" PRId64 "-", wish->first);
	if (wish->validator && wish->validator[0])
		snprintf(object->if_range, sizeof(object->if_range),
		    "If-Range: %s", wish->validator);
}

struct storage_call *storage_get(struct storage *storage,
    const struct storage_wish *wish, const struct http_sink *sink, void *ctx)
{
	if (http_url_problem(wish->url)) {
		errno = EPROTO;
		return NULL;
	}
	struct storage_call *object = calloc(1, sizeof(*object));
	if (!object || !(object->url = strdup(wish->url))) {
		free(object);
		errno = ENOMEM;
		return NULL;
	}
	object->storage = storage;
	object->sink = sink;
	object->ctx = ctx;
	object->pass = (struct gate_pass){
	    .go = on_pass, .ctx = object, .speculative = wish->speculative};
	set_range(object, wish);
	TAILQ_INSERT_TAIL(&storage->open, object, link);
	/* Whoever gets NULL is not called. */
	object->starting = true;
	gate_enter(&storage->gate, &object->pass);
	object->starting = false;
	if (!object->failed)
		return object;
	object_free(object);
	errno = ENOMEM;
	return NULL;
}
