#include "json/split.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "json/json.h"
#include "json/skip.h"

/*
 * It follows nesting and strings, and nothing else: what it cuts out is checked
 * strictly, a record when it is whole, the skeleton at the end.
 *
 *	OUTSIDE   -- "items": [ -->                    FIRST
 *	FIRST     -- { --> ELEMENT,   ] --> OUTSIDE
 *	ELEMENT   -- its closing brace, handed out --> AFTER
 *	AFTER     -- , --> NEXT,      ] --> OUTSIDE
 *	NEXT      -- { --> ELEMENT
 */
enum split_state { OUTSIDE, FIRST, ELEMENT, AFTER, NEXT };

/* The member whose value comes next, as far as it matters. */
enum split_key { KEY_OTHER, KEY_DATA, KEY_ITEMS };

struct json_split {
	json_split_record_fn fn;
	void *ctx;
	struct buf record;   /* an element's part from earlier feeds */
	struct buf skeleton; /* everything outside the array */
	enum split_state state;
	bool found;
	bool unchecked;	       /* the one who is handed an element checks it */
	struct json_skip skip; /* strings anywhere, containers in elements */
	size_t depth;	       /* open containers, outside elements */
	/* The last string that ended outside: its place in the skeleton. */
	size_t string_start;
	size_t string_end;
	/* The current key in depths 1 and 2; KEY_OTHER where a value is not
	 * expected. */
	enum split_key key[2];
};

int json_split_new(
    json_split_record_fn fn, void *ctx, struct json_split **ret_split)
{
	struct json_split *split = calloc(1, sizeof(*split));
	if (!split)
		return -ENOMEM;
	split->fn = fn;
	split->ctx = ctx;
	buf_init(&split->record, JSON_RECORD_MAX);
	buf_init(&split->skeleton, JSON_SKELETON_MAX);
	*ret_split = split;
	return 0;
}

void json_split_leave_checks(struct json_split *split)
{
	split->unchecked = true;
}

void json_split_free(struct json_split *split)
{
	if (!split)
		return;
	buf_done(&split->record);
	buf_done(&split->skeleton);
	free(split);
}

/* Which key the last string in the skeleton is. */
static int last_string(const struct json_split *split, enum split_key *ret_key)
{
	struct json_span token = {
	    buf_str(&split->skeleton) + split->string_start,
	    split->string_end - split->string_start};
	CLEANUP_BUF struct buf decoded;
	buf_init(&decoded, token.len);
	int r = json_string_decode(token, &decoded);
	if (r < 0)
		return r;
	*ret_key = KEY_OTHER;
	if (decoded.len == 5 && memcmp(decoded.data, "items", 5) == 0)
		*ret_key = KEY_ITEMS;
	else if (decoded.len == 4 && memcmp(decoded.data, "data", 4) == 0)
		*ret_key = KEY_DATA;
	return 0;
}

static bool at_items(const struct json_split *split)
{
	if (split->found)
		return false;
	if (split->depth == 1)
		return split->key[0] == KEY_ITEMS;
	return split->depth == 2 && split->key[0] == KEY_DATA &&
	       split->key[1] == KEY_ITEMS;
}

static void set_key(struct json_split *split, enum split_key key)
{
	if (split->depth == 1 || split->depth == 2)
		split->key[split->depth - 1] = key;
}

/* One byte outside of strings and of the array; it is in the skeleton. */
static int step_outside(struct json_split *split, char c)
{
	enum split_key key;
	int r;
	switch (c) {
	case '"':
		split->skip.in_string = true;
		split->string_start = split->skeleton.len - 1;
		return 0;
	case ':':
		if (split->depth != 1 && split->depth != 2)
			return 0;
		r = last_string(split, &key);
		if (r == 0)
			set_key(split, key);
		return r;
	case ',':
		set_key(split, KEY_OTHER);
		return 0;
	case '[':
		if (at_items(split)) {
			split->found = true;
			split->state = FIRST;
		}
		/* fall through */
	case '{':
		split->depth++;
		set_key(split, KEY_OTHER);
		return 0;
	case '}':
	case ']':
		if (split->depth == 0)
			return -EPROTO;
		split->depth--;
		return 0;
	default:
		return 0;
	}
}

static int feed_outside(
    struct json_split *split, const char **p, const char *end)
{
	if (!split->skip.in_string) {
		char c = *(*p)++;
		int r = buf_addc(&split->skeleton, c);
		return r < 0 ? r : step_outside(split, c);
	}
	const char *start = *p;
	*p = json_skip_string(&split->skip, start, end);
	int r = buf_add(&split->skeleton, start, (size_t)(*p - start));
	if (!split->skip.in_string)
		split->string_end = split->skeleton.len;
	return r;
}

/* Between elements: white space and exactly one comma. */
static int feed_between(struct json_split *split, const char **p)
{
	switch (*(*p)) {
	case ' ':
	case '\n':
	case '\r':
	case '\t':
		break;
	case ',':
		if (split->state != AFTER)
			return -EPROTO;
		split->state = NEXT;
		break;
	case ']':
		if (split->state == NEXT)
			return -EPROTO;
		split->state = OUTSIDE;
		return 0; /* it belongs to the skeleton */
	case '{':
		if (split->state == AFTER)
			return -EPROTO;
		split->state = ELEMENT;
		split->skip.depth = 0;
		return 0; /* it belongs to the element */
	default:
		return -EPROTO;
	}
	(*p)++;
	return 0;
}

static int hand_out(struct json_split *split, const char *text, size_t len)
{
	if (len > JSON_RECORD_MAX)
		return -EMSGSIZE;
	int r = split->unchecked ? 0 : json_check(text, len);
	return r < 0 ? r : split->fn(split->ctx, text, len);
}

static int feed_element(
    struct json_split *split, const char **p, const char *end)
{
	const char *start = *p;
	*p = json_skip_container(&split->skip, start, end);
	size_t len = (size_t)(*p - start);
	bool whole = split->skip.depth == 0;
	int r;
	if (whole && split->record.len == 0) {
		r = hand_out(split, start, len);
	} else {
		r = buf_add(&split->record, start, len);
		if (r == 0 && whole) {
			r = hand_out(
			    split, split->record.data, split->record.len);
			buf_clear(&split->record);
		}
	}
	if (whole)
		split->state = AFTER;
	return r;
}

int json_split_feed(struct json_split *split, const char *data, size_t len)
{
	const char *p = data, *end = len ? data + len : data;
	int r = 0;
	while (r == 0 && p != end) {
		if (split->state == OUTSIDE)
			r = feed_outside(split, &p, end);
		else if (split->state == ELEMENT)
			r = feed_element(split, &p, end);
		else
			r = feed_between(split, &p);
	}
	return r;
}

int json_split_end(struct json_split *split, const char **ret_skeleton,
    size_t *ret_len, int *ret_found)
{
	const char *text = buf_str(&split->skeleton);
	size_t len = split->skeleton.len;
	if (split->state != OUTSIDE)
		return -EPROTO;
	size_t mark = utf8_mark_len(text, len);
	text += mark;
	len -= mark;
	int r = json_check(text, len);
	if (r < 0)
		return r;
	*ret_skeleton = text;
	*ret_len = len;
	*ret_found = split->found;
	return 0;
}
