#include "base/timestamp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_MS INT64_C(86400000)

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t timestamp_now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t timestamp_mono_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year =
	    (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 -
			     year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return days[month - 1] + (month == 2 && is_leap(year));
}

/* The Monday of a year's first week, which has its 4th of January. */
static int64_t first_monday(int64_t year)
{
	int64_t fourth = days_from_civil(year, 1, 4);
	/* 1970-01-01 was a Thursday. */
	int64_t weekday = ((fourth + 3) % 7 + 7) % 7;
	return fourth - weekday;
}

/* What is left to read. */
struct scan {
	const char *at;
	const char *end;
};

static bool take(struct scan *scan, const char *literal)
{
	size_t len = strlen(literal);
	if ((size_t)(scan->end - scan->at) < len ||
	    memcmp(scan->at, literal, len) != 0)
		return false;
	scan->at += len;
	return true;
}

static bool at_digit(const struct scan *scan)
{
	return scan->at != scan->end && *scan->at >= '0' && *scan->at <= '9';
}

/* Exactly count digits. */
static bool take_digits(struct scan *scan, int count, int *ret)
{
	int value = 0;
	for (int i = 0; i < count; i++) {
		if (!at_digit(scan))
			return false;
		value = value * 10 + (*scan->at++ - '0');
	}
	*ret = value;
	return true;
}

/* +1, -1, or 0 where there is no sign. ISO 8601's minus is U+2212. */
static int take_sign(struct scan *scan)
{
	if (take(scan, "+"))
		return 1;
	return take(scan, "-") || take(scan, "\xe2\x88\x92") ? -1 : 0;
}

/* MM-DD or MMDD */
static bool take_month(
    struct scan *scan, bool extended, int year, int64_t *ret_days)
{
	int month, day;
	if (!take_digits(scan, 2, &month) || (extended && !take(scan, "-")) ||
	    !take_digits(scan, 2, &day) || month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month))
		return false;
	*ret_days = days_from_civil(year, month, day);
	return true;
}

/* WW-D or WWD, behind the W. */
static bool take_week(
    struct scan *scan, bool extended, int year, int64_t *ret_days)
{
	int week, day;
	if (!take_digits(scan, 2, &week) || (extended && !take(scan, "-")) ||
	    !take_digits(scan, 1, &day) || week < 1 || day < 1 || day > 7)
		return false;
	*ret_days = first_monday(year) + (week - 1) * 7;
	if (*ret_days >= first_monday(year + 1))
		return false;
	*ret_days += day - 1;
	return true;
}

/* DDD, a day of the year. */
static bool take_ordinal(struct scan *scan, int year, int64_t *ret_days)
{
	int day;
	if (!take_digits(scan, 3, &day) || day < 1 || day > 365 + is_leap(year))
		return false;
	*ret_days = days_from_civil(year, 1, day);
	return true;
}

static size_t count_digits(const char *text, size_t len)
{
	struct scan scan = {text, text + len};
	while (at_digit(&scan))
		scan.at++;
	return (size_t)(scan.at - text);
}

/* A day of a month, a week or a year: YYYY-MM-DD, YYYY-Www-D, YYYY-DDD, each
 * also without the hyphens, unless that would be a number as well. */
static bool take_date(struct scan *scan, int64_t *ret_days)
{
	int sign = take_sign(scan), year;
	if (!take_digits(scan, sign ? 6 : 4, &year))
		return false;
	if (sign < 0)
		year = -year;
	bool extended = take(scan, "-");
	if (take(scan, "W"))
		return take_week(scan, extended, year, ret_days);
	size_t left = (size_t)(scan->end - scan->at);
	size_t digits = count_digits(scan->at, left);
	if (sign && !extended)
		return false;
	if (digits == 3 && (extended || left > digits))
		return take_ordinal(scan, year, ret_days);
	return take_month(scan, extended, year, ret_days);
}

