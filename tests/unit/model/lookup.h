/*
 * Those who look a name up, several at once.
 */
#ifndef MODEL_LOOKUP_H
#define MODEL_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

struct sync_op;

void lookup_reset(void);

void lookup_start(uint32_t which);

/* By another thread, while whose call loop_runs is called: see
 * mount_as_other_thread. */
void lookup_start_now(uint32_t which, void (*loop_runs)(void));

/* How many wait, and one of them; NULL: none. */
size_t lookup_waiting(void);
struct sync_op *lookup_that_waits(uint32_t which);

#endif
