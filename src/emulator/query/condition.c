#include "emulator/query/condition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"

/* Patterns are bounded, so that none can eat the machine. */
#define REGEX_LEN_MAX 256
#define REGEX_REPEAT_MAX 100

int op_parse(const char *name, enum op *ret_op)
{
	static const char *const names[OP_COUNT] = {"$eq", "$ne", "$gt", "$gte",
	    "$lt", "$lte", "$in", "$nin", "$regex", "$exists"};
	for (size_t i = 0; i < OP_COUNT; i++)
		if (strcmp(name, names[i]) == 0) {
			*ret_op = (enum op)i;
			return 0;
		}
	return -EINVAL;
}

/* Back-references and more than one counted repetition can take for ever. */
static bool regex_is_tame(const char *pattern)
{
	const char *brace = strchr(pattern, '{');
	if (strlen(pattern) > REGEX_LEN_MAX)
		return false;
	if (brace && (strchr(brace + 1, '{') ||
			 strtol(brace + 1, NULL, 10) > REGEX_REPEAT_MAX))
		return false;
	const char *comma = brace ? strchr(brace, ',') : NULL;
	if (comma && strtol(comma + 1, NULL, 10) > REGEX_REPEAT_MAX)
		return false;
	for (const char *p = pattern; (p = strchr(p, '\\')) != NULL; p += 2) {
		if (p[1] >= '1' && p[1] <= '9')
			return false;
		if (!p[1])
			return true;
	}
	return true;
}

/* \d is JavaScript's; POSIX has no such thing. */
static int regex_translate(const char *pattern, struct buf *out)
{
	int r = buf_adds(out, "");
	for (const char *p = pattern; r == 0 && *p; p++) {
		if (p[0] == '\\' && (p[1] == 'd' || p[1] == 'D')) {
			r = buf_adds(out, p[1] == 'd' ? "[0-9]" : "[^0-9]");
			p++;
		} else if (p[0] == '\\' && p[1]) {
			r = buf_add(out, p, 2);
			p++;
		} else {
			r = buf_addc(out, *p);
		}
	}
	return r;
}

static int init_regex(struct condition *condition, bool ignore_case)
{
	const struct value *value = &condition->values[0];
	CLEANUP_BUF struct buf pattern;
	buf_init(&pattern, BUF_MAX_DEFAULT);
	if (value->kind != VALUE_STRING ||
	    !regex_is_tame(buf_str(&value->text)))
		return -EINVAL;
	int r = regex_translate(buf_str(&value->text), &pattern);
	if (r < 0)
		return r;
	if (regcomp(&condition->regex, buf_str(&pattern),
		REG_EXTENDED | REG_NOSUB | (ignore_case ? REG_ICASE : 0)) != 0)
		return -EINVAL;
	condition->compiled = true;
	return 0;
}

static bool is_comparison(enum op op)
{
	return op <= OP_LTE;
}

/* Whether the row's own fields decide it, without the text. */
static enum subject find_subject(struct condition *condition)
{
	const struct value *value = condition->values;
	if (!is_comparison(condition->op) || value->kind != VALUE_STRING)
		return SUBJECT_TEXT;
	if (strcmp(condition->field, "id") == 0)
		return SUBJECT_ID;
	if (timestamp_parse(
		buf_str(&value->text), value->text.len, &condition->ms) < 0)
		return SUBJECT_TEXT;
	if (strcmp(condition->field, "createdAt") == 0)
		return SUBJECT_CREATED;
	if (strcmp(condition->field, "updatedAt") == 0)
		return SUBJECT_UPDATED;
	return SUBJECT_TEXT;
}

int condition_init(struct condition *condition, const char *field, enum op op,
    const char *value, bool ignore_case)
{
	*condition = (struct condition){.op = op};
	condition->field = strdup(field);
	condition->values = calloc(1, sizeof(*condition->values));
	if (!condition->field || !condition->values)
		return -ENOMEM;
	condition->count = 1;
	struct json_span token = {value, strlen(value)};
	int r = value_init(&condition->values[0], token);
	if (r < 0)
		return r == -EPROTO ? -EINVAL : r;
	if (op == OP_REGEX)
		return init_regex(condition, ignore_case);
	condition->subject = find_subject(condition);
	return 0;
}

void condition_done(struct condition *condition)
{
	for (size_t i = 0; i < condition->count; i++)
		value_done(&condition->values[i]);
	free(condition->values);
	free(condition->field);
	if (condition->compiled)
		regfree(&condition->regex);
}

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
	const struct buf *text = &condition->values[0].text;
	row_read_id(row, &id);
	size_t least = id.len < text->len ? id.len : text->len;
	int order = memcmp(id.id, buf_str(text), least);
	if (order == 0)
		order = (id.len > text->len) - (id.len < text->len);
	return order_satisfies(condition->op, order);
}

static bool match_value(
    const struct condition *condition, const struct value *value)
{
	const struct value *asked = condition->values;
	bool found = false;
	switch (condition->op) {
	case OP_EXISTS:
		return (asked->number != 0) == (value->kind != VALUE_MISSING);
	case OP_REGEX:
		return value->kind == VALUE_STRING &&
		       regexec(&condition->regex, buf_str(&value->text), 0,
			   NULL, 0) == 0;
	case OP_IN:
	case OP_NIN:
		for (size_t i = 0; i < condition->count && !found; i++)
			found = value_compare(&asked[i], value) == 0;
		return found == (condition->op == OP_IN);
	case OP_EQ:
	case OP_NE:
		found =
		    value_compare(value, asked) == 0 ||
		    (asked->kind == VALUE_NULL && value->kind == VALUE_MISSING);
		return found == (condition->op == OP_EQ);
	default:
		/* As MongoDB: only values of one kind are in an order. */
		return value->kind == asked->kind &&
		       order_satisfies(
			   condition->op, value_compare(value, asked));
	}
}

int condition_match(
    const struct condition *condition, row_t row, struct json_span text)
{
	if (condition->subject == SUBJECT_ID)
		return match_id(condition, row);
	if (condition->subject == SUBJECT_CREATED)
		return match_time(condition, row_created_ms(row));
	if (condition->subject == SUBJECT_UPDATED)
		return match_time(condition, row_updated_ms(row));
	struct json_span token;
	struct value value;
	int r = value_find(text, condition->field, &token);
	if (r < 0)
		return r;
	r = value_init(&value, token);
	if (r == 0)
		r = match_value(condition, &value);
	value_done(&value);
	return r;
}
