#include "emulator/query/condition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "emulator/query/cursor.h"
#include "emulator/query/path.h"
#include "emulator/query/pattern.h"
#include "emulator/query/value.h"

/* What the condition can be decided by. */
enum subject { SUBJECT_TEXT, SUBJECT_ID, SUBJECT_CREATED, SUBJECT_UPDATED };

struct condition {
	char *field;
	char *text; /* what values point into */
	enum op op;
	enum subject subject;
	struct value *values; /* one, but any number for $in and $nin */
	size_t count;
	int64_t ms; /* the value, for the two times */
	struct pattern *pattern;
	struct value found; /* room for a row's */
};

static const char *const op_names[OP_COUNT] = {"$eq", "$ne", "$gt", "$gte",
    "$lt", "$lte", "$in", "$nin", "$regex", "$exists"};

int op_parse(const char *name, enum op *ret_op)
{
	for (size_t i = 0; i < OP_COUNT; i++)
		if (strcmp(name, op_names[i]) == 0) {
			*ret_op = (enum op)i;
			return 0;
		}
	return -EINVAL;
}

/* ---- what is asked for ---- */

static int refuse(
    const struct condition *condition, const char *what, struct buf *problem)
{
	int r = buf_printf(problem, "%s of %s: %s", op_names[condition->op],
	    condition->field, what);
	return r < 0 ? r : -EINVAL;
}

static int add_value(struct condition *condition, struct json_span token)
{
	size_t count = condition->count;
	/* Room is made in powers of two. */
	if ((count & (count - 1)) == 0) {
		struct value *values = reallocarray(
		    condition->values, count ? count * 2 : 1, sizeof(*values));
		if (!values)
			return -ENOMEM;
		condition->values = values;
	}
	struct value *value = &condition->values[condition->count++];
	value_init(value);
	return value_read(value, token);
}

static int add_elements(struct condition *condition, struct json_span array)
{
	struct cursor cursor;
	struct json_span key, element;
	int r;
	cursor_init(&cursor, array);
	while ((r = cursor_next(&cursor, &key, &element)) > 0) {
		r = add_value(condition, element);
		if (r < 0)
			return r;
	}
	return r;
}

static bool is_comparison(enum op op)
{
	return op <= OP_LTE;
}

static int compare_values(const void *a, const void *b)
{
	return value_compare(a, b);
}

/* Of many, the one is found that is there. */
static int set_values(struct condition *condition, struct json_span array)
{
	int r = add_elements(condition, array);
	if (r == 0 && condition->count > 0)
		qsort(condition->values, condition->count,
		    sizeof(*condition->values), compare_values);
	return r;
}

/* Whether the row's own fields decide it, without the text. */
static enum subject find_subject(struct condition *condition)
{
	const struct value *value = condition->values;
	if (!is_comparison(condition->op) || value->kind != VALUE_STRING)
		return SUBJECT_TEXT;
	if (strcmp(condition->field, "id") == 0)
		return SUBJECT_ID;
	if (timestamp_parse(value->data, value->len, &condition->ms) < 0)
		return SUBJECT_TEXT;
	if (strcmp(condition->field, "createdAt") == 0)
		return SUBJECT_CREATED;
	if (strcmp(condition->field, "updatedAt") == 0)
		return SUBJECT_UPDATED;
	return SUBJECT_TEXT;
}

static int set_regex(
    struct condition *condition, const char *options, struct buf *problem)
{
	const struct value *value = condition->values;
	if (value->kind != VALUE_STRING)
		return refuse(condition, "not a string", problem);
	return pattern_new(
	    value->data, value->len, options, problem, &condition->pattern);
}

static int set_value(
    struct condition *condition, const char *options, struct buf *problem)
{
	struct json_span token = {condition->text, strlen(condition->text)};
	bool list = condition->op == OP_IN || condition->op == OP_NIN;
	if (list && !json_is_array(token))
		return refuse(condition, "not an array", problem);
	int r =
	    list ? set_values(condition, token) : add_value(condition, token);
	if (r < 0 || list)
		return r;
	if (condition->op == OP_REGEX)
		return set_regex(condition, options, problem);
	if (condition->op == OP_EXISTS &&
	    condition->values->kind != VALUE_BOOL &&
	    condition->values->kind != VALUE_NUMBER)
		return refuse(condition, "neither true nor false", problem);
	condition->subject = find_subject(condition);
	return 0;
}

int condition_new(const char *field, enum op op, struct json_span value,
    const char *options, struct buf *problem, struct condition **ret_condition)
{
	struct condition *condition = calloc(1, sizeof(*condition));
	if (!condition)
		return -ENOMEM;
	value_init(&condition->found);
	condition->op = op;
	condition->field = strdup(field);
	condition->text = strndup(value.text, value.len);
	int r = condition->field && condition->text
		    ? set_value(condition, options, problem)
		    : -ENOMEM;
	if (r < 0) {
		condition_free(condition);
		return r;
	}
	*ret_condition = condition;
	return 0;
}

void condition_free(struct condition *condition)
{
	if (!condition)
		return;
	for (size_t i = 0; i < condition->count; i++)
		value_done(&condition->values[i]);
	value_done(&condition->found);
	pattern_free(condition->pattern);
	free(condition->values);
	free(condition->field);
	free(condition->text);
	free(condition);
}

