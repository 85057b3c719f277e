/* Header lines of an answer. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/timestamp.h"
#include "http/head.h"
#include "unit.h"

#define DATE "Tue, 15 Nov 1994 08:12:31 GMT"
#define MINUTE_BEFORE "Tue, 15 Nov 1994 08:11:31 GMT"
#define LESS_BEFORE "Tue, 15 Nov 1994 08:11:32 GMT"

static struct http_head parsed(const char *const *lines)
{
	struct http_head head;
	http_head_reset(&head);
	for (; *lines; lines++) {
		char line[300];
		snprintf(line, sizeof(line), "%s\r\n", *lines);
		http_head_parse(&head, line);
	}
	return head;
}

#define PARSED(...) parsed((const char *const[]){__VA_ARGS__, NULL})

static void assert_validator(struct http_head head, const char *expected)
{
	assert_string_equal(http_head_validator(&head), expected);
}

static void nothing_is_said_of_what_no_line_says(void **state)
{
	(void)state;
	struct http_head head = PARSED("HTTP/1.1 200 OK", "no colon here");
	assert_int_equal(head.content_length, -1);
	assert_int_equal(head.range_start, -1);
	assert_int_equal(head.range_total, -1);
	assert_int_equal(head.retry_after_ms, -1);
	assert_int_equal(head.date_ms, -1);
	assert_int_equal(head.modified_ms, -1);
	assert_validator(head, "");
}

static void ranges_are_read(void **state)
{
	(void)state;
	struct http_head head = PARSED("content-range: bytes 5-9/40");
	assert_int_equal(head.range_start, 5);
	assert_int_equal(head.range_end, 9);
	assert_int_equal(head.range_total, 40);
	head = PARSED("Content-Range: bytes */40");
	assert_int_equal(head.range_start, -1);
	assert_int_equal(head.range_total, 40);
	head = PARSED("Content-Range: bytes 5-9/*");
	assert_int_equal(head.range_end, 9);
	assert_int_equal(head.range_total, -1);
	head = PARSED("Content-Range: bytes 9-5/40");
	assert_int_equal(head.range_start, -1);
}

/* Bytes are put where it says: what is not quite a range is none. */
static void a_range_with_something_else_in_it_is_none(void **state)
{
	(void)state;
	static const char *const lines[] = {"Content-Range: bytes 5-9x/40",
	    "Content-Range: bytes 5x-9/40", "Content-Range: bytes 5--9/40",
	    "Content-Range: bytes +5-9/40", "Content-Range: bytes 5-+9/40",
	    "Content-Range: bytes 5-9,20-29/40",
	    "Content-Range: bytes 5-99999999999999999999/40"};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct http_head head = PARSED(lines[i]);
		assert_int_equal(head.range_start, -1);
		assert_int_equal(head.range_end, -1);
	}
	struct http_head head = PARSED("Content-Range: bytes 5-9/40/50");
	assert_int_equal(head.range_total, -1);
	head = PARSED("Content-Range: bytes 5-9/40x");
	assert_int_equal(head.range_total, -1);
	head = PARSED("Content-Range: bytes 5-9/-40");
	assert_int_equal(head.range_total, -1);
	head = PARSED("Content-Range: bytes 5-9/40 ");
	assert_int_equal(head.range_total, 40);
	/* Of two, nothing is put together. */
	head =
	    PARSED("Content-Range: bytes 5-9/40", "Content-Range: bytes */50");
	assert_int_equal(head.range_start, -1);
	assert_int_equal(head.range_total, 50);
}

static void an_etag_is_a_validator(void **state)
{
	(void)state;
	assert_validator(PARSED("ETag: \"a\""), "\"a\"");
	assert_validator(PARSED("etag: \"a\"", "Last-Modified: " MINUTE_BEFORE,
			     "Date: " DATE),
	    "\"a\"");
	/* A weak one says nothing of the bytes. */
	assert_validator(PARSED("ETag: W/\"a\""), "");
	assert_validator(PARSED("ETag: W/\"a\"",
			     "Last-Modified: " MINUTE_BEFORE, "Date: " DATE),
	    MINUTE_BEFORE);
	char line[400] = "ETag: \"";
	memset(line + strlen(line), 'x', 200);
	assert_validator(PARSED(line), "");
}

