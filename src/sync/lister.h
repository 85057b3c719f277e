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
 * Any thread may ask for the view; all else is on the loop thread.
 */
#ifndef SYNC_LISTER_H
#define SYNC_LISTER_H

#include "sync/core.h"

/* Records asked for at once: the API's maximum. (Tests are built with less, so
 * that small tables have many pages.) */
#ifndef PAGE_LIMIT
#define PAGE_LIMIT 100
#endif

/* Positions a page has: pos = base + (slot << PAGE_BITS) + 1 + index. */
#define PAGE_BITS SYNC_PAGE_BITS
#define PAGE_RECORDS_MAX ((INT64_C(1) << PAGE_BITS) - 2)

/* One pass may look at the pages so many times until it is sure. */
#define ROUNDS_MAX 12

/* A pass that was left is taken up within this time, else begun anew. */
#define PASS_KEPT_MS 60000

struct page_fetch;
struct prune;

/* What any thread may know. */
struct lister_view {
	int64_t listed_base;	/* the last whole listing ... */
	int64_t listed_end;	/* ... 0: there is none */
	int64_t fresh_until_ms; /* timestamp_mono_ms */
	int64_t pass_base;	/* the pass under way, or left; 0: none */
	int64_t frontier;	/* of the pass: below it all is readable */
	int err;		/* how the pass failed; 0: it did not */
	uint64_t version;	/* counts what was found whole and fresh */
};

enum round_kind { ROUND_PAGES, ROUND_RANGES, ROUND_REVERSE };

/* A look at all records: see pass.h. */
struct round {
	enum round_kind kind;
	unsigned number;
	int64_t first_slot; /* page p lies in slot first_slot + p */
	int64_t total;	    /* as told by the pages; -1: they do not tell */
	bool quiet;	    /* all pages told the same */
	int64_t newest_created_ms; /* of the records that came; -1 */
	int64_t count;		   /* records, also those seen before */
	int64_t next_page;	   /* to be asked for; RANGES: counts answers */
	int64_t last_page;	   /* as far as known */
	int64_t down_page;	   /* REVERSE: the page to ask for */
	bool descending;	   /* REVERSE: the end was found */
	bool over;
};

struct id_range;

struct pass {
	int64_t base;
	int64_t started_mono_ms;
	int64_t started_wall_ms;
	unsigned limit;	     /* asked for; 0: the server's own */
	int64_t done_slot;   /* slots up to here are in the replica */
	int64_t reader_slot; /* as far as anyone has read */
	unsigned window;     /* pages to fetch ahead of the reader */
	bool want_all;	     /* somebody needs the listing whole */
	int64_t unique;	     /* records found */
	int64_t count;	     /* how many there are, once it is whole */
	int64_t newest_ms;   /* greatest updatedAt; -1: some has none */
	int64_t began_ms;    /* server's clock when it began; -1: not told */
	bool unordered;	     /* ids do not come in ascending order */
	bool no_filters;     /* the server does not filter by id */
	struct round round;
	struct round previous;
	TAILQ_HEAD(, id_range) ranges; /* still to be asked for */
	TAILQ_HEAD(fetch_queue, page_fetch)
	fetches; /* under way or not yet in turn */
	struct api_call *spec_call;
	bool spec_done; /* in the replica, or refused */
};

/* What changed since the listing was whole: see delta.c. */
struct delta {
	int64_t since_ms;  /* updatedAt from which records are asked for */
	int64_t newest_ms; /* greatest updatedAt so far */
	int64_t page;
	int64_t slot;	    /* pages put behind the listing's end */
	int64_t count;	    /* records of this page */
	int64_t page_added; /* those that were not listed */
	int64_t seen;	    /* records of all pages of this look */
	int64_t added;	    /* not listed before, all looks */
	unsigned looks;
	int64_t began_ms; /* server's clock at the first question, less some */
	bool ignored;	  /* the filter was not heeded */
};

