#include "unit.h"

#include <errno.h>

#include "api/retry.h"

#define MOST UINT32_MAX /* the random bits that make the longest pause */

static int64_t wait_ms(struct retry_outcome outcome)
{
	return retry_wait_ms(&outcome);
}

static struct retry_outcome failed(int status)
{
	return (struct retry_outcome){.status = status,
	    .retry_after_ms = -1,
	    .attempt = 1,
	    .budget_ms = 120000,
	    .random = MOST};
}

static void passing_failures_are_retried(void **state)
{
	(void)state;
	static const int statuses[] = {
	    0, 408, 429, 500, 501, 502, 503, 504, 599};
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		assert_true(wait_ms(failed(statuses[i])) >= RETRY_FIRST_MS / 2);
}

static void everything_else_is_final(void **state)
{
	(void)state;
	static const int statuses[] = {100, 200, 204, 206, 301, 304, 400, 401,
	    403, 404, 407, 409, 410, 416, 428, 430, 499, 600, -1};
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct retry_outcome outcome = failed(statuses[i]);
		assert_int_equal(wait_ms(outcome), -1);
		outcome.retry_after_ms = 1000;
		assert_int_equal(wait_ms(outcome), -1);
	}
}

static void a_transfer_that_broke_for_good_is_final(void **state)
{
	(void)state;
	static const int passing[] = {
	    -EPIPE, -ECONNREFUSED, -EHOSTUNREACH, -ETIMEDOUT, -EMFILE, -ENFILE};
	static const int lasting[] = {
	    -EPROTO, -EKEYREJECTED, -ENOMEM, -ENOSPC, -EFBIG, -EMSGSIZE, -EIO};
	struct retry_outcome outcome = failed(0);
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++) {
		outcome.err = passing[i];
		assert_true(wait_ms(outcome) >= RETRY_FIRST_MS / 2);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lasting); i++) {
		outcome.err = lasting[i];
		assert_int_equal(wait_ms(outcome), -1);
	}
}

static void what_nobody_understood_is_asked_for_a_few_times(void **state)
{
	(void)state;
	struct retry_outcome outcome = failed(0);
	outcome.err = -EPROTO;
	for (unsigned i = 1; i <= RETRY_GARBLED_MAX; i++) {
		outcome.attempt = outcome.garbled = i;
		assert_true(wait_ms(outcome) >= RETRY_FIRST_MS / 2);
	}
	outcome.garbled++;
	assert_int_equal(wait_ms(outcome), -1);
	/* Others do not count. */
	outcome.garbled = 0;
	outcome.err = -EPIPE;
	assert_true(wait_ms(outcome) >= RETRY_FIRST_MS / 2);
	/* It does not outlast patience. */
	outcome.garbled = 1;
	outcome.err = -EPROTO;
	outcome.elapsed_ms = outcome.budget_ms;
	assert_int_equal(wait_ms(outcome), -1);
}

