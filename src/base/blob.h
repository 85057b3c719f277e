/*
 * A block of bytes that several threads may hold: who writes it shares it only
 * afterwards, or says by other means how much of it may be read.
 */
#ifndef BASE_BLOB_H
#define BASE_BLOB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct blob {
	_Atomic unsigned refs;
	_Atomic int64_t *account; /* bytes of all blobs like this; or NULL */
	size_t len;
	char data[];
};

/* One reference, the caller's; the bytes are not set. account, if not NULL,
 * is raised by len until the last reference goes. NULL: out of memory. */
struct blob *blob_new(size_t len, _Atomic int64_t *account);

/* One reference more, for the caller. Any thread. */
struct blob *blob_ref(struct blob *blob);

/* Give a reference back; the last one's end is the blob's. NULL is fine. Any
 * thread. */
void blob_unref(struct blob *blob);

#endif
