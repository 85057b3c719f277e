#include "replica/content.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "replica/segments.h"
#include "replica/segment.h"
#include "replica/store.h"

/* After a failed write nothing is kept for so long. */
#define PAUSE_MS 30000

/* A failed write makes so much room, as a part of what is there: the database
 * may need some as well. */
#define ROOM_AFTER_FAILURE 8

/* Room that is left to the database, which grows between two looks at it: a
 * part of the limit, and at most so many bytes. */
#define GROWTH_PART 32
#define GROWTH_MOST ((int64_t)1 << 20)

/* Nor is the disk itself ever filled: others need some, and the database
 * cannot do without. A part of the disk, and at most so many bytes. */
#define SPARE_PART 16
#define SPARE_MOST ((int64_t)64 << 20)

/* What the database and others take up is looked at so often, if nothing is
 * kept meanwhile, in milliseconds. */
#define LOOK_MS 5000

/* So much may wait to be written: what is too much then is not kept. */
#define QUEUE_MOST ((int64_t)64 << 20)

/* Something to be kept: a blob's bytes, or a file's. */
struct job {
	int64_t node;
	int64_t size;  /* the object's */
	uint64_t salt; /* the same */
	int64_t first;
	int64_t len;
	struct blob *blob; /* NULL: the file's */
	int fd;		   /* -1: the blob's */
	STAILQ_ENTRY(job) link;
};

struct content {
	/* Immutable after open. */
	struct replica *replica;
	int64_t limit;
	int dir;
	pthread_t thread;
	/* The thread's own. */
	struct segments *segments;
	int64_t paused_until; /* timestamp_mono_ms */
	bool told;	      /* that the disk is full */
	char *buffer;	      /* a block, for files */
	_Atomic uint64_t hits;
	_Atomic uint64_t damaged;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	STAILQ_HEAD(, job) jobs;
	int64_t queued; /* bytes of memory that jobs hold */
	bool stopping;
	int64_t bytes; /* the segments's, for others to see */
	uint64_t removed;
};

static struct segment_key key_of(
    const struct content *content, int64_t node, int64_t segment, uint64_t salt)
{
	return (struct segment_key){
	    (uint64_t)content->replica->made_ms, node, segment, salt};
}