static void what_is_final_has_its_errno(void **state)
{
	(void)state;
	static const struct {
		int status, broken, err;
	} cases[] = {{401, 0, -EACCES}, {403, 0, -EACCES}, {404, 0, -ENOENT},
	    {410, 0, -ENOENT}, {408, 0, -EIO}, {500, 0, -EIO}, {599, 0, -EIO},
	    {302, 0, -EPROTO}, {400, 0, -EPROTO}, {405, 0, -EPROTO},
	    {0, -ECONNREFUSED, -ENETUNREACH}, {0, -EHOSTUNREACH, -ENETUNREACH},
	    {0, -EPIPE, -EIO}, {0, -ETIMEDOUT, -ETIMEDOUT},
	    {0, -EMFILE, -EMFILE}, {0, -ENFILE, -ENFILE},
	    {200, -EMSGSIZE, -EPROTO}, {200, -EPROTO, -EPROTO},
	    {200, -ENOENT, -ENOENT}, {0, -EKEYREJECTED, -EKEYREJECTED}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(retry_errno(cases[i].status, cases[i].broken),
		    cases[i].err);
}

static void pauses_double_up_to_the_longest(void **state)
{
	(void)state;
	static const int64_t pauses[] = {
	    200, 400, 800, 1600, 3200, 6400, 12800, 15000, 15000};
	struct retry_outcome outcome = failed(500);
	for (unsigned i = 0; i < ARRAY_SIZE(pauses); i++) {
		outcome.attempt = i + 1;
		outcome.random = MOST;
		assert_int_equal(wait_ms(outcome), pauses[i]);
		outcome.random = 0;
		assert_int_equal(wait_ms(outcome), pauses[i] / 2);
	}
	outcome.attempt = 4000000000;
	outcome.random = MOST;
	assert_int_equal(wait_ms(outcome), RETRY_LONGEST_MS);
	outcome.attempt = 0;
	assert_int_equal(wait_ms(outcome), RETRY_FIRST_MS);
}

static void jitter_stays_between_half_and_whole(void **state)
{
	(void)state;
	struct retry_outcome outcome = failed(0);
	int64_t before = 0;
	outcome.attempt = 5;
	for (uint64_t random = 0; random <= MOST; random += MOST / 1000) {
		outcome.random = (uint32_t)random;
		int64_t pause = wait_ms(outcome);
		assert_true(pause >= 1600 && pause <= 3200);
		assert_true(pause >= before);
		before = pause;
	}
}

static void the_budget_ends_retries(void **state)
{
	(void)state;
	struct retry_outcome outcome = failed(503);
	outcome.elapsed_ms = outcome.budget_ms;
	assert_int_equal(wait_ms(outcome), -1);
	outcome.elapsed_ms = outcome.budget_ms + 1;
	assert_int_equal(wait_ms(outcome), -1);
	outcome.elapsed_ms = 0;
	outcome.budget_ms = 0;
	assert_int_equal(wait_ms(outcome), -1);
}

static void the_last_attempt_falls_at_the_end_of_the_budget(void **state)
{
	(void)state;
	struct retry_outcome outcome = failed(503);
	outcome.attempt = 9;
	outcome.elapsed_ms = outcome.budget_ms - 1234;
	assert_int_equal(wait_ms(outcome), 1234);
	outcome.elapsed_ms = outcome.budget_ms - 1;
	assert_int_equal(wait_ms(outcome), 1);
}

/* Attempts that take no time, from the first one to giving up. */
static void a_whole_budget_is_used_to_the_end(void **state)
{
	(void)state;
	struct retry_outcome outcome = failed(0);
	int64_t pause;
	while ((pause = wait_ms(outcome)) >= 0) {
		assert_true(pause > 0);
		outcome.elapsed_ms += pause;
		outcome.attempt++;
		outcome.random *= 2654435761u;
		assert_true(outcome.attempt < 100);
	}
	assert_int_equal(outcome.elapsed_ms, outcome.budget_ms);
}

static void retry_after_is_heeded_within_the_budget(void **state)
{
	(void)state;
	struct retry_outcome outcome = failed(503);
	outcome.retry_after_ms = 30000;
	assert_int_equal(wait_ms(outcome), 30000);
	outcome.retry_after_ms = 500000;
	assert_int_equal(wait_ms(outcome), outcome.budget_ms);
	outcome.retry_after_ms = 0; /* no reason to hurry */
	assert_int_equal(wait_ms(outcome), RETRY_FIRST_MS);
}

static void a_rate_limit_is_waited_out_whatever_the_budget(void **state)
{
	(void)state;
	struct retry_outcome outcome = failed(429);
	outcome.retry_after_ms = 3600000;
	assert_int_equal(wait_ms(outcome), 3600000);
	outcome.elapsed_ms = 10 * outcome.budget_ms;
	assert_int_equal(wait_ms(outcome), 3600000);
	outcome.attempt = 50;
	outcome.retry_after_ms = 2000;
	assert_int_equal(wait_ms(outcome), 2000);
}

static void a_rate_limit_without_retry_after_waits_a_second_or_more(
    void **state)
{
	(void)state;
	struct retry_outcome outcome = failed(429);
	assert_int_equal(wait_ms(outcome), RETRY_LIMITED_MS);
	outcome.elapsed_ms = outcome.budget_ms * 2;
	assert_int_equal(wait_ms(outcome), RETRY_LIMITED_MS);
	outcome.attempt = 20;
	assert_int_equal(wait_ms(outcome), RETRY_LONGEST_MS);
	outcome.attempt = 1;
	outcome.retry_after_ms = 0; /* would be a busy loop */
	assert_int_equal(wait_ms(outcome), RETRY_LIMITED_MS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(passing_failures_are_retried),
	    cmocka_unit_test(everything_else_is_final),
	    cmocka_unit_test(a_transfer_that_broke_for_good_is_final),
	    cmocka_unit_test(what_nobody_understood_is_asked_for_a_few_times),
	    cmocka_unit_test(what_is_final_has_its_errno),
	    cmocka_unit_test(pauses_double_up_to_the_longest),
	    cmocka_unit_test(jitter_stays_between_half_and_whole),
	    cmocka_unit_test(the_budget_ends_retries),
	    cmocka_unit_test(the_last_attempt_falls_at_the_end_of_the_budget),
	    cmocka_unit_test(a_whole_budget_is_used_to_the_end),
	    cmocka_unit_test(retry_after_is_heeded_within_the_budget),
	    cmocka_unit_test(a_rate_limit_is_waited_out_whatever_the_budget),
	    cmocka_unit_test(
		a_rate_limit_without_retry_after_waits_a_second_or_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
