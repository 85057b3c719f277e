#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/retry.h"
#include "base/timestamp.h"
#include "stream-fixture.h"

/* ---- URLs ---- */

static void a_refused_url_is_renewed(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	ANSWER(request(GET_LINE "1"), .status = 403, .body = "<Error/>");
	give_url();
	assert_range(request(GET_LINE "2"), 0, RANGE_SMALL - 1);
	serve_range(request(GET_LINE "2"), 1000, ETAG);
	assert_bytes(read, 0, 1000);
	assert_int_equal(sent(), 4);
	assert_string_equal(errors_text(), "");
}

/* Stores differ in how they say that a URL is too old. */
static void a_url_is_renewed_whatever_it_is_refused_with(void **state)
{
	(void)state;
	static const int statuses[] = {400, 401, 404, 410};
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		int64_t node = stored_file("1000");
		struct ask *read = ask_read(node, 0, 1000);
		give_url();
		ANSWER(request(GET_LINE "1"), .status = statuses[i],
		    .body = "<Error/>");
		give_url();
		serve_range(request(GET_LINE "2"), 1000, ETAG);
		assert_bytes(read, 0, 1000);
		void *unused = NULL;
		assert_int_equal(fixture_teardown(&unused), 0);
		assert_int_equal(fixture_setup(&unused), 0);
	}
	fixture_start();
}

static void fresh_urls_that_are_refused_are_final(void **state)
{
	(void)state;
	static const struct {
		int status, err;
	} cases[] = {{403, -EACCES}, {401, -EACCES}, {404, -ENOENT}};
	int64_t node = stored_file("1000");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ask *read = ask_read(node, 0, 1000);
		while (!read->count) {
			assert_true(sent() < 8);
			if (fake_find(fake, URL_LINE))
				give_url();
			else
				ANSWER(request(GET_LINE),
				    .status = cases[i].status);
		}
		assert_ended(read, cases[i].err);
	}
	assert_non_null(
	    strstr(errors_text(), "the object store refuses a fresh URL"));
	assert_null(strstr(errors_text(), "sig="));
}

static void an_expired_url_is_not_sent(void **state)
{
	(void)state;
	char body[256], expires[TIMESTAMP_SIZE];
	int64_t node = stored_file("209715200");
	struct ask *read = ask_read(node, 0, 4096);
	snprintf(body, sizeof(body),
	    "{\"url\":\"" STORE "9\",\"expiresAt\":\"%s\"}",
	    timestamp_format(timestamp_now_ms() + 8000, expires));
	ANSWER(request(URL_LINE), .status = 200, .body = body);
	serve_range(request(GET_LINE "9"), 200 * MIB, ETAG);
	assert_bytes(read, 0, 4096);
	/* While it is valid, it serves further ranges. */
	fake_advance(fake, 1000);
	read = ask_read(node, 100 * MIB, 4096);
	serve_range(request(GET_LINE "9"), 200 * MIB, ETAG);
	assert_bytes(read, 100 * MIB, 4096);
	fake_advance(fake, 7000);
	sent();
	read = ask_read(node, 150 * MIB, 4096);
	assert_null(fake_find(fake, GET_LINE));
	give_url();
	serve_range(request(GET_LINE "1"), 200 * MIB, ETAG);
	assert_bytes(read, 150 * MIB, 4096);
	assert_int_equal(sent(), 2);
}

static void a_url_that_seems_expired_from_the_start_is_tried(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	ANSWER(request(URL_LINE), .status = 200,
	    .body = "{\"url\":\"" STORE "1\","
		    "\"expiresAt\":\"2001-01-01T00:00:00.000Z\"}");
	serve_range(request(GET_LINE), 1000, ETAG);
	assert_bytes(read, 0, 1000);
}

