/*
 * The parameters of a list: what they ask for, or what is wrong with them. None
 * that is not known is passed over: who gets records other than those that were
 * asked for is not told so by them. Pure; for page_reply.
 */
#ifndef EMULATOR_PAGE_QUERY_H
#define EMULATOR_PAGE_QUERY_H

#include "emulator/exchange/http_request.h"
#include "emulator/query/listing_query.h"

/* Into *ret_query, which borrows from the request, and whose filter is the
 * caller's. files: of the list of stored files. 0; -EINVAL, with what is wrong
 * appended to problem; -ENOMEM. */
int page_query_parse(const struct request *request, bool files,
    struct buf *problem, struct listing_query *ret_query);

/* Whether a single record's request has parameters that are not known, which
 * are all: 0, or -EINVAL as above. */
int page_query_refuse_any(const struct request *request, struct buf *problem);

#endif
