/* In what form dates are written. */
#include "unit.h"

#include <stdio.h>
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

static void a_number_s_unit_is_told_by_its_digits(void **state)
{
	(void)state;
	assert_int_equal(form_of("5"), DATE_FORM_SECONDS);
	assert_int_equal(form_of("-5"), DATE_FORM_SECONDS);
	assert_int_equal(form_of("17000000000"), DATE_FORM_SECONDS);
	assert_int_equal(form_of("-17000000000"), DATE_FORM_SECONDS);
	assert_int_equal(form_of("17000000000.123"), DATE_FORM_SECONDS);
	assert_int_equal(form_of("170000000000"), DATE_FORM_MILLISECONDS);
	assert_int_equal(form_of("-170000000000"), DATE_FORM_MILLISECONDS);
	assert_int_equal(form_of("17000000000000"), DATE_FORM_MILLISECONDS);
	assert_int_equal(form_of("170000000000000"), DATE_FORM_MICROSECONDS);
	assert_int_equal(form_of("1e9"), DATE_FORM_MIXED);
	assert_int_equal(form_of("-1E9"), DATE_FORM_MIXED);
}

static void what_is_no_date_is_of_no_form(void **state)
{
	(void)state;
	static const char *const texts[] = {"\"\"", "\"2024-01-0\"",
	    "\"2024-01-0x\"", "\"2024-01-02T\"", "\"2024-01-02T03:04\"",
	    "\"2024-01-02T03:04:0\"", "\"2024-01-02T03:04:0x\"",
	    "\"2024-01-02T03:04:0/\"", "\"2024-01-02T03:04:0:\"",
	    "\"2024-01-02X03:04:05Z\"", "\"2024-01-02T03:04:05X\"",
	    "\"2024-01-02T03:04:05ZZ\"", "\"2024-01-02T03:04:05.678ZZ\"",
	    "\"2024-01-02T03:04:05+\"", "\"2024-01-02T03:04:05+9\"",
	    "\"2024-01-02T03:04:05+0a\"", "\"2024-01-02T03:04:05 09\"",
	    "\"2024-01-02T03:04:05+090\"", "\"2024-01-02T03:04:05+09:0\"",
	    "\"2024-01-02T03:04:05+09:000\"", "\"2024-01-02T03:04:05+09.00\"",
	    "\"2024-01-02T03:04:05+0907\"", "\"2024-01-02T03:04:05+09:07\"",
	    "\"2024-01-02T03:04:05+16:00\"", "\"2024-01-02T03:04:05-16\""};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(form_of(texts[i]), DATE_FORM_MIXED);
	assert_true(form_of("\"2024-01-02T03:04:05+15:45\"") > DATE_FORM_TEXTS);
	assert_true(form_of("\"2024-01-02T03:04:05-15:45\"") > DATE_FORM_TEXTS);
}

/* Only then are texts of one second in the order of their times. */
static void milliseconds_and_z_are_exact(void **state)
{
	(void)state;
	static const char *const vague[] = {"\"2024-01-02\"",
	    "\"2024-01-02T03:04:05Z\"", "\"2024-01-02T03:04:05.Z\"",
	    "\"2024-01-02T03:04:05.12Z\"", "\"2024-01-02T03:04:05.1234Z\"",
	    "\"2024-01-02T03:04:05.123z\"", "\"2024-01-02T03:04:05.123\"",
	    "\"2024-01-02T03:04:05.123+00\""};
	unsigned exact = form_of("\"2024-01-02T03:04:05.678Z\"");
	assert_false(date_form_is_vague(exact));
	assert_false(
	    date_form_is_vague(form_of("\"2024-01-02 03:04:05.678Z\"")));
	assert_int_equal(date_form_add(exact, exact), exact);
	for (size_t i = 0; i < ARRAY_SIZE(vague); i++) {
		unsigned form = form_of(vague[i]);
		assert_true(date_form_is_vague(form));
		assert_int_equal(date_form_add(form, form), form);
		/* One that is vague makes all so, and nothing else. */
		if (i > 0) {
			assert_int_equal(date_form_add(exact, form), form);
			assert_int_equal(date_form_add(form, exact), form);
		}
	}
	assert_false(date_form_is_vague(DATE_FORM_NONE));
	assert_false(date_form_is_vague(DATE_FORM_MIXED));
	assert_false(date_form_is_vague(DATE_FORM_OBJECT));
	unsigned east = form_of("\"2024-01-02 03:04:05+09\"");
	assert_int_equal(
	    date_form_add(east, form_of("\"2024-01-02 03:04:05.5+0900\"")),
	    east);
}