static void a_url_that_is_not_to_be_followed_is_eproto(void **state)
{
	(void)state;
	static const char *const urls[] = {"file:///etc/passwd",
	    "ftp://s.test/o?sig=1", "http://s.test/o?sig=1", "//s.test/o"};
	int64_t node = stored_file("1000");
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		char body[128];
		struct ask *read = ask_read(node, 0, 1000);
		snprintf(body, sizeof(body), "{\"url\":\"%s\"}", urls[i]);
		ANSWER(request(URL_LINE), .status = 200, .body = body);
		assert_ended(read, -EPROTO);
		assert_int_equal(fake_open_count(fake), 0);
	}
	assert_null(strstr(errors_text(), "sig="));
	assert_null(strstr(errors_text(), "passwd"));
}

static void what_the_service_refuses_is_told(void **state)
{
	(void)state;
	static const struct {
		int status, err;
	} cases[] = {{403, -EACCES}, {404, -ENOENT}, {400, -EPROTO}};
	int64_t node = stored_file("1000");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ask *read = ask_read(node, 0, 1000);
		struct ask *measure = ask_measure(node);
		ANSWER(request(URL_LINE), .status = cases[i].status,
		    .body = "{\"error\":{\"code\":\"refused\"}}");
		assert_ended(read, cases[i].err);
		assert_ended(measure, cases[i].err);
	}
}

/* ---- broken transfers ---- */

static void a_body_cut_short_goes_on_at_its_byte(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	struct fake_answer answer = partial(request(GET_LINE), 1000, ETAG);
	answer.len = 400;
	answer.err = -EPIPE;
	fake_answer(request(GET_LINE), &answer);
	free((char *)answer.body);
	assert_waits(read);
	assert_int_equal(fake_open_count(fake), 0);
	fake_advance(fake, 200);
	struct http_call *call = request(GET_LINE "1");
	assert_range(call, 400, 999);
	assert_string_equal(fake_header(call, "If-Range"), ETAG);
	serve_range(call, 1000, ETAG);
	assert_bytes(read, 0, 1000);
	assert_int_equal(sent(), 3);
}

static void a_range_that_ends_early_goes_on_at_once(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	char *data = bytes(0, 300);
	ANSWER(request(GET_LINE), .status = 206, .body = data, .len = 300,
	    .range = true, .range_start = 0, .range_end = 299,
	    .range_total = 1000, .etag = ETAG);
	free(data);
	assert_range(request(GET_LINE), 300, 999);
	serve_range(request(GET_LINE), 1000, ETAG);
	assert_bytes(read, 0, 1000);
}

/* Also where it promises more than it has, and says so in its length. */
static void a_range_that_is_shorter_than_it_says_goes_on_at_once(void **state)
{
	(void)state;
	struct ask *read = ask_read(stored_file("1000"), 0, 1000);
	give_url();
	struct fake_answer answer = partial(request(GET_LINE), 1000, ETAG);
	answer.len = 993;
	answer.length = 993;
	fake_answer(request(GET_LINE), &answer);
	free((char *)answer.body);
	assert_range(request(GET_LINE), 993, 999);
	serve_range(request(GET_LINE), 1000, ETAG);
	assert_bytes(read, 0, 1000);
}

static void a_range_that_brings_nothing_is_not_asked_for_at_full_speed(
    void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	sent();
	while (!read->count) {
		if (fake_open_count(fake))
			ANSWER(request(GET_LINE), .status = 206, .body = "",
			    .range = true, .range_start = 0, .range_end = 999,
			    .range_total = 1000, .etag = ETAG);
		else
			assert_true(fake_advance_to_timer(fake));
	}
	assert_ended(read, -EIO);
	assert_in_range(sent(), 2, 40);
	assert_int_equal(fake_now(fake) - FAKE_BEGIN_MS, RETRY_MS);
}

/* More of a body than the range that it says it has: read until it is over, by
 * so many requests at most. */
static void serve_longer(struct fake_answer *answer, struct ask *read)
{
	int64_t first, last;
	for (int i = 0; !read->count; i++) {
		struct http_call *call = next_request();
		assert_in_range(i, 0, RETRY_GARBLED_MAX);
		assert_true(range_of(call, &first, &last));
		answer->range_start = first;
		fake_answer(call, answer);
	}
	assert_ended(read, -EPROTO);
}

