#include "unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/timestamp.h"
#include "random.h"

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

static void each_month_ends_when_it_does(void **state)
{
	(void)state;
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t before = INT64_C(1767139200000); /* 2025-12-31 */
	for (int month = 1; month <= 12; month++) {
		char text[32];
		int64_t ms = 0;
		snprintf(text, sizeof(text), "2026-%02d-%02d", month,
		    days[month - 1]);
		assert_parsed(
		    text, before + days[month - 1] * INT64_C(86400000));
		before += days[month - 1] * INT64_C(86400000);
		snprintf(text, sizeof(text), "2026-%02d-%02d", month,
		    days[month - 1] + 1);
		assert_int_equal(
		    timestamp_parse(text, strlen(text), &ms), -EINVAL);
	}
}

static void a_date_may_be_written_in_many_ways(void **state)
{
	(void)state;
	static const char *const same[] = {"2024-01-02T00:00:02Z",
	    "2024-01-02T00:00:02.000Z", "2024-01-02 00:00:02.000Z",
	    "2024-01-02t00:00:02z", "2024-01-02 00:00:02",
	    "2024-01-02T00:00:02", "2024-01-02 00:00:02+00",
	    "2024-01-02 00:00:02.000+00:00", "2024-01-02 00:00:02+0000",
	    "2024-01-02 00:00:02 +0000", "2024-01-02 00:00:02 UTC",
	    "2024-01-02 00:00:02.0 Z", "2024-01-02T00:00:02,0Z",
	    "2024-01-02T00:00:02GMT", "2024-01-01T20:30:02-03:30",
	    "2024-01-01T20:30:02-0330", "2024-01-02T09:00:02+09",
	    "2024-01-02T00:53:30+00:53:28", "2024-01-02T00:00:02.000Z[UTC]",
	    "2024-01-02T09:00:02+09:00[Asia/Seoul]", "20240102T000002Z",
	    "20240102T000002", "20240102T090002+0900", "20240102T000002.000Z",
	    "20240102000002", "20240102000002Z", "20240102 00:00:02",
	    "2024-01-01T20:30:02−03:30", "+002024-01-02T00:00:02Z",
	    "1704153602", "1704153602.0", "1704153602000", "1.704153602E9",
	    "1.704153602E12", "1704153602000000"};
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		assert_parsed(same[i], INT64_C(1704153602000));
}

/* By each of ISO 8601's three calendars, as date(1) has it. */
static void a_day_has_a_week_and_a_number(void **state)
{
	(void)state;
	static const char *const same[] = {"2024-01-02T03:04:05Z",
	    "2024-W01-2T03:04:05Z", "2024W012T030405Z", "2024-002T03:04:05Z",
	    "2024002T030405Z", "2024-W01-2 03:04:05", "2024-002 03:04:05",
	    "+002024-002T03:04:05Z"};
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		assert_parsed(same[i], INT64_C(1704164645000));
	assert_parsed("2024-366", INT64_C(1735603200000));
	assert_parsed("2020-W53-7", INT64_C(1609632000000)); /* 2021-01-03 */
	assert_parsed("2021-W01-1", INT64_C(1609718400000)); /* 2021-01-04 */
	assert_parsed("2026-W01-1", INT64_C(1766966400000)); /* 2025-12-29 */
	assert_parsed("1969-W01-1", INT64_C(-31708800000));  /* 1968-12-30 */
	static const char *const none[] = {"2023-366", "2024-367", "2024-000",
	    "2021-W53-1", "2020-W54-1", "2020-W00-1", "2020-W01-0",
	    "2020-W01-8", "2020-W01", "2020W01", "2020-W1-1", "2020-1-1",
	    "2020-0011", "2020-11", "2020-W011", "2020W01-1", "+002024002T00"};
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		int64_t ms;
		if (timestamp_parse(none[i], strlen(none[i]), &ms) != -EINVAL)
			fail_msg("taken: %s", none[i]);
	}
}

