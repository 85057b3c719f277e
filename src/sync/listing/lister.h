/*
 * A lister keeps one directory's listing: it knows whether what the replica
 * holds is whole and fresh, asks the server whether it changed, and runs passes
 * over its pages. The stored files have one lister for two directories, their
 * metadata and the objects.
 *
 *          open, stale                  changed
 *   IDLE ───────────────► PROBING ──────────────────► PASSING ──► IDLE, listed
 *    ▲                       │ unchanged                 │ failed, or nobody
 *    └───────────────────────┘                           ▼ waits any more
 *    └──────────────────────────────────────────── IDLE, to be taken up
 *
 *   state     what is under way                     what ends it
 *   IDLE      nothing; nobody waits                 somebody who wants news
 *   PROBING   probe_call (a probe, a page of what   its answer; nobody waits
 *             changed, of what is gone, or one      any more (not while
 *             taken at random), or delta.hook       finishing)
 *   PASSING   pass.fetches, pass.spec_call, hooks   the last page's turn; an
 *             of their writes; or pages wait for    error; nobody waits any
 *             their reader to come nearer           more (not while finishing)
 *   either,   hook: the listing's last write        its commit, good or bad
 *   finishing
 *
 * Who waits is restarted at each news, and ended by an error: so whoever goes
 * to IDLE does one of the two.
 *
 * What is in memory of the listing is what is committed: a refresh and a pass
 * put the next one together in a place of their own.
 *
 * Any thread may ask for the view; all else is on the loop thread.
 */
#ifndef SYNC_LISTER_H
#define SYNC_LISTER_H

#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/op.h"
#include "sync/core/position.h"
#include "sync/core/write.h"
#include "sync/listing/facts.h"
#include "sync/listing/ids.h"
#include "sync/listing/view.h"

/* One pass may look at the pages so many times until it is sure. */
#define ROUNDS_MAX 12

struct fetches;
struct page_fetch;
struct prune;

enum round_kind { ROUND_PAGES, ROUND_RANGES, ROUND_CHAIN };

/* A look at all records: see pass.h. */
struct round {
	enum round_kind kind;
	unsigned number;
	int64_t first_slot; /* page p lies in slot first_slot + p */
	int64_t total;	    /* as told by the answers; -1: not told */
	bool quiet;	    /* all answers told the same */
	bool torn;	    /* an answer contradicts itself */
	bool doubled;	    /* PAGES, again: one came twice */
	struct facts facts; /* of the records that came */
	int64_t answers;
	int64_t in_ranges; /* RANGES: records of those that came whole */
	int64_t next_page; /* to be asked for; RANGES, CHAIN: counts */
	int64_t last_page; /* as far as known */
	bool over;
};

/* Windows of a CHAIN round. */
struct chain {
	int64_t index;	 /* how many records stand up to the last one known */
	int64_t overlap; /* how far a window reaches back */
	int64_t asked_from; /* of the window under way: its first index */
	unsigned asked;	    /* records in it */
	unsigned stalls;    /* windows in a row that led nowhere */
	struct buf last;    /* the last one known: all before it is in */
};

struct id_range;

struct pass {
	int side;
	int64_t base;
	int64_t began;	      /* a moment */
	int64_t threshold_ms; /* what is dated from then on may have come
				 since; the server's clock */
	int64_t wall_ms;      /* our own clock when it began */
	bool dated;	      /* an answer told the server's clock */
	unsigned limit;	      /* asked for; 0: the server's own */
	unsigned told_limit;  /* by the answers; 0: not told */
	int64_t most;	      /* the most records that one answer had */
	int64_t done_slot;    /* slots up to here are in the replica */
	int64_t reader_slot;  /* as far as anyone has read */
	unsigned window;      /* pages to fetch ahead of the reader */
	bool want_all;	      /* somebody needs the listing whole */
	int64_t unique;	      /* records found */
	int64_t count;	      /* how many there are, once it is whole */
	struct facts facts;   /* of all rounds */
	unsigned orders;      /* of the ids, as far as they tell: order.h */
	unsigned slots_order; /* the same, also from one slot to the next */
	struct buf last_id;   /* of the answer absorbed last */
	bool no_filters;      /* the server does not filter by id */
	bool no_chain;	      /* it gives no windows of an order that stays */
	struct round round;
	struct round previous;
	struct ids round_ids; /* PAGES, again: those that came */
	struct chain chain;
	TAILQ_HEAD(, id_range) ranges; /* still to be asked for */
	TAILQ_HEAD(fetch_queue, page_fetch)
	fetches;	 /* under way or not yet in turn */
	int64_t ceiling; /* positions up to here were given away */
	struct api_call *spec_call;
	int64_t spec_asked; /* a moment */
	bool spec_done;	    /* in the replica, or refused */
	bool doubts;	    /* the listing that it shall replace: in the
			       replica, or in the write under way */
};

/* Which date a question goes by. */
enum date_field { DATE_UPDATED, DATE_CREATED };

/* What a probe told. */
struct probe_facts {
	int64_t total;	   /* -1: not told */
	int64_t came;	   /* records */
	int64_t newest_ms; /* NO_DATE: it has none */
	bool known;	   /* the record is listed just so */
};

