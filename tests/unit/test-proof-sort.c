/* A server that ignores sortBy: what it shows first need not be the newest. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "lister-fixture.h"
#include "sync/listing/sorting.h"

#define NEWEST_LINE(limit)                                                     \
	"GET /v1/data/posts?page=1&limit=" #limit                              \
	"&sortBy=updatedAt&sortDirection=desc"
#define LOOK_LINE FIRST_PAGE "&andFilters=%7B%22updatedAt%22%3A%7B%22%24gte%22"

static int setup(void **state)
{
	int r = fixture_setup(state);
	sorting_is_unknown = true;
	service.limit_max = 100;
	service.heeds_times = true;
	service.tells_date = true;
	return r;
}

static void begin_again(void **state)
{
	assert_int_equal(fixture_teardown(state), 0);
	assert_int_equal(setup(state), 0);
}

/* Records that were made one after the other, and not changed since: in one
 * order by id and by date. */
static void list(int count)
{
	service_fill((size_t)count);
	fixture_start();
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	go_stale();
}

/* The same, and some were changed later than others behind them. */
static void list_changed(int count)
{
	service.changed_ms[count - 6] = WALL_BEGIN_MS - 3600000;
	service.changed_ms[count - 3] = WALL_BEGIN_MS - 7200000;
	list(count);
}

static void assert_unchanged_costs(size_t requests)
{
	go_stale();
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	assert_int_equal(sent(), requests);
}

/* ---- what is not missed ---- */

static void assert_changes_are_seen(void)
{
	static const int which[] = {3, 1, 3};
	for (size_t i = 0; i < ARRAY_SIZE(which); i++) {
		tick();
		service_change(which[i]);
		assert_is_all_and_fresh();
		go_stale();
	}
	service_delete(2);
	service_create((int)service.count + 2);
	assert_is_all_and_fresh();
	go_stale();
	service_delete(5);
	service_change(7);
	assert_is_all_and_fresh();
}

/* Small and large, by the filters that there are. */
static void a_server_that_ignores_sort_hides_no_change(void **state)
{
	static const int counts[] = {12, 100, 101, 250};
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		for (int filters = 0; filters < 4; filters++) {
			service.ignores_sort = true;
			service.ignores_filters = filters == 1;
			service.refuses_filters = filters == 2;
			service.finds_nothing = filters == 3;
			list(counts[i]);
			assert_changes_are_seen();
			begin_again(state);
		}
	}
	fixture_start();
}

static void nor_in_pages_that_are_small(void **state)
{
	for (unsigned limit = 1; limit <= 5; limit++) {
		service.ignores_sort = true;
		service.limit_max = limit;
		list(20);
		assert_changes_are_seen();
		begin_again(state);
	}
	fixture_start();
}

/* Those that it shows first have a date in part. */
static void nor_one_of_a_record_without_a_date(void **state)
{
	(void)state;
	service.ignores_sort = true;
	service.dateless[2] = service.dateless[50] = true;
	list(250);
	service.versions[50]++;
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	struct node node = node_of("r0050.json");
	assert_int_equal(replica_text(replica, node.id, &text), 0);
	assert_non_null(strstr(buf_str(&text), "\"v\":1"));
}

/* ---- what it costs ---- */

static void a_page_of_records_costs_one_request(void **state)
{
	for (int ignored = 0; ignored < 2; ignored++) {
		service.ignores_sort = ignored;
		list(100);
		for (int i = 0; i < 3; i++)
			assert_unchanged_costs(1);
		begin_again(state);
	}
	fixture_start();
}

/* What changed just before the listing is looked for until an answer that came
 * later vouches for it, and a page that holds all does. */
static void a_page_of_records_vouches_for_what_changed_late(void **state)
{
	(void)state;
	service_fill(12);
	fixture_start();
	for (int i = 8; i < 12; i++)
		service.changed_ms[i] = service_now_ms() - 1000 * (i % 3);
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	for (int i = 0; i < 3; i++)
		assert_unchanged_costs(1);
	go_stale();
	assert_changes_are_seen();
}

