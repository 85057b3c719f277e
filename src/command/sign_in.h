/*
 * The question before anything else, whether the server is there and lets us
 * in: asked while somebody sits in front of it. It says on stderr why it takes
 * long, asks for the code of a second factor on the terminal, and any signal
 * ends it. Called by contact.c.
 */
#ifndef COMMAND_SIGN_IN_H
#define COMMAND_SIGN_IN_H

#include "api/api.h"
#include "command/signals.h"
#include "config/options.h"

struct sign_in;

/* All are borrowed for its life. NULL: out of memory, or of descriptors. */
struct sign_in *sign_in_new(
    const struct options *options, struct http *http, struct signals *signals);

/* Call it after the api is gone, which may use a code that was typed. NULL is
 * fine. */
void sign_in_free(struct sign_in *sign_in);

/* For api_config.waits; ctx is the sign_in. Loop thread. */
void sign_in_waits(void *ctx, int status, int64_t wait_ms);

/* Ask. The api is borrowed. Main thread. */
void sign_in_begin(struct sign_in *sign_in, struct api *api);

/* Wait for the answer, and judge it. 0: we are let in; else an exit status
 * after a complaint. After a signal the loop of http has been stopped. Main
 * thread. */
int sign_in_end(struct sign_in *sign_in);

#endif
