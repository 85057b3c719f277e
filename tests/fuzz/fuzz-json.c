/* Any bytes: what is valid for one function is valid for all, laid-out text
 * means the same, and laying it out again changes nothing. */
#include "fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
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

/* Go on at a place to the end of a slice, with text that comes in pieces, and
 * hold what comes against the same part of the whole. */
static void check_slice(const char *text, size_t len, const struct buf *whole,
    struct json_layout *place, uint64_t from, size_t size)
{
	CLEANUP_FREE char *data = malloc(size);
	struct json_slice slice = {from, data, size};
	size_t step = 1 + (whole->len + size) % 97;
	bool full = false;
	MUST(data);
	while (!full && place->in < len) {
		size_t left = len - (size_t)place->in;
		full = json_layout_feed(
		    place, text + place->in, left < step ? left : step, &slice);
	}
	if (!full)
		json_layout_end(place, &slice);
	size_t left = whole->len - (size_t)from;
	MUST(full || place->out == whole->len);
	MUST(memcmp(data, whole->data + from, left < size ? left : size) == 0);
}

/* One slice after the other. */
static void check_slices(const char *text, size_t len, const struct buf *whole)
{
	struct json_layout place = {0};
	size_t size = 1 + len % 997;
	for (size_t from = 0; from < whole->len; from += size)
		check_slice(text, len, whole, &place, from, size);
}

/* Slices of any size and in any order, each from a place before it that was
 * come by earlier. */
static void check_windows(const char *text, size_t len, const struct buf *whole)
{
	struct json_layout places[16] = {0};
	uint64_t random = whole->len * UINT64_C(0x9e3779b97f4a7c15) | 1;
	for (size_t i = 1; i < ARRAY_SIZE(places); i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		uint64_t from = (random >> 8) % whole->len;
		size_t size = 1 + random % 4096;
		for (size_t known = 0; known < i; known++) {
			const struct json_layout *place = &places[known];
			if (place->out <= from && place->out >= places[i].out)
				places[i] = *place;
		}
		check_slice(text, len, whole, &places[i], from, size);
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
	check_windows(text, len, &once);
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