static void what_is_missing_at_the_end_is_zero(void **state)
{
	(void)state;
	static const char *const same[] = {"2024-01-02", "20240102",
	    "2024-01-02T00", "2024-01-02T00Z", "2024-01-02T00:00",
	    "2024-01-02 00:00Z", "2024-01-02T09:00+09:00", "20240102T0000",
	    "20240102T0000Z", "2024-01-01T24:00:00Z", "2024-01-01T24:00Z"};
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		assert_parsed(same[i], INT64_C(1704153600000));
}

/* As the service's clocks would count it. */
static void a_leap_second_is_the_next_one(void **state)
{
	(void)state;
	assert_parsed("2016-12-31T23:59:60Z", INT64_C(1483228800000));
	assert_parsed("2016-12-31T23:59:60.5Z", INT64_C(1483228800500));
	assert_parsed("2017-01-01T00:59:60+01:00", INT64_C(1483228800000));
}

static void years_that_four_digits_cannot_hold_have_a_sign(void **state)
{
	(void)state;
	assert_parsed("+010000-01-01T00:00:00Z", INT64_C(253402300800000));
	assert_parsed("-000001-12-31T23:59:59.999Z", INT64_C(-62167219200001));
	assert_parsed("0000-01-01", INT64_C(-62167219200000));
	assert_parsed("+275760-09-13T00:00:00Z", TIMESTAMP_MS_MAX);
	assert_parsed("-271821-04-20T00:00:00Z", -TIMESTAMP_MS_MAX);
	int64_t ms = 42;
	assert_int_equal(
	    timestamp_parse(TEXT("+275760-09-13T00:00:00.001Z"), &ms), -EINVAL);
	assert_int_equal(
	    timestamp_parse(TEXT("-271821-04-19T23:59:59.999Z"), &ms), -EINVAL);
	assert_int_equal(ms, 42);
}

static void assert_count(const char *text, int64_t expected)
{
	int64_t ms = -1;
	if (timestamp_parse_count(text, strlen(text), &ms) != 0)
		fail_msg("refused: %s", text);
	if (ms != expected)
		fail_msg("%s: %lld", text, (long long)ms);
}

static void a_numbers_magnitude_tells_its_unit(void **state)
{
	(void)state;
	assert_count("0", 0);
	assert_count("-0", 0);
	assert_count("0e99", 0);
	assert_count("1", 1000);
	assert_count("-1", -1000);
	assert_count("99999999999", INT64_C(99999999999000));
	assert_count("99999999999.9999", INT64_C(99999999999999));
	assert_count("100000000000", INT64_C(100000000000));
	assert_count("-99999999999", INT64_C(-99999999999000));
	assert_count("-100000000000", INT64_C(-100000000000));
	assert_count("99999999999999", INT64_C(99999999999999));
	assert_count("100000000000000", INT64_C(100000000000));
	assert_count("99999999999999999", INT64_C(99999999999999));
	/* A count of 8 or 14 digits is one where it is a number. */
	assert_count("20240102", INT64_C(20240102000));
	assert_count("20240102000002", INT64_C(20240102000002));
}

static void a_numbers_decimals_and_exponent_count(void **state)
{
	(void)state;
	assert_count("1704153602.123", INT64_C(1704153602123));
	assert_count("1704153602.1239", INT64_C(1704153602123));
	assert_count("1704153602.00000000000000000000000000000000000000000001",
	    INT64_C(1704153602000));
	assert_count("1704153602123.9", INT64_C(1704153602123));
	assert_count("0.0015e3", 1500);
	assert_count("0.001", 1);
	assert_count("1e-3", 1);
	assert_count("1E+1", 10000);
	assert_count("1704153602123000e-3", INT64_C(1704153602123));
	/* Towards the past, as decimals of a date are. */
	assert_count("-0.0001", -1);
	assert_count("-1.5", -1500);
	assert_count("-1.5001", -1501);
	assert_count("-1.5000", -1500);
	assert_parsed("1969-12-31T23:59:58.4999Z", -1501);
}

