/* How a stored file is cut where it is kept: into blocks, of which each has a
 * checksum, and segments, of which each is a file. */
#ifndef CONTENT_BLOCK_H
#define CONTENT_BLOCK_H

#include <stdint.h>

/* Bytes of a block: what the kernel reads ahead at once (VM_READAHEAD_PAGES).
 * The last block of an object is as long as what is left. */
#define CONTENT_BLOCK ((int64_t)128 << 10)

/* Blocks that share a file, and are removed together. */
#define CONTENT_SEGMENT 64

/* Bytes of a block of an object that has so many. */
static inline int64_t block_size(int64_t object, int64_t block)
{
	int64_t left = object - block * CONTENT_BLOCK;
	return left < CONTENT_BLOCK ? left : CONTENT_BLOCK;
}

#endif
