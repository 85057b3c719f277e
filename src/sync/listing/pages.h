/*
 * The pages of a round that goes by page number: how many there are, as far as
 * their answers tell, and which is the last. Pure. The round has one.
 */
#ifndef SYNC_LISTING_PAGES_H
#define SYNC_LISTING_PAGES_H

#include <stdint.h>

struct look;
struct part_answer;

struct pages {
	int64_t last; /* number of the last one, as far as known */
};

/* Begin again, from the first one. */
void pages_begin(struct pages *pages);

enum pages_verdict {
	PAGES_GO_ON,
	PAGES_OVER, /* that was the last one */
	PAGES_TORN, /* it was, but the answers say otherwise */
};

/* Take in the answer to one, whose turn it is; look has it counted already.
 * limit: what was asked for; 0: the server's own. found: records that are known
 * of, also by answers that are not in turn yet. */
enum pages_verdict pages_absorb(struct pages *pages, const struct look *look,
    const struct part_answer *answer, unsigned limit, int64_t found);

#endif
