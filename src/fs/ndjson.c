#include "fs/ndjson.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A place is noted at least after each so many bytes: so much has to be passed
 * over, at most, to get to where a read begins. */
#define RUN_BYTES ((int64_t)64 << 10)

/* Records whose nodes have consecutive numbers. */
struct run {
	int64_t first;
	int64_t count;
	int64_t offset; /* in the stream */
};

struct ndjson {
	struct run *runs;
	size_t count;
	size_t room;
	int64_t size;
};

/* ---- making ---- */

struct making {
	struct ndjson *ndjson;
	const _Atomic bool *cancelled;
};

static int add_run(struct ndjson *ndjson, int64_t id)
{
	if (!ndjson->runs || ndjson->count == ndjson->room) {
		size_t room = ndjson->room ? ndjson->room * 2 : 64;
		struct run *runs =
		    reallocarray(ndjson->runs, room, sizeof(*runs));
		if (!runs)
			return -ENOMEM;
		ndjson->runs = runs;
		ndjson->room = room;
	}
	ndjson->runs[ndjson->count++] = (struct run){id, 0, ndjson->size};
	return 0;
}

static int add_record(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct making *making = ctx;
	struct ndjson *ndjson = making->ndjson;
	(void)name;
	(void)pos;
	if (*making->cancelled)
		return -ECANCELED;
	if (node->kind != NODE_KIND_RECORD)
		return 0;
	struct run *run =
	    ndjson->count ? &ndjson->runs[ndjson->count - 1] : NULL;
	if (!run || run->first + run->count != node->id ||
	    ndjson->size - run->offset >= RUN_BYTES) {
		int r = add_run(ndjson, node->id);
		if (r < 0)
			return r;
		run = &ndjson->runs[ndjson->count - 1];
	}
	run->count++;
	ndjson->size += node->size + 1;
	return 0;
}

int ndjson_make(struct replica *replica, int64_t dir, int64_t base, int64_t end,
    const _Atomic bool *cancelled, struct ndjson **ret_ndjson)
{
	struct ndjson *ndjson = calloc(1, sizeof(*ndjson));
	struct making making = {ndjson, cancelled};
	if (!ndjson)
		return -ENOMEM;
	int r = replica_entries(replica, dir, base, end, add_record, &making);
	if (r < 0)
		ndjson_free(ndjson);
	else
		*ret_ndjson = ndjson;
	return r;
}

void ndjson_free(struct ndjson *ndjson)
{
	if (!ndjson)
		return;
	free(ndjson->runs);
	free(ndjson);
}

int64_t ndjson_size(const struct ndjson *ndjson)
{
	return ndjson->size;
}

/* ---- reading ---- */

struct reading {
	struct buf *out;
	size_t left;
	int64_t skip; /* bytes before what is wanted */
	int64_t next; /* the node whose text is to come */
};

/* Append a part of a line. */
static int add_part(
    struct reading *reading, const char *text, size_t len, bool ends)
{
	size_t from = (size_t)reading->skip;
	size_t part = len + ends - from;
	if (part > reading->left)
		part = reading->left;
	size_t at = reading->out->len, bytes = part;
	if (ends && from + part == len + 1)
		bytes--;
	int r = buf_add(reading->out, text + from, bytes);
	for (char *c = reading->out->data + at; r == 0 && bytes > 0; c++) {
		size_t rest =
		    reading->out->len - (size_t)(c - reading->out->data);
		c = memchr(c, '\n', rest);
		if (!c)
			break;
		*c = ' ';
	}
	if (r == 0 && bytes < part)
		r = buf_add(reading->out, "\n", 1);
	reading->left -= part;
	reading->skip = 0;
	return r;
}

static int add_text(void *ctx, int64_t id, const char *text, size_t len)
{
	struct reading *reading = ctx;
	if (id != reading->next++)
		return -EIO;
	if (reading->skip > (int64_t)len) {
		reading->skip -= (int64_t)len + 1;
		return 0;
	}
	int r = add_part(reading, text, len, true);
	return r < 0 ? r : reading->left == 0;
}

static size_t find_run(const struct ndjson *ndjson, int64_t offset)
{
	size_t low = 0, high = ndjson->count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (ndjson->runs[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

int ndjson_read(const struct ndjson *ndjson, struct replica *replica,
    int64_t offset, size_t len, struct buf *out)
{
	if (offset >= ndjson->size)
		return 0;
	if (len > (size_t)(ndjson->size - offset))
		len = (size_t)(ndjson->size - offset);
	size_t i = find_run(ndjson, offset);
	struct reading reading = {
	    .out = out, .left = len, .skip = offset - ndjson->runs[i].offset};
	int r = buf_reserve(out, len);
	for (; r == 0 && reading.left && i < ndjson->count; i++) {
		const struct run *run = &ndjson->runs[i];
		reading.next = run->first;
		r = replica_texts(replica, run->first,
		    run->first + run->count - 1, add_text, &reading);
		/* What is missing at a run's end shows here. */
		if (r == 0 && reading.next != run->first + run->count)
			r = -EIO;
	}
	return r < 0 ? r : reading.left ? -EIO : 0;
}
