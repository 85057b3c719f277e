/*
 * The tools that list tables, and what each may be told: editions of the
 * service differ in the names of arguments, so that those are read from a
 * tool's inputSchema, and nothing else is sent. Pure; one thread. Called by
 * finder.c.
 */
#ifndef MCP_TOOL_H
#define MCP_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct cJSON;

enum tool_kind {
	TOOL_CONTEXT,
	TOOL_PROJECTS,
	TOOL_ENVIRONMENTS,
	TOOL_TABLES,
	TOOL_KINDS,
};

/* What an argument stands for, whatever an edition calls it. */
enum tool_argument {
	ARGUMENT_ORGANIZATION,
	ARGUMENT_PROJECT,
	ARGUMENT_ENVIRONMENT,	 /* its name */
	ARGUMENT_ENVIRONMENT_ID, /* its id */
	ARGUMENT_PAGE,
	ARGUMENT_LIMIT,
	ARGUMENTS,
};

struct tools;

/* None is known yet. NULL: out of memory. */
struct tools *tools_new(void);

/* NULL is fine. */
void tools_free(struct tools *tools);

/* Take over those that are known here from a result of tools/list. 0 or
 * -ENOMEM. */
int tools_take(struct tools *tools, const struct cJSON *result);

/* The name by which a tool is called; NULL: the server has none. Borrowed. */
const char *tool_name(const struct tools *tools, enum tool_kind kind);

/* Whether a tool has such an argument. */
bool tool_takes(const struct tools *tools, enum tool_kind kind,
    enum tool_argument argument);

/* What there is to tell: values[ARGUMENT_PAGE] and the like, NULL: unknown. */
struct tool_values {
	const char *values[ARGUMENTS];
};

/* Append the params of tools/call: the name, and those arguments that the tool
 * has. 0; -ENOENT: it wants something that is not known here; -ENOMEM. */
int tool_params(const struct tools *tools, enum tool_kind kind,
    const struct tool_values *values, struct buf *out);

#endif
