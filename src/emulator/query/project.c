#include "emulator/query/project.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_name(struct projection *projection, const char *name)
{
	for (size_t i = 0; i < projection->count; i++)
		if (strcmp(projection->names[i], name) == 0)
			return 0;
	if (!*name)
		return 0;
	if (projection->count == PROJECT_MAX)
		return -E2BIG;
	projection->names[projection->count++] = name;
	return 0;
}

int projection_init(struct projection *projection, const char *select)
{
	static const char *const always[] = {
	    "id", "createdBy", "createdAt", "updatedAt"};
	*projection = (struct projection){.text = strdup(select)};
	if (!projection->text)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		add_name(projection, always[i]);
	char *rest = projection->text, *name;
	int r = 0;
	while (r == 0 && (name = strsep(&rest, ",")) != NULL) {
		name += strspn(name, " ");
		name[strcspn(name, " ")] = '\0';
		r = add_name(projection, name);
	}
	return r;
}

void projection_done(struct projection *projection)
{
	free(projection->text);
	*projection = (struct projection){0};
}

int projection_apply(const struct projection *projection, const char *text,
    size_t len, struct buf *out)
{
	struct json_span spans[PROJECT_MAX];
	int r = json_members(
	    text, len, projection->names, projection->count, spans);
	if (r == 0)
		r = buf_addc(out, '{');
	bool first = true;
	for (size_t i = 0; r == 0 && i < projection->count; i++) {
		const char *name = projection->names[i];
		if (!spans[i].text)
			continue;
		if (!first)
			r = buf_addc(out, ',');
		if (r == 0)
			r = json_string_encode(name, strlen(name), out);
		if (r == 0)
			r = buf_addc(out, ':');
		if (r == 0)
			r = buf_add(out, spans[i].text, spans[i].len);
		first = false;
	}
	return r == 0 ? buf_addc(out, '}') : r;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* "name":value before the object's last brace. */
static int add_member(const char *text, size_t len, const char *name,
    const char *value, struct buf *out)
{
	while (len > 0 && text[len - 1] != '}')
		len--;
	if (len == 0)
		return -EPROTO;
	size_t last = len - 1;
	while (last > 0 && is_space(text[last - 1]))
		last--;
	int r = buf_add(out, text, last);
	if (r == 0)
		r = buf_printf(out, "%s\"%s\":%s",
		    text[last - 1] == '{' ? "" : ",", name, value);
	return r == 0 ? buf_add(out, text + len - 1, 1) : r;
}

/* Where the member whose value begins at value begins: its key's quote. */
static size_t key_start(const char *text, size_t value)
{
	size_t at = value;
	while (at > 0 && text[at - 1] != ':')
		at--;
	while (at > 0 && text[at - 1] != '"')
		at--;
	/* A key that json_members found by name without escapes holds no
	 * quote, so the next one back is where it begins. */
	at--;
	while (at > 0 && text[at - 1] != '"')
		at--;
	return at > 0 ? at - 1 : 0;
}

static int drop_member(
    const char *text, size_t len, struct json_span value, struct buf *out)
{
	size_t start = key_start(text, (size_t)(value.text - text));
	size_t end = (size_t)(value.text - text) + value.len;
	while (end < len && is_space(text[end]))
		end++;
	if (end < len && text[end] == ',') {
		end++;
	} else {
		while (start > 0 && is_space(text[start - 1]))
			start--;
		if (start > 0 && text[start - 1] == ',')
			start--;
	}
	int r = buf_add(out, text, start);
	return r == 0 ? buf_add(out, text + end, len - end) : r;
}

int project_replace(const char *text, size_t len, const char *name,
    const char *value, struct buf *out)
{
	struct json_span span;
	int r = json_members(text, len, &name, 1, &span);
	if (r < 0)
		return r;
	if (!span.text)
		return value ? add_member(text, len, name, value, out)
			     : buf_add(out, text, len);
	if (!value)
		return drop_member(text, len, span, out);
	size_t start = (size_t)(span.text - text);
	r = buf_add(out, text, start);
	if (r == 0)
		r = buf_adds(out, value);
	if (r == 0)
		r = buf_add(out, span.text + span.len, len - start - span.len);
	return r;
}