/* RFC 9110, 8.8.2.2: a date alone may be too coarse to tell versions apart. */
static void a_date_is_a_validator_once_it_is_old(void **state)
{
	(void)state;
	assert_validator(PARSED("Last-Modified: " MINUTE_BEFORE, "Date: " DATE),
	    MINUTE_BEFORE);
	assert_validator(
	    PARSED("Date: " DATE, "Last-Modified: " LESS_BEFORE), "");
	assert_validator(PARSED("Last-Modified: " DATE, "Date: " DATE), "");
	assert_validator(PARSED("Last-Modified: " MINUTE_BEFORE), "");
	assert_validator(PARSED("Last-Modified: soon", "Date: " DATE), "");
}

#define TWO_MINUTES_AFTER "Tue, 15 Nov 1994 08:14:31 GMT"

/* Its server's clock is the one that the date was made by: ours is decades
 * ahead, and would not wait at all. */
static void a_date_to_retry_at_is_held_against_the_answers_own(void **state)
{
	(void)state;
	struct http_head head =
	    PARSED("Date: " DATE, "Retry-After: " TWO_MINUTES_AFTER);
	assert_int_equal(head.retry_after_ms, 120000);
	head = PARSED("retry-after: " TWO_MINUTES_AFTER, "date: " DATE);
	assert_int_equal(head.retry_after_ms, 120000);
	head = PARSED("Date: " TWO_MINUTES_AFTER, "Retry-After: " DATE);
	assert_int_equal(head.retry_after_ms, 0);
	head = PARSED("Retry-After: 7", "Date: " DATE);
	assert_int_equal(head.retry_after_ms, 7000);
	head = PARSED("Date: " DATE, "Retry-After: soon");
	assert_int_equal(head.retry_after_ms, -1);
}

/* Nothing else to go by. */
static void without_a_date_our_own_clock_tells_when_to_retry(void **state)
{
	(void)state;
	static const char *const dates[] = {"X-Date: none", "Date: soon"};
	char line[100];
	time_t then = time(NULL) + 120;
	struct tm tm;
	strftime(line, sizeof(line), "Retry-After: %a, %d %b %Y %T GMT",
	    gmtime_r(&then, &tm));
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		struct http_head head = PARSED(line, dates[i]);
		int64_t left_ms = (int64_t)then * 1000 - timestamp_now_ms();
		assert_true(head.retry_after_ms >= left_ms);
		assert_true(head.retry_after_ms <= 120000);
	}
}

