#include "base/blob.h"

#include <stdlib.h>

struct blob *blob_new(size_t len, _Atomic int64_t *account)
{
	struct blob *blob = malloc(sizeof(*blob) + len);
	if (!blob)
		return NULL;
	atomic_init(&blob->refs, 1);
	blob->account = account;
	blob->len = len;
	if (account)
		*account += (int64_t)len;
	return blob;
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
	if (blob->account)
		*blob->account -= (int64_t)blob->len;
	free(blob);
}
