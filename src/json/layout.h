/*
 * json_pretty's layout, a piece at a time: for texts that are too large to be
 * held, laid out or not. The text must have been found valid before; of any
 * other, bytes come out that mean nothing, and nothing worse. Pure.
 */
#ifndef JSON_LAYOUT_H
#define JSON_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place between two bytes of a text. All zero: its beginning. */
struct json_layout {
	uint64_t in;	/* bytes of the text before it */
	uint64_t out;	/* bytes of the laid-out text before it */
	unsigned depth; /* open containers */
	bool in_string; /* the next byte is a string's, or its closing quote */
	bool escaped;	/* the byte before was an escaping backslash */
	bool opened;	/* the token before opened a container */
};

/* Which part of the laid-out text is wanted, and where it goes. */
struct json_slice {
	uint64_t from;
	char *data;
	size_t size;
};

/*
 * Go on at a place with the len bytes of text that come there, and write what
 * of it falls into the slice; what the slice holds behind that is lost. True:
 * the slice is full, and the place not behind its end, so that the next one can
 * go on there. False: text is used up.
 */
bool json_layout_feed(struct json_layout *place, const char *text, size_t len,
    const struct json_slice *slice);

/* The text is used up: write its last line's end, if that is in the slice. */
void json_layout_end(struct json_layout *place, const struct json_slice *slice);

#endif
