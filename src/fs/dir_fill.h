/* What readdir replies with: entries from the replica, as many as fit. Any
 * thread; asks nobody. */
#ifndef FS_DIR_FILL_H
#define FS_DIR_FILL_H

#include "fs/context.h"
#include "fs/dirs.h"

struct dir_how {
	bool plus; /* with attributes: readdirplus */
	double name_valid_s;
};

/* Whether a directory's entries come from a listing. */
bool dir_is_listed(int64_t id);

/* Whether they are the tables that are known. */
bool dir_has_tables(int64_t id);

/* For how long the names of a directory are good: what a listing says rests on
 * the question that it began with. */
int64_t dir_names_valid_ms(struct fs_context *fs, const struct dir *dir);

/*
 * Add the entries that come after a position. 0: reply with what there is, be
 * it nothing at the end; -EAGAIN: wait for more of the listing, beyond
 * *ret_after; or how it failed.
 */
int dir_fill(struct fs_context *fs, const struct dir *dir, int64_t after,
    const struct dir_how *how, struct dir_reply *reply, int64_t *ret_after);

#endif
