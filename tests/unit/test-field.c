#include "unit.h"

#include "http/field.h"
#include "http/page.h"

#define DAY_MS (24 * 60 * 60 * 1000)

static void seconds_are_parsed(void **state)
{
	(void)state;
	assert_int_equal(field_retry_after("0", 0), 0);
	assert_int_equal(field_retry_after("1", 0), 1000);
	assert_int_equal(field_retry_after("120", 5000), 120000);
	assert_int_equal(field_retry_after(" 7\t", 0), 7000);
	assert_int_equal(field_retry_after("007", 0), 7000);
	assert_int_equal(field_retry_after("86400", 0), DAY_MS);
	assert_int_equal(field_retry_after("86401", 0), DAY_MS);
	assert_int_equal(
	    field_retry_after("99999999999999999999999999999999999", 0),
	    DAY_MS);
}

/* 784111777 seconds after the epoch, in the three forms of RFC 9110. */
static void dates_are_parsed(void **state)
{
	(void)state;
	static const char *const dates[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
	    "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
	    " Sun, 06 Nov 1994 08:49:37 GMT "};
	int64_t date_ms = INT64_C(784111777000);
	for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
		assert_int_equal(
		    field_retry_after(dates[i], date_ms - 90500), 90500);
		assert_int_equal(field_retry_after(dates[i], date_ms), 0);
		assert_int_equal(
		    field_retry_after(dates[i], date_ms + 1000), 0);
		assert_int_equal(field_retry_after(dates[i], 0), DAY_MS);
	}
}

static void other_values_are_not_taken(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " ", "-1", "+1", "1.5", "1s",
	    "1 2", "0x10", "soon", "Sun, 06 Nov 1994", "1994-11-06T08:49:37Z",
	    "Sun, 06 Nov 1994 08:49:37 GMT+1", "Sun, 06 Nov 1994 08:49:37 CET",
	    "Sun, 32 Nov 1994 08:49:37 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(field_retry_after(bad[i], 0), -1);
}

/* Each in memory of its own, so that a byte too many is found out. */
static bool begins_a_page(const char *text)
{
	size_t len = strlen(text);
	char *body = malloc(len ? len : 1);
	assert_non_null(body);
	memcpy(body, text, len);
	bool begins = page_begins(body, len);
	free(body);
	return begins;
}

static void a_page_is_known_by_its_beginning(void **state)
{
	(void)state;
	static const char *const pages[] = {"<html>", "<HTML lang=en>",
	    "<!doctype html>", "<!DOCTYPE HTML PUBLIC \"x\">", "<head>",
	    " \t\r\n\f<body >", "\xef\xbb\xbf<html>"};
	static const char *const others[] = {"", " ", "<", "<html", "<htmlx>",
	    "<!doctype xml>", "x<html>", "<?xml version=\"1.0\"?><html>",
	    "\xef\xbb\xbf", "<svg>", "{\"a\":\"<html>\"}"};
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		assert_true(begins_a_page(pages[i]));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(begins_a_page(others[i]));
	assert_false(page_begins("\0<html>", 7));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(seconds_are_parsed),
	    cmocka_unit_test(dates_are_parsed),
	    cmocka_unit_test(other_values_are_not_taken),
	    cmocka_unit_test(a_page_is_known_by_its_beginning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
