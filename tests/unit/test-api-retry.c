#include "unit.h"

#include <errno.h>

#include "api-fixture.h"

/* ---- statuses and broken transfers ---- */

static void a_final_status_has_its_errno(void **state)
{
	(void)state;
	static const struct {
		int status, err;
	} cases[] = {{401, -EACCES}, {403, -EACCES}, {404, -ENOENT},
	    {410, -ENOENT}, {400, -EPROTO}, {409, -EPROTO}, {418, -EPROTO},
	    {301, -EPROTO}, {304, -EPROTO}};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		get("a", &outcomes[i]);
		fake_run(fake);
		ANSWER(only(), .status = cases[i].status,
		    .body = "{\"statusCode\":4,\"error\":\"CODE\","
			    "\"message\":\"words\"}");
		assert_outcome(&outcomes[i], cases[i].err, cases[i].status);
		assert_string_equal(outcomes[i].error.code, "CODE");
		assert_string_equal(outcomes[i].error.message, "words");
		assert_int_equal(fake_timer_count(fake), 0);
	}
}

static void failing_servers_are_tried_for_as_long_as_patience_lasts(
    void **state)
{
	(void)state;
	static const int statuses[] = {500, 502, 503, 504, 408};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		size_t before = fake_count(fake);
		get("a", &outcomes[i]);
		int64_t took = persist(&outcomes[i],
		    &(struct fake_answer){.status = statuses[i]}, 0);
		assert_outcome(&outcomes[i], -EIO, statuses[i]);
		assert_int_equal(took, RETRY_MS);
		size_t attempts = fake_count(fake) - before;
		assert_in_range(attempts, 7, 16);
	}
	assert_true(counters().retries > 30);
}

static void a_server_that_recovers_is_believed(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 500, .body = "{\"id\":\"a\"}");
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance(fake, 200);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}", .chunk = 1);
	assert_outcome(&outcomes[0], 0, 200);
	assert_buf(&outcomes[0].text, "{\"id\":\"a\"}");
	assert_int_equal(failures_count(failures), 0);
}

static void retry_after_of_a_failing_server_is_heeded(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 503, .retry_after_ms = 5000);
	fake_advance(fake, 4999);
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance(fake, 1);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

static void broken_transfers_are_tried_again_then_have_their_errno(void **state)
{
	(void)state;
	static const struct {
		int broken, err;
	} cases[] = {{-EPIPE, -EIO}, {-ECONNREFUSED, -ENETUNREACH},
	    {-EHOSTUNREACH, -ENETUNREACH}, {-ETIMEDOUT, -ETIMEDOUT}};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		get("a", &outcomes[i]);
		int64_t took = persist(&outcomes[i], NULL, cases[i].broken);
		assert_outcome(&outcomes[i], cases[i].err, 0);
		assert_int_equal(took, RETRY_MS);
	}
}

static void a_refused_certificate_is_final(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	assert_int_equal(persist(&outcomes[0], NULL, -EKEYREJECTED), 0);
	assert_outcome(&outcomes[0], -EKEYREJECTED, 0);
	get("a", &outcomes[1]);
	assert_int_equal(persist(&outcomes[1], NULL, -EPROTO), 0);
	assert_outcome(&outcomes[1], -EPROTO, 0);
}

static void a_rate_limit_holds_everything_and_outlasts_patience(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	fake_run(fake);
	get("b", &outcomes[1]);
	fake_run(fake);
	struct http_call *other = fake_find(fake, "GET /v1/data/posts/b");
	ANSWER(fake_find(fake, "GET /v1/data/posts/a"), .status = 429,
	    .retry_after_ms = RETRY_MS * 3);
	/* What is under way goes on. */
	ANSWER(other, .status = 200, .body = "{\"id\":\"b\"}");
	assert_outcome(&outcomes[1], 0, 200);
	get("c", &outcomes[2]);
	fake_advance(fake, RETRY_MS * 3 - 1);
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance(fake, 1);
	assert_int_equal(fake_open_count(fake), 2);
	ANSWER(fake_find(fake, "GET /v1/data/posts/c"), .status = 200,
	    .body = "{\"id\":\"c\"}");
	/* Limited again, though patience is over by far. */
	ANSWER(only(), .status = 429, .retry_after_ms = 3600 * 1000);
	fake_advance(fake, 3600 * 1000);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_int_equal(counters().limited, 2);
	assert_int_equal(failures_count(failures), 0);
}

