/*
 * Serving while nobody waits. The work is done in a child, which goes to the
 * background once the mount is live; the parent waits for that and returns. So
 * threads are only started after the last fork.
 */
#ifndef COMMAND_BACKGROUND_H
#define COMMAND_BACKGROUND_H

#include "config/options.h"

/* Mount and serve to the end; on_live is called once, when the mount answers.
 * The exit status. */
typedef int (*background_serve_fn)(
    struct options *options, void (*on_live)(void *ctx), void *ctx);

/*
 * Have it served, in the background unless options->foreground. The exit
 * status, in the parent as soon as the mount is live or has failed; in the
 * child, which returns as well, and has to end the program, at the end of it.
 * Call it from the main thread while that is the only one: the child ends when
 * that does, until it is live.
 */
int background_run(struct options *options, background_serve_fn serve);

#endif
