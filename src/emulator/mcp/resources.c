#include "emulator/mcp/resources.h"

#include <string.h>

/* bkend://orgs/{o}/projects, then bkend://projects/{p}/environments of each,
 * then bkend://projects/{p}/environments/{e}/tables of each. */
static struct organization_view nth(
    const struct organization *organization, size_t i)
{
	static const struct organization_view projects = {
	    .list = ORGANIZATION_PROJECTS};
	size_t count = organization_count(organization, &projects);
	size_t environments = organization_environments(organization);
	if (organization->switches->mcp_resources == MCP_RESOURCES_TABLES)
		return organization_served(organization);
	if (i == 0)
		return projects;
	if (--i < count)
		return (struct organization_view){
		    .list = ORGANIZATION_ENVIRONMENTS, .project = i};
	i -= count;
	return (struct organization_view){
	    .list = ORGANIZATION_TABLES,
	    .project = i / environments,
	    .environment = i % environments,
	};
}

size_t resources_count(const struct organization *organization)
{
	static const struct organization_view projects = {
	    .list = ORGANIZATION_PROJECTS};
	size_t count = organization_count(organization, &projects);
	switch (organization->switches->mcp_resources) {
	case MCP_RESOURCES_NONE:
		return 0;
	case MCP_RESOURCES_TABLES:
		return 1;
	default:
		return 1 +
		       count * (1 + organization_environments(organization));
	}
}

static int print_address(const struct organization *organization,
    const struct organization_view *view, struct buf *out)
{
	char project[ORGANIZATION_ID_SIZE], environment[ORGANIZATION_ID_SIZE];
	if (organization->switches->mcp_resources == MCP_RESOURCES_TABLES)
		return buf_adds(out, "bkend://tables");
	if (view->list == ORGANIZATION_PROJECTS)
		return buf_adds(
		    out, "bkend://orgs/" ORGANIZATION_ID "/projects");
	organization_project_id(view->project, project);
	if (view->list == ORGANIZATION_ENVIRONMENTS)
		return buf_printf(
		    out, "bkend://projects/%s/environments", project);
	organization_environment_id(
	    view->project, view->environment, environment);
	return buf_printf(out, "bkend://projects/%s/environments/%s/tables",
	    project, environment);
}

int resources_print(
    const struct organization *organization, size_t i, struct buf *out)
{
	static const char *const names[] = {
	    [ORGANIZATION_PROJECTS] = "projects",
	    [ORGANIZATION_ENVIRONMENTS] = "environments",
	    [ORGANIZATION_TABLES] = "tables",
	};
	struct organization_view view = nth(organization, i);
	int r = buf_adds(out, "{\"uri\":\"");
	if (r == 0)
		r = print_address(organization, &view, out);
	return r == 0 ? buf_printf(out,
			    "\",\"name\":\"%s\","
			    "\"mimeType\":\"application/json\"}",
			    names[view.list])
		      : r;
}

static int print_contents(const struct organization *organization,
    const struct organization_view *view, const char *address, struct buf *out)
{
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r =
	    organization_print_array(organization, view, 0, SIZE_MAX, &text);
	if (r == 0)
		r = buf_printf(out,
		    "{\"contents\":[{\"uri\":\"%s\","
		    "\"mimeType\":\"application/json\",\"text\":",
		    address);
	if (r == 0)
		r = json_string_encode(buf_str(&text), text.len, out);
	return r == 0 ? buf_adds(out, "}]}") : r;
}

int resources_read(const struct organization *organization,
    const struct jsonrpc *rpc, struct jsonrpc_problem *ret_problem,
    struct buf *out)
{
	CLEANUP_BUF struct buf address;
	buf_init(&address, BUF_MAX_DEFAULT);
	const char *wanted = jsonrpc_text(rpc, "uri");
	size_t count = wanted ? resources_count(organization) : 0;
	*ret_problem = (struct jsonrpc_problem){0};
	for (size_t i = 0; i < count; i++) {
		struct organization_view view = nth(organization, i);
		buf_clear(&address);
		int r = print_address(organization, &view, &address);
		if (r < 0)
			return r;
		if (strcmp(buf_str(&address), wanted) == 0)
			return print_contents(
			    organization, &view, buf_str(&address), out);
	}
	*ret_problem = (struct jsonrpc_problem){
	    JSONRPC_NOT_FOUND, "There is no such resource"};
	return 0;
}