static void only_texts_can_be_asked_for(void **state)
{
	(void)state;
	assert_false(date_form_is_opaque(DATE_FORM_NONE));
	assert_true(date_form_is_opaque(DATE_FORM_MIXED));
	assert_true(date_form_is_opaque(DATE_FORM_SECONDS));
	assert_true(date_form_is_opaque(DATE_FORM_MILLISECONDS));
	assert_true(date_form_is_opaque(DATE_FORM_MICROSECONDS));
	assert_true(date_form_is_opaque(DATE_FORM_OBJECT));
	assert_false(date_form_is_opaque(DATE_FORM_DAY));
	assert_false(date_form_is_opaque(DATE_FORM_TEXTS));
}

static void a_floor_is_the_unit_before(void **state)
{
	(void)state;
	static const int64_t day = 24 * 60 * 60 * INT64_C(1000);
	unsigned exact = form_of("\"2024-01-02T03:04:05.678Z\"");
	unsigned vague = form_of("\"2024-01-02T03:04:05Z\"");
	const struct {
		unsigned form;
		int64_t ms, floor;
	} cases[] = {{exact, 1999, 1999}, {DATE_FORM_NONE, -1, -1},
	    {DATE_FORM_SECONDS, 1999, 1999}, {vague, 2000, 1000},
	    {vague, 1999, 0}, {vague, 1000, 0}, {vague, 0, -1000},
	    {vague, -1, -2000}, {DATE_FORM_DAY, 0, 0},
	    {DATE_FORM_DAY, day - 1, 0}, {DATE_FORM_DAY, day, day},
	    {DATE_FORM_DAY, -1, -day}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(date_form_floor(cases[i].form, cases[i].ms),
		    cases[i].floor);
}

static void assert_written(unsigned form, int64_t ms, const char *text)
{
	struct buf out;
	buf_init(&out, 64);
	assert_int_equal(date_form_write(form, ms, &out), 0);
	assert_string_equal(buf_str(&out), text);
	buf_done(&out);
}

static void a_time_is_written_as_the_others_are(void **state)
{
	(void)state;
	static const char service[] = "\"1970-01-01T00:00:00.000Z\"";
	assert_written(DATE_FORM_NONE, 0, service);
	assert_written(DATE_FORM_MIXED, 0, service);
	assert_written(DATE_FORM_OBJECT, 0, service);
	assert_written(DATE_FORM_DAY, 0, "\"1970-01-01\"");
	assert_written(form_of("\"2024-01-02T03:04:05Z\""), 0, service);
	assert_written(form_of("\"2024-01-02 03:04:05\""), 0,
	    "\"1970-01-01 00:00:00.000Z\"");
	assert_written(form_of("\"2024-01-02t03:04:05+09\""), 0,
	    "\"1970-01-01t09:00:00+09:00\"");
	assert_written(form_of("\"2024-01-02T03:04:05-0330\""), 0,
	    "\"1969-12-31T20:30:00-03:30\"");
	assert_written(form_of("\"2024-01-02T03:04:05+00:15\""), 1000,
	    "\"1970-01-01T00:15:01+00:15\"");
	/* The year 10000 has five digits, and so no such form. */
	int64_t late = INT64_C(253402300800000);
	char text[TIMESTAMP_SIZE], quoted[TIMESTAMP_SIZE + 2];
	snprintf(
	    quoted, sizeof(quoted), "\"%s\"", timestamp_format(late, text));
	assert_written(form_of("\"2024-01-02 03:04:05+09\""), late, quoted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_same_form_is_one),
	    cmocka_unit_test(another_form_is_mixed),
	    cmocka_unit_test(no_later_date_is_less_than_its_bound),
	    cmocka_unit_test(a_number_s_unit_is_told_by_its_digits),
	    cmocka_unit_test(what_is_no_date_is_of_no_form),
	    cmocka_unit_test(milliseconds_and_z_are_exact),
	    cmocka_unit_test(only_texts_can_be_asked_for),
	    cmocka_unit_test(a_floor_is_the_unit_before),
	    cmocka_unit_test(a_time_is_written_as_the_others_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
