#include "fs/text.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/lock.h"
#include "json/json.h"
#include "json/layout.h"

/* Of a larger one, so many bytes as sent are held: finding a place in the
 * replica takes as long as reading this much there. */
#define WINDOW ((size_t)1 << 21)

/* After each so many a place is noted from which its layout can go on. */
#define MARK_STEP ((size_t)64 << 10)
#define MARKS_MAX (JSON_RECORD_MAX / MARK_STEP)

/* Large texts that are remembered: as many may be read side by side. */
#define KEPT 16

struct large {
	int64_t id;    /* 0: none */
	uint64_t used; /* greater: later */
	bool busy;     /* by one thread, whose the rest is */
	struct json_layout place;
	struct json_layout
	    marks[MARKS_MAX + 1]; /* the first is the beginning */
	size_t mark_count;
	struct buf window;
	uint64_t window_at; /* bytes of the text before it */
};

struct texts {
	/* Immutable. */
	struct replica *replica;
	bool raw;
	/* How far large texts were read. */
	struct lock lock;
	pthread_cond_t freed;
	/* Under lock. */
	struct large kept[KEPT];
	uint64_t uses;
};

struct texts *texts_new(struct replica *replica, bool raw)
{
	struct texts *texts = calloc(1, sizeof(*texts));
	if (!texts)
		return NULL;
	texts->replica = replica;
	texts->raw = raw;
	lock_init(&texts->lock);
	pthread_cond_init(&texts->freed, NULL);
	return texts;
}

void texts_free(struct texts *texts)
{
	if (!texts)
		return;
	for (size_t i = 0; i < KEPT; i++)
		buf_done(&texts->kept[i].window);
	pthread_cond_destroy(&texts->freed);
	lock_done(&texts->lock);
	free(texts);
}

static int stale_if_gone(int r)
{
	return r == -ENOENT ? -ESTALE : r;
}

bool text_is_small(const struct node *node)
{
	return node->size <= (int64_t)TEXT_SMALL_MAX &&
	       node->other_size <= (int64_t)TEXT_SMALL_MAX;
}

int text_lay_out(
    const struct texts *texts, const char *raw, size_t len, struct buf *out)
{
	return texts->raw ? buf_add(out, raw, len) : json_pretty(raw, len, out);
}

int text_load(struct texts *texts, int64_t id, struct buf *out)
{
	if (texts->raw)
		return stale_if_gone(replica_text(texts->replica, id, out));
	CLEANUP_BUF struct buf raw;
	buf_init(&raw, TEXT_BYTES_MAX);
	int r = replica_text(texts->replica, id, &raw);
	if (r == 0)
		r = text_lay_out(texts, buf_str(&raw), raw.len, out);
	return stale_if_gone(r);
}

/* ---- large texts ---- */

/* The one of that id, or the one that was used longest ago. NULL: that is in
 * use by another thread. */
static struct large *find_locked(struct texts *texts, int64_t id)
    REQUIRES(texts->lock)
{
	struct large *oldest = NULL;
	for (size_t i = 0; i < KEPT; i++) {
		struct large *large = &texts->kept[i];
		if (large->id == id)
			return large->busy ? NULL : large;
		if (!large->busy && (!oldest || large->used < oldest->used))
			oldest = large;
	}
	return oldest;
}

static struct large *take(struct texts *texts, int64_t id)
{
	struct large *large;
	lock_acquire(&texts->lock);
	while (!(large = find_locked(texts, id)))
		lock_wait(&texts->lock, &texts->freed);
	large->busy = true;
	large->used = ++texts->uses;
	if (large->id != id) {
		large->id = id;
		large->place = large->marks[0] = (struct json_layout){0};
		large->mark_count = 1;
		buf_done(&large->window);
	}
	lock_release(&texts->lock);
	return large;
}

static void put_back(struct texts *texts, struct large *large)
{
	lock_acquire(&texts->lock);
	large->busy = false;
	pthread_cond_broadcast(&texts->freed);
	lock_release(&texts->lock);
}

