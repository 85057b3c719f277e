/*
 * A growable byte buffer with a hard cap.
 *
 * Whatever size a server controls is collected in one of these, so the cap is
 * asked for at init. The content is always NUL-terminated one byte past len,
 * so that it can be handed to functions that take strings; it may hold NULs.
 * Not thread-safe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct buf {
	char *data;  /* NULL while nothing was added */
	size_t len;  /* bytes in use */
	size_t cap;  /* bytes allocated */
	size_t max;  /* bytes it may ever hold */
	bool secret; /* its memory is overwritten before it goes */
};

/* For buffers whose content the program itself makes. */
#define BUF_MAX_DEFAULT ((size_t)64 << 20)

/* An empty one; no memory is taken yet. buf_done is owed once something was
 * added. */
void buf_init(struct buf *buf, size_t max);

/* For what nobody shall find in memory later: keys, passwords, tokens, signed
 * URLs, and what a server says of them. */
void buf_init_secret(struct buf *buf, size_t max);

/* Let the memory go: empty, and ready for more. */
void buf_done(struct buf *buf);

/* Forget the content, keep the memory. */
void buf_clear(struct buf *buf);

/* Append bytes, a string, a character, or text as printf makes it. 0, -ENOMEM,
 * or -EMSGSIZE when max would be passed (nothing is added). */
int buf_add(struct buf *buf, const void *data, size_t len);
int buf_adds(struct buf *buf, const char *string);
int buf_addc(struct buf *buf, char c);
int buf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Make room for len more bytes at data + len. 0, -ENOMEM or -EMSGSIZE. */
int buf_reserve(struct buf *buf, size_t len);

/* The content as a string that the caller frees; the buffer is empty then.
 * NULL when out of memory. */
char *buf_steal(struct buf *buf);

/* The order of two contents, byte by byte, as memcmp tells it. */
int buf_compare(const struct buf *a, const struct buf *b);

/* The content as a C string; "" when empty. Borrowed. */
static inline const char *buf_str(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

#define CLEANUP_BUF CLEANUP(buf_done)

#endif