static void a_rate_limit_lets_nobody_in_who_waited_for_a_place(void **state)
{
	(void)state;
	config.connections = 1;
	start_guest();
	get("a", &outcomes[0]);
	fake_run(fake);
	get("b", &outcomes[1]);
	fake_run(fake);
	ANSWER(only(), .status = 429, .retry_after_ms = 5000);
	fake_advance(fake, 4999);
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance(fake, 1);
	ANSWER(only_line("GET /v1/data/posts/b"), .status = 200,
	    .body = "{\"id\":\"b\"}");
	ANSWER(only_line("GET /v1/data/posts/a"), .status = 200,
	    .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
	assert_outcome(&outcomes[1], 0, 200);
}

static void a_rate_limit_that_names_no_time_waits_a_second(void **state)
{
	(void)state;
	start_guest();
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 429);
	fake_advance(fake, 999);
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance(fake, 1);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

/* So many are sent at once of many that are asked for. */
static size_t sent_at_once(void)
{
	for (int i = 0; i < 16; i++)
		get("a", &outcomes[i]);
	fake_run(fake);
	return fake_open_count(fake);
}

static void answer_all_well(void)
{
	while (fake_open_count(fake))
		ANSWER(fake_open(fake, 0), .status = 200,
		    .body = "{\"id\":\"a\"}");
	for (int i = 0; i < 16; i++)
		forget(&outcomes[i]);
}

static void a_server_in_trouble_is_asked_less_at_once_until_it_is_well(
    void **state)
{
	(void)state;
	static const int statuses[] = {429, 500, 503};
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		config.connections = 8;
		start_guest();
		assert_int_equal(sent_at_once(), 8);
		answer_all_well();
		get("a", &outcomes[0]);
		fake_run(fake);
		ANSWER(only(), .status = statuses[i], .retry_after_ms = 1000);
		fake_advance(fake, 1000);
		answer_all_well();
		assert_int_equal(sent_at_once(), 4);
		answer_all_well();
		sent_at_once();
		answer_all_well();
		assert_int_equal(sent_at_once(), 8);
		answer_all_well();
		api_free(api);
		api = NULL;
	}
}

static void a_limited_refresh_is_sent_again(void **state)
{
	(void)state;
	sign_in();
	fake_advance(fake, 3600 * 1000);
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only_line("POST /v1/auth/refresh"), .status = 429,
	    .retry_after_ms = 2000);
	fake_advance(fake, 2000);
	assert_string_equal(fake_body(only_line("POST /v1/auth/refresh")),
	    "{\"refreshToken\":\"refresh1\"}");
	answer_tokens_with(only(), "access2", "refresh2");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

static void a_quota_that_runs_low_is_noticed(void **state)
{
	(void)state;
	start_guest();
	assert_false(api_quota_is_low(api));
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}", .quota = true,
	    .quota_left = 3);
	assert_true(api_quota_is_low(api));
	assert_int_equal(counters().quota_left, 3);
	get("a", &outcomes[1]);
	fake_run(fake);
	/* An answer that does not tell changes nothing. */
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_true(api_quota_is_low(api));
	get("a", &outcomes[2]);
	fake_run(fake);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}", .quota = true,
	    .quota_left = 80);
	assert_false(api_quota_is_low(api));
}

/* ---- silence ---- */

static void the_setting_says_how_long_a_server_may_be_silent(void **state)
{
	(void)state;
	config.retry_ms = 600000;
	sign_in();
	assert_int_equal(fake_silence_ms(fake_call(fake, 0)), 300000);
	assert_int_equal(fake_silence_ms(fake_call(fake, 1)), 300000);
	static const struct http_sink sink = {0};
	struct storage_call *call = get_object(
	    "https://store.test/x", -1, -1, NULL, false, &sink, NULL);
	fake_run(fake);
	assert_int_equal(fake_silence_ms(only()), 300000);
	storage_cancel(call);
	fake_run(fake);
}

static void but_a_server_has_half_a_minute(void **state)
{
	(void)state;
	config.retry_ms = 1000;
	sign_in();
	assert_int_equal(fake_silence_ms(fake_call(fake, 1)), 30000);
}

static void a_start_waits_less(void **state)
{
	(void)state;
	config.retry_ms = 600000;
	start_api();
	api_probe(api, NULL, 4000, on_done, &outcomes[0]);
	fake_run(fake);
	assert_int_equal(fake_silence_ms(only()), 4000);
	answer_tokens_with(only(), "a1", "r1");
	assert_outcome(&outcomes[0], 0, 200);
	/* What is signed in for later has the usual time. */
	fake_advance(fake, 3600 * 1000);
	get("5f", &outcomes[1]);
	fake_run(fake);
	assert_int_equal(fake_silence_ms(only()), 300000);
	answer_tokens_with(only(), "a2", "r2");
	ANSWER(only(), .status = 200, .body = "{\"id\":\"5f\"}");
}

static void so_does_the_start_of_a_guest(void **state)
{
	(void)state;
	start_guest();
	api_probe(api, NULL, 4000, on_done, &outcomes[0]);
	fake_run(fake);
	assert_int_equal(fake_silence_ms(only()), 4000);
	ANSWER(only(), .status = 200, .body = "{}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_final_status_has_its_errno),
	    TEST(failing_servers_are_tried_for_as_long_as_patience_lasts),
	    TEST(a_server_that_recovers_is_believed),
	    TEST(retry_after_of_a_failing_server_is_heeded),
	    TEST(broken_transfers_are_tried_again_then_have_their_errno),
	    TEST(a_refused_certificate_is_final),
	    TEST(a_rate_limit_holds_everything_and_outlasts_patience),
	    TEST(a_rate_limit_lets_nobody_in_who_waited_for_a_place),
	    TEST(a_rate_limit_that_names_no_time_waits_a_second),
	    TEST(a_server_in_trouble_is_asked_less_at_once_until_it_is_well),
	    TEST(a_limited_refresh_is_sent_again),
	    TEST(a_quota_that_runs_low_is_noticed),
	    TEST(the_setting_says_how_long_a_server_may_be_silent),
	    TEST(but_a_server_has_half_a_minute),
	    TEST(a_start_waits_less),
	    TEST(so_does_the_start_of_a_guest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
