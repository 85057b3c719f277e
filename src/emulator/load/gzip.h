/* The one home of zlib: what was packed with gzip. */
#ifndef EMULATOR_GZIP_H
#define EMULATOR_GZIP_H

#include "emulator/store/place.h"

/* More than this does not come out of one file. */
#define GZIP_MAX ((uint64_t)64 << 30)

/* Whether text begins as gzip's files do, which no JSON does. Any thread. */
bool gzip_is(const char *text, size_t len);

/*
 * Unpack what lies in place into a spool, and let place be there: *spool, which
 * is made when it is NULL; the caller has its reference, and no other thread
 * writes to it. 0; -EPROTO (damaged, cut short, or not such a file), -EFBIG,
 * -ENOMEM, or what reading and writing says; place is as it was then.
 */
int gzip_unpack(struct place *place, struct unpacked **spool);

#endif
