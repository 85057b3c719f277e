/*
 * The question before the mount, whether the server is there and lets us in:
 * asked while somebody sits in front of it. It says on stderr why it takes
 * long, and any signal ends it.
 */
#ifndef COMMAND_SIGN_IN_H
#define COMMAND_SIGN_IN_H

#include "api/api.h"
#include "command/signals.h"
#include "config/options.h"

struct sign_in;

/* The options are borrowed for its life. NULL: out of memory. */
struct sign_in *sign_in_new(const struct options *options);

/* Call it after the loop has ended. NULL is fine. */
void sign_in_free(struct sign_in *sign_in);

/* For api_config.waits; ctx is the sign_in. Loop thread. */
void sign_in_waits(void *ctx, int status, int64_t wait_ms);

/* Ask. All are borrowed until sign_in_end. Main thread. */
void sign_in_begin(struct sign_in *sign_in, struct http *http, struct api *api,
    struct signals *signals);

/* Wait for the answer. 0, or the signal that came before: then the loop of http
 * has been stopped, and *ret_error is not set. Main thread. */
int sign_in_end(struct sign_in *sign_in, struct api_error *ret_error);

/*
 * What an answer means: 0 where we may go on, else an exit status after a
 * complaint that says what to do. Without an account only a refused key
 * matters: a table may be missing, or closed to guests.
 */
int sign_in_judge(const struct options *options, const struct api_error *error);

#endif
