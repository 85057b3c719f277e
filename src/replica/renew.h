/* What is done to a database's file before it is opened and after it was
 * closed, so that all its pages have checksums. Inside replica/ only. */
#ifndef REPLICA_RENEW_H
#define REPLICA_RENEW_H

/*
 * Before it is opened. One that an earlier version has made is written anew,
 * where that can be done: it must not be too large, and takes the disk's room
 * for another one, for as long. Pages that another program took over from a
 * log, when it opened what a crash had left, get checksums. Nobody may have it
 * open. A crash leaves it as it was or as it shall be. mark_fd: see
 * page_sum_mark. 0, also where it stays as it is; -EINTR: see
 * replica_give_up_when; or another -errno.
 */
int renew_database(const char *path, int mark_fd);

/* Once it was closed: whether that was its end is noted. */
void renew_end(const char *path, int mark_fd);

#endif
