/*
 * A row, which is eight bytes: a document's pointer, or the number of a
 * generated document with the lowest bit set. Whoever uses one outside the
 * store's lock holds a reference to it.
 */
#ifndef EMULATOR_ROW_H
#define EMULATOR_ROW_H

#include "emulator/store/document.h"

typedef uint64_t row_t;

/* A row's id, in place. Good while the row is. */
struct row_id {
	const char *id; /* into text, or the record's own */
	size_t len;
	char text[32];
};

/* Whether it is a number, and not a document. */
bool row_is_generated(row_t row);

/* The document that it is; borrowed. */
struct document *row_document(row_t row);

/* The number that it is. */
uint64_t row_number(row_t row);

/* Into *ret_id, which points into itself or into the row. */
void row_read_id(row_t row, struct row_id *ret_id);

/* Its createdAt; DOCUMENT_NO_TIME where the text has none. */
int64_t row_created_ms(row_t row);

/* Its updatedAt; DOCUMENT_NO_TIME where the text has none. */
int64_t row_updated_ms(row_t row);

/* --mutate is not to delete it. */
bool row_kept(row_t row);

/* A reference more, for the caller. */
row_t row_ref(row_t row);

/* A reference less. */
void row_unref(row_t row);

/* <0, 0, >0: bytewise by id. */
int row_compare_id(row_t a, row_t b);

/* <0, 0, >0: by updatedAt, then by id. */
int row_compare_updated(row_t a, row_t b);

#endif
