/* Orders of ids, and windows over a list that follows one. */
#include "sync/listing/order.h"

#include <stdio.h>

#include "sync/listing/chain.h"
#include "sync/listing/part.h"
#include "unit.h"

static struct buf id_of(const char *text)
{
	struct buf id;
	buf_init(&id, 64);
	assert_int_equal(buf_adds(&id, text), 0);
	return id;
}

/* What is still possible when they came so, one after the other. */
static unsigned orders_of(const char *const *texts, size_t count)
{
	unsigned orders = ORDER_ANY;
	for (size_t i = 1; i < count; i++) {
		struct buf first = id_of(texts[i - 1]),
			   second = id_of(texts[i]);
		orders = order_after(orders, &first, &second);
		buf_done(&first);
		buf_done(&second);
	}
	return orders;
}

#define ORDERS(...)                                                            \
	orders_of((const char *const[]){__VA_ARGS__},                          \
	    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void neighbours_rule_orders_out(void **state)
{
	(void)state;
	assert_int_equal(ORDERS("a"), ORDER_ANY);
	assert_int_equal(ORDERS("a", "b", "c"), ORDER_BYTES);
	assert_int_equal(ORDERS("c", "b", "a"), ORDER_BYTES_DOWN);
	assert_int_equal(ORDERS("a", "c", "b"), 0);
	assert_int_equal(ORDERS("a", "a"), 0);
	assert_int_equal(ORDERS("7", "7"), 0);
	assert_int_equal(ORDERS("1", "2"), ORDER_BYTES | ORDER_NUMBERS);
	assert_int_equal(
	    ORDERS("2", "1"), ORDER_BYTES_DOWN | ORDER_NUMBERS_DOWN);
	assert_int_equal(ORDERS("9", "10"), ORDER_BYTES_DOWN | ORDER_NUMBERS);
	assert_int_equal(ORDERS("8", "9", "10"), ORDER_NUMBERS);
	assert_int_equal(ORDERS("10", "9", "8"), ORDER_NUMBERS_DOWN);
	assert_int_equal(ORDERS("1", "10", "2"), ORDER_BYTES);
	assert_int_equal(ORDERS("0", "1"), ORDER_BYTES | ORDER_NUMBERS);
}

static void what_is_no_number_has_no_value(void **state)
{
	(void)state;
	assert_int_equal(ORDERS("08", "9"), ORDER_BYTES);
	assert_int_equal(ORDERS("9", "010"), ORDER_BYTES_DOWN);
	assert_int_equal(ORDERS("9", "1e1"), ORDER_BYTES_DOWN);
	assert_int_equal(ORDERS("1", "1a"), ORDER_BYTES);
	assert_int_equal(ORDERS("-1", "1"), ORDER_BYTES);
	assert_int_equal(
	    ORDERS("99999999999999999999", "100000000000000000000"),
	    ORDER_BYTES_DOWN | ORDER_NUMBERS);
}

static bool reaches(unsigned orders, const char *one, const char *other)
{
	struct buf a = id_of(one), b = id_of(other);
	bool result = order_reaches(orders, &a, &b);
	buf_done(&a);
	buf_done(&b);
	return result;
}

static void one_stands_at_another_or_before_it(void **state)
{
	(void)state;
	assert_true(reaches(ORDER_BYTES, "a", "b"));
	assert_true(reaches(ORDER_BYTES, "b", "b"));
	assert_false(reaches(ORDER_BYTES, "c", "b"));
	assert_true(reaches(ORDER_BYTES_DOWN, "c", "b"));
	assert_true(reaches(ORDER_BYTES_DOWN, "b", "b"));
	assert_false(reaches(ORDER_BYTES_DOWN, "a", "b"));
	assert_true(reaches(ORDER_NUMBERS, "9", "10"));
	assert_true(reaches(ORDER_NUMBERS, "10", "10"));
	assert_false(reaches(ORDER_NUMBERS, "11", "10"));
	assert_true(reaches(ORDER_NUMBERS_DOWN, "10", "9"));
	assert_true(reaches(ORDER_NUMBERS_DOWN, "9", "9"));
	assert_false(reaches(ORDER_NUMBERS_DOWN, "9", "10"));
}

/* ---- windows ---- */

/* One who reads in windows, of a server that gives so many records at once. */
struct walk {
	struct chain chain;
	struct part_sizes sizes;
	unsigned orders;
	bool over;
};

static void walk_setup(struct walk *walk, unsigned told_limit)
{
	*walk =
	    (struct walk){.orders = ORDER_BYTES, .sizes = {.told = told_limit}};
	chain_init(&walk->chain);
	chain_begin(&walk->chain);
}

static bool next(struct walk *walk, int64_t *ret_page, unsigned *ret_limit)
{
	return chain_next(&walk->chain, &walk->sizes, ret_page, ret_limit);
}

/* False: the server gives no windows. */
static bool absorb(struct walk *walk, const struct part_answer *answer)
{
	enum chain_verdict verdict =
	    chain_absorb(&walk->chain, answer, walk->orders);
	walk->over = verdict == CHAIN_OVER || verdict == CHAIN_TORN;
	return verdict != CHAIN_NONE;
}

/* Records that the server has are the numbers from low to high, but gone. */
struct table {
	int low;
	int high;
	int gone;
	bool has_next; /* told */
	int64_t total; /* told; -1: not */
};

/* Answer the window that is next. Whether it is one. */
static bool answer(struct walk *walk, const struct table *table, bool *seen)
{
	int64_t page = 0;
	unsigned limit = 0;
	char first[16] = "", last[16] = "";
	int64_t index = 0, count = 0, from, all = 0;
	assert_true(next(walk, &page, &limit));
	assert_true(page >= 1 && limit >= 1);
	from = (page - 1) * (int64_t)limit;
	for (int id = table->low; id <= table->high; id++) {
		if (id == table->gone)
			continue;
		all++;
		if (index++ < from || count >= (int64_t)limit)
			continue;
		count++;
		seen[id] = true;
		snprintf(last, sizeof(last), "%04d", id);
		if (count == 1)
			snprintf(first, sizeof(first), "%04d", id);
	}
	struct part_answer reply = {
	    .page = page,
	    .limit = limit,
	    .count = count,
	    .first_id = id_of(first),
	    .last_id = id_of(last),
	    .info = {.total = table->total,
		.total_pages = -1,
		.limit = 0,
		.has_next = table->has_next ? from + count < all : -1},
	};
	bool good = absorb(walk, &reply);
	buf_done(&reply.first_id);
	buf_done(&reply.last_id);
	return good;
}

/* With small pages there is not always a page that begins where it should. */
static void windows_reach_the_end(void **state)
{
	(void)state;
	static const unsigned limits[] = {15, 20, 50, 99, 100};
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		for (int count = 1; count <= 333; count += 83) {
			bool seen[400] = {false};
			struct table table = {1, count, 0, true, -1};
			struct walk walk;
			int windows = 0;
			walk_setup(&walk, limits[i]);
			while (!walk.over) {
				assert_true(answer(&walk, &table, seen));
				assert_true(windows++ < 400);
			}
			for (int id = 1; id <= count; id++)
				assert_true(seen[id]);
			assert_int_equal(walk.chain.index, count);
			if (limits[i] == 100)
				assert_true(windows <= count / 50 + 1);
			chain_done(&walk.chain);
		}
	}
}

