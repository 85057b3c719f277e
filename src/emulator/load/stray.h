/*
 * Names that systems and programs leave in a directory, and that are nobody's
 * data. Pure, for any thread.
 */
#ifndef EMULATOR_STRAY_H
#define EMULATOR_STRAY_H

#include <stdbool.h>

#include "base/buf.h"

/* What such a name is, in words, or NULL when it may be data. */
const char *stray_kind(const char *name);

/* Whether a synchronising program made the name for a copy that it could not
 * bring together with the original, whose name is appended then. */
bool stray_is_conflict(const char *name, struct buf *ret_original);

#endif
