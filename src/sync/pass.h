/*
 * Inside sync/: a pass over a listing.
 *
 * While pages are asked for one after the other (or several at once), a record
 * that is deleted moves all later ones forward, so that one of them may pass
 * from a page not yet asked for to one that was. So a pass is made of rounds,
 * and the listing is their union:
 *
 *   PAGES    by page number, in parallel. Sure when every page tells the same
 *            total, as many records came as that says, and none of them was
 *            created since the round began.
 *   RANGES   otherwise: by ranges of ids, one answer a range. What moves about
 *            cannot leave its range, so whatever existed throughout is in.
 *   REVERSE  where the server cannot filter by id: by page number from the last
 *            to the first, one at a time. Deletions only move records towards
 *            pages that are still to come; new ones stand at the end.
 *
 * Where neither helps (no filters, and an order of its own), PAGES again, until
 * a round is sure or ROUNDS_MAX is reached, which fails the listing.
 */
#ifndef SYNC_PASS_H
#define SYNC_PASS_H

#include "sync/lister.h"

/* Inode numbers set aside for a page. */
#define IDS_RESERVED 128

/* Ids from low (exclusive) to high (inclusive), in byte order. */
struct id_range {
	struct buf low;	 /* empty: from the very first */
	struct buf high; /* empty: to the very last */
	TAILQ_ENTRY(id_range) link;
};

struct id_range *range_new(const struct buf *low, const struct buf *high);
void id_range_free(struct id_range *range);

/* An answer under way, or not yet in turn. */
struct page_fetch {
	struct lister *lister;
	int64_t first_id;      /* inode numbers reserved for it */
	struct api_call *call; /* NULL when the page has come */
	struct commit_hook hook;
	struct api_page info;
	struct id_range *range; /* of a RANGES round; owned */
	struct buf last_id;	/* of the record that came last */
	struct buf split_id;	/* of one in the middle, to split a range at */
	int64_t page;
	int64_t slot;
	int64_t count;	/* records in it */
	int64_t unique; /* those not seen before in this pass */
	bool done;	/* in the replica, waits for its turn */
	TAILQ_ENTRY(page_fetch) link;
};

int64_t slot_pos(const struct pass *pass, int64_t slot);

/* ---- page.c ---- */

/* Ask for a page, or for a range (which is taken over). 0 or -ENOMEM. */
int page_fetch(struct lister *lister, int64_t page, struct id_range *range);

/* Take back what a page has put into the replica. */
int page_take_back(struct page_fetch *fetch);
void page_drop(struct page_fetch *fetch);

/* ---- round.c ---- */

/* When the pass began, by the server's clock, less what clocks may differ. */
int64_t pass_began_ms(const struct pass *pass);

/* The same of a moment: date_ms as an answer tells it, or else our own clock.
 */
int64_t round_moment(int64_t date_ms, int64_t own_ms);

void round_begin(struct pass *pass, enum round_kind kind);
void round_done(struct pass *pass);

/* A page's turn has come: learn from what it tells. 0, or -EPROTO when the
 * listing cannot be believed (explained). */
int round_absorb(struct lister *lister, struct page_fetch *fetch);

/* All was seen: finish the pass, fail it, or begin another round. */
void round_judge(struct lister *lister);

/* The server refuses to filter: find another way. */
void round_without_filters(struct lister *lister);

/* ---- pass.c ---- */

/* Publish what has come in order, then see what is next. */
void pass_advance(struct lister *lister);
void pass_failed(struct lister *lister, int err);

/* An answer that cannot be true, for .bkendfs/errors and the log. */
void pass_explain(struct lister *lister, int err, const char *message);

#endif
