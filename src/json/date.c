#include "json/json.h"

#include <errno.h>
#include <string.h>

#include "base/timestamp.h"

/* A longer token is no date. Decimals may be many, and escapes are six bytes a
 * character. */
#define DATE_BYTES_MAX 1024

typedef int (*parse_fn)(const char *text, size_t len, int64_t *ret_ms);

static int parse_token(struct json_span value, parse_fn parse, int64_t *ret_ms)
{
	return parse(value.text, value.len, ret_ms) < 0 ? -EPROTO : 0;
}

static int parse_string(struct json_span value, parse_fn parse, int64_t *ret_ms)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, DATE_BYTES_MAX);
	if (value.len > DATE_BYTES_MAX)
		return -EPROTO;
	/* Without an escape it is what it says. */
	if (!memchr(value.text, '\\', value.len))
		return parse_token(
		    (struct json_span){value.text + 1, value.len - 2}, parse,
		    ret_ms);
	int r = json_string_decode(value, &text);
	if (r < 0)
		return r;
	return parse_token(
	    (struct json_span){buf_str(&text), text.len}, parse, ret_ms);
}

/* A number, or {"$numberLong":"…"} and the like. */
static int parse_number(struct json_span value, parse_fn parse, int64_t *ret_ms)
{
	static const char *const names[] = {
	    "$numberLong", "$numberInt", "$numberDouble", "$numberDecimal"};
	struct json_span spans[ARRAY_SIZE(names)];
	if (json_is_number(value))
		return parse_token(value, parse, ret_ms);
	if (!json_is_object(value))
		return -EPROTO;
	int r = json_members(
	    value.text, value.len, names, ARRAY_SIZE(names), spans);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
		if (json_is_string(spans[i]))
			return parse_string(spans[i], parse, ret_ms);
		if (json_is_number(spans[i]))
			return parse_token(spans[i], parse, ret_ms);
	}
	return r < 0 ? r : -EPROTO;
}

int json_date(struct json_span value, int64_t *ret_ms)
{
	static const char *const names[] = {"$date"};
	struct json_span date = {0};
	if (json_is_object(value)) {
		int r = json_members(value.text, value.len, names, 1, &date);
		if (r < 0)
			return r;
	}
	if (!date.text && !json_is_string(value))
		return parse_number(value, timestamp_parse_count, ret_ms);
	if (!date.text)
		return parse_string(value, timestamp_parse, ret_ms);
	if (json_is_string(date))
		return parse_string(date, timestamp_parse, ret_ms);
	return parse_number(date, timestamp_parse_ms, ret_ms);
}
