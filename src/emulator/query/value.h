/* JSON values as filters and sorting compare them, in MongoDB's order of
 * kinds. A value belongs to one thread. */
#ifndef EMULATOR_VALUE_H
#define EMULATOR_VALUE_H

#include "json/json.h"

enum value_kind {
	VALUE_MISSING,
	VALUE_NULL,
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_OBJECT,
	VALUE_ARRAY,
	VALUE_BOOL,
};

struct value {
	enum value_kind kind;
	/* Exact for all whole numbers of 64 bits, where it has as many; 0 or 1
	 * of a boolean. */
	long double number;
	/* A string, decoded; an object's or array's token. Points into the
	 * token that was read, or into room. */
	const char *data;
	size_t len;
	struct buf room;
};

/* Empty, to be read into any number of times. */
void value_init(struct value *value);

/* Free what it holds. */
void value_done(struct value *value);

/* Read a token, which has to stay where it is; {NULL, 0} makes a missing value.
 * 0, -EPROTO or -ENOMEM. */
int value_read(struct value *value, struct json_span token);

/* The same, with a copy of the token. */
int value_read_copy(struct value *value, struct json_span token);

/* <0, 0, >0. Arrays compare element by element, documents member by member, in
 * their order; what nests too deeply is equal. */
int value_compare(const struct value *a, const struct value *b);

#endif
