/* JSON values as filters and sorting compare them, in MongoDB's order of
 * kinds. Pure. */
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
	double number;	 /* a number; 0 or 1 of a boolean */
	struct buf text; /* a string, decoded; an object's or array's token */
};

/* token.text NULL makes a missing value. 0, -EPROTO or -ENOMEM. */
int value_init(struct value *value, struct json_span token);
/* Free what it holds. */
void value_done(struct value *value);

/* <0, 0, >0. Objects and arrays compare by their text. */
int value_compare(const struct value *a, const struct value *b);

/* The member at a dotted path ("a.b") of an object's text; {NULL, 0} when
 * there is none. 0, -EPROTO or -ENOMEM. */
int value_find(
    struct json_span object, const char *path, struct json_span *ret_token);

#endif
