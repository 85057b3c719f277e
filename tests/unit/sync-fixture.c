#include "sync-fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "remove-tree.h"
#include "unit.h"

#include "base/log.h"
#include "base/timestamp.h"

#define ASKS_MAX 4096

struct fake *fake;
struct failures *failures;
struct api *api;
struct replica *replica;
struct sync *sync_under_test;
int64_t content_limit;
const char *fixture_place = "/tmp";
int64_t posts;
struct sync_config settings;
struct service service;
int64_t wall_ahead_ms;
int name_changes;
char name_changed_name[300];

static char root[64];
static struct ask *asks[ASKS_MAX];
static size_t ask_count;
static size_t sent_before;

/* ---- clocks ---- */

int64_t __wrap_timestamp_mono_ms(void);
int64_t __wrap_timestamp_now_ms(void);

int64_t __wrap_timestamp_mono_ms(void)
{
	return fake ? fake_now(fake) : 0;
}

int64_t __wrap_timestamp_now_ms(void)
{
	return service_now_ms() + wall_ahead_ms;
}

/* ---- life ---- */

static void on_name_changed(void *ctx, int64_t dir, const char *name)
{
	(void)ctx;
	(void)dir;
	name_changes++;
	snprintf(name_changed_name, sizeof(name_changed_name), "%s", name);
}

int fixture_setup(void **state)
{
	static const char *const tables[] = {"posts", NULL};
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(root, sizeof(root), "%s/test-sync-XXXXXX", fixture_place);
	if (!mkdtemp(root))
		return -1;
	fake = fake_new();
	failures = failures_new();
	service = (struct service){.limit_max = 2};
	name_changes = 0;
	wall_ahead_ms = 0;
	sent_before = 0;
	content_limit = 0;
	settings = (struct sync_config){
	    .http = fake_http(fake),
	    .failures = failures,
	    .tables = tables,
	    .ttl_ms = TTL_MS,
	    .connections = 16,
	    .name_changed = on_name_changed,
	};
	return failures ? 0 : -1;
}

static void start(bool offline)
{
	struct node node;
	struct api_config config = {
	    .url = FAKE_URL,
	    .key = "pk_0123456789abcdef",
	    .connections = settings.connections,
	    .retry_ms = RETRY_MS,
	};
	api = NULL;
	if (!offline)
		assert_int_equal(
		    api_new(settings.http, &config, failures, &api), 0);
	assert_int_equal(replica_open(root, "project", false, &replica), 0);
	settings.api = api;
	settings.replica = replica;
	settings.content = NULL;
	if (content_limit)
		assert_int_equal(
		    content_open(replica, content_limit, &settings.content), 0);
	assert_int_equal(sync_new(&settings, &sync_under_test), 0);
	assert_int_equal(replica_lookup(replica, NODE_ROOT, "posts", &node), 0);
	posts = node.id;
}

void fixture_start(void)
{
	start(false);
}

void fixture_start_offline(void)
{
	start(true);
}

void fixture_stop(void)
{
	content_close(settings.content);
	settings.content = NULL;
	sync_free(sync_under_test);
	api_free(api);
	assert_int_equal(fake_timer_count(fake), 0);
	replica_close(replica);
	sync_under_test = NULL;
	api = NULL;
	replica = NULL;
}

int fixture_teardown(void **state)
{
	(void)state;
	bool wrong = false;
	fixture_stop();
	for (size_t i = 0; i < ask_count; i++) {
		wrong = wrong || asks[i]->count != 1; /* exactly once */
		free(asks[i]->data);
		free(asks[i]);
	}
	ask_count = 0;
	wrong = wrong || fake_open_count(fake) != 0;
	failures_free(failures);
	fake_free(fake);
	fake = NULL;
	errors_text();
	if (remove_tree(root) < 0)
		return -1;
	return wrong ? -1 : 0;
}

/* ---- operations ---- */

static void on_ended(struct sync_op *op, int err)
{
	struct ask *ask = (struct ask *)op;
	ask->count++;
	ask->err = err;
	if (err == 0 && ask->data && op->got)
		memcpy(ask->data, op->data, op->got);
	/* It is gone now, for all that sync may assume. */
	op->offset = UINT64_C(0x6b6b6b6b6b6b6b);
	op->len = 0x6b6b6b;
	op->node_id = -1;
}

