/* Calls whose answer is one page of a listing, handed out record by record. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/api_parts.h"
#include "api/call.h"
#include "api/shortfalls.h"
#include "base/buf.h"
#include "base/failures.h"
#include "base/log.h"
#include "base/percent.h"
#include "json/split.h"

struct list_call {
	struct api *api;
	struct json_split *split;
	const struct api_page_sink *sink;
	void *ctx;
	struct api_page page;
	int64_t date_ms;
	char *table;			     /* owned; NULL: the stored files */
	char *subject;			     /* owned */
	char incomplete[API_SHORTFALL_SIZE]; /* what the header says of it */
};

static int list_renew_split(struct list_call *call)
{
	json_split_free(call->split);
	call->split = NULL;
	int r = json_split_new(call->sink->record, call->ctx, &call->split);
	if (r == 0 && call->sink->checks)
		json_split_leave_checks(call->split);
	return r;
}

static int list_body(void *ctx, const char *data, size_t len)
{
	struct list_call *call = ctx;
	if (!call->split && !answer_may_be_object(data, len))
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
	redact_text(&call->api->redact, head->incomplete, call->incomplete,
	    sizeof(call->incomplete));
}

/* A page that came is right, and yet nobody may take the whole for whole. */
static int tell_incomplete(const struct list_call *call)
{
	const char *table = call->table;
	char request[128];
	int r = shortfalls_tell(call->api->shortfalls, table, call->incomplete);
	if (r <= 0)
		return r;
	snprintf(request, sizeof(request), "GET /v1/%s%s",
	    table ? "data/" : "files", table ? table : "");
	failures_add(call->api->failures, call->subject, request, 200, 0,
	    "incomplete", call->incomplete);
	log_warn("%s: the server says that it is incomplete there: %s",
	    call->subject, call->incomplete);
	return 0;
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
	if (r == 0 && (r = tell_incomplete(call)) < 0)
		return r;
	if (r < 0) {
		redact_error(&call->api->redact, skeleton, len, error);
		if (!error->message[0])
			strcpy(error->message,
			    "the listing has no array named items");
	}
	return r == 0 && call->sink->end ? call->sink->end(call->ctx) : r;
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
	free(call->table);
	free(call->subject);
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
	call->subject = strdup(query->subject);
	call->table = query->table ? strdup(query->table) : NULL;
	if (!call->subject || (query->table && !call->table) ||
	    query_path(query, &path) < 0) {
		list_release(call);
		return NULL;
	}
	struct call_spec spec = {
	    .method = "GET",
	    .path = buf_str(&path),
	    .subject = query->subject,
	    .with_token = true,
	    .patience_ms = api->patience_ms,
	    .speculative = query->speculative,
	    .may_be_refused = query->filters || query->sort_by,
	    .expects_miss = query->expects_miss,
	    .presence = query->presence,
	    .of_files = !query->table,
	    .may_fail = query->may_fail,
	};
	return call_start(api->calls, &spec, &list_ops, call);
}
