/* Passes over a listing that changes, repeats itself, or is cut off. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lister-fixture.h"

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

/* ---- a pass that is cut off, and a new mount ---- */

static int page_of(const struct http_call *call)
{
	const char *at = strstr(fake_line(call), "?page=");
	return at ? atoi(at + strlen("?page=")) : 0;
}

static void refuse_pages_after(int last)
{
	while (fake_open_count(fake)) {
		struct http_call *call = fake_open(fake, 0);
		if (page_of(call) > last)
			ANSWER(call, .status = 403);
		else
			serve(call);
	}
}

/* Of so many that deletions are searched for. */
static void a_pass_cut_off_leaves_the_listing_before_as_it_was(void **state)
{
	(void)state;
	service.limit_max = 100;
	service_fill(4000);
	fixture_start();
	assert_lists(names_from_to(1, 4000));
	ask_open(posts); /* is held: nothing is taken out of the listing */
	go_stale();
	service_delete(2000);
	struct ask *open = ask_open(posts);
	refuse_pages_after(6);
	if (open->count && open->err == 0) {
		ask_for_all(open);
		refuse_pages_after(6);
	}
	assert_true(fake_count(fake) > 6);
	fixture_stop();
	service_change(5);
	go_stale();
	fixture_start();
	assert_is_all_and_fresh();
}

