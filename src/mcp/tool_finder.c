#include "mcp/tool_finder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/tool.h"

/* Items a page: what the service allows. */
#define LIMIT "100"

/* Of JSON-RPC. */
#define NO_SUCH_METHOD "-32601"

struct finder {
	struct inquiry *inquiry;
	struct tools *tools;
	char *organization; /* NULL: not told */
};

/* ---- lists by pages ---- */

/* An item of a list. Non-zero (-errno) ends it. */
typedef int (*item_fn)(
    struct finder *finder, const struct items *items, size_t index, void *ctx);

static int each(
    struct finder *finder, const struct items *items, item_fn fn, void *ctx)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < items_count(items); i++)
		r = fn(finder, items, i, ctx);
	return r;
}

/* A page of a tool's list. */
static int ask_page(struct finder *finder, enum tool_kind kind,
    struct tool_values *values, int64_t page, struct items **ret_items,
    struct mcp_error *error)
{
	CLEANUP_BUF struct buf params;
	CLEANUP(rpc_answer_done) struct rpc_answer answer = {0};
	const char *what = tool_name(finder->tools, kind);
	char number[24];
	buf_init(&params, 65536);
	snprintf(number, sizeof(number), "%lld", (long long)page);
	values->values[ARGUMENT_PAGE] = number;
	values->values[ARGUMENT_LIMIT] = LIMIT;
	int r = tool_params(finder->tools, kind, values, &params);
	values->values[ARGUMENT_PAGE] = NULL;
	if (r < 0) {
		*error = (struct mcp_error){.err = r};
		snprintf(error->request, sizeof(error->request), "MCP %s",
		    what ? what : "tools/call");
		strcpy(error->message,
		    "the tool wants to be told what is not known here");
		return r;
	}
	r = inquiry_ask(finder->inquiry, "tools/call", buf_str(&params), what,
	    &answer, error);
	return r == 0 ? inquiry_items(&answer, what, ret_items, error) : r;
}

/* What identifies the first item of a page: two pages that begin alike are one
 * that was asked for in vain. */
static char *first_of(const struct items *items)
{
	static const char *const names[] = {
	    "id", "_id", "tableName", "name", NULL};
	const char *text =
	    items_count(items) ? items_text(items, 0, names) : NULL;
	return text ? strdup(text) : NULL;
}

/* Whether there is another page that can be had. */
static bool goes_on(struct finder *finder, enum tool_kind kind,
    const struct items *items, int64_t page, int64_t seen)
{
	int more = items_more(items, page, seen);
	if (more < 0)
		more = items_count(items) >= (size_t)atoi(LIMIT);
	if (!more || !items_count(items))
		return false;
	if (tool_takes(finder->tools, kind, ARGUMENT_PAGE) &&
	    page < INQUIRY_PAGES_MAX)
		return true;
	inquiry_complain(finder->inquiry, tool_name(finder->tools, kind),
	    "there are more of them, but no way to ask for the next page");
	return false;
}

/* All items that a tool lists. */
static int list(struct finder *finder, enum tool_kind kind,
    struct tool_values *values, item_fn fn, void *ctx, struct mcp_error *error)
{
	CLEANUP_FREE char *last = NULL;
	int64_t seen = 0;
	bool more = true;
	int r = 0;
	for (int64_t page = 1; r == 0 && more; page++) {
		struct items *items = NULL;
		r = ask_page(finder, kind, values, page, &items, error);
		if (r < 0)
			break;
		char *first = first_of(items);
		bool again = first && last && strcmp(first, last) == 0;
		free(last);
		last = first;
		seen += (int64_t)items_count(items);
		if (again)
			inquiry_complain(finder->inquiry,
			    tool_name(finder->tools, kind),
			    "the next page is the same as the one before");
		else if ((r = each(finder, items, fn, ctx)) < 0)
			error->err = r;
		more = r == 0 && !again &&
		       goes_on(finder, kind, items, page, seen);
		items_free(items);
	}
	return r;
}

/* ---- tables ---- */

/* What the item does not say of its home, ctx does. */
static int take_table(
    struct finder *finder, const struct items *items, size_t index, void *ctx)
{
	return inquiry_take_table(finder->inquiry, items, index, ctx);
}

static int list_tables(
    struct finder *finder, struct tool_values *values, const char *group)
{
	struct mcp_error error;
	int r = list(finder, TOOL_TABLES, values, take_table,
	    (void *)(uintptr_t)group, &error);
	if (r == 0)
		finder->inquiry->told = true;
	return r < 0 ? inquiry_tolerate(finder->inquiry, &error) : 0;
}

/* ---- environments and projects ---- */

static bool wants_environment(const struct finder *finder)
{
	return tool_takes(finder->tools, TOOL_TABLES, ARGUMENT_ENVIRONMENT) ||
	       tool_takes(finder->tools, TOOL_TABLES, ARGUMENT_ENVIRONMENT_ID);
}

