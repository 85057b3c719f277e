/* Attributes of what the kernel has a number of. On libfuse's threads. */
#ifndef FS_OP_GETATTR_H
#define FS_OP_GETATTR_H

#include "fs/context.h"

/* Answers at once, but for a stored file whose size has to be asked for. */
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

#endif
