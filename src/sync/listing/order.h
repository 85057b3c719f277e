/*
 * Inside sync/: in which order a server gives records. Pure.
 *
 * A listing that is read piece by piece is only known to be whole if the
 * pieces follow one order of the ids that stays the same. Which one does not
 * matter; each pair of neighbours that came rules some of them out.
 */
#ifndef SYNC_ORDER_H
#define SYNC_ORDER_H

#include <stdbool.h>

#include "base/buf.h"

enum order {
	ORDER_BYTES = 1, /* ascending, by bytes */
	ORDER_BYTES_DOWN = 2,
	ORDER_NUMBERS = 4, /* decimal numbers, by their value */
	ORDER_NUMBERS_DOWN = 8,
	ORDER_ANY = 15,
};

/* Which of these orders, a set, are still possible when second came after
 * first. */
unsigned order_after(
    unsigned orders, const struct buf *first, const struct buf *second);

/* Whether a stands at b or before it, in the first of these orders, of which
 * there is one. */
bool order_reaches(unsigned orders, const struct buf *a, const struct buf *b);

#endif
