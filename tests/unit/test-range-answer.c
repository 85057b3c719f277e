/* What an answer to a range of ids proves of it. */
#include "sync/listing/range_answer.h"

#include "sync/listing/part.h"
#include "sync/listing/ranges.h"
#include "unit.h"

static struct id_range range;
static struct part_answer answer;
static struct part_sizes sizes;

static void set(struct buf *buf, const char *text)
{
	buf_clear(buf);
	assert_int_equal(buf_adds(buf, text), 0);
}

/* From a (exclusive) to z; 20 records, which tell nothing of others. */
static int setup(void **state)
{
	(void)state;
	range = (struct id_range){.numbers = false};
	sizes = (struct part_sizes){.most = 100};
	answer = (struct part_answer){
	    .range = &range,
	    .count = 20,
	    .info = {.total = -1, .total_pages = -1, .has_next = -1},
	};
	buf_init(&range.low, 64);
	buf_init(&range.high, 64);
	buf_init(&answer.split_id, 64);
	buf_init(&answer.last_id, 64);
	set(&range.low, "a");
	set(&range.high, "z");
	set(&answer.split_id, "m");
	set(&answer.last_id, "t");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_done(&range.low);
	buf_done(&range.high);
	buf_done(&answer.split_id);
	buf_done(&answer.last_id);
	return 0;
}

static void assert_verdict(enum range_answer_verdict expected)
{
	const struct buf *at = NULL;
	assert_int_equal(range_answer_judge(&answer, &sizes, &at), expected);
	assert_ptr_equal(
	    at, expected == RANGE_ANSWER_SPLIT ? &answer.split_id : NULL);
}

static void less_than_elsewhere_is_all(void **state)
{
	(void)state;
	assert_verdict(RANGE_ANSWER_WHOLE);
	answer.count = 100;
	assert_verdict(RANGE_ANSWER_SPLIT);
}

static void it_is_as_the_answer_tells(void **state)
{
	(void)state;
	answer.info.has_next = 1;
	assert_verdict(RANGE_ANSWER_SPLIT);
	answer.info.has_next = 0;
	assert_verdict(RANGE_ANSWER_WHOLE);
	answer.info.has_next = -1;
	answer.count = 100;
	answer.info.total = 100;
	assert_verdict(RANGE_ANSWER_WHOLE);
	answer.info.total = 101;
	assert_verdict(RANGE_ANSWER_SPLIT);
	answer.info.total = -1;
	answer.info.total_pages = 1;
	assert_verdict(RANGE_ANSWER_WHOLE);
	answer.info.total_pages = 2;
	assert_verdict(RANGE_ANSWER_SPLIT);
	/* None at all, also where none came elsewhere. */
	answer.count = sizes.most = 0;
	answer.info.total_pages = 0;
	assert_verdict(RANGE_ANSWER_WHOLE);
	answer.info.total_pages = -1;
	answer.info.total = 0;
	assert_verdict(RANGE_ANSWER_WHOLE);
}

static void who_contradicts_himself_has_no_ranges(void **state)
{
	(void)state;
	answer.info.has_next = 0;
	answer.info.total = 21;
	assert_verdict(RANGE_ANSWER_NONE);
	answer.info.total = 20;
	answer.info.total_pages = 2;
	assert_verdict(RANGE_ANSWER_NONE);
}

static void ids_from_elsewhere_are_no_range(void **state)
{
	(void)state;
	answer.out_of_range = true;
	answer.info.has_next = 1;
	assert_verdict(RANGE_ANSWER_NONE);
}

/* Behind the range's end there is nothing to ask for. */
static void a_range_is_split_before_its_end(void **state)
{
	(void)state;
	const struct buf *at = NULL;
	answer.info.has_next = 1;
	set(&answer.split_id, "z");
	assert_int_equal(
	    range_answer_judge(&answer, &sizes, &at), RANGE_ANSWER_SPLIT);
	assert_ptr_equal(at, &answer.last_id);
	buf_clear(&answer.split_id);
	at = NULL;
	assert_int_equal(
	    range_answer_judge(&answer, &sizes, &at), RANGE_ANSWER_SPLIT);
	assert_ptr_equal(at, &answer.last_id);
	set(&answer.last_id, "z");
	assert_verdict(RANGE_ANSWER_NONE);
	buf_clear(&answer.last_id);
	assert_verdict(RANGE_ANSWER_NONE);
}

static void of_numbers_there_must_be_none(void **state)
{
	(void)state;
	range.numbers = true;
	assert_verdict(RANGE_ANSWER_NONE);
	answer.count = 0;
	assert_verdict(RANGE_ANSWER_WHOLE);
	answer.info.total = 1;
	assert_verdict(RANGE_ANSWER_NONE);
	answer.info.total = 0;
	answer.info.total_pages = 1;
	assert_verdict(RANGE_ANSWER_NONE);
	answer.info.total_pages = 0;
	answer.info.has_next = 1;
	assert_verdict(RANGE_ANSWER_NONE);
	answer.info.has_next = 0;
	assert_verdict(RANGE_ANSWER_WHOLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(less_than_elsewhere_is_all),
	    TEST(it_is_as_the_answer_tells),
	    TEST(who_contradicts_himself_has_no_ranges),
	    TEST(ids_from_elsewhere_are_no_range),
	    TEST(a_range_is_split_before_its_end),
	    TEST(of_numbers_there_must_be_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
