/* A listing as an answer: which page was asked for, and its text. */
#ifndef EMULATOR_PAGE_REPLY_H
#define EMULATOR_PAGE_REPLY_H

#include "emulator/service/emulator.h"

/* Answer the request for a page of a table, or of the stored files. */
void page_reply(struct emulator *emulator, const struct request *request,
    struct table *table, struct reply *reply);

/* Append a row's text as this request sees it: told to lie about a stored
 * file's size, it does. 0 or -errno. */
int page_reply_row(const struct request *request, const struct table *table,
    row_t row, struct buf *out);

#endif
