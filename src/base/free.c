/*
 * free and realloc for the whole program, libraries included: what is given
 * back is overwritten. curl, OpenSSL and nghttp2 copy what is sent and received
 * from buffer to buffer, and not all of them let us choose their allocator:
 * nghttp2 would leave tokens behind. Linked into bkendfs itself, so that what
 * libraries call is this, too. Nobody calls it by another name.
 *
 * Only with glibc, whose own functions have second names; elsewhere, and under
 * a sanitizer, which has an allocator of its own, this is left out.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* What is larger is an object's bytes on their way, which would cost time: what
 * carries a secret is smaller, or curl's, which goes through base/scrub.h. */
#define OVERWRITTEN_MAX ((size_t)64 << 10)

extern void __libc_free(void *memory);
extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *memory, size_t size);

void free(void *memory)
{
	size_t size = memory ? malloc_usable_size(memory) : 0;
	if (size > 0 && size <= OVERWRITTEN_MAX)
		explicit_bzero(memory, size);
	__libc_free(memory);
}

/* One that moves leaves no copy behind. What it has is enough, as long as that
 * is not far too much. */
void *realloc(void *memory, size_t size)
{
	size_t old = memory ? malloc_usable_size(memory) : 0;
	if (old == 0 || old > OVERWRITTEN_MAX)
		return __libc_realloc(memory, size);
	if (size == 0) {
		free(memory);
		return NULL;
	}
	if (size <= old && size >= old / 2)
		return memory;
	void *more = __libc_malloc(size);
	if (!more)
		return NULL;
	memcpy(more, memory, old < size ? old : size);
	free(memory);
	return more;
}
