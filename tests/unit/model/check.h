/*
 * The properties: what may be told of the world (CONTRACT.md 4 and 5).
 */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include <stdint.h>

#include "replica/replica.h"
#include "world.h"

/* A name that was told, with the node that it leads to. */
struct told {
	struct node node;
	char name[300];
};

/* One reading of a directory. */
struct listing_check {
	uint64_t from; /* moment: what is told must be true from here on */
	uint8_t told[WORLD_RECORDS_MAX]; /* how often */
};

void check_begin(struct listing_check *check, uint64_t from);

/* An entry is read, with its text, as cp -r does. */
void check_entry(struct listing_check *check, const struct told *told);

/* The reading has ended, without an error. */
void check_end(struct listing_check *check);

/* A lookup found a node, or said that there is none. */
void check_lookup(uint64_t from, const struct told *told);
void check_no_entry(uint64_t from, const char *name);

/* A listing must be what the server has, exactly: nothing changes. */
void check_exact(const struct listing_check *check);

#endif
