/*
 * The question before the mount, whether the server is there and lets us in:
 * asked while somebody sits in front of it. It says on stderr why it takes
 * long, and any signal ends it.
 */
#ifndef COMMAND_SIGN_IN_H
#define COMMAND_SIGN_IN_H

#include "api/api.h"
#include "command/signals.h"

struct probe;

/* url is what the user calls the server; borrowed. NULL: out of memory. */
struct probe *probe_new(const char *url);
void probe_free(struct probe *probe); /* NULL is fine */

/* For api_config.waits; ctx is the probe. Loop thread. */
void probe_waits(void *ctx, int status, int64_t wait_ms);

/* Ask. table: a name to ask for, or NULL. All are borrowed until probe_end. */
void probe_begin(struct probe *probe, struct http *http, struct api *api,
    struct signals *signals, const char *table);

/* Wait for the answer. 0, or the signal that came before: then the loop of http
 * has been stopped, and *ret_error is not set. */
int probe_end(struct probe *probe, struct api_error *ret_error);

#endif
