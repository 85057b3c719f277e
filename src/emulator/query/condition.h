/*
 * One condition of a filter: a field, an operator and what it asks for, by
 * MongoDB's rules. Belongs to one thread.
 */
#ifndef EMULATOR_CONDITION_H
#define EMULATOR_CONDITION_H

#include "emulator/store/table.h"

enum op {
	OP_EQ,
	OP_NE,
	OP_GT,
	OP_GTE,
	OP_LT,
	OP_LTE,
	OP_IN,
	OP_NIN,
	OP_REGEX,
	OP_EXISTS,
	OP_COUNT
};

struct condition;

/* "$gt" -> OP_GT; -EINVAL. */
int op_parse(const char *name, enum op *ret_op);

/*
 * value is a JSON token, which is copied; options are those of a pattern (""
 * without). 0; -EINVAL, with what is wrong appended to problem; -ENOMEM.
 */
int condition_new(const char *field, enum op op, struct json_span value,
    const char *options, struct buf *problem, struct condition **ret_condition);

/* NULL is fine. */
void condition_free(struct condition *condition);

/* Whether it takes the row's text to decide it: id and times do without. */
bool condition_needs_text(const struct condition *condition);

/* text is the row's, where it is needed. 1, 0, -E2BIG (a pattern takes too
 * long), -EPROTO or -ENOMEM. */
int condition_match(
    struct condition *condition, row_t row, struct json_span text);

/* Narrow [*low, *high) of an order to where the condition holds; false where
 * that cannot be told by the order. The store's lock is held. */
bool condition_narrow(const struct condition *condition,
    const struct table *table, enum table_order order, size_t *low,
    size_t *high);

#endif
