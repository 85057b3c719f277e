#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sync-fixture.h"

static char names[65536];

static void assert_lists(const char *expected)
{
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_string_equal(names, expected);
}

static struct node node_of(const char *name)
{
	struct node node = {0};
	assert_int_equal(replica_lookup(replica, posts, name, &node), 0);
	return node;
}

static bool is_shown(const char *table)
{
	struct node node;
	return replica_lookup(replica, NODE_ROOT, table, &node) == 0 &&
	       node.pos > 0;
}

static struct replica_listing listing(void)
{
	struct replica_listing known;
	assert_int_equal(replica_listing(replica, posts, &known), 0);
	return known;
}

/* A position within a page of the pass that began at base. */
static int64_t position(int64_t base, int64_t page)
{
	return base + (page << PAGE_BITS) + 1;
}

/* Where one stands who has read a page to its end. */
static int64_t end_of(int64_t base, int64_t page)
{
	return position(base, page + 1) - 2;
}

static void go_stale(void)
{
	fake_advance(fake, TTL_MS + 1);
	sent();
}

/* ---- whole listings ---- */

static void a_listing_of_three_pages_is_whole(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	assert_int_equal(fake_count(fake), 0); /* nothing before a look */
	assert_lists(names_from_to(1, 5));
	assert_int_equal(sent(), 4); /* the spec, and three pages */
	assert_string_equal(fake_line(fake_call(fake, 0)), SPEC_LINE);
	assert_string_equal(fake_line(fake_call(fake, 1)), FIRST_PAGE);
	assert_int_equal(listing().count, 5);
	assert_true(listing().end > listing().base);
	assert_string_equal(errors_text(), "");
	/* Again, within ttl: nothing is asked. */
	assert_lists(names_from_to(1, 5));
	assert_int_equal(sent(), 0);
}

static void a_full_page_has_a_hundred_records(void **state)
{
	(void)state;
	service.limit_max = 100;
	service_fill(250);
	fixture_start();
	assert_lists(names_from_to(1, 250));
	assert_int_equal(sent(), 4);
}

static void an_empty_table_is_whole(void **state)
{
	(void)state;
	fixture_start();
	assert_lists("");
	assert_int_equal(sent(), 2);
	assert_int_equal(listing().count, 0);
	assert_true(listing().end > 0);
	go_stale();
	assert_lists("");
	assert_int_equal(sent(), 1);
}

static void a_listing_without_totals_goes_by_its_next_page(void **state)
{
	(void)state;
	service.no_totals = true;
	service_fill(7);
	fixture_start();
	assert_lists(names_from_to(1, 7));
	assert_int_equal(sent(), 5);
}

static void the_spec_stands_first(void **state)
{
	(void)state;
	service.spec = "{\"tableName\":\"posts\",\"schema\":{}}";
	service_fill(3);
	fixture_start();
	assert_lists(".spec.json r0001.json r0002.json r0003.json");
	struct node first = node_of(".spec.json");
	go_stale();
	service.versions[1]++;
	assert_lists(".spec.json r0001.json r0002.json r0003.json");
	assert_int_equal(node_of(".spec.json").id, first.id);
	go_stale();
	service.versions[1]++;
	service.spec = "{\"tableName\":\"posts\",\"schema\":[]}";
	assert_lists(".spec.json r0001.json r0002.json r0003.json");
	assert_true(node_of(".spec.json").id > first.id);
	assert_true(node_of(".spec.json").mtime_ms != first.mtime_ms);
	/* One that the server has no longer is there no longer. */
	go_stale();
	service.versions[1]++;
	service.spec = NULL;
	assert_lists("r0001.json r0002.json r0003.json");
}

static void a_refused_spec_is_absent(void **state)
{
	(void)state;
	static const int statuses[] = {401, 403, 404, 400};
	fixture_start();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		service_fill(4 - i); /* one is gone: only a pass can tell */
		struct ask *open = ask_open(posts);
		if (i)
			serve(request(PROBE_LINE));
		ANSWER(request(SPEC_LINE), .status = statuses[i]);
		serve_all();
		assert_ended(open, 0);
		assert_lists(names_from_to(1, 4 - (int)i));
		go_stale();
	}
}

static void a_spec_that_fails_fails_the_listing(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve(request(FIRST_PAGE));
	assert_waits(open); /* whether it has one is not known yet */
	while (!open->count) {
		struct http_call *call = fake_open(fake, 0);
		if (call)
			ANSWER(call, .status = 500);
		else
			assert_true(fake_advance_to_timer(fake));
	}
	assert_ended(open, -EIO);
	assert_non_null(strstr(errors_text(), "posts/.spec.json\t"));
}

/* ---- pages ---- */

static void pages_are_published_in_order_whatever_comes_first(void **state)
{
	(void)state;
	service_fill(12);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve(request(SPEC_LINE));
	serve(request(PAGE_LINE(1)));
	assert_ended(open, 0);
	const struct sync_dir *dir = &open->op.open_dir;
	int64_t base = dir->base;
	struct ask *wait = ask_wait(posts, dir, end_of(base, 1));
	serve(request(PAGE_LINE(2)));
	assert_ended(wait, 0);
	wait = ask_wait(posts, dir, end_of(base, 2));
	struct http_call *third = request(PAGE_LINE(3));
	serve(request(PAGE_LINE(4)));
	assert_waits(wait);
	assert_string_equal(names_of(posts, dir), names_from_to(1, 4));
	serve(third);
	assert_ended(wait, 0);
	assert_string_equal(names_of(posts, dir), names_from_to(1, 8));
}

