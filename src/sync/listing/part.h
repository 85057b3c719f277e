/*
 * One answer of a listing: a page, or a range of ids. Its records go into the
 * replica as they stream in, into a slot of their own.
 *
 * Loop thread only. The pass asks for parts.
 */
#ifndef SYNC_LISTING_PART_H
#define SYNC_LISTING_PART_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "api/api.h"
#include "sync/listing/facts.h"
#include "sync/listing/ids.h"

struct batches;
struct core;
struct batch_before;
struct folder;
struct id_range;
struct part;

/* What is known of how many records an answer has. */
struct part_sizes {
	unsigned told; /* by the answers; 0: not told */
	int64_t most;  /* the most that one had */
	bool tells;    /* how many there are, or whether there are more */
};

/* What to ask for, and where it goes. */
struct part_question {
	int64_t page;
	unsigned limit;		/* records to a page; 0: the server's own */
	struct id_range *range; /* NULL: of no range */
	int side;
	int64_t base; /* of the generation */
	int64_t slot;
	bool speculative; /* nobody waits for it yet */
	enum api_presence presence;
	struct batches *batches;	   /* for its records; borrowed */
	const struct batch_before *before; /* likewise */
};

/* What came. */
struct part_answer {
	int64_t page; /* as it was asked for */
	unsigned limit;
	const struct id_range *range;
	struct api_page info;
	int64_t count;	/* records in it */
	int64_t unique; /* those not seen before in this pass */
	int64_t held;	/* those of them that the listing before has, too */
	struct facts facts;
	struct ids ids;
	unsigned orders;     /* of its records: order.h */
	struct buf first_id; /* of the record that came first */
	struct buf last_id;  /* of the one that came last */
	bool first_number;   /* these are numbers, not texts */
	bool last_number;
	struct buf split_id; /* of one in the middle, to split a range at */
	bool out_of_range;
};

struct part_events {
	/* A record is about to be put into the replica. 0; or -errno: the
	 * answer fails. */
	int (*brings)(void *ctx);
	/* Once: it is in the replica (err 0), or not (status is the answer's
	 * then, 0: none); the part lives on, until part_free. */
	void (*done)(void *ctx, struct part *part, int err, int status);
};

/* Those under way, or not yet in turn, in the order in which they were asked.
 */
TAILQ_HEAD(parts, part);

/*
 * Ask, and put it behind parts. The folder, sizes and events are borrowed; the
 * range is taken over. 0; or -errno, mostly -ENOMEM: the range is the caller's
 * still.
 */
int part_new(struct core *core, const struct folder *folder,
    const struct part_question *question, const struct part_sizes *sizes,
    struct parts *parts, const struct part_events *events, void *ctx);

/* What it has put into the replica stays. NULL is fine. */
void part_free(struct part *part);

/* Take back what it has put into the replica. */
void part_take_back(struct part *part);

/* The one behind it; NULL: none. */
struct part *part_next(const struct part *part);

/* The slot that its records go to. */
int64_t part_slot(const struct part *part);

/* It is in the replica. */
bool part_is_done(const struct part *part);

/* Borrowed; what has come so far. */
const struct part_answer *part_answer(const struct part *part);

/* Its range, for the caller. NULL: it has none (any more). */
struct id_range *part_take_range(struct part *part);

#endif
