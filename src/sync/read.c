/* Reading an object: from a stream, on the loop; or, when the bytes are here
 * already, at once on any thread. */
#include <errno.h>

#include "base/blob.h"
#include "sync/core/core.h"
#include "sync/object/streams.h"
#include "sync/parts.h"
#include "sync/sync.h"

void sync_measure(struct sync *sync, struct sync_op *op)
{
	op_start(sync_core(sync), op, streams_measure, sync_streams(sync));
}

void sync_read(struct sync *sync, struct sync_op *op)
{
	op_start(sync_core(sync), op, streams_read, sync_streams(sync));
}

/* ---- at once ---- */

/* From the content cache, into memory of the caller's. */
static int read_kept(const struct core *core, const struct node *node,
    int64_t offset, size_t len, struct sync_bytes *ret_bytes)
{
	struct blob *blob = blob_new(len, NULL);
	if (!blob)
		return -ENOMEM;
	int r =
	    content_read(core->config.content, node, offset, blob->data, len);
	if (r < 0)
		blob_unref(blob);
	else
		*ret_bytes = (struct sync_bytes){blob->data, len, blob};
	return r;
}

static int read_now(struct sync *sync, const struct node *node, int64_t pos,
    size_t len, bool asked, struct sync_bytes *ret_bytes)
{
	struct core *core = sync_core(sync);
	const char *data = NULL;
	if (!node->proven || node->spoiled)
		return -EAGAIN;
	if (pos >= node->size) {
		*ret_bytes = (struct sync_bytes){"", 0, NULL};
		return 0;
	}
	if (len > (size_t)(node->size - pos))
		len = (size_t)(node->size - pos);
	struct blob *blob = streams_take(sync_streams(sync), node->id, pos,
	    pos + (int64_t)len, asked, &data);
	if (blob)
		*ret_bytes = (struct sync_bytes){data, len, blob};
	else if (read_kept(core, node, pos, len, ret_bytes) < 0)
		return -EAGAIN;
	return 0;
}

int sync_read_now(struct sync *sync, const struct node *node, uint64_t offset,
    size_t len, struct sync_bytes *ret_bytes)
{
	return read_now(sync, node, (int64_t)offset, len, true, ret_bytes);
}

int sync_read_ahead(struct sync *sync, const struct node *node, size_t len,
    struct sync_bytes *ret_bytes)
{
	return read_now(sync, node, 0, len, false, ret_bytes);
}

void sync_bytes_done(struct sync_bytes *bytes)
{
	blob_unref(bytes->blob);
}
