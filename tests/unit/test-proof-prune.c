/* When the search for what is gone is given up, and what is asked then. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lister-fixture.h"

/* So many that a search for one is cheaper than the whole: 16 pages. */
#define MANY 1600

static int setup(void **state)
{
	int r = fixture_setup(state);
	service.limit_max = 100;
	service.heeds_times = true;
	service.tells_date = true;
	return r;
}

static void list_many(size_t count)
{
	service_fill(count);
	fixture_start();
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	go_stale();
}

/* One is gone, which the check tells. */
static struct ask *check_tells_of_one(void)
{
	service_delete(800);
	struct ask *open = ask_open(posts);
	serve(request(PROBE_LINE));
	return open;
}

static void assert_searches(void)
{
	assert_null(fake_find(fake, FIRST_PAGE));
	assert_int_equal(fake_open_count(fake), 1);
}

static void assert_lists_anew(const struct ask *open)
{
	assert_non_null(fake_find(fake, FIRST_PAGE));
	serve_all();
	assert_ended(open, 0);
	assert_is_all_and_fresh();
}

static void another_total_ends_the_search(void **state)
{
	(void)state;
	list_many(MANY);
	struct ask *open = check_tells_of_one();
	assert_searches();
	/* As many come as were asked for. */
	service_delete(10);
	serve(fake_open(fake, 0));
	assert_lists_anew(open);
}

static void an_answer_without_records_ends_the_search(void **state)
{
	(void)state;
	list_many(MANY);
	struct ask *open = check_tells_of_one();
	assert_searches();
	ANSWER(fake_open(fake, 0), .status = 200, .length_told = true,
	    .body = "{\"items\":[],\"pagination\":{\"total\":1599,"
		    "\"hasNext\":false}}");
	assert_lists_anew(open);
}

static void an_answer_that_is_none_ends_the_search(void **state)
{
	(void)state;
	list_many(MANY);
	struct ask *open = check_tells_of_one();
	assert_searches();
	/* Its total and its first record are what is expected. */
	answer_garbled(fake_open(fake, 0),
	    "{\"pagination\":{\"total\":1599,\"hasNext\":false},"
	    "\"items\":[{\"id\":\"r1600\"},{\"no\":\"id\"}]}");
	assert_lists_anew(open);
}

/* Of so many that a search for two would be cheaper, too. */
static void one_more_after_the_search_is_listed_anew(void **state)
{
	(void)state;
	list_many(4000);
	struct ask *open = check_tells_of_one();
	assert_searches();
	while (!fake_find(fake, PROBE_LINE))
		serve(fake_open(fake, 0));
	service_delete(10);
	serve(request(PROBE_LINE));
	assert_lists_anew(open);
}

static void a_listing_in_another_order_is_not_searched(void **state)
{
	(void)state;
	service.descends = true;
	list_many(MANY);
	assert_lists_anew(check_tells_of_one());
}

static void a_listing_that_somebody_reads_is_not_searched(void **state)
{
	(void)state;
	list_many(MANY);
	assert_is_all_and_fresh();
	struct ask *reader = ask_open(posts);
	assert_ended(reader, 0);
	go_stale();
	assert_lists_anew(check_tells_of_one());
	assert_each_once(names_of(posts, &reader->op.open_dir), 1, MANY);
}

/* ---- who reads on ---- */

static void one_who_takes_up_the_same_place_costs_one_page(void **state)
{
	(void)state;
	service.limit_max = 2;
	service_fill(400);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	const struct sync_dir *dir = &open->op.open_dir;
	sync_dir_reading(sync_under_test, posts, dir, position(dir->base, 20));
	serve_all(); /* up to the 52nd page */
	struct ask *wait = ask_wait(posts, dir, end_of(dir->base, 52));
	assert_waits(wait);
	assert_true(fake_open_count(fake) > 1);
	sync_interrupt(sync_under_test, wait->op.id);
	fake_run(fake);
	assert_ended(wait, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
	wait = ask_wait(posts, dir, end_of(dir->base, 52));
	assert_int_equal(fake_open_count(fake), 1);
	serve_all();
	assert_ended(wait, 0);
}

#undef TEST
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(another_total_ends_the_search),
	    TEST(an_answer_without_records_ends_the_search),
	    TEST(an_answer_that_is_none_ends_the_search),
	    TEST(one_more_after_the_search_is_listed_anew),
	    TEST(a_listing_in_another_order_is_not_searched),
	    TEST(a_listing_that_somebody_reads_is_not_searched),
	    TEST(one_who_takes_up_the_same_place_costs_one_page),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
