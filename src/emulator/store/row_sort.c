#include "emulator/store/row_sort.h"

#include <stdlib.h>
#include <string.h>

/* A row with its id's first bytes, as numbers that compare as they do. */
struct id_key {
	uint64_t head[2];
	row_t row;
};

/* A row with its updatedAt, and where it stood. */
struct updated_key {
	int64_t ms;
	size_t at;
};

static uint64_t big_endian(const char bytes[8])
{
	uint64_t number = 0;
	for (int i = 0; i < 8; i++)
		number = number << 8 | (unsigned char)bytes[i];
	return number;
}

/* A shorter id is filled up with NULs: one that goes on with NULs has the same
 * key then, and the rows tell. */
static void read_head(row_t row, uint64_t head[2])
{
	char bytes[16] = {0};
	struct row_id id;
	row_read_id(row, &id);
	memcpy(bytes, id.id, id.len < sizeof(bytes) ? id.len : sizeof(bytes));
	head[0] = big_endian(bytes);
	head[1] = big_endian(bytes + 8);
}

static int compare_rows(row_t a, row_t b)
{
	int order = row_compare_id(a, b);
	return order ? order : row_compare_updated(b, a);
}

static int compare_id_keys(const void *a, const void *b)
{
	const struct id_key *left = a, *right = b;
	for (int i = 0; i < 2; i++)
		if (left->head[i] != right->head[i])
			return left->head[i] < right->head[i] ? -1 : 1;
	return compare_rows(left->row, right->row);
}

static int compare_by_id(const void *a, const void *b)
{
	return compare_rows(*(const row_t *)a, *(const row_t *)b);
}

void row_sort_by_id(row_t *rows, size_t count)
{
	struct id_key *keys = reallocarray(NULL, count + 1, sizeof(*keys));
	if (!keys) {
		qsort(rows, count, sizeof(*rows), compare_by_id);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		keys[i].row = rows[i];
		read_head(rows[i], keys[i].head);
	}
	qsort(keys, count, sizeof(*keys), compare_id_keys);
	for (size_t i = 0; i < count; i++)
		rows[i] = keys[i].row;
	free(keys);
}

static int compare_updated_keys(const void *a, const void *b)
{
	const struct updated_key *left = a, *right = b;
	if (left->ms != right->ms)
		return left->ms < right->ms ? -1 : 1;
	return (left->at > right->at) - (left->at < right->at);
}

static int compare_by_updated(const void *a, const void *b)
{
	return row_compare_updated(*(const row_t *)a, *(const row_t *)b);
}

void row_sort_by_updated(row_t *rows, size_t count)
{
	struct updated_key *keys = reallocarray(NULL, count + 1, sizeof(*keys));
	row_t *sorted = reallocarray(NULL, count + 1, sizeof(*sorted));
	if (!keys || !sorted) {
		free(keys);
		free(sorted);
		qsort(rows, count, sizeof(*rows), compare_by_updated);
		return;
	}
	for (size_t i = 0; i < count; i++)
		keys[i] = (struct updated_key){row_updated_ms(rows[i]), i};
	qsort(keys, count, sizeof(*keys), compare_updated_keys);
	for (size_t i = 0; i < count; i++)
		sorted[i] = rows[keys[i].at];
	memcpy(rows, sorted, count * sizeof(*rows));
	free(keys);
	free(sorted);
}
