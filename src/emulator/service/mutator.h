/* Records that come, change and go while they are served: --mutate, on a thread
 * of its own. */
#ifndef EMULATOR_MUTATOR_H
#define EMULATOR_MUTATOR_H

#include "emulator/service/emulator.h"

struct mutator;

/* Run until stopped, at the rate that the switch mutate has at each moment.
 * The emulator is borrowed. 0, -ENOMEM or -EAGAIN (no thread). */
int mutator_start(struct emulator *emulator, struct mutator **ret_mutator);
/* NULL is fine. */
void mutator_stop(struct mutator *mutator);

#endif