static void any_order_of_answers_gives_the_same_listing(void **state)
{
	(void)state;
	service_fill(60);
	fixture_start();
	srand(7);
	/* A name that only a whole listing can find asks for all of it. */
	char marked[300];
	memset(marked, 'x', 233);
	strcpy(marked + 233, "~0123456789abcdef.json");
	struct ask *lookup = ask_lookup(posts, marked);
	while (fake_open_count(fake)) {
		assert_true(fake_open_count(fake) <= 16);
		serve(fake_open(fake, (size_t)rand() % fake_open_count(fake)));
	}
	assert_ended(lookup, -ENOENT);
	assert_int_equal(sent(), 31);
	assert_lists(names_from_to(1, 60));
	assert_int_equal(sent(), 0);
}

static void reading_one_page_costs_two_requests(void **state)
{
	(void)state;
	service_fill(1000);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	assert_ended(open, 0);
	assert_string_equal(
	    names_of(posts, &open->op.open_dir), names_from_to(1, 2));
	assert_int_equal(sent(), 2);
	assert_int_equal(open->op.open_dir.end, 0);
}

static void the_window_grows_with_the_reader_to_fill_the_connections(
    void **state)
{
	(void)state;
	service_fill(400);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	sent();
	const struct sync_dir *dir = &open->op.open_dir;
	size_t asked = 1, before = 0;
	for (int64_t page = 1; page <= 12; page++) {
		sync_dir_reading(
		    sync_under_test, posts, dir, position(dir->base, page));
		serve_all();
		asked += sent();
		/* `ls | head` costs a handful. */
		if (page <= 5)
			assert_true(asked <= 6);
		before = asked - (size_t)page;
	}
	assert_in_range(before, 16, 32);
	/* One who looks at the same place again asks for nothing. */
	sync_dir_reading(sync_under_test, posts, dir, position(dir->base, 5));
	fake_run(fake);
	assert_int_equal(sent(), 0);
}

static void no_more_than_the_connections_are_asked_at_once(void **state)
{
	(void)state;
	settings.connections = 3;
	service_fill(60);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	sync_dir_reading(sync_under_test, posts, &open->op.open_dir,
	    position(open->op.open_dir.base, 20));
	fake_run(fake);
	assert_int_equal(fake_open_count(fake), 3);
	serve_all();
}

static void a_refused_page_size_is_left_to_the_server(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve(request(SPEC_LINE));
	ANSWER(request(FIRST_PAGE), .status = 400,
	    .body = "{\"error\":{\"code\":\"data/invalid-limit\"}}");
	assert_waits(open);
	serve(request("GET /v1/data/posts?page=1&sortDirection=asc"));
	assert_ended(open, 0);
	assert_lists(names_from_to(1, 5));
}

static void a_second_refusal_is_final(void **state)
{
	(void)state;
	fixture_start();
	struct ask *open = ask_open(posts);
	serve(request(SPEC_LINE));
	ANSWER(request(FIRST_PAGE), .status = 400);
	ANSWER(request("GET /v1/data/posts?page=1&sortDirection=asc"),
	    .status = 400);
	assert_ended(open, -EPROTO);
}

static void a_page_cut_short_leaves_no_trace(void **state)
{
	(void)state;
	service_fill(2);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve(request(SPEC_LINE));
	ANSWER(request(FIRST_PAGE), .status = 200, .chunk = 3,
	    .body =
		"{\"items\":[{\"id\":\"ghost\"},{\"id\":\"r0001\"},{\"id\":",
	    .err = -EPIPE);
	assert_waits(open);
	while (!fake_open_count(fake))
		assert_true(fake_advance_to_timer(fake));
	serve_all();
	assert_ended(open, 0);
	assert_lists(names_from_to(1, 2));
	struct node node;
	assert_int_equal(
	    replica_lookup(replica, posts, "ghost.json", &node), -ENOENT);
}

/* ---- failures ---- */

static void a_failed_page_fails_its_readers_and_is_taken_up_there(void **state)
{
	(void)state;
	service_fill(8);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	assert_ended(open, 0);
	struct sync_dir *dir = &open->op.open_dir;
	struct ask *wait = ask_wait(posts, dir, end_of(dir->base, 1));
	ANSWER(request(PAGE_LINE(2)), .status = 403);
	assert_ended(wait, -EACCES);
	int64_t frontier;
	assert_int_equal(
	    sync_dir_frontier(sync_under_test, posts, dir, &frontier), -EACCES);
	assert_int_equal(listing().end, 0);
	sync_dir_close(sync_under_test, dir);
	/* What was read is not asked for again. */
	sent();
	assert_lists(names_from_to(1, 8));
	assert_int_equal(sent(), 3);
}

static void a_pass_that_was_left_long_ago_begins_anew(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	sync_dir_close(sync_under_test, &open->op.open_dir);
	fake_advance(fake, PASS_KEPT_MS);
	sent();
	service_delete(1);
	assert_lists(names_from_to(2, 6));
	assert_int_equal(sent(), 4);
}

