#include "unit.h"

#include <errno.h>

#include "api-fixture.h"

static void a_probe_signs_in_and_asks_for_nothing_else(void **state)
{
	(void)state;
	start_api();
	api_probe(api, "posts", 1000, on_done, &outcomes[0]);
	fake_run(fake);
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access1", "refresh1");
	assert_outcome(&outcomes[0], 0, 200);
	assert_int_equal(fake_count(fake), 1);
}

static void a_probe_without_an_account_asks_whether_the_key_is_good(
    void **state)
{
	(void)state;
	start_guest();
	assert_int_equal(
	    api_probe(api, "posts", 1000, on_done, &outcomes[0]), 0);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/posts?page=1&limit=1"), .status = 200,
	    .body = "{\"items\":[]}");
	assert_outcome(&outcomes[0], 0, 200);
	api_probe(api, NULL, 1000, on_done, &outcomes[1]);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/users?page=1&limit=1"), .status = 401,
	    .body = "{}");
	assert_outcome(&outcomes[1], -EACCES, 401);
}

static void a_probe_has_its_own_patience(void **state)
{
	(void)state;
	start_api();
	int64_t begin = fake_now(fake);
	api_probe(api, NULL, 1000, on_done, &outcomes[0]);
	fake_run(fake);
	while (!outcomes[0].count) {
		if (fake_open_count(fake))
			fake_break(fake_open(fake, 0), -ECONNREFUSED);
		else
			assert_true(fake_advance_to_timer(fake));
	}
	assert_outcome(&outcomes[0], -ENETUNREACH, 0);
	assert_int_equal(fake_now(fake) - begin, 1000);
	/* Later calls have the ordinary one. */
	begin = fake_now(fake);
	get("a", &outcomes[1]);
	fake_run(fake);
	while (!outcomes[1].count) {
		if (fake_open_count(fake))
			fake_break(fake_open(fake, 0), -ECONNREFUSED);
		else
			assert_true(fake_advance_to_timer(fake));
	}
	assert_int_equal(fake_now(fake) - begin, RETRY_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_probe_signs_in_and_asks_for_nothing_else),
	    TEST(a_probe_without_an_account_asks_whether_the_key_is_good),
	    TEST(a_probe_has_its_own_patience),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
