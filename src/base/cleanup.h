/* Scope-bound cleanup of locals, by the compiler's cleanup attribute. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

/* For CLEANUP of what malloc and its kin gave, NULL or not. */
static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

/* For CLEANUP of a descriptor; one below 0 is none. */
static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Overwrite a secret before its memory goes. NULL is fine. */
static inline void free_secret(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

#define CLEANUP_FREE CLEANUP(cleanup_free)
#define CLEANUP_CLOSE CLEANUP(cleanup_close)

/* Hand a local's value to the caller: the local no longer frees it. */
#define TAKE(pointer)                                                          \
	__extension__({                                                        \
		__typeof__(pointer) take_value = (pointer);                    \
		(pointer) = NULL;                                              \
		take_value;                                                    \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
