/* Record text as it is shown. Any thread. */
#ifndef FS_TEXT_H
#define FS_TEXT_H

#include "fs/internal.h"

/* Pretty-printing can multiply a text of brackets by its depth. */
#define TEXT_BYTES_MAX ((size_t)1 << 30)

/* Append a node's text in the form that was asked for at the mount.
 * 0, -ESTALE, -EPROTO, -ENOMEM, or an error of the replica. */
int text_load(struct fs *fs, int64_t id, struct buf *out);

#endif
