/* A database that an earlier version has made is written anew, so that its
 * pages have checksums. Inside replica/ only. */
#ifndef REPLICA_RENEW_H
#define REPLICA_RENEW_H

/*
 * Do so where it is needed and can be done: it takes the disk's room for
 * another one, for as long. Nobody may have it open. A crash leaves it as it
 * was or as it shall be. 0, also where it stays as it is; -EINTR: see
 * replica_give_up_when; -ENOMEM.
 */
int renew_database(const char *path);

#endif
