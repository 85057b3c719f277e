/* The one home of utf8proc: names that mean the same in another form. */
#ifndef EMULATOR_NFC_H
#define EMULATOR_NFC_H

#include "base/buf.h"

/* Append a name in NFC, as some systems change names to NFD when they copy
 * them; one that is not UTF-8 stands as it is. 0 or -ENOMEM. Any thread. */
int nfc_add(const char *name, struct buf *out);

#endif
