#include "emulator/query/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/query/condition.h"
#include "emulator/query/cursor.h"

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

bool filter_needs_text(const struct filter *filter)
{
	return filter && filter->needs_text;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->count; i++)
		condition_free(filter->conditions[i]);
	free(filter);
}

/* ---- parsing ---- */

/* What is being parsed, and where what is wrong with it goes. */
struct parse {
	struct filter *filter;
	const char *name; /* andFilters, orFilters */
	struct buf *problem;
	bool alternatives;
};

static int refuse(const struct parse *parse, const char *what, const char *name)
{
	int r = buf_printf(parse->problem, "%s%s", what, name);
	return r < 0 ? r : -EINVAL;
}

static int add_condition(const struct parse *parse, unsigned group,
    const char *field, enum op op, struct json_span value, const char *options)
{
	struct filter *filter = parse->filter;
	struct condition *condition;
	if (filter->count == CONDITIONS_MAX)
		return refuse(parse, "too many conditions in ", parse->name);
	int r = condition_new(
	    field, op, value, options, parse->problem, &condition);
	if (r < 0)
		return r;
	filter->groups[filter->count] = group;
	filter->conditions[filter->count++] = condition;
	filter->needs_text |= condition_needs_text(condition);
	return 0;
}

/* A string token's text, which is the caller's; -EINVAL where it holds a NUL.
 */
static int decode(struct json_span token, char **ret_text)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = json_string_decode(token, &text);
	if (r == 0 && strlen(buf_str(&text)) != text.len)
		r = -EINVAL;
	if (r < 0)
		return r;
	*ret_text = strdup(buf_str(&text));
	return *ret_text ? 0 : -ENOMEM;
}

/* What stands beside $regex; "" where there is nothing. */
static int read_options(const struct parse *parse, const char *field,
    struct json_span operators, char **ret_options)
{
	static const char *const names[] = {"$regex", "$options"};
	struct json_span spans[2];
	int r = json_members(operators.text, operators.len, names, 2, spans);
	if (r < 0)
		return r;
	if (!spans[1].text)
		return (*ret_options = strdup("")) ? 0 : -ENOMEM;
	if (!spans[0].text || !json_is_string(spans[1]))
		return refuse(parse,
		    "$options: not a string beside a $regex, of ", field);
	return decode(spans[1], ret_options);
}

/* {"$gt": v, …} of a field. */
static int add_operators(const struct parse *parse, unsigned group,
    const char *field, struct json_span operators)
{
	CLEANUP_FREE char *options = NULL;
	struct cursor cursor;
	struct json_span key, value;
	int r = read_options(parse, field, operators, &options);
	if (r < 0)
		return r;
	cursor_init(&cursor, operators);
	while ((r = cursor_next(&cursor, &key, &value)) > 0) {
		CLEANUP_FREE char *name = NULL;
		enum op op;
		r = decode(key, &name);
		if (r < 0)
			return r;
		if (strcmp(name, "$options") == 0)
			continue;
		if (op_parse(name, &op) < 0)
			return refuse(parse,
			    "not an operator that is known here: ", name);
		r = add_condition(parse, group, field, op, value, options);
		if (r < 0)
			return r;
	}
	return r;
}

static bool has_operators(struct json_span value)
{
	struct cursor cursor;
	struct json_span key, first;
	if (!json_is_object(value))
		return false;
	cursor_init(&cursor, value);
	return cursor_next(&cursor, &key, &first) > 0 && key.text[1] == '$';
}

/* "field": {"$gt": v, …} or "field": v */
static int add_member(const struct parse *parse, unsigned group,
    struct json_span key, struct json_span value)
{
	CLEANUP_FREE char *field = NULL;
	int r = decode(key, &field);
	if (r < 0)
		return r;
	if (field[0] == '$')
		return refuse(
		    parse, "not an operator that is known here: ", field);
	if (has_operators(value))
		return add_operators(parse, group, field, value);
	return add_condition(parse, group, field, OP_EQ, value, "");
}