/* Decimals, cut to milliseconds. */
static bool take_fraction(struct scan *scan, int *ret_ms)
{
	int ms = 0, scale = 100;
	if (take(scan, ".") || take(scan, ",")) {
		if (!at_digit(scan))
			return false;
		for (; at_digit(scan); scan->at++) {
			ms += (*scan->at - '0') * scale;
			scale /= 10;
		}
	}
	*ret_ms = ms;
	return true;
}

/* Two digits that a colon may part from those before; *ret stays where there
 * are none. */
static bool take_next(struct scan *scan, int *ret)
{
	return take(scan, ":") || at_digit(scan) ? take_digits(scan, 2, ret)
						 : true;
}

/* HH:MM:SS and decimals; with or without colons, the end may be missing. */
static bool take_time(struct scan *scan, int64_t *ret_ms)
{
	int hour, minute = 0, second = 0, ms = 0;
	if (!take_digits(scan, 2, &hour) || !take_next(scan, &minute) ||
	    !take_next(scan, &second) || !take_fraction(scan, &ms))
		return false;
	/* 24:00 is the day's end, and 60 a leap second. */
	if (hour > 24 || (hour == 24 && (minute || second || ms)) ||
	    minute > 59 || second > 60)
		return false;
	*ret_ms = ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + ms;
	return true;
}

/* A region's name, as Java writes after the offset (RFC 9557): [Asia/Seoul] */
static bool take_region(struct scan *scan)
{
	if (!take(scan, "["))
		return true;
	const char *close =
	    memchr(scan->at, ']', (size_t)(scan->end - scan->at));
	if (!close)
		return false;
	scan->at = close + 1;
	return true;
}

/* Z, UTC, an offset of hours, minutes and seconds; nothing at all is UTC. */
static bool take_zone(struct scan *scan, int64_t *ret_ms)
{
	int hours = 0, minutes = 0, seconds = 0, sign = 0;
	if (scan->at == scan->end) {
		*ret_ms = 0;
		return true;
	}
	take(scan, " ");
	if (!take(scan, "Z") && !take(scan, "z") && !take(scan, "UTC") &&
	    !take(scan, "GMT")) {
		sign = take_sign(scan);
		if (!sign || !take_digits(scan, 2, &hours) ||
		    !take_next(scan, &minutes) || !take_next(scan, &seconds))
			return false;
	}
	if (hours > 23 || minutes > 59 || seconds > 59 || !take_region(scan))
		return false;
	*ret_ms =
	    sign * ((hours * 60 + minutes) * 60 + seconds) * INT64_C(1000);
	return true;
}

static bool parse_iso(const char *text, size_t len, int64_t *ret_ms)
{
	struct scan scan = {text, text + len};
	int64_t days, time = 0, offset = 0;
	if (!take_date(&scan, &days))
		return false;
	if (scan.at != scan.end) {
		/* Nothing stands between them in YYYYMMDDHHMMSS. */
		if (!take(&scan, "T") && !take(&scan, "t") &&
		    !take(&scan, " ") && count_digits(text, len) != 14)
			return false;
		if (!take_time(&scan, &time) || !take_zone(&scan, &offset) ||
		    scan.at != scan.end)
			return false;
	}
	*ret_ms = days * DAY_MS + time - offset;
	return true;
}

/*
 * A number's decimal digits, leading zeros left out: 0.DIGITS times ten to the
 * power of point. Doubles would be inexact, and undefined where they do not
 * fit. No digit past COUNT_DIGITS can matter.
 */
#define COUNT_DIGITS 48

struct count {
	char digits[COUNT_DIGITS];
	int len;
	int64_t point;
	bool negative;
};

static void add_digit(struct count *count, int digit)
{
	if (count->len < COUNT_DIGITS && (count->len || digit))
		count->digits[count->len++] = (char)digit;
}

static bool take_exponent(struct scan *scan, int64_t *ret)
{
	int64_t value = 0;
	int sign = take_sign(scan);
	if (!at_digit(scan))
		return false;
	for (; at_digit(scan); scan->at++)
		if (value < 1000000)
			value = value * 10 + (*scan->at - '0');
	*ret = sign < 0 ? -value : value;
	return true;
}

