/*
 * What slips from page to page of one listing, and no answer tells of it: the
 * database is put back in the middle, which brings a record back that has its
 * old date, and another one goes. All pages tell one total, as many records
 * come, and none of them is new; yet one that was there all the time has moved
 * to a page that was answered before.
 */
#ifndef MODEL_SLIP_H
#define MODEL_SLIP_H

#include <stddef.h>
#include <stdint.h>

struct query;

/* A page is answered with those records, of so many. When it completes a round
 * of pages in which that happened, what slipped is not to be seen. */
void slip_page(
    const struct query *query, int64_t total, const int *records, size_t count);

#endif
