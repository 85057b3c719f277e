/* What a disk still has room for, and when it has none. */
#ifndef BASE_DISK_H
#define BASE_DISK_H

#include <stdint.h>

/*
 * Bytes that may still be written to the disk that a file, a directory or what
 * O_PATH opened is on. A sixteenth of it is left to others, but at most
 * spare_most bytes; so it may be less than none. 0 or -errno. Any thread.
 */
int disk_room(int fd, int64_t spare_most, int64_t *ret_bytes);

/* Best effort: what was renamed or removed in a directory lasts. Any thread. */
void disk_sync_dir(const char *dir);

/* -errno of a write that failed with this errno: a quota that is used up is a
 * full disk. Any thread. */
int disk_error(int err);

#endif
