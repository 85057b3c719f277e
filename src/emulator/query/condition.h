/* One condition of a filter: a field, an operator and what it asks for. */
#ifndef EMULATOR_CONDITION_H
#define EMULATOR_CONDITION_H

#include <regex.h>

#include "emulator/query/value.h"
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

/* What the condition can be decided by. */
enum subject { SUBJECT_TEXT, SUBJECT_ID, SUBJECT_CREATED, SUBJECT_UPDATED };

struct condition {
	char *field;
	enum op op;
	enum subject subject;
	struct value *values; /* one, but any number for $in and $nin */
	size_t count;
	int64_t ms; /* the value, for the two times */
	regex_t regex;
	bool compiled;
};

/* "$gt" -> OP_GT; -EINVAL. */
int op_parse(const char *name, enum op *ret_op);

/* value is JSON text. 0, -EINVAL or -ENOMEM; done must be called anyway. */
int condition_init(struct condition *condition, const char *field, enum op op,
    const char *value, bool ignore_case);
/* Free what it holds, whatever init said. */
void condition_done(struct condition *condition);

/* text is needed for SUBJECT_TEXT alone. 1, 0 or -errno. */
int condition_match(
    const struct condition *condition, row_t row, struct json_span text);

#endif
