/*
 * Transfers under way: each from http_start to its sink's end.
 *
 * curl forbids adding or removing transfers from within its own callbacks, and
 * sinks are called from there. So a start is queued and a cancel only marks;
 * transfers_sweep carries both out, from outside. Driven by curl_loop.c. Loop
 * thread only.
 */
#ifndef HTTP_CURL_TRANSFER_H
#define HTTP_CURL_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>

#include "http/http.h"

struct easy_pool;
struct sockets;
struct transfers;

/* All three are borrowed. NULL: out of memory. */
struct transfers *transfers_new(
    CURLM *multi, struct easy_pool *pool, struct sockets *sockets);

/* Drops what is under way: no callback comes. NULL is fine. */
void transfers_free(struct transfers *transfers);

/* As http_start says: nothing of it happens before transfers_sweep. */
struct http_call *transfers_start(struct transfers *transfers,
    const struct http_request *request, const struct http_sink *sink,
    void *ctx);

/* As http_cancel says. */
void transfers_cancel(struct transfers *transfers, struct http_call *call);

/* Whether there is something to sweep. */
bool transfers_are_unswept(const struct transfers *transfers);

/* Hand calls that were started meanwhile to curl; free the cancelled ones. */
void transfers_sweep(struct transfers *transfers);

/* Tell the sinks of all that curl is done with. */
void transfers_finish(struct transfers *transfers);

#endif
