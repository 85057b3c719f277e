#include "emulator/mcp/methods.h"

#include <string.h>

#include "base/number.h"
#include "emulator/mcp/resources.h"
#include "emulator/mcp/tools.h"

#ifndef BKENDFS_VERSION
#define BKENDFS_VERSION "unknown"
#endif

/* Whatever revision is asked for, this is the one that there is. */
static int print_initialize(
    const struct organization *organization, struct buf *out)
{
	const struct switches *switches = organization->switches;
	int r = buf_adds(out, "{\"protocolVersion\":\"" MCP_REVISION "\","
			      "\"capabilities\":{\"logging\":{}");
	if (r == 0 && tools_count(switches) > 0)
		r = buf_adds(out, ",\"tools\":{}");
	if (r == 0 && resources_count(organization) > 0)
		r = buf_adds(out, ",\"resources\":{}");
	return r == 0 ? buf_adds(out,
			    "},\"serverInfo\":{\"name\":\"bkend-emulator\","
			    "\"version\":\"" BKENDFS_VERSION "\"}}")
		      : r;
}

/* A list that goes on under a cursor: the place to go on from. */
static int print_list(const struct organization *organization,
    const struct jsonrpc *rpc, bool tools, struct jsonrpc_problem *ret_problem,
    struct buf *out)
{
	const char *cursor = jsonrpc_text(rpc, "cursor");
	int64_t first = 0;
	size_t count = tools ? tools_count(organization->switches)
			     : resources_count(organization);
	if (cursor && number_parse(cursor, 1, (int64_t)count, &first) < 0) {
		*ret_problem = (struct jsonrpc_problem){
		    JSONRPC_INVALID_PARAMS, "The cursor is not valid"};
		return 0;
	}
	size_t i = (size_t)first;
	size_t end = i + (size_t)organization->switches->mcp_page;
	int r = buf_printf(out, "{\"%s\":[", tools ? "tools" : "resources");
	for (; r == 0 && i < count && i < end; i++) {
		if (i > (size_t)first)
			r = buf_addc(out, ',');
		if (r == 0)
			r = tools ? tools_print(organization->switches, i, out)
				  : resources_print(organization, i, out);
	}
	if (r == 0)
		r = buf_addc(out, ']');
	if (r == 0 && i < count)
		r = buf_printf(out, ",\"nextCursor\":\"%zu\"", i);
	return r == 0 ? buf_addc(out, '}') : r;
}

static int print_result(const struct organization *organization,
    const struct request *request, const struct jsonrpc *rpc,
    struct jsonrpc_problem *ret_problem, struct buf *out)
{
	bool tools = tools_count(organization->switches) > 0;
	bool resources = resources_count(organization) > 0;
	const char *method = rpc->method;
	*ret_problem = (struct jsonrpc_problem){0};
	if (strcmp(method, "initialize") == 0)
		return print_initialize(organization, out);
	if (strcmp(method, "ping") == 0 ||
	    strcmp(method, "logging/setLevel") == 0)
		return buf_adds(out, "{}");
	if (tools && strcmp(method, "tools/list") == 0)
		return print_list(organization, rpc, true, ret_problem, out);
	if (tools && strcmp(method, "tools/call") == 0)
		return tools_call(organization, request, rpc, ret_problem, out);
	if (resources && strcmp(method, "resources/list") == 0)
		return print_list(organization, rpc, false, ret_problem, out);
	if (resources && strcmp(method, "resources/templates/list") == 0)
		return buf_adds(out, "{\"resourceTemplates\":[]}");
	if (resources && strcmp(method, "resources/read") == 0)
		return resources_read(organization, rpc, ret_problem, out);
	*ret_problem = (struct jsonrpc_problem){
	    JSONRPC_UNKNOWN_METHOD, "There is no such method"};
	return 0;
}

int methods_answer(const struct organization *organization,
    const struct request *request, const struct jsonrpc *rpc, struct buf *out)
{
	CLEANUP_BUF struct buf result;
	buf_init(&result, BUF_MAX_DEFAULT);
	struct jsonrpc_problem problem;
	int r = print_result(organization, request, rpc, &problem, &result);
	if (r < 0)
		return r;
	if (problem.code != 0)
		return jsonrpc_error(rpc->id, problem, out);
	r = jsonrpc_begin(rpc->id, out);
	if (r == 0)
		r = buf_add(out, buf_str(&result), result.len);
	return r == 0 ? jsonrpc_end(out) : r;
}
