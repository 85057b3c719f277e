/* Memory that is overwritten before it goes, for libraries that let us choose
 * their allocator. Thread-safe. */
#ifndef BASE_SCRUB_H
#define BASE_SCRUB_H

#include <stddef.h>

/* As free, for what malloc and its kin gave. */
void scrub_free(void *memory);

/* As realloc, of what malloc and its kin gave. */
void *scrub_realloc(void *memory, size_t size);

#endif
