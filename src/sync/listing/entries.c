#include "sync/listing/entries.h"

#include "base/cleanup.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/write.h"

int entries_unlist(
    struct core *core, const struct folder *folder, int64_t first, int64_t last)
{
	const int64_t dirs[] = {folder->id, folder->twin};
	int r = write_begin(core->write);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		if (dirs[i])
			r = replica_unlist(core->replica, dirs[i], first, last);
	}
	return r;
}

/* Names that a sweep took away. */
struct swept {
	struct core *core;
	int64_t dir;
};

static int on_swept(void *ctx, const char *name)
{
	const struct swept *swept = ctx;
	write_changes_name(swept->core->write, swept->dir, name);
	return 0;
}

int entries_sweep(struct core *core, const struct folder *folder,
    const struct replica_listing *listing, int64_t since, int64_t oldest)
{
	const int64_t dirs[] = {folder->id, folder->twin};
	int r = write_begin(core->write);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		if (!dirs[i])
			continue;
		struct swept swept = {core, dirs[i]};
		r = replica_sweep(core->replica, dirs[i], listing->side,
		    listing->base, since, on_swept, &swept);
		if (r == 0)
			r = replica_trim(core->replica, dirs[i], oldest);
	}
	return r;
}

static int bury(struct core *core, const struct node *node, int side)
{
	int r = replica_bury(core->replica, node, side);
	return r < 0 ? r : write_changes_name_of(core->write, node);
}

/* A stored file is gone with its metadata. */
static int bury_twin(struct core *core, int64_t twin_dir, int side, int64_t pos)
{
	struct replica *replica = core->replica;
	struct node twin;
	int64_t id, found = 0;
	int r = replica_nth(replica, twin_dir, pos, 0, 1, &id, &found);
	if (r == 0 && found)
		r = replica_get(replica, id, &twin);
	if (r == 0 && found && twin.pos[side] == pos)
		r = bury(core, &twin, side);
	return r;
}

int entries_bury(struct core *core, const struct folder *folder, int side,
    const int64_t *nodes, int64_t count)
{
	int r = count ? write_begin(core->write) : 0;
	for (int64_t i = 0; r == 0 && i < count; i++) {
		struct node node;
		r = replica_get(core->replica, nodes[i], &node);
		if (r == 0 && folder->twin)
			r = bury_twin(core, folder->twin, side, node.pos[side]);
		if (r == 0)
			r = bury(core, &node, side);
	}
	return r;
}

int entries_set_listing(struct core *core, const struct folder *folder,
    const struct replica_listing *listing)
{
	int r = write_begin(core->write);
	return r < 0 ? r
		     : replica_set_listing(core->replica, folder->id, listing);
}

static int take_size(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	int64_t *left = ctx;
	(void)name;
	(void)pos;
	*left -= node->size;
	return *left < 0;
}

bool entries_are_small(struct core *core, const struct folder *folder,
    const struct replica_listing *listing, int64_t last, int64_t bytes_max)
{
	return replica_entries(core->replica, folder->id, listing->base, last,
		   take_size, &bytes_max) == 0;
}
