#include "emulator/query/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/store/document.h"

/* No number that a double can tell apart from another needs more. */
#define NUMBER_TEXT_MAX 512

static int init_number(struct value *value, struct json_span token)
{
	char text[NUMBER_TEXT_MAX];
	size_t len = token.len < sizeof(text) ? token.len : sizeof(text) - 1;
	memcpy(text, token.text, len);
	text[len] = '\0';
	value->kind = VALUE_NUMBER;
	value->number = strtod(text, NULL);
	return 0;
}

int value_init(struct value *value, struct json_span token)
{
	*value = (struct value){0};
	buf_init(&value->text, DOCUMENT_TEXT_MAX);
	if (!token.text)
		return 0;
	if (json_is_number(token))
		return init_number(value, token);
	if (json_is_string(token)) {
		value->kind = VALUE_STRING;
		return json_string_decode(token, &value->text);
	}
	if (json_is_object(token) || json_is_array(token)) {
		value->kind =
		    json_is_object(token) ? VALUE_OBJECT : VALUE_ARRAY;
		return buf_add(&value->text, token.text, token.len);
	}
	value->kind = *token.text == 'n' ? VALUE_NULL : VALUE_BOOL;
	value->number = *token.text == 't';
	return 0;
}

void value_done(struct value *value)
{
	buf_done(&value->text);
}

int value_compare(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	size_t least = a->text.len < b->text.len ? a->text.len : b->text.len;
	int order = memcmp(buf_str(&a->text), buf_str(&b->text), least);
	return order
		   ? order
		   : (a->text.len > b->text.len) - (a->text.len < b->text.len);
}

static int find_member(
    struct json_span object, const char *name, struct json_span *ret_token)
{
	const char *const names[] = {name};
	*ret_token = (struct json_span){0};
	if (!object.text || !json_is_object(object))
		return 0;
	return json_members(object.text, object.len, names, 1, ret_token);
}

int value_find(
    struct json_span object, const char *path, struct json_span *ret_token)
{
	int r = find_member(object, path, ret_token);
	const char *dot = strchr(path, '.');
	if (r < 0 || ret_token->text || !dot)
		return r;
	CLEANUP_FREE char *first = strndup(path, (size_t)(dot - path));
	if (!first)
		return -ENOMEM;
	struct json_span inner;
	r = find_member(object, first, &inner);
	if (r < 0 || !inner.text)
		return r;
	return value_find(inner, dot + 1, ret_token);
}
