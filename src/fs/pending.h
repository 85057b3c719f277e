/*
 * A request of the kernel's that waits for sync. Whoever makes one wants more
 * in it than that, and puts it first in a struct of his own; `done` is his, and
 * ends it with pending_free. Inside fs/ only.
 */
#ifndef FS_PENDING_H
#define FS_PENDING_H

#include "fs/context.h"
#include "sync/sync.h"

struct pending {
	struct sync_op op; /* first: op and request are the same address */
	struct fs_context *context;
	fuse_req_t req;
};

/* Make one of size bytes, zeroed behind the request, that an interrupt ends.
 * done is called on the loop thread, once. NULL: out of memory; req has been
 * answered then. Any thread. */
void *pending_new(
    size_t size, fuse_req_t req, void (*done)(struct sync_op *op, int err));

/* The request it begins with, too. */
void pending_free(void *pending);

/* Reply with an error; err is -errno. Any thread. */
void reply_error(fuse_req_t req, int err);

/* The same where ENOENT would say more than is known. Of an entry whose size
 * could not be had: its listing holds it, and who were told that it is gone
 * would delete his copy. Of a listing: readdir(3) of glibc takes ENOENT for the
 * end of the directory, and one that failed so would look whole. */
void reply_not_gone(fuse_req_t req, int err);

/* The same of what was asked of a number that the kernel has: who asks for
 * what is gone holds something stale. */
void reply_stale(fuse_req_t req, int err);

#endif
