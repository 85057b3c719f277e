/* With -o xattr: what the server said of a record or file that its name and
 * attributes cannot tell (CONTRACT.md 2). Read from its text, so it asks
 * nobody. On libfuse's threads. */
#ifndef FS_OP_XATTR_H
#define FS_OP_XATTR_H

#include "fs/context.h"

/* Answer at once: the names; or, for a size of 0, how long they are. */
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);

/* Answer at once: one value; or, for a size of 0, how long it is. */
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);

#endif
