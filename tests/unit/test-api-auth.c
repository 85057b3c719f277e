#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "api-fixture.h"
#include "api/api_parts.h"
#include "api/token.h"

/* ---- sign-in and tokens ---- */

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

static void a_token_is_renewed_ahead_of_its_end(void **state)
{
	(void)state;
	sign_in();
	fake_advance(fake, 3539 * 1000);
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/posts/a"), .status = 200,
	    .body = "{\"id\":\"a\"}");
	fake_advance(fake, 1000);
	get("b", &outcomes[1]);
	fake_run(fake);
	answer_tokens_with(
	    only_line("POST /v1/auth/refresh"), "access2", "refresh2");
	assert_bearer(only_line("GET /v1/data/posts/b"), "access2");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"b\"}");
	assert_outcome(&outcomes[1], 0, 200);
}

static void a_short_lived_token_is_used_for_most_of_its_life(void **state)
{
	(void)state;
	start_api();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200,
	    .body = "{\"accessToken\":\"a\",\"expiresIn\":10}");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	fake_advance(fake, 8999);
	get("a", &outcomes[1]);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/posts/a"), .status = 200,
	    .body = "{\"id\":\"a\"}");
	fake_advance(fake, 1);
	get("a", &outcomes[2]);
	fake_run(fake);
	/* Without a refresh token, by signing in. */
	only_line("POST /v1/auth/email/signin");
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

/* One speaks of the table, the other of who asks: then there may be one. */
static void a_spec_that_is_refused_is_told_from_a_refused_sign_in(void **state)
{
	(void)state;
	sign_in();
	api_spec(api, "posts/.spec.json", "posts", on_text, &outcomes[0]);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/posts/spec"), .status = 403);
	assert_outcome(&outcomes[0], -ENOENT, 403);
	fake_advance(fake, 3600 * 1000);
	api_spec(api, "posts/.spec.json", "posts", on_text, &outcomes[1]);
	fake_run(fake);
	ANSWER(only_line("POST /v1/auth/refresh"), .status = 401);
	ANSWER(only_line("POST /v1/auth/email/signin"), .status = 403);
	assert_outcome(&outcomes[1], -EACCES, 403);
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

static void a_life_that_cannot_be_meant_is_an_hour(void **state)
{
	(void)state;
	static const char *const lives[] = {"-1", "-1e300", "\"soon\"", "null",
	    "1e300", "9007199254740993000000", "[]", "0.5"};
	for (size_t i = 0; i < ARRAY_SIZE(lives); i++) {
		char body[128];
		start_api();
		get("a", &outcomes[i]);
		fake_run(fake);
		snprintf(body, sizeof(body),
		    "{\"accessToken\":\"a\",\"refreshToken\":\"r\","
		    "\"expiresIn\":%s}",
		    lives[i]);
		ANSWER(only(), .status = 200, .body = body);
		ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
		fake_advance(fake, 3539 * 1000);
		get("a", &outcomes[i + 8]);
		fake_run(fake);
		ANSWER(only_line("GET /v1/data/posts/a"), .status = 200,
		    .body = "{\"id\":\"a\"}");
		fake_advance(fake, 1000);
		get("a", &outcomes[i + 16]);
		fake_run(fake);
		only_line("POST /v1/auth/refresh");
		api_free(api);
		api = NULL;
	}
}

static void a_life_of_ages_is_believed(void **state)
{
	(void)state;
	start_api();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200,
	    .body = "{\"accessToken\":\"a\",\"expiresIn\":8999999999999999}");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	fake_advance(fake, (int64_t)10 * 365 * 86400 * 1000);
	get("a", &outcomes[1]);
	fake_run(fake);
	ANSWER(only_line("GET /v1/data/posts/a"), .status = 200,
	    .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[1], 0, 200);
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

/* ---- tokens that end at once ---- */

static void a_token_that_is_due_at_once_is_used(void **state)
{
	(void)state;
	config.connections = 2;
	start_api();
	for (int i = 0; i < 5; i++)
		get("5f", &outcomes[i]);
	fake_run(fake);
	ANSWER(only_line("POST /v1/auth/email/signin"), .status = 200,
	    .body = "{\"accessToken\":\"a1\",\"expiresIn\":0}");
	assert_int_equal(fake_open_count(fake), 2);
	/* By the others as well, as long as it lasts. */
	for (int i = 0; i < 5; i++) {
		struct http_call *call = fake_open(fake, 0);
		assert_string_equal(fake_line(call), "GET /v1/data/posts/5f");
		assert_bearer(call, "a1");
		ANSWER(call, .status = 200, .body = "{\"id\":\"5f\"}");
		assert_outcome(&outcomes[i], 0, 200);
	}
	fake_advance(fake, 1000);
	get("5f", &outcomes[5]);
	fake_run(fake);
	ANSWER(only_line("POST /v1/auth/email/signin"), .status = 200,
	    .body = "{\"accessToken\":\"a2\",\"expiresIn\":-1}");
	assert_bearer(only_line("GET /v1/data/posts/5f"), "a2");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"5f\"}");
	assert_outcome(&outcomes[5], 0, 200);
}

