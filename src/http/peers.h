/*
 * How long any of the process's threads was ready to run and had no processor:
 * where the loop waits for a lock, it may be its owner's. Of builds with
 * -Dloop_watch=true alone, for turn.c: noted by the watcher while a turn is
 * under way, and asked for on the loop's thread at its end.
 */
#ifndef HTTP_PEERS_H
#define HTTP_PEERS_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/* More threads are not looked at. */
#define PEERS_MOST 128

struct peers {
	_Atomic int64_t turn; /* in which the figures were noted; 0: none */
	int64_t late_ns;
	unsigned count;
	struct {
		pid_t tid;
		int64_t starved_ns; /* in its life */
	} threads[PEERS_MOST];
};

/* Note how it stands with each, in the turn of that number; so late, in
 * nanoseconds, since whoever notes it had no processor himself. */
void peers_note(struct peers *peers, int64_t turn, int64_t late_ns);

/* The longest time that one of them may have had to wait, in nanoseconds: what
 * nobody saw, and what it was since. 0 where nothing was noted in this turn, or
 * the kernel tells nothing. A wait counts once it is over. */
int64_t peers_starved_ns(const struct peers *peers, int64_t turn);

#endif
