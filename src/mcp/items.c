#include "mcp/items.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/parsed.h"

/* So many are looked at, of one page. */
#define ITEMS_MAX 5000

struct items {
	cJSON *root;	     /* owned: parsed from the result's text */
	const cJSON *holder; /* the object that has the list; or NULL */
	const cJSON **list;  /* each item */
	size_t count;
	char (*numbers)[24]; /* texts of numeric ids, one an item */
	char words[300];
};

/* content[] of a tool, contents[] of a resource. */
static const cJSON *parts_of(const cJSON *result)
{
	const cJSON *parts = parsed_member(result, "content");
	return cJSON_IsArray(parts) ? parts : parsed_member(result, "contents");
}

static const char *text_of(const cJSON *part)
{
	const cJSON *text = parsed_member(part, "text");
	return cJSON_IsString(text) ? text->valuestring : NULL;
}

int items_raw(const cJSON *result, struct buf *out)
{
	const cJSON *part;
	int r = 0;
	cJSON_ArrayForEach (part, parts_of(result)) {
		const char *text = text_of(part);
		if (r == 0 && text)
			r = buf_adds(out, text);
		if (r == 0 && text)
			r = buf_addc(out, '\n');
	}
	return r;
}

/* The list of an answer, bare or within an envelope, and what holds it. */
static const cJSON *list_of(const cJSON *value, const cJSON **ret_holder)
{
	static const char *const names[] = {
	    "items", "tables", "projects", "environments", "data", "result"};
	*ret_holder = NULL;
	if (cJSON_IsArray(value))
		return value;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const cJSON *inner = parsed_member(value, names[i]);
		if (cJSON_IsArray(inner)) {
			*ret_holder = value;
			return inner;
		}
		if (cJSON_IsObject(inner)) {
			const cJSON *list = list_of(inner, ret_holder);
			if (list && !*ret_holder)
				*ret_holder = value;
			if (list)
				return list;
		}
	}
	return NULL;
}

static int take_list(struct items *items, const cJSON *list)
{
	const cJSON *item;
	size_t count = (size_t)cJSON_GetArraySize(list);
	if (count > ITEMS_MAX)
		count = ITEMS_MAX;
	items->list = calloc(count + 1, sizeof(const cJSON *));
	items->numbers = calloc(count + 1, sizeof(*items->numbers));
	if (!items->list || !items->numbers)
		return -ENOMEM;
	cJSON_ArrayForEach (item, list) {
		if (items->count < count)
			items->list[items->count++] = item;
	}
	return 0;
}

static int find_list(struct items *items, const cJSON *result)
{
	const cJSON *part;
	cJSON_ArrayForEach (part, parts_of(result)) {
		const char *text = text_of(part);
		cJSON *root = text ? cJSON_Parse(text) : NULL;
		const cJSON *list = list_of(root, &items->holder);
		if (list) {
			items->root = root;
			return take_list(items, list);
		}
		parsed_free(root);
	}
	return -EPROTO;
}

int items_read(
    const cJSON *result, struct items **ret_items, const char **words)
{
	struct items *items = calloc(1, sizeof(*items));
	CLEANUP_BUF struct buf raw;
	buf_init(&raw, BUF_MAX_DEFAULT);
	if (!items)
		return -ENOMEM;
	int r = find_list(items, result);
	if (r == -ENOMEM) {
		items_free(items);
		return r;
	}
	if (cJSON_IsTrue(parsed_member(result, "isError"))) {
		items_raw(result, &raw);
		snprintf(
		    items->words, sizeof(items->words), "%s", buf_str(&raw));
		r = -EACCES;
	}
	*words = items->words;
	*ret_items = items;
	return r;
}

void items_free(struct items *items)
{
	if (!items)
		return;
	parsed_free(items->root);
	free(items->list);
	free(items->numbers);
	free(items);
}

size_t items_count(const struct items *items)
{
	return items->count;
}

const char *items_text(
    const struct items *items, size_t index, const char *const *names)
{
	const cJSON *item = items->list[index];
	/* A bare array of names. */
	if (cJSON_IsString(item))
		return item->valuestring;
	for (; *names; names++) {
		const cJSON *value = parsed_member(item, *names);
		if (cJSON_IsString(value) && value->valuestring[0])
			return value->valuestring;
		if (cJSON_IsNumber(value)) {
			snprintf(items->numbers[index],
			    sizeof(items->numbers[index]), "%.15g",
			    value->valuedouble);
			return items->numbers[index];
		}
	}
	return NULL;
}

static int64_t number_of(const cJSON *value)
{
	if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0) ||
	    !(value->valuedouble < 1e15))
		return -1;
	return (int64_t)value->valuedouble;
}

int items_more(const struct items *items, int64_t page, int64_t seen)
{
	static const char *const names[] = {"hasNext", "hasNextPage"};
	const cJSON *pages = parsed_member(items->holder, "pagination");
	if (!cJSON_IsObject(pages))
		pages = items->holder;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const cJSON *value = parsed_member(pages, names[i]);
		if (cJSON_IsBool(value))
			return cJSON_IsTrue(value);
	}
	int64_t all = number_of(parsed_member(pages, "totalPages"));
	if (all >= 0)
		return page < all;
	int64_t total = number_of(parsed_member(pages, "total"));
	return total >= 0 ? seen < total : -1;
}
