#include "api/api.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "api/call.h"
#include "api/record.h"
#include "base/percent.h"
#include "base/timestamp.h"
#include "json/split.h"

/* A quota with fewer answers left than this is spent on nothing guessed. */
#define QUOTA_LOW 20

int api_new(struct http *http, const struct api_config *config,
    struct failures *failures, struct api **ret_api)
{
	struct api *api = calloc(1, sizeof(*api));
	if (!api)
		return -ENOMEM;
	api->http = http;
	api->config = *config;
	api->failures = failures;
	api->quota_left = -1;
	gate_init(&api->gate, http, config->connections);
	gate_init(&api->storage_gate, http, config->connections);
	TAILQ_INIT(&api->calls);
	TAILQ_INIT(&api->open_objects);
	auth_init(&api->auth, api);
	if (getrandom(&api->random, sizeof(api->random), 0) < 0 ||
	    api->random == 0)
		api->random = 1;
	if (asprintf(&api->key_header, "X-API-Key: %s", config->key) < 0) {
		free(api);
		return -ENOMEM;
	}
	*ret_api = api;
	return 0;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	struct api_object *object;
	struct api_call *call;
	while ((object = TAILQ_FIRST(&api->open_objects)))
		api_object_cancel(object);
	while ((call = TAILQ_FIRST(&api->calls)))
		api_cancel(call);
	free(api->probe);
	auth_done(&api->auth);
	gate_done(&api->gate);
	gate_done(&api->storage_gate);
	free_secret(api->key_header);
	free(api);
}

void api_counters(struct api *api, struct api_counters *ret_counters)
{
	*ret_counters = (struct api_counters){
	    .requests = api->requests,
	    .objects = api->objects,
	    .retries = api->retries,
	    .sign_ins = api->sign_ins,
	    .refreshes = api->refreshes,
	    .limited = api->limited,
	    .bytes = api->bytes,
	    .quota_left = api->quota_left,
	};
}

bool api_quota_is_low(struct api *api)
{
	return api->quota_left >= 0 && api->quota_left < QUOTA_LOW;
}

/* ---- calls whose answer is one text ---- */

