/*
 * What the object store sends of one object: each answer is held against what
 * is known of it, so that a read never mixes two versions, and its bytes are
 * put where they belong, in the ranges that are held or in the spool.
 *
 * A store that ignores Range is read in one go, into the spool; so is one whose
 * answers have neither ETag nor date. stream.c owns it, ahead.c asks it for
 * more. Loop thread only.
 */
#ifndef SYNC_OBJECT_INTAKE_H
#define SYNC_OBJECT_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct held;
struct intake;
struct size;
struct spool;

struct intake_events {
	/* The size is known, and not to be written. */
	void (*known)(void *ctx);
	/* Bytes have come. Like known from within a transfer: nothing may be
	 * freed. */
	void (*grown)(void *ctx);
	/* All that was asked for with a range has come. */
	void (*came)(void *ctx);
	/* The object is another than what was read so far. */
	void (*changed)(void *ctx);
	/* It goes on only for somebody who waits: whether anybody does. */
	bool (*is_awaited)(void *ctx);
	/* It cannot go on: message, if not NULL, is for .bkendfs/errors. The
	 * intake may be freed from here, as from came and changed. */
	void (*failed)(void *ctx, int err, int status, const char *message);
};

/* Of the object of a size's node, which the replica knows the rest of; subject:
 * as in api.h, borrowed like size, held and spool. 0 or -errno. */
int intake_new(struct core *core, const char *subject, struct size *size,
    struct held *held, struct spool *spool, const struct intake_events *events,
    void *ctx, struct intake **ret_intake);

/* No event comes any more, once held is free as well. NULL is fine. */
void intake_free(struct intake *intake);

/* Nobody waits for what is asked for from now on (at first somebody does). */
void intake_set_speculative(struct intake *intake, bool speculative);

/* Begin to fetch [first, first + len). 0 or -ENOMEM. */
int intake_fetch(struct intake *intake, int64_t first, int64_t len);

/* Whether the object comes whole, in one answer, into the spool. */
bool intake_is_whole(const struct intake *intake);

#endif