/* Go to the last known place that is not behind an output position. */
static void go_before(struct large *large, uint64_t from)
{
	size_t i = large->mark_count - 1;
	while (large->marks[i].out > from)
		i--;
	if (large->place.out > from || large->place.out < large->marks[i].out)
		large->place = large->marks[i];
}

static void note_place(struct large *large)
{
	const struct json_layout *last = &large->marks[large->mark_count - 1];
	if (large->place.in >= last->in + MARK_STEP &&
	    large->mark_count <= MARKS_MAX)
		large->marks[large->mark_count++] = large->place;
}

/* Have the bytes from a position on in the window; none at the end. */
static int look_at(struct texts *texts, struct large *large, uint64_t at)
{
	if (at >= large->window_at && at < large->window_at + large->window.len)
		return 0;
	if (!large->window.data)
		buf_init(&large->window, WINDOW);
	buf_clear(&large->window);
	large->window_at = at;
	return replica_text_part(
	    texts->replica, large->id, at, WINDOW, &large->window);
}

static int lay_out(
    struct texts *texts, struct large *large, const struct json_slice *slice)
{
	struct json_layout *place = &large->place;
	uint64_t last = slice->from + slice->size;
	bool full = false;
	go_before(large, slice->from);
	while (!full && place->out < last) {
		int r = look_at(texts, large, place->in);
		if (r < 0)
			return r;
		size_t skip = (size_t)(place->in - large->window_at);
		if (skip == large->window.len) {
			/* What was read to its end is not held longer. */
			json_layout_end(place, slice);
			buf_done(&large->window);
			return place->out < last ? -EIO : 0;
		}
		size_t len = large->window.len - skip;
		full = json_layout_feed(place, large->window.data + skip,
		    len < MARK_STEP ? len : MARK_STEP, slice);
		note_place(large);
	}
	return 0;
}

static int read_large(struct texts *texts, int64_t id, uint64_t offset,
    size_t size, struct buf *out)
{
	int r = buf_reserve(out, size);
	if (r < 0)
		return r;
	struct json_slice slice = {offset, out->data + out->len, size};
	struct large *large = take(texts, id);
	r = lay_out(texts, large, &slice);
	put_back(texts, large);
	if (r < 0)
		return r;
	out->len += size;
	out->data[out->len] = '\0';
	return 0;
}

/* What was read to its end is not held longer. */
static void let_go_at_end(struct large *large, uint64_t at)
{
	if (large->window.len < WINDOW &&
	    at == large->window_at + large->window.len)
		buf_done(&large->window);
}

static int copy_sent(struct texts *texts, struct large *large, uint64_t at,
    size_t left, struct buf *out)
{
	int r = 0;
	while (r == 0 && left > 0) {
		r = look_at(texts, large, at);
		if (r < 0)
			return r;
		size_t skip = (size_t)(at - large->window_at);
		size_t len = large->window.len - skip;
		if (len == 0)
			return -EIO;
		if (len > left)
			len = left;
		r = buf_add(out, large->window.data + skip, len);
		at += len;
		left -= len;
	}
	let_go_at_end(large, at);
	return r;
}

int text_read_sent(struct texts *texts, int64_t id, uint64_t offset,
    size_t size, struct buf *out)
{
	int r = buf_reserve(out, size);
	if (r < 0)
		return r;
	struct large *large = take(texts, id);
	r = copy_sent(texts, large, offset, size, out);
	put_back(texts, large);
	return stale_if_gone(r);
}

int text_read(struct texts *texts, const struct node *node, uint64_t offset,
    size_t size, struct buf *out)
{
	uint64_t shown = (uint64_t)(texts->raw ? node->size : node->other_size);
	if (offset >= shown)
		return 0;
	if (size > shown - offset)
		size = (size_t)(shown - offset);
	if (texts->raw)
		return text_read_sent(texts, node->id, offset, size, out);
	return stale_if_gone(read_large(texts, node->id, offset, size, out));
}
