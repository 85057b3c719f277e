/* The lookups that wait for sync, by name. Any thread. */
#ifndef FS_LOOKUPS_H
#define FS_LOOKUPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct lookups;

/* One that waits: part of its request, whose it is. */
struct waiting {
	int64_t dir;
	const char *name; /* borrowed while it waits */
	LIST_ENTRY(waiting) link;
};

/* NULL: out of memory. */
struct lookups *lookups_new(void);

/* None waits any more. NULL is fine. */
void lookups_free(struct lookups *lookups);

/* One begins to wait. */
void lookups_add(struct lookups *lookups, struct waiting *waiting);

/* One has its answer. */
void lookups_remove(struct lookups *lookups, struct waiting *waiting);

/* Whether one of the name is waiting. The kernel makes who finds the name in a
 * readdirplus reply wait for it as well. */
bool lookups_have(struct lookups *lookups, int64_t dir, const char *name);

#endif
