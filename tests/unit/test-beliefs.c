#include "unit.h"

#include "fs/beliefs.h"

#define DIR 7
#define OTHER 8
#define NOW INT64_C(5000)
#define TTL 60000

static struct beliefs *beliefs;

static int setup(void **state)
{
	(void)state;
	beliefs = beliefs_new(INT64_MAX);
	return beliefs ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	beliefs_free(beliefs);
	return 0;
}

static int64_t tell(int64_t dir, int64_t now_ms)
{
	uint64_t ticket = beliefs_ticket(beliefs, dir);
	return beliefs_tell(beliefs, dir, ticket, TTL, now_ms);
}

static void only_what_is_believed_is_taken_back(void **state)
{
	(void)state;
	assert_false(beliefs_change(beliefs, DIR, NOW));
	assert_int_equal(tell(DIR, NOW), TTL);
	assert_false(beliefs_change(beliefs, OTHER, NOW));
	assert_true(beliefs_change(beliefs, DIR, NOW + TTL - 1));
	/* Once is enough. */
	assert_false(beliefs_change(beliefs, DIR, NOW + TTL - 1));
	assert_int_equal(tell(DIR, NOW), TTL);
	assert_false(beliefs_change(beliefs, DIR, NOW + TTL));
}

static void a_shorter_belief_does_not_end_a_longer_one(void **state)
{
	(void)state;
	uint64_t ticket = beliefs_ticket(beliefs, DIR);
	assert_int_equal(tell(DIR, NOW), TTL);
	assert_int_equal(beliefs_tell(beliefs, DIR, ticket, 10, NOW), 10);
	assert_true(beliefs_change(beliefs, DIR, NOW + TTL - 1));
}

static void taking_one_back_takes_back_all(void **state)
{
	(void)state;
	assert_int_equal(tell(DIR, NOW), TTL);
	assert_int_equal(tell(OTHER, NOW), TTL);
	assert_true(beliefs_change(beliefs, DIR, NOW));
	assert_false(beliefs_change(beliefs, OTHER, NOW));
}

static void what_changed_while_it_was_looked_up_is_not_believed(void **state)
{
	(void)state;
	uint64_t ticket = beliefs_ticket(beliefs, DIR);
	assert_false(beliefs_change(beliefs, DIR, NOW));
	assert_int_equal(beliefs_tell(beliefs, DIR, ticket, TTL, NOW), 0);
	ticket = beliefs_ticket(beliefs, DIR);
	assert_false(beliefs_change_all(beliefs, NOW));
	assert_int_equal(beliefs_tell(beliefs, DIR, ticket, TTL, NOW), 0);
	assert_int_equal(tell(DIR, NOW), TTL);
}

static void all_may_change_at_once(void **state)
{
	(void)state;
	assert_false(beliefs_change_all(beliefs, NOW));
	assert_int_equal(tell(DIR, NOW), TTL);
	assert_true(beliefs_change_all(beliefs, NOW));
	assert_false(beliefs_change_all(beliefs, NOW));
	assert_false(beliefs_change(beliefs, DIR, NOW));
}

static void many(struct told *told, int64_t dir)
{
	uint64_t ticket = beliefs_ticket(beliefs, dir);
	assert_int_equal(
	    beliefs_tell_many(beliefs, told, dir, ticket, TTL, NOW), TTL);
}

/* The kernel may take in a reply after it was told to forget. */
static void a_reply_under_way_is_taken_back_twice(void **state)
{
	(void)state;
	struct told told = {0};
	many(&told, DIR);
	assert_true(beliefs_change(beliefs, DIR, NOW));
	assert_true(beliefs_taken_in(beliefs, &told));
	assert_false(beliefs_taken_in(beliefs, &told));
	many(&told, DIR);
	assert_true(beliefs_change_all(beliefs, NOW));
	assert_true(beliefs_taken_in(beliefs, &told));
}

static void a_reply_under_way_outlives_what_is_taken_back(void **state)
{
	(void)state;
	struct told told = {0};
	assert_int_equal(tell(OTHER, NOW), TTL);
	many(&told, DIR);
	assert_true(beliefs_change(beliefs, OTHER, NOW));
	assert_false(beliefs_taken_in(beliefs, &told));
	assert_true(beliefs_change(beliefs, DIR, NOW + TTL - 1));
}

static void a_reply_that_does_not_go_out_is_not_believed(void **state)
{
	(void)state;
	struct told told = {0};
	many(&told, DIR);
	beliefs_untell(beliefs, &told);
	assert_false(beliefs_change(beliefs, DIR, NOW));
	assert_false(beliefs_taken_in(beliefs, &told));
	/* Nor one that is good for nothing. */
	uint64_t ticket = beliefs_ticket(beliefs, DIR);
	assert_int_equal(
	    beliefs_tell_many(beliefs, &told, DIR, ticket, 0, NOW), 0);
	assert_false(beliefs_change(beliefs, DIR, NOW));
	assert_int_equal(
	    beliefs_tell_many(beliefs, &told, DIR, ticket, TTL, NOW), 0);
	assert_false(beliefs_taken_in(beliefs, &told));
}

static void where_nothing_is_taken_back_nothing_is_believed_long(void **state)
{
	(void)state;
	beliefs_free(beliefs);
	beliefs = beliefs_new(500);
	assert_int_equal(tell(DIR, NOW), 500);
	uint64_t ticket = beliefs_ticket(beliefs, DIR);
	assert_int_equal(beliefs_tell(beliefs, DIR, ticket, 499, NOW), 499);
	assert_int_equal(beliefs_tell(beliefs, DIR, ticket, -5, NOW), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(only_what_is_believed_is_taken_back),
	    TEST(a_shorter_belief_does_not_end_a_longer_one),
	    TEST(taking_one_back_takes_back_all),
	    TEST(what_changed_while_it_was_looked_up_is_not_believed),
	    TEST(all_may_change_at_once),
	    TEST(a_reply_under_way_is_taken_back_twice),
	    TEST(a_reply_under_way_outlives_what_is_taken_back),
	    TEST(a_reply_that_does_not_go_out_is_not_believed),
	    TEST(where_nothing_is_taken_back_nothing_is_believed_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
