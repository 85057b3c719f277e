#include "emulator/mcp/tools.h"

#include <string.h>

#define LIMIT_MAX 100

/* In the order of enum mcp_edition; NULL: it has none. */
static const char *const organization_names[] = {
    NULL, "organizationId", "organizationId", "orgId"};
static const char *const project_names[] = {
    NULL, "projectId", "projectId", "projectId"};
static const char *const environment_names[] = {
    NULL, "environment", "environmentId", "envId"};

enum tool { TOOL_CONTEXT, TOOL_PROJECTS, TOOL_ENVIRONMENTS, TOOL_TABLES };

static const struct {
	const char *name;
	const char *description;
} tools[] = {
    [TOOL_CONTEXT] = {"get_context",
	"Where you are: organization and REST base URL. Call this first."},
    [TOOL_PROJECTS] = {"backend_project_list",
	"List the projects of the organization."},
    [TOOL_ENVIRONMENTS] = {"backend_env_list", "List environments."},
    [TOOL_TABLES] = {"backend_table_list", "List tables."},
};

size_t tools_count(const struct switches *switches)
{
	return switches->mcp_tools == MCP_TOOLS_NONE ? 0 : ARRAY_SIZE(tools);
}

/* "0_" goes before the first in some editions, so that it sorts first. */
static const char *prefix_of(const struct switches *switches, size_t i)
{
	return i == TOOL_CONTEXT && switches->mcp_tools == MCP_TOOLS_NUMBERED
		   ? "0_"
		   : "";
}

/* The arguments that must be given, two at most, NULL-terminated. */
static void read_names(
    const struct switches *switches, size_t i, const char *ret_names[3])
{
	enum mcp_edition edition = switches->mcp_edition;
	ret_names[0] = ret_names[1] = ret_names[2] = NULL;
	if (i == TOOL_PROJECTS)
		ret_names[0] = organization_names[edition];
	if (i == TOOL_ENVIRONMENTS || i == TOOL_TABLES)
		ret_names[0] = project_names[edition];
	if (i == TOOL_TABLES)
		ret_names[1] = environment_names[edition];
}

static bool is_paged(const struct switches *switches, size_t i)
{
	return i != TOOL_CONTEXT && !switches->mcp_no_paging;
}

/* ---- tools/list ---- */

static int print_schema(
    const struct switches *switches, size_t tool, struct buf *out)
{
	const char *names[3], *comma = "";
	read_names(switches, tool, names);
	int r = buf_adds(out, "{\"type\":\"object\",\"properties\":{");
	for (size_t i = 0; r == 0 && names[i]; i++) {
		r = buf_printf(
		    out, "%s\"%s\":{\"type\":\"string\"}", comma, names[i]);
		comma = ",";
	}
	if (r == 0 && is_paged(switches, tool))
		r = buf_printf(out,
		    "%s\"page\":{\"type\":\"integer\",\"minimum\":1},"
		    "\"limit\":{\"type\":\"integer\",\"minimum\":1,"
		    "\"maximum\":%d}",
		    comma, LIMIT_MAX);
	if (r == 0)
		r = buf_adds(out, "},\"required\":[");
	for (size_t i = 0; r == 0 && names[i]; i++)
		r = buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", names[i]);
	return r == 0 ? buf_adds(out, "],\"additionalProperties\":false}") : r;
}

int tools_print(const struct switches *switches, size_t i, struct buf *out)
{
	int r = buf_printf(out,
	    "{\"name\":\"%s%s\",\"description\":\"%s\",\"inputSchema\":",
	    prefix_of(switches, i), tools[i].name, tools[i].description);
	if (r == 0)
		r = print_schema(switches, i, out);
	return r == 0
		   ? buf_adds(out, ",\"annotations\":{\"readOnlyHint\":true}}")
		   : r;
}

/* ---- tools/call ---- */

/* A call's arguments, looked at. */
struct call {
	enum tool tool;
	struct organization_view view;
	size_t page;
	size_t limit;
};

static struct jsonrpc_problem invalid(const char *message)
{
	return (struct jsonrpc_problem){JSONRPC_INVALID_PARAMS, message};
}

static bool is_known(
    const struct switches *switches, size_t tool, const char *name)
{
	const char *names[3];
	read_names(switches, tool, names);
	for (size_t i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return is_paged(switches, tool) &&
	       (strcmp(name, "page") == 0 || strcmp(name, "limit") == 0);
}

static struct jsonrpc_problem check_names(
    const struct switches *switches, size_t tool, const cJSON *arguments)
{
	const cJSON *argument;
	const char *names[3];
	read_names(switches, tool, names);
	cJSON_ArrayForEach (argument, arguments) {
		if (!is_known(switches, tool, argument->string))
			return invalid("The tool does not know an argument");
	}
	for (size_t i = 0; names[i]; i++)
		if (!cJSON_IsString(
			cJSON_GetObjectItemCaseSensitive(arguments, names[i])))
			return invalid("An argument that the tool needs is "
				       "missing, or no string");
	return (struct jsonrpc_problem){0};
}

/* A positive integer; missing where there is none. */
static bool read_number(const cJSON *arguments, const char *name,
    size_t missing, size_t most, size_t *ret)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(arguments, name);
	double number = cJSON_IsNumber(value) ? value->valuedouble : 0;
	if (!value) {
		*ret = missing;
		return true;
	}
	if (!(number >= 1 && number <= (double)most) ||
	    number != (double)(size_t)number)
		return false;
	*ret = (size_t)number;
	return true;
}

static const char *text_of(const cJSON *arguments, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(arguments, name)->valuestring;
}

