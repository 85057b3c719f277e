/* Versions of an object that carries no ETag: its date tells them apart. */
#include "stream-fixture.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "unit.h"

#define OLD "Tue, 15 Nov 1994 08:12:31 GMT"
#define NEW "Wed, 16 Nov 1994 08:12:31 GMT"
#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define OLD_MS INT64_C(784887151000)

/* A range of an object that was modified then, as told by a clock that shows
 * now_ms. */
static void serve_dated(
    struct http_call *call, const char *modified, int64_t ms, int64_t now_ms)
{
	struct fake_answer answer = partial(call, 3 * MIB, NULL);
	answer.modified = modified;
	answer.modified_ms = ms;
	answer.date_ms = now_ms;
	fake_answer(call, &answer);
	free((char *)answer.body);
}

static struct ask *begun(int64_t now_ms)
{
	int64_t node = stored_file("3145728");
	struct ask *read = ask_read(node, 0, 4096);
	give_url();
	serve_dated(request(GET_LINE), OLD, OLD_MS, now_ms);
	assert_bytes(read, 0, 4096);
	return ask_read(node, 2 * MIB, 4096);
}

static void another_date_is_eio(void **state)
{
	(void)state;
	int64_t now = OLD_MS + 10 * DAY_MS;
	struct ask *read = begun(now);
	assert_string_equal(fake_header(request(GET_LINE), "If-Range"), OLD);
	serve_dated(request(GET_LINE), NEW, OLD_MS + DAY_MS, now);
	serve_dated(asked_again(read), NEW, OLD_MS + DAY_MS, now);
	assert_ended(read, -EIO);
	assert_int_equal(name_changes, 1);
}

static void the_same_date_is_the_same_object(void **state)
{
	(void)state;
	int64_t now = OLD_MS + 10 * DAY_MS;
	struct ask *read = begun(now);
	serve_dated(request(GET_LINE), OLD, OLD_MS, now + 5000);
	assert_bytes(read, 2 * MIB, 4096);
}

/* A server may tell an ETag now and then, as long as the date is there. */
static void an_answer_must_have_the_date_that_an_earlier_one_had(void **state)
{
	(void)state;
	int64_t now = OLD_MS + 10 * DAY_MS;
	struct ask *read = begun(now);
	struct fake_answer answer = partial(request(GET_LINE), 3 * MIB, ETAG);
	answer.modified = OLD;
	answer.modified_ms = OLD_MS;
	fake_answer(request(GET_LINE), &answer);
	free((char *)answer.body);
	assert_bytes(read, 2 * MIB, 4096);
}

/* One without is of another version, also where it has something else. */
static void an_answer_without_the_earlier_ones_validator_is_another(
    void **state)
{
	static const char *const first[] = {NULL, ETAG, ETAG, ETAG};
	static const char *const then[] = {ETAG, NULL, "W/" ETAG, "\"two\""};
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		int64_t now = OLD_MS + 10 * DAY_MS, node;
		struct ask *read = first[i] ? read_begun(&node) : begun(now);
		serve_range(request(GET_LINE), 3 * MIB, then[i]);
		serve_range(asked_again(read), 3 * MIB, then[i]);
		assert_ended(read, -EIO);
		assert_int_equal(name_changes, 1);
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
}

/* A 206 without anything brings the bytes. */
static void stray_answers(const struct fake_answer *stray)
{
	if (stray->status == 206)
		serve_range(next_request(), 3 * MIB, NULL);
	else
		fake_answer(next_request(), stray);
}

/* What one answer says of it may be a proxy's, or a cache's that lost the
 * validator: what others said before, and say again, stands. */
static void one_answer_that_contradicts_is_an_accident(void **state)
{
	static const char page[] = "<html><body>Please log in</body></html>";
	const struct fake_answer strays[] = {
	    {.status = 200, .body = page, .length_told = true},
	    {.status = 200, .body = page},
	    {.status = 416, .nowhere = true, .range_total = 10},
	    {.status = 206},
	    {.status = 200,
		.body = "new",
		.length_told = true,
		.etag = "\"2\""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(strays); i++) {
		int64_t node;
		struct ask *read = read_begun(&node);
		stray_answers(&strays[i]);
		serve_range(asked_again(read), 3 * MIB, ETAG);
		assert_bytes(read, 2 * MIB, 4096);
		/* Nor do two of them count, where one between them agreed. */
		read = ask_read(node, MIB, 4096);
		stray_answers(&strays[i]);
		while (!read->count)
			serve_range(next_request(), 3 * MIB, ETAG);
		assert_bytes(read, MIB, 4096);
		assert_int_equal(name_changes, 0);
		assert_int_equal(fixture_teardown(state), 0);
		assert_int_equal(fixture_setup(state), 0);
	}
	fixture_start();
}

/* Nor is it over a remount. */
static void the_validator_outlasts_the_stream(void **state)
{
	(void)state;
	int64_t node;
	struct ask *read = read_begun(&node);
	serve_range(request(GET_LINE), 3 * MIB, ETAG);
	assert_bytes(read, 2 * MIB, 4096);
	fixture_stop();
	fixture_start();
	read = ask_read(node, 0, 4096);
	give_url();
	assert_string_equal(fake_header(request(GET_LINE), "If-Range"), ETAG);
	serve_range(request(GET_LINE), 3 * MIB, NULL);
	serve_range(asked_again(read), 3 * MIB, NULL);
	assert_ended(read, -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(another_date_is_eio),
	    TEST(the_same_date_is_the_same_object),
	    TEST(an_answer_must_have_the_date_that_an_earlier_one_had),
	    TEST(an_answer_without_the_earlier_ones_validator_is_another),
	    TEST(one_answer_that_contradicts_is_an_accident),
	    TEST(the_validator_outlasts_the_stream),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
