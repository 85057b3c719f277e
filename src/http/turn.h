/*
 * How long the loop's thread is away from its waiting: whatever it calls in one
 * turn must not block, or all others wait with it. Builds with
 * -Dloop_watch=true measure each turn and log those that took too long; others
 * do nothing here. Called by loop.c on the loop's thread.
 */
#ifndef HTTP_TURN_H
#define HTTP_TURN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/peers.h"

/* A turn that takes longer is reported. */
#define TURN_LONGEST_MS 50

struct turn {
	_Atomic int64_t began_ns; /* 0: none is under way */
	int64_t excused_ns;
	bool open; /* what the kernel tells, and the watcher */
	int thread_fd;
	int call_fd;
	int machine_fd;
	/* Looks at the thread from time to time. */
	bool is_watched;
	pthread_t watcher;
	_Atomic long call;  /* in which it last saw it in this turn */
	struct peers peers; /* while it waited for a lock */
	atomic_bool closing;
};

#ifdef LOOP_WATCH
/* The thread has work. Zeroed at first; always called by the same thread. */
void turn_begin(struct turn *turn);

/* It is about to wait again. The time that it waited for a processor in between
 * is not counted, nor what a virtual machine did not get; nor, where it waited
 * for a lock, what another of our threads had to wait; nor, under a sanitizer,
 * the time that it had one, or waited for memory: there a turn is told of only
 * if it was seen to wait for anything else. */
void turn_end(struct turn *turn);

/* There will be no other turn. */
void turn_close(struct turn *turn);
#else
static inline void turn_begin(struct turn *turn)
{
	(void)turn;
}

static inline void turn_end(struct turn *turn)
{
	(void)turn;
}

static inline void turn_close(struct turn *turn)
{
	(void)turn;
}
#endif

#endif
