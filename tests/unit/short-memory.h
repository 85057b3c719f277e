/*
 * Memory that runs out when the test says so. The linker puts these allocators
 * in front (--wrap: malloc, calloc, realloc, reallocarray, strdup, mmap,
 * mmap64).
 */
#ifndef SHORT_MEMORY_H
#define SHORT_MEMORY_H

#include <stdbool.h>

/* Let one allocation fail, after so many that do not. */
void memory_fail_after(long count);

/* Let all fail after so many. */
void memory_end_after(long count);

/* Let none fail from here on. Whether one has failed. */
bool memory_is_whole_again(void);

#endif
