/* What a string in a record leads to: many are the id of another record, or of
 * a stored file. For the pages; not thread-safe. */
#ifndef EMULATOR_REFERENCE_H
#define EMULATOR_REFERENCE_H

#include "emulator/page/html.h"
#include "emulator/store/store.h"

struct reference {
	const char *table; /* borrowed; NULL: the stored files */
	bool picture;	   /* a file that can be shown as one */
};

/* Whether something has this id. Only the first tables are asked, and only for
 * what may be an id by its length. */
bool reference_find(
    struct store *store, const struct buf *id, struct reference *ret_reference);

/* Begin a link to it. */
void reference_open(
    struct html *html, const struct reference *reference, const struct buf *id);

/* End the link, with the picture that it may be. */
void reference_close(
    struct html *html, const struct reference *reference, const struct buf *id);

#endif
