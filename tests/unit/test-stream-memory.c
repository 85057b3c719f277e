/* Two readers wait for the same bytes, and each allocation fails in turn when
 * they come: both are told something, once. */
#include "unit.h"

#include <stdlib.h>

#include "short-memory.h"
#include "stream-fixture.h"

/* Memory is short while the call is answered; it is not when others are. */
static bool serve_short(
    struct http_call *call, void (*shorten)(long count), long count)
{
	struct fake_answer answer = partial(call, 3 * MIB, ETAG);
	shorten(count);
	fake_answer(call, &answer);
	bool failed = memory_is_whole_again();
	free((char *)answer.body);
	return failed;
}

static void serve_until_both_end(struct ask *const reads[2])
{
	for (int i = 0; i < 1000 && !(reads[0]->count && reads[1]->count);
	     i++) {
		struct http_call *open = fake_open(fake, 0);
		if (!open)
			fake_advance_to_timer(fake);
		else if (strcmp(fake_line(open), URL_LINE) == 0)
			give_url();
		else
			serve_range(open, 3 * MIB, ETAG);
	}
}

static bool read_at_the_beginning(void (*shorten)(long count), long count)
{
	int64_t node = stored_file("3145728");
	struct ask *reads[2];
	for (int i = 0; i < 2; i++)
		reads[i] = ask_read(node, (uint64_t)i * 4096, 4096);
	give_url();
	bool failed = serve_short(request(GET_LINE), shorten, count);
	serve_until_both_end(reads);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(reads[i]->count, 1);
		if (reads[i]->err == 0)
			assert_bytes(reads[i], i * 4096, 4096);
	}
	return failed;
}

/* What lies in two ranges is put together in memory of its own. */
static bool read_across_ranges(void (*shorten)(long count), long count)
{
	int64_t node = stored_file("3145728");
	struct ask *reads[2], *first = ask_read(node, 0, 4096);
	give_url();
	serve_range(request(GET_LINE), 3 * MIB, ETAG);
	assert_bytes(first, 0, 4096);
	for (int i = 0; i < 2; i++)
		reads[i] = ask_read(node, MIB - 2048, 4096);
	bool failed = serve_short(request(GET_LINE), shorten, count);
	serve_until_both_end(reads);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(reads[i]->count, 1);
		if (reads[i]->err == 0)
			assert_bytes(reads[i], MIB - 2048, 4096);
	}
	return failed;
}

static void in_turn(void **state,
    bool (*attempt)(void (*shorten)(long count), long count),
    void (*shorten)(long count))
{
	bool failed = true;
	long count = 0;
	for (; failed; count++) {
		assert_int_equal(fixture_setup(state), 0);
		failed = attempt(shorten, count);
		assert_int_equal(fixture_teardown(state), 0);
	}
	assert_true(count > 1);
}

static void who_waits_together_is_told(void **state)
{
	in_turn(state, read_at_the_beginning, memory_fail_after);
	in_turn(state, read_at_the_beginning, memory_end_after);
}

static void so_is_who_waits_for_two_ranges(void **state)
{
	in_turn(state, read_across_ranges, memory_fail_after);
	in_turn(state, read_across_ranges, memory_end_after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_waits_together_is_told),
	    cmocka_unit_test(so_is_who_waits_for_two_ranges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