/* All pages of 4 to 7 records end at the 36th or reach back less than two. */
static void pages_of_seven_reach_past_the_thirty_sixth(void **state)
{
	(void)state;
	bool seen[400] = {false};
	struct table table = {1, 80, 0, true, -1};
	struct walk walk;
	walk_setup(&walk, 7);
	while (!walk.over)
		assert_true(answer(&walk, &table, seen));
	for (int id = 1; id <= 80; id++)
		assert_true(seen[id]);
	chain_done(&walk.chain);
}

static void windows_overlap_by_two(void **state)
{
	(void)state;
	bool seen[400] = {false};
	struct table table = {1, 300, 0, true, -1};
	struct walk walk;
	walk_setup(&walk, 100);
	assert_true(answer(&walk, &table, seen));
	while (!walk.over) {
		int64_t index = walk.chain.index, page;
		unsigned limit;
		assert_true(next(&walk, &page, &limit));
		assert_true((page - 1) * (int64_t)limit <= index - 2);
		assert_true(page * (int64_t)limit > index);
		assert_true(answer(&walk, &table, seen));
	}
	chain_done(&walk.chain);
}

/* Those before go, so that a window begins behind the last one known. */
static void what_goes_between_two_windows_pulls_nothing_past(void **state)
{
	(void)state;
	for (int gone = 0; gone <= 90; gone += 9) {
		bool seen[400] = {false};
		struct table table = {1, 300, 0, true, -1};
		struct walk walk;
		int windows = 0;
		walk_setup(&walk, 100);
		assert_true(answer(&walk, &table, seen));
		table.low = 1 + gone;
		while (!walk.over) {
			assert_true(answer(&walk, &table, seen));
			assert_true(windows++ < 50);
		}
		for (int id = 1; id <= 300; id++)
			assert_true(seen[id]);
		chain_done(&walk.chain);
	}
}

