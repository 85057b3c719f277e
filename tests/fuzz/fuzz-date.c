/* Any bytes, as a date's text and as a JSON value: what is read is within the
 * calendar, and the same in each form that it can be written in. */
#include "fuzz.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "json/json.h"

#define UNTOUCHED INT64_C(-4242424242424242424)

/* The same moment in the service's own form. */
static void check_moment(int64_t ms)
{
	char text[TIMESTAMP_SIZE];
	int64_t again = UNTOUCHED;
	MUST(ms >= -TIMESTAMP_MS_MAX && ms <= TIMESTAMP_MS_MAX);
	timestamp_format(ms, text);
	MUST(timestamp_parse(text, strlen(text), &again) == 0);
	MUST(again == ms);
	/* In MongoDB's form, too. */
	char json[64];
	int len = snprintf(json, sizeof(json),
	    "{\"$date\":{\"$numberLong\":\"%" PRId64 "\"}}", ms);
	MUST(json_date((struct json_span){json, (size_t)len}, &again) == 0);
	MUST(again == ms);
}

static bool check_parser(int (*parse)(const char *, size_t, int64_t *),
    const char *text, size_t len, int64_t *ret_ms)
{
	*ret_ms = UNTOUCHED;
	bool parsed = parse(text, len, ret_ms) == 0;
	if (parsed)
		check_moment(*ret_ms);
	else
		MUST(*ret_ms == UNTOUCHED);
	return parsed;
}

/* Whole numbers, as the C library reads them. */
static void check_count(const char *text, size_t len, int64_t ms)
{
	char copy[20];
	if (len >= sizeof(copy))
		return;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strspn(copy, "-0123456789") != len)
		return;
	int64_t n = strtoll(copy, NULL, 10), size = llabs(n);
	if (size < INT64_C(100000000000))
		MUST(ms == n * 1000);
	else if (size < INT64_C(100000000000000))
		MUST(ms == n);
	else
		MUST(ms == n / 1000 - (n < 0 && n % 1000 != 0));
}

/* What has no zone is UTC. */
static void check_zone(const char *text, size_t len, int64_t ms)
{
	char zoned[64];
	int64_t same = UNTOUCHED;
	if (len == 0 || len + 1 > sizeof(zoned) || !memchr(text, ':', len))
		return;
	memcpy(zoned, text, len);
	zoned[len] = 'Z';
	if (timestamp_parse(zoned, len + 1, &same) == 0)
		MUST(same == ms);
}

static int parse_json(const char *text, size_t len, int64_t *ret_ms)
{
	return json_date((struct json_span){text, len}, ret_ms);
}

/* A valid token: a number is what its text is. */
static void check_json(const char *text, size_t len)
{
	int64_t ms, same = UNTOUCHED;
	if (json_check(text, len) < 0)
		return;
	bool read = check_parser(parse_json, text, len, &ms);
	if (!json_is_number((struct json_span){text, len}))
		return;
	MUST(read == (timestamp_parse_count(text, len, &same) == 0));
	MUST(ms == same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	int64_t ms;
	if (check_parser(timestamp_parse, text, size, &ms))
		check_zone(text, size, ms);
	if (check_parser(timestamp_parse_count, text, size, &ms))
		check_count(text, size, ms);
	check_parser(timestamp_parse_ms, text, size, &ms);
	check_json(text, size);
	return 0;
}