static struct ask *ask_new(void)
{
	struct ask *ask = calloc(1, sizeof(*ask));
	assert_non_null(ask);
	assert_true(ask_count < ASKS_MAX);
	asks[ask_count++] = ask;
	ask->op.id = sync_op_id(sync_under_test);
	ask->op.done = on_ended;
	return ask;
}

struct ask *ask_lookup(int64_t dir, const char *name)
{
	struct ask *ask = ask_new();
	snprintf(ask->name, sizeof(ask->name), "%s", name);
	ask->op.dir = dir;
	ask->op.name = ask->name;
	sync_lookup(sync_under_test, &ask->op);
	fake_run(fake);
	return ask;
}

struct ask *ask_open(int64_t dir)
{
	struct ask *ask = ask_new();
	ask->op.dir = dir;
	sync_dir_open(sync_under_test, &ask->op);
	fake_run(fake);
	return ask;
}

struct ask *ask_wait(
    int64_t dir, const struct sync_dir *open_dir, int64_t after)
{
	struct ask *ask = ask_new();
	ask->op.dir = dir;
	ask->op.open_dir = *open_dir;
	ask->op.after = after;
	sync_dir_wait(sync_under_test, &ask->op);
	fake_run(fake);
	return ask;
}

struct ask *ask_measure(int64_t node)
{
	struct ask *ask = ask_new();
	ask->op.node_id = node;
	sync_measure(sync_under_test, &ask->op);
	fake_run(fake);
	return ask;
}

struct ask *ask_read(int64_t node, uint64_t offset, size_t len)
{
	struct ask *ask = ask_new();
	ask->op.node_id = node;
	ask->op.offset = offset;
	ask->op.len = len;
	/* Exactly so long, so that writing past it is noticed. */
	ask->data = malloc(len ? len : 1);
	assert_non_null(ask->data);
	sync_read(sync_under_test, &ask->op);
	fake_run(fake);
	return ask;
}

void assert_waits_at(const struct ask *ask, const char *file, int line)
{
	_assert_int_equal((uintmax_t)ask->count, 0, file, line);
}

void assert_ended_at(const struct ask *ask, int err, const char *file, int line)
{
	_assert_int_equal((uintmax_t)ask->count, 1, file, line);
	_assert_int_equal((uintmax_t)(intmax_t)ask->err,
	    (uintmax_t)(intmax_t)err, file, line);
}

const char *errors_text(void)
{
	static struct buf text;
	buf_done(&text);
	buf_init(&text, BUF_MAX_DEFAULT);
	if (fake)
		failures_print(failures, &text);
	return buf_str(&text);
}

/* ---- requests ---- */

size_t sent(void)
{
	size_t count = fake_count(fake) - sent_before;
	sent_before = fake_count(fake);
	return count;
}

struct http_call *request_at(const char *line, const char *file, int number)
{
	struct http_call *call = fake_find(fake, line);
	if (!call) {
		for (size_t i = 0; i < fake_open_count(fake); i++)
			print_error(
			    "open: %s\n", fake_line(fake_open(fake, i)));
		print_error("%s:%d: nobody asks %s\n", file, number, line);
	}
	_assert_true(call != NULL, line, file, number);
	return call;
}

/* ---- the service ---- */

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

static void add_date(struct buf *out, const char *name, int64_t ms)
{
	char text[TIMESTAMP_SIZE];
	buf_printf(out, ",\"%s\":", name);
	if (service.write_date)
		service.write_date(out, ms);
	else
		buf_printf(out, "\"%s\"", timestamp_format(ms, text));
}

