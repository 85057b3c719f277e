/*
 * Names that may be tables of ours, and which to try next. A login sees every
 * project of its organisation, and nobody says which of them the key belongs
 * to: so a few names of each group (a project's environment) are tried first,
 * and the rest of them only where one was there. Pure; one thread. Filled by
 * finder.c, worked off by whoever has the key.
 */
#ifndef MCP_CANDIDATES_H
#define MCP_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

struct candidates;

/* How many names, and groups, are kept. */
#define CANDIDATES_NAMES_MAX 2000
#define CANDIDATES_GROUPS_MAX 500

/* So many names of a group are tried before it is given up. */
#define CANDIDATES_SAMPLE 3

/* NULL: out of memory. */
struct candidates *candidates_new(void);

/* NULL is fine. */
void candidates_free(struct candidates *candidates);

/*
 * A name that stands in a group; the group's key tells it from others. What can
 * be no table of a mount is passed over. 0; -ENOSPC: there are too many;
 * -ENOMEM.
 */
int candidates_add(
    struct candidates *candidates, const char *group, const char *name);

/* How many different names there are. */
size_t candidates_count(const struct candidates *candidates);

/* A name, by its number. Borrowed. */
const char *candidates_name(const struct candidates *candidates, size_t index);

/* What came of a try. */
enum candidates_verdict {
	CANDIDATES_THERE,
	CANDIDATES_ABSENT,
	CANDIDATES_UNKNOWN, /* refused, or it failed: says nothing */
};

/* The next name to try, each once. False: none, or none before it is told what
 * came of those that are being tried. */
bool candidates_next(struct candidates *candidates, size_t *ret_index);

/* What came of one that candidates_next gave. */
void candidates_tell(struct candidates *candidates, size_t index,
    enum candidates_verdict verdict);

/* Whether a name was found to be there. */
bool candidates_is_there(const struct candidates *candidates, size_t index);

#endif