struct text_call {
	struct api *api;
	struct buf body;
	struct buf id; /* asked for; empty: none */
	struct json_span payload;
	struct answer_download download;
	int64_t date_ms; /* the server's clock when it answered; -1 */
	/* One of the three is set. */
	api_text_fn text_done;
	api_done_fn done;
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

/* Whether a body, cut short perhaps, begins as an object does: be it with the
 * first byte or two of a byte order mark. */
static bool may_be_object(const char *body, size_t len)
{
	size_t blank = json_mark_len(body, len);
	if (len < 3 && memcmp(body, "\xef\xbb", len) == 0)
		return true;
	while (blank < len && strchr(" \t\r\n", body[blank]))
		blank++;
	return blank == len || body[blank] == '{';
}

static bool is_cut_short(const char *body, size_t len)
{
	size_t mark = json_mark_len(body, len);
	return json_check(body + mark, len - mark) < 0;
}

static int check_payload(struct text_call *call, struct api_error *error)
{
	struct record record;
	const char *body = buf_str(&call->body);
	const char *id = call->id.len ? call->id.data : NULL;
	if (!may_be_object(body, call->body.len))
		return -EPROTO;
	if (record_unwrap(
		body, call->body.len, id, call->id.len, &call->payload) < 0)
		return is_cut_short(body, call->body.len) ? -EPIPE : -EPROTO;
	if (!json_is_object(call->payload))
		return -EPROTO;
	if (!id) {
		if (!answer_is_failure(body, call->body.len))
			return 0;
		api_fill_error(call->api, body, call->body.len, error);
		return -EPROTO;
	}
	int r = record_parse(call->payload.text, call->payload.len, &record);
	if (r < 0) {
		api_fill_error(call->api, body, call->body.len, error);
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

/* A signed URL's end is told by the clock of who signed it: what is left by
 * that one passes on ours, which nobody sets. */
static void take_expiry(struct text_call *call)
{
	struct answer_download *download = &call->download;
	int64_t now = call->date_ms;
	if (now < 0)
		now = timestamp_now_ms();
	if (download->expires_ms >= 0)
		download->expires_ms += http_now(call->api->http) - now;
}

static int text_end(void *ctx, struct api_error *error)
{
	struct text_call *call = ctx;
	const char *body = buf_str(&call->body);
	if (call->text_done)
		return check_payload(call, error);
	if (!call->download_done)
		return 0;
	int r = answer_download(body, call->body.len, &call->download);
	if (r == 0)
		take_expiry(call);
	else
		api_fill_error(call->api, body, call->body.len, error);
	return r;
}

static void text_done(void *ctx, const struct api_error *error)
{
	struct text_call *call = ctx;
	if (call->text_done)
		call->text_done(call->ctx, error,
		    error->err ? NULL : call->payload.text,
		    error->err ? 0 : call->payload.len);
	else if (call->download_done)
		call->download_done(
		    call->ctx, error, error->err ? NULL : &call->download);
	else
		call->done(call->ctx, error);
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
	int r = dots ? 0 : percent_encode(id, len, path);
	for (size_t i = 0; r == 0 && dots && i < len; i++)
		r = buf_adds(path, "%2E");
	return r;
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
	spec->token = TOKEN_CARRIED;
	spec->patience_ms = api->config.retry_ms;
	return call_start(api, spec, &text_ops, call);
}

struct api_call *api_get(struct api *api, const char *subject,
    const char *table, const char *id, size_t id_len, api_text_fn done,
    void *ctx)
{
	struct text_call *call = text_call_new(api, TEXT_MAX, id, id_len);
	if (!call)
		return NULL;
	call->text_done = done;
	call->ctx = ctx;
	struct call_spec spec = {
	    .method = "GET", .subject = subject, .expects_miss = true};
	return start_record_call(api, &spec, table, id, id_len, "", call);
}

struct api_call *api_spec(struct api *api, const char *subject,
    const char *table, api_text_fn done, void *ctx)
{
	struct text_call *call = text_call_new(api, TEXT_MAX, NULL, 0);
	if (!call)
		return NULL;
	call->text_done = done;
	call->ctx = ctx;
	struct call_spec spec = {
	    .method = "GET", .subject = subject, .expects_miss = true};
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
	    .method = "POST", .subject = subject, .speculative = speculative};
	return start_record_call(
	    api, &spec, NULL, id, id_len, "/download-url", call);
}

/* ---- the question before a mount ---- */

struct probe {
	struct auth_waiter waiter;
	struct api *api;
	api_done_fn done;
	void *ctx;
};

static void probe_ready(void *ctx, const struct api_error *error)
{
	struct probe *probe = ctx;
	struct api_error copy = *error;
	probe->api->auth.patience_ms = probe->api->config.retry_ms;
	probe->api->auth.silence_ms = 0;
	probe->api->probe = NULL;
	probe->done(probe->ctx, &copy);
	free(probe);
}

/* A table that every project may be asked about: what counts is only whether
 * the key is refused. */
#define PROBE_TABLE "users"

static int probe_by_sign_in(
    struct api *api, int64_t patience_ms, api_done_fn done, void *ctx)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	*probe = (struct probe){.api = api, .done = done, .ctx = ctx};
	probe->waiter =
	    (struct auth_waiter){.ready = probe_ready, .ctx = probe};
	api->probe = probe;
	api->auth.patience_ms = api->auth.silence_ms = patience_ms;
	auth_wait(&api->auth, &probe->waiter);
	return 0;
}

int api_probe(struct api *api, const char *table, int64_t patience_ms,
    api_done_fn done, void *ctx)
{
	char path[128];
	if (api->config.email)
		return probe_by_sign_in(api, patience_ms, done, ctx);
	struct text_call *call = text_call_new(api, TEXT_MAX, NULL, 0);
	if (!call)
		return -ENOMEM;
	call->done = done;
	call->ctx = ctx;
	snprintf(path, sizeof(path), "/v1/data/%s?page=1&limit=1",
	    table ? table : PROBE_TABLE);
	struct call_spec spec = {
	    .method = "GET",
	    .path = path,
	    .subject = "(key check)",
	    .token = TOKEN_NONE,
	    .patience_ms = patience_ms,
	    .silence_ms = patience_ms,
	    .expects_miss = true,
	};
	return call_start(api, &spec, &text_ops, call) ? 0 : -ENOMEM;
}

/* ---- pages ---- */

struct list_call {
	struct api *api;
	struct json_split *split;
	const struct api_page_sink *sink;
	void *ctx;
	struct api_page page;
	int64_t date_ms;
};

static int list_renew_split(struct list_call *call)
{
	json_split_free(call->split);
	call->split = NULL;
	return json_split_new(call->sink->record, call->ctx, &call->split);
}

static int list_body(void *ctx, const char *data, size_t len)
{
	struct list_call *call = ctx;
	if (!call->split && !may_be_object(data, len))
		return -EPROTO;
	int r = call->split ? 0 : list_renew_split(call);
	return r < 0 ? r : json_split_feed(call->split, data, len);
}

static void list_restart(void *ctx)
{
	struct list_call *call = ctx;
	json_split_free(call->split);
	call->split = NULL;
	call->sink->restart(call->ctx);
}

static void list_head(void *ctx, const struct http_head *head)
{
	struct list_call *call = ctx;
	call->date_ms = head->date_ms;
}

static int list_end(void *ctx, struct api_error *error)
{
	struct list_call *call = ctx;
	const char *skeleton;
	size_t len;
	int found;
	if (!call->split)
		return -EPIPE; /* no body at all */
	int r = json_split_end(call->split, &skeleton, &len, &found);
	if (r < 0)
		return r == -EPROTO ? -EPIPE : r;
	r = answer_page(skeleton, len, &call->page);
	call->page.date_ms = call->date_ms;
	if (r == 0 && !found && !call->page.no_items)
		r = -EPROTO;
	if (r < 0) {
		api_fill_error(call->api, skeleton, len, error);
		if (!error->message[0])
			strcpy(error->message,
			    "the listing has no array named items");
	}
	return r;
}

static void list_done(void *ctx, const struct api_error *error)
{
	struct list_call *call = ctx;
	call->sink->done(call->ctx, error, error->err ? NULL : &call->page);
}

static void list_release(void *ctx)
{
	struct list_call *call = ctx;
	json_split_free(call->split);
	free(call);
}

static const struct call_ops list_ops = {
    .head = list_head,
    .body = list_body,
    .restart = list_restart,
    .end = list_end,
    .done = list_done,
    .release = list_release,
};

static int query_path(const struct api_query *query, struct buf *path)
{
	int r = query->table ? buf_printf(path, "/v1/data/%s", query->table)
			     : buf_adds(path, "/v1/files");
	if (r == 0)
		r = buf_printf(path, "?page=%" PRId64, query->page);
	if (r == 0 && query->limit)
		r = buf_printf(path, "&limit=%u", query->limit);
	if (r == 0 && query->sort_by)
		r = buf_printf(path, "&sortBy=%s", query->sort_by);
	if (r == 0)
		r = buf_printf(path, "&sortDirection=%s",
		    query->descending ? "desc" : "asc");
	if (r == 0 && query->select)
		r = buf_printf(path, "&select=%s", query->select);
	if (r == 0 && query->filters) {
		r = buf_adds(path, "&andFilters=");
		if (r == 0)
			r = percent_encode(
			    query->filters, strlen(query->filters), path);
	}
	return r;
}

struct api_call *api_list(struct api *api, const struct api_query *query,
    const struct api_page_sink *page_sink, void *ctx)
{
	CLEANUP_BUF struct buf path;
	buf_init(&path, PATH_MAX_BYTES);
	struct list_call *call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	*call = (struct list_call){.api = api, .sink = page_sink, .ctx = ctx};
	if (query_path(query, &path) < 0) {
		free(call);
		return NULL;
	}
	struct call_spec spec = {
	    .method = "GET",
	    .path = buf_str(&path),
	    .subject = query->subject,
	    .token = TOKEN_CARRIED,
	    .patience_ms = api->config.retry_ms,
	    .speculative = query->speculative,
	    .may_be_refused = query->filters || query->sort_by,
	};
	return call_start(api, &spec, &list_ops, call);
}
