#include "sync/object/size.h"

#include <errno.h>
#include <stdlib.h>

#include "api/record.h"
#include "sync/core/core.h"
#include "sync/core/write.h"

struct size {
	struct core *core;
	size_settled_fn settled;
	void *ctx;
	struct node node;
	int64_t total;	  /* true size; -1: not known yet */
	int64_t claimed;  /* of the node before the one that is corrected */
	bool changed;	  /* the object is another by now */
	bool wrong_claim; /* the size is another than was told ... */
	struct node corrected; /* ... and this node has the true one */
	struct commit_hook hook;
};

/* On a full disk the size cannot be noted. Where it is as the metadata claim,
 * nothing is wrong without that. */
static bool is_as_claimed(const struct size *size, int err)
{
	return err == -ENOSPC && !size->changed &&
	       size->total == size->node.size;
}

/* What was written is in the replica, or is not. */
static void on_committed(void *ctx, int err)
{
	struct size *size = ctx;
	enum size_end how = SIZE_AS_CLAIMED;
	if (err < 0 && !is_as_claimed(size, err)) {
		how = SIZE_FAILED;
	} else if (size->changed) {
		how = SIZE_CHANGED;
	} else if (size->wrong_claim) {
		how = SIZE_CORRECTED;
		size->wrong_claim = false;
		size->claimed = size->node.size;
		size->node = size->corrected;
	} else {
		size->node.size = size->total;
		size->node.proven = err == 0;
	}
	size->settled(size->ctx, how, err);
}

int size_new(struct core *core, int64_t node_id, size_settled_fn settled,
    void *ctx, struct size **ret_size)
{
	struct size *size = calloc(1, sizeof(*size));
	if (!size)
		return -ENOMEM;
	size->core = core;
	size->settled = settled;
	size->ctx = ctx;
	size->total = -1;
	size->hook = (struct commit_hook){.fn = on_committed, .ctx = size};
	int r = replica_get(core->replica, node_id, &size->node);
	if (r < 0) {
		free(size);
		return r;
	}
	*ret_size = size;
	return 0;
}

void size_free(struct size *size)
{
	if (!size)
		return;
	write_unhook(&size->hook);
	free(size);
}

const struct node *size_node(const struct size *size)
{
	return &size->node;
}

int64_t size_true(const struct size *size)
{
	return size->total;
}

int64_t size_proven(const struct size *size)
{
	return size->total >= 0	   ? size->total
	       : size->node.proven ? size->node.size
				   : -1;
}

int64_t size_claimed(const struct size *size)
{
	return size->claimed;
}

bool size_is_being_written(const struct size *size)
{
	return size->hook.queue != NULL;
}

/* A size that nobody was told of is put right in its place; where somebody was
 * told another one, by a new node. */
static int write_size(struct size *size, const char *version)
{
	struct core *core = size->core;
	struct node *node = &size->node;
	if (node->size == size->total || !core_size_is_known(core, node))
		return replica_set_object(
		    core->replica, node->id, size->total, version, &node->salt);
	int r = write_changes_name_of(core->write, node);
	if (r == 0)
		r = replica_renew_object(core->replica, node, size->total,
		    version, &size->corrected);
	if (r == 0 && !size->corrected.id)
		r = -EIO; /* it is a file's old version: nobody can go on */
	size->wrong_claim = r == 0;
	return r;
}

int size_learn(struct size *size, int64_t total, const char *version)
{
	int64_t proven = size_proven(size);
	if (proven >= 0 && proven != total)
		return -ESTALE;
	if (size->total >= 0)
		return 0;
	if (total > RECORD_SIZE_MAX)
		return -EFBIG;
	size->total = total;
	if (size->node.proven)
		return 0;
	int r = write_begin(size->core->write);
	if (r == 0)
		r = write_size(size, version);
	if (r == 0)
		write_hook(size->core->write, &size->hook);
	return r < 0 && is_as_claimed(size, r) ? 0 : r;
}

int size_change(struct size *size)
{
	struct core *core = size->core;
	struct node fresh;
	if (size->changed)
		return 0;
	size->changed = true;
	int r = write_begin(core->write);
	if (r == 0)
		r = write_changes_name_of(core->write, &size->node);
	if (r == 0)
		r = replica_renew_object(
		    core->replica, &size->node, -1, "", &fresh);
	if (r == 0)
		write_hook(core->write, &size->hook);
	size->node.spoiled = true;
	return r;
}
