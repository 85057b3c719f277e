/*
 * The files of .bkendfs. Each lookup makes the content of that moment, under an
 * inode number of its own; so these files are as immutable as all others. Each
 * is kept until the kernel has forgotten it: for as long as somebody has it
 * open. Any thread.
 */
#ifndef FS_CONTROL_H
#define FS_CONTROL_H

#include "status/file.h"

/* Inode numbers of these files: each lookup makes a new one. */
#define CONTROL_FIRST (INT64_C(1) << 60)

struct control;

/* files must outlive it. NULL: out of memory. */
struct control *control_new(const struct status_file *files);

/* NULL is fine. */
void control_free(struct control *control);

/* The n-th name, or NULL. */
const char *control_name(const struct control *control, size_t n);

/* Make a file's content of this moment; its inode number, which the kernel is
 * to be told once. -ENOENT, -ENOMEM; -ENFILE: too many are held open; or an
 * error of who prints it. */
int64_t control_lookup(struct control *control, const char *name);

/* The kernel has forgotten the number, or was not told it after all. */
void control_forget(struct control *control, int64_t id);

/* Its size in bytes, and when it was made, on the wall clock. 0 or -ESTALE: the
 * kernel has forgotten it. */
int control_facts(struct control *control, int64_t id, int64_t *ret_size,
    int64_t *ret_made_ms);

/* Append up to len bytes from offset on. Errors: the same, and -ENOMEM. */
int control_read(struct control *control, int64_t id, size_t offset, size_t len,
    struct buf *out);

#endif
