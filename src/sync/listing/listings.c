#include "sync/listing/listings.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "sync/listing/lister.h"

struct entry {
	int64_t dir;
	struct lister *lister;
	SLIST_ENTRY(entry) link;
};

struct listings {
	struct core *core;
	struct fetches *fetches;
	/* Under lock: listers are only ever added, in front. */
	struct lock lock;
	SLIST_HEAD(, entry) entries;
};

struct listings *listings_new(struct core *core, struct fetches *fetches)
{
	struct listings *listings = calloc(1, sizeof(*listings));
	if (!listings)
		return NULL;
	listings->core = core;
	listings->fetches = fetches;
	lock_init(&listings->lock);
	SLIST_INIT(&listings->entries);
	return listings;
}

static void entry_free(struct entry *entry)
{
	lister_free(entry->lister);
	free(entry);
}

void listings_free(struct listings *listings)
{
	struct entry *entry;
	if (!listings)
		return;
	while ((entry = SLIST_FIRST(&listings->entries))) {
		SLIST_REMOVE_HEAD(&listings->entries, link);
		entry_free(entry);
	}
	lock_done(&listings->lock);
	free(listings);
}

static struct lister *find_locked(struct listings *listings, int64_t dir)
    REQUIRES(listings->lock)
{
	struct entry *entry;
	SLIST_FOREACH (entry, &listings->entries, link) {
		if (entry->dir == dir)
			return entry->lister;
	}
	return NULL;
}

static struct entry *entry_new(struct listings *listings, int64_t dir)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->dir = dir;
	entry->lister = lister_new(listings->core, listings->fetches, dir);
	if (!entry->lister) {
		free(entry);
		return NULL;
	}
	return entry;
}

struct lister *listings_find(struct listings *listings, int64_t dir)
{
	if (dir == NODE_STORAGE)
		dir = NODE_FILES;
	lock_acquire(&listings->lock);
	struct lister *lister = find_locked(listings, dir);
	lock_release(&listings->lock);
	if (lister || (dir != NODE_FILES && dir < NODE_FIRST))
		return lister;
	struct entry *made = entry_new(listings, dir);
	if (!made)
		return NULL;
	lock_acquire(&listings->lock);
	lister = find_locked(listings, dir);
	if (!lister)
		SLIST_INSERT_HEAD(&listings->entries, made, link);
	lock_release(&listings->lock);
	if (!lister)
		return made->lister;
	entry_free(made); /* another thread was first */
	return lister;
}

void listings_expire(struct listings *listings)
{
	struct entry *entry;
	lock_acquire(&listings->lock);
	SLIST_FOREACH (entry, &listings->entries, link)
		lister_expire(entry->lister);
	lock_release(&listings->lock);
}

void listings_lose(struct listings *listings, int err)
{
	struct entry *entry;
	/* None is taken out before the end, and new ones come in front. */
	SLIST_FOREACH (entry, &listings->entries, link)
		lister_lose(entry->lister, err);
}
