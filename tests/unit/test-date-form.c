/* In what form dates are written. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "api/date_form.h"
#include "base/timestamp.h"

static unsigned form_of(const char *token)
{
	return date_form_of((struct json_span){token, strlen(token)});
}

static void the_same_form_is_one(void **state)
{
	(void)state;
	static const char *const same[][2] = {
	    {"\"2024-01-02T03:04:05.678Z\"", "\"2025-01-02T03:04:05.000Z\""},
	    {"\"2024-01-02T03:04:05.678Z\"", "\"2024-01-02T03:04:05+00:00\""},
	    {"\"2024-01-02T03:04:05\"", "\"2024-01-02T03:04:05.123456z\""},
	    {"\"2024-01-02 03:04:05+09\"", "\"2024-01-02 03:04:05.1+09:00\""},
	    {"\"2024-01-02T03:04:05-0330\"", "\"2024-01-02T03:04:05-03:30\""},
	    {"\"2024-01-02\"", "\"2023-01-02\""},
	    {"1700000000", "1700000000.5"},
	    {"1700000000000", "1700000000001"},
	    {"{\"$date\":\"2024-01-02T03:04:05Z\"}", "{\"$date\":1}"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		assert_int_not_equal(
		    date_form_add(form_of(same[i][0]), form_of(same[i][1])),
		    DATE_FORM_MIXED);
}

static void another_form_is_mixed(void **state)
{
	(void)state;
	static const char *const others[] = {"\"2024-01-02T03:04:05.678Z\"",
	    "\"2024-01-02 03:04:05.678Z\"", "\"2024-01-02t03:04:05.678z\"",
	    "\"2024-01-02T03:04:05+09:00\"", "\"2024-01-02T03:04:05-09:00\"",
	    "\"2024-01-02\"", "1700000000", "1700000000000", "1700000000000000",
	    "{\"$date\":1}", "\"20240102T030405Z\"",
	    "\"+012024-01-02T03:04:05Z\""};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		for (size_t j = 0; j < i; j++)
			assert_int_equal(date_form_add(form_of(others[i]),
					     form_of(others[j])),
			    DATE_FORM_MIXED);
		assert_int_equal(
		    date_form_add(DATE_FORM_NONE, form_of(others[i])),
		    form_of(others[i]));
		assert_true(form_of(others[i]) < 1U << DATE_FORM_BITS);
	}
}

/* Whatever is of the time or later is not less than the bound, as a text. */
static void no_later_date_is_less_than_its_bound(void **state)
{
	(void)state;
	static const char *const dates[] = {"\"2024-01-02T03:04:05.678Z\"",
	    "\"2024-01-02T03:04:05Z\"", "\"2024-01-02 03:04:05\"",
	    "\"2024-01-02T03:04:05.678901+00:00\"",
	    "\"2024-01-01T23:34:05-03:30\"", "\"2024-01-02 12:04:05+09\"",
	    "\"2024-01-02t03:04:05z\"", "\"2024-01-02\"",
	    "\"1950-01-02 03:04:05.1\""};
	for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
		size_t len = strlen(dates[i]);
		unsigned form = form_of(dates[i]);
		struct buf out;
		int64_t ms, bound;
		buf_init(&out, 64);
		assert_int_not_equal(form, DATE_FORM_MIXED);
		assert_int_equal(
		    timestamp_parse(dates[i] + 1, len - 2, &ms), 0);
		int64_t floor = date_form_floor(form, ms);
		assert_int_equal(date_form_write(form, floor, &out), 0);
		assert_true(strcmp(buf_str(&out), dates[i]) <= 0);
		assert_int_equal(
		    timestamp_parse(buf_str(&out) + 1, out.len - 2, &bound), 0);
		assert_true(bound == floor && floor <= ms);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_same_form_is_one),
	    cmocka_unit_test(another_form_is_mixed),
	    cmocka_unit_test(no_later_date_is_less_than_its_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