/* A refresh: what changed since the listing was whole. See refresh.h. */
struct delta {
	int64_t began;	      /* a moment: nothing was asked before */
	int64_t threshold_ms; /* likewise, the server's clock; 0: not known */
	struct replica_listing next; /* the listing with what was found */
	enum date_field field;
	struct probe_facts probe; /* the last one */
	bool fitted;	/* the one before the last look, with what that found */
	unsigned looks; /* for what changed, by this field */
	bool level;	/* it is a look for anything newer */
	bool levelled;	/* which found nothing */
	/* One answer of a look. */
	int64_t since_ms;
	struct buf after_id; /* of the answers before */
	struct buf last_id;
	int64_t from_slot;
	struct facts facts;
	struct ids ids;
	int64_t added; /* records that were not listed */
	unsigned orders;
	int64_t left; /* records that the next answer must have; 0: any */
	bool ignored; /* the filter was not heeded */
	bool more;
	bool news; /* the look, all its answers, found something new */
	struct commit_hook hook;
	/* The newest record of all, or one page. */
	int64_t came;
	int64_t known;	  /* of them, listed as they came */
	int64_t dateless; /* of them */
	int64_t newest_ms;
	bool descending; /* the dateless are looked for at the other end */
};

struct lister {
	/* Immutable after new. */
	struct core *core;
	struct fetches *fetches;
	struct view *view;
	struct folder folder; /* the title points to table, or is static */
	char *table;
	/* Loop thread only. */
	enum { LISTER_IDLE, LISTER_PROBING, LISTER_PASSING } state;
	struct replica_listing listing;
	struct wait_list waiting;
	struct commit_hook hook;      /* of the listing's last write */
	struct commit_hook spec_hook; /* of the spec's */
	struct api_call *probe_call;
	int64_t missing_since; /* a moment: the server knew no such table */
	bool finishing;	       /* the next listing waits for its commit ... */
	struct replica_listing next;
	int64_t next_proven; /* ... and since when it is true; a moment */
	struct pass pass;
	struct delta delta;
	struct prune *prune; /* what is gone, while that is found out */
	bool no_delta;	     /* the server does not filter by time */
};

/* The lister of a directory. NULL: out of memory, or the directory is none that
 * is listed. Any thread. */
struct lister *lister_new(
    struct core *core, struct fetches *fetches, int64_t dir);

/* NULL is fine. Nobody may wait. */
void lister_free(struct lister *lister);

/* Everything is due for a check: what the kernel keeps of the directory is due
 * as well. */
void lister_expire(struct lister *lister);

/* A write was lost, and nobody knows what all was in it: a pass or a refresh
 * that stands on it is given up. err: why. */
void lister_lose(struct lister *lister, int err);

/* What any thread may know of it. Any thread. */
struct view *lister_view(const struct lister *lister);

/* Whether the listing is whole, and fresh enough for op: its proof began less
 * than ttl before op did. */
bool lister_is_fresh(struct lister *lister, const struct sync_op *op);

/* Whether op may read along with the pass under way: it began as lately. */
bool lister_may_join(struct lister *lister, const struct sync_op *op);

/* Restart op at the next news, and see to it that there will be some: refresh
 * the listing, or run a pass. A pass that op may not join is made whole first
 * where somebody reads it, else given up. */
void lister_wait_for_news(struct lister *lister, struct sync_op *op);

/* The same for one who reads the pass under way, or left. */
void lister_read_on(struct lister *lister, struct sync_op *op);

/* Restart op at the next news, and see to it that the listing gets whole. */
void lister_complete(struct lister *lister, struct sync_op *op);

/* ---- pass.c ---- */

/* Begin a pass, or take up the one that was left. */
void pass_run(struct lister *lister);

/* Ask for the pages that are wanted. */
void pass_pump(struct lister *lister);

/* Stop fetching; what is in the replica stays. */
void pass_stop(struct lister *lister);

/* What it has found is not to be taken up. */
void pass_forget(struct lister *lister);

/* The spec is in the replica: for spec_hook. */
void pass_spec_committed(void *ctx, int err);

/* A reader has got to pos. */
void pass_reader_at(struct lister *lister, int64_t pos);

/* ---- lister.c, for pass.c ---- */

/*
 * Something contradicts the listing, or is about to take over places in it:
 * only another one can tell from here on, also after a crash. Its newest dates
 * are forgotten: what is raised from here on is news for the next one. 0 or
 * -errno of the replica.
 */
int lister_doubt(struct lister *lister);

/* Take entries back, of both directories where there are two. */
int lister_unlist(struct lister *lister, int64_t first, int64_t last);

/* More is readable, or nothing more will be: tell everybody. */
void lister_publish(struct lister *lister);
void lister_failed(struct lister *lister, int err);

/* The directory that it lists. Any thread. */
const struct folder *lister_folder(const struct lister *lister);

/*
 * The listing is this one; what asked for it began at that moment. Written, and
 * believed once that is committed. whole_pass: it is the pass's own.
 */
void lister_settle(struct lister *lister, const struct replica_listing *next,
    int64_t proven, bool whole_pass);

/* Clocks of an API and of its database may differ by so much, and so may those
 * of two who write to it. Milliseconds. */
#define CLOCKS_DIFFER_MS 30000

/*
 * The server's clock at a question (date_ms as the answer tells it, -1: it does
 * not; own_ms: our wall clock then) less what clocks may be wrong by: what is
 * dated earlier was there before.
 */
int64_t lister_threshold(int64_t date_ms, int64_t own_ms);

#endif
