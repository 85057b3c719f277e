/*
 * What all rooms of sync share: borrowed handles, and how fresh things are.
 * Made by sync.c; the rooms get a pointer to it.
 */
#ifndef SYNC_CORE_CORE_H
#define SYNC_CORE_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sync/core/sync_config.h"

struct ops;
struct write;

struct core {
	/* Immutable once it is made. */
	struct sync_config config;
	struct http *http;
	struct api *api; /* NULL: offline */
	struct replica *replica;
	struct ops *ops;     /* op.h */
	struct write *write; /* write.h */
	/* Loop thread only. What the server is known to sort by: see
	 * sync/listing/sorting.h. */
	unsigned sorts;
	bool tried_sorting; /* that was asked for, in this mount */
	/* Any thread's. */
	_Atomic int64_t last_event; /* a moment, see below */
	_Atomic int64_t expired;    /* when everything was due for a check */
};

/* All but ops and write, which are the caller's to make. */
void core_init(struct core *core, const struct sync_config *config);

/*
 * A moment: sixteenths of a millisecond of timestamp_mono_ms. Ages and "before"
 * are told by moments alone, never by a wall clock. Events (a question is sent,
 * everything is due) have a moment each, later than all that was before, so
 * that the order of two of them is sure within one millisecond as well.
 */
#define MOMENTS_PER_MS 16

/* Of what never gets old: there is nobody to ask. */
#define MOMENT_FOREVER INT64_MAX

/* Now: not before the last event. Any thread. */
int64_t moment_now(const struct core *core);

/* The moment of an event that happens now: later than what moment_now told
 * before, also within one tick of the clock (what was asked for just before the
 * event is answered by it). Loop thread. */
int64_t moment_event(struct core *core);

/* The earliest event whose answer may be believed now: younger than ttl, and
 * after everything was due. Any thread. */
int64_t moment_believed(const struct core *core, int64_t now);

/* How long what rests on a question of that moment may be believed from now on,
 * in milliseconds. Any thread. */
int64_t moment_valid_ms(const struct core *core, int64_t since);

/* node.checked of what was asked for alone at that moment of this mount. */
int64_t confirmation(const struct core *core, int64_t moment);

/* When a node was last confirmed alone, as a moment of this mount; 0: never.
 * Any thread. */
int64_t confirmed_at(const struct core *core, const struct node *node);

/* Whether an object's size may be shown, or has to be measured first. Any
 * thread. */
bool core_size_is_known(const struct core *core, const struct node *node);

#endif
