#include "emulator/load/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "emulator/store/document.h"
#include "json/skip.h"

/*
 *	TOP    -- [ --> FIRST,  { --> VALUE
 *	FIRST  -- { --> VALUE,  ] --> TOP
 *	VALUE  -- its closing brace, handed out --> TOP, or AFTER in an array
 *	AFTER  -- , --> NEXT,   ] --> TOP
 *	NEXT   -- { --> VALUE
 */
enum values_state { TOP, FIRST, VALUE, AFTER, NEXT };

struct values {
	values_fn fn;
	void *ctx;
	struct buf held; /* a value's part from earlier feeds */
	uint64_t at;	 /* bytes of earlier feeds */
	uint64_t start;	 /* where the value began */
	enum values_state state;
	bool element;
	bool array;	       /* one began */
	struct json_skip skip; /* within the value */
};

int values_new(values_fn fn, void *ctx, struct values **ret_values)
{
	struct values *values = calloc(1, sizeof(*values));
	if (!values)
		return -ENOMEM;
	values->fn = fn;
	values->ctx = ctx;
	buf_init(&values->held, DOCUMENT_TEXT_MAX);
	*ret_values = values;
	return 0;
}

void values_free(struct values *values)
{
	if (!values)
		return;
	buf_done(&values->held);
	free(values);
}

static int feed_value(struct values *values, const char **p, const char *end)
{
	const char *start = *p;
	*p = json_skip_container(&values->skip, start, end);
	size_t len = (size_t)(*p - start);
	bool whole = values->skip.depth == 0;
	int r;
	if (whole)
		values->state = values->element ? AFTER : TOP;
	if (whole && values->held.len == 0)
		return values->fn(
		    values->ctx, start, len, values->start, values->element);
	r = buf_add(&values->held, start, len);
	if (r == 0 && whole) {
		r = values->fn(values->ctx, values->held.data, values->held.len,
		    values->start, values->element);
		buf_clear(&values->held);
	}
	return r;
}

/* One byte that is in no value, at this offset. */
static int step(struct values *values, char c, uint64_t offset)
{
	enum values_state state = values->state;
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return 0;
	case '[':
		values->state = FIRST;
		values->array = true;
		return state == TOP ? 0 : -EPROTO;
	case ']':
		values->state = TOP;
		return state == FIRST || state == AFTER ? 0 : -EPROTO;
	case ',':
		values->state = NEXT;
		return state == AFTER ? 0 : -EPROTO;
	case '{':
		values->start = offset;
		values->skip.depth = 0;
		values->element = state != TOP;
		values->state = VALUE;
		return state != AFTER ? 0 : -EPROTO;
	default:
		return -EPROTO;
	}
}

int values_feed(struct values *values, const char *data, size_t len)
{
	const char *p = data, *end = len ? data + len : data;
	int r = 0;
	while (r == 0 && p != end) {
		if (values->state != VALUE) {
			r = step(values, *p, values->at + (uint64_t)(p - data));
			/* A brace belongs to the value. */
			p += values->state != VALUE;
		} else {
			r = feed_value(values, &p, end);
		}
	}
	values->at += len;
	return r;
}

bool values_had_array(const struct values *values)
{
	return values->array;
}

int values_end(const struct values *values)
{
	return values->state == TOP ? 0 : -EPROTO;
}
