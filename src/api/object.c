/* Presigned downloads: plain requests, through a gate of their own, so that
 * stalled downloads leave the API its places. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "base/log.h"
#include "api/retry.h"

struct api_object {
	struct api *api;
	struct gate_pass pass;
	struct http_call *http_call;
	const struct http_sink *sink;
	void *ctx;
	char *url; /* a secret: it is signed */
	char range[64];
	char if_range[160];
	bool starting; /* in api_object_get */
	bool failed;   /* there */
	TAILQ_ENTRY(api_object) link;
};

static void object_free(struct api_object *object)
{
	struct api *api = object->api;
	struct gate_pass pass = object->pass;
	http_cancel(api->http, object->http_call);
	if (pass.state == PASS_WAITING)
		gate_leave(&api->storage_gate, &object->pass);
	TAILQ_REMOVE(&api->open_objects, object, link);
	free_secret(object->url);
	free(object);
	if (pass.state == PASS_IN)
		gate_leave(&api->storage_gate, &pass);
}

void api_object_cancel(struct api_object *object)
{
	if (object)
		object_free(object);
}

static int on_head(void *ctx, const struct http_head *head)
{
	struct api_object *object = ctx;
	return object->sink->head(object->ctx, head);
}

static int on_body(void *ctx, const void *data, size_t len)
{
	struct api_object *object = ctx;
	object->api->bytes += len;
	return object->sink->body(object->ctx, data, len);
}

static void on_done(void *ctx, int err, const char *detail)
{
	struct api_object *object = ctx;
	const struct http_sink *sink = object->sink;
	void *sink_ctx = object->ctx;
	object->http_call = NULL;
	object_free(object);
	sink->done(sink_ctx, err, detail);
}

static const struct http_sink plain_sink = {on_head, on_body, on_done};

static void on_pass(void *ctx)
{
	struct api_object *object = ctx;
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
	    .silence_ms = retry_silence_ms(object->api->config.retry_ms),
	};
	object->api->objects++;
	object->http_call =
	    http_start(object->api->http, &request, &plain_sink, object);
	if (object->http_call)
		return;
	if (object->starting)
		object->failed = true;
	else
		on_done(object, -ENOMEM, "out of memory");
}

struct api_object *api_object_get(struct api *api, const char *url,
    int64_t first, int64_t last, const char *validator, bool speculative,
    const struct http_sink *sink, void *ctx)
{
	if (http_url_problem(url)) {
		errno = EPROTO;
		return NULL;
	}
	struct api_object *object = calloc(1, sizeof(*object));
	if (!object || !(object->url = strdup(url))) {
		free(object);
		errno = ENOMEM;
		return NULL;
	}
	object->api = api;
	object->sink = sink;
	object->ctx = ctx;
	object->pass = (struct gate_pass){
	    .go = on_pass, .ctx = object, .speculative = speculative};
	if (first < 0)
		object->range[0] = '\0';
	else if (last >= 0)
		snprintf(object->range, sizeof(object->range),
		    "Range: bytes=%" PRId64 "-%" PRId64, first, last);
	else
		snprintf(object->range, sizeof(object->range),
		    "Range: bytes=%" PRId64 "-", first);
	if (validator && validator[0])
		snprintf(object->if_range, sizeof(object->if_range),
		    "If-Range: %s", validator);
	TAILQ_INSERT_TAIL(&api->open_objects, object, link);
	/* Whoever gets NULL is not called. */
	object->starting = true;
	gate_enter(&api->storage_gate, &object->pass);
	object->starting = false;
	if (!object->failed)
		return object;
	object_free(object);
	errno = ENOMEM;
	return NULL;
}
