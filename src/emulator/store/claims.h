/* What metadata claims of stored files. Used by main, once all is loaded. */
#ifndef EMULATOR_CLAIMS_H
#define EMULATOR_CLAIMS_H

#include "emulator/store/table.h"

/* Whether all sizes that the metadata of stored files claims are those of their
 * objects, where a mount would believe them: it asks for what is missing or
 * zero. 1, 0, or what reading them says. Before anything is served. */
int claims_are_true(const struct table *files);

#endif
