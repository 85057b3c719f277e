/* What all pages have around them. For the pages; not thread-safe. */
#ifndef EMULATOR_FRAME_H
#define EMULATOR_FRAME_H

#include "emulator/page/page_view.h"

/* How many pages a list has, and which of them is shown; both from 1. */
struct pager {
	uint64_t page;
	uint64_t pages;
};

/* The head, up to the way to this page, which begins with the project and may
 * be added to; title may be NULL. */
void frame_begin(const struct view *view, const char *title, size_t len);

/* A step on that way: a link to a table's page, or, with table NULL, to that of
 * the stored files. */
void frame_add_step(const struct view *view, const char *table);

/* The way is over, and the page begins. */
void frame_open(const struct view *view);

/* The page is over. */
void frame_end(const struct view *view);

/* The page that the request asks for, of a list of so many with so many a page:
 * the last one, where it is beyond that. */
struct pager frame_pager(
    const struct request *request, uint64_t total, uint64_t limit);

/* Links to the other pages of a list; table as above. */
void frame_add_pager(
    const struct view *view, const struct pager *pager, const char *table);

#endif
