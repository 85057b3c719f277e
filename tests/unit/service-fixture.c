#include "service-fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sync-fixture.h"
#include "unit.h"

#include "base/timestamp.h"

struct service service;

int64_t service_now_ms(void)
{
	return WALL_BEGIN_MS + (fake ? fake_now(fake) : 0);
}

void service_fill(size_t count)
{
	assert_true(count < SERVED_MAX);
	service.count = count;
	for (size_t i = 0; i < count; i++)
		service.ids[i] = (int)i + 1;
}

void service_delete(int id)
{
	size_t kept = 0;
	for (size_t i = 0; i < service.count; i++) {
		if (service.ids[i] != id)
			service.ids[kept++] = service.ids[i];
	}
	service.count = kept;
}

/* New records land at the end: ids only grow. */
void service_create(int id)
{
	assert_true(service.count + 1 < SERVED_MAX && id < SERVED_MAX);
	service.ids[service.count++] = id;
	service.created_ms[id] = service_now_ms();
}

void service_insert(int id)
{
	service_create(id);
	for (size_t i = service.count - 1; i > 0 && service.ids[i - 1] > id;
	     i--) {
		service.ids[i] = service.ids[i - 1];
		service.ids[i - 1] = id;
	}
}

static int64_t created_ms(int id)
{
	int64_t ms = service.created_ms[id];
	return ms ? ms : WALL_BEGIN_MS - 86400000 + id;
}

/* By its version, a record's change is seconds after all earlier ones. */
int64_t service_updated_ms(int id)
{
	int64_t ms = service.changed_ms[id];
	return ms ? ms : created_ms(id) + service.versions[id] * 10000;
}

void service_change(int id)
{
	service.versions[id]++;
	service.changed_ms[id] = service_now_ms();
}

static const char *id_text(int id)
{
	static char text[32];
	if (service.id_texts[id])
		return service.id_texts[id];
	snprintf(text, sizeof(text), "\"r%04d\"", id);
	return text;
}

static void write_date(struct buf *out, int64_t ms)
{
	char text[TIMESTAMP_SIZE];
	if (service.write_date)
		service.write_date(out, ms);
	else
		buf_printf(out, "\"%s\"", timestamp_format(ms, text));
}

static void add_date(struct buf *out, const char *name, int64_t ms)
{
	buf_printf(out, ",\"%s\":", name);
	write_date(out, ms);
}

static int title(int id)
{
	return id * 7 % 251;
}

static void add_record(struct buf *out, int id)
{
	buf_printf(
	    out, "{\"id\":%s,\"v\":%d", id_text(id), service.versions[id]);
	if (service.tells_title)
		buf_printf(out, ",\"title\":\"%03d\"", title(id));
	if (!service.dateless[id]) {
		add_date(out, "createdAt", created_ms(id));
		if (!service.undated[id])
			add_date(out, "updatedAt", service_updated_ms(id));
	}
	buf_addc(out, '}');
}

static void add_pagination(
    struct buf *out, int64_t page, int64_t limit, int64_t count)
{
	int64_t total = count + service.total_bias;
	int64_t pages = (total + limit - 1) / limit;
	bool more = service.repeats || page * limit < count;
	if (service.total_text) {
		buf_printf(out, "\"pagination\":{\"total\":%s,\"hasNext\":%s}",
		    service.total_text, more ? "true" : "false");
		return;
	}
	if (service.no_totals)
		buf_printf(out, "\"pagination\":{\"hasNext\":%s}",
		    more ? "true" : "false");
	else
		buf_printf(out,
		    "\"pagination\":{\"total\":%" PRId64 ",\"page\":%" PRId64
		    ",\"limit\":%" PRId64 ",\"totalPages\":%" PRId64
		    ",\"hasNext\":%s}",
		    total, page, limit, pages, more ? "true" : "false");
}

static int64_t parameter(const char *line, const char *name, int64_t none)
{
	const char *at = strstr(line, name);
	return at ? strtoll(at + strlen(name), NULL, 10) : none;
}

/* The number in an id of the filter, as in "$gt":"r0007". */
static int bound(const char *filter, const char *name, int none)
{
	const char *at = strstr(filter, name);
	return at ? atoi(at + strlen(name)) : none;
}

