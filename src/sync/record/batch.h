/*
 * The records of one answer on their way into the replica: many that are new
 * cost half as much together as one by one. They are put when the write under
 * way needs them, when there is no room for more, or when they are told to be;
 * in any case before anything else is written, so that the order of all writes
 * stays the one in which things came.
 *
 * Loop thread only. Each part of a listing has one while its records come in.
 */
#ifndef SYNC_RECORD_BATCH_H
#define SYNC_RECORD_BATCH_H

#include <stdint.h>

struct batch;
struct batches;
struct core;
struct placement;
struct record;

/* Where batches come from: one is large, so that some are kept for the next
 * ones. core is borrowed. NULL: out of memory. */
struct batches *batches_new(struct core *core);

/* Nothing is listed for now: keep none. NULL is fine. */
void batches_rest(struct batches *batches);

/* No batch may be left. NULL is fine. */
void batches_free(struct batches *batches);

/* The listing before: it has what stands in the other generation from its base
 * on, up to its end. */
struct batch_before {
	int64_t base;
	int64_t end;
};

/* So many of a batch that was put got the places that they were to have; the
 * others had one already. held: those of them that the listing before has. */
typedef void (*batch_placed_fn)(void *ctx, int64_t count, int64_t held);

/* Of a directory's records; batches and before are borrowed. NULL: out of
 * memory. */
struct batch *batch_new(struct batches *batches, int64_t dir,
    const struct batch_before *before, batch_placed_fn placed, void *ctx);

/* What is not put is dropped. NULL is fine. */
void batch_free(struct batch *batch);

/* Put a record, now or later; nothing of it is borrowed. The errors are those
 * of put_record, also for one that was added before. */
int batch_add(struct batch *batch, const struct record *record,
    const struct placement *place);

/* Put what is left. 0, or an error of this or an earlier one. */
int batch_put(struct batch *batch);

#endif
