#include "sync/object/waiting.h"

#include <errno.h>
#include <stdlib.h>

#include "http/http.h"
#include "sync/core/op.h"

/* Who waits for the disk looks again after so many milliseconds. */
#define BACKLOG_WAIT_MS 5

struct waiting {
	struct http *http;
	const struct waiting_events *events;
	void *ctx;
	struct wait_list list;
	struct http_timer *soon_timer;
	struct http_timer *disk_timer;
};

struct waiting *waiting_new(
    struct http *http, const struct waiting_events *events, void *ctx)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	if (!waiting)
		return NULL;
	waiting->http = http;
	waiting->events = events;
	waiting->ctx = ctx;
	wait_init(&waiting->list, events->abandoned, ctx);
	return waiting;
}

void waiting_free(struct waiting *waiting)
{
	if (!waiting)
		return;
	http_timer_stop(waiting->http, waiting->soon_timer);
	http_timer_stop(waiting->http, waiting->disk_timer);
	free(waiting);
}

void waiting_add(struct waiting *waiting, struct sync_op *op)
{
	wait_add(&waiting->list, op);
}

bool waiting_is_empty(const struct waiting *waiting)
{
	return TAILQ_EMPTY(&waiting->list.queue);
}

bool waiting_concerns(const struct waiting *waiting, int64_t first, int64_t end)
{
	const struct sync_op *op;
	TAILQ_FOREACH (op, &waiting->list.queue, link) {
		if ((int64_t)op->offset < end &&
		    (int64_t)(op->offset + op->len) > first)
			return true;
	}
	return false;
}

void waiting_restart(struct waiting *waiting)
{
	wait_restart(&waiting->list);
}

/* No idle rounds for the others. They are taken out first: what comes of one
 * may end the stream, and all who wait. */
void waiting_restart_ready(struct waiting *waiting, int64_t size)
{
	struct sync_op *op, *next;
	struct wait_list ready;
	wait_init(&ready, NULL, NULL);
	for (op = TAILQ_FIRST(&waiting->list.queue); op; op = next) {
		next = TAILQ_NEXT(op, link);
		int64_t pos = (int64_t)op->offset;
		int64_t end = pos + (int64_t)op->len;
		if (end > size)
			end = size;
		if (op->measures ||
		    !waiting->events->has(waiting->ctx, pos, end))
			continue;
		wait_remove(op);
		wait_add(&ready, op);
	}
	wait_restart(&ready);
}

static void on_soon(void *ctx)
{
	struct waiting *waiting = ctx;
	waiting->soon_timer = NULL;
	waiting->events->soon(waiting->ctx);
}

void waiting_soon(struct waiting *waiting)
{
	if (!waiting->soon_timer)
		waiting->soon_timer =
		    http_timer_start(waiting->http, 0, on_soon, waiting);
}

static void on_disk_timer(void *ctx)
{
	struct waiting *waiting = ctx;
	waiting->disk_timer = NULL;
	wait_restart(&waiting->list);
}

int waiting_for_disk(struct waiting *waiting)
{
	if (!waiting->disk_timer)
		waiting->disk_timer = http_timer_start(
		    waiting->http, BACKLOG_WAIT_MS, on_disk_timer, waiting);
	return waiting->disk_timer ? 0 : -ENOMEM;
}

void waiting_move(struct waiting *waiting, struct wait_list *to)
{
	wait_move(&waiting->list, to);
}
