#include "config/similar.h"

#include <string.h>

/* No name that can be meant is longer. */
#define NAME_MAX_LEN 64

void similar_init(struct similar *similar, const char *name)
{
	/* A slip or two in a long name, one in a short one. */
	*similar =
	    (struct similar){.name = name, .distance = strlen(name) / 4 + 2};
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to change, add, drop or swap with the next one. */
static size_t distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	size_t rows[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];
	if (a_len > NAME_MAX_LEN || b_len > NAME_MAX_LEN)
		return a_len + b_len;
	for (size_t i = 0; i <= a_len; i++) {
		for (size_t j = 0; j <= b_len; j++) {
			if (i == 0 || j == 0) {
				rows[i][j] = i + j;
				continue;
			}
			size_t same = a[i - 1] == b[j - 1] ? 0 : 1;
			rows[i][j] = least(rows[i - 1][j - 1] + same,
			    least(rows[i - 1][j], rows[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				rows[i][j] =
				    least(rows[i][j], rows[i - 2][j - 2] + 1);
		}
	}
	return rows[a_len][b_len];
}

void similar_try(struct similar *similar, const char *candidate)
{
	size_t there = distance(similar->name, candidate);
	if (there < similar->distance) {
		similar->best = candidate;
		similar->distance = there;
	}
}
