#include "emulator/query/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/query/cursor.h"
#include "emulator/store/document.h"

/* No number that a long double can tell apart from another needs more. */
#define NUMBER_TEXT_MAX 512

/* Whole numbers of so many digits need no strtold. */
#define DIGITS_MAX 18

#define DEPTH_MAX 100

void value_init(struct value *value)
{
	*value = (struct value){.kind = VALUE_MISSING};
	buf_init(&value->room, DOCUMENT_TEXT_MAX);
}

void value_done(struct value *value)
{
	buf_done(&value->room);
}

static long double read_number(struct json_span token)
{
	char text[NUMBER_TEXT_MAX];
	bool minus = token.text[0] == '-';
	size_t digits = 0, at = minus;
	int64_t whole = 0;
	for (; at < token.len && digits < DIGITS_MAX; at++, digits++) {
		if (token.text[at] < '0' || token.text[at] > '9')
			break;
		whole = whole * 10 + (token.text[at] - '0');
	}
	if (at == token.len)
		return minus ? -(long double)whole : (long double)whole;
	size_t len = token.len < sizeof(text) ? token.len : sizeof(text) - 1;
	memcpy(text, token.text, len);
	text[len] = '\0';
	return strtold(text, NULL);
}

static int read_string(struct value *value, struct json_span token)
{
	value->kind = VALUE_STRING;
	if (!memchr(token.text, '\\', token.len)) {
		value->data = token.text + 1;
		value->len = token.len - 2;
		return 0;
	}
	buf_clear(&value->room);
	int r = json_string_decode(token, &value->room);
	value->data = buf_str(&value->room);
	value->len = value->room.len;
	return r;
}

int value_read(struct value *value, struct json_span token)
{
	value->kind = VALUE_MISSING;
	value->number = 0;
	value->data = "";
	value->len = 0;
	if (!token.text)
		return 0;
	if (json_is_string(token))
		return read_string(value, token);
	if (json_is_number(token)) {
		value->kind = VALUE_NUMBER;
		value->number = read_number(token);
	} else if (json_is_object(token) || json_is_array(token)) {
		value->kind =
		    json_is_object(token) ? VALUE_OBJECT : VALUE_ARRAY;
		value->data = token.text;
		value->len = token.len;
	} else {
		value->kind = *token.text == 'n' ? VALUE_NULL : VALUE_BOOL;
		value->number = *token.text == 't';
	}
	return 0;
}

int value_read_copy(struct value *value, struct json_span token)
{
	int r = value_read(value, token);
	if (r < 0 || value->len == 0 || value->data == value->room.data)
		return r;
	buf_clear(&value->room);
	r = buf_add(&value->room, value->data, value->len);
	value->data = buf_str(&value->room);
	return r;
}

static int compare_bytes(
    const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t least = a_len < b_len ? a_len : b_len;
	int order = least ? memcmp(a, b, least) : 0;
	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_at(const struct value *a, const struct value *b, int depth);

/* Two tokens of two containers. */
static int compare_tokens(struct json_span a, struct json_span b, int depth)
{
	struct value left, right;
	value_init(&left);
	value_init(&right);
	int order = 0;
	if (value_read(&left, a) == 0 && value_read(&right, b) == 0)
		order = compare_at(&left, &right, depth + 1);
	value_done(&left);
	value_done(&right);
	return order;
}

/* As MongoDB: the members' kinds first, then their names, then their values. */
static int compare_members(struct json_span a_key, struct json_span a,
    struct json_span b_key, struct json_span b, int depth)
{
	struct value left, right;
	value_init(&left);
	value_init(&right);
	int order = 0;
	if (value_read(&left, a) == 0 && value_read(&right, b) == 0)
		order = (left.kind > right.kind) - (left.kind < right.kind);
	value_done(&left);
	value_done(&right);
	if (order == 0 && a_key.text)
		order = compare_tokens(a_key, b_key, depth);
	return order ? order : compare_tokens(a, b, depth);
}

static int compare_containers(
    const struct value *a, const struct value *b, int depth)
{
	struct cursor left, right;
	struct json_span a_key, b_key, a_value, b_value;
	cursor_init(&left, (struct json_span){a->data, a->len});
	cursor_init(&right, (struct json_span){b->data, b->len});
	for (;;) {
		int more = cursor_next(&left, &a_key, &a_value);
		int other = cursor_next(&right, &b_key, &b_value);
		if (more <= 0 || other <= 0)
			return (more > 0) - (other > 0);
		int order =
		    compare_members(a_key, a_value, b_key, b_value, depth);
		if (order != 0)
			return order;
	}
}

static int compare_at(const struct value *a, const struct value *b, int depth)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == VALUE_STRING)
		return compare_bytes(a->data, a->len, b->data, b->len);
	if (a->kind == VALUE_OBJECT || a->kind == VALUE_ARRAY)
		return depth < DEPTH_MAX ? compare_containers(a, b, depth) : 0;
	return (a->number > b->number) - (a->number < b->number);
}

int value_compare(const struct value *a, const struct value *b)
{
	return compare_at(a, b, 0);
}
