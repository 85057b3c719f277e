/* What was deleted is found by looking here and there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lister-fixture.h"
#include "unit.h"

/* Enough for a search to be cheaper than the whole: 40 pages. */
#define MANY 4000
#define ALL_PAGES 40

static int setup(void **state)
{
	int r = fixture_setup(state);
	service.limit_max = 100;
	service.heeds_times = true;
	service.tells_date = true;
	return r;
}

static void list_many(void)
{
	service_fill(MANY);
	fixture_start();
	assert_lists(names_from_to(1, MANY));
	go_stale();
}

/* What is listed is what the service has, after so many requests at most. */
static void assert_finds_out(size_t most)
{
	size_t listed = 0;
	sent();
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_in_range(sent(), 1, most);
	for (const char *at = names; (at = strstr(at, ".json")); at++)
		listed++;
	assert_int_equal(listed, service.count);
	for (size_t i = 0; i < service.count; i++)
		assert_int_equal(times_in(names, service.ids[i]), 1);
	assert_int_equal(listing().count, service.count);
	/* And then it is unchanged. */
	go_stale();
	sent();
	assert_lists(names);
	assert_int_equal(sent(), 1);
}

static void one_deletion_costs_a_few_requests(void **state)
{
	(void)state;
	static const int which[] = {1, 2, 99, 100, 101, 1777, 3900, 3901, 3999};
	list_many();
	for (size_t i = 0; i < ARRAY_SIZE(which); i++) {
		char name[16];
		service_delete(which[i]);
		/* Before, the end, halving, the page, the end, after. */
		assert_finds_out(1 + 1 + 6 + 1 + 1 + 1);
		snprintf(name, sizeof(name), "r%04d.json", which[i]);
		assert_ended(ask_lookup(posts, name), -ENOENT);
		go_stale();
	}
}

static void deletions_at_the_end_cost_least(void **state)
{
	(void)state;
	list_many();
	service_delete(MANY);
	service_delete(MANY - 1);
	assert_finds_out(1 + 1 + 1);
}

static void neighbours_are_found_together(void **state)
{
	(void)state;
	list_many();
	service_delete(1234);
	service_delete(1235);
	assert_finds_out(1 + 1 + 6 + 1 + 1 + 1);
}

static void far_ones_one_after_the_other(void **state)
{
	(void)state;
	list_many();
	service_delete(5);
	service_delete(3456);
	assert_finds_out(1 + 2 * (1 + 6 + 1) + 1 + 1);
}

static void others_keep_their_nodes(void **state)
{
	(void)state;
	list_many();
	struct node one = node_of("r0001.json"), gone = node_of("r2000.json");
	struct node next = node_of("r2001.json");
	service_delete(2000);
	name_changes = 0;
	assert_finds_out(20);
	assert_int_equal(name_changes, 1);
	assert_string_equal(name_changed_name, "r2000.json");
	assert_int_equal(node_of("r0001.json").id, one.id);
	assert_int_equal(node_of("r2001.json").id, next.id);
	assert_int_equal(replica_get(replica, gone.id, &gone), 0);
	assert_false(gone.live);
}

static void too_many_are_listed_anew(void **state)
{
	(void)state;
	list_many();
	for (int id = 100; id < 110; id++)
		service_delete(id * 30);
	assert_finds_out(1 + ALL_PAGES + 2);
}

static void what_is_new_and_what_is_gone_are_found_together(void **state)
{
	(void)state;
	list_many();
	service_delete(77);
	fake_advance(fake, 7);
	service_create(MANY + 1);
	service_change(3000);
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_in_range(sent(), 3, 20);
	assert_int_equal(times_in(names, 77), 0);
	assert_int_equal(times_in(names, MANY + 1), 1);
	assert_int_equal(listing().count, service.count);
}

/* ---- what does not fit ---- */

static struct ask *search_begun(void)
{
	list_many();
	service_delete(2000);
	struct ask *ask = ask_open(posts);
	serve(request(PROBE_LINE));
	for (int i = 0; i < 4; i++)
		serve(fake_open(fake, 0));
	assert_waits(ask);
	return ask;
}

static void assert_whole_after(const struct ask *ask)
{
	serve_all();
	assert_ended(ask, 0);
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	for (size_t i = 0; i < service.count; i++)
		assert_int_equal(times_in(names, service.ids[i]), 1);
	size_t listed = 0;
	for (const char *at = names; (at = strstr(at, ".json")); at++)
		listed++;
	assert_int_equal(listed, service.count);
}

static void another_deletion_meanwhile_is_noticed(void **state)
{
	(void)state;
	struct ask *ask = search_begun();
	service_delete(10);
	assert_whole_after(ask);
}

static void a_deletion_and_a_creation_meanwhile_are_noticed(void **state)
{
	(void)state;
	struct ask *ask = search_begun();
	fake_advance(fake, 1000);
	service_delete(10);
	service_create(MANY + 1);
	assert_whole_after(ask);
}

static void a_change_of_order_is_noticed(void **state)
{
	(void)state;
	struct ask *ask = search_begun();
	service.descends = true;
	assert_whole_after(ask);
}

static void smaller_pages_are_noticed(void **state)
{
	(void)state;
	list_many();
	service_delete(2000);
	service.limit_max = 50;
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_int_equal(times_in(names, 2000), 0);
	assert_int_equal(listing().count, service.count);
}

static void an_unmount_in_the_middle_loses_nothing(void **state)
{
	(void)state;
	search_begun();
	fixture_stop();
	fixture_start();
	go_stale();
	assert_finds_out(20);
}

static void a_reader_that_goes_away_ends_the_search(void **state)
{
	(void)state;
	struct ask *ask = search_begun();
	sync_interrupt(sync_under_test, ask->op.id);
	fake_run(fake);
	assert_ended(ask, -EINTR);
	assert_int_equal(fake_open_count(fake), 0);
	assert_finds_out(20);
}

#define PRUNE(name)                                                            \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    PRUNE(one_deletion_costs_a_few_requests),
	    PRUNE(deletions_at_the_end_cost_least),
	    PRUNE(neighbours_are_found_together),
	    PRUNE(far_ones_one_after_the_other),
	    PRUNE(others_keep_their_nodes),
	    PRUNE(too_many_are_listed_anew),
	    PRUNE(what_is_new_and_what_is_gone_are_found_together),
	    PRUNE(another_deletion_meanwhile_is_noticed),
	    PRUNE(a_deletion_and_a_creation_meanwhile_are_noticed),
	    PRUNE(a_change_of_order_is_noticed),
	    PRUNE(smaller_pages_are_noticed),
	    PRUNE(an_unmount_in_the_middle_loses_nothing),
	    PRUNE(a_reader_that_goes_away_ends_the_search),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
