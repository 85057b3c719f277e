#include "json/layout.h"

#include <string.h>

#include "json/json.h"
#include "json/lex.h"

/* Put what a piece of the laid-out text has in common with the slice: text, or
 * len spaces where it is NULL. */
static inline void put(struct json_layout *place, const char *text, size_t len,
    const struct json_slice *slice)
{
	uint64_t begin = place->out, end = begin + len;
	uint64_t last = slice->from + slice->size;
	place->out = end;
	if (end <= slice->from || begin >= last)
		return;
	uint64_t from = begin < slice->from ? slice->from : begin;
	uint64_t to = end > last ? last : end;
	char *at = slice->data + (from - slice->from);
	if (text)
		memcpy(at, text + (from - begin), (size_t)(to - from));
	else
		memset(at, ' ', (size_t)(to - from));
}

static void put_line(struct json_layout *place, const struct json_slice *slice)
{
	put(place, "\n", 1, slice);
	put(place, NULL, (size_t)place->depth * 2, slice);
}

/* A byte that begins or goes on with a value, a key or a container. */
static void put_value(
    struct json_layout *place, const char *at, const struct json_slice *slice)
{
	if (place->opened)
		put_line(place, slice);
	place->opened = false;
	put(place, at, 1, slice);
}

static void put_close(
    struct json_layout *place, const char *at, const struct json_slice *slice)
{
	if (place->depth > 0)
		place->depth--;
	if (!place->opened)
		put_line(place, slice);
	place->opened = false;
	put(place, at, 1, slice);
}

static void step(
    struct json_layout *place, const char *at, const struct json_slice *slice)
{
	switch (*at) {
	case ' ':
	case '\n':
	case '\r':
	case '\t':
		break;
	case ',':
		put(place, at, 1, slice);
		put_line(place, slice);
		break;
	case ':':
		put(place, ": ", 2, slice);
		break;
	case '{':
	case '[':
		put_value(place, at, slice);
		if (place->depth < JSON_DEPTH_MAX)
			place->depth++;
		place->opened = true;
		break;
	case '}':
	case ']':
		put_close(place, at, slice);
		break;
	default:
		place->in_string = *at == '"';
		put_value(place, at, slice);
	}
}

/* Within a string: as many bytes as there are; how many these were. */
static size_t step_string(struct json_layout *place, const char *text,
    size_t len, const struct json_slice *slice)
{
	size_t run = 1;
	if (place->escaped)
		place->escaped = false;
	else if (*text == '\\')
		place->escaped = true;
	else if (*text == '"')
		place->in_string = false;
	else
		run = (size_t)(lex_plain(text, text + len) - text);
	if (run == 0)
		run = 1; /* a control character, which no valid text has */
	put(place, text, run, slice);
	return run;
}

bool json_layout_feed(struct json_layout *place, const char *text, size_t len,
    const struct json_slice *slice)
{
	uint64_t last = slice->from + slice->size;
	for (size_t i = 0, taken; i < len && place->out < last; i += taken) {
		struct json_layout before = *place;
		taken = 1;
		if (place->in_string)
			taken = step_string(place, text + i, len - i, slice);
		else
			step(place, text + i, slice);
		if (place->out > last) {
			/* For the next slice, from its first byte on. */
			uint64_t over = place->out - last;
			if (!before.in_string) {
				*place = before;
				return true;
			}
			place->out -= over;
			taken -= (size_t)over;
		}
		place->in += taken;
	}
	return place->out >= last;
}

void json_layout_end(struct json_layout *place, const struct json_slice *slice)
{
	put(place, "\n", 1, slice);
}
