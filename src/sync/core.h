/* Inside sync/: shared by its files. All on the loop thread, unless said. */
#ifndef SYNC_CORE_H
#define SYNC_CORE_H

#include <stdatomic.h>

#include "base/lock.h"
#include "sync/ready.h"
#include "sync/sync.h"

/* Operations that wait for the same thing. */
TAILQ_HEAD(op_queue, sync_op);

struct wait_list {
	struct op_queue queue;
	/* The last one was interrupted: nobody waits any more. */
	void (*abandoned)(void *ctx);
	void *ctx;
};

void wait_init(struct wait_list *list, void (*abandoned)(void *ctx), void *ctx);
void wait_add(struct wait_list *list, struct sync_op *op);
void wait_remove(struct sync_op *op);

/* Let those of one list wait in another one. */
void wait_move(struct wait_list *from, struct wait_list *to);

/* End all of them. */
void wait_finish(struct wait_list *list, int err);

/* Start all of them over: what they waited for is there. */
void wait_restart(struct wait_list *list);

struct lister;
struct stream;
struct fetch;
struct commit_hook;
struct changed_name;
TAILQ_HEAD(hook_queue, commit_hook);

/* At most so many stored files are fetched ahead of one reader. */
#define PREFETCH_MOST 64

/* Stored files being read in listing order: see prefetch.h. */
struct prefetch_streak {
	int64_t last;	 /* position read last; 0: unused */
	int64_t fetched; /* fetched ahead up to this position */
	unsigned window; /* files to be ahead */
	unsigned ahead;	 /* files fetched and not yet read */
	uint64_t used;	 /* when, for the choice of a victim */
};

struct sync {
	struct sync_config config;
	struct http *http;
	struct api *api; /* NULL: offline */
	struct replica *replica;
	_Atomic uint64_t next_op;
	_Atomic int64_t last_event; /* a moment, see below */
	_Atomic int64_t expired;    /* the moment of the last sync_expire */
	_Atomic bool expiring;	    /* expire_task is posted */
	struct http_task expire_task;
	struct http_task notes_task;  /* posted by who ready_take tells to */
	struct op_queue pending;      /* every operation that is not done */
	TAILQ_HEAD(, stream) streams; /* the longest unused first */
	struct http_timer *idle_timer;
	struct ready ready;	    /* any thread's */
	_Atomic int64_t bytes_held; /* of ranges, until the last one lets go */
	struct prefetch_streak streaks[4];
	uint64_t streak_clock;
	TAILQ_HEAD(, fetch) fetches;
	struct tables *tables;
	/* The write under way, committed at the next turn of the loop. */
	bool writing;
	struct http_timer *commit_timer;
	struct hook_queue hooks;
	struct hook_queue committed;		   /* being called */
	STAILQ_HEAD(, changed_name) changed_names; /* told after the commit */
	size_t changed_count;
	/* Interruptions that came before their operation had begun. */
	uint64_t early[64];
	size_t early_next;
	/* Under lock: listers are only ever added. */
	struct lock lock;
	SLIST_HEAD(, lister) listers;
};

/* Begin an operation on the loop thread. Any thread. */
void op_start(struct sync *sync, struct sync_op *op,
    void (*begin)(struct sync *sync, struct sync_op *op));

/* op is over. It may be gone afterwards. */
void op_finish(struct sync_op *op, int err);

/* Begin op again from the start. */
void op_restart(struct sync_op *op);

/*
 * Open the write under way, if there is none: 0 or -errno. It is committed at
 * the next turn of the loop, together with what else was written until then.
 */
int write_begin(struct sync *sync);

/* Called after the write under way was committed (err 0), or was lost. */
struct commit_hook {
	void (*fn)(void *ctx, int err);
	void *ctx;
	struct hook_queue *queue;
	TAILQ_ENTRY(commit_hook) link;
};
void write_hook(struct sync *sync, struct commit_hook *hook);
void write_unhook(struct commit_hook *hook);

/* read.c: takes in what ready_take noted. */
void sync_on_notes(void *ctx);

/*
 * A moment: sixteenths of a millisecond of timestamp_mono_ms. Ages and "before"
 * are told by moments alone, never by a wall clock. Events (a question is sent,
 * everything is due) have a moment each, later than all that was before, so
 * that the order of two of them is sure within one millisecond as well.
 */
#define MOMENTS_PER_MS 16

/* Now: not before the last event. Any thread. */
int64_t moment_now(const struct sync *sync);

/* The moment of an event that happens now. */
int64_t moment_event(struct sync *sync);

/* The earliest event whose answer may be believed now: younger than ttl, and
 * after the last sync_expire. Any thread. */
int64_t moment_believed(const struct sync *sync, int64_t now);

/* Of what never gets old: there is nobody to ask. */
#define MOMENT_FOREVER INT64_MAX

/* node.checked of what was asked for alone at that moment of this mount. */
int64_t confirmation(const struct sync *sync, int64_t moment);

/* When a node was last confirmed alone, as a moment of this mount; 0: never.
 * Any thread. */
int64_t confirmed_at(const struct sync *sync, const struct node *node);

/* The lister of a directory, made if need be; NULL when out of memory or the
 * directory is none that is listed. Any thread. */
struct lister *sync_lister(struct sync *sync, int64_t dir);

/* A name leads to another node, once the write under way is committed. */
void write_changes_name(struct sync *sync, int64_t dir, const char *name);

/* The same of a node's own name. 0 or -errno of the replica. */
int write_changes_name_of(struct sync *sync, const struct node *node);

/* ---- store.c: what came from the server goes into the replica ---- */

struct record;

/* Names are at most 255 bytes, but are made from longer texts. */
#define NAME_WORK_MAX ((size_t)1 << 20)

/* Where and how a record is put. */
struct placement {
	struct replica_place in;
	int64_t id;	   /* for a new node, reserved; 0: any */
	int64_t object_id; /* the same for a stored file's object */
	int64_t checked;   /* when it was confirmed alone, or 0 */
};

/* Put a record (of a table, or a stored file's metadata with its object).
 * *ret_at: its place in the generation, which is place's unless it had one
 * before. */
int store_record(struct sync *sync, int64_t dir, const struct record *record,
    const struct placement *place, int64_t *ret_at);

int store_spec(struct sync *sync, int64_t dir, const char *text, size_t len,
    const struct replica_place *in, int64_t checked);

/* ---- stream.c ---- */
void stream_free_all(struct sync *sync);
/* ---- fetch.c ---- */
void fetch_free_all(struct sync *sync);

/* Get a table's spec and restart op then. */
void fetch_spec(struct sync *sync, int64_t dir, struct sync_op *op);

/* See whether it has changed; nobody waits for it. */
void fetch_spec_again(struct sync *sync, int64_t dir);

/* Get one record, or a stored file's metadata, by id and restart op then. */
void fetch_record(struct sync *sync, int64_t dir, const char *id, size_t len,
    struct sync_op *op);

#endif
