#include "emulator/exchange/query_string.h"

#include <errno.h>
#include <string.h>

#include "base/percent.h"

#define QUERY_MAX ((size_t)4 << 20)

static int param_decode(
    const char *text, size_t len, char **ret, size_t *ret_len)
{
	CLEANUP_BUF struct buf out;
	buf_init(&out, QUERY_MAX);
	int r = percent_decode(text, len, true, &out);
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
	params->too_many = false;
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
	params->too_many = query && *query;
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
