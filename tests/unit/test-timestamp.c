#include "unit.h"

#include <errno.h>

#include "base/timestamp.h"

static void assert_parsed(const char *text, int64_t expected)
{
	int64_t ms = -1;
	if (timestamp_parse(text, strlen(text), &ms) != 0)
		fail_msg("refused: %s", text);
	assert_true(ms == expected);
}

static void the_services_timestamps_are_parsed(void **state)
{
	(void)state;
	assert_parsed("1970-01-01T00:00:00.000Z", 0);
	assert_parsed("2026-04-13T09:30:00.123Z", INT64_C(1776072600123));
	assert_parsed("2000-02-29T23:59:59.999Z", INT64_C(951868799999));
	assert_parsed("1994-11-06T08:49:37Z", INT64_C(784111777000));
	assert_parsed("9999-12-31T23:59:59.999Z", INT64_C(253402300799999));
	assert_parsed("1969-12-31T23:59:59.999Z", -1);
	assert_parsed("0001-01-01T00:00:00Z", INT64_C(-62135596800000));
}

static void fractions_are_cut_to_milliseconds(void **state)
{
	(void)state;
	assert_parsed("1970-01-01T00:00:00.1Z", 100);
	assert_parsed("1970-01-01T00:00:00.12Z", 120);
	assert_parsed("1970-01-01T00:00:00.1239Z", 123);
	assert_parsed("1970-01-01T00:00:00.123999999999999999999Z", 123);
	assert_parsed("1970-01-01T00:00:00.0009Z", 0);
}

static void zones_are_applied(void **state)
{
	(void)state;
	assert_parsed("1970-01-01T09:00:00+09:00", 0);
	assert_parsed("1970-01-01T09:00:00+0900", 0);
	assert_parsed("1969-12-31T18:30:00-05:30", 0);
	assert_parsed("1970-01-01T00:00:00.5-00:00", 500);
}

static void leap_years_follow_the_calendar(void **state)
{
	(void)state;
	assert_parsed("2024-02-29T00:00:00Z", INT64_C(1709164800000));
	int64_t ms;
	assert_int_equal(
	    timestamp_parse(TEXT("2023-02-29T00:00:00Z"), &ms), -EINVAL);
	assert_int_equal(
	    timestamp_parse(TEXT("1900-02-29T00:00:00Z"), &ms), -EINVAL);
}

static void anything_else_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "2026", "2026-04-13",
	    "2026-04-13T09:30:00", "2026-04-13 09:30:00Z",
	    "2026-04-13t09:30:00z", "2026-04-13T09:30Z",
	    "2026-04-13T09:30:00.Z", "2026-04-13T09:30:00,5Z",
	    "2026-04-13T09:30:00Z ", " 2026-04-13T09:30:00Z",
	    "2026-04-13T09:30:00ZZ", "2026-04-13T09:30:00+9",
	    "2026-04-13T09:30:00+24:00", "2026-04-13T09:30:00+00:60",
	    "2026-00-13T09:30:00Z", "2026-13-13T09:30:00Z",
	    "2026-04-00T09:30:00Z", "2026-04-31T09:30:00Z",
	    "2026-04-13T24:00:00Z", "2026-04-13T09:60:00Z",
	    "2026-04-13T09:30:61Z", "26-04-13T09:30:00Z",
	    "+026-04-13T09:30:00Z", "2026-4-13T09:30:00Z",
	    "2026-04-13T-9:30:00Z", "1776072600123", "null"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t ms = 42;
		if (timestamp_parse(bad[i], strlen(bad[i]), &ms) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(ms, 42);
	}
}

static void text_ends_at_its_length(void **state)
{
	(void)state;
	static const char text[] = "2026-04-13T09:30:00.123Z";
	int64_t ms;
	for (size_t len = 0; len < sizeof(text) - 1; len++)
		assert_int_equal(timestamp_parse(text, len, &ms), -EINVAL);
	assert_int_equal(timestamp_parse("1970-01-01T00:00:00Z9", 20, &ms), 0);
}

static void times_are_formatted_as_the_service_does(void **state)
{
	(void)state;
	char out[TIMESTAMP_SIZE];
	assert_string_equal(
	    timestamp_format(0, out), "1970-01-01T00:00:00.000Z");
	assert_string_equal(timestamp_format(INT64_C(1776072600123), out),
	    "2026-04-13T09:30:00.123Z");
	assert_string_equal(
	    timestamp_format(-1, out), "1969-12-31T23:59:59.999Z");
}

static void formatting_and_parsing_are_inverse(void **state)
{
	(void)state;
	int64_t step = INT64_C(123456789012);
	for (int64_t ms = INT64_C(-30000000000000);
	     ms < INT64_C(250000000000000); ms += step) {
		char out[TIMESTAMP_SIZE];
		timestamp_format(ms, out);
		assert_parsed(out, ms);
	}
}

/* Whatever the number, the room is enough. */
static void no_number_overflows_the_room(void **state)
{
	(void)state;
	static const int64_t extremes[] = {INT64_MIN, INT64_MAX,
	    INT64_C(253402300800000), INT64_C(-99999999999999)};
	for (size_t i = 0; i < ARRAY_SIZE(extremes); i++) {
		char out[TIMESTAMP_SIZE];
		assert_true(strlen(timestamp_format(extremes[i], out)) <
			    TIMESTAMP_SIZE);
	}
}

static void the_steady_clock_goes_forward(void **state)
{
	(void)state;
	int64_t before = timestamp_mono_ms();
	assert_true(timestamp_mono_ms() >= before);
	assert_true(timestamp_now_ms() > INT64_C(1600000000000));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_services_timestamps_are_parsed),
	    cmocka_unit_test(fractions_are_cut_to_milliseconds),
	    cmocka_unit_test(zones_are_applied),
	    cmocka_unit_test(leap_years_follow_the_calendar),
	    cmocka_unit_test(anything_else_is_refused),
	    cmocka_unit_test(text_ends_at_its_length),
	    cmocka_unit_test(times_are_formatted_as_the_service_does),
	    cmocka_unit_test(formatting_and_parsing_are_inverse),
	    cmocka_unit_test(no_number_overflows_the_room),
	    cmocka_unit_test(the_steady_clock_goes_forward),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