/* What a tool with arguments lists. */
static int find_place(const struct organization *organization,
    const cJSON *arguments, struct call *call)
{
	enum mcp_edition edition = organization->switches->mcp_edition;
	struct organization_view *view = &call->view;
	if (call->tool == TOOL_PROJECTS)
		return strcmp(text_of(arguments, organization_names[edition]),
		    ORGANIZATION_ID);
	int r = organization_find_project(organization,
	    text_of(arguments, project_names[edition]), &view->project);
	if (r < 0 || call->tool == TOOL_ENVIRONMENTS)
		return r;
	const char *environment =
	    text_of(arguments, environment_names[edition]);
	return edition == MCP_ENVIRONMENT
		   ? organization_find_name(
			 organization, environment, &view->environment)
		   : organization_find_environment(organization, view->project,
			 environment, &view->environment);
}

static struct jsonrpc_problem read_call(const struct organization *organization,
    const cJSON *arguments, struct call *call)
{
	const struct switches *switches = organization->switches;
	static const enum organization_list one[] = {
	    [TOOL_PROJECTS] = ORGANIZATION_PROJECTS,
	    [TOOL_ENVIRONMENTS] = ORGANIZATION_ENVIRONMENTS,
	    [TOOL_TABLES] = ORGANIZATION_TABLES,
	};
	static const enum organization_list all[] = {
	    [TOOL_PROJECTS] = ORGANIZATION_PROJECTS,
	    [TOOL_ENVIRONMENTS] = ORGANIZATION_ALL_ENVIRONMENTS,
	    [TOOL_TABLES] = ORGANIZATION_ALL_TABLES,
	};
	struct jsonrpc_problem problem =
	    check_names(switches, call->tool, arguments);
	if (problem.code != 0 || call->tool == TOOL_CONTEXT)
		return problem;
	if (!read_number(arguments, "page", 1, 1 << 30, &call->page) ||
	    !read_number(arguments, "limit", (size_t)switches->mcp_page,
		LIMIT_MAX, &call->limit))
		return invalid("page or limit is not valid");
	if (call->limit > (size_t)switches->max_limit)
		call->limit = (size_t)switches->max_limit;
	bool narrow = switches->mcp_edition != MCP_NONE;
	call->view.list = (narrow ? one : all)[call->tool];
	if (narrow && find_place(organization, arguments, call) != 0)
		return (struct jsonrpc_problem){
		    JSONRPC_NOT_FOUND, "There is nothing of that id"};
	return problem;
}

/* In Markdown. */
static int print_context(const struct request *request, struct buf *out)
{
	int r = buf_adds(out,
	    "# Context\n\n- **Organization ID**: `" ORGANIZATION_ID
	    "`\n- **REST base URL**: `");
	if (r == 0)
		r = request_add_base(request, out);
	return r == 0 ? buf_adds(out,
			    "`\n\nThis is bkend-emulator: all is read-only.\n")
		      : r;
}

static int print_page(const struct organization *organization,
    const struct call *call, struct buf *out)
{
	size_t total = organization_count(organization, &call->view);
	/* No limit, and no switch that is one, is less than 1. */
	// NOLINTNEXTLINE(clang-analyzer-core.DivideZero)
	size_t pages = (total + call->limit - 1) / call->limit;
	int r = buf_adds(out, "{\"items\":");
	if (r == 0)
		r = organization_print_array(organization, &call->view,
		    (call->page - 1) * call->limit, call->limit, out);
	if (r == 0)
		r = buf_printf(out,
		    ",\"pagination\":{\"total\":%zu,\"page\":%zu,"
		    "\"limit\":%zu,\"totalPages\":%zu,\"hasNext\":%s,"
		    "\"hasPrev\":%s}}",
		    total, call->page, call->limit, pages,
		    call->page < pages ? "true" : "false",
		    call->page > 1 ? "true" : "false");
	return r;
}

static int print_result(const struct organization *organization,
    const struct request *request, const struct call *call, struct buf *out)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = call->tool == TOOL_CONTEXT
		    ? print_context(request, &text)
		    : print_page(organization, call, &text);
	if (r == 0)
		r = buf_adds(out, "{\"content\":[{\"type\":\"text\",\"text\":");
	if (r == 0)
		r = json_string_encode(buf_str(&text), text.len, out);
	return r == 0 ? buf_adds(out, "}],\"isError\":false}") : r;
}

/* Its number, or how many there are. */
static size_t find_tool(const struct switches *switches, const char *name)
{
	size_t i = 0;
	for (; i < tools_count(switches); i++) {
		const char *prefix = prefix_of(switches, i);
		size_t len = strlen(prefix);
		if (strncmp(name, prefix, len) == 0 &&
		    strcmp(name + len, tools[i].name) == 0)
			break;
	}
	return i;
}

int tools_call(const struct organization *organization,
    const struct request *request, const struct jsonrpc *rpc,
    struct jsonrpc_problem *ret_problem, struct buf *out)
{
	const char *name = jsonrpc_text(rpc, "name");
	const cJSON *arguments =
	    cJSON_GetObjectItemCaseSensitive(rpc->params, "arguments");
	size_t tool = name ? find_tool(organization->switches, name)
			   : tools_count(organization->switches);
	struct call call = {.tool = (enum tool)tool};
	if (tool == tools_count(organization->switches))
		*ret_problem = invalid("There is no such tool");
	else if (arguments && !cJSON_IsObject(arguments))
		*ret_problem = invalid("The arguments are no object");
	else
		*ret_problem = read_call(organization, arguments, &call);
	if (ret_problem->code != 0)
		return 0;
	return print_result(organization, request, &call, out);
}
