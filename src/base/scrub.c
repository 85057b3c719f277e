#include "base/scrub.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void scrub_free(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

/* realloc would leave a copy behind where it moves. */
void *scrub_realloc(void *memory, size_t size)
{
	size_t old = memory ? malloc_usable_size(memory) : 0;
	void *more = malloc(size);
	if (!more)
		return NULL;
	if (memory)
		memcpy(more, memory, old < size ? old : size);
	scrub_free(memory);
	return more;
}