/* One who finds the token that he waited for gone again. */
struct insatiable {
	struct token_waiter waiter;
	int woken;
};

static void wait_again(void *ctx, const struct api_error *error)
{
	struct insatiable *one = ctx;
	(void)error;
	if (++one->woken >= 100)
		return;
	token_reject(api->token, false);
	token_wait(api->token, &one->waiter);
}

static void who_waits_again_waits_for_the_next_token(void **state)
{
	(void)state;
	struct insatiable ones[2] = {0};
	start_api();
	for (int i = 0; i < 2; i++) {
		ones[i].waiter.ready = wait_again;
		ones[i].waiter.ctx = &ones[i];
		token_wait(api->token, &ones[i].waiter);
	}
	fake_run(fake);
	for (int turn = 1; turn <= 3; turn++) {
		char access[8], refresh[8];
		snprintf(access, sizeof(access), "a%d", turn);
		snprintf(refresh, sizeof(refresh), "r%d", turn);
		answer_tokens_with(only(), access, refresh);
		assert_int_equal(ones[0].woken, turn);
		assert_int_equal(ones[1].woken, turn);
	}
	for (int i = 0; i < 2; i++)
		token_stop_waiting(&ones[i].waiter);
	answer_tokens_with(only(), "a4", "r4");
	assert_int_equal(ones[0].woken, 3);
}

/* One who is woken first, and sends the other away. */
static struct token_waiter rivals[2];
static int rivals_woken;

static void send_away(void *ctx, const struct api_error *error)
{
	(void)ctx, (void)error;
	rivals_woken++;
	for (int i = 0; i < 2; i++)
		token_stop_waiting(&rivals[i]);
}

static void who_is_sent_away_while_others_wake_is_not_woken(void **state)
{
	(void)state;
	start_api();
	rivals_woken = 0;
	for (int i = 0; i < 2; i++) {
		rivals[i] = (struct token_waiter){.ready = send_away};
		token_wait(api->token, &rivals[i]);
	}
	fake_run(fake);
	answer_tokens_with(only(), "a1", "r1");
	assert_int_equal(rivals_woken, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(sign_in_comes_before_the_first_call),
	    TEST(one_sign_in_serves_all_who_wait),
	    TEST(sixteen_refusals_at_once_make_one_refresh),
	    TEST(a_token_is_renewed_ahead_of_its_end),
	    TEST(a_short_lived_token_is_used_for_most_of_its_life),
	    TEST(a_refresh_that_is_refused_leads_to_sign_in),
	    TEST(a_refresh_token_is_used_once),
	    TEST(half_a_pair_is_not_adopted),
	    TEST(a_spec_that_is_refused_is_told_from_a_refused_sign_in),
	    TEST(a_refused_sign_in_is_not_hammered),
	    TEST(refusals_do_not_lock_the_account),
	    TEST(a_life_that_cannot_be_meant_is_an_hour),
	    TEST(a_life_of_ages_is_believed),
	    TEST(a_sign_in_that_breaks_is_tried_again),
	    TEST(a_late_refusal_of_an_old_token_renews_nothing),
	    TEST(refusals_of_fresh_tokens_end_in_eacces),
	    TEST(no_account_never_signs_in),
	    TEST(a_probe_signs_in_and_asks_for_nothing_else),
	    TEST(a_probe_without_an_account_asks_whether_the_key_is_good),
	    TEST(a_probe_has_its_own_patience),
	    TEST(calls_at_the_gate_wait_for_a_renewal),
	    TEST(calls_behind_a_rate_limit_wait_for_a_renewal),
	    TEST(a_token_that_is_due_at_once_is_used),
	    TEST(who_waits_again_waits_for_the_next_token),
	    TEST(who_is_sent_away_while_others_wake_is_not_woken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
