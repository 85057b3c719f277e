/* The name that was probably meant, for a complaint. One thread. */
#ifndef CONFIG_SIMILAR_H
#define CONFIG_SIMILAR_H

#include <stddef.h>

struct similar {
	const char *name; /* what was written; borrowed */
	const char *best; /* borrowed; NULL: nothing is close to it */
	size_t distance;  /* of the best; where there is none, one too far */
};

/* Begin to look for what is like name, which must live on. */
void similar_init(struct similar *similar, const char *name);

/* Compare with one that there is; it becomes the best if it is closer. */
void similar_try(struct similar *similar, const char *candidate);

#endif
