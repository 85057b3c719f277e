/* What a name leads to. Handlers answer their request, now or when sync is
 * done; session.c hands them to libfuse, which calls them on its threads. */
#ifndef FS_OP_LOOKUP_H
#define FS_OP_LOOKUP_H

#include "fs/context.h"

/* The node of a name, or that there is none; "." and ".." of a node that the
 * kernel has forgotten. */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);

#endif
