#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lister-fixture.h"

#define DELTA_LINE FIRST_PAGE "&andFilters=%7B%22updatedAt%22%3A%7B%22%24gte%22"

static int setup(void **state)
{
	int r = fixture_setup(state);
	service.limit_max = 5;
	service.heeds_times = true;
	service.tells_date = true;
	return r;
}

static void list_twenty(void)
{
	service_fill(20);
	fixture_start();
	assert_lists(names_from_to(1, 20));
	go_stale();
}

/* ---- what it costs ---- */

static void what_changed_is_fetched_alone(void **state)
{
	(void)state;
	service.tells_date = true;
	list_twenty();
	struct node second = node_of("r0002.json"),
		    third = node_of("r0003.json");
	service_change(3);
	assert_is_all_and_fresh();
	/* Whether it changed, what, and whether that is all. */
	assert_int_equal(sent(), 3);
	assert_int_equal(node_of("r0002.json").id, second.id);
	assert_true(node_of("r0003.json").id > third.id);
	struct node old;
	assert_int_equal(replica_get(replica, third.id, &old), 0);
	assert_false(old.live);
	/* So short a time before the question, others may have changed behind
	 * it: they are looked for once more. Then it is unchanged. */
	go_stale();
	assert_is_all_and_fresh();
	assert_in_range(sent(), 1, 3);
	go_stale();
	assert_is_all_and_fresh();
	assert_int_equal(sent(), 1);
}

static void new_records_are_added_behind_the_others(void **state)
{
	(void)state;
	list_twenty();
	service_create(21);
	tick();
	service_create(22);
	assert_lists(names_from_to(1, 22));
	assert_int_equal(sent(), 3);
	assert_int_equal(listing().count, 22);
}

static void many_changes_come_page_by_page(void **state)
{
	(void)state;
	list_twenty();
	for (int id = 4; id <= 15; id++) {
		tick();
		service_change(id);
	}
	assert_is_all_and_fresh();
	assert_in_range(sent(), 2 + 3, 2 + 3 + 1);
}

static void a_deletion_needs_the_whole_listing(void **state)
{
	(void)state;
	list_twenty();
	service_delete(7);
	assert_is_all_and_fresh();
	assert_in_range(sent(), 1 + 4, 1 + 4 + 2);
}

static void a_deletion_beside_a_creation_is_noticed(void **state)
{
	(void)state;
	list_twenty();
	service_delete(7);
	service_create(21);
	assert_is_all_and_fresh();
}

static void a_deletion_beside_a_change_is_noticed(void **state)
{
	(void)state;
	list_twenty();
	service_delete(20);
	service_change(2);
	assert_is_all_and_fresh();
}

static void all_may_be_gone(void **state)
{
	(void)state;
	list_twenty();
	service.count = 0;
	assert_is_all_and_fresh();
	go_stale();
	service_create(30);
	assert_is_all_and_fresh();
}

static void a_server_that_does_not_filter_by_time_is_listed_anew(void **state)
{
	(void)state;
	list_twenty();
	service.heeds_times = false;
	service_change(3);
	assert_is_all_and_fresh();
	sent();
	/* Which is remembered. What changed long before a pass began came in no
	 * other record's place meanwhile: the pages are enough. */
	service_change(4);
	fake_advance(fake, 10 * 60000);
	go_stale();
	assert_is_all_and_fresh();
	assert_in_range(sent(), 1 + 4, 1 + 4 + 1);
}