static void one_who_still_reads_keeps_the_pass(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	fake_advance(fake, PASS_KEPT_MS);
	struct ask *second = ask_open(posts);
	assert_ended(second, 0);
	assert_int_equal(second->op.open_dir.base, open->op.open_dir.base);
}

static void a_server_that_fails_is_eio_after_patience(void **state)
{
	(void)state;
	fixture_start();
	struct ask *open = ask_open(posts);
	serve(request(SPEC_LINE));
	int64_t begin = fake_now(fake);
	while (!open->count) {
		if (fake_open_count(fake))
			ANSWER(fake_open(fake, 0), .status = 502);
		else
			assert_true(fake_advance_to_timer(fake));
	}
	assert_ended(open, -EIO);
	assert_int_equal(fake_now(fake) - begin, RETRY_MS);
	assert_non_null(
	    strstr(errors_text(), "\tposts\tGET /v1/data/posts\t502\tEIO\t"));
}

static void a_record_without_an_id_is_eproto(void **state)
{
	(void)state;
	fixture_start();
	struct ask *open = ask_open(posts);
	serve(request(SPEC_LINE));
	ANSWER(request(FIRST_PAGE), .status = 200,
	    .body = "{\"items\":[{\"id\":\"a\"},{\"name\":\"b\"}],"
		    "\"pagination\":{\"total\":2}}");
	assert_ended(open, -EPROTO);
	assert_non_null(strstr(errors_text(), "has no id"));
}

static void what_is_no_listing_is_eproto(void **state)
{
	(void)state;
	static const char *const bodies[] = {
	    "<html></html>", "{}", "{\"success\":false}", "{\"items\":[1]}"};
	fixture_start();
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct ask *open = ask_open(posts);
		if (i == 0)
			serve(request(SPEC_LINE));
		ANSWER(request(FIRST_PAGE), .status = 200, .body = bodies[i],
		    .length_told = true);
		assert_ended(open, -EPROTO);
	}
}

/* ---- change while it is listed ---- */

/* How often a record stands in a list of names. */
static int times_in(const char *all, int id)
{
	char name[16];
	int times = 0;
	snprintf(name, sizeof(name), "r%04d.json", id);
	for (const char *at = all; (at = strstr(at, name)); at++)
		times++;
	return times;
}

static void assert_each_once(const char *all, int first, int last)
{
	for (int id = first; id <= last; id++)
		assert_int_equal(times_in(all, id), 1);
}

static void a_record_that_slipped_between_pages_is_found(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();	   /* r0001 and r0002 */
	service_delete(1); /* now r0003 stands on page 1 */
	struct sync_dir *dir = &open->op.open_dir;
	struct ask *wait = ask_wait(posts, dir, position(dir->base, 6));
	serve_all();
	assert_ended(wait, 0);
	assert_each_once(names_of(posts, dir), 2, 6);
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_each_once(names, 2, 6);
}

static void totals_that_differ_make_another_round(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	sent();
	service_create(7);
	struct sync_dir *dir = &open->op.open_dir;
	ask_wait(posts, dir, position(dir->base, 9));
	serve_all();
	assert_each_once(names_of(posts, dir), 1, 7);
	/* The rest of the first round is three pages, a second four. */
	assert_in_range(sent(), 3 + 4, 24);
	assert_int_equal(listing().count, 7);
}

/* What happens while a listing is read. */
enum { GOES = 1, COMES = 2 };

/* Ask for a listing whole, answer in any order, and let records go and come
 * meanwhile. Those that were there throughout must be in, once. */
static void list_under_change(unsigned seed, int what)
{
	char marked[300];
	bool gone[SERVED_MAX] = {false};
	srand(seed);
	int count = 5 + rand() % 30, born = 1001, rate = 1 + rand() % 6;
	service.limit_max = 2 + seed % 4;
	service_fill((size_t)count);
	fixture_start();
	/* A name that only a whole listing can find asks for all of it. */
	memset(marked, 'x', 233);
	strcpy(marked + 233, "~0123456789abcdef.json");
	struct ask *lookup = ask_lookup(posts, marked);
	for (int changes = 0; fake_open_count(fake);) {
		serve(fake_open(fake, (size_t)rand() % fake_open_count(fake)));
		if (rand() % rate || changes++ >= 12)
			continue;
		if ((what & GOES) && service.count > 2) {
			int id = service.ids[(size_t)rand() % service.count];
			service_delete(id);
			gone[id] = true;
		}
		if (what & COMES)
			service_create(born++);
	}
	assert_ended(lookup, -ENOENT);
	struct replica_listing known = listing();
	struct sync_dir dir = {.base = known.base, .end = known.end};
	const char *all = names_of(posts, &dir);
	for (int id = 1; id <= count; id++) {
		int times = times_in(all, id);
		if (gone[id] ? times > 1 : times != 1)
			print_error("seed %u: r%04d stands there %d times\n",
			    seed, id, times);
		assert_true(gone[id] ? times <= 1 : times == 1);
	}
}

