#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "api-fixture.h"

static void sixteen_refusals_at_once_make_one_refresh(void **state)
{
	(void)state;
	sign_in();
	for (int i = 0; i < 16; i++)
		get("5f", &outcomes[i]);
	fake_run(fake);
	assert_int_equal(fake_open_count(fake), 16);
	struct http_call *calls[16];
	for (size_t i = 0; i < 16; i++)
		calls[i] = fake_open(fake, i);
	for (size_t i = 0; i < 16; i++)
		ANSWER(calls[i], UNAUTHORIZED);
	struct http_call *call = only_line("POST /v1/auth/refresh");
	assert_string_equal(fake_body(call), "{\"refreshToken\":\"refresh1\"}");
	assert_true(fake_is_fresh(call));
	answer_tokens_with(call, "access2", "refresh2");
	assert_int_equal(fake_open_count(fake), 16);
	while (fake_open_count(fake)) {
		assert_bearer(fake_open(fake, 0), "access2");
		ANSWER(fake_open(fake, 0), .status = 200,
		    .body = "{\"id\":\"5f\"}");
	}
	for (int i = 0; i < 16; i++)
		assert_outcome(&outcomes[i], 0, 200);
	assert_int_equal(counters().refreshes, 1);
	assert_int_equal(counters().sign_ins, 1);
}

static void a_refresh_that_is_refused_leads_to_sign_in(void **state)
{
	(void)state;
	sign_in();
	get("5f", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), UNAUTHORIZED);
	ANSWER(only_line("POST /v1/auth/refresh"), .status = 401,
	    .body = "{\"error\":{\"code\":\"auth/session-expired\"}}");
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access2", "refresh2");
	assert_bearer(only_line("GET /v1/data/posts/5f"), "access2");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"5f\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

static void a_refresh_token_is_used_once(void **state)
{
	(void)state;
	/* Whatever becomes of the answer, the token may be spent. */
	static const int breaks[] = {-EPIPE, -ECONNREFUSED, -ETIMEDOUT, 0};
	sign_in();
	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
		fake_advance(fake, 3600 * 1000);
		get("5f", &outcomes[i]);
		fake_run(fake);
		struct http_call *call = only_line("POST /v1/auth/refresh");
		if (breaks[i])
			fake_break(call, breaks[i]);
		else
			ANSWER(call, .status = 500);
		answer_tokens_with(only_line("POST /v1/auth/email/signin"),
		    "access", "refresh");
		ANSWER(only_line("GET /v1/data/posts/5f"), .status = 200,
		    .body = "{\"id\":\"5f\"}");
		assert_outcome(&outcomes[i], 0, 200);
	}
	assert_int_equal(counters().refreshes, ARRAY_SIZE(breaks));
}

static void half_a_pair_is_not_adopted(void **state)
{
	(void)state;
	static const char *const bodies[] = {"{\"accessToken\":\"access2\"}",
	    "{\"accessToken\":\"access2\",\"refreshTo",
	    "{\"refreshToken\":\"refresh2\"}", "<html></html>", ""};
	sign_in();
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		fake_advance(fake, 3600 * 1000);
		get("5f", &outcomes[i]);
		fake_run(fake);
		ANSWER(only_line("POST /v1/auth/refresh"), .status = 200,
		    .body = bodies[i]);
		answer_tokens_with(only_line("POST /v1/auth/email/signin"),
		    "access3", "refresh3");
		assert_bearer(only(), "access3");
		ANSWER(only(), .status = 200, .body = "{\"id\":\"5f\"}");
		assert_outcome(&outcomes[i], 0, 200);
	}
}

static void a_late_refusal_of_an_old_token_renews_nothing(void **state)
{
	(void)state;
	sign_in();
	get("a", &outcomes[0]);
	get("b", &outcomes[1]);
	fake_run(fake);
	struct http_call *late = fake_find(fake, "GET /v1/data/posts/b");
	ANSWER(fake_find(fake, "GET /v1/data/posts/a"), UNAUTHORIZED);
	answer_tokens_with(
	    fake_find(fake, "POST /v1/auth/refresh"), "access2", "refresh2");
	ANSWER(fake_find(fake, "GET /v1/data/posts/a"), .status = 200,
	    .body = "{\"id\":\"a\"}");
	ANSWER(late, UNAUTHORIZED);
	assert_bearer(only_line("GET /v1/data/posts/b"), "access2");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"b\"}");
	assert_outcome(&outcomes[1], 0, 200);
	assert_int_equal(counters().refreshes, 1);
}

