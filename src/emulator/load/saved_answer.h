/*
 * What a saved object is, if it is no record: an answer of the service, as the
 * export scripts save them whatever they are. Pure, for any thread.
 */
#ifndef EMULATOR_SAVED_ANSWER_H
#define EMULATOR_SAVED_ANSWER_H

#include "json/json.h"

enum saved_answer_kind {
	ANSWER_RECORD, /* it has an id */
	ANSWER_PAGE,   /* it holds records */
	ANSWER_ERROR,  /* it says what went wrong */
	ANSWER_OTHER,
};

struct saved_answer {
	struct json_span items; /* of a page: an array's text */
	int64_t total;		/* -1: not said */
	int64_t total_pages;	/* -1: not said */
	int64_t page;		/* which one it is; -1: not said */
	bool more;		/* it says that a page follows */
	/* Of an error, borrowed tokens; text NULL where there is none. */
	struct json_span status;
	struct json_span code;
	struct json_span message;
};

/* Look at an object's text; table is the name of the table whose answer it may
 * be. As the answer to a request (is_answer), what speaks of an error is one
 * though it has an id, unless the service dates it as it does its records;
 * among records, only where it says that it failed. ret_answer borrows from
 * text. 0, -EPROTO (no JSON object), -ENOMEM. */
int saved_answer_read(const char *text, size_t len, const char *table,
    bool is_answer, enum saved_answer_kind *ret_kind,
    struct saved_answer *ret_answer);

/* Append, of an error, what it says: "429 data/rate-limit (Slow down)". 0 or
 * -errno. */
int saved_answer_print_error(
    const struct saved_answer *answer, struct buf *out);

#endif
