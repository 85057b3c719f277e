#include "base/blob.h"

#include <stdlib.h>

#include "base/slab.h"

struct blob *blob_new(size_t len, struct slab *slab)
{
	struct blob *blob = malloc(sizeof(*blob) + (slab ? 0 : len));
	if (!blob)
		return NULL;
	atomic_init(&blob->refs, 1);
	blob->slab = slab;
	blob->len = len;
	blob->data = slab ? slab_take(slab, len) : (char *)(blob + 1);
	if (blob->data)
		return blob;
	free(blob);
	return NULL;
}

struct blob *blob_ref(struct blob *blob)
{
	blob->refs++;
	return blob;
}

void blob_unref(struct blob *blob)
{
	if (!blob || --blob->refs > 0)
		return;
	if (blob->slab)
		slab_give(blob->slab, blob->data, blob->len);
	free(blob);
}
