#include "sync/listing/sort_field.h"

#include <stdlib.h>
#include <string.h>

/* Longer ones are compared by no more. */
#define VALUE_MAX 256

/* All records have these, and their order is what is in question. */
static const char *const passed_over[] = {
    "id", "_id", "createdAt", "updatedAt", "createdBy"};

static bool is_plain(const char *name, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz_"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	for (size_t i = 0; i < len; i++) {
		if (!name[i] || !strchr(plain, name[i]))
			return false;
	}
	return len > 0 && len < FIELD_NAME_MAX;
}

bool sort_field_init(struct sort_field *field, struct json_span name)
{
	if (name.len < 2 || !is_plain(name.text + 1, name.len - 2))
		return false;
	*field = (struct sort_field){0};
	memcpy(field->name, name.text + 1, name.len - 2);
	for (size_t i = 0; i < sizeof(passed_over) / sizeof(*passed_over);
	     i++) {
		if (strcmp(field->name, passed_over[i]) == 0)
			return false;
	}
	buf_init(&field->last, VALUE_MAX);
	return true;
}

void sort_field_done(struct sort_field *field)
{
	buf_done(&field->last);
}

static int sign(double n)
{
	return (n > 0) - (n < 0);
}

static int compare(const struct sort_field *field, const struct buf *value)
{
	if (field->number)
		return sign(strtod(buf_str(value), NULL) -
			    strtod(buf_str(&field->last), NULL));
	return buf_compare(value, &field->last);
}

int sort_field_add(struct sort_field *field, struct json_span value)
{
	bool number = json_is_number(value);
	struct buf copy;
	field->broken |= !value.text || (!number && !json_is_string(value)) ||
			 (field->told && number != field->number);
	if (field->broken)
		return 0;
	buf_init(&copy, VALUE_MAX);
	/* Without its quotes: the one at the end is none of its characters. */
	size_t quote = number ? 0 : 1, len = value.len - 2 * quote;
	int r = buf_add(
	    &copy, value.text + quote, len < VALUE_MAX ? len : VALUE_MAX - 1);
	if (r < 0)
		return r;
	field->number = number;
	field->step = field->told ? compare(field, &copy) : 0;
	field->step = sign(field->step);
	field->falls |= field->step < 0;
	field->rises |= field->step > 0;
	field->told = true;
	buf_done(&field->last);
	field->last = copy;
	return 0;
}
