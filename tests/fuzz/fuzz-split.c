/* Any body, in pieces of any lengths: records are strictly valid objects, and
 * those that a walk over the whole body finds; nothing depends on how the body
 * was cut. */
#include "fuzz.h"

#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "emulator/query/cursor.h"
#include "json/json.h"
#include "json/split.h"
#include "random.h"

struct outcome {
	struct buf text; /* the records, then the skeleton */
	size_t records;	 /* bytes of text that are records */
	int found;
	int error;
};

static int take_record(void *ctx, const char *text, size_t len)
{
	struct buf *out = ctx;
	MUST(len >= 2 && text[0] == '{' && text[len - 1] == '}');
	MUST(json_check(text, len) == 0);
	MUST(buf_add(out, text, len) == 0);
	return buf_addc(out, '\n');
}

/* random 0: in one piece. */
static void run(
    const char *body, size_t len, uint64_t random, struct outcome *outcome)
{
	struct json_split *split;
	const char *skeleton;
	size_t skeleton_len;
	int r = 0;
	*outcome = (struct outcome){.found = -1};
	buf_init(&outcome->text, BUF_MAX_DEFAULT);
	MUST(json_split_new(take_record, &outcome->text, &split) == 0);
	for (size_t at = 0, n; r == 0 && at < len; at += n) {
		n = random ? random_below(&random, 24) : len;
		n = n < len - at ? n : len - at;
		r = json_split_feed(split, body + at, n);
	}
	if (r == 0)
		r = json_split_end(
		    split, &skeleton, &skeleton_len, &outcome->found);
	outcome->records = outcome->text.len;
	if (r == 0) {
		MUST(json_check(skeleton, skeleton_len) == 0);
		MUST(buf_add(&outcome->text, skeleton, skeleton_len) == 0);
	}
	json_split_free(split);
	outcome->error = r;
}

/* The members of that name, in the order of the text: 1; 0: no more. */
static int next_named(
    struct cursor *cursor, const char *name, struct json_span *ret_value)
{
	struct json_span key;
	int r;
	while ((r = cursor_next(cursor, &key, ret_value)) > 0) {
		CLEANUP_BUF struct buf text;
		buf_init(&text, key.len + 1);
		MUST(json_string_decode(key, &text) == 0);
		if (text.len == strlen(name) &&
		    memcmp(buf_str(&text), name, text.len) == 0)
			break;
	}
	MUST(r >= 0);
	return r;
}

/* The first array of that name in an object. */
static bool find_items(struct json_span object, struct json_span *ret_items)
{
	struct cursor cursor;
	if (!json_is_object(object))
		return false;
	cursor_init(&cursor, object);
	while (next_named(&cursor, "items", ret_items))
		if (json_is_array(*ret_items))
			return true;
	return false;
}

/* The first of the whole body: on its own, or within "data". */
static bool find_list(struct json_span root, struct json_span *ret_items)
{
	struct cursor cursor;
	struct json_span own, data, inner;
	bool found = find_items(root, &own);
	if (!json_is_object(root))
		return false;
	*ret_items = own;
	cursor_init(&cursor, root);
	while (next_named(&cursor, "data", &data)) {
		if (!find_items(data, &inner))
			continue;
		if (!found || inner.text < own.text)
			*ret_items = inner;
		return true;
	}
	return found;
}

/* What a walk over a body that is valid finds: the same. */
static void check_walk(
    const char *body, size_t len, const struct outcome *outcome)
{
	CLEANUP_BUF struct buf text;
	struct cursor cursor;
	struct json_span items, key, record;
	buf_init(&text, BUF_MAX_DEFAULT);
	while (len && strchr(" \t\r\n", *body)) {
		body++;
		len--;
	}
	bool found = find_list((struct json_span){body, len}, &items);
	MUST(found == (outcome->found > 0));
	if (!found)
		return;
	cursor_init(&cursor, items);
	while (cursor_next(&cursor, &key, &record) > 0) {
		MUST(buf_add(&text, record.text, record.len) == 0);
		MUST(buf_addc(&text, '\n') == 0);
	}
	MUST(text.len <= outcome->text.len);
	MUST(memcmp(buf_str(&text), buf_str(&outcome->text), text.len) == 0);
	MUST(outcome->records == text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = size ? (const char *)data : "";
	uint64_t hash = hash_fnv1a(HASH_FNV1A_INIT, body, size);
	struct outcome whole, parts;
	run(body, size, 0, &whole);
	run(body, size, hash | 1, &parts);
	MUST(whole.error == parts.error);
	MUST(whole.found == parts.found);
	MUST(whole.text.len == parts.text.len);
	MUST(memcmp(buf_str(&whole.text), buf_str(&parts.text),
		 whole.text.len) == 0);
	/* What passes in parts passes as a whole, too; but for a byte order
	 * mark, and nesting, which is counted from the record on. */
	if (whole.error == 0 && size <= JSON_DEPTH_MAX &&
	    utf8_mark_len(body, size) == 0) {
		MUST(json_check(body, size) == 0);
		check_walk(body, size, &whole);
	}
	buf_done(&whole.text);
	buf_done(&parts.text);
	return 0;
}
