/* Download URLs: signed, and good for a while. Thread-safe. */
#ifndef EMULATOR_PRESIGN_H
#define EMULATOR_PRESIGN_H

#include "emulator/service/emulator.h"

/* Append http://host/storage/{id}?expires=…&signature=…. 0 or -errno. */
int presign_add_url(struct emulator *emulator, const struct request *request,
    int64_t expires_ms, struct buf *out);

/* 0, -EACCES (not signed by us for this id) or -EKEYEXPIRED. */
int presign_check(struct emulator *emulator, const struct request *request);

#endif