/* As JSON writes numbers, but leading zeros do no harm. */
static bool parse_count(const char *text, size_t len, struct count *count)
{
	struct scan scan = {text, text + len};
	int64_t exponent = 0;
	*count = (struct count){.negative = take(&scan, "-")};
	if (!at_digit(&scan))
		return false;
	for (; at_digit(&scan); scan.at++) {
		add_digit(count, *scan.at - '0');
		count->point += count->len > 0;
	}
	if (take(&scan, ".")) {
		if (!at_digit(&scan))
			return false;
		for (; at_digit(&scan); scan.at++) {
			add_digit(count, *scan.at - '0');
			count->point -= count->len == 0;
		}
	}
	if ((take(&scan, "e") || take(&scan, "E")) &&
	    !take_exponent(&scan, &exponent))
		return false;
	count->point += exponent;
	return scan.at == scan.end;
}

/* The number times ten to the power of shift, cut to the whole below. */
static bool count_ms(const struct count *count, int shift, int64_t *ret_ms)
{
	int64_t whole = count->len ? count->point + shift : 0, ms = 0;
	if (whole > 18)
		return false;
	for (int i = 0; i < whole; i++)
		ms = ms * 10 + (i < count->len ? count->digits[i] : 0);
	bool rest = false;
	for (int i = whole > 0 ? (int)whole : 0; i < count->len; i++)
		rest |= count->digits[i] != 0;
	*ret_ms = count->negative ? -ms - rest : ms;
	return true;
}

static int within_calendar(bool parsed, int64_t ms, int64_t *ret_ms)
{
	if (!parsed || ms < -TIMESTAMP_MS_MAX || ms > TIMESTAMP_MS_MAX)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}

int timestamp_parse_ms(const char *text, size_t len, int64_t *ret_ms)
{
	struct count count;
	int64_t ms = 0;
	bool parsed =
	    parse_count(text, len, &count) && count_ms(&count, 0, &ms);
	return within_calendar(parsed, ms, ret_ms);
}

int timestamp_parse_count(const char *text, size_t len, int64_t *ret_ms)
{
	struct count count;
	int64_t ms = 0;
	if (!parse_count(text, len, &count))
		return -EINVAL;
	/* Seconds have up to 11 digits before the point; milliseconds and
	 * microseconds have three more each. */
	int64_t digits = count.len ? count.point : 0;
	int shift = digits <= 11 ? 3 : digits <= 14 ? 0 : -3;
	bool parsed = digits <= 17 && count_ms(&count, shift, &ms);
	return within_calendar(parsed, ms, ret_ms);
}

int timestamp_parse(const char *text, size_t len, int64_t *ret_ms)
{
	int64_t ms = 0;
	if (parse_iso(text, len, &ms))
		return within_calendar(true, ms, ret_ms);
	size_t digits = count_digits(text, len);
	if (digits == 8 || digits == 14)
		return -EINVAL; /* it would have been a date */
	return timestamp_parse_count(text, len, ret_ms);
}

char *timestamp_format(int64_t ms, char out[TIMESTAMP_SIZE])
{
	int64_t seconds = ms / 1000, rest = ms % 1000;
	if (rest < 0) {
		rest += 1000;
		seconds--;
	}
	time_t t = (time_t)seconds;
	struct tm tm;
	if (!gmtime_r(&t, &tm)) {
		strcpy(out, "?");
		return out;
	}
	int64_t year = tm.tm_year + INT64_C(1900);
	bool four = year >= 0 && year <= 9999;
	int n = snprintf(
	    out, TIMESTAMP_SIZE, four ? "%04" PRId64 : "%+07" PRId64, year);
	strftime(out + n, TIMESTAMP_SIZE - (size_t)n, "-%m-%dT%H:%M:%S", &tm);
	n = (int)strlen(out);
	snprintf(out + n, TIMESTAMP_SIZE - (size_t)n, ".%03" PRId64 "Z", rest);
	return out;
}