/* What came in another order than its own is seen to be sorted: from then on
 * one record is enough, also in the next mount. */
static void a_server_that_sorts_is_known_by_the_first_check(void **state)
{
	(void)state;
	list_changed(250);
	for (int i = 0; i < 4; i++) {
		struct ask *open = ask_open(posts);
		serve(i ? request(NEWEST_LINE(1)) : request(NEWEST_LINE(20)));
		assert_ended(open, 0);
		assert_int_equal(sent(), 1);
		sync_dir_close(sync_under_test, &open->op.open_dir);
		if (i == 2) {
			fixture_stop();
			fixture_start();
		}
		go_stale();
	}
	/* And by a listing that is read anew. */
	sync_expire(sync_under_test);
	fake_run(fake);
	assert_int_equal(list_all(posts, names, sizeof(names)), 0);
	fixture_stop();
	fixture_start();
	go_stale();
	ask_open(posts);
	serve(request(NEWEST_LINE(1)));
}

static void one_that_ignores_it_is_not_taken_for_one(void **state)
{
	(void)state;
	service.ignores_sort = true;
	service.changed_ms[247] = WALL_BEGIN_MS - 3600000;
	list(250);
	/* Its first ones contradict the order. */
	assert_is_all_and_fresh();
	go_stale();
	ask_open(posts);
	serve(request(NEWEST_LINE(20)));
	serve_all();
	assert_false(
	    listing().flags & (LISTING_SORTS_UPDATED | LISTING_SORTS_CREATED));
}

/* As long as it cannot be known, one more asks for what is newer. */
static void many_in_one_order_cost_one_request_more(void **state)
{
	(void)state;
	list(250);
	for (int i = 0; i < 3; i++)
		assert_unchanged_costs(2);
	/* The first change tells. */
	go_stale();
	service_change(77);
	assert_is_all_and_fresh();
	go_stale();
	assert_is_all_and_fresh();
	assert_unchanged_costs(1);
}

static void where_more_than_one_are_refused_one_is_asked_for(void **state)
{
	(void)state;
	list(250);
	struct ask *open = ask_open(posts);
	ANSWER(request(NEWEST_LINE(20)), .status = 400);
	/* Perhaps it is the number that is refused. */
	serve(request(NEWEST_LINE(1)));
	serve(request(LOOK_LINE));
	assert_ended(open, 0);
	go_stale();
	open = ask_open(posts);
	serve(request(NEWEST_LINE(1)));
	serve(request(LOOK_LINE));
	assert_ended(open, 0);
}

/* ---- asked for by another field ---- */

#define TRIAL_LINE                                                             \
	"GET /v1/data/posts?page=1&limit=20&sortBy=title&sortDirection=desc"

/* Nothing but the title is in another order than the ids. */
static struct ask *list_up_to_the_trial(void)
{
	service.tells_title = true;
	service_fill(250);
	fixture_start();
	struct ask *open = ask_open(posts);
	serve_all();
	assert_ended(open, 0);
	struct ask *wait = ask_for_all(open);
	while (!fake_find(fake, TRIAL_LINE))
		serve(fake_open(fake, 0));
	/* Nobody waits for it. */
	assert_ended(wait, 0);
	assert_int_equal(fake_open_count(fake), 1);
	return open;
}

static void the_first_listing_asks_once_by_another_field(void **state)
{
	for (int ignored = 0; ignored < 2; ignored++) {
		service.ignores_sort = ignored;
		struct ask *open = list_up_to_the_trial();
		serve(request(TRIAL_LINE));
		fake_run(fake);
		assert_int_equal(fake_open_count(fake), 0);
		sync_dir_close(sync_under_test, &open->op.open_dir);
		/* It is kept, where it is so. */
		fixture_stop();
		fixture_start();
		/* Else it is asked again, behind this mount's first check. */
		assert_unchanged_costs(ignored ? 3 : 1);
		assert_unchanged_costs(ignored ? 2 : 1);
		go_stale();
		service_change(5);
		assert_is_all_and_fresh();
		begin_again(state);
	}
	fixture_start();
}

