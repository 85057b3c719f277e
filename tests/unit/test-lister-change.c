#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lister-fixture.h"

/* ---- change while it is listed ---- */

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

static void a_record_that_slipped_while_another_was_born_is_found(void **state)
{
	(void)state;
	void *unused = NULL;
	for (int date = 0; date < 2; date++) {
		service.tells_date = date;
		service_fill(6);
		fixture_start();
		struct ask *open = ask_open(posts);
		serve_all();	   /* r0001 and r0002 */
		service_delete(1); /* now r0003 stands on page 1, */
		service_create(7); /* and there are as many as before */
		struct sync_dir *dir = &open->op.open_dir;
		ask_wait(posts, dir, position(dir->base, 6));
		serve_all();
		assert_each_once(names_of(posts, dir), 2, 7);
		assert_int_equal(list_all(posts, names, sizeof(names)), 0);
		assert_each_once(names, 2, 7);
		assert_int_equal(fixture_teardown(&unused), 0);
		assert_int_equal(fixture_setup(&unused), 0);
	}
	fixture_start();
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
enum { GOES = 1, COMES = 2, IS_SHOWN = 4 };

/* One that is as old as the others: a change of it ends a filter's hiding it.
 */
static void show(int id)
{
	service_create(id);
	service.created_ms[id] = 0;
	service_change(id);
}

/* Only that can find a name that is marked. */
static struct ask *ask_for_a_whole_listing(void)
{
	char marked[300];
	memset(marked, 'x', 233);
	strcpy(marked + 233, "~0123456789abcdef.json");
	return ask_lookup(posts, marked);
}

/* Those that a whole listing has. */
static const char *listed_names(void)
{
	struct replica_listing known = listing();
	struct sync_dir dir = {.base = known.base, .end = known.end};
	return names_of(posts, &dir);
}

/* Ask for a listing whole, answer in any order, and let records go and come
 * meanwhile. Those that were there throughout must be in, once. */
static void list_under_change(unsigned seed, int what)
{
	bool gone[SERVED_MAX] = {false};
	srand(seed);
	int count = 5 + rand() % 50, born = 1001, rate = 1 + rand() % 6;
	service.limit_max = 5 + seed % 4;
	service_fill((size_t)count);
	fixture_start();
	struct ask *lookup = ask_for_a_whole_listing();
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
		if (what & IS_SHOWN)
			show(born++);
	}
	assert_ended(lookup, -ENOENT);
	const char *all = listed_names();
	for (int id = 1; id <= count; id++) {
		int times = times_in(all, id);
		if (gone[id] ? times > 1 : times != 1)
			print_error("seed %u: r%04d stands there %d times\n",
			    seed, id, times);
		assert_true(gone[id] ? times <= 1 : times == 1);
	}
}

static void list_under_changes(int what, bool tells_date)
{
	void *unused = NULL;
	for (unsigned seed = 1; seed <= 90; seed++) {
		service.tells_date = tells_date;
		service.refuses_filters = seed % 4 == 1;
		service.ignores_filters = seed % 4 == 2;
		list_under_change(seed, what);
		assert_int_equal(fixture_teardown(&unused), 0);
		assert_int_equal(fixture_setup(&unused), 0);
	}
	fixture_start();
}

static void what_stays_is_in_whatever_goes(void **state)
{
	(void)state;
	list_under_changes(GOES, true);
}

static void what_stays_is_in_whatever_comes(void **state)
{
	(void)state;
	list_under_changes(COMES, true);
}

static void what_stays_is_in_whatever_goes_and_comes(void **state)
{
	(void)state;
	list_under_changes(GOES | COMES, true);
}

static void what_stays_is_in_whatever_is_hidden_and_shown(void **state)
{
	(void)state;
	list_under_changes(GOES | IS_SHOWN, true);
}

