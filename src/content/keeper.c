#include "content/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "content/room.h"
#include "content/segment.h"

/* After a failed write nothing is kept for so long. */
#define PAUSE_MS 30000

struct keeper {
	/* Immutable after new. */
	struct backlog *backlog;
	pthread_t thread;
	int dir;
	uint64_t made_ms; /* the replica's: part of each key */
	/* The thread's own. */
	struct segments *segments;
	struct room room;
	int64_t paused_until; /* timestamp_mono_ms */
	bool told;	      /* that the disk is full */
	char *buffer;	      /* a block, for files */
	struct lock lock;
	/* Under lock: the segments', for others to see. */
	int64_t bytes;
	uint64_t removed;
};

static void show_totals(struct keeper *keeper)
{
	lock_acquire(&keeper->lock);
	keeper->bytes = segments_bytes(keeper->segments);
	keeper->removed = segments_removed(keeper->segments);
	lock_release(&keeper->lock);
}

static void on_failure(struct keeper *keeper, int err)
{
	keeper->paused_until = timestamp_mono_ms() + PAUSE_MS;
	room_give_up_some(&keeper->room);
	if (!keeper->told)
		log_warn("file contents cannot be kept at the moment: %s",
		    strerror(-err));
	keeper->told = true;
}

static void make_way(struct keeper *keeper)
{
	keeper->paused_until = timestamp_mono_ms() + PAUSE_MS;
	while (!segments_count_some(keeper->segments))
		;
	room_make_way(&keeper->room);
}

/* Whether nothing is kept at the moment. */
static bool is_paused(const struct keeper *keeper)
{
	return timestamp_mono_ms() < keeper->paused_until ||
	       backlog_is_late(keeper->backlog);
}

/* A block's bytes: the blob's, or read from the file. NULL: none. */
static const char *block_data(
    struct keeper *keeper, const struct job *job, int64_t block, size_t len)
{
	int64_t begin = block * CONTENT_BLOCK;
	if (job->blob)
		return job->blob->data + (begin - job->first);
	if (!keeper->buffer)
		keeper->buffer = malloc((size_t)CONTENT_BLOCK);
	if (!keeper->buffer ||
	    pread(job->fd, keeper->buffer, len, begin) != (ssize_t)len)
		return NULL;
	return keeper->buffer;
}

/* Keep blocks [block, end) of one segment. What is there already is written
 * again: it may be damaged, or else the bytes are the same. */
static int keep_in_segment(
    struct keeper *keeper, const struct job *job, int64_t block, int64_t end)
{
	struct segment_key key = {
	    keeper->made_ms, job->node, block / CONTENT_SEGMENT, job->salt};
	int r = 0;
	CLEANUP_CLOSE int fd = segment_open(keeper->dir, &key, true);
	if (fd < 0)
		return fd;
	int64_t before = segment_usage(fd);
	for (; r == 0 && block < end && !is_paused(keeper); block++) {
		size_t len = (size_t)block_size(job->size, block);
		unsigned index = (unsigned)(block % CONTENT_SEGMENT);
		const char *data = block_data(keeper, job, block, len);
		if (!data)
			break;
		r = segment_write(fd, &key, index, data, len);
	}
	segments_added(keeper->segments, job->node, segment_usage(fd) - before);
	return r;
}

static void keep(struct keeper *keeper, const struct job *job)
{
	int64_t block = (job->first + CONTENT_BLOCK - 1) / CONTENT_BLOCK;
	int64_t end = (job->first + job->len) / CONTENT_BLOCK;
	if (job->first + job->len >= job->size)
		end = (job->size + CONTENT_BLOCK - 1) / CONTENT_BLOCK;
	while (block < end && !is_paused(keeper)) {
		int64_t next = (block / CONTENT_SEGMENT + 1) * CONTENT_SEGMENT;
		if (next > end)
			next = end;
		/* With its table, and its directory. */
		int64_t bytes =
		    (next - block) * CONTENT_BLOCK + 2 * SEGMENT_DATA;
		int r = 0;
		if (room_make(&keeper->room, bytes))
			r = keep_in_segment(keeper, job, block, next);
		if (r < 0)
			on_failure(keeper, r);
		block = next;
	}
}

static void *run(void *ctx)
{
	struct keeper *keeper = ctx;
	const struct job *job;
	enum backlog_news news;
	bool counted = false;
	pthread_setname_np(pthread_self(), "content");
	/* Once all is counted, there is nothing to do but to wait. */
	while ((news = backlog_next(keeper->backlog, counted, &job)) !=
	       BACKLOG_OVER) {
		bool look = news == BACKLOG_IDLE;
		if (news == BACKLOG_IN_THE_WAY)
			make_way(keeper);
		if (news == BACKLOG_JOB) {
			keep(keeper, job);
			backlog_written(keeper->backlog);
		}
		/* What earlier mounts left is counted bit by bit; the limit
		 * may be another since. */
		if (!counted && segments_count_some(keeper->segments))
			counted = look = true;
		if (look && !is_paused(keeper))
			room_make(&keeper->room, 0);
		show_totals(keeper);
	}
	return NULL;
}

int keeper_new(struct replica *replica, int64_t limit, struct backlog *backlog,
    struct keeper **ret_keeper)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	if (!keeper)
		return -ENOMEM;
	int r = segments_open(replica, &keeper->segments);
	if (r < 0) {
		free(keeper);
		return r;
	}
	keeper->backlog = backlog;
	keeper->dir = segments_dir(keeper->segments);
	keeper->made_ms = (uint64_t)replica_made_ms(replica);
	keeper->room = (struct room){replica, keeper->segments, limit};
	lock_init(&keeper->lock);
	r = -pthread_create(&keeper->thread, NULL, run, keeper);
	if (r < 0) {
		lock_done(&keeper->lock);
		segments_close(keeper->segments);
		free(keeper);
		return r;
	}
	*ret_keeper = keeper;
	return 0;
}

void keeper_free(struct keeper *keeper)
{
	if (!keeper)
		return;
	backlog_end(keeper->backlog);
	pthread_join(keeper->thread, NULL);
	segments_close(keeper->segments);
	lock_done(&keeper->lock);
	free(keeper->buffer);
	free(keeper);
}

void keeper_make_way(struct keeper *keeper)
{
	backlog_make_way(keeper->backlog);
}

int keeper_dir(const struct keeper *keeper)
{
	return keeper->dir;
}

void keeper_totals(
    struct keeper *keeper, int64_t *ret_bytes, uint64_t *ret_removed)
{
	lock_acquire(&keeper->lock);
	*ret_bytes = keeper->bytes;
	*ret_removed = keeper->removed;
	lock_release(&keeper->lock);
}