static char from_hex(const char *text)
{
	char digits[3] = {text[0], text[1]};
	return (char)strtol(digits, NULL, 16);
}

/* The time in {"updatedAt":{"$gte":"2026-04-13T09:30:00.123Z"}}; or "". */
static void time_bound(const char *line, char text[TIMESTAMP_SIZE + 8])
{
	static const char name[] = "%22updatedAt%22%3A%7B%22%24gte%22%3A%22";
	const char *at = strstr(line, name);
	size_t len = 0;
	if (at && service.heeds_times) {
		at += strlen(name);
		while (len < TIMESTAMP_SIZE + 7 && *at &&
		       strncmp(at, "%22", 3) != 0) {
			bool coded = *at == '%';
			text[len++] = coded ? from_hex(at + 1) : *at;
			at += coded ? 3 : 1;
		}
	}
	text[len] = '\0';
}

/* Whether a record's date is not before such a bound. */
static bool is_since(int id, const char *since)
{
	int64_t ms;
	if (!*since)
		return true;
	if (!service.compares_texts) {
		assert_int_equal(timestamp_parse(since, strlen(since), &ms), 0);
		return service_updated_ms(id) >= ms;
	}
	struct buf text;
	buf_init(&text, 64);
	write_date(&text, service_updated_ms(id));
	bool is = *buf_str(&text) == '"' &&
		  strncmp(buf_str(&text) + 1, since, text.len - 2) >= 0;
	buf_done(&text);
	return is;
}

static bool asks_for_numbers(const char *line)
{
	return strstr(line, "%22id%22%3A%7B%22%24gte%22%3A-1") != NULL;
}

static void turn_round(int *ids, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		int id = ids[i];
		ids[i] = ids[count - 1 - i];
		ids[count - 1 - i] = id;
	}
}

/* The records that the request's filter lets through. How many. */
static size_t select_ids(const char *line, int ids[SERVED_MAX])
{
	/* {"id":{"$gt":"r0007","$lte":"r0012"}}, percent-encoded, compares
	 * texts with texts; numbers with numbers: {"id":{"$gte":-1.7e308}} */
	bool by_id =
	    strstr(line, "%22id%22%3A%7B") != NULL && !service.ignores_ids;
	bool by_number = asks_for_numbers(line);
	int low = by_id ? bound(line, "%24gt%22%3A%22r", 0) : 0;
	int high =
	    by_id ? bound(line, "%24lte%22%3A%22r", SERVED_MAX) : SERVED_MAX;
	char since[TIMESTAMP_SIZE + 8];
	time_bound(line, since);
	size_t count = 0;
	for (size_t i = 0; i < service.count; i++) {
		int id = service.ids[i];
		bool number = id_text(id)[0] != '"';
		if (service.ignores_filters ||
		    ((!by_id || number == by_number) && id > low &&
			id <= high && is_since(id, since)))
			ids[count++] = id;
	}
	if (service.finds_nothing && strstr(line, "andFilters="))
		return 0;
	if (service.descends)
		turn_round(ids, count);
	return count;
}

/* Where a record stands in the order by a date: those without one in front. */
static int64_t rank(const char *line, int id)
{
	if (strstr(line, "sortBy=title"))
		return title(id);
	if (service.dateless[id])
		return INT64_MIN;
	return strstr(line, "sortBy=createdAt") ? created_ms(id)
						: service_updated_ms(id);
}

struct ranked {
	int64_t rank;
	char text[64]; /* where texts are compared */
	bool down;
	size_t index;
	int id;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *one = a, *two = b;
	int order = strcmp(one->text, two->text);
	if (order)
		return one->down ? -order : order;
	if (one->rank != two->rank)
		return one->rank < two->rank ? -1 : 1;
	return one->index < two->index ? -1 : one->index > two->index;
}

static void rank_text(const char *line, struct ranked *ranked)
{
	struct buf text;
	buf_init(&text, sizeof(ranked->text) - 1);
	if (ranked->rank != INT64_MIN)
		write_date(&text, strstr(line, "sortBy=createdAt")
				      ? created_ms(ranked->id)
				      : service_updated_ms(ranked->id));
	/* Numbers stand before texts. */
	snprintf(ranked->text, sizeof(ranked->text), "%s%s",
	    *buf_str(&text) == '"' ? "" : " ", buf_str(&text));
	buf_done(&text);
}

