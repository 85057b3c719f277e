#include "fs/push.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/lock.h"
#include "fs/text.h"
#include "fs/text_batch.h"
#include "sync/core/streak.h"
#include "sync/sync.h"

/* Directories that may be read in order at the same time. */
#define STREAKS STREAKS_MAX

/* Entries are taken from the replica so many at a time. */
#define BATCH TEXT_BATCH_MOST

struct pusher {
	struct fs_context *fs;
	pthread_t thread;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	/* pending: entries to push now. marker: left out, so that its read asks
	 * for the next window. */
	struct streaks streaks;
	bool stopping;
	bool over; /* the thread touches nothing any more */
};

/* ---- watching ---- */

static bool is_of(const struct streak *streak, int64_t dir)
{
	return streak->dir == dir;
}

static void grow_locked(struct pusher *pusher, struct streak *streak)
    REQUIRES(pusher->lock)
{
	streak_grow(streak, PUSH_FIRST, PUSH_MOST);
	streak->pending = streak->window;
	if (streak->reached < streak->last)
		streak->reached = streak->last;
	pthread_cond_signal(&pusher->news);
}

void pusher_observe(struct pusher *pusher, const struct node *node)
{
	if (!node_pos(node))
		return;
	lock_acquire(&pusher->lock);
	struct streak *streak =
	    streaks_find(&pusher->streaks, is_of, node->dir);
	streak->dir = node->dir;
	int64_t pos = node_pos(node), last = streak->last;
	bool ahead =
	    pos > last && pos < streak->reached && pos != streak->marker;
	if (!ahead || !streak->window)
		streak->last = pos;
	if (ahead && streak->window) {
		/* The reader was faster than we are: nothing new. */
	} else if (streak->window &&
		   (pos == streak->marker ||
		       sync_pos_follows(pos, streak->reached))) {
		if (!streak->pending)
			grow_locked(pusher, streak);
	} else if (!streak->window && sync_pos_follows(pos, last) && last) {
		grow_locked(pusher, streak);
	} else {
		streak->window = streak->pending = 0;
		streak->reached = streak->marker = 0;
	}
	lock_release(&pusher->lock);
}

/* ---- pushing ---- */

/* Some entries on their way. */
struct batch {
	size_t count;
	struct {
		int64_t id;
		int64_t pos;
		bool object;
		bool skip;     /* too large, or nothing to push */
		size_t record; /* of one: its place among them */
	} entries[BATCH];
	int64_t records[BATCH]; /* those to be pushed */
	size_t record_count;
	size_t loaded; /* the texts of so many were asked for */
};

static bool is_too_large(const struct node *node)
{
	if (node->kind == NODE_KIND_OBJECT)
		return node->size > PUSH_OBJECT_MAX;
	return node->size > PUSH_RECORD_MAX ||
	       node->other_size > PUSH_RECORD_MAX;
}

static int collect(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct batch *batch = ctx;
	bool object = node->kind == NODE_KIND_OBJECT;
	bool skip = node->kind == NODE_KIND_SPEC || is_too_large(node);
	(void)name;
	batch->entries[batch->count].id = node->id;
	batch->entries[batch->count].pos = pos;
	batch->entries[batch->count].object = object;
	batch->entries[batch->count].skip = skip;
	batch->entries[batch->count].record = batch->record_count;
	if (!object && !skip)
		batch->records[batch->record_count++] = node->id;
	return ++batch->count == BATCH;
}

/* Put a whole file into the page cache: exactly its size. */
static int store(
    struct fs_context *fs, int64_t id, const void *data, size_t len)
{
	if (len == 0)
		return 0;
	struct fuse_bufvec bufs = FUSE_BUFVEC_INIT(len);
	bufs.buf[0].mem = (void *)(uintptr_t)data;
	return fuse_lowlevel_notify_store(
	    fs->session, (fuse_ino_t)id, 0, &bufs, FUSE_BUF_NO_SPLICE);
}

/* The texts of a batch's records from one on. */
static int load_texts(struct fs_context *fs, struct batch *batch, size_t from,
    struct text_batch *texts)
{
	size_t count = 0;
	int r = text_batch_load(texts, fs->replica, batch->records + from,
	    batch->record_count - from, &count);
	batch->loaded = from + count;
	return r;
}

/* Push one of a batch's records; they come in turn. */
static int push_record(struct fs_context *fs, struct batch *batch, size_t which,
    struct text_batch *texts, struct buf *text)
{
	size_t len;
	int64_t id = batch->records[which];
	int r = which < batch->loaded ? 0 : load_texts(fs, batch, which, texts);
	if (r < 0)
		return r;
	const char *raw = text_batch_find(texts, id, &len);
	buf_clear(text);
	r = raw ? text_lay_out(fs->texts, raw, len, text)
		: text_load(fs->texts, id, text);
	return r < 0 ? r : store(fs, id, buf_str(text), text->len);
}

