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

int64_t row_sum(const struct row_facts *facts)
{
	bool is_object = facts->kind == NODE_KIND_OBJECT;
	const int64_t numbers[] = {facts->id, facts->dir, facts->kind,
	    facts->mtime_ms, is_object ? 0 : facts->size,
	    is_object ? 0 : facts->other_size, (int64_t)facts->key_len};
	uint64_t hash = hash_of(numbers, ARRAY_SIZE(numbers));
	hash = XXH3_64bits_withSeed(facts->key, facts->key_len, hash);
	return number_of(
	    XXH3_64bits_withSeed(facts->name, facts->name_len, hash));
}

int64_t row_sum_of(const struct replica_row *row, int64_t id)
{
	const struct row_facts facts = {
	    .id = id,
	    .dir = row->dir,
	    .kind = row->kind,
	    .key = row->key,
	    .key_len = row->key_len,
	    .name = row->name,
	    .name_len = row->name_len ? row->name_len : strlen(row->name),
	    .mtime_ms = row->mtime_ms,
	    .size = row->size,
	    .other_size = row->other_size,
	};
	return row_sum(&facts);
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
