/*
 * A table is listed while each allocation fails in turn, of those that an
 * answer causes: who reads it is told so, or gets all of it; and whoever comes
 * next gets all of it.
 */
#include "unit.h"

#include <stdlib.h>

#include "lister-fixture.h"
#include "short-memory.h"

#define ANSWERS 3 /* the spec, and two pages */

static int answers_left; /* until the one with which memory is short */
static long allocations; /* that go well then */
static bool failed;

void __real_fake_answer(
    struct http_call *call, const struct fake_answer *answer);
void __wrap_fake_answer(
    struct http_call *call, const struct fake_answer *answer);

/* Memory is short while an answer is taken in; it is not when one is made. */
void __wrap_fake_answer(
    struct http_call *call, const struct fake_answer *answer)
{
	bool short_now = answers_left-- == 0;
	if (short_now)
		memory_fail_after(allocations);
	__real_fake_answer(call, answer);
	if (short_now)
		failed = memory_is_whole_again();
}

/* What is tried again after a pause is. */
static void serve_until(const struct ask *ask)
{
	for (int i = 0; i < 1000 && !ask->count; i++) {
		struct http_call *open = fake_open(fake, 0);
		if (open)
			serve(open);
		else
			fake_advance_to_timer(fake);
	}
	assert_int_equal(ask->count, 1);
}

static void list_short(int answers, long count)
{
	answers_left = answers;
	allocations = count;
	failed = false;
	struct ask *open = ask_open(posts);
	serve_until(open);
	if (open->err < 0) {
		assert_true(failed);
		return;
	}
	struct ask *all = ask_for_all(open);
	serve_until(all);
	assert_true(all->err == 0 || failed);
	/* Never is a part of it taken for all. */
	if (all->err == 0 && listing().end)
		assert_int_equal(listing().count, 4);
	sync_dir_close(sync_under_test, &open->op.open_dir);
}

/* Whatever pauses there are end. */
static void settle(void)
{
	for (int i = 0; i < 100; i++) {
		serve_all();
		fake_advance_to_timer(fake);
	}
	serve_all();
}

static void short_memory_never_makes_a_listing_short(void **state)
{
	for (int answer = 0; answer < ANSWERS; answer++) {
		long count = 0;
		for (failed = true; failed; count++) {
			assert_int_equal(fixture_setup(state), 0);
			service_fill(4);
			fixture_start();
			list_short(answer, count);
			bool short_then = failed;
			settle();
			assert_is_all_and_fresh();
			assert_int_equal(fixture_teardown(state), 0);
			failed = short_then;
		}
		assert_true(count > 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(short_memory_never_makes_a_listing_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
