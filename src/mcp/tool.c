#include "mcp/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "json/parsed.h"

/* The longest name that is kept. */
#define NAME_LEN_MAX 128

struct tool {
	char *name;
	cJSON *schema; /* a copy; NULL: it takes nothing */
};

struct tools {
	struct tool tools[TOOL_KINDS];
};

static const char *const kind_names[TOOL_KINDS] = {
    [TOOL_CONTEXT] = "get_context",
    [TOOL_PROJECTS] = "backend_project_list",
    [TOOL_ENVIRONMENTS] = "backend_env_list",
    [TOOL_TABLES] = "backend_table_list",
};

static const struct {
	const char *name;
	enum tool_argument argument;
} arguments[] = {
    {"organizationId", ARGUMENT_ORGANIZATION},
    {"organisationId", ARGUMENT_ORGANIZATION},
    {"organization_id", ARGUMENT_ORGANIZATION},
    {"orgId", ARGUMENT_ORGANIZATION},
    {"org_id", ARGUMENT_ORGANIZATION},
    {"projectId", ARGUMENT_PROJECT},
    {"project_id", ARGUMENT_PROJECT},
    {"environment", ARGUMENT_ENVIRONMENT},
    {"environmentId", ARGUMENT_ENVIRONMENT_ID},
    {"environment_id", ARGUMENT_ENVIRONMENT_ID},
    {"envId", ARGUMENT_ENVIRONMENT_ID},
    {"env_id", ARGUMENT_ENVIRONMENT_ID},
    {"page", ARGUMENT_PAGE},
    {"limit", ARGUMENT_LIMIT},
    {"pageSize", ARGUMENT_LIMIT},
};

struct tools *tools_new(void)
{
	return calloc(1, sizeof(struct tools));
}

void tools_free(struct tools *tools)
{
	for (size_t i = 0; tools && i < TOOL_KINDS; i++) {
		free(tools->tools[i].name);
		parsed_free(tools->tools[i].schema);
	}
	free(tools);
}

/* "0_get_context" is get_context. TOOL_KINDS: none of ours. */
static enum tool_kind kind_of(const char *name)
{
	size_t kind = 0;
	size_t number = strspn(name, "0123456789");
	if (number && name[number] == '_')
		name += number + 1;
	while (kind < TOOL_KINDS && strcmp(kind_names[kind], name) != 0)
		kind++;
	return (enum tool_kind)kind;
}

static int take(struct tools *tools, const cJSON *item)
{
	const cJSON *name = parsed_member(item, "name");
	if (!cJSON_IsString(name) || strlen(name->valuestring) > NAME_LEN_MAX)
		return 0;
	enum tool_kind kind = kind_of(name->valuestring);
	if (kind == TOOL_KINDS || tools->tools[kind].name)
		return 0;
	const cJSON *schema = parsed_member(item, "inputSchema");
	tools->tools[kind].name = strdup(name->valuestring);
	tools->tools[kind].schema = cJSON_Duplicate(schema, true);
	return tools->tools[kind].name && (!schema || tools->tools[kind].schema)
		   ? 0
		   : -ENOMEM;
}

int tools_take(struct tools *tools, const cJSON *result)
{
	const cJSON *item;
	int r = 0;
	cJSON_ArrayForEach (item, parsed_member(result, "tools")) {
		if (r == 0)
			r = take(tools, item);
	}
	return r;
}

const char *tool_name(const struct tools *tools, enum tool_kind kind)
{
	return tools->tools[kind].name;
}

static const cJSON *properties(const struct tools *tools, enum tool_kind kind)
{
	const cJSON *all =
	    parsed_member(tools->tools[kind].schema, "properties");
	return cJSON_IsObject(all) ? all : NULL;
}

bool tool_takes(
    const struct tools *tools, enum tool_kind kind, enum tool_argument argument)
{
	for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
		if (arguments[i].argument == argument &&
		    parsed_member(properties(tools, kind), arguments[i].name))
			return true;
	}
	return false;
}

/* The value for an argument of that name; NULL: not known. */
static const char *value_for(
    const struct tool_values *values, const char *name, bool *ret_number)
{
	for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
		if (strcmp(arguments[i].name, name) != 0)
			continue;
		*ret_number = arguments[i].argument >= ARGUMENT_PAGE;
		return values->values[arguments[i].argument];
	}
	return NULL;
}

static bool is_text(const cJSON *property)
{
	const cJSON *type = parsed_member(property, "type");
	return cJSON_IsString(type) && strcmp(type->valuestring, "string") == 0;
}

static int add_argument(const cJSON *property, const char *value, bool number,
    bool first, struct buf *out)
{
	const char *name = property->string;
	int r = first ? 0 : buf_addc(out, ',');
	if (r == 0)
		r = json_string_encode(name, strlen(name), out);
	if (r == 0)
		r = buf_addc(out, ':');
	if (r < 0)
		return r;
	return number && !is_text(property)
		   ? buf_adds(out, value)
		   : json_string_encode(value, strlen(value), out);
}

static int check_required(const struct tools *tools, enum tool_kind kind,
    const struct tool_values *values)
{
	const cJSON *name;
	bool number;
	cJSON_ArrayForEach (
	    name, parsed_member(tools->tools[kind].schema, "required")) {
		if (!cJSON_IsString(name) ||
		    !value_for(values, name->valuestring, &number))
			return -ENOENT;
	}
	return 0;
}

int tool_params(const struct tools *tools, enum tool_kind kind,
    const struct tool_values *values, struct buf *out)
{
	const char *name = tool_name(tools, kind);
	const cJSON *property;
	bool first = true, number = false;
	int r = name ? check_required(tools, kind, values) : -ENOENT;
	if (r == 0)
		r = buf_adds(out, "{\"name\":");
	if (r == 0)
		r = json_string_encode(name, strlen(name), out);
	if (r == 0)
		r = buf_adds(out, ",\"arguments\":{");
	cJSON_ArrayForEach (property, properties(tools, kind)) {
		const char *value =
		    value_for(values, property->string, &number);
		if (r < 0 || !value)
			continue;
		r = add_argument(property, value, number, first, out);
		first = false;
	}
	return r == 0 ? buf_adds(out, "}}") : r;
}
