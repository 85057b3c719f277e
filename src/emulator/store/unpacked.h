/*
 * What had to be unpacked, one text after the other, in a file that has no name
 * and is gone with the program: so the memory that a backup takes does not grow
 * with what is packed in it. It lies in $TMPDIR, else in /var/tmp.
 *
 * Shared by reference counts. One thread writes, and none while others read.
 */
#ifndef EMULATOR_UNPACKED_H
#define EMULATOR_UNPACKED_H

#include <stddef.h>
#include <stdint.h>

struct unpacked;

/* One reference. 0, -ENOMEM, or what opening a file there says. */
int unpacked_new(struct unpacked **ret_unpacked);

/* Another reference. Returns unpacked. Any thread. */
struct unpacked *unpacked_ref(struct unpacked *unpacked);

/* Give a reference back. NULL is fine. Any thread. */
void unpacked_unref(struct unpacked *unpacked);

/* Add bytes at its end. 0 or what write says. */
int unpacked_write(struct unpacked *unpacked, const void *data, size_t len);

/* How much is in it: where the next bytes go. */
uint64_t unpacked_len(const struct unpacked *unpacked);

/* A descriptor of all of it, which the caller closes, or -errno. Its offset is
 * shared: pread only. Any thread. */
int unpacked_open(const struct unpacked *unpacked);

#endif
