/* What is believed when a listing is checked, and what is not. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lister-fixture.h"

#define DELTA_LINE FIRST_PAGE "&andFilters=%7B%22updatedAt%22%3A%7B%22%24gte%22"
#define HOUR_MS INT64_C(3600000)

static int setup(void **state)
{
	int r = fixture_setup(state);
	service.limit_max = 5;
	service.heeds_times = true;
	service.tells_date = true;
	return r;
}

static void begin_again(void **state)
{
	assert_int_equal(fixture_teardown(state), 0);
	assert_int_equal(setup(state), 0);
}

static void list(size_t count)
{
	service_fill(count);
	fixture_start();
	assert_lists(names_from_to(1, (int)count));
	go_stale();
}

/* ---- a question of several answers ---- */

static void change_twelve(void)
{
	for (int id = 4; id <= 15; id++) {
		tick();
		service_change(id);
	}
}

/* The service goes on from page to page where the question does not say from
 * which id on. */
static void a_deletion_between_two_answers_hides_no_change(void **state)
{
	for (int which = 4; which <= 8; which++) {
		list(20);
		change_twelve();
		struct ask *open = ask_open(posts);
		serve(request(PROBE_LINE));
		serve(request(DELTA_LINE)); /* r0004 to r0008 */
		service_delete(which);
		tick();
		serve_all();
		assert_ended(open, 0);
		for (int id = 4; id <= 15; id++) {
			char name[16];
			snprintf(name, sizeof(name), "r%04d.json", id);
			if (id != which)
				assert_int_equal(node_of(name).mtime_ms,
				    service_updated_ms(id));
		}
		go_stale();
		assert_is_all_and_fresh();
		sync_expire(sync_under_test);
		fake_run(fake);
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* No total is told, records come and go between the answers. */
static void a_refresh_without_totals_hides_nothing(void **state)
{
	for (int which = 1; which <= 20; which++) {
		service.no_totals = true;
		list(20);
		change_twelve();
		struct ask *open = ask_open(posts);
		for (int i = 0; fake_open_count(fake); i++) {
			serve(fake_open(fake, 0));
			if (i == which / 3)
				service_delete(which);
			if (i == which / 4)
				service_create(21);
			tick();
		}
		assert_ended(open, 0);
		for (int id = 1; id <= 20; id++) {
			const struct sync_dir *dir = &open->op.open_dir;
			struct ask *wait = ask_for_all(open);
			serve_all();
			assert_ended(wait, 0);
			if (id != which)
				assert_int_equal(
				    times_in(names_of(posts, dir), id), 1);
		}
		go_stale();
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* They have one name, and a total that is too low fits when the new one is
 * taken for a change of the old one. */
static void a_text_does_not_oust_its_number(void **state)
{
	for (int swapped = 0; swapped < 2; swapped++) {
		service.id_texts[2] = swapped ? "\"2\"" : "2";
		service.id_texts[4] = swapped ? "2" : "\"2\"";
		service.total_bias = -1;
		service_fill(3);
		fixture_start();
		assert_lists("r0001.json 2.json r0003.json");
		go_stale();
		service_create(4);
		assert_int_equal(
		    list_all(posts, names, sizeof(names)), -EPROTO);
		assert_non_null(strstr(errors_text(), "two records of one id"));
		begin_again(state);
	}
	fixture_start();
}

/* ---- databases that are put back ---- */

static void what_was_put_back_is_listed_as_it_is(void **state)
{
	static struct service before;
	for (int large = 0; large < 2; large++) {
		int count = large ? 2000 : 20;
		service.limit_max = large ? 100 : 5;
		list((size_t)count);
		service_change(7);
		assert_is_all_and_fresh();
		before = service;
		go_stale();
		service_change(3);
		tick();
		service_create(count + 1);
		assert_is_all_and_fresh();
		service = before;
		go_stale();
		assert_is_all_and_fresh();
		go_stale();
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* Put back, and written to since: as many as before, and something newer. */
static void what_was_put_back_and_written_to_is_listed_as_it_is(void **state)
{
	static struct service before;
	for (int change = 0; change < 2; change++) {
		list(20);
		service_change(7);
		assert_is_all_and_fresh();
		before = service;
		go_stale();
		service_change(3);
		tick();
		service_create(21);
		assert_is_all_and_fresh();
		service = before;
		go_stale();
		if (change)
			service_change(9);
		service_create(22);
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* One who waits has seen a change come, and leaves. */
static void leave_refresh(void)
{
	struct ask *open = ask_open(posts);
	serve(request(PROBE_LINE));
	serve(request(DELTA_LINE));
	assert_waits(open);
	sync_interrupt(sync_under_test, open->op.id);
	fake_run(fake);
}

static void leave_pass(void)
{
	service.heeds_times = false;
	struct ask *open = ask_open(posts);
	serve(request(PROBE_LINE));
	serve(request(DELTA_LINE));
	serve(request(SPEC_LINE));
	serve(request(FIRST_PAGE));
	assert_ended(open, 0);
	struct ask *wait = ask_for_all(open);
	sync_interrupt(sync_under_test, wait->op.id);
	fake_run(fake);
	sync_dir_close(sync_under_test, &open->op.open_dir);
}

static void what_was_brought_in_vain_is_put_back_as_well(void **state)
{
	static struct service before;
	for (int way = 0; way < 4; way++) {
		list(20);
		service_change(7);
		assert_is_all_and_fresh();
		go_stale();
		assert_is_all_and_fresh();
		go_stale();
		before = service;
		service_change(3);
		if (way & 1)
			leave_pass();
		else
			leave_refresh();
		if (way & 2) {
			fixture_stop();
			fixture_start();
		}
		service = before;
		go_stale();
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* Alone, while a slow pass is under way that has seen the old one. */
static void what_was_brought_beside_a_pass_is_put_back_as_well(void **state)
{
	static struct service before;
	(void)state;
	list(20);
	sync_expire(sync_under_test);
	struct ask *open = ask_open(posts);
	serve(request(SPEC_LINE));
	serve(request(FIRST_PAGE));
	assert_ended(open, 0);
	struct ask *wait = ask_for_all(open);
	go_stale();
	before = service;
	service_change(3);
	struct ask *lookup = ask_lookup(posts, "r0003.json");
	serve(request("GET /v1/data/posts/r0003"));
	assert_ended(lookup, 0);
	service = before;
	serve_all();
	assert_ended(wait, 0);
	sync_dir_close(sync_under_test, &open->op.open_dir);
	go_stale();
	assert_is_all_and_fresh();
}

/* Nobody waits for the listing that would tell, and others change then. */
static void that_it_was_put_back_is_not_forgotten(void **state)
{
	static struct service before;
	for (int killed = 0; killed < 2; killed++) {
		list(20);
		before = service;
		service_change(3);
		assert_is_all_and_fresh();
		go_stale();
		service = before;
		struct ask *open = ask_open(posts);
		serve(request(PROBE_LINE));
		request(FIRST_PAGE);
		fake_run(fake);
		sync_interrupt(sync_under_test, open->op.id);
		fake_run(fake);
		if (killed) {
			fixture_stop();
			fixture_start();
		}
		go_stale();
		service_change(9);
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* ---- a server that does not sort as asked ---- */

static void a_swap_is_seen_where_the_direction_is_ignored(void **state)
{
	for (int level = 0; level < 2; level++) {
		service.ignores_direction = true;
		service_fill(20);
		for (int id = 1; id <= 20 && level; id++)
			service.created_ms[id] = WALL_BEGIN_MS - HOUR_MS;
		fixture_start();
		assert_lists(names_from_to(1, 20));
		go_stale();
		service_delete(7);
		service_create(21);
		assert_is_all_and_fresh();
		go_stale();
		service_change(20);
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* ---- pages that were not looked at for long ---- */

static void after_a_day_one_page_is_compared(void **state)
{
	(void)state;
	service.limit_max = 100;
	list(250);
	fake_advance(fake, 25 * HOUR_MS);
	assert_lists(names_from_to(1, 250));
	assert_int_equal(sent(), 2);
	go_stale();
	assert_lists(names_from_to(1, 250));
	assert_int_equal(sent(), 1);
	/* Each day once. */
	fake_advance(fake, 23 * HOUR_MS);
	assert_lists(names_from_to(1, 250));
	assert_int_equal(sent(), 1);
	fake_advance(fake, 2 * HOUR_MS);
	assert_lists(names_from_to(1, 250));
	assert_int_equal(sent(), 2);
}

static void a_swap_with_old_dates_is_seen_after_a_day(void **state)
{
	(void)state;
	service.limit_max = 100;
	list(50);
	service_delete(7);
	service_insert(60);
	service.created_ms[60] = WALL_BEGIN_MS - 48 * HOUR_MS;
	fake_advance(fake, 25 * HOUR_MS);
	assert_is_all_and_fresh();
	/* And a text that changed behind its date. */
	fake_advance(fake, 25 * HOUR_MS);
	service.changed_ms[9] = service_updated_ms(9);
	service.versions[9]++;
	assert_is_all_and_fresh();
	struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	assert_int_equal(
	    replica_text(replica, node_of("r0009.json").id, &text), 0);
	assert_non_null(strstr(buf_str(&text), "\"v\":1"));
	buf_done(&text);
}

/* One of three pages is compared, another one the next time, perhaps. */
static void what_a_page_told_is_not_forgotten(void **state)
{
	for (int i = 0; i < 6; i++) {
		service.limit_max = 100;
		list(250);
		service_delete(7);
		service_insert(260);
		service.created_ms[260] = WALL_BEGIN_MS - 48 * HOUR_MS;
		fake_advance(fake, i);
		/* Until it is the one where something is wrong. */
		struct ask *open = NULL;
		while (!open || open->count) {
			if (open)
				sync_dir_close(
				    sync_under_test, &open->op.open_dir);
			fake_advance(fake, 25 * HOUR_MS + 1);
			open = ask_open(posts);
			serve(request(PROBE_LINE));
			serve(fake_open(fake, 0));
			fake_run(fake);
		}
		sync_interrupt(sync_under_test, open->op.id);
		fake_run(fake);
		go_stale();
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* ---- hang-ups ---- */

static void a_check_that_began_before_a_hangup_proves_nothing(void **state)
{
	(void)state;
	list(20);
	struct ask *before = ask_open(posts);
	request(PROBE_LINE);
	sync_expire(sync_under_test);
	fake_run(fake);
	serve(request(PROBE_LINE));
	service_delete(3);
	struct ask *lookup = ask_lookup(posts, "r0003.json");
	assert_is_all_and_fresh();
	assert_int_equal(before->count, 1);
	assert_ended(lookup, -ENOENT);
}

static void a_directory_that_is_read_over_a_hangup_is_whole(void **state)
{
	for (int pages = 1; pages <= 4; pages++) {
		service_fill(20);
		fixture_start();
		struct ask *open = ask_open(posts);
		serve_all();
		struct ask *wait = ask_for_all(open);
		for (int i = 1; i < pages; i++)
			serve(fake_open(fake, 0));
		service_delete(2);
		sync_expire(sync_under_test);
		fake_run(fake);
		assert_is_all_and_fresh();
		assert_int_equal(wait->count, 1);
		if (wait->err == 0)
			assert_each_once(
			    names_of(posts, &open->op.open_dir), 3, 20);
		begin_again(state);
	}
	fixture_start();
}

#undef TEST
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_deletion_between_two_answers_hides_no_change),
	    TEST(a_refresh_without_totals_hides_nothing),
	    TEST(a_text_does_not_oust_its_number),
	    TEST(what_was_put_back_is_listed_as_it_is),
	    TEST(what_was_put_back_and_written_to_is_listed_as_it_is),
	    TEST(what_was_brought_in_vain_is_put_back_as_well),
	    TEST(what_was_brought_beside_a_pass_is_put_back_as_well),
	    TEST(that_it_was_put_back_is_not_forgotten),
	    TEST(a_swap_is_seen_where_the_direction_is_ignored),
	    TEST(after_a_day_one_page_is_compared),
	    TEST(a_swap_with_old_dates_is_seen_after_a_day),
	    TEST(what_a_page_told_is_not_forgotten),
	    TEST(a_check_that_began_before_a_hangup_proves_nothing),
	    TEST(a_directory_that_is_read_over_a_hangup_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
