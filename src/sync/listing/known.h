/*
 * The listing that is known of a directory. What is in memory of it is what is
 * committed: a refresh and a pass put the next one together in a place of their
 * own, and it takes this one's place with the commit of its last write.
 *
 * Loop thread only. The lister has one.
 */
#ifndef SYNC_LISTING_KNOWN_H
#define SYNC_LISTING_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct folder;
struct known;
struct replica_listing;

/* The next listing is safe, and is the one that is known (err 0); or it is not
 * to be had, and nothing has changed. */
typedef void (*known_settled_fn)(void *ctx, int err);

/* What the replica holds of an earlier mount. The folder is borrowed. NULL: out
 * of memory, or the replica cannot tell. Any thread. */
struct known *known_new(struct core *core, const struct folder *folder,
    known_settled_fn settled, void *ctx);

/* NULL is fine. */
void known_free(struct known *known);

/* The listing; borrowed, and the same place all the time. */
const struct replica_listing *known_listing(const struct known *known);

/* Since when it is true, a moment; 0: of an earlier mount. */
int64_t known_proven(const struct known *known);

/* Whether the server itself said that it is not all that there is. */
bool known_is_incomplete(const struct known *known);

/*
 * Something contradicts it, or is about to take over places in it: only another
 * one can tell from here on, also after a crash. Its newest dates are forgotten
 * in the replica: what is raised from here on is news for the next one. In the
 * write under way. 0 or -errno of the replica.
 */
int known_doubt(struct known *known);

/* More was found of how the server sorts (sorting.h): keep it with the listing;
 * in the replica as well, for the next mount, unless a next listing is under
 * way, which brings it there. */
void known_keep_sorting(struct known *known, bool in_replica);

/* Texts that came alone have perhaps taken over places in the next listing,
 * behind the back of what put it together. Which of the dates that they raised
 * count: */
enum known_raised {
	RAISED_NONE, /* nothing was put in: no place was there to take over */
	RAISED_ANY,  /* it is new: those of the one before are forgotten */
	RAISED_NEWER /* it is what is known, with changes: those newer than it
			has */
};

/* The listing is this one from the commit of the write under way on; what asked
 * for it began at that moment. 0: settled will be called, unless known_stop
 * comes before; or -errno of the replica. */
int known_settle(struct known *known, const struct replica_listing *next,
    int64_t proven, enum known_raised raised);

/* Whether the next one waits for its commit. */
bool known_is_settling(const struct known *known);

/* It does no more, and is not to be had. */
void known_stop(struct known *known);

#endif
