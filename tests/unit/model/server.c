#include "server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/cleanup.h"
#include "base/timestamp.h"
#include "clock.h"
#include "trace.h"
#include "world.h"

#define FROZEN_MAX 64
#define LIMIT_DEFAULT 20
#define LIMIT_MOST 100
#define CLOCK_SKEW_MS (7 * 60 * 1000)

/* An answer, ready to be sent. */
struct reply {
	const struct http_call *call;
	int status;
	int64_t date_ms;
	struct buf body;
};

static const struct plan *plan;
static bool quiet;
static size_t answered;
static struct reply frozen[FROZEN_MAX];
static size_t frozen_count;

static unsigned trait(enum trait which)
{
	return plan->traits[which];
}

void server_reset(const struct plan *new_plan)
{
	plan = new_plan;
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

/* ---- what is asked ---- */

struct query {
	int64_t page;
	int64_t limit; /* 0: not said */
	char sort_by[32];
	bool descending;
	cJSON *filters; /* NULL: none */
};

static int hex(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* Copy a parameter's value, decoded. Whether it is there. */
static bool parameter(const char *url, const char *name, char *out, size_t size)
{
	size_t len = strlen(name), n = 0;
	for (const char *at = strchr(url, '?'); at; at = strchr(at, '&')) {
		at++;
		if (strncmp(at, name, len) != 0 || at[len] != '=')
			continue;
		for (at += len + 1; *at && *at != '&' && n + 1 < size; at++) {
			char c = *at;
			if (c == '%') {
				c = (char)(hex(at[1]) << 4 | hex(at[2]));
				at += 2;
			}
			out[n++] = c;
		}
		out[n] = '\0';
		return true;
	}
	return false;
}

static void parse_query(const char *url, struct query *query)
{
	char text[4096];
	*query = (struct query){.page = 1, .descending = true};
	if (parameter(url, "page", text, sizeof(text)))
		query->page = strtoll(text, NULL, 10);
	if (parameter(url, "limit", text, sizeof(text)))
		query->limit = strtoll(text, NULL, 10);
	parameter(url, "sortBy", query->sort_by, sizeof(query->sort_by));
	if (parameter(url, "sortDirection", text, sizeof(text)))
		query->descending = strcmp(text, "asc") != 0;
	if (parameter(url, "andFilters", text, sizeof(text)) &&
	    !(query->filters = cJSON_Parse(text))) {
		fprintf(stderr, "not a filter: %s\n", text);
		abort();
	}
}

/* ---- filters ---- */

static int sign(int64_t n)
{
	return (n > 0) - (n < 0);
}

/* As MongoDB orders them: numbers stand before strings. */
static int compare_ids(const struct record_id *a, const struct record_id *b)
{
	if (a->number != b->number)
		return a->number ? -1 : 1;
	if (a->number)
		return sign(atoll(a->text) - atoll(b->text));
	return strcmp(a->text, b->text);
}

static const struct version *current(int record)
{
	return world_version(world_current(record));
}

static bool has_date(int record, const char *field, int64_t *ret_ms)
{
	bool created = strcmp(field, "createdAt") == 0;
	*ret_ms =
	    created ? world_created_ms(record) : current(record)->updated_ms;
	return created ? trait(TRAIT_dates) != 3 : current(record)->dated;
}

/* How a record's field stands to an operand: true and -1, 0, 1; false when
 * they cannot be compared. */
static bool compare_field(
    int record, const char *field, const cJSON *operand, int *ret_order)
{
	int64_t ms, bound;
	if (strcmp(field, "id") == 0 || strcmp(field, "_id") == 0) {
		struct record_id id = {.number = cJSON_IsNumber(operand)};
		if (id.number)
			snprintf(id.text, sizeof(id.text), "%.0f",
			    operand->valuedouble);
		else if (cJSON_IsString(operand))
			snprintf(id.text, sizeof(id.text), "%s",
			    operand->valuestring);
		*ret_order = compare_ids(world_id(record), &id);
		return id.number == world_id(record)->number;
	}
	if (!has_date(record, field, &ms) || !cJSON_IsString(operand) ||
	    timestamp_parse(
		operand->valuestring, strlen(operand->valuestring), &bound) < 0)
		return false;
	*ret_order = sign(ms - bound);
	return true;
}

static bool is_among(int record, const char *field, const cJSON *list)
{
	const cJSON *operand;
	int order;
	cJSON_ArrayForEach (operand, list) {
		if (compare_field(record, field, operand, &order) && order == 0)
			return true;
	}
	return false;
}

static bool holds(int record, const char *field, const cJSON *test)
{
	const char *name = test->string;
	int order;
	if (strcmp(name, "$in") == 0)
		return is_among(record, field, test);
	if (strcmp(name, "$nin") == 0)
		return !is_among(record, field, test);
	if (strcmp(name, "$exists") == 0) {
		int64_t ms;
		bool there =
		    strcmp(field, "id") == 0 || has_date(record, field, &ms);
		return there == cJSON_IsTrue(test);
	}
	bool comparable = compare_field(record, field, test, &order);
	if (strcmp(name, "$ne") == 0)
		return !comparable || order != 0;
	if (!comparable)
		return false;
	if (strcmp(name, "$gt") == 0)
		return order > 0;
	if (strcmp(name, "$gte") == 0)
		return order >= 0;
	if (strcmp(name, "$lt") == 0)
		return order < 0;
	if (strcmp(name, "$lte") == 0)
		return order <= 0;
	if (strcmp(name, "$eq") == 0)
		return order == 0;
	fprintf(
	    stderr, "an operator that the model's server lacks: %s\n", name);
	abort();
}

static unsigned filter_trait(const cJSON *field)
{
	return trait(strstr(field->string, "id") == field->string
			 ? TRAIT_id_filter
			 : TRAIT_date_filter);
}

static bool passes(int record, const struct query *query)
{
	const cJSON *field, *test;
	cJSON_ArrayForEach (field, query->filters) {
		if (filter_trait(field))
			continue;
		if (!cJSON_IsObject(field)) {
			int order;
			if (!compare_field(
				record, field->string, field, &order) ||
			    order != 0)
				return false;
			continue;
		}
		cJSON_ArrayForEach (test, field) {
			if (!holds(record, field->string, test))
				return false;
		}
	}
	return true;
}

static bool is_refused(const struct query *query)
{
	const cJSON *field;
	static const int64_t largest[] = {LIMIT_MOST, 1, 2, 4, 10};
	if (trait(TRAIT_over_largest) &&
	    query->limit > largest[trait(TRAIT_largest_page)])
		return true;
	cJSON_ArrayForEach (field, query->filters) {
		if (filter_trait(field) == 2)
			return true;
	}
	return false;
}

/* ---- listings ---- */

static uint32_t scrambled(int record)
{
	uint32_t n = (uint32_t)record * 0x9e3779b1U;
	return n ^ (n >> 15);
}

static int by_query(const void *a, const void *b, void *ctx)
{
	const struct query *query = ctx;
	int x = *(const int *)a, y = *(const int *)b, order = 0;
	int64_t x_ms = INT64_MIN, y_ms = INT64_MIN;
	bool dates = query->sort_by[0] && strcmp(query->sort_by, "id") != 0;
	if (trait(TRAIT_order) == 3)
		return scrambled(x) < scrambled(y) ? -1 : 1;
	if (dates && trait(TRAIT_order) != 1) {
		if (!has_date(x, query->sort_by, &x_ms))
			x_ms = INT64_MIN; /* null stands first */
		if (!has_date(y, query->sort_by, &y_ms))
			y_ms = INT64_MIN;
		order = (x_ms > y_ms) - (x_ms < y_ms);
	} else {
		order = compare_ids(world_id(x), world_id(y));
	}
	if (query->descending || trait(TRAIT_order) == 2)
		order = -order;
	return order ? order : (x > y) - (x < y);
}

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
		total = (total + (int64_t)answered) % (total + 3);
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

static int64_t page_size(const struct query *query)
{
	static const int64_t largest[] = {LIMIT_MOST, 1, 2, 4, 10};
	int64_t most = largest[trait(TRAIT_largest_page)];
	int64_t limit = query->limit ? query->limit : LIMIT_DEFAULT;
	return limit < most ? limit : most;
}

/* The records of a question, in order. How many. */
static int64_t select_records(struct query *query, int *records)
{
	int all[WORLD_RECORDS_MAX];
	size_t count = world_records(all);
	int64_t found = 0;
	for (size_t i = 0; i < count; i++) {
		if (passes(all[i], query))
			records[found++] = all[i];
	}
	qsort_r(records, (size_t)found, sizeof(*records), by_query, query);
	if (trait(TRAIT_double_record) && found)
		records[found] = records[0], found++;
	return found;
}

static void fill_listing(struct reply *reply, struct query *query)
{
	int records[WORLD_RECORDS_MAX + 1];
	int64_t total = select_records(query, records);
	int64_t limit = page_size(query), page = query->page;
	bool hole = trait(TRAIT_empty_page) && page == 2 && total > limit;
	if (trait(TRAIT_empty_page) && page > 2)
		page--;
	int64_t first = (page - 1) * limit, at = first;
	struct buf *out = &reply->body;
	buf_adds(out, "\"items\":[");
	for (; !hole && at < first + limit && at < total; at++) {
		if (at > first)
			buf_addc(out, ',');
		world_text(world_current(records[at]), out);
	}
	buf_adds(out, "],");
	bool files = strstr(fake_line(reply->call), "/v1/files") != NULL;
	add_pagination(out, query, limit, total, hole || first + limit < total,
	    files ? "Page" : "");
}

/* ---- replies ---- */

static void fill_list_reply(struct reply *reply, const char *line)
{
	struct query query;
	parse_query(line, &query);
	if (is_refused(&query)) {
		reply->status = 400;
		buf_adds(&reply->body, "{\"error\":{\"code\":\"BAD_REQUEST\","
				       "\"message\":\"cannot do that\"}}");
	} else {
		bool wrapped = trait(TRAIT_envelope);
		buf_adds(&reply->body,
		    wrapped ? "{\"success\":true,\"data\":{" : "{");
		fill_listing(reply, &query);
		buf_adds(&reply->body, wrapped ? "}}" : "}");
	}
	cJSON_Delete(query.filters);
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
		world_text(world_current(record), &reply->body);
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

/* "page=1&limit=3 {…}" is all that matters of a request. */
static const char *brief(const struct http_call *call)
{
	static char out[300];
	const char *at = fake_line(call) + strlen("GET /v1/");
	size_t n = 0;
	for (; *at && n + 1 < sizeof(out); at++) {
		char c = *at;
		if (c == '%') {
			c = (char)(hex(at[1]) << 4 | hex(at[2]));
			at += 2;
		}
		out[n++] = c;
	}
	out[n] = '\0';
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
	if (!fail(call, buf_str(&reply.body), choice)) {
		trace("server: %d %s", reply.status, brief(call));
		tell_body(buf_str(&reply.body));
		ANSWER(call, .status = reply.status,
		    .body = buf_str(&reply.body), .length_told = true,
		    .date_ms = reply.date_ms);
	}
	buf_done(&reply.body);
}
