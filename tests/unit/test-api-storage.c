#include "unit.h"

#include <errno.h>

#include "api-fixture.h"

/* ---- objects ---- */

struct object_outcome {
	int count, err, status;
	struct buf body;
};

static int object_head(void *ctx, const struct http_head *head)
{
	((struct object_outcome *)ctx)->status = head->status;
	return 0;
}

static int object_body(void *ctx, const void *data, size_t len)
{
	return buf_add(&((struct object_outcome *)ctx)->body, data, len);
}

static void object_done(void *ctx, int err, const char *detail)
{
	struct object_outcome *outcome = ctx;
	(void)detail;
	outcome->count++;
	outcome->err = err;
}

static const struct http_sink object_sink = {
    object_head, object_body, object_done};

static void an_object_request_carries_no_credential(void **state)
{
	(void)state;
	struct object_outcome outcome = {0};
	buf_init(&outcome.body, 1024);
	sign_in();
	assert_non_null(get_object("https://s.test/o?sig=1", 5, 9, "\"tag\"",
	    false, &object_sink, &outcome));
	struct http_call *call = only_line("GET https://s.test/o?sig=1");
	assert_int_equal(fake_header_count(call), 3);
	assert_string_equal(fake_header(call, "Accept-Encoding"), "identity");
	assert_string_equal(fake_header(call, "Range"), "bytes=5-9");
	assert_string_equal(fake_header(call, "If-Range"), "\"tag\"");
	assert_true(fake_follows_redirects(call));
	ANSWER(call, .status = 206, .body = "56789", .chunk = 2);
	assert_int_equal(outcome.count, 1);
	assert_int_equal(outcome.err, 0);
	assert_int_equal(outcome.status, 206);
	assert_buf(&outcome.body, "56789");
	buf_done(&outcome.body);
	assert_int_equal(counters().objects, 1);
}

static void an_object_is_asked_for_in_ranges_or_whole(void **state)
{
	(void)state;
	static const struct {
		int64_t first, last;
		const char *range, *if_range;
	} cases[] = {{0, 0, "bytes=0-0", "\"t\""}, {7, -1, "bytes=7-", "\"t\""},
	    {-1, -1, NULL, NULL}};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct storage_call *call =
		    get_object("http://127.0.0.1:9/o", cases[i].first,
			cases[i].last, "\"t\"", false, &object_sink, NULL);
		assert_non_null(call);
		const char *range = fake_header(only(), "Range");
		const char *if_range = fake_header(only(), "If-Range");
		assert_true(!range == !cases[i].range);
		assert_true(!if_range == !cases[i].if_range);
		if (range)
			assert_string_equal(range, cases[i].range);
		if (if_range)
			assert_string_equal(if_range, cases[i].if_range);
		storage_cancel(call);
		assert_int_equal(fake_open_count(fake), 0);
	}
}

static void a_url_that_is_not_to_be_followed_is_refused(void **state)
{
	(void)state;
	static const char *const urls[] = {"file:///etc/passwd",
	    "ftp://s.test/o", "gopher://s.test/o", "javascript:alert(1)", "",
	    "/o", "s.test/o", "http://s.test/o", "HTTP://s.test/o",
	    "http://10.0.0.1/o", "http://127.0.0.1.evil.test/o",
	    "http://localhost.evil.test/o", "https://", "http:///o",
	    "dict://127.0.0.1/o", "http://127.0.0.1@evil.test/o"};
	start_guest();
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		errno = 0;
		assert_null(
		    get_object(urls[i], 0, 9, NULL, false, &object_sink, NULL));
		assert_int_equal(errno, EPROTO);
	}
	assert_int_equal(fake_count(fake), 0);
}

static void objects_and_the_api_have_gates_of_their_own(void **state)
{
	(void)state;
	struct storage_call *objects[6];
	config.connections = 2;
	start_guest();
	for (int i = 0; i < 6; i++)
		objects[i] = get_object(
		    "https://s.test/o", 0, 9, NULL, i < 4, &object_sink, NULL);
	assert_int_equal(fake_open_count(fake), 2);
	get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(fake_find(fake, "GET /v1/data/posts/a"), .status = 429,
	    .retry_after_ms = 100000);
	/* The API's limit is none of the store. */
	storage_cancel(objects[0]);
	storage_cancel(objects[1]);
	assert_int_equal(fake_open_count(fake), 2);
	for (int i = 2; i < 6; i++)
		storage_cancel(objects[i]);
	fake_advance(fake, 100000);
	ANSWER(only(), .status = 200, .body = "{\"id\":\"a\"}");
	assert_outcome(&outcomes[0], 0, 200);
}

