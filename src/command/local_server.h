/*
 * A server of our own: a bkend-emulator that this process starts, for itself
 * alone. It serves the sample project, or a directory, this by a socket that
 * has no name, so that nobody else can connect to it; and it ends with this
 * process, however that ends. Main thread.
 */
#ifndef COMMAND_LOCAL_SERVER_H
#define COMMAND_LOCAL_SERVER_H

#include <stddef.h>

#include "config/options.h"

struct local_server;

/*
 * Start one of options->directory, or of the sample project where that is NULL,
 * and wait until it serves. What it complains of meanwhile is told on stderr.
 * Then the options say all that it takes to ask it, and options->server is it.
 * To be called by the process that asks, before threads start and while signals
 * still end it. 0, or an exit status after a complaint.
 */
int local_server_start(
    struct options *options, struct local_server **ret_server);

/* End it, and free. The options must not be used any more. NULL is fine. */
void local_server_end(struct local_server *server);

/* Have ended called, on a thread of its own, should it end before it is ended:
 * how, in words, which are borrowed for the call. 0 or -errno. */
int local_server_watch(struct local_server *server,
    void (*ended)(void *ctx, const char *how), void *ctx);

/* ended is called no more once this returns. NULL is fine. */
void local_server_unwatch(struct local_server *server);

/* For http_curl_connect_to; NULL: it listens on a port, or is NULL. Borrowed.
 */
const char *local_server_socket(const struct local_server *server);

/* The fingerprint of what its directory held when it began to read it; NULL:
 * what is kept of it may not be believed later. Borrowed. */
const char *local_server_edition(const struct local_server *server);

/* The i-th of its first complaints; NULL past the last, or of NULL. Borrowed.
 */
const char *local_server_remark(const struct local_server *server, size_t i);

#endif
