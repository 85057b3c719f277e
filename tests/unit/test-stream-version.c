/* Versions of an object that carries no ETag: its date tells them apart. */
#include "stream-fixture.h"

#include <errno.h>
#include <stdlib.h>

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

/* Some servers send the time of day. */
static void a_date_of_this_moment_means_nothing(void **state)
{
	(void)state;
	struct ask *read = begun(OLD_MS);
	assert_null(fake_header(request(GET_LINE), "If-Range"));
	serve_dated(request(GET_LINE), NEW, OLD_MS + DAY_MS, OLD_MS + DAY_MS);
	assert_bytes(read, 2 * MIB, 4096);
}

/* Nor does a server contradict itself that tells now this, now that. */
static void an_etag_and_a_date_are_not_compared(void **state)
{
	(void)state;
	struct ask *read = begun(OLD_MS + 10 * DAY_MS);
	serve_range(request(GET_LINE), 3 * MIB, ETAG);
	assert_bytes(read, 2 * MIB, 4096);
}

/* RFC 9110, 13.1.5: If-Range takes strong validators only. */
static void a_weak_etag_is_compared_but_not_sent(void **state)
{
	(void)state;
	int64_t node = stored_file("3145728");
	struct ask *read = ask_read(node, 0, 4096);
	give_url();
	serve_range(request(GET_LINE), 3 * MIB, "W/\"1\"");
	assert_bytes(read, 0, 4096);
	read = ask_read(node, 2 * MIB, 4096);
	assert_null(fake_header(request(GET_LINE), "If-Range"));
	serve_range(request(GET_LINE), 3 * MIB, "W/\"2\"");
	assert_ended(read, -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(another_date_is_eio),
	    TEST(the_same_date_is_the_same_object),
	    TEST(a_date_of_this_moment_means_nothing),
	    TEST(an_etag_and_a_date_are_not_compared),
	    TEST(a_weak_etag_is_compared_but_not_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