static void list_under_changes(int what)
{
	void *unused = NULL;
	for (unsigned seed = 1; seed <= 90; seed++) {
		service.refuses_filters = seed % 3 == 1;
		list_under_change(seed, what);
		assert_int_equal(fixture_teardown(&unused), 0);
		assert_int_equal(fixture_setup(&unused), 0);
	}
	fixture_start();
}

static void what_stays_is_in_whatever_goes(void **state)
{
	(void)state;
	list_under_changes(GOES);
}

static void what_stays_is_in_whatever_comes(void **state)
{
	(void)state;
	list_under_changes(COMES);
}

static void a_total_that_is_too_high_is_never_whole(void **state)
{
	(void)state;
	service_fill(5);
	service.total_bias = 3;
	fixture_start();
	assert_int_equal(list_all(posts, names, sizeof(names)), -EPROTO);
	assert_int_equal(listing().end, 0);
	assert_non_null(strstr(errors_text(), "it is not taken for whole"));
	/* Nobody asks for ever. */
	assert_in_range(sent(), 6, 30);
}

static void a_total_that_is_too_low_hides_nothing(void **state)
{
	(void)state;
	service_fill(7);
	service.total_bias = -3;
	fixture_start();
	assert_lists(names_from_to(1, 7));
}

static void a_page_that_repeats_is_never_whole(void **state)
{
	(void)state;
	for (int totals = 0; totals < 2; totals++) {
		service_fill(6);
		service.repeats = true;
		service.no_totals = !totals;
		fixture_start();
		assert_int_equal(
		    list_all(posts, names, sizeof(names)), -EPROTO);
		assert_int_equal(listing().end, 0);
		assert_true(sent() < 20);
		fixture_stop();
	}
	fixture_start();
}

static void totals_that_never_agree_end_all_the_same(void **state)
{
	(void)state;
	service_fill(6);
	service.refuses_filters = true;
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	struct sync_dir *dir = &open->op.open_dir;
	struct ask *wait = ask_wait(posts, dir, position(dir->base, 2000));
	for (int i = 0; fake_open_count(fake); i++) {
		assert_true(i < 1000);
		service.total_bias = 1 + i % 3;
		serve(fake_open(fake, 0));
	}
	assert_int_equal(wait->count, 1);
	if (listing().end)
		assert_each_once(names_of(posts, dir), 1, 6);
	else
		assert_true(wait->err == -EIO || wait->err == -EPROTO);
}

/* ---- freshness ---- */

static void an_unchanged_listing_costs_one_request(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	struct replica_listing before = listing();
	go_stale();
	struct ask *open = ask_open(posts);
	assert_waits(open);
	serve(request(PROBE_LINE));
	assert_ended(open, 0);
	assert_int_equal(sent(), 1);
	assert_int_equal(open->op.open_dir.base, before.base);
	assert_int_equal(open->op.open_dir.end, before.end);
	assert_true(listing().listed_ms > before.listed_ms);
	/* It is fresh again now. */
	fake_advance(fake, TTL_MS - 1000);
	assert_lists(names_from_to(1, 5));
	assert_int_equal(sent(), 0);
}

static void a_changed_listing_is_passed_over_again(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	struct node second = node_of("r0002.json"),
		    third = node_of("r0003.json");
	go_stale();
	service.versions[3]++;
	assert_lists(names_from_to(1, 5));
	/* The service does not heed the filter for what changed. */
	assert_int_equal(sent(), 1 + 1 + 4);
	assert_int_equal(node_of("r0002.json").id, second.id);
	assert_true(node_of("r0003.json").id > third.id);
	struct node old;
	assert_int_equal(replica_get(replica, third.id, &old), 0);
	assert_false(old.live);
}

static void what_is_gone_is_gone_after_the_next_pass(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	go_stale();
	service_delete(1);
	assert_lists(names_from_to(2, 5));
	struct node node;
	assert_int_equal(
	    replica_lookup(replica, posts, "r0001.json", &node), -ENOENT);
}

static void an_open_directory_keeps_what_it_began_with(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	struct ask *open = ask_open(posts);
	go_stale();
	service_delete(1);
	service_create(6);
	assert_lists(names_from_to(2, 6));
	assert_string_equal(
	    names_of(posts, &open->op.open_dir), names_from_to(1, 5));
	/* Nobody needs it afterwards. */
	sync_dir_close(sync_under_test, &open->op.open_dir);
	go_stale();
	service_create(7);
	assert_lists(names_from_to(2, 7));
	assert_string_equal(names_of(posts, &open->op.open_dir), "");
}

static void a_probe_that_is_refused_fails_the_open(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	assert_lists(names_from_to(1, 3));
	go_stale();
	struct ask *open = ask_open(posts);
	ANSWER(request(PROBE_LINE), .status = 403);
	assert_ended(open, -EACCES);
	assert_int_equal(sent(), 1);
	/* And is asked again by the next one. */
	assert_lists(names_from_to(1, 3));
}

static void a_server_that_cannot_be_probed_is_passed_over(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	assert_lists(names_from_to(1, 3));
	go_stale();
	struct ask *open = ask_open(posts);
	ANSWER(request(PROBE_LINE), .status = 400);
	serve_all();
	assert_ended(open, 0);
	assert_lists(names_from_to(1, 3));
}

