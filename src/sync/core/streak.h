/*
 * Entries of a directory that are read one after the other, in listing order:
 * who reads so is told apart from others, and a window of what to have ready
 * ahead of each doubles with each proof that the guess holds.
 *
 * fs/push.c and object/prefetch.c keep some each. Pure: the lock is theirs.
 */
#ifndef SYNC_CORE_STREAK_H
#define SYNC_CORE_STREAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At most so many are told apart. */
#define STREAKS_MAX 8

/* One who reads in order. Positions are those of position.h. */
struct streak {
	int64_t dir;	  /* or 0, where all are of one directory */
	int64_t last;	  /* position read last; 0: none */
	int64_t reached;  /* what is ready, or is being made, ends here */
	unsigned window;  /* entries to have ready; 0: not proven yet */
	unsigned pending; /* its owner's own count */
	int64_t marker;	  /* its owner's own position */
	uint64_t used;	  /* when, by the count of all; 0: nobody */
};

/* All zero but for count: nobody reads. */
struct streaks {
	struct streak all[STREAKS_MAX];
	size_t count; /* that are told apart */
	uint64_t uses;
};

/* The one that key belongs to, by its owner's rule; or a new one, all zero, in
 * the place of the longest unused. */
struct streak *streaks_find(struct streaks *streaks,
    bool (*is_of)(const struct streak *streak, int64_t key), int64_t key);

/* The guess has held: the window is first, or twice as large, up to most. */
void streak_grow(struct streak *streak, unsigned first, unsigned most);

#endif
