#include "base/timestamp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

static int days_in_month(int year, int month)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

/* Read exactly count digits. */
static int digits(const char **p, const char *end, int count, int *ret)
{
	int value = 0;
	for (int i = 0; i < count; i++) {
		if (*p == end || **p < '0' || **p > '9')
			return -EINVAL;
		value = value * 10 + (*(*p)++ - '0');
	}
	*ret = value;
	return 0;
}

static int literal(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return -EINVAL;
	(*p)++;
	return 0;
}

static int fraction(const char **p, const char *end, int *ret_ms)
{
	int ms = 0, scale = 100;
	if (*p == end || **p != '.') {
		*ret_ms = 0;
		return 0;
	}
	(*p)++;
	if (*p == end || **p < '0' || **p > '9')
		return -EINVAL;
	for (; *p != end && **p >= '0' && **p <= '9'; (*p)++) {
		ms += (**p - '0') * scale;
		scale /= 10;
	}
	*ret_ms = ms;
	return 0;
}

static int zone(const char **p, const char *end, int *ret_minutes)
{
	if (*p == end)
		return -EINVAL;
	char sign = *(*p)++;
	if (sign == 'Z') {
		*ret_minutes = 0;
		return 0;
	}
	int hours, minutes;
	if ((sign != '+' && sign != '-') || digits(p, end, 2, &hours) < 0)
		return -EINVAL;
	if (*p != end && **p == ':')
		(*p)++;
	if (digits(p, end, 2, &minutes) < 0 || hours > 23 || minutes > 59)
		return -EINVAL;
	*ret_minutes = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
	return 0;
}

int timestamp_parse(const char *text, size_t len, int64_t *ret_ms)
{
	const char *p = text, *end = text + len;
	int year, month, day, hour, minute, second, ms, offset;
	if (digits(&p, end, 4, &year) < 0 || literal(&p, end, '-') < 0 ||
	    digits(&p, end, 2, &month) < 0 || literal(&p, end, '-') < 0 ||
	    digits(&p, end, 2, &day) < 0 || literal(&p, end, 'T') < 0 ||
	    digits(&p, end, 2, &hour) < 0 || literal(&p, end, ':') < 0 ||
	    digits(&p, end, 2, &minute) < 0 || literal(&p, end, ':') < 0 ||
	    digits(&p, end, 2, &second) < 0 || fraction(&p, end, &ms) < 0 ||
	    zone(&p, end, &offset) < 0 || p != end)
		return -EINVAL;
	if (month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month) || hour > 23 || minute > 59 ||
	    second > 60)
		return -EINVAL;
	int64_t seconds = days_from_civil(year, month, day) * 86400 +
			  hour * 3600 + (minute - offset) * 60 + second;
	*ret_ms = seconds * 1000 + ms;
	return 0;
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
	size_t n = strftime(out, TIMESTAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, TIMESTAMP_SIZE - n, ".%03" PRId64 "Z", rest);
	return out;
}