static int64_t block_size(int64_t size, int64_t block)
{
	int64_t left = size - block * CONTENT_BLOCK;
	return left < CONTENT_BLOCK ? left : CONTENT_BLOCK;
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
static int read_segment(
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
	return r;
}

/* The rest of a slice from what waits to be written: whether all of it is. */
static bool read_waiting(
    struct content *content, int64_t node, const struct slice *slice)
{
	struct blob *blob = NULL;
	int64_t first = 0;
	struct job *job;
	lock_acquire(&content->lock);
	STAILQ_FOREACH (job, &content->jobs, link) {
		if (job->node != node || !job->blob ||
		    slice->offset < job->first ||
		    slice->end > job->first + job->len)
			continue;
		blob = blob_ref(job->blob);
		first = job->first;
		break;
	}
	lock_release(&content->lock);
	if (blob)
		memcpy(slice->out, blob->data + (slice->offset - first),
		    (size_t)(slice->end - slice->offset));
	blob_unref(blob);
	return blob != NULL;
}

int content_read(struct content *content, const struct node *object,
    int64_t offset, void *out, size_t len)
{
	struct slice slice = {offset, offset + (int64_t)len, out};
	if (!content || !object->proven || object->spoiled)
		return -ENODATA;
	/* This first: what has left the queue is on the disk. */
	if (!read_waiting(content, object->id, &slice)) {
		while (slice.offset < slice.end &&
		       read_segment(content, object, &slice) == 0)
			;
		if (slice.offset < slice.end &&
		    !read_waiting(content, object->id, &slice))
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

void content_totals(struct content *content, struct content_totals *ret_totals)
{
	*ret_totals = (struct content_totals){0};
	if (!content)
		return;
	ret_totals->limit = content->limit;
	ret_totals->hits = content->hits;
	ret_totals->damaged = content->damaged;
	lock_acquire(&content->lock);
	ret_totals->bytes = content->bytes;
	ret_totals->removed = content->removed;
	lock_release(&content->lock);
}

/* ---- writing: the thread ---- */

static void show_totals(struct content *content)
{
	lock_acquire(&content->lock);
	content->bytes = segments_bytes(content->segments);
	content->removed = segments_removed(content->segments);
	lock_release(&content->lock);
}

/* What the database takes up, and the directory. Its log shrinks by itself, in
 * time. */
static int64_t database_bytes(const struct content *content)
{
	static const char *const tails[] = {"", "-wal", "-shm"};
	int64_t bytes = segment_usage(content->dir);
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		struct stat st;
		CLEANUP_FREE char *path = NULL;
		if (asprintf(&path, "%s%s", content->replica->path, tails[i]) >=
			0 &&
		    stat(path, &st) == 0)
			bytes += (int64_t)st.st_blocks * 512;
	}
	return bytes;
}

static int64_t at_most(int64_t bytes, int64_t most)
{
	return bytes < most ? bytes : most;
}

/* What segments may take up. */
static int64_t segments_limit(struct content *content)
{
	struct statvfs disk;
	int64_t limit = content->limit - database_bytes(content) -
			at_most(content->limit / GROWTH_PART, GROWTH_MOST);
	if (fstatvfs(content->dir, &disk) < 0)
		return limit;
	int64_t unit = (int64_t)disk.f_frsize;
	int64_t spare =
	    at_most((int64_t)disk.f_blocks * unit / SPARE_PART, SPARE_MOST);
	return at_most(limit, segments_bytes(content->segments) +
				  (int64_t)disk.f_bavail * unit - spare);
}

/* Whether so many bytes more may be kept; the longest unused ones go. */
static bool has_room(struct content *content, int64_t bytes)
{
	/* What is not counted yet may be all that may be there. */
	while (!segments_count_some(content->segments))
		;
	int64_t limit = segments_limit(content);
	if (segments_bytes(content->segments) + bytes > limit)
		segments_shrink(content->segments, limit - limit / 10 - bytes);
	return segments_bytes(content->segments) + bytes <= limit;
}

static void on_failure(struct content *content, int err)
{
	int64_t bytes = segments_bytes(content->segments);
	content->paused_until = timestamp_mono_ms() + PAUSE_MS;
	segments_shrink(content->segments, bytes - bytes / ROOM_AFTER_FAILURE);
	if (!content->told)
		log_warn("file contents cannot be kept at the moment: %s",
		    strerror(-err));
	content->told = true;
}

/* A block's bytes: the blob's, or read from the file. NULL: none. */
static const char *block_data(
    struct content *content, const struct job *job, int64_t block, size_t len)
{
	int64_t begin = block * CONTENT_BLOCK;
	if (job->blob)
		return job->blob->data + (begin - job->first);
	if (!content->buffer)
		content->buffer = malloc((size_t)CONTENT_BLOCK);
	if (!content->buffer ||
	    pread(job->fd, content->buffer, len, begin) != (ssize_t)len)
		return NULL;
	return content->buffer;
}

/* Keep blocks [block, end) of one segment. What is there already is written
 * again: it may be damaged, or else the bytes are the same. */
static int keep_in_segment(
    struct content *content, const struct job *job, int64_t block, int64_t end)
{
	int64_t segment = block / CONTENT_SEGMENT;
	struct segment_key key = key_of(content, job->node, segment, job->salt);
	int r = 0;
	CLEANUP_CLOSE int fd = segment_open(content->dir, &key, true);
	if (fd < 0)
		return fd;
	int64_t before = segment_usage(fd);
	for (; r == 0 && block < end; block++) {
		size_t len = (size_t)block_size(job->size, block);
		unsigned index = (unsigned)(block % CONTENT_SEGMENT);
		const char *data = block_data(content, job, block, len);
		if (!data)
			break;
		r = segment_write(fd, &key, index, data, len);
	}
	segments_added(
	    content->segments, job->node, segment_usage(fd) - before);
	return r;
}

static void keep(struct content *content, const struct job *job)
{
	int64_t block = (job->first + CONTENT_BLOCK - 1) / CONTENT_BLOCK;
	int64_t end = (job->first + job->len) / CONTENT_BLOCK;
	if (job->first + job->len >= job->size)
		end = (job->size + CONTENT_BLOCK - 1) / CONTENT_BLOCK;
	while (block < end && timestamp_mono_ms() >= content->paused_until) {
		int64_t next = (block / CONTENT_SEGMENT + 1) * CONTENT_SEGMENT;
		if (next > end)
			next = end;
		/* With its table, and its directory. */
		int64_t bytes =
		    (next - block) * CONTENT_BLOCK + 2 * SEGMENT_DATA;
		int r = 0;
		if (has_room(content, bytes))
			r = keep_in_segment(content, job, block, next);
		if (r < 0)
			on_failure(content, r);
		block = next;
	}
}

static void job_free(struct job *job)
{
	blob_unref(job->blob);
	if (job->fd >= 0)
		close(job->fd);
	free(job);
}

static int64_t in_memory(const struct job *job)
{
	return job->blob ? (int64_t)job->blob->len : 0;
}

/* Wait for a job. True: nothing came for so long. */
static bool wait_for_news(struct content *content) REQUIRES(content->lock)
{
	return !lock_wait_ms(&content->lock, &content->news, LOOK_MS);
}

/* It stays in the queue, for readers, until it is written. */
static void run_job(struct content *content, struct job *job)
{
	if (!job)
		return;
	keep(content, job);
	lock_acquire(&content->lock);
	STAILQ_REMOVE_HEAD(&content->jobs, link);
	content->queued -= in_memory(job);
	lock_release(&content->lock);
	job_free(job);
}

static void *run(void *ctx)
{
	struct content *content = ctx;
	bool counted = false;
	pthread_setname_np(pthread_self(), "content");
	lock_acquire(&content->lock);
	for (;;) {
		bool look = false;
		if (STAILQ_EMPTY(&content->jobs) && content->stopping)
			break;
		if (STAILQ_EMPTY(&content->jobs) && counted)
			look = wait_for_news(content);
		struct job *job = STAILQ_FIRST(&content->jobs);
		lock_release(&content->lock);
		run_job(content, job);
		/* What earlier mounts left is counted bit by bit; the limit
		 * may be another since. */
		if (!counted && segments_count_some(content->segments))
			counted = look = true;
		if (look)
			has_room(content, 0);
		show_totals(content);
		lock_acquire(&content->lock);
	}
	lock_release(&content->lock);
	return NULL;
}

static void push(struct content *content, struct job *job)
{
	int64_t bytes = in_memory(job);
	lock_acquire(&content->lock);
	bool fits = content->queued + bytes <= QUEUE_MOST;
	if (fits) {
		STAILQ_INSERT_TAIL(&content->jobs, job, link);
		content->queued += bytes;
		pthread_cond_signal(&content->news);
	}
	lock_release(&content->lock);
	if (!fits)
		job_free(job);
}

int64_t content_backlog(struct content *content)
{
	if (!content)
		return 0;
	lock_acquire(&content->lock);
	int64_t bytes = content->queued;
	lock_release(&content->lock);
	return bytes;
}

void content_keep(struct content *content, const struct node *object,
    int64_t first, struct blob *blob, int64_t len)
{
	struct job *job = content ? malloc(sizeof(*job)) : NULL;
	if (!job)
		return;
	*job = (struct job){object->id, object->size, object->salt, first, len,
	    blob_ref(blob), -1, {0}};
	push(content, job);
}

void content_keep_file(
    struct content *content, const struct node *object, int fd)
{
	struct job *job = content ? malloc(sizeof(*job)) : NULL;
	if (!job)
		return;
	*job = (struct job){object->id, object->size, object->salt, 0,
	    object->size, NULL, fcntl(fd, F_DUPFD_CLOEXEC, 0), {0}};
	if (job->fd < 0)
		free(job);
	else
		push(content, job);
}

/* ---- life ---- */

int content_open(
    struct replica *replica, int64_t limit, struct content **ret_content)
{
	struct content *content = calloc(1, sizeof(*content));
	if (!content)
		return -ENOMEM;
	content->replica = replica;
	content->limit = limit;
	lock_init(&content->lock);
	pthread_cond_init(&content->news, NULL);
	STAILQ_INIT(&content->jobs);
	int r = segments_open(replica, &content->segments);
	if (r == 0) {
		content->dir = segments_dir(content->segments);
		r = -pthread_create(&content->thread, NULL, run, content);
	}
	if (r < 0) {
		segments_close(content->segments);
		pthread_cond_destroy(&content->news);
		lock_done(&content->lock);
		free(content);
		return r;
	}
	*ret_content = content;
	return 0;
}

void content_close(struct content *content)
{
	if (!content)
		return;
	lock_acquire(&content->lock);
	content->stopping = true;
	pthread_cond_signal(&content->news);
	lock_release(&content->lock);
	pthread_join(content->thread, NULL);
	segments_close(content->segments);
	pthread_cond_destroy(&content->news);
	lock_done(&content->lock);
	free(content->buffer);
	free(content);
}