static void a_body_that_is_longer_than_its_range_is_eproto(void **state)
{
	static const struct {
		bool told;
		size_t len, chunk;
		int64_t last;
	} cases[] = {
	    {true, 1007, 0, 999}, /* by its own length */
	    {false, 1007, 0, 999},
	    {false, 1007, 1000, 999}, /* after all that was to come */
	    {false, 1007, 100, 999},  /* after most of it */
	    {false, 700, 0, 499},     /* of a part of what was asked for */
	    {false, 700, 500, 499},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ask *read = ask_read(stored_file("1000"), 0, 1000);
		char *data = bytes(0, 1100);
		struct fake_answer answer = {.status = 206,
		    .body = data,
		    .len = cases[i].len,
		    .chunk = cases[i].chunk,
		    .length_told = cases[i].told,
		    .length = (int64_t)cases[i].len,
		    .range = true,
		    .range_end = cases[i].last,
		    .range_total = 1000,
		    .etag = ETAG};
		serve_longer(&answer, read);
		free(data);
		assert_int_equal(fake_open_count(fake), 0);
		assert_non_null(
		    strstr(errors_text(), "is not what was asked for"));
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
}

/* It says so, and the bytes that were asked for come first. */
static void a_larger_range_than_was_asked_for_is_taken(void **state)
{
	(void)state;
	static const size_t chunks[] = {0, MIB, 100000, 1};
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		int64_t node = stored_file("4000000");
		struct ask *read = ask_read(node, 0, MIB);
		char *data = bytes(0, MIB + 5);
		give_url();
		assert_range(request(GET_LINE), 0, MIB - 1);
		ANSWER(request(GET_LINE), .status = 206, .body = data,
		    .len = MIB + 5, .chunk = chunks[i], .length_told = true,
		    .range = true, .range_end = MIB + 4, .range_total = 4000000,
		    .etag = ETAG);
		free(data);
		assert_bytes(read, 0, MIB);
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
}

/* Nothing of it is missing: what would be asked for? */
static void a_range_that_breaks_after_its_last_byte_is_whole(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	struct fake_answer answer = partial(request(GET_LINE), 1000, ETAG);
	answer.length_told = false;
	answer.err = -EPIPE;
	fake_answer(request(GET_LINE), &answer);
	free((char *)answer.body);
	assert_bytes(read, 0, 1000);
	assert_int_equal(fake_open_count(fake), 0);
	assert_int_equal(sent(), 2);
}

static void an_answer_of_nobody_is_asked_for_again(void **state)
{
	static const int statuses[] = {204, 302, 304, 421, 425};
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct ask *read = ask_read(stored_file("1000"), 0, 1000);
		ANSWER(next_request(), .status = statuses[i]);
		serve_range(asked_again(read), 1000, ETAG);
		assert_bytes(read, 0, 1000);
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
		read = ask_read(stored_file("1000"), 0, 1000);
		answer_to_the_end(
		    read, &(const struct fake_answer){.status = statuses[i]});
		assert_ended(read, -EPROTO);
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
}

static void a_failing_store_is_tried_again(void **state)
{
	(void)state;
	static const int statuses[] = {500, 502, 503, 504, 429, 408};
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		ANSWER(request(GET_LINE), .status = statuses[i],
		    .body = "<Error>try again</Error>");
		assert_waits(read);
		while (!fake_open_count(fake))
			assert_true(fake_advance_to_timer(fake));
	}
	serve_range(request(GET_LINE "1"), 1000, ETAG);
	assert_bytes(read, 0, 1000);
}

static void retry_after_of_a_store_is_heeded(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	ANSWER(
	    request(GET_LINE), .status = 429, .retry_after_ms = RETRY_MS * 2);
	fake_advance(fake, RETRY_MS * 2 - 1);
	assert_null(fake_find(fake, GET_LINE));
	fake_advance(fake, 1);
	serve_range(request(GET_LINE), 1000, ETAG);
	assert_bytes(read, 0, 1000);
}

