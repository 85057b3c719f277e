#include "server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "clock.h"
#include "plan.h"
#include "query.h"
#include "record.h"
#include "slip.h"
#include "trace.h"
#include "world.h"

#define FROZEN_MAX 64
#define CLOCK_SKEW_MS (7 * 60 * 1000)

/* An answer, ready to be sent. */
struct reply {
	const struct http_call *call;
	int status;
	int err; /* the connection breaks */
	int64_t date_ms;
	struct buf body;
};

static bool quiet;
static size_t answered;
static struct reply frozen[FROZEN_MAX];
static size_t frozen_count;

void server_reset(void)
{
	quiet = false;
	answered = 0;
	server_drop_answers();
}

void server_drop_answers(void)
{
	while (frozen_count)
		buf_done(&frozen[--frozen_count].body);
}

void server_becomes_quiet(void)
{
	quiet = true;
	server_drop_answers();
}

size_t server_answered(void)
{
	return answered;
}

/* ---- listings ---- */

static void add_total(struct buf *out, int64_t total)
{
	switch (trait(TRAIT_total)) {
	case 1:
		return;
	case 2:
		buf_printf(out, "\"total\":\"%" PRId64 "\",", total);
		return;
	case 3:
		total = total > 0 ? total - 1 : 0;
		break;
	case 4:
		total += 2;
		break;
	case 5:
		/* So that it is never by chance what it was before. */
		total += 100 + (int64_t)answered % 7;
		break;
	case 6:
		total = INT64_C(9000000000000000000);
		break;
	default:
		break;
	}
	buf_printf(out, "\"total\":%" PRId64 ",", total);
}

/* tail: what the names of the files' members end with. */
static void add_pagination(struct buf *out, const struct query *query,
    int64_t limit, int64_t total, bool more, const char *tail)
{
	buf_adds(out, "\"pagination\":{");
	add_total(out, total);
	if (!trait(TRAIT_place))
		buf_printf(out, "\"page\":%" PRId64 ",\"limit\":%" PRId64 ",",
		    query->page, limit);
	if (!trait(TRAIT_page_count))
		buf_printf(out, "\"totalPages\":%" PRId64 ",",
		    (total + limit - 1) / limit);
	if (!trait(TRAIT_has_next))
		buf_printf(
		    out, "\"hasNext%s\":%s,", tail, more ? "true" : "false");
	buf_printf(
	    out, "\"hasPrev%s\":%s}", tail, query->page > 1 ? "true" : "false");
}

static void fill_listing(struct reply *reply, struct query *query)
{
	int records[WORLD_RECORDS_MAX + 1];
	int64_t total = query_records(query, records);
	int64_t limit = query_page_size(query), page = query->page;
	bool hole = trait(TRAIT_empty_page) && page == 2 && total > limit;
	if (trait(TRAIT_empty_page) && page > 2)
		page--;
	int64_t first = (page - 1) * limit, at = first;
	struct buf *out = &reply->body;
	buf_adds(out, "\"items\":[");
	for (; !hole && at < first + limit && at < total; at++) {
		if (at > first)
			buf_addc(out, ',');
		record_text(world_current(records[at]), out);
	}
	if (at > first || first == 0)
		slip_page(query, total, records + first, (size_t)(at - first));
	buf_adds(out, "],");
	bool files = strstr(fake_line(reply->call), "/v1/files") != NULL;
	add_pagination(out, query, limit, total, hole || first + limit < total,
	    files ? "Page" : "");
}

/* ---- replies ---- */

static void fill_list_reply(struct reply *reply, const char *line)
{
	struct query query;
	query_parse(line, &query);
	int fault = query_fault(&query);
	if (fault < 0) {
		reply->err = fault;
	} else if (fault) {
		reply->status = fault;
		buf_adds(&reply->body, "{\"error\":{\"code\":\"BAD_REQUEST\","
				       "\"message\":\"cannot do that\"}}");
	} else {
		bool wrapped = trait(TRAIT_envelope);
		buf_adds(&reply->body,
		    wrapped ? "{\"success\":true,\"data\":{" : "{");
		fill_listing(reply, &query);
		buf_adds(&reply->body, wrapped ? "}}" : "}");
	}
	query_done(&query);
}

static void fill_record_reply(struct reply *reply, const char *id)
{
	int record = world_find(id);
	if (strcmp(id, "spec") == 0 && trait(TRAIT_spec)) {
		buf_adds(&reply->body, "{\"tableName\":\"posts\"}");
	} else if (record < 0 || world_current(record) < 0) {
		reply->status = 404;
		buf_adds(
		    &reply->body, "{\"error\":{\"code\":\"data/not-found\"}}");
	} else {
		record_text(world_current(record), &reply->body);
	}
}

