/*
 * Questions to the server whose answers are waited for, one at a time: for
 * check.c, which tells of them. Any signal ends them. Main thread.
 */
#ifndef COMMAND_SURVEY_H
#define COMMAND_SURVEY_H

#include "api/api.h"
#include "base/buf.h"
#include "command/contact.h"

struct survey;

/* The contact is borrowed for its life. NULL: out of memory. */
struct survey *survey_new(struct contact *contact);

/* Call it after contact_stop. NULL is fine. */
void survey_free(struct survey *survey);

/* What the first page of a listing tells. */
struct survey_listing {
	struct api_error error; /* err 0: all below is there */
	int64_t total;		/* -1: not told */
	int64_t limit;		/* items a page, at most */
	bool more;		/* than this page */
	int64_t seen;		/* items on the page */
	int64_t bytes;		/* of their texts */
	int64_t claimed; /* of stored files: what they are said to be long */
	/* What the server itself says is missing of it; "": nothing. */
	char incomplete[API_SHORTFALL_SIZE];
	struct buf first; /* the first one's id; empty: none */
};

/* List a table, or the stored files (NULL). 0, or the signal that came before
 * the answer. survey_listing_done is owed. */
int survey_list(struct survey *survey, const char *table,
    struct survey_listing *ret_listing);

/* The end of what survey_list gave. */
void survey_listing_done(struct survey_listing *listing);

/* A table's spec as JSON text. 0, or a signal, as above. */
int survey_spec(struct survey *survey, const char *table, struct buf *text,
    struct api_error *ret_error);

/* Who we are, as JSON text. 0, or a signal, as above. */
int survey_me(
    struct survey *survey, struct buf *text, struct api_error *ret_error);

/* Whether the file of that id may be downloaded. 0, or a signal, as above. */
int survey_download(
    struct survey *survey, const struct buf *id, struct api_error *ret_error);

#endif
