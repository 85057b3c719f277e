/*
 * A stream brings one object's bytes to those who read it: it knows who waits
 * for what, and has the parts that know the rest (size, version and spool by
 * way of intake, held, ahead, reader).
 *
 * streams.c owns them all. Loop thread only.
 */
#ifndef SYNC_OBJECT_STREAM_H
#define SYNC_OBJECT_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "replica/replica.h"

struct ahead_room;
struct core;
struct ready;
struct ready_range;
struct ready_use;
struct slab;
struct stream;
struct sync_op;

struct stream_events {
	/* It is read just now. */
	void (*used)(void *ctx);
	/* It has nothing more to do: to be freed from here. */
	void (*over)(void *ctx);
};

/* What it shares with others, for its life. */
struct stream_place {
	struct core *core;
	struct ready *ready;
	struct slab *slab;	       /* of the bytes that are held */
	const struct ahead_room *room; /* one of its own */
	const struct stream_events *events;
	void *ctx; /* of events */
};

/* Of an object's node. 0; -ESTALE: there is no such node; -EIO: it is spoiled,
 * as .bkendfs/errors says then; or another error. */
int stream_new(const struct stream_place *place, int64_t node_id,
    struct stream **ret_stream);

/* Nobody may wait for it. NULL is fine. */
void stream_free(struct stream *stream);

/* The ctx of its place. */
void *stream_ctx(const struct stream *stream);

/* The node that its bytes are of: another one once the size is corrected. */
const struct node *stream_node(const struct stream *stream);

/* Whether somebody waits for it. */
bool stream_is_busy(const struct stream *stream);

/* Whether it is here ahead of any reader. */
bool stream_is_ahead(const struct stream *stream);

/* Whether no reader has got anything of it. */
bool stream_is_unread(const struct stream *stream);

/* Bytes that it holds. */
int64_t stream_held(const struct stream *stream);

/* How many readers it gets ahead of now. */
unsigned stream_readers(const struct stream *stream);

/* Begin to fetch its first bytes, ahead of any reader. 0; 1: the content cache
 * has them all; -ENOSPC: there is no room for it; or -ENOMEM. */
int stream_fetch_ahead(struct stream *stream);

/* Read: op ends, or waits. The stream may be over then. */
void stream_read(struct stream *stream, struct sync_op *op);

/* Learn the size: op ends, or waits. The stream may be over then. */
void stream_measure(struct stream *stream, struct sync_op *op);

/* Some of a range of its own was handed out as it was shown. Likewise. */
void stream_was_read(struct stream *stream, struct ready_range *shown,
    const struct ready_use *use);

#endif