static void a_pass_cut_off_after_any_page_is_found_whole_later(void **state)
{
	for (int last = 1; last <= 4; last++) {
		service_fill(25);
		fixture_start();
		assert_lists(names_from_to(1, 25));
		ask_open(posts);
		go_stale();
		service_delete(9);
		struct ask *open = ask_open(posts);
		refuse_pages_after(last);
		if (open->count && open->err == 0) {
			ask_for_all(open);
			refuse_pages_after(last);
		}
		fixture_stop();
		service_change(2);
		tick();
		service_change(20);
		go_stale();
		fixture_start();
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

/* ---- two of one, and pages that do not add up ---- */

static void assert_is_not_whole(void)
{
	assert_true(list_all(posts, names, sizeof(names)) < 0);
	assert_int_equal(listing().end, 0);
	assert_string_not_equal(errors_text(), "");
	assert_in_range(sent(), 1, 150);
}

static void two_records_of_one_id_are_not_taken_for_one(void **state)
{
	static const int where[] = {3, 4, 8, 11};
	for (size_t i = 0; i < ARRAY_SIZE(where); i++) {
		for (int limit = 5; limit <= 100; limit += 95) {
			service.limit_max = (unsigned)limit;
			service_fill(11);
			service_insert(where[i]);
			service.created_ms[where[i]] = 0;
			fixture_start();
			assert_is_not_whole();
			begin_again(state);
		}
	}
	fixture_start();
}

static void a_number_and_its_digits_are_not_one_id(void **state)
{
	for (int totals = 0; totals < 2; totals++) {
		for (int other = 3; other <= 9; other += 3) {
			service.no_totals = !totals;
			service_fill(9);
			service.id_texts[2] = "7";
			service.id_texts[other] = "\"7\"";
			fixture_start();
			assert_is_not_whole();
			begin_again(state);
		}
	}
	fixture_start();
}

/* It slips to a page that was read, and no range of texts has it. */
static void list_with_a_number_that_slips(bool is_number)
{
	service_fill(12);
	if (is_number)
		service.id_texts[6] = "6";
	fixture_start();
	struct ask *open = ask_open(posts);
	serve(request(SPEC_LINE));
	serve(request(FIRST_PAGE));
	assert_ended(open, 0);
	uint64_t before = failures_count(failures);
	struct ask *wait = ask_for_all(open);
	service_delete(1);
	serve_all();
	assert_ended(wait, 0);
	const char *all = names_of(posts, &open->op.open_dir);
	assert_non_null(strstr(all, "6.json"));
	assert_each_once(all, 7, 12);
	assert_int_equal(failures_count(failures), before);
}

static void a_number_among_texts_does_not_slip(void **state)
{
	(void)state;
	list_with_a_number_that_slips(true);
}

/* Nor does the listing wait for an answer that never comes. */
static void nor_where_the_server_fails_at_numbers(void **state)
{
	static const int ends[] = {400, 404, 500, 503, -EPIPE, -ETIMEDOUT};
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		for (int is_number = 0; is_number < 2; is_number++) {
			service.numbers_end = ends[i];
			list_with_a_number_that_slips(is_number);
			begin_again(state);
		}
	}
	fixture_start();
}

static void an_empty_page_in_the_middle_is_not_the_end(void **state)
{
	(void)state;
	service.no_totals = true;
	service.empty_page = 2;
	service_fill(18);
	fixture_start();
	assert_is_all_and_fresh();
}

/* A deletion between two pages, of which no total tells. */
static int list_with_a_slip(void)
{
	service_fill(18);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	if (open->err < 0)
		return open->err;
	service_delete(1); /* r0006 stands on the first page now */
	struct ask *wait = ask_for_all(open);
	serve_all();
	assert_int_equal(wait->count, 1);
	if (wait->err == 0)
		assert_each_once(names_of(posts, &open->op.open_dir), 2, 18);
	return wait->err;
}

static void without_a_total_nothing_slips(void **state)
{
	static const char *const totals[] = {
	    NULL, "\"18\"", "null", "-1", "{}", "\"many\""};
	for (size_t i = 0; i < ARRAY_SIZE(totals); i++) {
		service.no_totals = !totals[i];
		service.total_text = totals[i];
		assert_int_equal(list_with_a_slip(), 0);
		begin_again(state);
	}
	fixture_start();
}

static void with_an_absurd_total_nothing_slips(void **state)
{
	static const char *const totals[] = {
	    "9e18", "1e300", "9223372036854775807", "99999999999999999999"};
	for (size_t i = 0; i < ARRAY_SIZE(totals); i++) {
		service.total_text = totals[i];
		if (list_with_a_slip() < 0)
			assert_int_equal(listing().end, 0);
		assert_true(fake_count(fake) < 150);
		begin_again(state);
	}
	fixture_start();
}

/* ---- ids that are not in the order of creation ---- */

/* So that no id comes twice. */
static void insert_one(int id)
{
	for (size_t i = 0; i < service.count; i++) {
		if (service.ids[i] == id)
			return;
	}
	service_insert(id);
}

/* Even ids are there throughout, odd ones come while all is listed. */
static void list_under_insertions(unsigned seed, bool down)
{
	int count = 30 + (int)(seed * 7 % 60), left = 25;
	srand(seed);
	service.refuses_filters = seed % 2;
	service.ignores_filters = !service.refuses_filters;
	service.descends = down;
	service.limit_max = 10;
	service_fill((size_t)count);
	for (int i = 0; i < count; i++)
		service.ids[i] = 2 * (i + 1);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	struct ask *wait = ask_for_all(open);
	while (fake_open_count(fake)) {
		serve(fake_open(fake, (size_t)rand() % fake_open_count(fake)));
		tick();
		if (left > 0 && rand() % 2) {
			left--;
			insert_one(rand() % count * 2 + 1);
		}
	}
	assert_ended(wait, 0);
	const char *all = names_of(posts, &open->op.open_dir);
	for (int i = 1; i <= count; i++) {
		if (times_in(all, 2 * i) != 1)
			print_error("seed %u: r%04d\n", seed, 2 * i);
		assert_int_equal(times_in(all, 2 * i), 1);
	}
}

static void what_comes_in_the_middle_pushes_nothing_out(void **state)
{
	for (unsigned seed = 1; seed <= 40; seed++) {
		list_under_insertions(seed, seed % 4 > 1);
		begin_again(state);
	}
	fixture_start();
}

static void windows_cost_little_more_than_pages(void **state)
{
	(void)state;
	service.refuses_filters = true;
	service.limit_max = 100;
	service_fill(1000);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	tick();
	service_delete(3);
	struct ask *wait = ask_for_all(open);
	serve_all();
	assert_ended(wait, 0);
	assert_each_once(names_of(posts, &open->op.open_dir), 4, 1000);
	/* The spec, ten pages, a range that is refused, windows. */
	assert_in_range(sent(), 12, 1 + 10 + 10 + 15);
}

/* Random ids, in the order of creation. */
static const char *uuid(int id)
{
	static char texts[64][48];
	uint64_t bits = (uint64_t)(id + 1) * UINT64_C(0x9e3779b97f4a7c15);
	snprintf(texts[id], sizeof(texts[id]), "\"%08x-%04x-4000-8000-%012x\"",
	    (unsigned)(bits >> 32), (unsigned)(bits >> 16) & 0xffff,
	    (unsigned)bits);
	return texts[id];
}

static int count_names(const char *all)
{
	int count = 0;
	for (const char *at = all; (at = strstr(at, ".json")); at++)
		count++;
	return count;
}

static void ids_in_no_order_are_looked_at_until_two_looks_agree(void **state)
{
	(void)state;
	service.refuses_filters = true;
	service_fill(33);
	for (int id = 1; id <= 40; id++)
		service.id_texts[id] = uuid(id);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	service_delete(1);
	struct ask *wait = ask_for_all(open);
	serve_all();
	assert_ended(wait, 0);
	const char *all = names_of(posts, &open->op.open_dir);
	for (int id = 2; id <= 33; id++) {
		char name[48];
		snprintf(name, sizeof(name), "%.36s.json", uuid(id) + 1);
		assert_non_null(strstr(all, name));
	}
	/* The first one came before it went. */
	assert_in_range(count_names(all), 32, 33);
	/* Such a listing is not only checked: what it shows may be gone. */
	go_stale();
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_int_equal(count_names(names), 32);
}

/* ---- directories that stay open ---- */

/* Append the names that can be read beyond after, in at most so many pages. */
static int add_name(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct buf *out = ctx;
	(void)node;
	(void)pos;
	return buf_printf(out, "%s ", name);
}

static void read_up_to(
    const struct sync_dir *dir, int64_t *after, int64_t end, struct buf *out)
{
	int64_t frontier;
	assert_in_range(
	    sync_dir_frontier(sync_under_test, posts, dir, &frontier) + 1, 1,
	    2);
	if (frontier < end)
		end = frontier;
	assert_int_equal(
	    replica_entries(replica, posts, *after, end, add_name, out), 0);
	if (end - 1 > *after)
		*after = end - 1;
}

static void change_all(void)
{
	for (size_t i = 0; i < service.count; i++) {
		service_change(service.ids[i]);
		tick();
	}
}

static void a_directory_read_half_and_on_names_nothing_twice(void **state)
{
	for (int refresh = 0; refresh < 2; refresh++) {
		struct buf all;
		buf_init(&all, BUF_MAX_DEFAULT);
		service.heeds_times = refresh;
		service_fill(20);
		fixture_start();
		assert_lists(names_from_to(1, 20));
		struct ask *open = ask_open(posts);
		const struct sync_dir *dir = &open->op.open_dir;
		int64_t after = dir->base;
		for (int page = 1; page <= 4; page++) {
			read_up_to(
			    dir, &after, position(dir->base, page) + 3, &all);
			go_stale();
			change_all();
			assert_is_all_and_fresh();
		}
		read_up_to(dir, &after, INT64_MAX, &all);
		assert_each_once(buf_str(&all), 1, 20);
		buf_done(&all);
		begin_again(state);
	}
	fixture_start();
}

static void a_pass_is_read_on_by_one_while_another_wants_news(void **state)
{
	(void)state;
	struct buf all;
	buf_init(&all, BUF_MAX_DEFAULT);
	service_fill(20);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	const struct sync_dir *dir = &open->op.open_dir;
	int64_t after = dir->base;
	read_up_to(dir, &after, INT64_MAX, &all);
	go_stale();
	change_all();
	service_delete(2);
	struct ask *later = ask_open(posts);
	serve_all();
	assert_ended(later, 0);
	const char *seen = names_of(posts, &later->op.open_dir);
	assert_int_equal(times_in(seen, 2), 0);
	ask_wait(posts, dir, after);
	serve_all();
	read_up_to(dir, &after, INT64_MAX, &all);
	assert_each_once(buf_str(&all), 3, 20);
	assert_is_all_and_fresh();
	buf_done(&all);
}

/* ---- nobody waits for nothing ---- */

static void one_who_comes_after_a_restless_listing_is_answered(void **state)
{
	(void)state;
	service.refuses_filters = service.descends = true;
	service.limit_max = 2;
	service_fill(40);
	/* In an order that is none. */
	for (int i = 0; i < 20; i += 2) {
		int id = service.ids[i];
		service.ids[i] = service.ids[39 - i];
		service.ids[39 - i] = id;
	}
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	struct ask *wait = ask_for_all(open);
	for (int i = 0, born = 41; fake_open_count(fake); i++) {
		assert_true(i < 2000);
		if (i % 3 == 0)
			service_create(born++);
		if (i % 7 == 0)
			ask_lookup(posts, "r0005.json");
		serve(fake_open(fake, 0));
	}
	assert_ended(wait, -EIO);
	assert_non_null(strstr(
	    errors_text(), "the listing changes faster than it can be read"));
	/* The same directory, taken up; and another time. */
	struct ask *on = ask_for_all(open);
	struct ask *again = ask_open(posts);
	struct ask *lookup = ask_lookup(posts, "r0009.json");
	serve_all();
	assert_int_equal(on->count, 1);
	assert_ended(again, 0);
	assert_ended(lookup, 0);
	assert_is_all_and_fresh();
}

static void one_who_takes_up_what_was_interrupted_is_answered(void **state)
{
	(void)state;
	service_fill(20);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	struct ask *wait = ask_for_all(open);
	assert_waits(wait);
	sync_interrupt(sync_under_test, wait->op.id);
	fake_run(fake);
	assert_ended(wait, -EINTR);
	sync_expire(sync_under_test);
	fake_run(fake);
	wait = ask_for_all(open);
	struct ask *lookup = ask_lookup(posts, "r0009.json");
	struct ask *other = ask_open(posts);
	serve_all();
	assert_int_equal(wait->count, 1);
	assert_ended(lookup, 0);
	assert_ended(other, 0);
	assert_is_all_and_fresh();
}

#undef TEST
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_pass_cut_off_leaves_the_listing_before_as_it_was),
	    TEST(a_pass_cut_off_after_any_page_is_found_whole_later),
	    TEST(two_records_of_one_id_are_not_taken_for_one),
	    TEST(a_number_and_its_digits_are_not_one_id),
	    TEST(a_number_among_texts_does_not_slip),
	    TEST(nor_where_the_server_fails_at_numbers),
	    TEST(an_empty_page_in_the_middle_is_not_the_end),
	    TEST(without_a_total_nothing_slips),
	    TEST(with_an_absurd_total_nothing_slips),
	    TEST(what_comes_in_the_middle_pushes_nothing_out),
	    TEST(windows_cost_little_more_than_pages),
	    TEST(ids_in_no_order_are_looked_at_until_two_looks_agree),
	    TEST(a_directory_read_half_and_on_names_nothing_twice),
	    TEST(a_pass_is_read_on_by_one_while_another_wants_news),
	    TEST(one_who_comes_after_a_restless_listing_is_answered),
	    TEST(one_who_takes_up_what_was_interrupted_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
