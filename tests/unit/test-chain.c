/* One window after the other: which is asked for, and what it says. */
#include "sync/listing/chain.h"

#include "sync/core/position.h"
#include "sync/listing/order.h"
#include "sync/listing/part.h"
#include "unit.h"

static struct chain chain;
static int64_t page;
static unsigned limit;

static bool next(unsigned told)
{
	const struct part_sizes sizes = {.told = told};
	return chain_next(&chain, &sizes, &page, &limit);
}

/* An answer that tells nothing of others. */
static struct part_answer answer_of(
    int64_t count, const char *first, const char *last)
{
	struct part_answer answer = {.page = page,
	    .count = count,
	    .info = {.total = -1, .total_pages = -1, .has_next = -1}};
	buf_init(&answer.first_id, 64);
	buf_init(&answer.last_id, 64);
	assert_int_equal(buf_adds(&answer.first_id, first), 0);
	assert_int_equal(buf_adds(&answer.last_id, last), 0);
	return answer;
}

static enum chain_verdict absorb(struct part_answer answer)
{
	enum chain_verdict verdict = chain_absorb(&chain, &answer, ORDER_BYTES);
	buf_done(&answer.first_id);
	buf_done(&answer.last_id);
	return verdict;
}

static struct part_answer with_next(struct part_answer answer)
{
	answer.info.has_next = 1;
	return answer;
}

static void begin(void)
{
	chain_init(&chain);
	chain_begin(&chain);
	assert_true(next(10));
}

/* The first window was a to j. */
static void begin_behind_ten(void)
{
	begin();
	assert_int_equal(
	    absorb(with_next(answer_of(10, "a", "j"))), CHAIN_GOES_ON);
	assert_int_equal(chain.index, 10);
	assert_true(next(10));
	/* Pages of 10 or 9 reach no further, those of 8 the furthest. */
	assert_int_equal(page, 2);
	assert_int_equal(limit, 8);
	assert_int_equal(chain.asked_from, 8);
	assert_int_equal(chain.asked, 8);
}

static void end(void)
{
	chain_done(&chain);
}

static void the_first_window_is_as_large_as_the_server_has_them(void **state)
{
	(void)state;
	static const struct {
		struct part_sizes sizes;
		unsigned limit;
	} cases[] = {
	    {{.told = 0, .most = 0}, PAGE_LIMIT},
	    {{.told = 20, .most = 10}, 20},
	    {{.told = 1, .most = 10}, 1},
	    {{.told = 0, .most = 1}, 1},
	    {{.told = 0, .most = 10}, 10},
	    {{.told = 0, .most = PAGE_LIMIT - 1}, PAGE_LIMIT - 1},
	    {{.told = 0, .most = PAGE_LIMIT}, PAGE_LIMIT},
	    {{.told = 0, .most = PAGE_LIMIT + 1}, PAGE_LIMIT},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		chain_init(&chain);
		chain_begin(&chain);
		assert_true(chain_next(&chain, &cases[i].sizes, &page, &limit));
		assert_int_equal(page, 1);
		assert_int_equal(limit, cases[i].limit);
		assert_int_equal(chain.asked, cases[i].limit);
		assert_int_equal(chain.asked_from, 0);
		end();
	}
}

/* Where the last window ended after so many records. */
static void assert_next(
    int64_t index, unsigned told_limit, int64_t next_page, unsigned next_limit)
{
	begin();
	chain.index = index;
	assert_true(next(told_limit));
	assert_int_equal(page, next_page);
	assert_int_equal(limit, next_limit);
	assert_int_equal(chain.asked, next_limit);
	assert_int_equal(chain.asked_from, (next_page - 1) * next_limit);
	end();
}

static void the_window_that_reaches_furthest_is_asked_for(void **state)
{
	(void)state;
	assert_next(1, 2, 1, 2);
	assert_next(2, 3, 1, 3);
	assert_next(3, 3, 2, 2);
	assert_next(6, 6, 2, 4);
	/* Two that reach as far: the larger one. */
	assert_next(11, 4, 3, 4);
	assert_next(12, 10, 2, 10);
	assert_next(9, 10, 2, 7);
	assert_next(100, 100, 2, 98);
}

