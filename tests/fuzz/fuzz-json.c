/* Any bytes: what is valid for one function is valid for all, laid-out text
 * means the same, and laying it out again changes nothing. */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "json/json.h"
#include "json/layout.h"

/* Enough for small inputs, and reached by deep ones. */
#define PRETTY_MAX ((size_t)1 << 20)

static void check_string(struct json_span token)
{
	CLEANUP_BUF struct buf text;
	CLEANUP_BUF struct buf again;
	buf_init(&text, token.len);
	buf_init(&again, token.len * 6 + 2);
	if (json_string_decode(token, &text) < 0)
		return;
	MUST(text.len <= token.len - 2);
	MUST(json_string_encode(buf_str(&text), text.len, &again) == 0);
	MUST(json_check(again.data, again.len) == 0);
}

static void check_members(const char *text, size_t len, bool valid)
{
	static const char *const names[] = {"id", "updatedAt", ""};
	struct json_span spans[ARRAY_SIZE(names)];
	if (json_members(text, len, names, ARRAY_SIZE(names), spans) < 0)
		return;
	MUST(valid);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int64_t number;
		struct json_span span = spans[i];
		if (!span.text)
			continue;
		MUST(span.text > text && span.text + span.len < text + len);
		MUST(json_check(span.text, span.len) == 0);
		if (json_int64(span, &number) == 0)
			MUST(number >= 0);
		check_string(span);
	}
}

/* The same in slices, from text that comes in pieces. */
static void check_slices(const char *text, size_t len, const struct buf *whole)
{
	struct json_layout place = {0};
	char data[64];
	size_t size = 1 + len % sizeof(data), step = 1 + whole->len % 17;
	for (size_t from = 0; from < whole->len; from += size) {
		struct json_slice slice = {from, data, size};
		bool full = false;
		while (!full && place.in < len) {
			size_t left = len - (size_t)place.in;
			full = json_layout_feed(&place, text + place.in,
			    left < step ? left : step, &slice);
		}
		if (!full)
			json_layout_end(&place, &slice);
		size_t left = whole->len - from;
		MUST(full || place.out == whole->len);
		MUST(memcmp(data, whole->data + from,
			 left < size ? left : size) == 0);
	}
}

/* A text without the white space between its tokens. */
static void squeeze(const char *text, size_t len, struct buf *out)
{
	bool string = false;
	for (size_t i = 0; i < len; i++) {
		if (!string && strchr(" \t\r\n", text[i]))
			continue;
		if (text[i] == '"')
			string = !string;
		MUST(buf_addc(out, text[i]) == 0);
		if (string && text[i] == '\\')
			MUST(buf_addc(out, text[++i]) == 0);
	}
}

/* Laid-out text has the very tokens that went in. */
static void check_tokens(const char *text, size_t len, const struct buf *laid)
{
	CLEANUP_BUF struct buf before, after;
	uint64_t hash, same;
	buf_init(&before, BUF_MAX_DEFAULT);
	buf_init(&after, BUF_MAX_DEFAULT);
	squeeze(text, len, &before);
	squeeze(laid->data, laid->len, &after);
	MUST(buf_compare(&before, &after) == 0);
	MUST(json_hash(text, len, &hash) == 0);
	MUST(json_hash(laid->data, laid->len, &same) == 0 && hash == same);
}

static void check_pretty(const char *text, size_t len, bool valid)
{
	uint64_t size = 0;
	CLEANUP_BUF struct buf once;
	CLEANUP_BUF struct buf twice;
	buf_init(&once, PRETTY_MAX);
	buf_init(&twice, PRETTY_MAX);
	MUST((json_pretty_size(text, len, &size) == 0) == valid);
	uint64_t beside = 0;
	if (json_members_and_size(text, len, NULL, 0, NULL, &beside) == 0)
		MUST(valid && beside == size);
	int r = json_pretty(text, len, &once);
	MUST((r == 0) == (valid && size <= PRETTY_MAX));
	if (r < 0)
		return;
	MUST(once.len == size);
	check_slices(text, len, &once);
	check_tokens(text, len, &once);
	MUST(json_pretty(once.data, once.len, &twice) == 0);
	MUST(twice.len == once.len);
	MUST(memcmp(twice.data, once.data, once.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	bool valid = json_check(text, size) == 0;
	check_members(text, size, valid);
	check_pretty(text, size, valid);
	check_string((struct json_span){text, size});
	return 0;
}