struct registration {
	struct lister *lister;
	int64_t base;
	int64_t end; /* 0: its pass is still under way */
	LIST_ENTRY(registration) link;
};

struct lister {
	/* Immutable after new. */
	struct sync *sync;
	int64_t dir;
	int64_t twin_dir; /* NODE_STORAGE beside NODE_FILES, else 0 */
	char *table;	  /* NULL: the stored files */
	const char
	    *title; /* the directory's name; points to table, or static */
	SLIST_ENTRY(lister) link;
	/* Loop thread only. */
	enum { LISTER_IDLE, LISTER_PROBING, LISTER_PASSING } state;
	struct replica_listing listing;
	struct wait_list waiting;
	struct commit_hook hook;      /* of the listing's last write */
	struct commit_hook spec_hook; /* of the spec's */
	struct api_call *probe_call;
	int64_t probe_newest_ms;
	int64_t missing_until_ms; /* mono: the server knows no such table */
	bool list_refused; /* records may be readable, the listing is not */
	uint64_t confirmations; /* how often it was found whole and fresh */
	bool finishing; /* the last write of the pass waits for its commit */
	struct pass pass;
	struct delta delta;
	struct prune *prune; /* what is gone, while that is found out */
	bool no_delta;	     /* the server does not filter by time */
	/* Under lock. */
	struct lock lock;
	struct lister_view view;
	LIST_HEAD(, registration) readers;
};

void lister_free_all(struct sync *sync);
void lister_expire_all(struct sync *sync);

void lister_get_view(struct lister *lister, struct lister_view *ret_view);
bool view_is_fresh(const struct lister_view *view);

/*
 * Whether the listing is whole, and fresh enough for op: younger than ttl, or
 * confirmed since op began (which is all that there is when ttl is 0). An
 * operation asks each time that it begins.
 */
bool lister_is_fresh(struct lister *lister, struct sync_op *op);

/* Restart op at the next news, and see to it that there will be some: probe, or
 * run a pass. */
void lister_wait_for_news(struct lister *lister, struct sync_op *op);

/* Restart op at the next news, and see to it that the listing gets whole. */
void lister_complete(struct lister *lister, struct sync_op *op);

/* Restart op when it is known whether the listing is unchanged: then it is
 * fresh, or a pass is under way. Like the others, finishes op on failure. */
void lister_refresh(struct lister *lister, struct sync_op *op);

/* Restart op when the first page has come. */
void lister_first_page(struct lister *lister, struct sync_op *op);

/* Ask for the newest updatedAt and the total; what then? */
void lister_probe(struct lister *lister);

/* ---- pass.c ---- */

/* Begin a pass, or take up the one that was left. */
void pass_run(struct lister *lister);

/* Ask for the pages that are wanted. */
void pass_pump(struct lister *lister);

/* Stop fetching; what is in the replica stays. */
void pass_stop(struct lister *lister);

/* The spec is in the replica: for spec_hook. */
void pass_spec_committed(void *ctx, int err);

/* A reader has got to pos. */
void pass_reader_at(struct lister *lister, int64_t pos);

/* ---- lister.c, for pass.c ---- */

/* Take entries back, of both directories where there are two. */
int lister_unlist(struct lister *lister, int64_t first, int64_t last);

/* Whether somebody has the directory open, and shall go on seeing it as it
 * was. */
bool lister_has_readers(struct lister *lister);

/* More is readable, or nothing more will be: tell everybody. */
void lister_publish(struct lister *lister);
void lister_failed(struct lister *lister, int err);

/*
 * The updatedAt from which on to look for changes: the newest one seen, but not
 * later than when we began to look (server's clock). What changed meanwhile,
 * behind our back, may be older than the newest that we saw.
 */
int64_t lister_newest(int64_t newest_ms, int64_t began_ms);

/* The pass is whole. */
void lister_finished(struct lister *lister);

#endif
