/*
 * The ranges of one object that are held: under way, or come and not let go of.
 * A range is written only by its own transfer, in order, and shown to any
 * thread (ready.h) as it fills.
 *
 * intake.c fills them, ahead.c looks at what there is, and stream.c hands it
 * out. Loop thread only.
 */
#ifndef SYNC_OBJECT_HELD_H
#define SYNC_OBJECT_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/range.h"
#include "content/content.h"

struct activities;
struct activity;
struct held;
struct held_range;
struct ready;
struct ready_range;
struct slab;

/* Nothing yet. Ranges are shown in ready as owner's, and have their bytes
 * from slab until the last one lets go. NULL: out of memory. */
struct held *held_new(struct ready *ready, void *owner, struct slab *slab);

/* Each range that is on its way is a part of that activity from now on; both
 * are borrowed for the life of held. */
void held_show_in(
    struct held *held, struct activities *board, struct activity *activity);

/* All ranges go. NULL is fine. */
void held_free(struct held *held);

/* ---- one range, for who fetches it ---- */

/* How its bytes are to come. */
struct held_source {
	struct api *api;
	struct download *download;
	const struct range_events *events; /* their ctx is the held_range */
	void *ctx;			   /* see held_ctx */
};

/* Begin to fetch [first, first + len) of a node's object. 0 or -ENOMEM. */
int held_fetch(struct held *held, int64_t node, int64_t first, int64_t len,
    const struct held_source *source);

/* Give a range up. */
void held_drop(struct held_range *range);

/* Its source's ctx. */
void *held_ctx(const struct held_range *range);

/* Where it begins. */
int64_t held_first(const struct held_range *range);

/* Its length: as asked for, or cut. */
int64_t held_len(const struct held_range *range);

/* Its next bytes, of which there is room for as many. */
void held_fill(struct held_range *range, const void *data, size_t len);

/* The object has so many bytes: what would lie beyond is not waited for. */
void held_cut(struct held_range *range, int64_t total);

/* Nothing has come yet, and it begins at the object's first byte instead. */
void held_move_to_start(struct held_range *range);

/* It holds nothing, and waits for nothing. */
void held_empty(struct held_range *range);

/* Send its request, as range_go. */
int held_send(struct held_range *range);

/* Which answer its bytes are of, for who fetches it: 0 at first. */
struct held_answer {
	bool is_whole; /* they go elsewhere */
	int reason;    /* why they are not wanted */
};

/* Of a range; borrowed, and to be written by who fetches it. */
struct held_answer *held_answer(struct held_range *range);

/* ---- all of them ---- */

/* Send all that wait to be, by their places: 0 or -errno of range_go. */
int held_send_waiting(struct held *held);

/* How many requests are under way. */
unsigned held_under_way(const struct held *held);

/* Whether there is no range. */
bool held_is_empty(const struct held *held);

/* Bytes that the ranges take up. */
int64_t held_bytes(const struct held *held);

/* The end of the range that pos lies in, whether its bytes have come or not;
 * pos itself: it lies in none. */
int64_t held_covered(const struct held *held, int64_t pos);

/* Where the next range after pos begins; end: none does before that. */
int64_t held_next(const struct held *held, int64_t pos, int64_t end);

/* Whether all of [pos, end) is there. */
bool held_has(const struct held *held, int64_t pos, int64_t end);

/* Hand out [pos, end) where it lies: borrowed until the range goes. NULL: it is
 * not there, or not in one range. */
const char *held_take(struct held *held, int64_t pos, int64_t end);

/* Copy what is there from pos on, and hand it out; how much that was. */
int64_t held_copy(struct held *held, int64_t pos, char *out, int64_t len);

/* So many bytes of a range were handed out as it was shown. */
void held_was_taken(struct ready_range *shown, int64_t bytes);

/* The ranges are another node's from now on. */
void held_rename(struct held *held, int64_t node);

/* Hand to the content cache what has come, as a node's: if that is sure. */
void held_keep(
    struct held *held, struct content *content, const struct node *node);

/* Who would miss [first, end). */
enum held_use {
	HELD_UNUSED,
	HELD_EXPECTED, /* a reader is on the way there */
	HELD_AWAITED,  /* a read waits for it */
};
typedef enum held_use (*held_use_fn)(void *ctx, int64_t first, int64_t end);

/* Let go of what was handed out, and of what is too much. */
void held_let_go(struct held *held, held_use_fn use, void *ctx);

#endif
