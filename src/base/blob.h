/*
 * A block of bytes that several threads may hold: who writes it shares it only
 * afterwards, or says by other means how much of it may be read.
 */
#ifndef BASE_BLOB_H
#define BASE_BLOB_H

#include <stdatomic.h>
#include <stddef.h>

struct slab;

struct blob {
	_Atomic unsigned refs;
	struct slab *slab; /* that its bytes are of; or NULL */
	size_t len;
	char *data;
};

/* One reference, the caller's; the bytes are not set. They are taken from slab,
 * if that is not NULL, until the last reference goes. NULL: out of memory. */
struct blob *blob_new(size_t len, struct slab *slab);

/* One reference more, for the caller. Any thread. */
struct blob *blob_ref(struct blob *blob);

/* Give a reference back; the last one's end is the blob's. NULL is fine. Any
 * thread. */
void blob_unref(struct blob *blob);

#endif
