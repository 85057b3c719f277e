#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "api-fixture.h"

static void sign_in_comes_before_the_first_call(void **state)
{
	(void)state;
	config.mfa_code = "123456";
	config.password = "p\"w\\\xec\x95\x88\n";
	start_api();
	assert_int_equal(fake_count(fake), 0);
	get("5f", &outcomes[0]);
	assert_int_equal(fake_count(fake), 0); /* not before it returns */
	fake_run(fake);
	struct http_call *call = only_line("POST /v1/auth/email/signin");
	assert_string_equal(fake_body(call),
	    "{\"method\":\"password\",\"email\":\"demo@example.com\","
	    "\"password\":\"p\\\"w\\\\\xec\x95\x88\\n\","
	    "\"mfaCode\":\"123456\"}");
	assert_string_equal(fake_header(call, "X-API-Key"), KEY);
	assert_string_equal(
	    fake_header(call, "Content-Type"), "application/json");
	assert_null(fake_header(call, "Authorization"));
	answer_tokens_with(call, "access1", "refresh1");
	call = only_line("GET /v1/data/posts/5f");
	assert_string_equal(fake_header(call, "X-API-Key"), KEY);
	assert_null(fake_header(call, "Content-Type"));
	assert_bearer(call, "access1");
	ANSWER(call, .status = 200, .body = "{\"id\":\"5f\"}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_buf(&outcomes[0].text, "{\"id\":\"5f\"}");
	assert_int_equal(counters().sign_ins, 1);
	assert_int_equal(counters().requests, 2);
}

static void one_sign_in_serves_all_who_wait(void **state)
{
	(void)state;
	start_api();
	for (int i = 0; i < 20; i++)
		get("5f", &outcomes[i]);
	fake_run(fake);
	answer_tokens_with(only(), "access1", "refresh1");
	assert_int_equal(fake_open_count(fake), 16);
	while (fake_open_count(fake))
		ANSWER(fake_open(fake, 0), .status = 200,
		    .body = "{\"id\":\"5f\"}");
	for (int i = 0; i < 20; i++)
		assert_outcome(&outcomes[i], 0, 200);
	assert_int_equal(counters().sign_ins, 1);
}

static void a_refused_sign_in_is_not_hammered(void **state)
{
	(void)state;
	start_api();
	get("a", &outcomes[0]);
	get("b", &outcomes[1]);
	fake_run(fake);
	ANSWER(only_line("POST /v1/auth/email/signin"), .status = 401,
	    .body = "{\"error\":{\"code\":\"auth/invalid-credentials\","
		    "\"message\":\"wrong\"}}");
	assert_outcome(&outcomes[0], -EACCES, 401);
	assert_outcome(&outcomes[1], -EACCES, 401);
	assert_string_equal(outcomes[1].error.code, "auth/invalid-credentials");
	fake_advance(fake, 14999);
	get("c", &outcomes[2]);
	fake_run(fake);
	assert_int_equal(fake_count(fake), 1);
	assert_outcome(&outcomes[2], -EACCES, 401);
	assert_string_equal(outcomes[2].error.message, "wrong");
	fake_advance(fake, 1);
	get("d", &outcomes[3]);
	fake_run(fake);
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access1", "refresh1");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"d\"}");
	assert_outcome(&outcomes[3], 0, 200);
}

/* Five in fifteen minutes lock the account, however often somebody looks. */
static void refusals_do_not_lock_the_account(void **state)
{
	(void)state;
	static const char *const codes[] = {"auth/account-banned",
	    "auth/mfa-required", "auth/invalid-credentials",
	    "auth/session-expired"};
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		char body[100];
		snprintf(body, sizeof(body),
		    "{\"error\":{\"code\":\"%s\",\"message\":\"no\"}}",
		    codes[i]);
		sign_in();
		/* In the middle of its life. */
		fake_advance(fake, 3600 * 1000);
		get("a", &outcomes[0]);
		fake_run(fake);
		ANSWER(only_line("POST /v1/auth/refresh"), .status = 401,
		    .body = body);
		int64_t begin = fake_now(fake);
		uint64_t before = counters().sign_ins - 1;
		while (fake_now(fake) - begin < 900 * 1000) {
			if (fake_open_count(fake))
				ANSWER(only_line("POST /v1/auth/email/signin"),
				    .status = 403, .body = body);
			assert_outcome(&outcomes[0], -EACCES, 403);
			assert_string_equal(outcomes[0].error.code, codes[i]);
			forget(&outcomes[0]);
			fake_advance(fake, 1000);
			get("a", &outcomes[0]);
			fake_run(fake);
		}
		assert_in_range(counters().sign_ins - before, 2, 5);
		forget(&outcomes[0]);
		forget(&outcomes[31]);
		api_free(api);
		api = NULL;
	}
}

static void a_sign_in_that_breaks_is_tried_again(void **state)
{
	(void)state;
	start_api();
	get("a", &outcomes[0]);
	fake_run(fake);
	fake_break(only(), -EPIPE);
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance_to_timer(fake);
	ANSWER(only_line("POST /v1/auth/email/signin"), .status = 503);
	fake_advance_to_timer(fake);
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access1", "refresh1");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

static void no_account_never_signs_in(void **state)
{
	(void)state;
	static const char *const keys[] = {KEY, "sk_00112233445566778899"};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		config.key = keys[i];
		start_guest();
		get("a", &outcomes[i]);
		fake_run(fake);
		struct http_call *call = only_line("GET /v1/data/posts/a");
		assert_string_equal(fake_header(call, "X-API-Key"), keys[i]);
		assert_null(fake_header(call, "Authorization"));
		ANSWER(call, UNAUTHORIZED);
		assert_outcome(&outcomes[i], -EACCES, 401);
		assert_int_equal(fake_open_count(fake), 0);
		assert_int_equal(fake_timer_count(fake), 0);
		api_free(api);
		api = NULL;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(sign_in_comes_before_the_first_call),
	    TEST(one_sign_in_serves_all_who_wait),
	    TEST(a_refused_sign_in_is_not_hammered),
	    TEST(refusals_do_not_lock_the_account),
	    TEST(a_sign_in_that_breaks_is_tried_again),
	    TEST(no_account_never_signs_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