/* What the first window, of ten, has behind it when it tells that. */
static enum chain_verdict told(
    int64_t count, int has_next, int64_t total_pages, int64_t total)
{
	begin();
	struct part_answer answer =
	    answer_of(count, count ? "a" : "", count ? "j" : "");
	answer.info.has_next = has_next;
	answer.info.total_pages = total_pages;
	answer.info.total = total;
	enum chain_verdict verdict = absorb(answer);
	end();
	return verdict;
}

static void the_end_is_told_in_the_surest_way_there_is(void **state)
{
	(void)state;
	assert_int_equal(told(5, 1, 1, 5), CHAIN_GOES_ON);
	assert_int_equal(told(10, 0, 2, 20), CHAIN_OVER);
	assert_int_equal(told(5, -1, 2, 5), CHAIN_GOES_ON);
	assert_int_equal(told(10, -1, 1, 20), CHAIN_OVER);
	assert_int_equal(told(10, -1, 0, 20), CHAIN_OVER);
	assert_int_equal(told(5, -1, -1, 6), CHAIN_GOES_ON);
	assert_int_equal(told(10, -1, -1, 10), CHAIN_OVER);
	assert_int_equal(told(10, -1, -1, 0), CHAIN_OVER);
	assert_int_equal(told(10, -1, -1, -1), CHAIN_GOES_ON);
	assert_int_equal(told(9, -1, -1, -1), CHAIN_OVER);
}

static void a_first_window_of_nothing_is_the_end_unless_more_is_told(
    void **state)
{
	(void)state;
	assert_int_equal(told(0, 0, -1, -1), CHAIN_OVER);
	assert_int_equal(told(0, -1, -1, 0), CHAIN_OVER);
	assert_int_equal(told(0, 1, -1, -1), CHAIN_TORN);
	assert_int_equal(told(0, -1, -1, 1), CHAIN_TORN);
}

static void a_total_counts_what_is_before_the_window(void **state)
{
	(void)state;
	begin_behind_ten();
	struct part_answer answer = answer_of(8, "i", "p");
	answer.info.total = 17;
	assert_int_equal(absorb(answer), CHAIN_GOES_ON);
	end();
	begin_behind_ten();
	answer = answer_of(8, "i", "p");
	answer.info.total = 16;
	assert_int_equal(absorb(answer), CHAIN_OVER);
	end();
}

static void a_window_of_another_size_is_none(void **state)
{
	(void)state;
	static const struct {
		int64_t count, limit;
		enum chain_verdict verdict;
	} cases[] = {
	    {10, -1, CHAIN_GOES_ON},
	    {10, 0, CHAIN_GOES_ON},
	    {10, 10, CHAIN_GOES_ON},
	    {10, 9, CHAIN_NONE},
	    {10, 11, CHAIN_NONE},
	    {5, 1, CHAIN_NONE},
	    {11, 0, CHAIN_NONE},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		struct part_answer answer =
		    with_next(answer_of(cases[i].count, "a", "j"));
		answer.info.limit = cases[i].limit;
		assert_int_equal(absorb(answer), cases[i].verdict);
		end();
	}
}

static void what_is_joined_goes_on_from_its_last(void **state)
{
	(void)state;
	begin_behind_ten();
	assert_int_equal(
	    absorb(with_next(answer_of(8, "i", "p"))), CHAIN_GOES_ON);
	assert_int_equal(chain.index, 16);
	assert_string_equal(buf_str(&chain.last), "p");
	assert_int_equal(chain.overlap, 2);
	assert_int_equal(chain.stalls, 0);
	end();
	/* The last one known alone is enough. */
	begin_behind_ten();
	assert_int_equal(
	    absorb(with_next(answer_of(8, "j", "q"))), CHAIN_GOES_ON);
	assert_int_equal(chain.index, 16);
	end();
}

/* Asked again further in front, twice as far each time. */
static void assert_reached_back(void)
{
	assert_int_equal(chain.index, 8);
	assert_int_equal(chain.overlap, 4);
	assert_int_equal(chain.stalls, 1);
	assert_string_equal(buf_str(&chain.last), "j");
	assert_true(next(10));
	assert_true((page - 1) * (int64_t)limit <= 8 - 4);
	end();
}