static int take_environment(
    struct finder *finder, const struct items *items, size_t index, void *ctx)
{
	static const char *const ids[] = {
	    "environmentId", "envId", "id", "_id", "name", NULL};
	static const char *const names[] = {
	    "environment", "name", "slug", "id", NULL};
	struct tool_values values = *(struct tool_values *)ctx;
	CLEANUP_BUF struct buf group;
	buf_init(&group, 65536);
	values.values[ARGUMENT_ENVIRONMENT_ID] = items_text(items, index, ids);
	values.values[ARGUMENT_ENVIRONMENT] = items_text(items, index, names);
	if (!values.values[ARGUMENT_ENVIRONMENT_ID])
		return 0;
	int r = buf_printf(&group, "%s/%s", values.values[ARGUMENT_PROJECT],
	    values.values[ARGUMENT_ENVIRONMENT_ID]);
	return r < 0 ? r : list_tables(finder, &values, buf_str(&group));
}

static int take_project(
    struct finder *finder, const struct items *items, size_t index, void *ctx)
{
	static const char *const ids[] = {
	    "projectId", "id", "_id", "project_id", NULL};
	struct mcp_error error;
	struct tool_values values = {0};
	(void)ctx;
	values.values[ARGUMENT_ORGANIZATION] = finder->organization;
	values.values[ARGUMENT_PROJECT] = items_text(items, index, ids);
	if (!values.values[ARGUMENT_PROJECT])
		return 0;
	if (!wants_environment(finder) ||
	    !tool_name(finder->tools, TOOL_ENVIRONMENTS))
		return list_tables(
		    finder, &values, values.values[ARGUMENT_PROJECT]);
	int r = list(finder, TOOL_ENVIRONMENTS, &values, take_environment,
	    &values, &error);
	return r < 0 ? inquiry_tolerate(finder->inquiry, &error) : 0;
}

/* ---- the context ---- */

/* "**Organization ID:** `org_1`", "organizationId: 65…": what stands behind
 * such a name. */
static char *find_organization(const char *text)
{
	static const char *const names[] = {"organizationid", "organization id",
	    "organisationid", "organisation id", "organization_id", "orgid",
	    "org id", "org_id"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *found = strcasestr(text, names[i]);
		if (!found)
			continue;
		found += strlen(names[i]);
		found += strspn(found, " \t:=*`|\"'()");
		size_t len = strspn(found,
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789_-.");
		if (len)
			return strndup(found, len);
	}
	return NULL;
}

static int ask_context(struct finder *finder, struct mcp_error *error)
{
	CLEANUP_BUF struct buf params, text;
	CLEANUP(rpc_answer_done) struct rpc_answer answer = {0};
	const struct tool_values none = {0};
	const char *name = tool_name(finder->tools, TOOL_CONTEXT);
	buf_init(&params, 4096);
	buf_init(&text, BUF_MAX_DEFAULT);
	if (!name ||
	    tool_params(finder->tools, TOOL_CONTEXT, &none, &params) < 0)
		return 0;
	int r = inquiry_ask(finder->inquiry, "tools/call", buf_str(&params),
	    name, &answer, error);
	if (r < 0)
		return inquiry_tolerate(finder->inquiry, error);
	if (items_raw(answer.result, &text) == 0)
		finder->organization = find_organization(buf_str(&text));
	return 0;
}

/* ---- tools ---- */

static int take_tools(void *ctx, const struct rpc_answer *answer)
{
	return tools_take(ctx, answer->result);
}

static int run(struct finder *finder, struct mcp_error *error)
{
	int r = inquiry_by_cursor(
	    finder->inquiry, "tools/list", take_tools, finder->tools, error);
	/* One that answers, but has no tools, may have resources. */
	if (r < 0 && strcmp(error->code, NO_SUCH_METHOD) != 0)
		return r;
	if (r < 0 || !tool_name(finder->tools, TOOL_TABLES))
		return 0; /* resources may tell */
	r = ask_context(finder, error);
	if (r < 0)
		return r;
	struct tool_values values = {0};
	values.values[ARGUMENT_ORGANIZATION] = finder->organization;
	if (!tool_takes(finder->tools, TOOL_TABLES, ARGUMENT_PROJECT))
		return list_tables(finder, &values, "");
	r = list(finder, TOOL_PROJECTS, &values, take_project, NULL, error);
	return r < 0 ? inquiry_tolerate(finder->inquiry, error) : 0;
}

int tool_finder_run(struct inquiry *inquiry, struct mcp_error *error)
{
	struct finder finder = {.inquiry = inquiry, .tools = tools_new()};
	int r = finder.tools ? run(&finder, error) : (error->err = -ENOMEM);
	tools_free(finder.tools);
	free(finder.organization);
	return r;
}
