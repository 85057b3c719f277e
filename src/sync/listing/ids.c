#include "sync/listing/ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define ROOM_FIRST 128

void ids_done(struct ids *ids)
{
	free(ids->hashes);
	*ids = (struct ids){0};
}

void ids_clear(struct ids *ids)
{
	ids->count = 0;
}

uint64_t ids_hash(const struct buf *id)
{
	return hash_fnv1a(HASH_FNV1A_INIT, buf_str(id), id->len);
}

static int reserve(struct ids *ids, size_t count)
{
	size_t room = ids->room ? ids->room : ROOM_FIRST;
	if (count <= ids->room)
		return 0;
	while (room < count)
		room *= 2;
	uint64_t *more = reallocarray(ids->hashes, room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	ids->hashes = more;
	ids->room = room;
	return 0;
}

int ids_add(struct ids *ids, uint64_t hash)
{
	if (reserve(ids, ids->count + 1) < 0)
		return -ENOMEM;
	ids->hashes[ids->count++] = hash;
	return 0;
}

int ids_append(struct ids *ids, const struct ids *more)
{
	if (more->count == 0)
		return 0;
	if (reserve(ids, ids->count + more->count) < 0)
		return -ENOMEM;
	memcpy(ids->hashes + ids->count, more->hashes,
	    more->count * sizeof(*more->hashes));
	ids->count += more->count;
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

bool ids_are_twice(struct ids *ids)
{
	if (ids->count < 2)
		return false;
	qsort(ids->hashes, ids->count, sizeof(*ids->hashes), compare);
	for (size_t i = 1; i < ids->count; i++) {
		if (ids->hashes[i - 1] == ids->hashes[i])
			return true;
	}
	return false;
}