/* ---- cancelling ---- */

static void assert_nothing_is_left(void)
{
	fake_run(fake);
	assert_int_equal(fake_open_count(fake), 0);
	assert_int_equal(fake_timer_count(fake), 0);
	for (size_t i = 0; i < 31; i++)
		assert_int_equal(outcomes[i].count, 0);
	/* The one place is free, and nobody waits for it or for a token. */
	struct api_call *next = get("next", &outcomes[30]);
	fake_run(fake);
	only_line("GET /v1/data/posts/next");
	api_cancel(next);
	fake_run(fake);
	assert_int_equal(fake_open_count(fake), 0);
	assert_int_equal(fake_timer_count(fake), 0);
}

static void a_call_can_be_cancelled_in_every_state(void **state)
{
	(void)state;
	config.connections = 1;
	sign_in();
	/* Before it began. */
	api_cancel(get("a", &outcomes[0]));
	assert_nothing_is_left();
	/* Under way, before and within the answer. */
	struct api_call *call = get("a", &outcomes[0]);
	fake_run(fake);
	struct http_call *sent = only();
	api_cancel(call);
	assert_true(fake_was_cancelled(sent));
	assert_nothing_is_left();
	call = list(&first_page, &outcomes[0]);
	fake_run(fake);
	fake_begin_answer(only(), &(struct fake_answer){.status = 200,
				      .body = "{\"items\":[{\"id\":1},{\"i"});
	api_cancel(call);
	assert_nothing_is_left();
	/* At the gate. */
	struct api_call *inside = get("a", &outcomes[0]);
	call = get("b", &outcomes[1]);
	fake_run(fake);
	api_cancel(call);
	api_cancel(inside);
	assert_nothing_is_left();
	/* In a pause. */
	call = get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 500);
	api_cancel(call);
	assert_nothing_is_left();
	/* Held by a rate limit: the hold stays, the call does not. */
	call = get("a", &outcomes[0]);
	fake_run(fake);
	ANSWER(only(), .status = 429, .retry_after_ms = 5000);
	api_cancel(call);
	fake_advance(fake, 5000);
	assert_nothing_is_left();
	api_cancel(NULL);
	storage_cancel(NULL);
}

static void one_who_leaves_while_a_token_is_fetched_spoils_nothing(void **state)
{
	(void)state;
	start_api();
	struct api_call *call = get("a", &outcomes[0]);
	get("b", &outcomes[1]);
	fake_run(fake);
	api_cancel(call);
	answer_tokens_with(
	    only_line("POST /v1/auth/email/signin"), "access1", "refresh1");
	ANSWER(only_line("GET /v1/data/posts/b"), .status = 200,
	    .body = "{\"id\":\"b\"}");
	assert_int_equal(outcomes[0].count, 0);
	assert_outcome(&outcomes[1], 0, 200);
}

static void a_cancelled_call_lets_the_next_in(void **state)
{
	(void)state;
	config.connections = 1;
	start_guest();
	struct api_call *call = get("a", &outcomes[0]);
	get("b", &outcomes[1]);
	fake_run(fake);
	only_line("GET /v1/data/posts/a");
	api_cancel(call);
	ANSWER(only_line("GET /v1/data/posts/b"), .status = 200,
	    .body = "{\"id\":\"b\"}");
	assert_outcome(&outcomes[1], 0, 200);
}

static void what_is_under_way_at_the_end_is_dropped_unheard(void **state)
{
	(void)state;
	config.connections = 2;
	start_api();
	for (int i = 0; i < 8; i++)
		get("a", &outcomes[i]);
	fake_run(fake);
	answer_tokens_with(only(), "access1", "refresh1");
	ANSWER(fake_open(fake, 0), .status = 500);
	ANSWER(fake_open(fake, 0), UNAUTHORIZED);
	for (int i = 0; i < 4; i++)
		assert_non_null(get_object(
		    "https://s.test/o", 0, 9, NULL, false, &object_sink, NULL));
	api_free(api);
	api = NULL;
	assert_int_equal(fake_open_count(fake), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(outcomes[i].count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_object_request_carries_no_credential),
	    TEST(an_object_is_asked_for_in_ranges_or_whole),
	    TEST(a_url_that_is_not_to_be_followed_is_refused),
	    TEST(objects_and_the_api_have_gates_of_their_own),
	    TEST(a_call_can_be_cancelled_in_every_state),
	    TEST(one_who_leaves_while_a_token_is_fetched_spoils_nothing),
	    TEST(a_cancelled_call_lets_the_next_in),
	    TEST(what_is_under_way_at_the_end_is_dropped_unheard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
