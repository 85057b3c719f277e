/* Offline: what was not read once cannot be had, and .bkendfs/errors says what
 * that was. */
#ifndef SYNC_CORE_OFFLINE_H
#define SYNC_CORE_OFFLINE_H

struct core;

/* Tell of what is lacking: a directory's listing, or with a name one thing in
 * it; dir may be "" for the root. -ENODATA. Any thread. */
int offline_lacks(const struct core *core, const char *dir, const char *name,
    const char *message);

/* What to say of a listing. */
#define OFFLINE_NOT_WHOLE                                                      \
	"offline, and it was never listed to its end, so what there is of it"  \
	" is not shown as if it were whole"

/* The same of a file. */
#define OFFLINE_NOT_READ "offline, and it was never read"

#endif
