#include "lookup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "client.h"
#include "clock.h"
#include "mount.h"
#include "trace.h"
#include "world.h"

#define LOOKUPS 8

struct lookup {
	struct sync_op op;
	bool waits;
	char name[64];
	uint64_t from;
};

static struct lookup lookups[LOOKUPS];

void lookup_reset(void)
{
	memset(lookups, 0, sizeof(lookups));
}

size_t lookup_waiting(void)
{
	size_t count = 0;
	for (size_t i = 0; i < LOOKUPS; i++)
		count += lookups[i].waits;
	return count;
}

struct sync_op *lookup_that_waits(uint32_t which)
{
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		struct lookup *lookup = &lookups[(which + i) % LOOKUPS];
		if (lookup->waits)
			return &lookup->op;
	}
	return NULL;
}

/*
 * What is told will be believed for a while: it must be true from so late on
 * that it is no older than ttl when that is over.
 */
static void believe(struct lookup *lookup, int64_t since)
{
	int64_t valid_ms = sync_valid_ms(mount.sync, since);
	int64_t oldest_ms = clock_true_ms() + valid_ms - mount.ttl_ms - 1;
	if (valid_ms <= 0)
		return;
	uint64_t from = world_moment_at(oldest_ms);
	if (from > lookup->from)
		lookup->from = from;
}

static void conclude(
    struct lookup *lookup, int err, const struct node *node, int64_t since)
{
	struct told told = {.node = *node};
	if (err == 0 || err == -ENOENT)
		believe(lookup, since);
	snprintf(told.name, sizeof(told.name), "%s", lookup->name);
	trace("lookup of %s: %s", lookup->name,
	    err ? strerrorname_np(-err) : "is there");
	if (err == 0)
		check_lookup(lookup->from, &told);
	else if (err == -ENOENT)
		check_no_entry(lookup->from, lookup->name);
}

static void on_looked_up(struct sync_op *op, int err)
{
	struct lookup *lookup = (struct lookup *)op;
	lookup->waits = false;
	conclude(lookup, err, &op->node, op->since);
}

static struct lookup *new_lookup(uint32_t which)
{
	struct lookup *lookup = NULL;
	for (int i = 0; i < LOOKUPS && !lookup; i++) {
		if (!lookups[i].waits)
			lookup = &lookups[i];
	}
	if (!lookup)
		return NULL;
	*lookup = (struct lookup){.from = client_begins()};
	int count = world_record_count();
	if (count == 0 || which % 16 == 15)
		strcpy(lookup->name, "nobody.json");
	else
		/* Mostly one of the last. */
		snprintf(lookup->name, sizeof(lookup->name), "%s",
		    world_name(which % 3 ? (int)(which / 16) % count
					 : count - 1 -
					       (int)(which / 16) %
						   (count < 4 ? count : 4)));
	return lookup;
}

static void ask(struct lookup *lookup)
{
	trace("lookup of %s", lookup->name);
	lookup->waits = true;
	lookup->op = (struct sync_op){
	    .id = sync_op_id(mount.sync),
	    .done = on_looked_up,
	    .dir = mount.dir,
	    .name = lookup->name,
	};
	sync_lookup(mount.sync, &lookup->op);
	fake_run(transport);
}

void lookup_start(uint32_t which)
{
	struct lookup *lookup = new_lookup(which);
	if (lookup)
		ask(lookup);
}

void lookup_start_now(uint32_t which, void (*loop_runs)(void))
{
	struct node node = {0};
	struct lookup *lookup = new_lookup(which);
	if (!lookup)
		return;
	lookup->waits = true; /* its place is taken */
	trace("lookup of %s, by another thread", lookup->name);
	mount_as_other_thread(true, loop_runs);
	int64_t since = 0;
	int r =
	    sync_lookup_now(mount.sync, mount.dir, lookup->name, &node, &since);
	mount_as_other_thread(false, NULL);
	lookup->waits = false;
	if (r == -EAGAIN)
		ask(lookup);
	else
		conclude(lookup, r, &node, since);
}
