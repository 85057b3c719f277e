/* The sample project, which is part of the program. */
#ifndef EMULATOR_SAMPLE_H
#define EMULATOR_SAMPLE_H

#include "emulator/store/store.h"

int sample_load(struct store *store);

#endif