/* An object's members: alternatives each, or all in a group. */
static int add_object(const struct parse *parse, struct json_span object,
    bool alternatives, unsigned group)
{
	struct cursor cursor;
	struct json_span key, value;
	int r;
	cursor_init(&cursor, object);
	while ((r = cursor_next(&cursor, &key, &value)) > 0) {
		if (alternatives)
			group = ++parse->filter->group_count;
		r = add_member(parse, group, key, value);
		if (r < 0)
			return r;
	}
	return r;
}

static int add_array(const struct parse *parse, struct json_span array)
{
	struct cursor cursor;
	struct json_span key, object;
	int r;
	cursor_init(&cursor, array);
	while ((r = cursor_next(&cursor, &key, &object)) > 0) {
		unsigned group =
		    parse->alternatives ? ++parse->filter->group_count : 0;
		if (!json_is_object(object))
			return refuse(
			    parse, "not an array of objects: ", parse->name);
		r = add_object(parse, object, false, group);
		if (r < 0)
			return r;
	}
	return r;
}

static int add_text(const struct parse *parse, const char *text)
{
	if (!text || !*text)
		return 0;
	struct json_span span = {text, strlen(text)};
	if (json_check(span.text, span.len) < 0)
		return refuse(parse, "not JSON: ", parse->name);
	span.text += strspn(span.text, " \t\r\n");
	span.len -= (size_t)(span.text - text);
	if (json_is_object(span))
		return add_object(parse, span, parse->alternatives, 0);
	if (json_is_array(span))
		return add_array(parse, span);
	return refuse(
	    parse, "neither a JSON object nor an array: ", parse->name);
}

int filter_new(const char *and_text, const char *or_text, struct buf *problem,
    struct filter **ret_filter)
{
	struct filter *filter = calloc(1, sizeof(*filter));
	if (!filter)
		return -ENOMEM;
	struct parse parse = {
	    .filter = filter, .name = "andFilters", .problem = problem};
	int r = add_text(&parse, and_text);
	parse.name = "orFilters";
	parse.alternatives = true;
	if (r == 0)
		r = add_text(&parse, or_text);
	if (r < 0) {
		filter_free(filter);
		return r;
	}
	*ret_filter = filter;
	return 0;
}

int filter_add_equal(
    struct filter *filter, const char *field, const char *string)
{
	CLEANUP_BUF struct buf problem, token;
	buf_init(&problem, BUF_MAX_DEFAULT);
	buf_init(&token, BUF_MAX_DEFAULT);
	const struct parse parse = {
	    .filter = filter, .name = field, .problem = &problem};
	int r = json_string_encode(string, strlen(string), &token);
	if (r < 0)
		return r;
	struct json_span value = {token.data, token.len};
	return add_condition(&parse, 0, field, OP_EQ, value, "");
}

/* ---- matching ---- */

static int match_group(
    struct filter *filter, unsigned group, row_t row, struct json_span text)
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

int filter_match(struct filter *filter, row_t row, struct json_span text)
{
	int r = match_group(filter, 0, row, text);
	if (r <= 0 || filter->group_count == 0)
		return r;
	for (unsigned group = 1; group <= filter->group_count; group++) {
		r = match_group(filter, group, row, text);
		if (r != 0)
			return r;
	}
	return 0;
}

void filter_range(const struct filter *filter, const struct table *table,
    enum table_order order, size_t *ret_low, size_t *ret_high, bool *ret_all)
{
	size_t low = 0, high = table_count(table);
	bool all = !filter || filter->group_count == 0;
	for (size_t i = 0; filter && i < filter->count; i++)
		if (filter->groups[i] != 0 ||
		    !condition_narrow(
			filter->conditions[i], table, order, &low, &high))
			all = false;
	*ret_low = low;
	*ret_high = high < low ? low : high;
	*ret_all = all;
}
