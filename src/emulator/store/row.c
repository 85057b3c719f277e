#include "emulator/store/row.h"

#include <string.h>

#include "emulator/store/generate.h"

bool row_is_generated(row_t row)
{
	return row & 1;
}

struct document *row_document(row_t row)
{
	return (struct document *)(uintptr_t)row;
}

uint64_t row_number(row_t row)
{
	return row >> 1;
}

void row_read_id(row_t row, struct row_id *ret_id)
{
	if (row_is_generated(row)) {
		ret_id->id = generate_id(row_number(row), ret_id->text);
		ret_id->len = GENERATE_ID_LEN;
	} else {
		const struct document_key *key =
		    document_key(row_document(row));
		ret_id->id = key->id;
		ret_id->len = key->id_len;
	}
}

int64_t row_created_ms(row_t row)
{
	return row_is_generated(row)
		   ? generate_created_ms(row_number(row))
		   : document_key(row_document(row))->created_ms;
}

int64_t row_updated_ms(row_t row)
{
	return row_is_generated(row)
		   ? generate_updated_ms(row_number(row))
		   : document_key(row_document(row))->updated_ms;
}

bool row_kept(row_t row)
{
	if (row_is_generated(row))
		return row_number(row) % 2 == 0;
	const struct document *document = row_document(row);
	return document_is_kept(document) ||
	       strncmp(document_key(document)->id, "keep", 4) == 0;
}

row_t row_ref(row_t row)
{
	if (!row_is_generated(row))
		document_ref(row_document(row));
	return row;
}

void row_unref(row_t row)
{
	if (!row_is_generated(row))
		document_unref(row_document(row));
}

int row_compare_id(row_t a, row_t b)
{
	if (row_is_generated(a) && row_is_generated(b))
		return (a > b) - (a < b);
	struct row_id left, right;
	row_read_id(a, &left);
	row_read_id(b, &right);
	size_t least = left.len < right.len ? left.len : right.len;
	int order = memcmp(left.id, right.id, least);
	return order ? order : (left.len > right.len) - (left.len < right.len);
}

int row_compare_updated(row_t a, row_t b)
{
	int64_t left = row_updated_ms(a), right = row_updated_ms(b);
	if (left != right)
		return left < right ? -1 : 1;
	return row_compare_id(a, b);
}
