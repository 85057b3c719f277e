#include "content/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "content/backlog.h"
#include "content/keeper.h"
#include "content/segment.h"
#include "content/segments.h"

struct content {
	/* Immutable after open. */
	struct replica *replica;
	int64_t limit;
	/* NULL, both: an archive, of which nothing is written. */
	struct backlog *backlog;
	struct keeper *keeper;
	int dir; /* the keeper's, if there is one */
	_Atomic uint64_t hits;
	_Atomic uint64_t damaged;
};

static struct segment_key key_of(
    const struct content *content, int64_t node, int64_t segment, uint64_t salt)
{
	return (struct segment_key){
	    (uint64_t)replica_made_ms(content->replica), node, segment, salt};
}

/* ---- reading ---- */

struct slice {
	int64_t offset; /* in the object */
	int64_t end;
	char *out;
};

/* The part of a block that a slice wants: whole blocks go straight there. */
static int read_block(struct content *content, int fd,
    const struct segment_key *key, int64_t size, int64_t block, uint64_t sum,
    struct slice *slice)
{
	int64_t begin = block * CONTENT_BLOCK;
	int64_t len = block_size(size, block);
	int64_t end = begin + len < slice->end ? begin + len : slice->end;
	unsigned index = (unsigned)(block % CONTENT_SEGMENT);
	bool whole = slice->offset == begin && end == begin + len;
	CLEANUP_FREE char *copy = whole ? NULL : malloc((size_t)len);
	if (!whole && !copy)
		return -ENOMEM;
	int r = segment_read(content->dir, fd, key, index, sum,
	    whole ? slice->out : copy, (size_t)len);
	if (r == -EBADMSG && content->damaged++ == 0)
		log_warn("kept file contents were damaged on the disk;"
			 " they are fetched again");
	if (r < 0)
		return r;
	if (!whole)
		memcpy(slice->out, copy + (slice->offset - begin),
		    (size_t)(end - slice->offset));
	slice->out += end - slice->offset;
	slice->offset = end;
	return 0;
}

/* As much of a slice as lies in one segment. */
static void read_segment(
    struct content *content, const struct node *object, struct slice *slice)
{
	int64_t segment = slice->offset / SEGMENT_BYTES;
	int64_t end = (segment + 1) * SEGMENT_BYTES;
	struct segment_key key =
	    key_of(content, object->id, segment, object->salt);
	uint64_t sums[CONTENT_SEGMENT];
	CLEANUP_CLOSE int fd = segment_open(content->dir, &key, false);
	int r = fd < 0 ? fd : segment_load(fd, sums);
	while (r == 0 && slice->offset < slice->end && slice->offset < end) {
		int64_t block = slice->offset / CONTENT_BLOCK;
		uint64_t sum = sums[block % CONTENT_SEGMENT];
		r = sum ? read_block(content, fd, &key, object->size, block,
			      sum, slice)
			: -ENODATA;
	}
	if (r == 0)
		segment_touch(fd);
}

/* As much of a slice as one job has that waits to be written. */
static void read_waiting(
    struct content *content, int64_t node, struct slice *slice)
{
	int64_t got = 0;
	if (content->backlog)
		got = backlog_read(content->backlog, node, slice->offset,
		    slice->end, slice->out);
	slice->offset += got;
	slice->out += got;
}

/* Some of a slice: whether any of it is here. */
static bool read_some(
    struct content *content, const struct node *object, struct slice *slice)
{
	int64_t from = slice->offset;
	read_waiting(content, object->id, slice);
	if (slice->offset == from)
		read_segment(content, object, slice);
	return slice->offset > from;
}

int content_read(struct content *content, const struct node *object,
    int64_t offset, void *out, size_t len)
{
	struct slice slice = {offset, offset + (int64_t)len, out};
	if (!content || !object->proven || object->spoiled)
		return -ENODATA;
	/* A second look: what has left the queue is on the disk, if only since
	 * it was looked for there. */
	while (slice.offset < slice.end) {
		if (!read_some(content, object, &slice) &&
		    !read_some(content, object, &slice))
			return -ENODATA;
	}
	content->hits++;
	return 0;
}

