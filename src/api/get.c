/* Calls whose answer is one text: a record, a spec, where to download from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/api_parts.h"
#include "api/call.h"
#include "api/record.h"
#include "base/buf.h"
#include "base/percent.h"
#include "base/utf8.h"
#include "json/json.h"

/* The largest single record or spec: see JSON_RECORD_MAX. */
#define TEXT_MAX ((size_t)64 << 20)

struct text_call {
	struct api *api;
	struct buf body;
	struct buf id; /* asked for; empty: none */
	bool is_spec;
	struct json_span payload;
	struct answer_download download;
	int64_t date_ms; /* the server's clock when it answered; -1 */
	/* One of the two is set. */
	api_text_fn text_done;
	api_download_fn download_done;
	void *ctx;
};

static int text_body(void *ctx, const char *data, size_t len)
{
	struct text_call *call = ctx;
	return buf_add(&call->body, data, len);
}

static void text_restart(void *ctx)
{
	struct text_call *call = ctx;
	buf_clear(&call->body);
}

static bool is_cut_short(const char *body, size_t len)
{
	size_t mark = utf8_mark_len(body, len);
	return json_check(body + mark, len - mark) < 0;
}

static bool is_null(const char *text, size_t len)
{
	static const char space[] = " \t\r\n", word[] = "null";
	size_t start = strspn(text, space), n = strlen(word);
	return len >= start + n && memcmp(text + start, word, n) == 0 &&
	       start + n + strspn(text + start + n, space) >= len;
}

static int check_payload(struct text_call *call, struct api_error *error)
{
	struct record record;
	const char *body = buf_str(&call->body);
	const char *id = call->id.len ? call->id.data : NULL;
	/* Of a table that has none. */
	if (call->is_spec && is_null(body, call->body.len))
		return -ENOENT;
	if (!answer_may_be_object(body, call->body.len))
		return -EPROTO;
	if (record_unwrap(
		body, call->body.len, id, call->id.len, &call->payload) < 0)
		return is_cut_short(body, call->body.len) ? -EPIPE : -EPROTO;
	if (call->is_spec && is_null(call->payload.text, call->payload.len))
		return -ENOENT;
	if (!json_is_object(call->payload))
		return -EPROTO;
	if (!id) {
		if (!answer_is_failure(body, call->body.len))
			return 0;
		redact_error(&call->api->redact, body, call->body.len, error);
		return -EPROTO;
	}
	int r = record_parse(call->payload.text, call->payload.len, &record);
	if (r < 0) {
		redact_error(&call->api->redact, body, call->body.len, error);
		return r;
	}
	/* A server that takes upper case for lower gives the record of another
	 * name; any other record is not what was asked for. */
	if (record.id.len != call->id.len ||
	    strncasecmp(record.id.data, id, call->id.len) != 0)
		r = -EPROTO;
	else if (memcmp(record.id.data, id, call->id.len) != 0)
		r = -ENOENT;
	record_done(&record);
	return r;
}

static void text_head(void *ctx, const struct http_head *head)
{
	struct text_call *call = ctx;
	call->date_ms = head->date_ms;
}

static int text_end(void *ctx, struct api_error *error)
{
	struct text_call *call = ctx;
	const char *body = buf_str(&call->body);
	if (call->text_done)
		return check_payload(call, error);
	int r = answer_download(body, call->body.len, &call->download);
	if (r < 0)
		redact_error(&call->api->redact, body, call->body.len, error);
	else
		call->download.date_ms = call->date_ms;
	return r;
}

/*
 * Whether an answer says that there is no spec for us. A server may refuse it,
 * or have no such route: then it may know no such path (404, 405, 410, 501), or
 * take "spec" for the id of a record, and for none that can be (400, 422). What
 * else goes wrong says nothing of the kind: a server that fails, a proxy that
 * answers in its place, a sign-in that was refused.
 */
static bool says_no_spec(const struct api_error *error)
{
	static const int statuses[] = {400, 401, 403, 404, 405, 410, 422, 501};
	for (size_t i = 0; !error->unsent && i < ARRAY_SIZE(statuses); i++) {
		if (error->status == statuses[i])
			return true;
	}
	return false;
}

static void text_done(void *ctx, const struct api_error *error)
{
	struct text_call *call = ctx;
	struct api_error said = *error;
	if (call->is_spec && says_no_spec(error))
		said.err = -ENOENT;
	if (call->text_done)
		call->text_done(call->ctx, &said,
		    error->err ? NULL : call->payload.text,
		    error->err ? 0 : call->payload.len);
	else
		call->download_done(
		    call->ctx, error, error->err ? NULL : &call->download);
}