static void sort_by_date(const char *line, int *ids, size_t count)
{
	static struct ranked all[SERVED_MAX];
	bool down = strstr(line, "sortDirection=desc") != NULL &&
		    !service.ignores_direction;
	for (size_t i = 0; i < count; i++)
		all[i] = (struct ranked){.rank = rank(line, ids[i]),
		    .down = down,
		    .index = i,
		    .id = ids[i]};
	for (size_t i = 0; i < count && service.compares_texts; i++)
		rank_text(line, &all[i]);
	for (size_t i = 0; i < count && down; i++)
		all[i].rank = -(all[i].rank + 1);
	qsort(all, count, sizeof(*all), by_rank);
	for (size_t i = 0; i < count; i++)
		ids[i] = all[i].id;
}

static void answer_listing(struct http_call *call, const struct buf *body)
{
	int64_t now = service_now_ms();
	ANSWER(call, .status = 200, .body = buf_str(body), .length_told = true,
	    .date_ms = service.tells_date ? now - now % 1000 : 0);
}

static void serve_page(struct http_call *call)
{
	static int ids[SERVED_MAX];
	struct buf body;
	const char *line = fake_line(call);
	int64_t page = parameter(line, "?page=", 1);
	int64_t limit = parameter(line, "&limit=", 20);
	int64_t count = (int64_t)select_ids(line, ids);
	if (limit > service.limit_max)
		limit = service.limit_max;
	int64_t from = service.repeats ? 0 : (page - 1) * limit;
	if (strstr(line, "sortBy=") && !service.ignores_sort)
		sort_by_date(line, ids, (size_t)count);
	else if (strstr(line, "sortDirection=desc") && !service.descends)
		turn_round(ids, (size_t)count);
	else if (page == service.empty_page)
		from = count;
	if (service.refuses_filters && strstr(line, "andFilters=")) {
		ANSWER(call, .status = 400);
		return;
	}
	if (service.numbers_end && asks_for_numbers(line)) {
		if (service.numbers_end < 0)
			fake_break(call, service.numbers_end);
		else
			ANSWER(call, .status = service.numbers_end);
		return;
	}
	buf_init(&body, BUF_MAX_DEFAULT);
	buf_adds(&body, "{\"items\":[");
	for (int64_t i = from; i < from + limit && i < count; i++) {
		if (i > from)
			buf_addc(&body, ',');
		add_record(&body, ids[i]);
	}
	buf_adds(&body, "],");
	add_pagination(&body, page, limit, count);
	buf_addc(&body, '}');
	answer_listing(call, &body);
	buf_done(&body);
}

static void serve_record(struct http_call *call, const char *id)
{
	struct buf body;
	buf_init(&body, BUF_MAX_DEFAULT);
	for (size_t i = 0; i < service.count; i++) {
		const char *text = id_text(service.ids[i]);
		size_t quote = *text == '"';
		size_t len = strlen(text) - 2 * quote;
		if (strlen(id) == len && memcmp(text + quote, id, len) == 0 &&
		    !body.len)
			add_record(&body, service.ids[i]);
	}
	if (body.len)
		ANSWER(call, .status = 200, .body = buf_str(&body));
	else
		ANSWER(call, .status = 404,
		    .body = "{\"error\":{\"code\":\"data/not-found\"}}");
	buf_done(&body);
}

void serve(struct http_call *call)
{
	static const char record[] = "GET /v1/data/posts/";
	const char *line = fake_line(call);
	if (strchr(line, '?'))
		serve_page(call);
	else if (strcmp(line, SPEC_LINE) == 0 && service.spec)
		ANSWER(call, .status = 200, .body = service.spec);
	else if (strncmp(line, record, strlen(record)) == 0)
		serve_record(call, line + strlen(record));
	else
		ANSWER(call, .status = 404);
}

void serve_all(void)
{
	fake_run(fake);
	while (fake_open_count(fake))
		serve(fake_open(fake, 0));
}
