/* Directories that are read. Handlers answer their request, now or when sync
 * is done. On libfuse's threads. */
#ifndef FS_OP_DIR_H
#define FS_OP_DIR_H

#include "fs/context.h"

/* Freshness is checked here: waits until the listing may be read. */
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* Entries after off, as many as fit: waits for more where there is none yet. */
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi);

/* The same, each entry with its attributes. */
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi);

/* Answers at once. */
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

#endif
