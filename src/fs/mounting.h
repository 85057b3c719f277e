/*
 * Mounting without noise: what libfuse and fusermount3 have to say becomes part
 * of our own line. For mounter.c, in the process that mounts, and session.c, in
 * the one that serves, on the command's thread.
 */
#ifndef FS_MOUNTING_H
#define FS_MOUNTING_H

#include <stdbool.h>

struct fuse_session;

/* Before the session is made: listen to libfuse. debug: leave its words on
 * stderr, here and in mounting_mount. */
void mounting_listen(bool debug);

/* Mount. 0; else mounting_message says why. */
int mounting_mount(
    struct fuse_session *session, const char *mountpoint, bool debug);

/* Of what the other process was told. */
void mounting_add_message(const char *words);

/* While the mount lives: nobody asks for the last words any more. */
void mounting_listen_late(bool debug);

/* The last words, without a line's end; never NULL. */
const char *mounting_message(void);

#endif