/* Break, or answer with status, whatever is asked until the read is over. */
static int64_t persist(struct ask *read, int err, int status)
{
	int64_t begin = fake_now(fake);
	while (!read->count) {
		if (fake_find(fake, URL_LINE))
			give_url();
		else if (!fake_open_count(fake))
			assert_true(fake_advance_to_timer(fake));
		else if (err)
			fake_break(fake_open(fake, 0), err);
		else
			ANSWER(fake_open(fake, 0), .status = status);
	}
	return fake_now(fake) - begin;
}

static void a_store_that_keeps_failing_has_its_errno(void **state)
{
	(void)state;
	static const struct {
		int broken, status, err;
	} cases[] = {{0, 503, -EIO}, {-EPIPE, 0, -EIO},
	    {-ECONNREFUSED, 0, -ENETUNREACH}, {-EHOSTUNREACH, 0, -ENETUNREACH},
	    {-ETIMEDOUT, 0, -ETIMEDOUT}};
	int64_t node = stored_file("1000");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ask *read = ask_read(node, 0, 1000);
		int64_t took = persist(read, cases[i].broken, cases[i].status);
		assert_ended(read, cases[i].err);
		assert_in_range(took, RETRY_MS, RETRY_MS + 100);
	}
	assert_null(strstr(errors_text(), "sig="));
}

static void patience_is_counted_from_the_last_byte(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	give_url();
	/* A byte now and then is progress, however long it takes. */
	for (int i = 0; i < 100; i++) {
		struct fake_answer answer =
		    partial(request(GET_LINE), 1000, ETAG);
		answer.len = 10;
		answer.err = -EPIPE;
		fake_answer(request(GET_LINE), &answer);
		free((char *)answer.body);
		if (i == 99)
			break;
		fake_advance(fake, RETRY_MS / 2);
		assert_range(request(GET_LINE), (i + 1) * 10, 999);
	}
	/* Everything is there, though the last transfer broke as well. */
	while (!read->count)
		assert_true(fake_advance_to_timer(fake));
	assert_bytes(read, 0, 1000);
}

static void waiting_for_a_url_is_not_the_stores_fault(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	fake_advance(fake, 2 * RETRY_MS);
	give_url();
	ANSWER(request(GET_LINE), .status = 503);
	assert_waits(read);
	while (!fake_open_count(fake))
		assert_true(fake_advance_to_timer(fake));
	serve_range(request(GET_LINE), 1000, ETAG);
	assert_bytes(read, 0, 1000);
}

static void an_answer_that_was_not_asked_for_is_eproto(void **state)
{
	(void)state;
	char *data = bytes(0, 2000);
	const struct fake_answer answers[] = {
	    /* no Content-Range, or another one */
	    {.status = 206, .body = data, .len = 1000},
	    {.status = 206,
		.body = data,
		.len = 1000,
		.range = true,
		.range_start = 10,
		.range_end = 1009,
		.range_total = 2000},
	    {.status = 206,
		.body = data,
		.len = 1000,
		.range = true,
		.range_start = 0,
		.range_end = 999,
		.range_total = 500},
	    /* more bytes than that */
	    {.status = 206,
		.body = data,
		.len = 1001,
		.range = true,
		.range_start = 0,
		.range_end = 999,
		.range_total = 1000},
	};
	int64_t node = stored_file("1000");
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct ask *read = ask_read(node, 0, 1000);
		answer_to_the_end(read, &answers[i]);
		assert_ended(read, -EPROTO);
	}
	free(data);
}

static void a_measure_beside_a_read_that_fails_is_told_the_truth(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 100);
	struct ask *measure = ask_measure(node);
	serve_store(3000);
	assert_ended(read, -EIO);
	assert_ended(measure, 0);
	assert_int_equal(measure->op.node.size, 3000);
}

