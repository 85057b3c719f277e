/*
 * Inside sync/: which ids one answer had, to tell whether one came twice. Eight
 * bytes a record, for as long as the answer is looked at.
 */
#ifndef SYNC_IDS_H
#define SYNC_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct ids {
	uint64_t *hashes; /* owned */
	size_t count;
	size_t room;
};

/* None again, and no memory held. */
void ids_done(struct ids *ids);

/* Begin again. */
void ids_clear(struct ids *ids);

/* 0 or -ENOMEM. */
int ids_add(struct ids *ids, uint64_t hash);

/* Those of another answer as well. 0 or -ENOMEM. */
int ids_append(struct ids *ids, const struct ids *more);

/* Whether one came twice; puts them in order. */
bool ids_are_twice(struct ids *ids);

/* What stands for an id. */
uint64_t ids_hash(const struct buf *id);

#endif