static void without_a_ttl_every_open_asks(void **state)
{
	(void)state;
	settings.ttl_ms = 0;
	service_fill(3);
	fixture_start();
	assert_lists(names_from_to(1, 3));
	sent();
	for (int i = 0; i < 3; i++) {
		assert_lists(names_from_to(1, 3));
		assert_int_equal(sent(), 1);
	}
	service_delete(2);
	assert_lists("r0001.json r0003.json");
}

static void everything_is_due_after_a_hangup(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	assert_lists(names_from_to(1, 3));
	sent();
	sync_expire(sync_under_test);
	fake_run(fake);
	assert_int_equal(sent(), 0);
	assert_lists(names_from_to(1, 3));
	assert_int_equal(sent(), 1);
}

static void a_listing_lasts_over_a_remount(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	struct node first = node_of("r0001.json");
	sent();
	fixture_stop();
	fixture_start();
	assert_lists(names_from_to(1, 5));
	assert_int_equal(sent(), 0);
	fixture_stop();
	fake_advance(fake, TTL_MS);
	fixture_start();
	assert_lists(names_from_to(1, 5));
	assert_int_equal(sent(), 1);
	assert_int_equal(node_of("r0001.json").id, first.id);
}

static void a_pass_that_was_cut_by_an_unmount_is_not_whole(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	assert_ended(open, 0);
	ask_wait(
	    posts, &open->op.open_dir, position(open->op.open_dir.base, 2));
	fixture_stop(); /* ends what waits */
	fixture_start();
	assert_int_equal(listing().end, 0);
	sent();
	assert_lists(names_from_to(1, 6));
	assert_int_equal(sent(), 4);
}

static void offline_answers_from_the_replica_alone(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	assert_lists(names_from_to(1, 3));
	fixture_stop();
	fake_advance(fake, TTL_MS * 1000);
	sent();
	fixture_start_offline();
	assert_lists(names_from_to(1, 3));
	assert_ended(ask_lookup(posts, "r0002.json"), 0);
	assert_ended(ask_lookup(posts, "r0009.json"), -ENOENT);
	assert_ended(ask_lookup(NODE_ROOT, "orders"), -ENODATA);
	assert_ended(ask_open(NODE_FILES), -ENODATA);
	assert_ended(ask_lookup(NODE_FILES, "x.json"), -ENODATA);
	assert_int_equal(sent(), 0);
}

/* ---- interrupts ---- */