static void a_resumed_range_that_is_refused_is_no_short_read(void **state)
{
	(void)state;
	static const int64_t totals[] = {1000, 300, 400, 0};
	for (size_t i = 0; i < ARRAY_SIZE(totals); i++) {
		int64_t node = stored_file("1000");
		struct ask *read = ask_read(node, 0, 1000);
		give_url();
		struct fake_answer answer =
		    partial(request(GET_LINE), 1000, ETAG);
		answer.len = 400;
		answer.err = -EPIPE;
		fake_answer(request(GET_LINE), &answer);
		free((char *)answer.body);
		fake_advance(fake, 200);
		const struct fake_answer beyond = {
		    .status = 416, .nowhere = true, .range_total = totals[i]};
		answer_to_the_end(read, &beyond);
		assert_true(read->err == -EPROTO || read->err == -EIO);
		void *unused = NULL;
		assert_int_equal(fixture_teardown(&unused), 0);
		assert_int_equal(fixture_setup(&unused), 0);
	}
	fixture_start();
}

static void a_whole_body_that_begins_again_is_never_mixed(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	char *data = bytes(0, 1000), other[1000];
	struct ask *read = ask_read(node, 500, 100);
	give_url();
	ANSWER(request(GET_LINE), .status = 200, .body = data, .len = 550,
	    .err = -EPIPE, .etag = ETAG);
	fake_advance(fake, 200);
	memset(other, 'Z', sizeof(other));
	ANSWER(request(GET_LINE), .status = 200, .body = other, .len = 1000,
	    .etag = "\"two\"");
	ANSWER(asked_again(read), .status = 200, .body = other, .len = 1000,
	    .etag = "\"two\"");
	assert_ended(read, -EIO);
	free(data);
}

static void a_store_that_stops_heeding_ranges_is_followed(void **state)
{
	(void)state;
	int64_t node;
	struct ask *read = read_begun(&node);
	char *data = bytes(0, 3 * MIB);
	ANSWER(request(GET_LINE), .status = 200, .body = data,
	    .len = (size_t)(3 * MIB), .length_told = true, .etag = ETAG);
	assert_bytes(read, 2 * MIB, 4096);
	assert_int_equal(name_changes, 0);
	free(data);
}

static void a_refused_certificate_is_final(void **state)
{
	(void)state;
	int64_t node = stored_file("1000");
	struct ask *read = ask_read(node, 0, 1000);
	assert_int_equal(persist(read, -EKEYREJECTED, 0), 0);
	assert_ended(read, -EKEYREJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_refused_url_is_renewed),
	    TEST(a_url_is_renewed_whatever_it_is_refused_with),
	    TEST(fresh_urls_that_are_refused_are_final),
	    TEST(an_expired_url_is_not_sent),
	    TEST(a_url_that_seems_expired_from_the_start_is_tried),
	    TEST(a_url_that_is_not_to_be_followed_is_eproto),
	    TEST(what_the_service_refuses_is_told),
	    TEST(a_body_cut_short_goes_on_at_its_byte),
	    TEST(a_range_that_ends_early_goes_on_at_once),
	    TEST(a_range_that_is_shorter_than_it_says_goes_on_at_once),
	    TEST(a_range_that_brings_nothing_is_not_asked_for_at_full_speed),
	    TEST(a_body_that_is_longer_than_its_range_is_eproto),
	    TEST(a_larger_range_than_was_asked_for_is_taken),
	    TEST(a_range_that_breaks_after_its_last_byte_is_whole),
	    TEST(an_answer_of_nobody_is_asked_for_again),
	    TEST(a_failing_store_is_tried_again),
	    TEST(retry_after_of_a_store_is_heeded),
	    TEST(a_store_that_keeps_failing_has_its_errno),
	    TEST(patience_is_counted_from_the_last_byte),
	    TEST(waiting_for_a_url_is_not_the_stores_fault),
	    TEST(an_answer_that_was_not_asked_for_is_eproto),
	    TEST(a_measure_beside_a_read_that_fails_is_told_the_truth),
	    TEST(a_resumed_range_that_is_refused_is_no_short_read),
	    TEST(a_whole_body_that_begins_again_is_never_mixed),
	    TEST(a_store_that_stops_heeding_ranges_is_followed),
	    TEST(a_refused_certificate_is_final),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