/* Whose clock was ahead once: that date stays the newest for a year. */
static void a_date_that_is_ahead_hides_no_change(void **state)
{
	for (int date = 0; date < 2; date++) {
		service.heeds_times = true;
		service.tells_date = date;
		service_fill(20);
		service.changed_ms[7] =
		    service_now_ms() + 365 * INT64_C(86400000);
		fixture_start();
		assert_is_all_and_fresh();
		for (int id = 1; id <= 6; id++) {
			go_stale();
			service_change(id);
			assert_is_all_and_fresh();
			assert_in_range(sent(), 0, 4);
		}
		go_stale();
		service_delete(9);
		service_create(30);
		assert_is_all_and_fresh();
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
}

/* What takes several answers cannot be had where a filter by id is ignored. One
 * answer can. */
static void a_server_that_does_not_filter_by_id_is_asked_again(void **state)
{
	(void)state;
	service.ignores_ids = true;
	list_twenty();
	for (int id = 1; id <= 7; id++) {
		tick();
		service_change(id);
	}
	assert_is_all_and_fresh();
	for (int i = 0; i < 2; i++) {
		go_stale();
		assert_is_all_and_fresh();
	}
	go_stale();
	service_change(3);
	assert_is_all_and_fresh();
	assert_int_equal(sent(), 3);
}

/* ---- who has it open ---- */

static void an_open_directory_keeps_its_version(void **state)
{
	(void)state;
	list_twenty();
	assert_lists(names_from_to(1, 20));
	struct ask *open = ask_open(posts);
	const struct sync_dir *dir = &open->op.open_dir;
	for (int round = 1; round <= 3; round++) {
		go_stale();
		service_create(20 + round);
		service_change(round);
		assert_is_all_and_fresh();
		assert_string_equal(names_of(posts, dir), names_from_to(1, 20));
	}
	sync_dir_close(sync_under_test, &open->op.open_dir);
}

static void a_directory_that_was_opened_before_it_was_whole_stays(void **state)
{
	(void)state;
	service_fill(20);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	const struct sync_dir *dir = &open->op.open_dir;
	assert_lists(names_from_to(1, 20)); /* by another reader */
	for (int round = 1; round <= 3; round++) {
		go_stale();
		if (round == 3)
			service_delete(9);
		else
			service_create(20 + round);
		assert_is_all_and_fresh();
		assert_string_equal(names_of(posts, dir), names_from_to(1, 20));
	}
	sync_dir_close(sync_under_test, &open->op.open_dir);
}

/* ---- changes at bad moments ---- */

static void a_change_behind_a_pass_is_found_by_the_next_check(void **state)
{
	(void)state;
	service_fill(20);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	tick();
	service_change(2); /* its page has come */
	tick();
	service_change(19); /* its page will show it */
	tick();
	struct ask *wait = ask_wait(
	    posts, &open->op.open_dir, position(open->op.open_dir.base, 2000));
	serve_all();
	assert_ended(wait, 0);
	go_stale();
	assert_is_all_and_fresh();
}

static void a_change_behind_a_delta_is_found_by_the_next_check(void **state)
{
	(void)state;
	list_twenty();
	for (int id = 4; id <= 15; id++) {
		tick();
		service_change(id);
	}
	struct ask *open = ask_open(posts);
	serve(request(PROBE_LINE));
	serve(request(DELTA_LINE)); /* r0004 to r0008 */
	tick();
	service_change(5);
	tick();
	service_change(15);
	serve_all();
	assert_ended(open, 0);
	go_stale();
	assert_is_all_and_fresh();
}

static void what_went_while_it_was_listed_is_gone_after_the_next_check(
    void **state)
{
	(void)state;
	for (int refuses = 0; refuses < 2; refuses++) {
		service.refuses_filters = refuses;
		service_fill(20);
		fixture_start();
		struct ask *open = ask_open(posts);
		serve_all();
		service_delete(2); /* its page has come */
		ask_wait(posts, &open->op.open_dir,
		    position(open->op.open_dir.base, 2000));
		serve_all();
		assert_true(listing().end);
		go_stale();
		assert_is_all_and_fresh();
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
	fixture_start();
}

/* List again and again, while records come, go and change between any two
 * answers; then they rest. */
static void list_under_change(unsigned seed)
{
	char marked[300];
	int born = 1001;
	srand(seed);
	int rate = 1 + rand() % 8;
	service.tells_date = seed % 2;
	service.heeds_times = seed % 5 != 0;
	service.refuses_filters = seed % 7 == 0;
	service_fill((size_t)(5 + rand() % 30));
	fixture_start();
	memset(marked, 'x', 233);
	strcpy(marked + 233, "~0123456789abcdef.json");
	for (int round = 0; round < 4; round++) {
		/* A name that only a whole listing can find. */
		struct ask *lookup = ask_lookup(posts, marked);
		for (int changes = 0; fake_open_count(fake);) {
			serve(fake_open(
			    fake, (size_t)rand() % fake_open_count(fake)));
			tick();
			if (rand() % rate || changes++ >= 6)
				continue;
			size_t which = (size_t)rand() % service.count;
			if (rand() % 3 == 0 && service.count > 2)
				service_delete(service.ids[which]);
			else if (rand() % 2)
				service_change(service.ids[which]);
			else
				service_create(born++);
			tick();
		}
		assert_ended(lookup, -ENOENT);
		assert_int_equal(list_all(posts, names, sizeof(names)), 0);
		fake_advance(fake, TTL_MS * 6);
	}
	assert_is_all_and_fresh();
}

static void in_the_end_all_is_seen_whatever_changed(void **state)
{
	for (unsigned seed = 1; seed <= 100; seed++) {
		list_under_change(seed);
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
	fixture_start();
}

#undef TEST
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_changed_is_fetched_alone),
	    TEST(new_records_are_added_behind_the_others),
	    TEST(many_changes_come_page_by_page),
	    TEST(a_deletion_needs_the_whole_listing),
	    TEST(a_deletion_beside_a_creation_is_noticed),
	    TEST(a_deletion_beside_a_change_is_noticed),
	    TEST(all_may_be_gone),
	    TEST(a_server_that_does_not_filter_by_time_is_listed_anew),
	    TEST(a_date_that_is_ahead_hides_no_change),
	    TEST(a_server_that_does_not_filter_by_id_is_asked_again),
	    TEST(an_open_directory_keeps_its_version),
	    TEST(a_directory_that_was_opened_before_it_was_whole_stays),
	    TEST(a_change_behind_a_pass_is_found_by_the_next_check),
	    TEST(a_change_behind_a_delta_is_found_by_the_next_check),
	    TEST(what_went_while_it_was_listed_is_gone_after_the_next_check),
	    TEST(in_the_end_all_is_seen_whatever_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
