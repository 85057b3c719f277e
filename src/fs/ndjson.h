/*
 * A table as one stream: each record's text on a line of its own, in listing
 * order, token for token as the server sent it (a line's end within a text,
 * which can only be white space, is told as a space). Nodes never change and
 * stay for as long as the mount, so what is remembered are their numbers, and
 * at which byte they stand: the size is exact, and what was begun to be read
 * stays as it was.
 *
 * Immutable once made. Any thread; waits for the disk, never for the network.
 */
#ifndef FS_NDJSON_H
#define FS_NDJSON_H

#include "fs/text.h"
#include "replica/replica.h"

struct ndjson;

/* Of the entries of dir with base < pos < end: a listing that is whole. 0,
 * -ENOMEM, -ECANCELED once *cancelled, or an error of the replica. */
int ndjson_make(struct replica *replica, int64_t dir, int64_t base, int64_t end,
    const _Atomic bool *cancelled, struct ndjson **ret_ndjson);

/* NULL is fine. */
void ndjson_free(struct ndjson *ndjson);

/* How many bytes there are to read. */
int64_t ndjson_size(const struct ndjson *ndjson);

/* Append len bytes from offset on, fewer at the end; texts: those of the same
 * replica, for large ones. 0; -EIO: a text is not there, or not of the size
 * that was told; -ENOMEM; or the replica's. */
int ndjson_read(const struct ndjson *ndjson, struct replica *replica,
    struct texts *texts, int64_t offset, size_t len, struct buf *out);

#endif