static void numbers_beyond_all_dates_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"100000000000000000", "1e17",
	    "1700000000000000000", "9223372036854775807",
	    "-9223372036854775808", "100000000000000000000", "1e20",
	    "9223372036854775808000", "-1e20", "1e400", "-1e400",
	    "1e99999999999999999999", "", "-", "+1", ".5", "1.", "1e", "1e+",
	    "1 ", " 1", "0x10", "NaN", "Infinity", "--1", "1.5.5", "1,5"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t ms = 42;
		if (timestamp_parse_count(bad[i], strlen(bad[i]), &ms) !=
		    -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(ms, 42);
	}
	assert_count("1e-99999999999999999999", 0);
}

static void milliseconds_are_that_whatever_their_magnitude(void **state)
{
	(void)state;
	int64_t ms;
	assert_int_equal(timestamp_parse_ms(TEXT("86400000"), &ms), 0);
	assert_int_equal(ms, 86400000);
	assert_int_equal(timestamp_parse_ms(TEXT("-1"), &ms), 0);
	assert_int_equal(ms, -1);
	assert_int_equal(timestamp_parse_ms(TEXT("1.704153602E12"), &ms), 0);
	assert_int_equal(ms, INT64_C(1704153602000));
	assert_int_equal(timestamp_parse_ms(TEXT("8640000000000000"), &ms), 0);
	assert_int_equal(ms, TIMESTAMP_MS_MAX);
	ms = 42;
	assert_int_equal(
	    timestamp_parse_ms(TEXT("8640000000000001"), &ms), -EINVAL);
	assert_int_equal(
	    timestamp_parse_ms(TEXT("-8640000000000001"), &ms), -EINVAL);
	assert_int_equal(
	    timestamp_parse_ms(TEXT("9223372036854775807"), &ms), -EINVAL);
	assert_int_equal(ms, 42);
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
	static const char *const bad[] = {"", "2026-04", "26-04-13",
	    "2026-04-13T", "2026-04-13T9:30", "2026-04-13  09:30:00Z",
	    "2026-04-13_09:30:00Z", "2026-04-1309:30:00Z",
	    "2026-04-13T09:30:00.Z", "2026-04-13T09:30:00,Z",
	    "2026-04-13T09:30:0Z", "2026-04-13T09:30:Z",
	    "2026-04-13T09:30:00.5.5Z", "2026-04-13T09:30:00Z ",
	    " 2026-04-13T09:30:00Z", "2026-04-13T09:30:00ZZ",
	    "2026-04-13T09:30:00+9", "2026-04-13T09:30:00+",
	    "2026-04-13T09:30:00+09:", "2026-04-13T09:30:00+24:00",
	    "2026-04-13T09:30:00+00:60", "2026-04-13T09:30:00+00:00:60",
	    "2026-04-13T09:30:00+00:00:00:00", "2026-04-13T09:30:00 CET",
	    "2026-04-13T09:30:00[Asia/Seoul]", "2026-04-13T09:30:00Z[UTC",
	    "2026-04-13T09:30:00Z[UTC]x", "2026-00-13T09:30:00Z",
	    "2026-13-13T09:30:00Z", "2026-04-00T09:30:00Z",
	    "2026-04-31T09:30:00Z", "2026-04-13T25:00:00Z",
	    "2026-04-13T24:00:01Z", "2026-04-13T24:01:00Z",
	    "2026-04-13T24:00:00.001Z", "2026-04-13T09:60:00Z",
	    "2026-04-13T09:30:61Z", "26-04-13T09:30:00Z",
	    "+026-04-13T09:30:00Z", "+2026-04-13T09:30:00Z",
	    "2026-4-13T09:30:00Z", "2026-04-13T-9:30:00Z",
	    "2026/04/13 09:30:00", "0000-00-00 00:00:00", "20261301",
	    "20260413246060", "20260413T0930001Z", "2026041309Z", "+00202604",
	    "infinity", "-infinity", "null", "yesterday"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t ms = 42;
		if (timestamp_parse(bad[i], strlen(bad[i]), &ms) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(ms, 42);
	}
}

/* A number of seconds, however much it looks like the start of a date. */
static void only_8_or_14_digits_alone_are_a_date(void **state)
{
	(void)state;
	assert_parsed("1712010203", INT64_C(1712010203000));
	assert_parsed("1712010203000", INT64_C(1712010203000));
	assert_parsed("-1712010203", INT64_C(-1712010203000));
	assert_parsed("2024", INT64_C(2024000));
	assert_parsed("202401020", INT64_C(202401020000));
	assert_parsed("-20240102", INT64_C(-20240102000));
}

static void text_ends_at_its_length(void **state)
{
	(void)state;
	static const char text[] = "2026-04-13T09:30:00.123Z";
	int64_t ms;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *copy = malloc(len ? len : 1); /* for the sanitizer */
		assert_non_null(copy);
		memcpy(copy, text, len);
		(void)timestamp_parse(copy, len, &ms);
		free(copy);
	}
	assert_int_equal(timestamp_parse("1970-01-01T00:00:00Z9", 20, &ms), 0);
	assert_int_equal(timestamp_parse("202604139", 8, &ms), 0);
	assert_true(ms == INT64_C(1776038400000));
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

static void a_year_has_four_digits_or_a_sign_and_six(void **state)
{
	(void)state;
	char out[TIMESTAMP_SIZE];
	assert_string_equal(timestamp_format(INT64_C(-62135596800000), out),
	    "0001-01-01T00:00:00.000Z");
	assert_string_equal(timestamp_format(INT64_C(-30610224000001), out),
	    "0999-12-31T23:59:59.999Z");
	assert_string_equal(timestamp_format(INT64_C(-62167219200000), out),
	    "0000-01-01T00:00:00.000Z");
	assert_string_equal(timestamp_format(INT64_C(-62167219200001), out),
	    "-000001-12-31T23:59:59.999Z");
	assert_string_equal(timestamp_format(INT64_C(253402300800000), out),
	    "+010000-01-01T00:00:00.000Z");
}

static void formatting_and_parsing_are_inverse(void **state)
{
	(void)state;
	static const int64_t ranges[][2] = {
	    {INT64_C(-70000000000000), INT64_C(123456789012)},
	    {INT64_C(-8639000000000000), INT64_C(9876543210123)},
	};
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		int64_t step = ranges[i][1];
		for (int64_t ms = ranges[i][0];
		     ms < -ranges[i][0] * 3 && ms <= TIMESTAMP_MS_MAX;
		     ms += step) {
			char out[TIMESTAMP_SIZE];
			timestamp_format(ms, out);
			assert_parsed(out, ms);
		}
	}
}

