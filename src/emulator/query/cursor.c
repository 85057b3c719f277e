#include "emulator/query/cursor.h"

#include <errno.h>
#include <string.h>

static const char *skip_space(const char *at, const char *end)
{
	while (at < end &&
	       (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

/* Behind the string that begins at a quote, or NULL. */
static const char *skip_string(const char *at, const char *end)
{
	const char *from = at + 1;
	while ((at = memchr(from, '"', (size_t)(end - from)))) {
		const char *slash = at;
		while (slash > from && slash[-1] == '\\')
			slash--;
		from = at + 1;
		if ((at - slash) % 2 == 0)
			return from;
	}
	return NULL;
}

/* Behind the object or array that begins at a bracket, or NULL. */
static const char *skip_container(const char *at, const char *end)
{
	size_t depth = 0;
	while (at < end) {
		switch (*at) {
		case '"':
			at = skip_string(at, end);
			if (!at)
				return NULL;
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (--depth == 0)
				return at + 1;
			break;
		default:
			break;
		}
		at++;
	}
	return NULL;
}

/* Behind the value at at, or NULL. */
static const char *skip_value(const char *at, const char *end)
{
	const char *start = at;
	if (*at == '"')
		return skip_string(at, end);
	if (*at == '{' || *at == '[')
		return skip_container(at, end);
	while (at < end && !strchr(",]} \t\r\n", *at))
		at++;
	return at > start ? at : NULL;
}

void cursor_init(struct cursor *cursor, struct json_span container)
{
	const char *end = container.text + container.len;
	const char *at = skip_space(container.text, end);
	*cursor = (struct cursor){
	    .at = at + 1, .end = end, .object = at < end && *at == '{'};
	if (at == end)
		cursor->at = end;
}

/* A key and the colon behind it; at is moved to the value. */
static int take_key(struct cursor *cursor, struct json_span *ret_key)
{
	const char *start = cursor->at;
	const char *at = *start == '"' ? skip_string(start, cursor->end) : NULL;
	if (!at)
		return -EPROTO;
	*ret_key = (struct json_span){start, (size_t)(at - start)};
	at = skip_space(at, cursor->end);
	if (at == cursor->end || *at != ':')
		return -EPROTO;
	cursor->at = skip_space(at + 1, cursor->end);
	return cursor->at == cursor->end ? -EPROTO : 0;
}

int cursor_next(struct cursor *cursor, struct json_span *ret_key,
    struct json_span *ret_value)
{
	cursor->at = skip_space(cursor->at, cursor->end);
	if (cursor->at < cursor->end && *cursor->at == ',')
		cursor->at = skip_space(cursor->at + 1, cursor->end);
	if (cursor->at == cursor->end)
		return -EPROTO;
	if (*cursor->at == '}' || *cursor->at == ']')
		return 0;
	*ret_key = (struct json_span){0};
	if (cursor->object && take_key(cursor, ret_key) < 0)
		return -EPROTO;
	const char *start = cursor->at;
	const char *after = skip_value(start, cursor->end);
	if (!after)
		return -EPROTO;
	*ret_value = (struct json_span){start, (size_t)(after - start)};
	cursor->at = after;
	return 1;
}

/* 1, 0 or -errno. */
static int key_is(struct json_span key, const char *name, size_t name_len)
{
	if (!memchr(key.text, '\\', key.len))
		return key.len == name_len + 2 &&
		       memcmp(key.text + 1, name, name_len) == 0;
	CLEANUP_BUF struct buf decoded;
	buf_init(&decoded, BUF_MAX_DEFAULT);
	int r = json_string_decode(key, &decoded);
	if (r < 0)
		return r;
	return decoded.len == name_len &&
	       memcmp(buf_str(&decoded), name, name_len) == 0;
}

int cursor_member(struct json_span object, const char *name, size_t name_len,
    struct json_span *ret_value)
{
	struct cursor cursor;
	struct json_span key, value;
	int r;
	*ret_value = (struct json_span){0};
	cursor_init(&cursor, object);
	if (!cursor.object)
		return 0;
	while ((r = cursor_next(&cursor, &key, &value)) > 0) {
		r = key_is(key, name, name_len);
		if (r < 0)
			return r;
		if (r > 0)
			*ret_value = value;
	}
	return r;
}
