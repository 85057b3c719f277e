#include "fs/pending.h"

#include <errno.h>
#include <stdlib.h>

static void on_interrupt(fuse_req_t req, void *data)
{
	sync_interrupt(context_of(req)->sync, (uint64_t)(uintptr_t)data);
}

void *pending_new(
    size_t size, fuse_req_t req, void (*done)(struct sync_op *op, int err))
{
	struct pending *pending = calloc(1, size);
	if (!pending) {
		fuse_reply_err(req, ENOMEM);
		return NULL;
	}
	pending->context = context_of(req);
	pending->req = req;
	pending->op.done = done;
	pending->op.id = sync_op_id(pending->context->sync);
	fuse_req_interrupt_func(
	    req, on_interrupt, (void *)(uintptr_t)pending->op.id);
	return pending;
}

void pending_free(void *pending)
{
	free(pending);
}

void reply_error(fuse_req_t req, int err)
{
	fuse_reply_err(req, -err);
}

void reply_not_gone(fuse_req_t req, int err)
{
	reply_error(req, err == -ENOENT ? -EIO : err);
}

void reply_stale(fuse_req_t req, int err)
{
	reply_error(req, err == -ENOENT ? -ESTALE : err);
}
