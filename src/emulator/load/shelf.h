/*
 * The files of one directory that hold stored files' bytes, found by name: also
 * by one that a copying system has put in another normal form, and by that of a
 * file that was packed with gzip since. For the loading thread.
 */
#ifndef EMULATOR_SHELF_H
#define EMULATOR_SHELF_H

#include "emulator/store/place.h"

struct object {
	char *name;
	char *key; /* the name in NFC; the same pointer where it is that */
	struct place place;
	bool claimed; /* it has its file */
	bool packed;  /* for those who ask */
	void *asker;  /* the last one that asked for it */
	size_t askers;
};

/* What was saved in one directory, in order of keys, then names. */
struct shelf {
	struct object *objects;
	size_t count;
	size_t cap;
	bool expected;
};

/* An object, and whether it is packed though its metadata is not so named. */
struct shelf_finding {
	struct object *object; /* NULL: none */
	bool packed;
};

/* Let all go. A shelf of zeroes is an empty one. */
void shelf_done(struct shelf *shelf);

/* Add one, out of order. The place is taken over. 0 or -ENOMEM. */
int shelf_add(struct shelf *shelf, const char *name, struct place place);

/* All were added. */
void shelf_sort(struct shelf *shelf);

/* Whether there is one of this name, claimed or not: 0, 1 or -ENOMEM. */
int shelf_has(const struct shelf *shelf, const char *name);

/* One that is not claimed; name may be changed. 0 or -ENOMEM. */
int shelf_find(const struct shelf *shelf, struct buf *name,
    struct shelf_finding *ret_finding);

#endif
