#include "fs/ndjson.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A place is noted at least after each so many bytes: so much has to be passed
 * over, at most, to get to where a read begins. */
#define RUN_BYTES ((int64_t)64 << 10)

/* Records whose nodes have consecutive numbers; a larger one is alone, and read
 * in pieces. */
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
	    node->size >= RUN_BYTES ||
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

/* Of a line, len bytes of text and its end, how many are wanted: from skip on.
 */
static size_t wanted_of(const struct reading *reading, size_t len)
{
	size_t rest = len + 1 - (size_t)reading->skip;
	return rest < reading->left ? rest : reading->left;
}

/* A line's end within what was added since can only be white space. */
static void join_lines(struct buf *out, size_t since)
{
	char *end = out->data + out->len;
	for (char *c = out->data + since;
	     (c = memchr(c, '\n', (size_t)(end - c))); c++)
		*c = ' ';
}

/* The text's part of what is wanted of a line was added: its end may be, too.
 */
static int end_part(struct reading *reading, size_t since, size_t wanted)
{
	size_t bytes = reading->out->len - since;
	int r = 0;
	if (bytes > 0)
		join_lines(reading->out, since);
	if (bytes < wanted)
		r = buf_add(reading->out, "\n", 1);
	reading->left -= wanted;
	reading->skip = 0;
	return r;
}

static int add_text(void *ctx, int64_t id, const char *text, size_t len)
{
	struct reading *reading = ctx;
	size_t from = (size_t)reading->skip, since = reading->out->len;
	if (id != reading->next++)
		return -EIO;
	if (from > len) {
		reading->skip -= (int64_t)len + 1;
		return 0;
	}
	size_t wanted = wanted_of(reading, len);
	size_t bytes = from + wanted > len ? len - from : wanted;
	int r = buf_add(reading->out, text + from, bytes);
	if (r == 0)
		r = end_part(reading, since, wanted);
	return r < 0 ? r : reading->left == 0;
}

/* The same of a large one, of which no more than that is read. */
static int add_large(
    struct reading *reading, struct texts *texts, int64_t id, size_t len)
{
	size_t from = (size_t)reading->skip, since = reading->out->len;
	size_t wanted = wanted_of(reading, len);
	size_t bytes = from + wanted > len ? len - from : wanted;
	int r = text_read_sent(texts, id, from, bytes, reading->out);
	return r < 0 ? r : end_part(reading, since, wanted);
}

static int add_run_of(
    struct reading *reading, struct replica *replica, const struct run *run)
{
	reading->next = run->first;
	int r = replica_texts(replica, run->first, run->first + run->count - 1,
	    add_text, reading);
	/* What is missing at a run's end shows here. */
	if (r == 0 && reading->next != run->first + run->count)
		r = -EIO;
	return r < 0 ? r : 0;
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

static int64_t end_of(const struct ndjson *ndjson, size_t i)
{
	return i + 1 < ndjson->count ? ndjson->runs[i + 1].offset
				     : ndjson->size;
}

int ndjson_read(const struct ndjson *ndjson, struct replica *replica,
    struct texts *texts, int64_t offset, size_t len, struct buf *out)
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
		int64_t bytes = end_of(ndjson, i) - run->offset;
		if (run->count == 1 && bytes > RUN_BYTES)
			r = add_large(
			    &reading, texts, run->first, (size_t)bytes - 1);
		else
			r = add_run_of(&reading, replica, run);
	}
	return r == -ESTALE || (r == 0 && reading.left) ? -EIO : r;
}