bool condition_needs_text(const struct condition *condition)
{
	return condition->subject == SUBJECT_TEXT;
}

/* ---- rows ---- */

static bool order_satisfies(enum op op, int order)
{
	switch (op) {
	case OP_EQ:
		return order == 0;
	case OP_NE:
		return order != 0;
	case OP_GT:
		return order > 0;
	case OP_GTE:
		return order >= 0;
	case OP_LT:
		return order < 0;
	case OP_LTE:
		return order <= 0;
	default:
		return false;
	}
}

static bool match_time(const struct condition *condition, int64_t ms)
{
	if (ms == DOCUMENT_NO_TIME)
		return condition->op == OP_NE;
	return order_satisfies(
	    condition->op, (ms > condition->ms) - (ms < condition->ms));
}

static bool match_id(const struct condition *condition, row_t row)
{
	struct row_id id;
	const struct value *asked = condition->values;
	row_read_id(row, &id);
	size_t least = id.len < asked->len ? id.len : asked->len;
	int order = memcmp(id.id, asked->data, least);
	if (order == 0)
		order = (id.len > asked->len) - (id.len < asked->len);
	return order_satisfies(condition->op, order);
}

/* Whether it is one of what is asked for; what is missing is null, too. */
static bool is_asked(
    const struct condition *condition, const struct value *found)
{
	static const struct value null = {.kind = VALUE_NULL, .data = ""};
	const struct value *key = found->kind == VALUE_MISSING ? &null : found;
	return condition->count > 0 &&
	       bsearch(key, condition->values, condition->count,
		   sizeof(*condition->values), compare_values);
}

/* One value, without what makes $ne and $nin of $eq and $in. */
static int match_value(
    const struct condition *condition, const struct value *found)
{
	const struct value *asked = condition->values;
	switch (condition->op) {
	case OP_EXISTS:
		return found->kind != VALUE_MISSING;
	case OP_REGEX:
		return found->kind == VALUE_STRING
			   ? pattern_match(
				 condition->pattern, found->data, found->len)
			   : 0;
	case OP_EQ:
	case OP_NE:
	case OP_IN:
	case OP_NIN:
		return is_asked(condition, found);
	default:
		/* Only values of one kind are in an order, but what is missing
		 * is null here, too. */
		if (found->kind == VALUE_MISSING && asked->kind == VALUE_NULL)
			return order_satisfies(condition->op, 0);
		return found->kind == asked->kind &&
		       order_satisfies(
			   condition->op, value_compare(found, asked));
	}
}

/* A field's value, or, of an array, one of its elements. */
static int visit(void *ctx, struct json_span token)
{
	struct condition *condition = ctx;
	struct cursor cursor;
	struct json_span key, element;
	int r = value_read(&condition->found, token);
	if (r == 0)
		r = match_value(condition, &condition->found);
	if (r != 0 || !token.text || !json_is_array(token))
		return r;
	cursor_init(&cursor, token);
	while ((r = cursor_next(&cursor, &key, &element)) > 0) {
		r = value_read(&condition->found, element);
		if (r == 0)
			r = match_value(condition, &condition->found);
		if (r != 0)
			return r;
	}
	return r;
}

/* Whether matching any value is what is asked for, or matching none. */
static bool is_positive(const struct condition *condition)
{
	if (condition->op == OP_EXISTS)
		return condition->values->number != 0;
	return condition->op != OP_NE && condition->op != OP_NIN;
}

int condition_match(
    struct condition *condition, row_t row, struct json_span text)
{
	if (condition->subject == SUBJECT_ID)
		return match_id(condition, row);
	if (condition->subject == SUBJECT_CREATED)
		return match_time(condition, row_created_ms(row));
	if (condition->subject == SUBJECT_UPDATED)
		return match_time(condition, row_updated_ms(row));
	int r = path_walk(text, condition->field, visit, condition);
	return r < 0 ? r : (r > 0) == is_positive(condition);
}

/* ---- orders ---- */

bool condition_narrow(const struct condition *condition,
    const struct table *table, enum table_order order, size_t *low,
    size_t *high)
{
	const struct value *id = condition->values;
	size_t before, after, first = 0;
	enum op op = condition->op;
	if (condition->subject !=
		(order == TABLE_BY_ID ? SUBJECT_ID : SUBJECT_UPDATED) ||
	    op == OP_NE)
		return false;
	if (order == TABLE_BY_ID) {
		before = table_rank_id(table, id->data, id->len, false);
		after = table_rank_id(table, id->data, id->len, true);
	} else {
		before = table_rank_updated(table, condition->ms, false);
		after = table_rank_updated(table, condition->ms, true);
		/* Rows without the time come first and never match. */
		first = table_rank_updated(table, DOCUMENT_NO_TIME, true);
	}
	if (op == OP_EQ || op == OP_GTE)
		first = before > first ? before : first;
	if (op == OP_GT)
		first = after > first ? after : first;
	if ((op == OP_EQ || op == OP_LTE) && after < *high)
		*high = after;
	if (op == OP_LT && before < *high)
		*high = before;
	if (first > *low)
		*low = first;
	return true;
}
