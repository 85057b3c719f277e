/* A replica that cannot be written: how its database is read all the same. Used
 * when one is opened; see replica_open_archived. */
#ifndef REPLICA_ARCHIVE_H
#define REPLICA_ARCHIVE_H

struct replica;

/* Open the database at replica->path: where it is; or, if that is not possible,
 * a copy, whose place is in replica->copy then. 0 or -errno; -EBADMSG: made by
 * a newer version. */
int archive_open(struct replica *replica);

#endif