static void what_stays_is_in_though_the_server_tells_no_time(void **state)
{
	(void)state;
	list_under_changes(GOES, false);
	fixture_stop();
	list_under_changes(GOES | COMES, false);
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

/* ---- one server of several that has nothing ---- */

static bool is_of_a_list(struct http_call *call)
{
	return strstr(fake_line(call), "?page=") != NULL;
}

/* Whether the listing was whole. */
static bool list_behind_two(unsigned seed, const char *nothing)
{
	srand(seed);
	int count = 5 + rand() % 50, often = 2 + rand() % 3;
	bool first = true;
	service.limit_max = 5 + seed % 4;
	service_fill((size_t)count);
	fixture_start();
	struct ask *lookup = ask_for_a_whole_listing();
	while (fake_open_count(fake)) {
		struct http_call *call = fake_open(fake, 0);
		bool lists = is_of_a_list(call);
		if (!lists || first || rand() % often)
			serve(call);
		else
			ANSWER(call, .status = 200, .body = nothing);
		first = first && !lists;
	}
	assert_int_equal(lookup->count, 1);
	if (lookup->err != -ENOENT)
		return false;
	assert_each_once(listed_names(), 1, count);
	return true;
}

static void what_was_found_is_not_gone_for_one_that_has_nothing(void **state)
{
	static const char *const nothing[] = {"{\"items\":[]}",
	    "{\"items\":[],\"pagination\":{\"total\":0}}",
	    "{\"items\":[],\"pagination\":{\"hasNext\":false}}"};
	unsigned whole = 0;
	for (unsigned seed = 1; seed <= 120; seed++) {
		service.refuses_filters = seed % 4 == 1;
		service.ignores_filters = seed % 4 == 2;
		whole += list_behind_two(seed, nothing[seed % 3]);
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	assert_in_range(whole, 30, 120);
	fixture_start();
}

static void what_was_known_is_not_gone_for_an_answer_or_two(void **state)
{
	(void)state;
	service_fill(30);
	fixture_start();
	assert_lists(names_from_to(1, 30));
	for (int answers = 1; answers <= 3; answers++) {
		go_stale();
		struct ask *open = ask_open(posts);
		for (int left = answers; fake_open_count(fake);) {
			struct http_call *call = fake_open(fake, 0);
			if (is_of_a_list(call) && left-- > 0)
				ANSWER(call, .status = 200,
				    .body = "{\"items\":[]}");
			else
				serve(call);
		}
		assert_ended(open, 0);
		assert_lists(names_from_to(1, 30));
	}
}

static void a_table_that_was_emptied_is_empty(void **state)
{
	for (int totals = 0; totals < 2; totals++) {
		service.no_totals = totals;
		service_fill(30);
		fixture_start();
		assert_lists(names_from_to(1, 30));
		go_stale();
		service_fill(0);
		assert_lists("");
		assert_in_range(sent(), 2, 8);
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
}

/* ---- how it is looked at again ---- */

/* List ten records in pages of two, of which the first is deleted when page 1
 * has come, so that the third one is missed. */
static struct replica_listing list_with_a_slip(void)
{
	service_fill(10);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	service_delete(1);
	struct sync_dir *dir = &open->op.open_dir;
	ask_wait(posts, dir, position(dir->base, 2000));
	serve_all();
	if (listing().end)
		assert_each_once(names_of(posts, dir), 2, 10);
	return listing();
}

/* How many requests asked for ids: those in a range, or numbers. */
static size_t ranges_asked(void)
{
	size_t count = 0;
	for (size_t i = 0; i < fake_count(fake); i++)
		count += strstr(fake_line(fake_call(fake, i)), "andFilters=") !=
			 NULL;
	return count;
}

/* How often it asked for pages of another size than the largest. Whether an
 * id is a number is another question. */
static size_t windows_asked(void)
{
	size_t count = 0;
	for (size_t i = 0; i < fake_count(fake); i++) {
		const char *line = fake_line(fake_call(fake, i));
		count += strstr(line, "?page=") &&
			 !strstr(line, "limit=100&") &&
			 !strstr(line, "andFilters=");
	}
	return count;
}

static void ranges_of_ids_find_what_slipped(void **state)
{
	(void)state;
	assert_true(list_with_a_slip().end);
	/* The ranges between the pages' first ids, and the last one. */
	assert_in_range(ranges_asked(), 5, 12);
	assert_int_equal(windows_asked(), 0);
	assert_string_equal(errors_text(), "");
}

static void a_range_that_has_more_than_a_page_is_split(void **state)
{
	(void)state;
	service_fill(8);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	service_delete(1);
	/* Many more behind the last page's first id. */
	for (int id = 9; id <= 60; id++)
		service_create(id);
	struct sync_dir *dir = &open->op.open_dir;
	struct ask *wait = ask_wait(posts, dir, position(dir->base, 2000));
	/* They are born after the pages that would have shown them. */
	service.limit_max = 5;
	serve_all();
	assert_ended(wait, 0);
	assert_each_once(names_of(posts, dir), 2, 60);
	assert_true(ranges_asked() > 10);
}

static void a_range_of_the_servers_own_size_is_split_in_the_middle(void **state)
{
	(void)state;
	service.limit_max = 5;
	service_fill(8);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve(request(SPEC_LINE));
	ANSWER(request(FIRST_PAGE), .status = 400);
	serve(request("GET /v1/data/posts?page=1&sortDirection=asc"));
	assert_ended(open, 0);
	service_delete(1);
	struct sync_dir *dir = &open->op.open_dir;
	struct ask *wait = ask_wait(posts, dir, position(dir->base, 2000));
	serve(request("GET /v1/data/posts?page=2&sortDirection=asc"));
	/* Behind the last page's first id there are many more by now. */
	for (int id = 9; id <= 200; id++)
		service_create(id);
	serve_all();
	assert_ended(wait, 0);
	assert_each_once(names_of(posts, dir), 2, 200);
	/* Not a request a record. */
	assert_in_range(ranges_asked(), 40, 150);
}

static void where_filters_are_refused_it_reads_in_windows(void **state)
{
	(void)state;
	service.limit_max = 5;
	service.refuses_filters = true;
	assert_true(list_with_a_slip().end);
	assert_true(ranges_asked() >= 1);
	assert_in_range(windows_asked(), 2, 8);
}

static void where_filters_are_ignored_it_reads_in_windows(void **state)
{
	(void)state;
	service.limit_max = 5;
	service.ignores_filters = true;
	assert_true(list_with_a_slip().end);
	assert_true(ranges_asked() >= 1);
	assert_in_range(windows_asked(), 2, 8);
}

static void a_filter_that_finds_nothing_is_not_believed(void **state)
{
	(void)state;
	service.limit_max = 5;
	service.finds_nothing = true;
	assert_true(list_with_a_slip().end);
	assert_true(ranges_asked() >= 1);
	assert_in_range(windows_asked(), 2, 8);
}

static void without_filters_and_order_it_looks_until_a_round_is_quiet(
    void **state)
{
	(void)state;
	service.refuses_filters = service.descends = true;
	service_fill(10);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();	    /* r0010 and r0009 */
	service_delete(10); /* r0008 stands on page 1 now */
	struct sync_dir *dir = &open->op.open_dir;
	struct ask *wait = ask_wait(posts, dir, position(dir->base, 2000));
	serve_all();
	assert_ended(wait, 0);
	assert_true(listing().end);
	assert_each_once(names_of(posts, dir), 1, 9);
}

static void a_table_that_never_rests_is_an_error_without_filters_and_order(
    void **state)
{
	(void)state;
	service.refuses_filters = service.descends = true;
	service_fill(40);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	struct sync_dir *dir = &open->op.open_dir;
	struct ask *wait = ask_wait(posts, dir, position(dir->base, 2000));
	int born = 41;
	for (int i = 0; fake_open_count(fake); i++) {
		assert_true(i < 2000);
		if (i % 3 == 0)
			service_create(born++);
		serve(fake_open(fake, 0));
	}
	assert_ended(wait, -EIO);
	assert_false(listing().end);
	assert_non_null(strstr(
	    errors_text(), "the listing changes faster than it can be read"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_record_that_slipped_between_pages_is_found),
	    TEST(a_record_that_slipped_while_another_was_born_is_found),
	    TEST(totals_that_differ_make_another_round),
	    TEST(what_stays_is_in_whatever_goes),
	    TEST(what_stays_is_in_whatever_comes),
	    TEST(what_stays_is_in_whatever_goes_and_comes),
	    TEST(what_stays_is_in_whatever_is_hidden_and_shown),
	    TEST(what_was_found_is_not_gone_for_one_that_has_nothing),
	    TEST(what_was_known_is_not_gone_for_an_answer_or_two),
	    TEST(a_table_that_was_emptied_is_empty),
	    TEST(what_stays_is_in_though_the_server_tells_no_time),
	    TEST(a_total_that_is_too_high_is_never_whole),
	    TEST(a_total_that_is_too_low_hides_nothing),
	    TEST(a_page_that_repeats_is_never_whole),
	    TEST(totals_that_never_agree_end_all_the_same),
	    TEST(ranges_of_ids_find_what_slipped),
	    TEST(a_range_that_has_more_than_a_page_is_split),
	    TEST(a_range_of_the_servers_own_size_is_split_in_the_middle),
	    TEST(where_filters_are_refused_it_reads_in_windows),
	    TEST(where_filters_are_ignored_it_reads_in_windows),
	    TEST(a_filter_that_finds_nothing_is_not_believed),
	    TEST(without_filters_and_order_it_looks_until_a_round_is_quiet),
	    TEST(
		a_table_that_never_rests_is_an_error_without_filters_and_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
