#include "emulator/query_string.h"

#include <errno.h>
#include <string.h>

#define QUERY_MAX ((size_t)4 << 20)

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int percent_decode(const char *text, size_t len, int plus, struct buf *out)
{
	int r = buf_reserve(out, len);
	for (size_t i = 0; r == 0 && i < len; i++) {
		char c = text[i];
		if (c == '+' && plus) {
			c = ' ';
		} else if (c == '%' && i + 2 < len &&
			   hex_digit(text[i + 1]) >= 0 &&
			   hex_digit(text[i + 2]) >= 0) {
			c = (char)(hex_digit(text[i + 1]) << 4 |
				   hex_digit(text[i + 2]));
			i += 2;
		}
		r = buf_addc(out, c);
	}
	return r;
}

int percent_encode(const char *data, size_t len, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";
	int r = 0;
	for (size_t i = 0; r == 0 && i < len; i++) {
		unsigned char c = (unsigned char)data[i];
		int plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			    (c >= 'a' && c <= 'z') || (c && strchr("-._~", c));
		char code[3] = {'%', hex[c >> 4], hex[c & 15]};
		r = plain ? buf_addc(out, (char)c) : buf_add(out, code, 3);
	}
	return r;
}

static int param_decode(
    const char *text, size_t len, char **ret, size_t *ret_len)
{
	CLEANUP_BUF struct buf out;
	buf_init(&out, QUERY_MAX);
	int r = percent_decode(text, len, 1, &out);
	if (r < 0)
		return r;
	if (ret_len)
		*ret_len = out.len;
	*ret = out.data ? buf_steal(&out) : strdup("");
	return *ret ? 0 : -ENOMEM;
}

int params_init(struct params *params, const char *query)
{
	params->count = 0;
	while (query && *query && params->count < PARAMS_MAX) {
		size_t len = strcspn(query, "&");
		size_t name = strcspn(query, "=&");
		const char *value = query + name + (name < len);
		struct param *param = &params->items[params->count];
		*param = (struct param){0};
		params->count++;
		int r = param_decode(query, name, &param->name, NULL);
		if (r == 0)
			r = param_decode(value, (size_t)(query + len - value),
			    &param->value, &param->len);
		if (r < 0) {
			params_done(params);
			return r;
		}
		query += len + (query[len] == '&');
	}
	return 0;
}

void params_done(struct params *params)
{
	for (size_t i = 0; i < params->count; i++) {
		free(params->items[i].name);
		free(params->items[i].value);
	}
	params->count = 0;
}

const struct param *params_find(const struct params *params, const char *name)
{
	for (size_t i = 0; i < params->count; i++)
		if (strcmp(params->items[i].name, name) == 0)
			return &params->items[i];
	return NULL;
}

const char *params_get(const struct params *params, const char *name)
{
	const struct param *param = params_find(params, name);
	return param ? param->value : NULL;
}