/* -EAGAIN: it is not here yet. */
static int push_object(struct fs_context *fs, int64_t id)
{
	struct node node;
	struct sync_bytes bytes = {0};
	int r = replica_get(fs->replica, id, &node);
	if (r == 0 && node.size > PUSH_OBJECT_MAX)
		return 0; /* it turned out to be larger */
	if (r == 0)
		r = sync_read_ahead(
		    fs->sync, &node, (size_t)PUSH_OBJECT_MAX, &bytes);
	if (r < 0)
		return r;
	r = store(fs, id, bytes.data, bytes.len);
	sync_bytes_done(&bytes);
	return r;
}

/* Whether the streak still wants what it wanted. */
static bool is_wanted(struct pusher *pusher, struct streak *streak, int64_t dir,
    int64_t pushed, int64_t marker)
{
	lock_acquire(&pusher->lock);
	bool wanted =
	    streak->dir == dir && streak->pending && !pusher->stopping;
	if (wanted) {
		streak->reached = pushed;
		if (marker)
			streak->marker = marker;
	}
	lock_release(&pusher->lock);
	return wanted;
}

/* Push count entries after a position. */
static void push(struct pusher *pusher, struct streak *streak, int64_t dir,
    int64_t after, unsigned count)
{
	struct fs_context *fs = pusher->fs;
	unsigned done = 0, mark = count - count / 4;
	CLEANUP_BUF struct buf text;
	struct text_batch texts;
	buf_init(&text, TEXT_BYTES_MAX);
	text_batch_init(&texts);
	while (done < count) {
		struct batch batch = {0};
		int r = replica_entries(
		    fs->replica, dir, after, INT64_MAX, collect, &batch);
		if (r < 0 || batch.count == 0)
			break;
		for (size_t i = 0; i < batch.count && done < count; i++) {
			int64_t marker = 0;
			after = batch.entries[i].pos;
			if (++done == mark)
				marker = after;
			else if (batch.entries[i].skip)
				continue;
			else if (batch.entries[i].object)
				r = push_object(fs, batch.entries[i].id);
			else
				r = push_record(fs, &batch,
				    batch.entries[i].record, &texts, &text);
			/* -ENOENT: the kernel has not seen it yet. */
			if (r < 0 ||
			    !is_wanted(pusher, streak, dir, after, marker))
				goto out;
		}
	}
out:
	text_batch_done(&texts);
	lock_acquire(&pusher->lock);
	if (streak->dir == dir)
		streak->pending = 0;
	lock_release(&pusher->lock);
}

static struct streak *wanting_locked(struct pusher *pusher)
    REQUIRES(pusher->lock)
{
	for (size_t i = 0; i < pusher->streaks.count; i++) {
		if (pusher->streaks.all[i].pending)
			return &pusher->streaks.all[i];
	}
	return NULL;
}

static void *run(void *ctx)
{
	struct pusher *pusher = ctx;
	pthread_setname_np(pthread_self(), "pusher");
	lock_acquire(&pusher->lock);
	while (!pusher->stopping) {
		struct streak *streak = wanting_locked(pusher);
		if (!streak) {
			lock_wait(&pusher->lock, &pusher->news);
			continue;
		}
		int64_t dir = streak->dir, after = streak->reached;
		unsigned count = streak->pending;
		lock_release(&pusher->lock);
		push(pusher, streak, dir, after, count);
		lock_acquire(&pusher->lock);
	}
	pusher->over = true;
	lock_release(&pusher->lock);
	return NULL;
}

struct pusher *pusher_new(struct fs_context *fs)
{
	struct pusher *pusher = calloc(1, sizeof(*pusher));
	if (!pusher)
		return NULL;
	pusher->fs = fs;
	pusher->streaks.count = STREAKS;
	lock_init(&pusher->lock);
	pthread_cond_init(&pusher->news, NULL);
	if (pthread_create(&pusher->thread, NULL, run, pusher) == 0)
		return pusher;
	pthread_cond_destroy(&pusher->news);
	lock_done(&pusher->lock);
	free(pusher);
	return NULL;
}

bool pusher_end(struct pusher *pusher)
{
	if (!pusher)
		return true;
	lock_acquire(&pusher->lock);
	pusher->stopping = true;
	pthread_cond_signal(&pusher->news);
	bool over = pusher->over;
	lock_release(&pusher->lock);
	return over;
}

void pusher_free(struct pusher *pusher)
{
	if (!pusher)
		return;
	pusher_end(pusher);
	pthread_join(pusher->thread, NULL);
	pthread_cond_destroy(&pusher->news);
	lock_done(&pusher->lock);
	free(pusher);
}
