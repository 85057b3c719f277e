#include "json/layout.h"

#include <string.h>

#include "json/json.h"
#include "json/lex.h"

/* The places of what is read and of what it becomes, of which nothing is cut:
 * all of it is written, or all is counted only. */
struct run {
	const char *text;
	const char *end;
	char *at;
	uint64_t room; /* bytes that may be written or counted still */
	struct json_layout place; /* but for in and out */
};

/* So wide a piece of indentation is written at once, needed or not. */
#define STRIDE 16

/* The room that a step needs: an indented line and two bytes. */
#define STEP_ROOM(depth) (STRIDE + 3 + (size_t)(depth)*2)

/* Twice the same: for what is written, and for what is counted. */
#define BOTH static inline __attribute__((always_inline))

BOTH void run_byte(struct run *run, bool write, char c)
{
	if (write)
		*run->at++ = c;
	run->room--;
}

BOTH void run_line(struct run *run, bool write)
{
	size_t spaces = (size_t)run->place.depth * 2;
	run_byte(run, write, '\n');
	if (write) {
		memset(run->at, ' ', STRIDE);
		if (spaces > STRIDE)
			memset(run->at + STRIDE, ' ', spaces - STRIDE);
		run->at += spaces;
	}
	run->room -= spaces;
}

/* Where reading has to end, when each byte becomes one. */
BOTH const char *run_stop(const struct run *run)
{
	size_t left = (size_t)(run->end - run->text);
	return run->text + (left < run->room ? left : (size_t)run->room);
}

/* As they are. */
BOTH void run_bytes(struct run *run, bool write, const char *until)
{
	size_t len = (size_t)(until - run->text);
	if (write) {
		memcpy(run->at, run->text, len);
		run->at += len;
	}
	run->room -= len;
	run->text = until;
}

/* What is here of a string's rest, its closing quote included. */
BOTH void run_string(struct run *run, bool write)
{
	const char *p = run->text, *stop = run_stop(run);
	while (p != stop && run->place.in_string) {
		char c = *p;
		if (run->place.escaped)
			run->place.escaped = false;
		else if (c == '\\')
			run->place.escaped = true;
		else if (c == '"')
			run->place.in_string = false;
		else
			p = lex_plain(p + 1, stop) - 1;
		p++;
	}
	run_bytes(run, write, p);
}

/* Whether a byte can be no other than one of a number or a literal. */
static inline bool goes_on(char c)
{
	char brace = c | ('{' - '['); /* brackets are these but for a bit */
	return c > ',' && c != ':' && brace != '{' && brace != '}';
}

BOTH void run_scalar(struct run *run, bool write)
{
	const char *stop = run_stop(run);
	while (run->text != stop && goes_on(*run->text))
		run_byte(run, write, *run->text++);
}

BOTH void run_value(struct run *run, bool write, char c)
{
	if (run->place.opened)
		run_line(run, write);
	run->place.opened = false;
	run_byte(run, write, c);
}

BOTH void run_close(struct run *run, bool write, char c)
{
	if (run->place.depth > 0)
		run->place.depth--;
	if (!run->place.opened)
		run_line(run, write);
	run->place.opened = false;
	run_byte(run, write, c);
}

BOTH void run_step(struct run *run, bool write)
{
	char c = *run->text++;
	switch (c) {
	case ' ':
	case '\n':
	case '\r':
	case '\t':
		break;
	case ',':
		run_byte(run, write, c);
		run_line(run, write);
		break;
	case ':':
		run_byte(run, write, c);
		run_byte(run, write, ' ');
		break;
	case '{':
	case '[':
		run_value(run, write, c);
		if (run->place.depth < JSON_DEPTH_MAX)
			run->place.depth++;
		run->place.opened = true;
		break;
	case '}':
	case ']':
		run_close(run, write, c);
		break;
	case '"':
		run_value(run, write, c);
		run->place.in_string = true;
		run_string(run, write);
		break;
	default:
		run_value(run, write, c);
		run_scalar(run, write);
	}
}

BOTH void run_on(struct run *run, bool write)
{
	if (run->place.in_string)
		run_string(run, write);
	while (
	    run->text != run->end && run->room >= STEP_ROOM(run->place.depth))
		run_step(run, write);
}

/* As many bytes as become what is wholly before the slice, or in it: how many
 * these were. None where one may become what is on both sides of an edge. */
static size_t step_many(struct json_layout *place, const char *text, size_t len,
    const struct json_slice *slice)
{
	bool write = place->out >= slice->from;
	uint64_t until = write ? slice->from + slice->size : slice->from;
	struct run run = {
	    .text = text,
	    .end = text + len,
	    .room = until - place->out,
	    .place = *place,
	};
	if (write) {
		run.at = slice->data + (place->out - slice->from);
		run_on(&run, true);
	} else {
		run_on(&run, false);
	}
	run.place.in += (uint64_t)(run.text - text);
	run.place.out = until - run.room;
	*place = run.place;
	return (size_t)(run.text - text);
}

/* Put what a piece of the laid-out text has in common with the slice. */
static void put(struct json_layout *place, const char *text, size_t len,
    const struct json_slice *slice)
{
	uint64_t begin = place->out, end = begin + len;
	uint64_t last = slice->from + slice->size;
	place->out = end;
	if (end <= slice->from || begin >= last)
		return;
	uint64_t from = begin < slice->from ? slice->from : begin;
	uint64_t to = end > last ? last : end;
	memcpy(slice->data + (from - slice->from), text + (from - begin),
	    (size_t)(to - from));
}

/* One byte, which may become what is on both sides of an edge: 1. 0 where the
 * slice ends amid that, since the next one has to see all of it. */
static size_t step_once(
    struct json_layout *place, const char *at, const struct json_slice *slice)
{
	char piece[STEP_ROOM(JSON_DEPTH_MAX)];
	struct run run = {
	    .text = at,
	    .end = at + 1,
	    .at = piece,
	    .room = sizeof(piece),
	    .place = *place,
	};
	run_on(&run, true);
	run.place.in++;
	put(&run.place, piece, (size_t)(run.at - piece), slice);
	if (run.place.out > slice->from + slice->size)
		return 0;
	*place = run.place;
	return 1;
}

bool json_layout_feed(struct json_layout *place, const char *text, size_t len,
    const struct json_slice *slice)
{
	uint64_t last = slice->from + slice->size;
	for (size_t i = 0, taken; i < len && place->out < last; i += taken) {
		taken = step_many(place, text + i, len - i, slice);
		if (taken == 0)
			taken = step_once(place, text + i, slice);
		if (taken == 0)
			return true;
	}
	return place->out >= last;
}

void json_layout_end(struct json_layout *place, const struct json_slice *slice)
{
	put(place, "\n", 1, slice);
}
