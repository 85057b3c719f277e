/*
 * Inside sync/: a pass over a listing.
 *
 * While pages are asked for one after the other (or several at once), a record
 * that is deleted moves all later ones forward, so that one of them may pass
 * from a page not yet asked for to one that was. So a pass is made of rounds,
 * and the listing is their union:
 *
 *   PAGES    by page number, in parallel. Sure when it was one answer; or when
 *            every page tells the same total, as many records came as that
 *            says, and none of them was created since the round began.
 *   RANGES   otherwise: by ranges of ids, one answer a range. What moves about
 *            cannot leave its range, so whatever existed throughout is in.
 *   CHAIN    where the server cannot filter by id: in windows that overlap, one
 *            at a time. See chain.h.
 *
 * Where neither helps (no filters, and an order of its own), PAGES again, until
 * two rounds told the same or ROUNDS_MAX is reached, which fails the listing.
 * judge.h says what is sure.
 */
#ifndef SYNC_PASS_H
#define SYNC_PASS_H

#include "sync/listing/ids.h"
#include "sync/listing/lister.h"

/* Inode numbers set aside for a page. */
#define IDS_RESERVED 128

/* Ids from low (exclusive) to high (inclusive), in byte order. */
struct id_range {
	struct buf low;	 /* empty: from the very first */
	struct buf high; /* empty: to the very last */
	TAILQ_ENTRY(id_range) link;
};

struct id_range *id_range_new(const struct buf *low, const struct buf *high);
void id_range_free(struct id_range *range);

/* An answer under way, or not yet in turn. */
struct page_fetch {
	struct lister *lister;
	struct api_call *call; /* NULL when the page has come */
	struct commit_hook hook;
	struct api_page info;
	struct id_range *range; /* of a RANGES round; owned */
	struct buf last_id;	/* of the record that came last */
	struct buf split_id;	/* of one in the middle, to split a range at */
	struct buf first_id;	/* of the record that came first */
	int64_t page;
	unsigned limit; /* asked for; 0: the server's own */
	int64_t slot;
	int64_t count;	/* records in it */
	int64_t unique; /* those not seen before in this pass */
	struct facts facts;
	struct ids ids;
	unsigned orders; /* of its records: order.h */
	bool out_of_range;
	int64_t first_node; /* inode numbers reserved for it */
	bool done;	    /* in the replica, waits for its turn */
	TAILQ_ENTRY(page_fetch) link;
};

/* The position before the first one of a slot. */
int64_t slot_pos(const struct pass *pass, int64_t slot);

/* ---- page.c ---- */

/* Ask for a page of so many records (0: the server's own number), or for a
 * range (which is taken over). 0 or -ENOMEM. */
int page_fetch(struct lister *lister, int64_t page, unsigned limit,
    struct id_range *range);

/* Take back what a page has put into the replica. */
int page_take_back(struct page_fetch *fetch);
void page_drop(struct page_fetch *fetch);

/* ---- round.c ---- */

void round_begin(struct pass *pass, enum round_kind kind);
void round_done(struct pass *pass);

/* A page's turn has come: learn from what it tells. 0; -EOPNOTSUPP:
 * round_give_up is due; -ENOMEM. */
int round_absorb(struct lister *lister, struct page_fetch *fetch);

/* All was seen: finish the pass, fail it, or begin another round. */
void round_judge(struct lister *lister);

/* The server does not do what this kind of round needs: find another way. */
void round_give_up(struct lister *lister);

/* ---- pass.c ---- */

/* Publish what has come in order, then see what is next. */
void pass_advance(struct lister *lister);
void pass_failed(struct lister *lister, int err);

/* The pass is whole. */
void pass_finished(struct lister *lister);

#endif