static void a_location_is_told_without_what_may_be_secret(void **state)
{
	(void)state;
	static const struct {
		const char *line, *location;
	} cases[] = {
	    {"Location: https://s.test/o?X-Amz-Signature=1",
		"https://s.test/o"},
	    {"location:http://s.test#a@b", "http://s.test"},
	    {"Location: https://user:pass@s.test/o?a", "https://s.test/o"},
	    {"Location: https://s.test/@me?a@b", "https://s.test/@me"},
	    {"Location: /login?next=%2F", "/login"},
	    {"Location: https://u@s.test", "https://s.test"},
	    {"Location: https://u:p@ss@s.test/a", "https://s.test/a"},
	    {"Location: //u:pass@s.test/a", "//s.test/a"},
	    {"Location: ?a", ""},
	    {"Location: https://s.test?://u:p@x", "https://s.test"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_head head = PARSED(cases[i].line);
		assert_string_equal(head.location, cases[i].location);
	}
}

static void what_is_missing_is_told_however_it_is_said(void **state)
{
	(void)state;
	struct http_head head = PARSED("x-incomplete:  page 2 is missing ");
	char line[sizeof(head.incomplete) + 20];
	assert_string_equal(head.incomplete, "page 2 is missing ");
	head = PARSED("X-Incomplete:");
	assert_string_not_equal(head.incomplete, "");
	http_head_begin(&head);
	assert_string_equal(head.incomplete, "");
	/* Never a part: it might be one of a secret. */
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	memcpy(line, "X-Incomplete:", 13);
	http_head_parse(&head, line);
	assert_string_not_equal(head.incomplete, "");
	assert_null(strstr(head.incomplete, "xx"));
}

static void a_long_location_is_cut(void **state)
{
	(void)state;
	struct http_head head;
	char line[900];
	http_head_reset(&head);
	memset(line, 'x', sizeof(line));
	memcpy(line, "Location: https://u@", 20);
	line[sizeof(line) - 1] = '\0';
	http_head_parse(&head, line);
	assert_int_equal(strlen(head.location), sizeof(head.location) - 1);
	assert_memory_equal(head.location, "https://xxx", 11);
}

static void assert_matches(
    struct http_head head, const char *validator, bool expected)
{
	assert_int_equal(http_head_matches(&head, validator), expected);
}

static void an_answer_matches_what_it_has_itself(void **state)
{
	(void)state;
	assert_matches(PARSED("ETag: \"a\""), "\"a\"", true);
	assert_matches(PARSED("ETag: \"b\""), "\"a\"", false);
	assert_matches(PARSED("ETag: W/\"a\""), "\"a\"", false);
	assert_matches(PARSED("Date: " DATE), "\"a\"", false);
	assert_matches(PARSED("ETag: \"a\""), DATE, false);
	/* Neither quotes nor the word GMT tell a tag from a date. */
	assert_matches(PARSED("ETag: in-GMT"), "in-GMT", true);
	assert_matches(PARSED("Last-Modified: Tue Nov 15 08:12:31 1994"),
	    "Tue Nov 15 08:12:31 1994", true);
	assert_matches(PARSED("Last-Modified: Tue Nov 15 08:12:31 1994"),
	    "Tue Nov 15 08:12:32 1994", false);
	assert_matches(PARSED("ETag: \"a\""), "", false);
	assert_matches(
	    PARSED("ETag: \"a\"", "Last-Modified: " DATE), DATE, true);
	assert_matches(PARSED("Last-Modified: " LESS_BEFORE), DATE, false);
}

static struct http_head begun(void)
{
	struct http_head head;
	memset(&head, 0x55, sizeof(head));
	http_head_begin(&head);
	return head;
}

static bool unframed(const char *header)
{
	char line[100];
	struct http_head head = begun();
	snprintf(line, sizeof(line), "%s", header);
	http_head_parse(&head, line);
	return head.unframed;
}

/* Whatever the version: over HTTP/2 curl takes a stream that is reset without a
 * reason for one that has ended. */
static void a_body_without_a_length_is_unframed(void **state)
{
	(void)state;
	assert_true(unframed("ETag: \"a\""));
	assert_true(unframed("Content-Length: some"));
	assert_true(unframed("Transfer-Encoding: gzip"));
	assert_false(unframed("Content-Length: 0"));
	assert_false(unframed("transfer-encoding: Chunked"));
	assert_int_equal(begun().content_length, -1);
}

static void an_encoding_is_told(void **state)
{
	(void)state;
	assert_false(PARSED("ETag: \"a\"").encoded);
	assert_false(PARSED("Content-Encoding: identity").encoded);
	assert_true(PARSED("content-encoding: gzip").encoded);
}

/* For who needs a field that is not kept. */
static void name_and_value_are_handed_back(void **state)
{
	(void)state;
	struct http_head head;
	char line[] = "Mcp-Session-Id:  a b\r\n", none[] = "no field\r\n";
	http_head_reset(&head);
	assert_string_equal(http_head_parse(&head, line), "a b");
	assert_string_equal(line, "Mcp-Session-Id");
	assert_null(http_head_parse(&head, none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_said_of_what_no_line_says),
	    cmocka_unit_test(ranges_are_read),
	    cmocka_unit_test(a_range_with_something_else_in_it_is_none),
	    cmocka_unit_test(an_etag_is_a_validator),
	    cmocka_unit_test(a_date_is_a_validator_once_it_is_old),
	    cmocka_unit_test(
		a_date_to_retry_at_is_held_against_the_answers_own),
	    cmocka_unit_test(without_a_date_our_own_clock_tells_when_to_retry),
	    cmocka_unit_test(a_location_is_told_without_what_may_be_secret),
	    cmocka_unit_test(what_is_missing_is_told_however_it_is_said),
	    cmocka_unit_test(a_long_location_is_cut),
	    cmocka_unit_test(an_answer_matches_what_it_has_itself),
	    cmocka_unit_test(a_body_without_a_length_is_unframed),
	    cmocka_unit_test(an_encoding_is_told),
	    cmocka_unit_test(name_and_value_are_handed_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
