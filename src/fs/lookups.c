#include "fs/lookups.h"

#include <stdlib.h>
#include <string.h>

#include "base/lock.h"

struct lookups {
	struct lock lock;
	LIST_HEAD(, waiting) waiting; /* under lock */
};

struct lookups *lookups_new(void)
{
	struct lookups *lookups = calloc(1, sizeof(*lookups));
	if (!lookups)
		return NULL;
	lock_init(&lookups->lock);
	LIST_INIT(&lookups->waiting);
	return lookups;
}

void lookups_free(struct lookups *lookups)
{
	if (!lookups)
		return;
	lock_done(&lookups->lock);
	free(lookups);
}

void lookups_add(struct lookups *lookups, struct waiting *waiting)
{
	lock_acquire(&lookups->lock);
	LIST_INSERT_HEAD(&lookups->waiting, waiting, link);
	lock_release(&lookups->lock);
}

void lookups_remove(struct lookups *lookups, struct waiting *waiting)
{
	lock_acquire(&lookups->lock);
	LIST_REMOVE(waiting, link);
	lock_release(&lookups->lock);
}

bool lookups_have(struct lookups *lookups, int64_t dir, const char *name)
{
	struct waiting *waiting;
	bool found = false;
	lock_acquire(&lookups->lock);
	LIST_FOREACH (waiting, &lookups->waiting, link)
		found = found || (waiting->dir == dir &&
				     strcmp(waiting->name, name) == 0);
	lock_release(&lookups->lock);
	return found;
}
