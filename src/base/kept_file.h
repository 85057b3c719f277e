/*
 * A small file of secrets that several processes of ours change in turn: each
 * holds a lock beside it (its name with .lock behind) while it reads, decides
 * and writes. It is written whole or not at all, also across a power cut, and
 * is ours alone. One thread a time; called by who keeps tokens.
 */
#ifndef BASE_KEPT_FILE_H
#define BASE_KEPT_FILE_H

#include <stdbool.h>

#include "base/buf.h"

struct kept_file;

/* More is not read. */
#define KEPT_FILE_MAX ((size_t)64 << 10)

/* The file of that name in a directory that own_dir_make has checked. Nothing
 * is opened yet. 0 or -ENOMEM. */
int kept_file_new(
    const char *dir, const char *name, struct kept_file **ret_file);

/* The lock goes, too. NULL is fine. */
void kept_file_free(struct kept_file *file);

/* Its path; borrowed. */
const char *kept_file_path(const struct kept_file *file);

/* Take the lock. 0; -EAGAIN: somebody else has it, and wait is false; -ELOOP or
 * -ENOTUNIQ: what stands there is not ours; or what open says. */
int kept_file_lock(struct kept_file *file, bool wait);

/* Give it back; harmless without it. */
void kept_file_unlock(struct kept_file *file);

/* Append the content to text, a secret one; nothing where there is no file. 0,
 * -EMSGSIZE, or as kept_file_lock. */
int kept_file_read(const struct kept_file *file, struct buf *text);

/* Put text in its place. 0 or -errno; then it is as it was. */
int kept_file_write(const struct kept_file *file, const struct buf *text);

/* Remove it: 0, also where there is none, or -errno. */
int kept_file_remove(const struct kept_file *file);

#endif
