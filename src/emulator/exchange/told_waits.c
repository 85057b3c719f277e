#include "emulator/exchange/told_waits.h"

void told_waits_add(struct told_waits *waits, uint64_t key, int64_t until_ms)
{
	waits->items[waits->next] =
	    (struct told_wait){.key = key, .until_ms = until_ms};
	waits->next = (waits->next + 1) % TOLD_WAITS_MAX;
}

bool told_waits_is_early(
    const struct told_waits *waits, uint64_t key, int64_t now_ms)
{
	for (size_t i = 0; i < TOLD_WAITS_MAX; i++) {
		const struct told_wait *item = &waits->items[i];
		if (item->key == key && now_ms < item->until_ms)
			return true;
	}
	return false;
}
