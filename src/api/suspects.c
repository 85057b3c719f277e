#include "api/suspects.h"

#include <string.h>

#include "base/hash.h"

static uint64_t hash_of(const char *method, const char *path)
{
	uint64_t hash = hash_fnv1a(HASH_FNV1A_INIT, method, strlen(method));
	hash = hash_fnv1a(hash, " ", 1);
	return hash_fnv1a(hash, path, strlen(path));
}

int64_t suspects_note(struct suspects *suspects, const char *method,
    const char *path, uint64_t generation, int64_t now_ms)
{
	uint64_t request = hash_of(method, path);
	for (unsigned i = 0; i < SUSPECTS_MAX; i++) {
		if (suspects->all[i].request == request &&
		    suspects->all[i].generation == generation &&
		    now_ms - suspects->all[i].since_ms < SUSPECTS_MS)
			return suspects->all[i].since_ms;
	}
	unsigned i = suspects->next++ % SUSPECTS_MAX;
	suspects->all[i].request = request;
	suspects->all[i].generation = generation;
	suspects->all[i].since_ms = now_ms;
	return now_ms;
}

void suspects_clear(
    struct suspects *suspects, const char *method, const char *path)
{
	if (!suspects->next)
		return;
	uint64_t request = hash_of(method, path);
	for (unsigned i = 0; i < SUSPECTS_MAX; i++) {
		if (suspects->all[i].request == request)
			suspects->all[i].generation = 0;
	}
}
