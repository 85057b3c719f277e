/*
 * The kernel believes names for as long as it was told, and has to be told when
 * one changes before. FUSE's notices for that take the directory's lock in the
 * kernel; a lookup or readdir that waits for us holds it as well, so whoever
 * sends one would wait for himself, and with him all that touch the directory,
 * unkillably. So none is sent, ever:
 *
 * - From Linux 6.16 on, all names are taken back at once, without any lock.
 *   That costs a look at each, so it is only done where one is believed.
 * - Before, names are believed for a moment only. Who has to hear of a change
 *   hears of it after that moment.
 */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include "fs/beliefs.h"
#include "fs/context.h"

struct channel;
struct http;

struct notifier;

/* Both must outlive it. NULL: out of memory. */
struct notifier *notifier_new(struct channel *channel, struct http *http);

/* NULL is fine. */
void notifier_free(struct notifier *notifier);

/* The mount stands, and serves nobody yet. 0 or -ENOMEM. */
int notifier_open(struct notifier *notifier);

/* Reply to all who wait here. Once the loop has ended. */
void notifier_end(struct notifier *notifier);

/* To be had before the replica is asked for a name of dir. Any thread. */
uint64_t notifier_ticket(struct notifier *notifier, int64_t dir);

/* For how long the kernel may believe what a reply says of a name that is good
 * for valid_ms, in seconds. Any thread. */
double notifier_tell(
    struct notifier *notifier, int64_t dir, uint64_t ticket, int64_t valid_ms);

/* The same for a reply of many names; told is the open directory's. Any
 * thread. */
double notifier_tell_many(struct notifier *notifier, struct told *told,
    int64_t dir, uint64_t ticket, int64_t valid_ms);

/* That reply has been taken in: the next request for the open directory comes,
 * or its end. Any thread. */
void notifier_taken_in(struct notifier *notifier, struct told *told);

/* That reply does not go out after all. Any thread. */
void notifier_untell(struct notifier *notifier, struct told *told);

/* A name of dir leads to another node now. Any thread; does not block. */
void notifier_name_changed(struct notifier *notifier, int64_t dir);

/* Any name may, for all the kernel knows. Any thread; does not block. */
void notifier_names_expired(struct notifier *notifier);

/* Reply with an error, once no name is believed that changed before: whoever
 * gets it and tries again finds what the name leads to now. Loop thread. */
void notifier_reply_error(struct notifier *notifier, fuse_req_t req, int err);

#endif
