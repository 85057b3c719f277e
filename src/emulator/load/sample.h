/* The sample project, which is part of the program. Called by main before
 * anything is served. */
#ifndef EMULATOR_SAMPLE_H
#define EMULATOR_SAMPLE_H

#include "emulator/store/store.h"

/* Into an empty store. 0 or -errno, with a line on stderr. */
int sample_load(struct store *store);

#endif
