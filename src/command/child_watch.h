/*
 * A thread that waits for the end of a child, so that somebody learns of it.
 * The mount has one while a server of its own serves it.
 */
#ifndef COMMAND_CHILD_WATCH_H
#define COMMAND_CHILD_WATCH_H

#include <sys/types.h>

struct child_watch;

/* Have ended called once, on the thread, when the child has ended: it may be
 * reaped there. 0 or -errno. */
int child_watch_new(pid_t pid, void (*ended)(void *ctx), void *ctx,
    struct child_watch **ret_watch);

/* Ends the thread; ended is called no more once this returns. NULL is fine. */
void child_watch_free(struct child_watch *watch);

#endif