uint64_t content_segment(struct content *content, int64_t node, int64_t segment)
{
	uint64_t sums[CONTENT_SEGMENT], mask = 0;
	if (!content)
		return 0;
	struct segment_key key = key_of(content, node, segment, 0);
	CLEANUP_CLOSE int fd = segment_open(content->dir, &key, false);
	if (fd < 0 || segment_load(fd, sums) < 0)
		return 0;
	for (unsigned i = 0; i < CONTENT_SEGMENT; i++)
		mask |= (uint64_t)(sums[i] != 0) << i;
	return mask;
}

bool content_has(struct content *content, int64_t node, int64_t size)
{
	int64_t blocks = (size + CONTENT_BLOCK - 1) / CONTENT_BLOCK;
	for (int64_t block = 0; block < blocks; block += CONTENT_SEGMENT) {
		uint64_t want = ~UINT64_C(0);
		if (blocks - block < CONTENT_SEGMENT)
			want = (UINT64_C(1) << (blocks - block)) - 1;
		if ((content_segment(content, node, block / CONTENT_SEGMENT) &
			want) != want)
			return false;
	}
	return true;
}

void content_make_way(struct content *content)
{
	if (content && content->keeper)
		keeper_make_way(content->keeper);
}

void content_totals(struct content *content, struct content_totals *ret_totals)
{
	*ret_totals = (struct content_totals){0};
	if (!content)
		return;
	ret_totals->limit = content->limit;
	ret_totals->hits = content->hits;
	ret_totals->damaged = content->damaged;
	if (content->keeper)
		keeper_totals(
		    content->keeper, &ret_totals->bytes, &ret_totals->removed);
}

/* ---- keeping ---- */

int64_t content_backlog(struct content *content)
{
	return content && content->backlog ? backlog_bytes(content->backlog)
					   : 0;
}

bool content_is_settled(struct content *content)
{
	return !content || !content->backlog ||
	       backlog_is_empty(content->backlog);
}

void content_keep(struct content *content, const struct node *object,
    int64_t first, struct blob *blob, int64_t len)
{
	if (!content || !content->backlog)
		return;
	backlog_add(content->backlog,
	    &(struct job){object->id, object->size, object->salt, first, len,
		blob_ref(blob), -1, {0}});
}

void content_keep_file(
    struct content *content, const struct node *object, int fd)
{
	int copy =
	    content && content->backlog ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (copy < 0)
		return;
	backlog_add(content->backlog,
	    &(struct job){object->id, object->size, object->salt, 0,
		object->size, NULL, copy, {0}});
}

/* ---- life ---- */

static int open_to_keep(struct content *content)
{
	content->backlog = backlog_new();
	int r = content->backlog ? keeper_new(content->replica, content->limit,
				       content->backlog, &content->keeper)
				 : -ENOMEM;
	if (r == 0)
		content->dir = keeper_dir(content->keeper);
	return r;
}

static int open_archived(struct content *content)
{
	int r = segments_look(content->replica);
	if (r < 0)
		return r;
	content->dir = r;
	return 0;
}

int content_open(
    struct replica *replica, int64_t limit, struct content **ret_content)
{
	struct content *content = calloc(1, sizeof(*content));
	if (!content)
		return -ENOMEM;
	content->replica = replica;
	content->limit = limit;
	content->dir = -1;
	int r = replica_is_archived(replica) ? open_archived(content)
					     : open_to_keep(content);
	if (r < 0) {
		content_close(content);
		return r;
	}
	*ret_content = content;
	return 0;
}

void content_hurry(struct content *content, int64_t ms)
{
	if (content && content->backlog)
		backlog_hurry(content->backlog, ms);
}

void content_close(struct content *content)
{
	if (!content)
		return;
	if (!content->keeper && content->dir >= 0)
		close(content->dir);
	keeper_free(content->keeper);
	backlog_free(content->backlog);
	free(content);
}
