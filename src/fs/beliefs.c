#include "fs/beliefs.h"

#include <stdlib.h>

#include "base/lock.h"

/* Directories are spread over so many; those that share one share its fate. */
#define SLOTS 256

struct slot {
	uint64_t changes;
	int64_t until_ms; /* something is believed until then */
};

struct beliefs {
	int64_t longest_ms; /* immutable after new */
	struct lock lock;
	/* Under lock. */
	struct slot slots[SLOTS];
	LIST_HEAD(, told) under_way;
};

struct beliefs *beliefs_new(int64_t longest_ms)
{
	struct beliefs *beliefs = calloc(1, sizeof(*beliefs));
	if (!beliefs)
		return NULL;
	beliefs->longest_ms = longest_ms;
	lock_init(&beliefs->lock);
	LIST_INIT(&beliefs->under_way);
	return beliefs;
}

void beliefs_free(struct beliefs *beliefs)
{
	if (!beliefs)
		return;
	lock_done(&beliefs->lock);
	free(beliefs);
}

static struct slot *slot_of(struct beliefs *beliefs, int64_t dir)
{
	return &beliefs->slots[(uint64_t)dir % SLOTS];
}

uint64_t beliefs_ticket(struct beliefs *beliefs, int64_t dir)
{
	lock_acquire(&beliefs->lock);
	uint64_t ticket = slot_of(beliefs, dir)->changes;
	lock_release(&beliefs->lock);
	return ticket;
}

static int64_t judge_locked(struct beliefs *beliefs, int64_t dir,
    uint64_t ticket, int64_t valid_ms) REQUIRES(beliefs->lock)
{
	if (slot_of(beliefs, dir)->changes != ticket || valid_ms < 0)
		return 0;
	return valid_ms < beliefs->longest_ms ? valid_ms : beliefs->longest_ms;
}

static void believe_locked(struct beliefs *beliefs, int64_t dir,
    int64_t until_ms) REQUIRES(beliefs->lock)
{
	struct slot *slot = slot_of(beliefs, dir);
	if (slot->until_ms < until_ms)
		slot->until_ms = until_ms;
}

int64_t beliefs_tell(struct beliefs *beliefs, int64_t dir, uint64_t ticket,
    int64_t valid_ms, int64_t now_ms)
{
	lock_acquire(&beliefs->lock);
	valid_ms = judge_locked(beliefs, dir, ticket, valid_ms);
	if (valid_ms)
		believe_locked(beliefs, dir, now_ms + valid_ms);
	lock_release(&beliefs->lock);
	return valid_ms;
}

static bool end_locked(struct beliefs *beliefs, struct told *told)
    REQUIRES(beliefs->lock)
{
	(void)beliefs;
	if (!told->under_way)
		return false;
	told->under_way = false;
	LIST_REMOVE(told, link);
	return true;
}

void beliefs_untell(struct beliefs *beliefs, struct told *told)
{
	lock_acquire(&beliefs->lock);
	end_locked(beliefs, told);
	lock_release(&beliefs->lock);
}

int64_t beliefs_tell_many(struct beliefs *beliefs, struct told *told,
    int64_t dir, uint64_t ticket, int64_t valid_ms, int64_t now_ms)
{
	lock_acquire(&beliefs->lock);
	valid_ms = judge_locked(beliefs, dir, ticket, valid_ms);
	if (valid_ms) {
		*told = (struct told){
		    .under_way = true,
		    .dir = dir,
		    .until_ms = now_ms + valid_ms,
		};
		LIST_INSERT_HEAD(&beliefs->under_way, told, link);
	}
	lock_release(&beliefs->lock);
	return valid_ms;
}

bool beliefs_taken_in(struct beliefs *beliefs, struct told *told)
{
	bool changed = false;
	lock_acquire(&beliefs->lock);
	if (end_locked(beliefs, told)) {
		changed = told->changed;
		believe_locked(beliefs, told->dir, told->until_ms);
	}
	lock_release(&beliefs->lock);
	return changed;
}

/* All that is believed is going to be taken back. */
static void forget_locked(struct beliefs *beliefs) REQUIRES(beliefs->lock)
{
	for (size_t i = 0; i < SLOTS; i++)
		beliefs->slots[i].until_ms = 0;
}

bool beliefs_change(struct beliefs *beliefs, int64_t dir, int64_t now_ms)
{
	struct told *told;
	lock_acquire(&beliefs->lock);
	struct slot *slot = slot_of(beliefs, dir);
	bool believed = slot->until_ms > now_ms;
	slot->changes++;
	LIST_FOREACH (told, &beliefs->under_way, link) {
		if (slot_of(beliefs, told->dir) == slot)
			believed = told->changed = true;
	}
	if (believed)
		forget_locked(beliefs);
	lock_release(&beliefs->lock);
	return believed;
}

bool beliefs_change_all(struct beliefs *beliefs, int64_t now_ms)
{
	struct told *told;
	bool believed = false;
	lock_acquire(&beliefs->lock);
	for (size_t i = 0; i < SLOTS; i++) {
		believed = believed || beliefs->slots[i].until_ms > now_ms;
		beliefs->slots[i].changes++;
	}
	LIST_FOREACH (told, &beliefs->under_way, link)
		believed = told->changed = true;
	if (believed)
		forget_locked(beliefs);
	lock_release(&beliefs->lock);
	return believed;
}
