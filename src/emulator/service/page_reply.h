/* A listing as an answer: which page was asked for, and its text. */
#ifndef EMULATOR_PAGE_REPLY_H
#define EMULATOR_PAGE_REPLY_H

#include "emulator/query/filter.h"
#include "emulator/service/emulator.h"

/* What of a table whoever asks may see. */
struct page_scope {
	const struct columns *columns;
	struct filter *rows; /* NULL: all */
};

/* Answer the request for a page of a table, or of the stored files. scope may
 * be NULL: everything. */
void page_reply(struct emulator *emulator, const struct request *request,
    struct table *table, const struct page_scope *scope, struct reply *reply);

/* Whether the request, which is for one record, has parameters: none is known
 * there, and the reply says so. */
bool page_reply_refuses(const struct request *request, struct reply *reply);

/* Append a row's text as this request sees it: told to lie about a stored
 * file's size, it does; columns may be NULL. 0 or -errno. */
int page_reply_row(const struct request *request, const struct table *table,
    const struct columns *columns, row_t row, struct buf *out);

#endif
