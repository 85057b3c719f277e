/*
 * Pushing: while a program reads the records or stored files of a directory
 * one after the other, the next ones are put into the kernel's page cache
 * before they are asked for: of stored files, those that are here already.
 * Reads that were pushed never reach us; so one of each
 * window is left out, and the read of it tells that the guess still holds:
 * then the next window is twice as large. Any other order ends it.
 */
#ifndef FS_PUSH_H
#define FS_PUSH_H

#include "fs/context.h"

/* Files pushed after the second read in a row, and at most ahead. */
#define PUSH_FIRST 8
#define PUSH_MOST 2048

/* Larger ones are left to be asked for, in bytes. */
#define PUSH_RECORD_MAX ((int64_t)64 << 10)
#define PUSH_OBJECT_MAX ((int64_t)128 << 10)

struct pusher;

/* Its thread begins; it uses fs only once something was observed, so when the
 * mount serves. NULL: out of memory. */
struct pusher *pusher_new(struct fs_context *fs);

/* Let the thread end; it may be held up in the kernel by a read that waits for
 * us. Whether it has ended. NULL is fine. */
bool pusher_end(struct pusher *pusher);

/* Ends the thread, and waits for it. NULL is fine. */
void pusher_free(struct pusher *pusher);

/* A record's or stored file's first bytes were read. Any thread; does not
 * block. */
void pusher_observe(struct pusher *pusher, const struct node *node);

#endif
