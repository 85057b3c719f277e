/*
 * Server-sent events (WHATWG HTML, 9.2), as a stream of bytes in any pieces:
 * the text of each event's data. Names, ids and pauses of events mean nothing
 * here. Pure, no clock; one thread. Called by web.c.
 */
#ifndef MCP_SSE_H
#define MCP_SSE_H

#include <stddef.h>

struct sse;

/* An event's data; borrowed. Non-zero ends the stream. */
typedef int (*sse_event_fn)(void *ctx, const char *text, size_t len);

/* max bounds a line, and an event. 0 or -ENOMEM. */
int sse_new(size_t max, sse_event_fn event, void *ctx, struct sse **ret_sse);

/* NULL is fine. */
void sse_free(struct sse *sse);

/* The next bytes. 0; what event returned; -EMSGSIZE: a line or an event is too
 * long; -ENOMEM. After any but 0, no more is fed. An event that the stream ends
 * within is none. */
int sse_feed(struct sse *sse, const char *data, size_t len);

#endif