static int64_t told_clock(void)
{
	int64_t ms = world_clock_ms();
	switch (trait(TRAIT_clock_told)) {
	case 1:
		return 0;
	case 2:
		ms += CLOCK_SKEW_MS;
		break;
	case 3:
		ms -= CLOCK_SKEW_MS;
		break;
	default:
		break;
	}
	return ms - ms % 1000;
}

static void make_reply(const struct http_call *call, struct reply *reply)
{
	const char *line = fake_line(call);
	*reply = (struct reply){
	    .call = call, .status = 200, .date_ms = told_clock()};
	buf_init(&reply->body, BUF_MAX_DEFAULT);
	if (strchr(line, '?'))
		fill_list_reply(reply, line);
	else
		fill_record_reply(reply, strrchr(line, '/') + 1);
}

static struct reply *find_frozen(const struct http_call *call)
{
	for (size_t i = 0; i < frozen_count; i++) {
		if (frozen[i].call == call)
			return &frozen[i];
	}
	return NULL;
}

/* "data/posts?page=1&limit=3 {…}" is all that matters of a request. */
static const char *brief(const struct http_call *call)
{
	static char out[300];
	const char *line = fake_line(call) + strlen("GET /v1/");
	query_decode(line, strlen(line), out, sizeof(out));
	return out;
}

static void forget(struct reply *reply)
{
	buf_done(&reply->body);
	*reply = frozen[--frozen_count];
}

void server_freeze(struct http_call *call)
{
	for (size_t i = frozen_count; i-- > 0;) {
		if (!fake_is_open(frozen[i].call))
			forget(&frozen[i]);
	}
	if (find_frozen(call) || frozen_count == FROZEN_MAX)
		return;
	make_reply(call, &frozen[frozen_count++]);
	trace("server has an answer, not sent yet: %s", brief(call));
}

/* An answer that does not come as it should. */
static bool fail(struct http_call *call, const char *body, uint32_t choice)
{
	static const unsigned odds[] = {0, 15, 4};
	unsigned one_in = odds[trait(TRAIT_faults)];
	if (quiet || !one_in || choice % one_in)
		return false;
	switch (choice / one_in % 6) {
	case 0:
		trace("server: 503 %s", brief(call));
		ANSWER(call, .status = 503);
		break;
	case 1:
		trace("server: 429 %s", brief(call));
		ANSWER(call, .status = 429, .retry_after_ms = 1000);
		break;
	case 2:
		trace("no connection: %s", brief(call));
		fake_break(call, -ECONNREFUSED);
		break;
	case 3:
		trace("server: a proxy's page %s", brief(call));
		ANSWER(call, .status = 200, .body = "<html>busy</html>");
		break;
	default: {
		size_t len = strlen(body) * (choice / 100 % 10) / 10 + 1;
		trace("answer cut after %zu of %zu bytes: %s", len,
		    strlen(body), brief(call));
		ANSWER(call, .status = 200, .body = body, .len = len,
		    .err = -EPIPE);
		break;
	}
	}
	return true;
}

/* A body without what only fills it: "1:v0 2:v1 {"total":2,…". */
static void tell_body(const char *body)
{
	struct buf out;
	const char *at = body, *next;
	buf_init(&out, BUF_MAX_DEFAULT);
	while ((next = strstr(at, "{\"id\":"))) {
		next += strlen("{\"id\":");
		int len = (int)strcspn(next, ",");
		const char *v = strstr(next, "\"v\":\"");
		buf_printf(&out, "%.*s:v%d ", len, next, v ? atoi(v + 5) : -1);
		at = next;
	}
	const char *rest = strstr(at, "\"pagination\":");
	if (rest || !out.len)
		buf_adds(&out, rest ? rest : body);
	trace("        %s", buf_str(&out));
	buf_done(&out);
}

void server_answer(struct http_call *call, uint32_t choice)
{
	struct reply reply, *old = find_frozen(call);
	if (old) {
		reply = *old;
		*old = frozen[--frozen_count];
	} else {
		make_reply(call, &reply);
	}
	answered++;
	if (reply.err) {
		trace("server: no answer, a reset: %s", brief(call));
		fake_break(call, reply.err);
	} else if (!fail(call, buf_str(&reply.body), choice)) {
		trace("server: %d %s", reply.status, brief(call));
		tell_body(buf_str(&reply.body));
		ANSWER(call, .status = reply.status,
		    .body = buf_str(&reply.body), .length_told = true,
		    .date_ms = reply.date_ms);
	}
	buf_done(&reply.body);
}
