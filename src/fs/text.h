/* Record text as it is shown. Any thread. */
#ifndef FS_TEXT_H
#define FS_TEXT_H

#include "fs/internal.h"

/* Pretty-printing can multiply a text of brackets by its depth. */
#define TEXT_BYTES_MAX ((size_t)1 << 30)

/* The kernel reads in pieces: a text that takes more than one is kept for the
 * next ones, if it is not larger than the second size, in bytes. */
#define TEXT_KEPT_LEAST ((size_t)128 << 10)
#define TEXT_KEPT_MOST ((size_t)64 << 20)

/* Append a node's text in the form that was asked for at the mount.
 * 0, -ESTALE, -EPROTO, -ENOMEM, or an error of the replica. */
int text_load(struct fs *fs, int64_t id, struct buf *out);

/* A text, shared and unchanging; text_unref is owed. */
struct text {
	struct buf buf;
	_Atomic unsigned refs;
};

/* The same, from what is kept where possible. */
int text_get(struct fs *fs, int64_t id, struct text **ret_text);
void text_unref(struct text *text);

/* Large texts that were read last. */
struct text_shelf;
struct text_shelf *text_shelf_new(void); /* NULL: out of memory */
void text_shelf_free(struct text_shelf *shelf);

#endif
