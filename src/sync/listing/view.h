/*
 * What any thread may know of a listing, and who has its directory open: the
 * only part of a lister that several threads touch. The lister tells it what is
 * found; the faces of sync ask it.
 *
 * Any thread, but for what the lister tells: loop thread.
 */
#ifndef SYNC_LISTING_VIEW_H
#define SYNC_LISTING_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/core/op.h"

struct core;
struct view;

/* A pass under way, or left. */
struct view_pass {
	int64_t base;  /* 0: none */
	int64_t began; /* a moment */
	int side;
	int64_t frontier; /* below it all is readable */
	int64_t total;	  /* records, as the server told; -1: it did not */
};

/* All of it, at one moment. */
struct view_now {
	int listed_side; /* the last whole listing ... */
	int64_t listed_base;
	int64_t listed_end; /* ... 0: there is none */
	int64_t proven;	    /* since when: a moment of this mount; 0: before */
	bool incomplete;    /* the server itself says that some is missing */
	struct view_pass pass;
	int err;	  /* how the pass failed; 0: it did not */
	uint64_t version; /* counts what was found whole */
};

/* What an earlier mount knew: believed only once it was checked. incomplete:
 * the server itself said that some of it is missing. NULL: out of memory. */
struct view *view_new(const struct replica_listing *listing, bool incomplete);

/* Whoever has the directory open still is left alone: nobody may ask any more.
 * NULL is fine. */
void view_free(struct view *view);

/* ---- what the lister tells ---- */

/* More of the pass is readable. */
void view_publish(struct view *view, const struct view_pass *pass);

/* Nothing more will be: why. */
void view_fail(struct view *view, int err);

/* The listing is whole, since that moment. Who read along with its pass has all
 * of it: what comes later is not theirs. */
void view_settle(struct view *view, const struct replica_listing *listing,
    int64_t proven, bool incomplete);

/* What the kernel keeps of the directory is due for a check as well. */
void view_expire(struct view *view);

/* ---- what the faces ask ---- */

/* How it stands now, all of one moment. Any thread. */
struct view_now view_now(struct view *view);

/* Whether the listing may be answered from now on. */
bool view_is_fresh(const struct core *core, const struct view_now *now);

/* Whether a node is in the listing. */
bool view_lists(const struct view_now *now, const struct node *node);

/* Whether it is in what the pass has published. */
bool view_shows(const struct view_now *now, const struct node *node);

/* ---- open directories ---- */

/* Somebody has opened the directory: from is what he may read. *ret_dir is
 * that; view_leave is owed. 0 or -ENOMEM. */
int view_enter(
    struct view *view, const struct sync_dir *from, struct sync_dir *ret_dir);

/* The same of the whole listing that is known now. */
int view_enter_listing(struct view *view, const struct core *core,
    const struct view_now *now, struct sync_dir *ret_dir);

/* Who has entered leaves, if he has not yet. */
void view_leave(struct sync_dir *dir);

/* Until where dir may be read now (exclusive). 0; 1: that is its end; or the
 * -errno with which its listing failed, -EIO: another pass took its place. */
int view_frontier(
    struct view *view, const struct sync_dir *dir, int64_t *ret_frontier);

/* Whether what dir has read to its end is not all that there is, as the server
 * itself says. */
bool view_is_incomplete(struct view *view, const struct sync_dir *dir);

/* Whether somebody has the directory open, and shall go on seeing it as it
 * was. base: who reads that generation, 0: any. */
bool view_has_readers(struct view *view, int64_t base);

/* The lowest base that an open directory may still read, or base. */
int64_t view_oldest_reader(struct view *view, int64_t base);

#endif
