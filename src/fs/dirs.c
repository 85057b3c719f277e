#include "fs/dirs.h"

#include <stdlib.h>

#include "base/lock.h"
#include "fs/notify.h"

/* A directory whose listing the kernel may hold. */
struct cached_dir {
	int64_t dir;
	uint64_t version; /* of sync_dir_version */
};

/* Of so many it is remembered. */
#define CACHED_DIRS 64

struct dirs {
	struct lock lock;
	/* Under lock. */
	LIST_HEAD(, dir) open;
	struct cached_dir cached[CACHED_DIRS];
	size_t next_cached;
};

struct dirs *dirs_new(void)
{
	struct dirs *dirs = calloc(1, sizeof(*dirs));
	if (!dirs)
		return NULL;
	lock_init(&dirs->lock);
	LIST_INIT(&dirs->open);
	return dirs;
}

struct dir *dirs_open(struct dirs *dirs, int64_t id)
{
	struct dir *dir = calloc(1, sizeof(*dir));
	if (!dir)
		return NULL;
	dir->id = id;
	lock_acquire(&dirs->lock);
	LIST_INSERT_HEAD(&dirs->open, dir, link);
	lock_release(&dirs->lock);
	return dir;
}

void dirs_close(struct dirs *dirs, struct notifier *notifier, struct dir *dir)
{
	notifier_taken_in(notifier, &dir->told);
	lock_acquire(&dirs->lock);
	LIST_REMOVE(dir, link);
	lock_release(&dirs->lock);
	free(dir);
}

void dirs_free(struct dirs *dirs, struct notifier *notifier)
{
	struct dir *dir;
	if (!dirs)
		return;
	while ((dir = LIST_FIRST(&dirs->open)))
		dirs_close(dirs, notifier, dir);
	lock_done(&dirs->lock);
	free(dirs);
}

/* Somebody still reads another version of the directory. */
static bool reads_other_locked(
    const struct dirs *dirs, int64_t id, uint64_t version) REQUIRES(dirs->lock)
{
	const struct dir *dir;
	LIST_FOREACH (dir, &dirs->open, link) {
		if (dir->id == id && dir->kept && dir->kept != version)
			return true;
	}
	return false;
}

static struct cached_dir *cached_dir_locked(struct dirs *dirs, int64_t id)
    REQUIRES(dirs->lock)
{
	for (size_t i = 0; i < CACHED_DIRS; i++) {
		if (dirs->cached[i].dir == id)
			return &dirs->cached[i];
	}
	return &dirs->cached[dirs->next_cached++ % CACHED_DIRS];
}

enum dirs_caching dirs_cache(
    struct dirs *dirs, struct dir *dir, uint64_t version)
{
	enum dirs_caching caching = DIRS_UNCACHED;
	lock_acquire(&dirs->lock);
	struct cached_dir *cached = cached_dir_locked(dirs, dir->id);
	if (reads_other_locked(dirs, dir->id, version)) {
		*cached = (struct cached_dir){dir->id, 0};
	} else {
		caching = cached->dir == dir->id && cached->version == version
			      ? DIRS_CACHED_BEFORE
			      : DIRS_CACHED;
		*cached = (struct cached_dir){dir->id, version};
		dir->kept = version;
	}
	lock_release(&dirs->lock);
	return caching;
}
