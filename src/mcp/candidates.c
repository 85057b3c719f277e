#include "mcp/candidates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tree/name.h"

enum state { UNTRIED, TRYING, THERE, ABSENT, UNKNOWN };

struct name {
	char *name;
	enum state state;
};

struct group {
	char *key;
	size_t *names; /* numbers of names */
	size_t count;
};

struct candidates {
	struct name names[CANDIDATES_NAMES_MAX];
	size_t name_count;
	struct group groups[CANDIDATES_GROUPS_MAX];
	size_t group_count;
	size_t trying;
	bool all; /* nothing was there: nothing is left out */
};

struct candidates *candidates_new(void)
{
	return calloc(1, sizeof(struct candidates));
}

void candidates_free(struct candidates *candidates)
{
	if (!candidates)
		return;
	for (size_t i = 0; i < candidates->name_count; i++)
		free(candidates->names[i].name);
	for (size_t i = 0; i < candidates->group_count; i++) {
		free(candidates->groups[i].key);
		free(candidates->groups[i].names);
	}
	free(candidates);
}

/* ---- filling ---- */

static int find_group(
    struct candidates *candidates, const char *key, struct group **ret_group)
{
	for (size_t i = 0; i < candidates->group_count; i++) {
		if (strcmp(candidates->groups[i].key, key) == 0) {
			*ret_group = &candidates->groups[i];
			return 0;
		}
	}
	if (candidates->group_count == CANDIDATES_GROUPS_MAX)
		return -ENOSPC;
	struct group *group = &candidates->groups[candidates->group_count];
	if (!(group->key = strdup(key)))
		return -ENOMEM;
	candidates->group_count++;
	*ret_group = group;
	return 0;
}

static int find_name(
    struct candidates *candidates, const char *name, size_t *ret_index)
{
	for (size_t i = 0; i < candidates->name_count; i++) {
		if (strcmp(candidates->names[i].name, name) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	if (candidates->name_count == CANDIDATES_NAMES_MAX)
		return -ENOSPC;
	char *copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	*ret_index = candidates->name_count++;
	candidates->names[*ret_index] = (struct name){.name = copy};
	return 0;
}

static bool holds(const struct group *group, size_t index)
{
	for (size_t i = 0; i < group->count; i++) {
		if (group->names[i] == index)
			return true;
	}
	return false;
}

static int join(struct group *group, size_t index)
{
	if (holds(group, index))
		return 0;
	size_t *names =
	    reallocarray(group->names, group->count + 1, sizeof(*group->names));
	if (!names)
		return -ENOMEM;
	group->names = names;
	group->names[group->count++] = index;
	return 0;
}

int candidates_add(
    struct candidates *candidates, const char *group, const char *name)
{
	struct group *home;
	size_t index;
	if (!name_is_table(name) || !name_to_table(name_of_table_dir(name)))
		return 0;
	int r = find_group(candidates, group, &home);
	if (r == 0)
		r = find_name(candidates, name, &index);
	return r == 0 ? join(home, index) : r;
}

size_t candidates_count(const struct candidates *candidates)
{
	return candidates->name_count;
}

const char *candidates_name(const struct candidates *candidates, size_t index)
{
	return candidates->names[index].name;
}

/* ---- trying ---- */

/* A name of the group that is to be tried now. False: none. */
static bool next_of(const struct candidates *candidates,
    const struct group *group, size_t *ret_index)
{
	size_t tried = 0, untried = CANDIDATES_NAMES_MAX;
	bool ours = candidates->all || candidates->group_count == 1;
	for (size_t i = 0; i < group->count; i++) {
		size_t index = group->names[i];
		enum state state = candidates->names[index].state;
		tried += state != UNTRIED;
		ours = ours || state == THERE;
		if (state == UNTRIED && untried == CANDIDATES_NAMES_MAX)
			untried = index;
	}
	*ret_index = untried;
	return untried != CANDIDATES_NAMES_MAX &&
	       (ours || tried < CANDIDATES_SAMPLE);
}

static bool any_there(const struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->name_count; i++) {
		if (candidates->names[i].state == THERE)
			return true;
	}
	return false;
}

bool candidates_next(struct candidates *candidates, size_t *ret_index)
{
	bool found = false;
	for (size_t i = 0; !found && i < candidates->group_count; i++)
		found = next_of(candidates, &candidates->groups[i], ret_index);
	if (!found && !candidates->trying && !candidates->all &&
	    !any_there(candidates)) {
		candidates->all = true;
		return candidates_next(candidates, ret_index);
	}
	if (found) {
		candidates->names[*ret_index].state = TRYING;
		candidates->trying++;
	}
	return found;
}

void candidates_tell(struct candidates *candidates, size_t index,
    enum candidates_verdict verdict)
{
	static const enum state states[] = {
	    [CANDIDATES_THERE] = THERE,
	    [CANDIDATES_ABSENT] = ABSENT,
	    [CANDIDATES_UNKNOWN] = UNKNOWN,
	};
	candidates->names[index].state = states[verdict];
	candidates->trying--;
}

bool candidates_is_there(const struct candidates *candidates, size_t index)
{
	return candidates->names[index].state == THERE;
}
