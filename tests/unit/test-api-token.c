#include "unit.h"

#include <stdio.h>

#include "api-fixture.h"
#include "api/api_parts.h"
#include "api/token.h"

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
	    TEST(a_token_is_renewed_ahead_of_its_end),
	    TEST(a_short_lived_token_is_used_for_most_of_its_life),
	    TEST(a_life_that_cannot_be_meant_is_an_hour),
	    TEST(a_life_of_ages_is_believed),
	    TEST(a_token_that_is_due_at_once_is_used),
	    TEST(who_waits_again_waits_for_the_next_token),
	    TEST(who_is_sent_away_while_others_wake_is_not_woken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
