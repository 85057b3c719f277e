/* Questions that are answered on another thread while a listing ends. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lister-fixture.h"

int __real_replica_lookup(struct replica *replica_to_ask, int64_t dir,
    const char *name, struct node *ret_node);
int __wrap_replica_lookup(struct replica *replica_to_ask, int64_t dir,
    const char *name, struct node *ret_node);

static bool armed; /* the loop runs on right behind the next look */

int __wrap_replica_lookup(struct replica *replica_to_ask, int64_t dir,
    const char *name, struct node *ret_node)
{
	int r = __real_replica_lookup(replica_to_ask, dir, name, ret_node);
	if (armed) {
		armed = false;
		serve_all();
	}
	return r;
}

static int setup(void **state)
{
	int r = fixture_setup(state);
	armed = false;
	service.limit_max = 5;
	service.heeds_times = true;
	service.tells_date = true;
	return r;
}

static void begin_again(void **state)
{
	armed = false;
	assert_int_equal(fixture_teardown(state), 0);
	assert_int_equal(setup(state), 0);
}

static int look_up_now(const char *name)
{
	struct node node;
	int64_t since;
	armed = true;
	return sync_lookup_now(sync_under_test, posts, name, &node, &since);
}

/* By a pass, or by a refresh. */
static void what_a_listing_brings_meanwhile_is_not_surely_absent(void **state)
{
	for (int refresh = 0; refresh < 2; refresh++) {
		service_fill(20);
		fixture_start();
		assert_lists(names_from_to(1, 20));
		go_stale();
		service.heeds_times = refresh;
		service_create(21);
		struct ask *open = ask_open(posts);
		assert_int_equal(look_up_now("r0021.json"), -EAGAIN);
		assert_false(armed);
		assert_ended(open, 0);
		begin_again(state);
	}
	fixture_start();
}

static void what_a_listing_took_away_meanwhile_is_not_surely_there(void **state)
{
	for (int refresh = 0; refresh < 2; refresh++) {
		service_fill(20);
		fixture_start();
		assert_lists(names_from_to(1, 20));
		go_stale();
		service.heeds_times = refresh;
		service_delete(7);
		service_change(8);
		struct ask *open = ask_open(posts);
		assert_int_equal(look_up_now("r0007.json"), -EAGAIN);
		assert_false(armed);
		assert_ended(open, 0);
		begin_again(state);
	}
	fixture_start();
}

/* For one that the kernel would keep. */
static void an_older_listing_is_not_told_as_the_newest(void **state)
{
	(void)state;
	service_fill(20);
	fixture_start();
	assert_lists(names_from_to(1, 20));
	struct sync_dir dir;
	assert_int_equal(sync_dir_open_now(sync_under_test, posts, &dir), 0);
	assert_true(sync_dir_version(sync_under_test, posts, &dir) != 0);
	go_stale();
	assert_int_equal(sync_dir_version(sync_under_test, posts, &dir), 0);
	service_create(21);
	assert_is_all_and_fresh();
	assert_int_equal(sync_dir_version(sync_under_test, posts, &dir), 0);
	sync_dir_close(sync_under_test, &dir);
}

#undef TEST
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_a_listing_brings_meanwhile_is_not_surely_absent),
	    TEST(what_a_listing_took_away_meanwhile_is_not_surely_there),
	    TEST(an_older_listing_is_not_told_as_the_newest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