static void what_comes_before_pushes_nothing_out(void **state)
{
	(void)state;
	bool seen[400] = {false};
	struct table table = {51, 350, 0, true, -1};
	struct walk walk;
	int windows = 0;
	walk_setup(&walk, 100);
	while (!walk.over) {
		assert_true(answer(&walk, &table, seen));
		if (table.low > 41)
			table.low -= 5;
		assert_true(windows++ < 50);
	}
	for (int id = 51; id <= 350; id++)
		assert_true(seen[id]);
	chain_done(&walk.chain);
}

static void a_total_tells_of_the_end_as_well(void **state)
{
	(void)state;
	bool seen[400] = {false};
	struct table table = {1, 250, 0, false, 250};
	struct walk walk;
	int windows = 0;
	walk_setup(&walk, 100);
	while (!walk.over) {
		assert_true(answer(&walk, &table, seen));
		assert_true(windows++ < 20);
	}
	assert_true(seen[250]);
	chain_done(&walk.chain);
}

static void a_page_that_is_none_of_that_size_is_refused(void **state)
{
	(void)state;
	struct walk walk;
	int64_t page;
	unsigned limit;
	struct part_answer reply = {
	    .page = 1,
	    .count = 11,
	    .info = {.total = -1, .total_pages = -1, .has_next = 1},
	};
	reply.first_id = id_of("a");
	reply.last_id = id_of("k");
	walk_setup(&walk, 10);
	assert_true(next(&walk, &page, &limit));
	assert_int_equal(limit, 10);
	assert_false(absorb(&walk, &reply)); /* too many */
	reply.count = 5;
	reply.info.limit = 5;
	assert_false(absorb(&walk, &reply)); /* another size */
	reply.info.limit = 10;
	walk.orders = 0;
	assert_false(absorb(&walk, &reply)); /* in no order */
	walk.orders = ORDER_BYTES;
	assert_true(absorb(&walk, &reply));
	assert_false(walk.over);
	buf_done(&reply.first_id);
	buf_done(&reply.last_id);
	chain_done(&walk.chain);
}

static void windows_that_lead_nowhere_end(void **state)
{
	(void)state;
	struct walk walk;
	int windows = 0;
	struct part_answer reply = {
	    .page = 1,
	    .count = 5,
	    .info = {.total = -1, .total_pages = -1, .has_next = 1},
	};
	reply.first_id = id_of("a");
	reply.last_id = id_of("e");
	walk_setup(&walk, 10);
	int64_t page;
	unsigned limit;
	while (next(&walk, &page, &limit) && absorb(&walk, &reply)) {
		assert_false(walk.over);
		assert_true(windows++ < 20);
	}
	assert_in_range(windows, 1, 19);
	buf_done(&reply.first_id);
	buf_done(&reply.last_id);
	chain_done(&walk.chain);
}

static void pages_of_one_make_no_windows(void **state)
{
	(void)state;
	struct walk walk;
	int64_t page;
	unsigned limit;
	walk_setup(&walk, 1);
	assert_true(next(&walk, &page, &limit));
	walk.chain.index = 1;
	assert_false(next(&walk, &page, &limit));
	chain_done(&walk.chain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(neighbours_rule_orders_out),
	    cmocka_unit_test(what_is_no_number_has_no_value),
	    cmocka_unit_test(one_stands_at_another_or_before_it),
	    cmocka_unit_test(windows_reach_the_end),
	    cmocka_unit_test(pages_of_seven_reach_past_the_thirty_sixth),
	    cmocka_unit_test(windows_overlap_by_two),
	    cmocka_unit_test(what_goes_between_two_windows_pulls_nothing_past),
	    cmocka_unit_test(what_comes_before_pushes_nothing_out),
	    cmocka_unit_test(a_total_tells_of_the_end_as_well),
	    cmocka_unit_test(a_page_that_is_none_of_that_size_is_refused),
	    cmocka_unit_test(windows_that_lead_nowhere_end),
	    cmocka_unit_test(pages_of_one_make_no_windows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
