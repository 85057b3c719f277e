/*
 * What an account of the service's console sees: an organisation of projects,
 * each with environments, each with tables. What we serve is the environment
 * "prod" of the last project; the rest is made up, for clients that have to
 * tell one from another. Pure; for any thread.
 */
#ifndef EMULATOR_ORGANIZATION_H
#define EMULATOR_ORGANIZATION_H

#include "emulator/exchange/switches.h"
#include "emulator/store/store.h"

#define ORGANIZATION_ID "65c000000000000000000001"
/* NUL included. */
#define ORGANIZATION_ID_SIZE 25

/* Plain values, for the time of a call. */
struct organization {
	struct store *store;
	const struct switches *switches;
};

/* A list of something in it. */
enum organization_list {
	ORGANIZATION_PROJECTS,
	ORGANIZATION_ENVIRONMENTS,     /* of one project */
	ORGANIZATION_TABLES,	       /* of one environment */
	ORGANIZATION_ALL_ENVIRONMENTS, /* with the project's id each */
	ORGANIZATION_ALL_TABLES,       /* with both ids each */
};

struct organization_view {
	enum organization_list list;
	size_t project;	    /* which, where it is of one */
	size_t environment; /* which of that project's */
};

/* Of each project. */
size_t organization_environments(const struct organization *organization);

/* The environment that is served. */
struct organization_view organization_served(
    const struct organization *organization);

/* The id of a project, or of an environment, into out. Returns out. */
char *organization_project_id(size_t project, char out[ORGANIZATION_ID_SIZE]);
char *organization_environment_id(
    size_t project, size_t environment, char out[ORGANIZATION_ID_SIZE]);

/* The project of that id, the project's environment of that id, or of that
 * name: 0 or -ENOENT. */
int organization_find_project(const struct organization *organization,
    const char *id, size_t *ret_project);
int organization_find_environment(const struct organization *organization,
    size_t project, const char *id, size_t *ret_environment);
int organization_find_name(const struct organization *organization,
    const char *name, size_t *ret_environment);

/* How many items a list has. */
size_t organization_count(const struct organization *organization,
    const struct organization_view *view);

/* Append the list's i-th item as a JSON object. 0, -ENOMEM or -EMSGSIZE. */
int organization_print(const struct organization *organization,
    const struct organization_view *view, size_t i, struct buf *out);

/* Append the items from first on, count at most, as a JSON array. Errors as
 * above. */
int organization_print_array(const struct organization *organization,
    const struct organization_view *view, size_t first, size_t count,
    struct buf *out);

#endif
