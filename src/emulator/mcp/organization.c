#include "emulator/mcp/organization.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const environment_names[] = {"prod", "dev"};

/* In each environment that is made up. */
static const char *const made_up_tables[] = {"invoices", "posts", "stock"};
#define MADE_UP ARRAY_SIZE(made_up_tables)

static size_t project_count(const struct organization *organization)
{
	return (size_t)organization->switches->mcp_projects;
}

size_t organization_environments(const struct organization *organization)
{
	return project_count(organization) > 1 ? ARRAY_SIZE(environment_names)
					       : 1;
}

struct organization_view organization_served(
    const struct organization *organization)
{
	return (struct organization_view){
	    .list = ORGANIZATION_TABLES,
	    .project = project_count(organization) - 1,
	};
}

char *organization_project_id(size_t project, char out[ORGANIZATION_ID_SIZE])
{
	snprintf(out, ORGANIZATION_ID_SIZE, "65c1%020zx", project);
	return out;
}

char *organization_environment_id(
    size_t project, size_t environment, char out[ORGANIZATION_ID_SIZE])
{
	snprintf(
	    out, ORGANIZATION_ID_SIZE, "65c2%016zx%04zx", project, environment);
	return out;
}

int organization_find_project(const struct organization *organization,
    const char *id, size_t *ret_project)
{
	char own[ORGANIZATION_ID_SIZE];
	for (size_t i = 0; i < project_count(organization); i++) {
		if (strcmp(organization_project_id(i, own), id) != 0)
			continue;
		*ret_project = i;
		return 0;
	}
	return -ENOENT;
}

int organization_find_environment(const struct organization *organization,
    size_t project, const char *id, size_t *ret_environment)
{
	char own[ORGANIZATION_ID_SIZE];
	for (size_t i = 0; i < organization_environments(organization); i++) {
		if (strcmp(organization_environment_id(project, i, own), id) !=
		    0)
			continue;
		*ret_environment = i;
		return 0;
	}
	return -ENOENT;
}

int organization_find_name(const struct organization *organization,
    const char *name, size_t *ret_environment)
{
	for (size_t i = 0; i < organization_environments(organization); i++) {
		if (strcmp(environment_names[i], name) != 0)
			continue;
		*ret_environment = i;
		return 0;
	}
	return -ENOENT;
}

/* ---- lists ---- */

static bool is_served(
    const struct organization *organization, size_t project, size_t environment)
{
	struct organization_view served = organization_served(organization);
	return project == served.project && environment == served.environment;
}

static size_t served_count(const struct organization *organization)
{
	size_t count = 0;
	while (store_nth(organization->store, count))
		count++;
	return count;
}

static size_t table_count_of(
    const struct organization *organization, size_t project, size_t environment)
{
	return is_served(organization, project, environment)
		   ? served_count(organization)
		   : MADE_UP;
}

size_t organization_count(const struct organization *organization,
    const struct organization_view *view)
{
	size_t projects = project_count(organization);
	size_t environments = organization_environments(organization);
	switch (view->list) {
	case ORGANIZATION_PROJECTS:
		return projects;
	case ORGANIZATION_ENVIRONMENTS:
		return environments;
	case ORGANIZATION_TABLES:
		return table_count_of(
		    organization, view->project, view->environment);
	case ORGANIZATION_ALL_ENVIRONMENTS:
		return projects * environments;
	default:
		return (projects * environments - 1) * MADE_UP +
		       served_count(organization);
	}
}

static int print_project(
    const struct organization *organization, size_t project, struct buf *out)
{
	char id[ORGANIZATION_ID_SIZE];
	bool ours = project == organization_served(organization).project;
	return buf_printf(out,
	    "{\"id\":\"%s\",\"name\":\"%s\",\"organizationId\":"
	    "\"" ORGANIZATION_ID "\"}",
	    organization_project_id(project, id),
	    ours ? "bkend-emulator" : "made up");
}

static int print_environment(
    size_t project, size_t environment, struct buf *out)
{
	char project_id[ORGANIZATION_ID_SIZE], id[ORGANIZATION_ID_SIZE];
	return buf_printf(out,
	    "{\"id\":\"%s\",\"name\":\"%s\",\"projectId\":\"%s\"}",
	    organization_environment_id(project, environment, id),
	    environment_names[environment],
	    organization_project_id(project, project_id));
}

/* The name as JSON has it: tables that were saved may have any. */
static int print_name(const struct organization *organization, size_t project,
    size_t environment, size_t i, struct buf *out)
{
	const char *name = "gone";
	if (is_served(organization, project, environment)) {
		const struct table *table = store_nth(organization->store, i);
		if (table)
			name = table_name(table);
	} else {
		name = made_up_tables[i];
	}
	return json_string_encode(name, strlen(name), out);
}

static int print_table(const struct organization *organization, size_t project,
    size_t environment, size_t i, bool placed, struct buf *out)
{
	char project_id[ORGANIZATION_ID_SIZE], id[ORGANIZATION_ID_SIZE];
	int r = buf_printf(out,
	    "{\"id\":\"65c3%08zx%04zx%08zx\",\"tableName\":", project,
	    environment, i);
	if (r == 0)
		r = print_name(organization, project, environment, i, out);
	if (r == 0 && placed)
		r = buf_printf(out,
		    ",\"projectId\":\"%s\",\"environmentId\":\"%s\","
		    "\"environment\":\"%s\"",
		    organization_project_id(project, project_id),
		    organization_environment_id(project, environment, id),
		    environment_names[environment]);
	return r == 0 ? buf_addc(out, '}') : r;
}

/* Only the last project's first environment has another number of tables than
 * MADE_UP, so that only those behind it are moved. */
static int print_any_table(
    const struct organization *organization, size_t i, struct buf *out)
{
	struct organization_view served = organization_served(organization);
	size_t environments = organization_environments(organization);
	size_t place = i / MADE_UP, nth = i % MADE_UP;
	size_t first = served.project * environments * MADE_UP;
	size_t ours = served_count(organization);
	if (i >= first && i < first + ours) {
		place = served.project * environments;
		nth = i - first;
	} else if (i >= first + ours) {
		place = served.project * environments + 1 +
			(i - first - ours) / MADE_UP;
		nth = (i - first - ours) % MADE_UP;
	}
	return print_table(organization, place / environments,
	    place % environments, nth, true, out);
}

int organization_print(const struct organization *organization,
    const struct organization_view *view, size_t i, struct buf *out)
{
	size_t environments = organization_environments(organization);
	switch (view->list) {
	case ORGANIZATION_PROJECTS:
		return print_project(organization, i, out);
	case ORGANIZATION_ENVIRONMENTS:
		return print_environment(view->project, i, out);
	case ORGANIZATION_TABLES:
		return print_table(organization, view->project,
		    view->environment, i, false, out);
	case ORGANIZATION_ALL_ENVIRONMENTS:
		return print_environment(
		    i / environments, i % environments, out);
	default:
		return print_any_table(organization, i, out);
	}
}

int organization_print_array(const struct organization *organization,
    const struct organization_view *view, size_t first, size_t count,
    struct buf *out)
{
	size_t total = organization_count(organization, view);
	int r = buf_addc(out, '[');
	for (size_t i = first; r == 0 && i < total && i - first < count; i++) {
		if (i > first)
			r = buf_addc(out, ',');
		if (r == 0)
			r = organization_print(organization, view, i, out);
	}
	return r == 0 ? buf_addc(out, ']') : r;
}
