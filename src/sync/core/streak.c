#include "sync/core/streak.h"

struct streak *streaks_find(struct streaks *streaks,
    bool (*is_of)(const struct streak *streak, int64_t key), int64_t key)
{
	struct streak *found = NULL, *oldest = &streaks->all[0];
	for (size_t i = 0; i < streaks->count && !found; i++) {
		struct streak *streak = &streaks->all[i];
		if (streak->used && is_of(streak, key))
			found = streak;
		else if (streak->used < oldest->used)
			oldest = streak;
	}
	if (!found) {
		*oldest = (struct streak){0};
		found = oldest;
	}
	found->used = ++streaks->uses;
	return found;
}

void streak_grow(struct streak *streak, unsigned first, unsigned most)
{
	streak->window = streak->window ? streak->window * 2 : first;
	if (streak->window > most)
		streak->window = most;
}