/* ---- any moment, written in any way ---- */

static const char *pick(
    uint64_t *random, const char *const choices[], size_t count)
{
	return choices[random_below(random, count)];
}

/* An offset of up to a day, as text that one of the forms gives it. */
static int write_offset(uint64_t *random, char *out, size_t room)
{
	static const char *const utc[] = {
	    "", "Z", "z", " UTC", "+00", "-00:00", " +0000", "Z[Etc/UTC]"};
	static const char *const forms[] = {"%c%02d:%02d", "%c%02d%02d",
	    " %c%02d:%02d", " %c%02d%02d", "%c%02d:%02d[Some/Where]"};
	if (random_below(random, 2)) {
		snprintf(out, room, "%s", pick(random, utc, ARRAY_SIZE(utc)));
		return 0;
	}
	int minutes = (int)random_below(random, 24 * 60);
	bool west = random_below(random, 2);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(out, room, pick(random, forms, ARRAY_SIZE(forms)),
	    west ? '-' : '+', minutes / 60, minutes % 60);
#pragma GCC diagnostic pop
	return (west ? -60 : 60) * minutes;
}

static void write_decimals(uint64_t *random, int ms, char *out, size_t room)
{
	static const char *const more[] = {"", "0", "000", "4567", "999999"};
	if (ms == 0 && random_below(random, 2))
		snprintf(out, room, "%s", "");
	else if (ms % 100 == 0 && random_below(random, 2))
		snprintf(out, room, ".%d", ms / 100);
	else
		snprintf(out, room, "%c%03d%s",
		    random_below(random, 2) ? '.' : ',', ms,
		    pick(random, more, ARRAY_SIZE(more)));
}

