/* What libfuse and fusermount3 say of a mount that fails, put together into a
 * part of one line: they say it bit by bit, over several lines. Whoever has it
 * may read its text. */
#ifndef FS_WORDS_H
#define FS_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Longer words are cut. */
#define WORDS_SIZE 600

/* All zero at first. */
struct words {
	char text[WORDS_SIZE];
	size_t used;	/* of text, which stays terminated */
	bool line_over; /* what comes next begins another line */
};

/* Append what was said next; lines are parted by "; ". */
void words_add(struct words *words, const char *text);

#endif
