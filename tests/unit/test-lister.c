#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "lister-fixture.h"

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
	/* The spec, four pages; and, since nothing tells that no record went
	 * meanwhile, five ranges of ids, and whether one is a number. */
	assert_int_equal(sent(), 1 + 4 + 5 + 1);
	fixture_stop();
	service_fill(4);
	go_stale();
	fixture_start();
	assert_lists(names_from_to(1, 4));
	/* One answer is one moment. */
	fixture_stop();
	service_fill(2);
	go_stale();
	fixture_start();
	assert_lists(names_from_to(1, 2));
	assert_int_equal(sent(), 3); /* a probe tells nothing */
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
	static const int statuses[] = {401, 403, 404, 400, 405, 410, 422};
	fixture_start();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		service_fill(9 - i); /* one is gone: only a pass can tell */
		struct ask *open = ask_open(posts);
		if (i)
			serve(request(PROBE_LINE));
		ANSWER(request(SPEC_LINE), .status = statuses[i],
		    .body = "{\"error\":{\"code\":\"refused\"}}");
		serve_all();
		assert_ended(open, 0);
		assert_lists(names_from_to(1, 9 - (int)i));
		go_stale();
	}
}

/* Until the end of somebody who opens the directory, whoever asks for its spec
 * is answered so; who asks for a page is served. */
static void answer_specs(
    const struct ask *open, const struct fake_answer *answer)
{
	while (!open->count) {
		struct http_call *call = fake_open(fake, 0);
		if (call && strcmp(fake_line(call), SPEC_LINE) == 0)
			fake_answer(call, answer);
		else if (call)
			serve(call);
		else
			assert_true(fake_advance_to_timer(fake));
	}
}

static void a_server_that_has_no_specs_is_asked_for_long_and_told_of(
    void **state)
{
	(void)state;
	service_fill(2);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve(request(FIRST_PAGE));
	assert_waits(open); /* whether it has one is not known yet */
	answer_specs(open, &(struct fake_answer){.status = 501});
	assert_ended(open, 0);
	assert_string_equal(
	    names_of(posts, &open->op.open_dir), names_from_to(1, 2));
	assert_non_null(strstr(errors_text(), "posts/.spec.json\t"));
}

static void a_spec_that_fails_fails_the_listing(void **state)
{
	static const struct {
		struct fake_answer answer;
		int err;
	} cases[] = {
	    {{.status = 500}, -EIO},
	    {{.status = 503}, -EIO},
	    {{.status = 200, .body = "<html>sign in</html>"}, -EPROTO},
	    {{.status = 200, .body = "{}", .length_told = true}, 0},
	    {{.status = 204}, -EPROTO},
	    {{.status = 302}, -EPROTO},
	    {{.status = 407}, -EPROTO},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		service_fill(3);
		fixture_start();
		struct ask *open = ask_open(posts);
		answer_specs(open, &cases[i].answer);
		assert_ended(open, cases[i].err);
		assert_int_equal(!strstr(errors_text(), "posts/.spec.json\t"),
		    !cases[i].err);
		/* It comes with the next listing, once there is one. */
		go_stale();
		service.versions[1]++;
		service.spec = "{}";
		assert_lists(".spec.json r0001.json r0002.json r0003.json");
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
}

/* What the replica has of it is from before, and may have changed since. */
static void a_spec_that_fails_is_not_the_one_of_before(void **state)
{
	(void)state;
	service_fill(3);
	service.spec = "{}";
	fixture_start();
	assert_lists(".spec.json r0001.json r0002.json r0003.json");
	go_stale();
	service_delete(2); /* only a pass can tell */
	struct ask *open = ask_open(posts);
	answer_specs(open, &(struct fake_answer){.status = 500});
	assert_ended(open, -EIO);
	assert_lists(".spec.json r0001.json r0003.json");
}

static void a_spec_that_is_cut_off_fails_the_listing(void **state)
{
	(void)state;
	service_fill(3);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve(request(FIRST_PAGE));
	while (!open->count) {
		struct http_call *call = fake_open(fake, 0);
		if (call)
			fake_break(call, -ECONNRESET);
		else
			assert_true(fake_advance_to_timer(fake));
	}
	assert_int_not_equal(open->err, 0);
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
	static const int statuses[] = {400, 422};
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		service_fill(5);
		fixture_start();
		struct ask *open = ask_open(posts);
		serve(request(SPEC_LINE));
		ANSWER(request(FIRST_PAGE), .status = statuses[i],
		    .body = "{\"error\":{\"code\":\"data/invalid-limit\"}}");
		assert_waits(open);
		serve(request("GET /v1/data/posts?page=1&sortDirection=asc"));
		assert_ended(open, 0);
		assert_lists(names_from_to(1, 5));
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
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
	fake_advance(fake, TTL_MS);
	sent();
	service_delete(1);
	assert_lists(names_from_to(2, 6));
	assert_int_equal(sent(), 4);
}

static void one_who_still_reads_gets_the_whole_pass(void **state)
{
	(void)state;
	service_fill(6);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	fake_advance(fake, TTL_MS);
	service_create(7);
	/* Who comes later is not told what was told so long ago. */
	struct ask *second = ask_open(posts);
	assert_waits(second);
	serve_all();
	assert_ended(second, 0);
	assert_each_once(names_of(posts, &open->op.open_dir), 1, 6);
	assert_lists(names_from_to(1, 7));
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
	answer_garbled(request(FIRST_PAGE),
	    "{\"items\":[{\"id\":\"a\"},{\"name\":\"b\"}],"
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
		answer_garbled(request(FIRST_PAGE), bodies[i]);
		assert_ended(open, -EPROTO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_listing_of_three_pages_is_whole),
	    TEST(a_full_page_has_a_hundred_records),
	    TEST(an_empty_table_is_whole),
	    TEST(a_listing_without_totals_goes_by_its_next_page),
	    TEST(the_spec_stands_first),
	    TEST(a_refused_spec_is_absent),
	    TEST(a_server_that_has_no_specs_is_asked_for_long_and_told_of),
	    TEST(a_spec_that_fails_fails_the_listing),
	    TEST(a_spec_that_fails_is_not_the_one_of_before),
	    TEST(a_spec_that_is_cut_off_fails_the_listing),
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
	    TEST(one_who_still_reads_gets_the_whole_pass),
	    TEST(a_server_that_fails_is_eio_after_patience),
	    TEST(a_record_without_an_id_is_eproto),
	    TEST(what_is_no_listing_is_eproto),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