static void what_refuses_it_is_listed_all_the_same(void **state)
{
	static const int statuses[] = {400, 403, 500};
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct ask *open = list_up_to_the_trial();
		ANSWER(request(TRIAL_LINE), .status = statuses[i]);
		fake_run(fake);
		/* Once: not again, and no line. */
		assert_int_equal(fake_open_count(fake), 0);
		assert_string_equal(errors_text(), "");
		sync_dir_close(sync_under_test, &open->op.open_dir);
		assert_unchanged_costs(2);
		begin_again(state);
	}
	fixture_start();
}

/* ---- how it is told ---- */

struct item {
	const char *id;
	int64_t pos;
	int64_t ms;
};

static bool is_sorted(const struct item *items, size_t count)
{
	struct sorting sorting;
	sorting_init(&sorting);
	for (size_t i = 0; i < count; i++) {
		CLEANUP_BUF struct buf id;
		buf_init(&id, 64);
		assert_int_equal(
		    buf_add(&id, items[i].id, strlen(items[i].id)), 0);
		assert_int_equal(
		    sorting_record(&sorting, &id, items[i].pos, items[i].ms),
		    0);
	}
	bool sorted = sorting_is_by_date(&sorting);
	sorting_done(&sorting);
	return sorted;
}

#define SORTED(...)                                                            \
	is_sorted((const struct item[]){__VA_ARGS__},                          \
	    sizeof((const struct item[]){__VA_ARGS__}) / sizeof(struct item))

static void only_another_order_than_any_of_its_own_tells(void **state)
{
	(void)state;
	assert_true(SORTED({"b", 2, 9}, {"c", 3, 8}, {"a", 1, 7}));
	/* One without a date stands somewhere. */
	assert_true(
	    SORTED({"b", 2, 9}, {"c", 3, 8}, {"a", 1, 7}, {"d", 4, NO_DATE}));
	/* By id, either way; by the numbers in it. */
	assert_false(SORTED({"a", 2, 9}, {"b", 3, 8}, {"c", 1, 7}));
	assert_false(SORTED({"c", 2, 9}, {"b", 3, 8}, {"a", 1, 7}));
	assert_false(SORTED({"8", 2, 9}, {"9", 3, 8}, {"10", 1, 7}));
	assert_false(SORTED({"10", 2, 9}, {"9", 3, 8}, {"8", 1, 7}));
	/* As its pages came, either way. */
	assert_false(SORTED({"b", 1, 9}, {"c", 2, 8}, {"a", 3, 7}));
	assert_false(SORTED({"b", 3, 9}, {"c", 2, 8}, {"a", 1, 7}));
	/* Not by date; or there is but one. */
	assert_false(SORTED({"b", 2, 9}, {"c", 3, 7}, {"a", 1, 8}));
	assert_false(SORTED({"b", 2, 7}, {"c", 3, 8}, {"a", 1, 9}));
	assert_false(SORTED({"b", 2, 9}, {"c", 3, 9}, {"a", 1, 9}));
	/* Too few. */
	assert_false(SORTED({"b", 2, 9}, {"a", 1, 8}));
	assert_false(SORTED({"b", 2, 9}));
	assert_false(is_sorted(NULL, 0));
}

#undef TEST
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    TEST(a_server_that_ignores_sort_hides_no_change),
	    TEST(nor_in_pages_that_are_small),
	    TEST(nor_one_of_a_record_without_a_date),
	    TEST(a_page_of_records_costs_one_request),
	    TEST(a_page_of_records_vouches_for_what_changed_late),
	    TEST(a_server_that_sorts_is_known_by_the_first_check),
	    TEST(one_that_ignores_it_is_not_taken_for_one),
	    TEST(many_in_one_order_cost_one_request_more),
	    TEST(where_more_than_one_are_refused_one_is_asked_for),
	    TEST(the_first_listing_asks_once_by_another_field),
	    TEST(what_refuses_it_is_listed_all_the_same),
	    cmocka_unit_test(only_another_order_than_any_of_its_own_tells),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
