#include "fs/text_batch.h"

void text_batch_init(struct text_batch *batch)
{
	batch->count = 0;
	buf_init(&batch->bytes, TEXT_BATCH_BYTES);
}

void text_batch_done(struct text_batch *batch)
{
	buf_done(&batch->bytes);
}

static int keep(void *ctx, int64_t id, const char *text, size_t len)
{
	struct text_batch *batch = ctx;
	size_t at = batch->bytes.len;
	if (len > TEXT_BATCH_BYTES - at)
		return 1;
	int r = buf_add(&batch->bytes, text, len);
	if (r < 0)
		return r;
	batch->texts[batch->count].id = id;
	batch->texts[batch->count].at = at;
	batch->texts[batch->count++].len = len;
	return batch->count == TEXT_BATCH_MOST;
}

/* Ids further apart than this are not near: what lies between would be read in
 * vain. */
#define APART_MOST (2 * TEXT_BATCH_MOST)

int text_batch_load(struct text_batch *batch, struct replica *replica,
    const int64_t *ids, size_t count, size_t *ret_count)
{
	int64_t first = ids[0], last = ids[0];
	size_t n = 1;
	for (; n < count; n++) {
		int64_t low = ids[n] < first ? ids[n] : first;
		int64_t high = ids[n] > last ? ids[n] : last;
		if (high - low >= APART_MOST)
			break;
		first = low;
		last = high;
	}
	batch->count = 0;
	buf_clear(&batch->bytes);
	int r = replica_texts(replica, first, last, keep, batch);
	if (r < 0)
		return r;
	*ret_count = n;
	return 0;
}

const char *text_batch_find(
    const struct text_batch *batch, int64_t id, size_t *ret_len)
{
	size_t low = 0, high = batch->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (batch->texts[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == batch->count || batch->texts[low].id != id)
		return NULL;
	*ret_len = batch->texts[low].len;
	return buf_str(&batch->bytes) + batch->texts[low].at;
}