static void add_record(struct buf *out, int id)
{
	buf_printf(
	    out, "{\"id\":%s,\"v\":%d", id_text(id), service.versions[id]);
	if (!service.dateless[id]) {
		add_date(out, "createdAt", created_ms(id));
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

/* The time in {"updatedAt":{"$gte":"2026-04-13T09:30:00.123Z"}}, or the least
 * there is. */
static int64_t time_bound(const char *line)
{
	static const char name[] = "%22updatedAt%22%3A%7B%22%24gte%22%3A%22";
	const char *at = strstr(line, name);
	char text[TIMESTAMP_SIZE];
	int64_t ms = INT64_MIN;
	if (!at || !service.heeds_times)
		return ms;
	at += strlen(name);
	size_t len = 0;
	while (len < sizeof(text) - 1 && *at && strncmp(at, "%22", 3) != 0) {
		bool colon = strncmp(at, "%3A", 3) == 0;
		text[len++] = colon ? ':' : *at;
		at += colon ? 3 : 1;
	}
	text[len] = '\0';
	assert_int_equal(timestamp_parse(text, len, &ms), 0);
	return ms;
}

/* The records that the request's filter lets through. How many. */
static size_t select_ids(const char *line, int ids[SERVED_MAX])
{
	/* {"id":{"$gt":"r0007","$lte":"r0012"}}, percent-encoded */
	int low = bound(line, "%24gt%22%3A%22r", 0);
	int high = bound(line, "%24lte%22%3A%22r", SERVED_MAX);
	int64_t since = time_bound(line);
	size_t count = 0;
	for (size_t i = 0; i < service.count; i++) {
		int id = service.ids[i];
		if (service.ignores_filters ||
		    (id > low && id <= high && service_updated_ms(id) >= since))
			ids[count++] = id;
	}
	if (service.finds_nothing && strstr(line, "andFilters="))
		return 0;
	for (size_t i = 0; service.descends && i < count / 2; i++) {
		int id = ids[i];
		ids[i] = ids[count - 1 - i];
		ids[count - 1 - i] = id;
	}
	return count;
}

/* Where a record stands in the order by a date: those without one in front. */
static int64_t rank(const char *line, int id)
{
	if (service.dateless[id])
		return INT64_MIN;
	return strstr(line, "sortBy=createdAt") ? created_ms(id)
						: service_updated_ms(id);
}

struct ranked {
	int64_t rank;
	size_t index;
	int id;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *one = a, *two = b;
	if (one->rank != two->rank)
		return one->rank < two->rank ? -1 : 1;
	return one->index < two->index ? -1 : one->index > two->index;
}

static void sort_by_date(const char *line, int *ids, size_t count)
{
	static struct ranked all[SERVED_MAX];
	bool down = strstr(line, "sortDirection=desc") != NULL &&
		    !service.ignores_direction;
	for (size_t i = 0; i < count; i++)
		all[i] = (struct ranked){rank(line, ids[i]), i, ids[i]};
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
	if (strstr(line, "sortBy="))
		sort_by_date(line, ids, (size_t)count);
	else if (page == service.empty_page)
		from = count;
	if (service.refuses_filters && strstr(line, "andFilters=")) {
		ANSWER(call, .status = 400);
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

/* ---- listings ---- */

static int add_name(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct buf *out = ctx;
	(void)node;
	(void)pos;
	return buf_printf(out, "%s%s", out->len ? " " : "", name);
}

/* Append what may be read beyond after; where that ends, and how the frontier
 * was answered. */
static int add_readable(struct buf *out, int64_t dir,
    const struct sync_dir *open_dir, int64_t *after)
{
	int64_t frontier;
	int r = sync_dir_frontier(sync_under_test, dir, open_dir, &frontier);
	if (r < 0)
		return r;
	assert_int_equal(
	    replica_entries(replica, dir, *after, frontier, add_name, out), 0);
	if (frontier - 1 > *after)
		*after = frontier - 1;
	return r;
}

const char *names_of(int64_t dir, const struct sync_dir *open_dir)
{
	static char names[65536];
	struct buf text;
	int64_t after = open_dir->base;
	buf_init(&text, sizeof(names) - 1);
	if (add_readable(&text, dir, open_dir, &after) < 0)
		strcpy(names, "(failed)");
	else
		snprintf(names, sizeof(names), "%s", buf_str(&text));
	buf_done(&text);
	return names;
}

int list_all(int64_t dir, char *ret_names, size_t size)
{
	struct buf text;
	struct ask *open = ask_open(dir);
	buf_init(&text, size - 1);
	serve_all();
	int r = open->err;
	assert_int_equal(open->count, 1);
	if (r == 0) {
		int64_t after = open->op.open_dir.base;
		while ((r = add_readable(
			    &text, dir, &open->op.open_dir, &after)) == 0) {
			struct ask *wait =
			    ask_wait(dir, &open->op.open_dir, after);
			serve_all();
			assert_int_equal(wait->count, 1);
			if ((r = wait->err) < 0)
				break;
		}
		sync_dir_close(sync_under_test, &open->op.open_dir);
	}
	snprintf(ret_names, size, "%s", buf_str(&text));
	buf_done(&text);
	return r == 1 ? 0 : r;
}

const char *names_from_to(int first, int last)
{
	static char names[65536];
	size_t len = 0;
	names[0] = '\0';
	for (int i = first; i <= last; i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len,
		    "%sr%04d.json", i > first ? " " : "", i);
	return names;
}
