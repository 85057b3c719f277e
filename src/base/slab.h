/*
 * Memory for blobs, counted. What is large is used again: the kernel need not
 * find and clear pages for each, and these are large ones, where it has such.
 * What nobody took for a while goes back to the system.
 *
 * Any thread, but for new and free; nothing here blocks.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slab;

/* Pieces of a size that is a multiple of unit are large; at most so many bytes
 * of those that nobody has are kept. NULL: out of memory. */
struct slab *slab_new(size_t unit, size_t most);

/* All pieces were given back. NULL is fine. */
void slab_free(struct slab *slab);

/* A piece, the caller's, with anything in it. NULL: out of memory. */
void *slab_take(struct slab *slab, size_t size);

/* Give a piece of that size back. */
void slab_give(struct slab *slab, void *memory, size_t size);

/* What counts the bytes that were taken and not given back. */
_Atomic int64_t *slab_account(struct slab *slab);

/* Bytes that are kept, and nobody has. */
size_t slab_kept(struct slab *slab);

/*
 * Some time has passed. If nothing large was taken since this was called last,
 * all that is kept goes, and so does what is given back later, until something
 * is taken. Whether more may be kept still: it is to be called again.
 */
bool slab_age(struct slab *slab);

#endif
