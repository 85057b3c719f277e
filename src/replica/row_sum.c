#include "replica/row_sum.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

/* That of a row without a sum is another's. */
static int64_t number_of(uint64_t hash)
{
	return hash == ROW_SUM_NONE ? 1 : (int64_t)hash;
}

/* As many as any row has. */
#define NUMBERS_MOST 8

/* Of numbers, whatever order a machine has their bytes in. */
static uint64_t hash_of(const int64_t *numbers, size_t count)
{
	uint64_t little[NUMBERS_MOST];
	for (size_t i = 0; i < count; i++)
		little[i] = htole64((uint64_t)numbers[i]);
	return XXH3_64bits(little, count * sizeof(*little));
}

int64_t row_sum(const struct replica_row *row, int64_t id)
{
	/* An object's sizes are found out later. */
	bool is_object = row->kind == NODE_KIND_OBJECT;
	const int64_t numbers[] = {id, row->dir, row->kind, row->mtime_ms,
	    is_object ? 0 : row->size, is_object ? 0 : row->other_size,
	    (int64_t)row->key_len};
	size_t name_len = row->name_len ? row->name_len : strlen(row->name);
	uint64_t hash = hash_of(numbers, ARRAY_SIZE(numbers));
	hash = XXH3_64bits_withSeed(row->key, row->key_len, hash);
	return number_of(XXH3_64bits_withSeed(row->name, name_len, hash));
}

int64_t row_sum_of_text(int64_t id, const void *text, size_t len)
{
	return number_of(XXH3_64bits_withSeed(text, len, (uint64_t)id));
}

int64_t row_sum_of_entry(int64_t dir, int64_t pos, int64_t node)
{
	const int64_t numbers[] = {dir, pos, node};
	return number_of(hash_of(numbers, ARRAY_SIZE(numbers)));
}

int row_sum_begin(struct row_sum_state *state, int64_t id)
{
	state->hash = XXH3_createState();
	if (!state->hash)
		return -ENOMEM;
	XXH3_64bits_reset_withSeed(state->hash, (uint64_t)id);
	return 0;
}

void row_sum_add(struct row_sum_state *state, const void *data, size_t len)
{
	XXH3_64bits_update(state->hash, data, len);
}

int64_t row_sum_end(struct row_sum_state *state)
{
	uint64_t hash = XXH3_64bits_digest(state->hash);
	XXH3_freeState(state->hash);
	return number_of(hash);
}