static void refusals_of_fresh_tokens_end_in_eacces(void **state)
{
	(void)state;
	sign_in();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/posts/a"), UNAUTHORIZED);
	answer_tokens_with(
	    only_line("POST /v1/auth/refresh"), "access2", "refresh2");
	refuse("GET /v1/data/posts/a");
	ANSWER(only_line("GET /v1/auth/me"), UNAUTHORIZED);
	/* Not by the refresh token: the session itself may be over. */
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access3", "refresh3");
	refuse("GET /v1/data/posts/a");
	ANSWER(only_line("GET /v1/auth/me"), UNAUTHORIZED);
	assert_int_equal(fake_open_count(fake), 0);
	assert_outcome(&outcomes[0], -EACCES, 401);
	assert_string_equal(
	    outcomes[0].error.code, "auth/access-token-expired");
}

/* ---- never as a guest in between ---- */

/* What was asked for so far with a token is to be asked for so always. */
static void assert_no_guest_asked(void)
{
	for (size_t i = 0; i < fake_count(fake); i++) {
		struct http_call *call = fake_call(fake, i);
		if (strncmp(fake_line(call), "GET ", 4) == 0)
			assert_non_null(fake_header(call, "Authorization"));
	}
}

static void calls_at_the_gate_wait_for_a_renewal(void **state)
{
	(void)state;
	config.connections = 2;
	sign_in();
	get("a", &outcomes[0]);
	get("b", &outcomes[1]);
	get("c", &outcomes[2]);
	get("d", &outcomes[3]);
	fake_run(fake);
	struct http_call *b = fake_find(fake, "GET /v1/data/posts/b");
	ANSWER(fake_find(fake, "GET /v1/data/posts/a"), UNAUTHORIZED);
	ANSWER(b, .status = 200, .body = "{\"id\":\"b\"}");
	/* What is let in meanwhile has the old token, and then the new one. */
	struct http_call *c = fake_find(fake, "GET /v1/data/posts/c");
	answer_tokens_with(
	    fake_find(fake, "POST /v1/auth/refresh"), "access2", "refresh2");
	if (c)
		ANSWER(c, UNAUTHORIZED);
	while (fake_open_count(fake)) {
		char body[32];
		struct http_call *call = fake_open(fake, 0);
		assert_bearer(call, "access2");
		snprintf(body, sizeof(body), "{\"id\":\"%s\"}",
		    strrchr(fake_line(call), '/') + 1);
		ANSWER(call, .status = 200, .body = body);
	}
	assert_int_equal(counters().refreshes, 1);
	for (int i = 0; i < 4; i++)
		assert_outcome(&outcomes[i], 0, 200);
	assert_no_guest_asked();
}

static void calls_behind_a_rate_limit_wait_for_a_renewal(void **state)
{
	(void)state;
	sign_in();
	get("a", &outcomes[0]);
	get("b", &outcomes[1]);
	fake_run(fake);
	struct http_call *b = fake_find(fake, "GET /v1/data/posts/b");
	ANSWER(fake_find(fake, "GET /v1/data/posts/a"), .status = 429,
	    .retry_after_ms = 4000000);
	get("c", &outcomes[2]);
	fake_run(fake);
	ANSWER(b, UNAUTHORIZED); /* the renewal stands behind c */
	fake_advance(fake, 4000000);
	assert_no_guest_asked();
	answer_tokens_with(
	    only_line("POST /v1/auth/refresh"), "access2", "refresh2");
	assert_int_equal(fake_open_count(fake), 3);
	while (fake_open_count(fake)) {
		assert_bearer(fake_open(fake, 0), "access2");
		ANSWER(fake_open(fake, 0), .status = 404);
	}
	for (int i = 0; i < 3; i++)
		assert_outcome(&outcomes[i], -ENOENT, 404);
}

/* One speaks of the table, the other of who asks: then there may be one. */
static void a_spec_that_is_refused_is_told_from_a_refused_sign_in(void **state)
{
	(void)state;
	sign_in();
	api_spec(api, "posts/.spec.json", "posts", on_text, &outcomes[0]);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/posts/spec"), .status = 403,
	    .body = "{\"error\":{\"code\":\"data/permission-denied\"}}");
	assert_outcome(&outcomes[0], -ENOENT, 403);
	fake_advance(fake, 3600 * 1000);
	api_spec(api, "posts/.spec.json", "posts", on_text, &outcomes[1]);
	fake_run(fake);
	ANSWER(only_line("POST /v1/auth/refresh"), .status = 401);
	ANSWER(only_line("POST /v1/auth/email/signin"), .status = 403);
	assert_outcome(&outcomes[1], -EACCES, 403);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(sixteen_refusals_at_once_make_one_refresh),
	    TEST(a_refresh_that_is_refused_leads_to_sign_in),
	    TEST(a_refresh_token_is_used_once),
	    TEST(half_a_pair_is_not_adopted),
	    TEST(a_spec_that_is_refused_is_told_from_a_refused_sign_in),
	    TEST(a_late_refusal_of_an_old_token_renews_nothing),
	    TEST(refusals_of_fresh_tokens_end_in_eacces),
	    TEST(calls_at_the_gate_wait_for_a_renewal),
	    TEST(calls_behind_a_rate_limit_wait_for_a_renewal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
