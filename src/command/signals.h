/*
 * The signals that end the program or freshen the mount: SIGHUP, SIGINT and
 * SIGTERM, taken in by a thread of their own, from before the first request to
 * the end of the mount.
 */
#ifndef COMMAND_SIGNALS_H
#define COMMAND_SIGNALS_H

#include <stdbool.h>

struct signals;

/* Threads started from here on leave these signals to that one. */
void signals_block(void);

/* 0 or -errno. */
int signals_new(struct signals **ret_signals);

/* Ends the thread. NULL is fine. */
void signals_free(struct signals *signals);

/*
 * Have on_signal called from here on: by the thread, and at once with a signal
 * that came while nobody watched. It must not block, nor call this. NULL:
 * nobody watches; it is called no more once this returns.
 */
void signals_watch(struct signals *signals,
    void (*on_signal)(void *ctx, int signal), void *ctx);

/* The signal that came while nobody watched; 0: none. SIGHUP only if no other
 * came. */
int signals_missed(struct signals *signals);

/* Whether any came so far, whoever was told of it. Any thread. */
bool signals_came(struct signals *signals);

/* Say that one has ended the command, or the start. The exit status. */
int signals_complain(int signal);

#endif
