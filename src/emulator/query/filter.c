#include "emulator/query/filter.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/query/condition.h"

/* A filter of more conditions than this is refused. */
#define CONDITIONS_MAX 100

/*
 * Conditions in groups. A row matches when all conditions of the groups of
 * andFilters hold (group 0), and all of at least one of orFilters' groups (1
 * and up) do, if there are any.
 */
struct filter {
	struct condition *conditions[CONDITIONS_MAX];
	unsigned groups[CONDITIONS_MAX];
	size_t count;
	unsigned group_count; /* of orFilters */
	bool needs_text;
};

bool filter_is_empty(const struct filter *filter)
{
	return !filter || (filter->count == 0 && filter->group_count == 0);
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->count; i++) {
		condition_done(filter->conditions[i]);
		free(filter->conditions[i]);
	}
	free(filter);
}

static int add_values(struct condition *condition, const cJSON *array)
{
	const cJSON *element;
	size_t count = (size_t)cJSON_GetArraySize(array);
	struct value *values = calloc(count + 1, sizeof(*values));
	if (!values)
		return -ENOMEM;
	value_done(&condition->values[0]);
	free(condition->values);
	condition->values = values;
	condition->count = 0;
	cJSON_ArrayForEach (element, array) {
		CLEANUP_FREE char *text = cJSON_PrintUnformatted(element);
		if (!text)
			return -ENOMEM;
		struct json_span token = {text, strlen(text)};
		int r = value_init(&values[condition->count++], token);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_condition(struct filter *filter, unsigned group,
    const char *field, enum op op, const cJSON *value, bool ignore_case)
{
	if (filter->count == CONDITIONS_MAX ||
	    ((op == OP_IN || op == OP_NIN) != !!cJSON_IsArray(value) &&
		op != OP_EQ && op != OP_NE))
		return -EINVAL;
	CLEANUP_FREE char *text = cJSON_PrintUnformatted(value);
	struct condition *condition = calloc(1, sizeof(*condition));
	if (!text || !condition) {
		free(condition);
		return -ENOMEM;
	}
	filter->groups[filter->count] = group;
	filter->conditions[filter->count++] = condition;
	int r = condition_init(condition, field, op, text, ignore_case);
	if (r == 0 && (op == OP_IN || op == OP_NIN))
		r = add_values(condition, value);
	if (condition->subject == SUBJECT_TEXT)
		filter->needs_text = true;
	return r;
}

/* "field": {"$gt": v, …} or "field": v */
static int add_member(
    struct filter *filter, unsigned group, const cJSON *member)
{
	const cJSON *first = cJSON_IsObject(member) ? member->child : NULL;
	if (!first || first->string[0] != '$')
		return add_condition(
		    filter, group, member->string, OP_EQ, member, false);
	const cJSON *options =
	    cJSON_GetObjectItemCaseSensitive(member, "$options");
	bool ignore_case = cJSON_IsString(options) &&
			   strchr(options->valuestring, 'i') != NULL;
	const cJSON *item;
	cJSON_ArrayForEach (item, member) {
		enum op op;
		if (item == options)
			continue;
		int r = op_parse(item->string, &op);
		if (r == 0)
			r = add_condition(filter, group, member->string, op,
			    item, ignore_case);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_object(
    struct filter *filter, const cJSON *object, bool alternatives)
{
	const cJSON *member;
	cJSON_ArrayForEach (member, object) {
		unsigned group = alternatives ? ++filter->group_count : 0;
		int r = add_member(filter, group, member);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_array(
    struct filter *filter, const cJSON *array, bool alternatives)
{
	const cJSON *object, *member;
	cJSON_ArrayForEach (object, array) {
		unsigned group = alternatives ? ++filter->group_count : 0;
		if (!cJSON_IsObject(object))
			return -EINVAL;
		cJSON_ArrayForEach (member, object) {
			int r = add_member(filter, group, member);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int add_text(struct filter *filter, const char *text, bool alternatives)
{
	if (!text || !*text)
		return 0;
	cJSON *tree = cJSON_ParseWithOpts(text, NULL, 1);
	int r = -EINVAL;
	if (cJSON_IsObject(tree))
		r = add_object(filter, tree, alternatives);
	else if (cJSON_IsArray(tree))
		r = add_array(filter, tree, alternatives);
	cJSON_Delete(tree);
	return r;
}

int filter_new(
    const char *and_text, const char *or_text, struct filter **ret_filter)
{
	struct filter *filter = calloc(1, sizeof(*filter));
	if (!filter)
		return -ENOMEM;
	int r = add_text(filter, and_text, false);
	if (r == 0)
		r = add_text(filter, or_text, true);
	if (r < 0) {
		filter_free(filter);
		return r;
	}
	*ret_filter = filter;
	return 0;
}

static int match_group(const struct filter *filter, unsigned group, row_t row,
    struct json_span text)
{
	for (size_t i = 0; i < filter->count; i++) {
		if (filter->groups[i] != group)
			continue;
		int r = condition_match(filter->conditions[i], row, text);
		if (r <= 0)
			return r;
	}
	return 1;
}

int filter_match(const struct filter *filter, const struct columns *columns,
    const struct table *table, row_t row)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, DOCUMENT_TEXT_MAX);
	int r = filter->needs_text
		    ? columns_read_text(columns, table, row, &text)
		    : 0;
	if (r < 0)
		return r;
	struct json_span span = {buf_str(&text), text.len};
	r = match_group(filter, 0, row, span);
	if (r <= 0 || filter->group_count == 0)
		return r;
	for (unsigned group = 1; group <= filter->group_count; group++) {
		r = match_group(filter, group, row, span);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Narrow [low, high) by a condition on the order's own key. */
static void narrow(const struct condition *condition, const struct table *table,
    enum table_order order, size_t *low, size_t *high)
{
	const struct buf *id = &condition->values[0].text;
	size_t before, after;
	if (order == TABLE_BY_ID) {
		before = table_rank_id(table, buf_str(id), id->len, false);
		after = table_rank_id(table, buf_str(id), id->len, true);
	} else {
		before = table_rank_updated(table, condition->ms, false);
		after = table_rank_updated(table, condition->ms, true);
	}
	enum op op = condition->op;
	if ((op == OP_EQ || op == OP_GTE) && before > *low)
		*low = before;
	if (op == OP_GT && after > *low)
		*low = after;
	if ((op == OP_EQ || op == OP_LTE) && after < *high)
		*high = after;
	if (op == OP_LT && before < *high)
		*high = before;
}

void filter_range(const struct filter *filter, const struct table *table,
    enum table_order order, size_t *ret_low, size_t *ret_high, bool *ret_all)
{
	enum subject key = order == TABLE_BY_ID ? SUBJECT_ID : SUBJECT_UPDATED;
	size_t low = 0, high = table_count(table);
	bool all = !filter || filter->group_count == 0;
	for (size_t i = 0; filter && i < filter->count; i++) {
		const struct condition *condition = filter->conditions[i];
		if (filter->groups[i] != 0 || condition->subject != key ||
		    condition->op == OP_NE) {
			all = false;
			continue;
		}
		narrow(condition, table, order, &low, &high);
		/* Rows without the time come first and never match. */
		if (key == SUBJECT_UPDATED) {
			size_t first =
			    table_rank_updated(table, DOCUMENT_NO_TIME, true);
			low = first > low ? first : low;
		}
	}
	*ret_low = low;
	*ret_high = high < low ? low : high;
	*ret_all = all;
}
