/* A record in two lines: what it is about, and a little of the rest. For the
 * pages of a table; not thread-safe. */
#ifndef EMULATOR_SUMMARY_H
#define EMULATOR_SUMMARY_H

#include "emulator/page/html.h"

/* Larger texts are not read for a list. */
#define SUMMARY_TEXT_MAX ((size_t)256 << 10)

/* What of a record's text is shown. */
struct summary {
	struct json_span headline; /* {NULL, 0}: there is none */
	struct json_span keys[4];
	struct json_span values[4];
	size_t count;
};

/* Into *ret_summary, which borrows from the record, an object's text. 0 or
 * -EPROTO. */
int summary_read(struct json_span record, struct summary *ret_summary);

/* The two lines; id stands for the headline that is missing. */
void summary_write(struct html *html, const struct summary *summary,
    const char *id, size_t id_len);

#endif
