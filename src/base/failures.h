/*
 * The last failures, for .bkendfs/errors: errno is poor, so what the server
 * really said is kept here. Thread-safe.
 */
#ifndef BASE_FAILURES_H
#define BASE_FAILURES_H

#include <stdint.h>

#include "base/buf.h"

/* How many are kept, as users are promised. */
#define FAILURES_MAX 100

struct failures;

/* None yet. NULL: out of memory. */
struct failures *failures_new(void);

/* Nobody adds any more. NULL is fine. */
void failures_free(struct failures *failures);

/*
 * Remember one. path is the mount's ("posts/5f.json"), request is method and
 * URL path without a query. status 0: no answer came. Strings are copied, and
 * cut where they are long; NULL counts as "".
 */
void failures_add(struct failures *failures, const char *path,
    const char *request, int status, int err, const char *code,
    const char *message);

/* How many there were since the start. */
uint64_t failures_count(struct failures *failures);

/* One line each, oldest first: time, path, request, status, code, message,
 * tab-separated and safe for a terminal. 0 or -ENOMEM. */
int failures_print(struct failures *failures, struct buf *out);

#endif
