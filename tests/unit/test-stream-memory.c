/* Two readers wait for the same bytes, and each allocation fails in turn when
 * they come: both are told something, once. */
#include "unit.h"

#include <stdlib.h>

#include "short-memory.h"
#include "stream-fixture.h"

static void assert_both_end(long count, bool *ret_failed)
{
	int64_t node = stored_file("3145728");
	struct ask *reads[2];
	for (int i = 0; i < 2; i++)
		reads[i] = ask_read(node, (uint64_t)i * 4096, 4096);
	give_url();
	struct http_call *call = request(GET_LINE);
	struct fake_answer answer = partial(call, 3 * MIB, ETAG);
	memory_fail_after(count);
	fake_answer(call, &answer);
	*ret_failed = memory_is_whole_again();
	free((char *)answer.body);
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
	for (int i = 0; i < 2; i++) {
		assert_int_equal(reads[i]->count, 1);
		if (reads[i]->err == 0)
			assert_bytes(reads[i], i * 4096, 4096);
	}
}

static void who_waits_together_is_told(void **state)
{
	bool failed = true;
	long count = 0;
	for (; failed; count++) {
		assert_int_equal(fixture_setup(state), 0);
		assert_both_end(count, &failed);
		assert_int_equal(fixture_teardown(state), 0);
	}
	assert_true(count > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_waits_together_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