static void write_moment(uint64_t *random, int64_t ms, char *out, size_t room)
{
	static const char *const between[] = {"T", "t", " "};
	char offset[32], decimals[32];
	int east = write_offset(random, offset, sizeof(offset));
	int rest = (int)(((ms % 1000) + 1000) % 1000);
	write_decimals(random, rest, decimals, sizeof(decimals));
	time_t local = (time_t)((ms - rest) / 1000 + east);
	struct tm tm;
	assert_non_null(gmtime_r(&local, &tm));
	const char *dash = random_below(random, 2) ? "-" : "";
	const char *colon = random_below(random, 2) ? ":" : "";
	snprintf(out, room, "%04d%s%02d%s%02d%s%02d%s%02d%s%02d%s%s",
	    tm.tm_year + 1900, dash, tm.tm_mon + 1, dash, tm.tm_mday,
	    pick(random, between, ARRAY_SIZE(between)), tm.tm_hour, colon,
	    tm.tm_min, colon, tm.tm_sec, decimals, offset);
}

static void write_count(uint64_t *random, int64_t ms, char *out, size_t room)
{
	int64_t size = ms < 0 ? -ms : ms;
	const char *sign = ms < 0 ? "-" : "";
	bool seconds = size < INT64_C(100000000000) || random_below(random, 2);
	if (seconds)
		snprintf(out, room, "%s%" PRId64 ".%03" PRId64, sign,
		    size / 1000, size % 1000);
	else
		snprintf(out, room, "%s%" PRId64, sign, size);
}

/* Years 1 to 9998, so that no offset leaves four digits. */
static int64_t any_moment(uint64_t *random)
{
	int64_t seconds = (int64_t)random_below(random, 1u << 31) * 146 +
			  (int64_t)random_below(random, 146);
	int64_t ms = (seconds - INT64_C(62135000000)) * 1000;
	if (random_below(random, 4) == 0) /* of the ones that matter most */
		ms = (int64_t)random_below(random, 1u << 31) * 1000;
	return random_below(random, 3)
		   ? ms + (int64_t)random_below(random, 1000)
		   : ms;
}

static void any_moment_is_read_in_any_form(void **state)
{
	(void)state;
	uint64_t random = 20240102;
	for (int i = 0; i < 200000; i++) {
		int64_t ms = any_moment(&random), read = INT64_MIN;
		char text[128];
		bool counted = llabs(ms) < INT64_C(100000000000000) &&
			       random_below(&random, 4) == 0;
		(counted ? write_count : write_moment)(
		    &random, ms, text, sizeof(text));
		if ((counted ? timestamp_parse_count : timestamp_parse)(
			text, strlen(text), &read) != 0)
			fail_msg("refused: %s", text);
		if (read != ms)
			fail_msg("%s: %" PRId64 " instead of %" PRId64, text,
			    read, ms);
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
	    cmocka_unit_test(each_month_ends_when_it_does),
	    cmocka_unit_test(a_date_may_be_written_in_many_ways),
	    cmocka_unit_test(a_day_has_a_week_and_a_number),
	    cmocka_unit_test(what_is_missing_at_the_end_is_zero),
	    cmocka_unit_test(a_leap_second_is_the_next_one),
	    cmocka_unit_test(years_that_four_digits_cannot_hold_have_a_sign),
	    cmocka_unit_test(a_numbers_magnitude_tells_its_unit),
	    cmocka_unit_test(a_numbers_decimals_and_exponent_count),
	    cmocka_unit_test(numbers_beyond_all_dates_are_refused),
	    cmocka_unit_test(milliseconds_are_that_whatever_their_magnitude),
	    cmocka_unit_test(leap_years_follow_the_calendar),
	    cmocka_unit_test(anything_else_is_refused),
	    cmocka_unit_test(only_8_or_14_digits_alone_are_a_date),
	    cmocka_unit_test(text_ends_at_its_length),
	    cmocka_unit_test(times_are_formatted_as_the_service_does),
	    cmocka_unit_test(a_year_has_four_digits_or_a_sign_and_six),
	    cmocka_unit_test(any_moment_is_read_in_any_form),
	    cmocka_unit_test(formatting_and_parsing_are_inverse),
	    cmocka_unit_test(no_number_overflows_the_room),
	    cmocka_unit_test(the_steady_clock_goes_forward),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
