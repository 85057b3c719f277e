/*
 * Reading ahead of one who reads a directory: while the kernel takes in a reply
 * to readdirplus, which costs it more than the reply costs us, the next one is
 * made on the thread that sent it. It is sent if it is asked for soon, and if
 * no name of the directory has changed since; else it is made anew.
 *
 * Any thread. The lock of a struct dir_ahead is held while a reply is made:
 * that reads the replica, and waits for nobody.
 */
#ifndef FS_DIR_AHEAD_H
#define FS_DIR_AHEAD_H

#include "fs/dir_fill.h"

/* Take the reply of that size for who goes on after a position: its data is the
 * caller's then. Whether there is one. */
bool dir_ahead_take(struct fs_context *fs, struct dir *dir, size_t size,
    int64_t after, struct dir_reply *ret_reply);

/* Send a reply, and make the one that follows it. */
void dir_ahead_reply(struct fs_context *fs, fuse_req_t req, struct dir *dir,
    const struct dir_reply *reply);

/* Before a directory is closed: wait for who makes its next reply. */
void dir_ahead_end(struct dir *dir);

#endif
