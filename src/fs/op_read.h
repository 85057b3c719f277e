/* Bytes of files. On libfuse's threads. */
#ifndef FS_OP_READ_H
#define FS_OP_READ_H

#include "fs/context.h"

/* Answers at once what is here; else when sync has it. */
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi);

#endif