static void a_window_behind_the_last_one_known_reaches_back(void **state)
{
	(void)state;
	begin_behind_ten();
	assert_int_equal(
	    absorb(with_next(answer_of(8, "k", "r"))), CHAIN_GOES_ON);
	assert_reached_back();
	/* Also where it tells that it is the last one. */
	begin_behind_ten();
	struct part_answer answer = answer_of(8, "k", "r");
	answer.info.has_next = 0;
	assert_int_equal(absorb(answer), CHAIN_GOES_ON);
	assert_reached_back();
	/* Or that there is nothing there any more. */
	begin_behind_ten();
	answer = answer_of(0, "", "");
	answer.info.has_next = 0;
	assert_int_equal(absorb(answer), CHAIN_GOES_ON);
	assert_reached_back();
}

/* Nobody knows how numbers stand to texts. */
static void an_id_of_another_kind_joins_nothing(void **state)
{
	(void)state;
	begin_behind_ten();
	struct part_answer answer = with_next(answer_of(8, "1", "p"));
	answer.first_number = true;
	assert_int_equal(absorb(answer), CHAIN_GOES_ON);
	assert_reached_back();
}

static void an_id_of_another_kind_stands_behind(void **state)
{
	(void)state;
	begin_behind_ten();
	struct part_answer answer = with_next(answer_of(8, "i", "1"));
	answer.last_number = true;
	assert_int_equal(absorb(answer), CHAIN_GOES_ON);
	assert_int_equal(chain.stalls, 0);
	assert_string_equal(buf_str(&chain.last), "1");
	assert_true(chain.last_number);
	end();
}

/* A joined one that ends before the last one known keeps that. */
static void a_window_that_ends_before_is_a_stall(void **state)
{
	(void)state;
	begin_behind_ten();
	assert_int_equal(
	    absorb(with_next(answer_of(8, "b", "i"))), CHAIN_GOES_ON);
	assert_int_equal(chain.stalls, 1);
	assert_string_equal(buf_str(&chain.last), "j");
	end();
}

static void seven_stalls_in_a_row_are_too_many(void **state)
{
	(void)state;
	begin();
	/* The first one leads somewhere, the others stand still. */
	for (int i = 0; i < 8; i++)
		assert_int_equal(
		    absorb(with_next(answer_of(10, "a", "j"))), CHAIN_GOES_ON);
	assert_int_equal(
	    absorb(with_next(answer_of(10, "a", "j"))), CHAIN_NONE);
	end();
	/* What leads further is a beginning. */
	begin();
	for (int i = 0; i < 7; i++)
		assert_int_equal(
		    absorb(with_next(answer_of(10, "a", "j"))), CHAIN_GOES_ON);
	for (int i = 0; i < 8; i++)
		assert_int_equal(
		    absorb(with_next(answer_of(10, "a", "k"))), CHAIN_GOES_ON);
	assert_int_equal(
	    absorb(with_next(answer_of(10, "a", "k"))), CHAIN_NONE);
	end();
}

static void a_new_round_begins_at_the_first_record(void **state)
{
	(void)state;
	begin_behind_ten();
	assert_int_equal(
	    absorb(with_next(answer_of(8, "k", "r"))), CHAIN_GOES_ON);
	chain_begin(&chain);
	assert_int_equal(chain.overlap, 2);
	assert_int_equal(chain.stalls, 0);
	assert_true(next(10));
	assert_int_equal(page, 1);
	assert_int_equal(limit, 10);
	assert_int_equal(chain.asked_from, 0);
	assert_int_equal(
	    absorb(with_next(answer_of(10, "a", "b"))), CHAIN_GOES_ON);
	assert_string_equal(buf_str(&chain.last), "b");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_first_window_is_as_large_as_the_server_has_them),
	    cmocka_unit_test(the_window_that_reaches_furthest_is_asked_for),
	    cmocka_unit_test(the_end_is_told_in_the_surest_way_there_is),
	    cmocka_unit_test(
		a_first_window_of_nothing_is_the_end_unless_more_is_told),
	    cmocka_unit_test(a_total_counts_what_is_before_the_window),
	    cmocka_unit_test(a_window_of_another_size_is_none),
	    cmocka_unit_test(what_is_joined_goes_on_from_its_last),
	    cmocka_unit_test(a_window_behind_the_last_one_known_reaches_back),
	    cmocka_unit_test(an_id_of_another_kind_joins_nothing),
	    cmocka_unit_test(an_id_of_another_kind_stands_behind),
	    cmocka_unit_test(a_window_that_ends_before_is_a_stall),
	    cmocka_unit_test(seven_stalls_in_a_row_are_too_many),
	    cmocka_unit_test(a_new_round_begins_at_the_first_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