static void an_operation_that_waits_can_be_interrupted(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	struct ask *first = ask_open(posts), *second = ask_open(posts);
	sync_interrupt(sync_under_test, first->op.id);
	fake_run(fake);
	assert_ended(first, -EINTR);
	assert_waits(second);
	assert_int_equal(fake_open_count(fake), 2);
	/* Nobody waits any more: nothing is asked any more. */
	sync_interrupt(sync_under_test, second->op.id);
	fake_run(fake);
	assert_ended(second, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
	/* Which spoils nothing. */
	assert_lists(names_from_to(1, 5));
}

static void an_interrupt_may_come_before_its_operation(void **state)
{
	(void)state;
	fixture_start();
	uint64_t next = sync_op_id(sync_under_test) + 1;
	sync_interrupt(sync_under_test, next);
	struct ask *open = ask_open(posts);
	assert_int_equal(open->op.id, next);
	assert_ended(open, -EINTR);
	assert_int_equal(sent(), 0);
}

static void an_interrupt_after_the_end_does_nothing(void **state)
{
	(void)state;
	service_fill(1);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	assert_ended(open, 0);
	sync_interrupt(sync_under_test, open->op.id);
	sync_interrupt(sync_under_test, 987654321);
	fake_run(fake);
	assert_ended(open, 0);
}

static void a_wait_and_a_probe_can_be_interrupted(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	struct ask *wait = ask_wait(
	    posts, &open->op.open_dir, end_of(open->op.open_dir.base, 1));
	sync_interrupt(sync_under_test, wait->op.id);
	fake_run(fake);
	assert_ended(wait, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
	assert_string_equal(
	    names_of(posts, &open->op.open_dir), names_from_to(1, 2));
	assert_lists(names_from_to(1, 6));
	go_stale();
	struct ask *again = ask_open(posts);
	request(PROBE_LINE);
	sync_interrupt(sync_under_test, again->op.id);
	fake_run(fake);
	assert_ended(again, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
	assert_lists(names_from_to(1, 6));
}

static void a_rate_limited_wait_ends_at_once(void **state)
{
	(void)state;
	fixture_start();
	struct ask *open = ask_open(posts);
	ANSWER(request(SPEC_LINE), .status = 429, .retry_after_ms = 3600000);
	ANSWER(request(FIRST_PAGE), .status = 429, .retry_after_ms = 3600000);
	assert_waits(open);
	sync_interrupt(sync_under_test, open->op.id);
	fake_run(fake);
	assert_ended(open, -EINTR);
}

/* ---- lookups ---- */

static void a_record_is_asked_for_alone(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	struct ask *lookup = ask_lookup(posts, "r0003.json");
	assert_int_equal(sent(), 1);
	serve(request("GET /v1/data/posts/r0003"));
	assert_ended(lookup, 0);
	assert_int_equal(lookup->op.node.id, node_of("r0003.json").id);
	struct node node;
	assert_int_equal(
	    sync_lookup_now(sync_under_test, posts, "r0003.json", &node), 0);
	assert_int_equal(node.id, lookup->op.node.id);
	/* For ttl; then it is asked for again, and keeps its node. */
	fake_advance(fake, TTL_MS);
	assert_int_equal(
	    sync_lookup_now(sync_under_test, posts, "r0003.json", &node),
	    -EAGAIN);
	lookup = ask_lookup(posts, "r0003.json");
	serve_all();
	assert_ended(lookup, 0);
	assert_int_equal(lookup->op.node.id, node.id);
	assert_int_equal(sent(), 1);
}

static void a_record_is_fetched_once_for_all_who_want_it(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	struct ask *lookups[8];
	for (int i = 0; i < 8; i++)
		lookups[i] = ask_lookup(posts, "r0003.json");
	assert_int_equal(fake_open_count(fake), 1);
	sync_interrupt(sync_under_test, lookups[0]->op.id);
	fake_run(fake);
	assert_ended(lookups[0], -EINTR);
	serve_all();
	for (int i = 1; i < 8; i++) {
		assert_ended(lookups[i], 0);
		assert_int_equal(
		    lookups[i]->op.node.id, lookups[1]->op.node.id);
	}
	assert_int_equal(sent(), 1);
	/* With the last one, the request goes. */
	struct ask *alone = ask_lookup(posts, "r0004.json");
	sync_interrupt(sync_under_test, alone->op.id);
	fake_run(fake);
	assert_ended(alone, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
}

static void a_missing_record_is_enoent(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	struct ask *first = ask_lookup(posts, "r0009.json");
	struct ask *second = ask_lookup(posts, "r0009.json");
	serve_all();
	assert_ended(first, -ENOENT);
	assert_ended(second, -ENOENT);
	assert_int_equal(sent(), 1);
	assert_string_equal(errors_text(), "");
	/* A fresh listing knows without asking. */
	assert_lists(names_from_to(1, 3));
	sent();
	assert_ended(ask_lookup(posts, "r0009.json"), -ENOENT);
	assert_int_equal(sent(), 0);
}

static void names_that_no_record_can_have_are_not_asked_for(void **state)
{
	(void)state;
	static const char *const impossible[] = {"r1", "r1.jso", ".json",
	    "%zz.json", "r0001.json~", ".git", "r1.JSON", "%41.json"};
	fixture_start();
	for (size_t i = 0; i < ARRAY_SIZE(impossible); i++) {
		struct ask *lookup = ask_lookup(posts, impossible[i]);
		/* An odd one may cost a request, but not be found. */
		serve_all();
		assert_ended(lookup, -ENOENT);
	}
	assert_true(sent() <= 1);
	assert_ended(ask_lookup(NODE_ROOT, ".Trash"), -ENOENT);
	assert_ended(ask_lookup(NODE_ROOT, "9lives"), -ENOENT);
	assert_ended(ask_lookup(NODE_STORAGE, "nounderscore"), -ENOENT);
	assert_true(sent() <= 1);
}

static void a_record_that_cannot_be_had_is_told(void **state)
{
	(void)state;
	fixture_start();
	struct ask *lookup = ask_lookup(posts, "r0001.json");
	ANSWER(request("GET /v1/data/posts/r0001"), .status = 403);
	assert_ended(lookup, -EACCES);
	assert_non_null(strstr(errors_text(),
	    "\tposts/r0001.json\tGET /v1/data/posts/r0001\t403\tEACCES\t"));
}

static void a_stale_listing_settles_all_names_with_one_probe(void **state)
{
	(void)state;
	service_fill(9);
	fixture_start();
	assert_lists(names_from_to(1, 9));
	go_stale();
	struct ask *lookups[9];
	for (int i = 0; i < 9; i++) {
		char name[16];
		snprintf(name, sizeof(name), "r%04d.json", i + 1);
		lookups[i] = ask_lookup(posts, name);
	}
	serve_all();
	for (int i = 0; i < 9; i++)
		assert_ended(lookups[i], 0);
	assert_int_equal(sent(), 1);
}

/* ---- tables ---- */

static void an_unknown_table_is_confirmed_by_its_first_page(void **state)
{
	(void)state;
	service_fill(5);
	fixture_start();
	struct ask *first = ask_lookup(NODE_ROOT, "orders");
	struct ask *second = ask_lookup(NODE_ROOT, "orders");
	assert_int_equal(sent(), 2);
	assert_false(is_shown("orders"));
	ANSWER(request("GET /v1/data/orders/spec"), .status = 404);
	serve(request("GET /v1/data/orders?page=1&limit=100"));
	assert_ended(first, 0);
	assert_ended(second, 0);
	assert_int_equal(first->op.node.kind, NODE_KIND_TABLE);
	assert_int_equal(second->op.node.id, first->op.node.id);
	assert_true(is_shown("orders"));
	/* From then on it is there, at no cost. */
	assert_int_equal(fake_open_count(fake), 0);
	assert_ended(ask_lookup(NODE_ROOT, "orders"), 0);
	assert_int_equal(sent(), 0);
	fixture_stop();
	fixture_start();
	assert_ended(ask_lookup(NODE_ROOT, "orders"), 0);
	assert_int_equal(sent(), 0);
}

static void a_missing_table_is_enoent_and_not_asked_for_again(void **state)
{
	(void)state;
	fixture_start();
	struct ask *lookup = ask_lookup(NODE_ROOT, "orders");
	ANSWER(request("GET /v1/data/orders?page=1"), .status = 404,
	    .body = "{\"error\":{\"code\":\"data/table-not-found\"}}");
	assert_ended(lookup, -ENOENT);
	assert_int_equal(fake_open_count(fake), 0);
	sent();
	for (int i = 0; i < 5; i++) {
		fake_advance(fake, TTL_MS / 6);
		assert_ended(ask_lookup(NODE_ROOT, "orders"), -ENOENT);
	}
	assert_int_equal(sent(), 0);
	assert_false(is_shown("orders"));
	fake_advance(fake, TTL_MS);
	lookup = ask_lookup(NODE_ROOT, "orders");
	assert_int_equal(sent(), 2);
	serve(request("GET /v1/data/orders/spec"));
	serve(request("GET /v1/data/orders?page=1"));
	assert_ended(lookup, 0);
}

static void a_table_that_may_not_be_listed_is_there_all_the_same(void **state)
{
	(void)state;
	fixture_start();
	struct ask *lookup = ask_lookup(NODE_ROOT, "orders");
	ANSWER(request("GET /v1/data/orders?page=1"), .status = 403,
	    .body = "{\"error\":{\"code\":\"data/permission-denied\"}}");
	assert_ended(lookup, 0);
	int64_t orders = lookup->op.node.id;
	struct ask *record = ask_lookup(orders, "x.json");
	ANSWER(request("GET /v1/data/orders/x"), .status = 200,
	    .body = "{\"id\":\"x\"}");
	assert_ended(record, 0);
	struct ask *open = ask_open(orders);
	ANSWER(request("GET /v1/data/orders?page=1"), .status = 403,
	    .body = "{\"error\":{\"code\":\"data/permission-denied\"}}");
	assert_ended(open, -EACCES);
}

static void a_table_that_the_key_does_not_reach_is_eacces(void **state)
{
	(void)state;
	fixture_start();
	struct ask *lookup = ask_lookup(NODE_ROOT, "orders");
	ANSWER(request("GET /v1/data/orders?page=1"), .status = 403,
	    .body = "{\"error\":{\"code\":\"data/system-table-access\"}}");
	assert_ended(lookup, -EACCES);
	assert_false(is_shown("orders"));
}

static void what_is_no_directory_cannot_be_opened(void **state)
{
	(void)state;
	service_fill(1);
	fixture_start();
	assert_lists("r0001.json");
	assert_ended(ask_open(node_of("r0001.json").id), -ENOTDIR);
	assert_ended(ask_open(987654), -ENOTDIR);
}

/* ---- stored files ---- */

#define FILES_LINE "GET /v1/files?page=1&limit=100&sortDirection=asc"

static void one_listing_of_files_fills_both_directories(void **state)
{
	(void)state;
	char files[1024], objects[1024];
	fixture_start();
	struct ask *open = ask_open(NODE_STORAGE);
	assert_int_equal(sent(), 1); /* files have no spec */
	ANSWER(request(FILES_LINE), .status = 200,
	    .body = "{\"items\":[{\"id\":\"1\",\"originalName\":\"a.txt\","
		    "\"size\":5},{\"id\":\"2\",\"size\":-1}],\"pagination\":{"
		    "\"total\":2,\"hasNextPage\":false}}");
	assert_ended(open, 0);
	assert_int_equal(list_all(NODE_STORAGE, objects, sizeof(objects)), 0);
	assert_int_equal(list_all(NODE_FILES, files, sizeof(files)), 0);
	assert_string_equal(objects, "1_a.txt 2_");
	assert_string_equal(files, "1.json 2.json");
	assert_int_equal(sent(), 0);
	struct node node;
	assert_int_equal(
	    replica_lookup(replica, NODE_STORAGE, "1_a.txt", &node), 0);
	assert_int_equal(node.size, 5);
	assert_true(sync_size_is_known(sync_under_test, &node));
	assert_int_equal(replica_lookup(replica, NODE_STORAGE, "2_", &node), 0);
	assert_int_equal(node.size, -1);
	assert_false(sync_size_is_known(sync_under_test, &node));
}

/* Of two names that are equal, that of the greater id is marked. */
static void assert_twins(const char *items)
{
	char body[512], objects[1024];
	struct buf key;
	struct node node;
	buf_init(&key, 64);
	fixture_start();
	struct ask *open = ask_open(NODE_STORAGE);
	snprintf(body, sizeof(body),
	    "{\"items\":[%s],\"pagination\":{\"total\":2}}", items);
	ANSWER(request("GET /v1/files?page=1"), .status = 200, .body = body);
	assert_ended(open, 0);
	assert_int_equal(list_all(NODE_STORAGE, objects, sizeof(objects)), 0);
	assert_non_null(strstr(objects, "1_2_x.txt"));
	assert_non_null(strstr(objects, "1_2_x~"));
	assert_int_equal(
	    replica_lookup(replica, NODE_STORAGE, "1_2_x.txt", &node), 0);
	assert_int_equal(replica_key(replica, node.id, &key), 0);
	assert_buf(&key, "1");
	buf_done(&key);
}

static void the_greater_id_is_marked_when_it_comes_last(void **state)
{
	(void)state;
	assert_twins("{\"id\":\"1\",\"originalName\":\"2_x.txt\"},"
		     "{\"id\":\"1_2\",\"originalName\":\"x.txt\"}");
}

static void the_greater_id_is_marked_when_it_comes_first(void **state)
{
	(void)state;
	assert_twins("{\"id\":\"1_2\",\"originalName\":\"x.txt\"},"
		     "{\"id\":\"1\",\"originalName\":\"2_x.txt\"}");
}

static void a_stored_file_is_found_by_the_id_in_its_name(void **state)
{
	(void)state;
	fixture_start();
	struct ask *lookup = ask_lookup(NODE_STORAGE, "f1_a.txt");
	ANSWER(request("GET /v1/files/f1"), .status = 200,
	    .body = "{\"id\":\"f1\",\"originalName\":\"a.txt\",\"size\":3}");
	assert_ended(lookup, 0);
	assert_int_equal(lookup->op.node.kind, NODE_KIND_OBJECT);
	assert_int_equal(lookup->op.node.size, 3);
	assert_int_equal(sent(), 1);
	assert_ended(ask_lookup(NODE_FILES, "f1.json"), 0);
	assert_int_equal(sent(), 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_listing_of_three_pages_is_whole),
	    TEST(a_full_page_has_a_hundred_records),
	    TEST(an_empty_table_is_whole),
	    TEST(a_listing_without_totals_goes_by_its_next_page),
	    TEST(the_spec_stands_first),
	    TEST(a_refused_spec_is_absent),
	    TEST(a_spec_that_fails_fails_the_listing),
	    TEST(pages_are_published_in_order_whatever_comes_first),
	    TEST(any_order_of_answers_gives_the_same_listing),
	    TEST(reading_one_page_costs_two_requests),
	    TEST(the_window_grows_with_the_reader_to_fill_the_connections),
	    TEST(no_more_than_the_connections_are_asked_at_once),
	    TEST(a_refused_page_size_is_left_to_the_server),
	    TEST(a_second_refusal_is_final),
	    TEST(a_page_cut_short_leaves_no_trace),
	    TEST(a_failed_page_fails_its_readers_and_is_taken_up_there),
	    TEST(a_pass_that_was_left_long_ago_begins_anew),
	    TEST(one_who_still_reads_keeps_the_pass),
	    TEST(a_server_that_fails_is_eio_after_patience),
	    TEST(a_record_without_an_id_is_eproto),
	    TEST(what_is_no_listing_is_eproto),
	    TEST(a_record_that_slipped_between_pages_is_found),
	    TEST(totals_that_differ_make_another_round),
	    TEST(what_stays_is_in_whatever_goes),
	    TEST(what_stays_is_in_whatever_comes),
	    TEST(a_total_that_is_too_high_is_never_whole),
	    TEST(a_total_that_is_too_low_hides_nothing),
	    TEST(a_page_that_repeats_is_never_whole),
	    TEST(totals_that_never_agree_end_all_the_same),
	    TEST(an_unchanged_listing_costs_one_request),
	    TEST(a_changed_listing_is_passed_over_again),
	    TEST(what_is_gone_is_gone_after_the_next_pass),
	    TEST(an_open_directory_keeps_what_it_began_with),
	    TEST(a_probe_that_is_refused_fails_the_open),
	    TEST(a_server_that_cannot_be_probed_is_passed_over),
	    TEST(without_a_ttl_every_open_asks),
	    TEST(everything_is_due_after_a_hangup),
	    TEST(a_listing_lasts_over_a_remount),
	    TEST(a_pass_that_was_cut_by_an_unmount_is_not_whole),
	    TEST(offline_answers_from_the_replica_alone),
	    TEST(an_operation_that_waits_can_be_interrupted),
	    TEST(an_interrupt_may_come_before_its_operation),
	    TEST(an_interrupt_after_the_end_does_nothing),
	    TEST(a_wait_and_a_probe_can_be_interrupted),
	    TEST(a_rate_limited_wait_ends_at_once),
	    TEST(a_record_is_asked_for_alone),
	    TEST(a_record_is_fetched_once_for_all_who_want_it),
	    TEST(a_missing_record_is_enoent),
	    TEST(names_that_no_record_can_have_are_not_asked_for),
	    TEST(a_record_that_cannot_be_had_is_told),
	    TEST(a_stale_listing_settles_all_names_with_one_probe),
	    TEST(an_unknown_table_is_confirmed_by_its_first_page),
	    TEST(a_missing_table_is_enoent_and_not_asked_for_again),
	    TEST(a_table_that_may_not_be_listed_is_there_all_the_same),
	    TEST(a_table_that_the_key_does_not_reach_is_eacces),
	    TEST(what_is_no_directory_cannot_be_opened),
	    TEST(one_listing_of_files_fills_both_directories),
	    TEST(the_greater_id_is_marked_when_it_comes_last),
	    TEST(the_greater_id_is_marked_when_it_comes_first),
	    TEST(a_stored_file_is_found_by_the_id_in_its_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