static void text_release(void *ctx)
{
	struct text_call *call = ctx;
	answer_download_done(&call->download);
	buf_done(&call->body);
	buf_done(&call->id);
	free(call);
}

static const struct call_ops text_ops = {
    .body = text_body,
    .restart = text_restart,
    .head = text_head,
    .end = text_end,
    .done = text_done,
    .release = text_release,
};

static struct text_call *text_call_new(
    struct api *api, size_t max, const char *id, size_t id_len)
{
	struct text_call *call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	call->api = api;
	buf_init(&call->body, max);
	buf_init(&call->id, RECORD_ID_MAX);
	if (id && buf_add(&call->id, id, id_len) < 0) {
		text_release(call);
		return NULL;
	}
	return call;
}

/* An id as one segment of a path. */
static int add_segment(struct buf *path, const char *id, size_t len)
{
	/* Dots alone would be taken for a way up. */
	bool dots = strspn(id, ".") >= len;
	return dots ? percent_escape(id, len, path)
		    : percent_encode(id, len, path);
}

/* The URL path of one record or file. */
static int record_path(const char *table, const char *id, size_t id_len,
    const char *tail, struct buf *path)
{
	int r = table ? buf_printf(path, "/v1/data/%s/", table)
		      : buf_adds(path, "/v1/files/");
	if (r == 0)
		r = add_segment(path, id, id_len);
	if (r == 0)
		r = buf_adds(path, tail);
	return r;
}

static struct api_call *start_record_call(struct api *api,
    struct call_spec *spec, const char *table, const char *id, size_t id_len,
    const char *tail, struct text_call *call)
{
	CLEANUP_BUF struct buf path;
	buf_init(&path, PATH_MAX_BYTES);
	if (record_path(table, id, id_len, tail, &path) < 0) {
		text_release(call);
		return NULL;
	}
	spec->path = buf_str(&path);
	spec->with_token = true;
	spec->patience_ms = api->patience_ms;
	return call_start(api->calls, spec, &text_ops, call);
}

struct api_call *api_get(struct api *api, const char *subject,
    const char *table, const char *id, size_t id_len,
    enum api_presence presence, api_text_fn done, void *ctx)
{
	struct text_call *call = text_call_new(api, TEXT_MAX, id, id_len);
	if (!call)
		return NULL;
	call->text_done = done;
	call->ctx = ctx;
	struct call_spec spec = {
	    .method = "GET",
	    .subject = subject,
	    .expects_miss = true,
	    .presence = presence,
	};
	return start_record_call(api, &spec, table, id, id_len, "", call);
}

struct api_call *api_me(struct api *api, api_text_fn done, void *ctx)
{
	struct text_call *call = text_call_new(api, TEXT_MAX, NULL, 0);
	if (!call)
		return NULL;
	call->text_done = done;
	call->ctx = ctx;
	struct call_spec spec = {
	    .method = "GET",
	    .path = "/v1/auth/me",
	    .subject = "(account)",
	    .with_token = true,
	    .patience_ms = api->patience_ms,
	    .expects_miss = true,
	};
	return call_start(api->calls, &spec, &text_ops, call);
}

struct api_call *api_spec(struct api *api, const char *subject,
    const char *table, api_text_fn done, void *ctx)
{
	struct text_call *call = text_call_new(api, TEXT_MAX, NULL, 0);
	if (!call)
		return NULL;
	call->text_done = done;
	call->ctx = ctx;
	call->is_spec = true;
	struct call_spec spec = {
	    .method = "GET",
	    .subject = subject,
	    .expects_miss = true,
	    .expects_refusal = api->lacks_specs,
	    .doubts_refusal = !api->lacks_specs,
	};
	return start_record_call(api, &spec, table, "spec", 4, "", call);
}

struct api_call *api_download_url(struct api *api, const char *subject,
    const char *id, size_t id_len, bool speculative, api_download_fn done,
    void *ctx)
{
	struct text_call *call = text_call_new(api, ANSWER_MAX, NULL, 0);
	if (!call)
		return NULL;
	call->body.secret = true; /* the URL is signed */
	call->download_done = done;
	call->ctx = ctx;
	struct call_spec spec = {
	    .method = "POST",
	    .subject = subject,
	    .speculative = speculative,
	    .presence = API_TOLD_OF, /* by the listing of files */
	};
	return start_record_call(
	    api, &spec, NULL, id, id_len, "/download-url", call);
}
