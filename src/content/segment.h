/*
 * A segment file: up to CONTENT_SEGMENT blocks of one object, each at its own
 * place, behind a table of their checksums. A block without a checksum is not
 * there. A checksum covers also which replica, object and block it is for, so
 * that a block that strayed to another place does not fit; and the salt of the
 * object's row, since node ids come again when a database loses its last
 * commits, or an older file of it is put back.
 *
 * Files lie in 256 directories, by the last byte of their object's node id.
 * Any thread; errors are -errno of the system calls.
 */
#ifndef CONTENT_SEGMENT_H
#define CONTENT_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "content/block.h"

/* Which form of files this is; 1 had no salt. Those of other forms are removed
 * when a replica is opened, as those of other replicas are. */
#define SEGMENT_FORM 2

#define SEGMENT_BYTES (CONTENT_SEGMENT * CONTENT_BLOCK)

/* Where data begins: the table takes less, and data shall be page-aligned. */
#define SEGMENT_DATA ((int64_t)4096)

/* Enough for "ff/", two numbers in hex, a dash and a NUL. */
#define SEGMENT_PATH 40

/* Which replica's, and which segment of which object. */
struct segment_key {
	uint64_t replica;
	int64_t node;
	int64_t segment;
	uint64_t salt; /* struct node's */
};

/* The path of a segment's file below the cache's directory. */
void segment_path(const struct segment_key *key, char out[SEGMENT_PATH]);

/* The node id in the last part of such a path; -1: it is none. */
int64_t segment_node(const char *name);

/* A descriptor. create: make the file, and its directory, if need be. */
int segment_open(int dir, const struct segment_key *key, bool create);

/* The checksums; 0 where there is no block. 0 or -errno. */
int segment_load(int fd, uint64_t sums[CONTENT_SEGMENT]);

/* Read a block, the index-th of the segment, into out. 0; -EBADMSG: it is
 * damaged, and forgotten now; or another error. */
int segment_read(int dir, int fd, const struct segment_key *key, unsigned index,
    uint64_t sum, void *out, size_t len);

/* Write a block, and then its checksum. */
int segment_write(int fd, const struct segment_key *key, unsigned index,
    const void *data, size_t len);

/* What it takes up on the disk. */
int64_t segment_usage(int fd);

/* Note that it was used just now: its mtime says when. */
void segment_touch(int fd);

#endif
