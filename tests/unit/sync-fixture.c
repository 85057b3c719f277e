#include "sync-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "remove-tree.h"
#include "unit.h"

#include "api/retry.h"
#include "base/log.h"

struct fake *fake;
struct failures *failures;
struct api *api;
struct replica *replica;
struct sync *sync_under_test;
int64_t content_limit;
const char *fixture_place = "/tmp";
int64_t posts;
bool sorting_is_unknown;
struct sync_config settings;
int64_t wall_ahead_ms;
int name_changes;
char name_changed_name[300];

static char root[64];
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
	sorting_is_unknown = false;
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

/* As if an earlier listing had shown it. */
static void know_sorting(void)
{
	struct replica_listing listing;
	assert_int_equal(replica_listing(replica, posts, &listing), 0);
	if (listing.end)
		return;
	listing.flags |= LISTING_SORTS_UPDATED | LISTING_SORTS_CREATED;
	assert_int_equal(replica_begin(replica), 0);
	assert_int_equal(replica_set_listing(replica, posts, &listing), 0);
	assert_int_equal(replica_commit(replica), 0);
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
	if (!sorting_is_unknown)
		know_sorting();
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
	fixture_stop();
	bool wrong = !asks_done() || fake_open_count(fake) != 0;
	failures_free(failures);
	fake_free(fake);
	fake = NULL;
	errors_text();
	if (remove_tree(root) < 0)
		return -1;
	return wrong ? -1 : 0;
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

void answer_garbled(struct http_call *call, const char *body)
{
	char line[512];
	snprintf(line, sizeof(line), "%s", fake_line(call));
	for (int i = 0; i <= RETRY_GARBLED_MAX; i++) {
		while (!(call = fake_find(fake, line)))
			assert_true(fake_advance_to_timer(fake));
		ANSWER(call, .status = 200, .body = body, .length_told = true);
	}
}
