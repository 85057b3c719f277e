/*
 * One thread's loop: timers, work that other threads post, and descriptors to
 * watch. It is driven by its owner, curl_loop.c:
 *
 *	while (loop_work(loop))
 *		loop_wait(loop, due_ms, on_ready, ctx);
 *
 * Everything but loop_post and loop_end is for the loop's thread, or for
 * whoever has ended that one.
 */
#ifndef HTTP_LOOP_H
#define HTTP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct http_task;
struct http_timer;
struct loop;

/* loop_free is owed. 0; -ENOMEM, -EMFILE or -ENFILE. */
int loop_new(struct loop **ret_loop);

/* Drops timers, and tasks that were not run. NULL is fine. */
void loop_free(struct loop *loop);

/* As http.h says of http_post. */
void loop_post(struct loop *loop, struct http_task *task);

/* As http.h says of http_timer_start. */
struct http_timer *loop_timer_start(
    struct loop *loop, int64_t delay_ms, void (*fn)(void *ctx), void *ctx);

/* As http.h says of http_timer_stop, but for NULL. */
void loop_timer_stop(struct loop *loop, struct http_timer *timer);

/* Let loop_work tell that it is over. Any thread. */
void loop_end(struct loop *loop);

/* Run what was posted, then the timers that are due. False: it is over. */
bool loop_work(struct loop *loop);

/* Watch a descriptor for events of poll(2); 0: no longer. Without memory for
 * it, it is not watched: transfers have time-outs. */
void loop_watch(struct loop *loop, int fd, short events);

/* When there is nothing to wait for. */
#define LOOP_NEVER INT64_MAX

/*
 * Wait until there is something to do, at most until due_ms (on the clock of
 * timestamp_mono_ms), then call ready for each descriptor that is. Such a call
 * may watch others; one that it closes may still be told of this time.
 */
void loop_wait(struct loop *loop, int64_t due_ms,
    void (*ready)(void *ctx, int fd, short events), void *ctx);

#endif
