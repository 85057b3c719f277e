#include "sync/object/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/blob.h"
#include "base/slab.h"
#include "sync/core/core.h"
#include "sync/core/offline.h"
#include "sync/core/op.h"
#include "sync/object/ahead.h"
#include "sync/object/budget.h"
#include "sync/object/prefetch.h"
#include "sync/object/ready.h"
#include "sync/object/stream.h"

/* A stream's place among the others. */
struct entry {
	struct streams *streams;
	struct stream *stream;
	struct ahead_room room;
	int64_t used_ms; /* http_now of the last read */
	TAILQ_ENTRY(entry) link;
};

struct streams {
	struct core *core;
	TAILQ_HEAD(, entry) entries; /* the longest unused first */
	struct http_timer *idle_timer;
	struct ready ready;	     /* any thread's */
	struct http_task notes_task; /* posted by who ready_take tells to */
	struct slab *slab;	     /* of ranges, until the last one lets go */
	struct prefetch *prefetch;
};

static void drop(struct entry *entry)
{
	TAILQ_REMOVE(&entry->streams->entries, entry, link);
	stream_free(entry->stream);
	free(entry);
}

static void on_over(void *ctx)
{
	drop(ctx);
}

static void on_used(void *ctx)
{
	struct entry *entry = ctx;
	struct streams *streams = entry->streams;
	TAILQ_REMOVE(&streams->entries, entry, link);
	TAILQ_INSERT_TAIL(&streams->entries, entry, link);
	entry->used_ms = http_now(streams->core->http);
}

static const struct stream_events stream_events = {on_used, on_over};

/* ---- the room ---- */

/* Room for more: the longest unused give up theirs first. */
static int64_t room_left(void *ctx)
{
	struct entry *for_entry = ctx, *entry, *next;
	struct streams *streams = for_entry->streams;
	int64_t held = 0;
	TAILQ_FOREACH (entry, &streams->entries, link)
		held += stream_held(entry->stream);
	for (entry = TAILQ_FIRST(&streams->entries);
	     entry && held >= AHEAD_ALL_MAX; entry = next) {
		next = TAILQ_NEXT(entry, link);
		if (entry == for_entry || stream_is_busy(entry->stream))
			continue;
		held -= stream_held(entry->stream);
		drop(entry);
	}
	/* What is still being written to the content cache counts as well. */
	return AHEAD_ALL_MAX - *slab_account(streams->slab);
}

/* Sequential readers that are at work share it. */
static int64_t room_share(void *ctx)
{
	const struct entry *for_entry = ctx, *entry;
	int64_t count = 0;
	TAILQ_FOREACH (entry, &for_entry->streams->entries, link)
		count += stream_readers(entry->stream);
	return AHEAD_ALL_MAX / (count ? count : 1);
}

/* ---- idleness ---- */

static void on_idle_timer(void *ctx);

static void start_idle_timer(struct streams *streams)
{
	if (!streams->idle_timer)
		streams->idle_timer = http_timer_start(streams->core->http,
		    STREAM_IDLE_MS / 2, on_idle_timer, streams);
}

/* Give up streams that nobody reads any more, and memory that none needs. */
static void on_idle_timer(void *ctx)
{
	struct streams *streams = ctx;
	struct entry *entry, *next;
	int64_t now = http_now(streams->core->http);
	streams->idle_timer = NULL;
	streams_read_notes(streams);
	for (entry = TAILQ_FIRST(&streams->entries); entry; entry = next) {
		next = TAILQ_NEXT(entry, link);
		int64_t kept = stream_is_ahead(entry->stream) ? STREAM_UNREAD_MS
							      : STREAM_IDLE_MS;
		if (!stream_is_busy(entry->stream) &&
		    now - entry->used_ms > kept)
			drop(entry);
	}
	bool spare = slab_age(streams->slab);
	if (spare || !TAILQ_EMPTY(&streams->entries))
		start_idle_timer(streams);
}

/* ---- finding one ---- */

static struct entry *find(const struct streams *streams, int64_t node_id)
{
	struct entry *entry;
	TAILQ_FOREACH (entry, &streams->entries, link) {
		if (stream_node(entry->stream)->id == node_id)
			return entry;
	}
	return NULL;
}

static int add(
    struct streams *streams, int64_t node_id, struct stream **ret_stream)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->streams = streams;
	entry->used_ms = http_now(streams->core->http);
	entry->room = (struct ahead_room){room_left, room_share, entry};
	const struct stream_place place = {.core = streams->core,
	    .ready = &streams->ready,
	    .slab = streams->slab,
	    .room = &entry->room,
	    .events = &stream_events,
	    .ctx = entry};
	int r = stream_new(&place, node_id, &entry->stream);
	if (r < 0) {
		free(entry);
		return r;
	}
	TAILQ_INSERT_TAIL(&streams->entries, entry, link);
	start_idle_timer(streams);
	*ret_stream = entry->stream;
	return 0;
}

/* Offline, what is not kept cannot be had. */
static int lacks(const struct core *core, int64_t node_id)
{
	CLEANUP_BUF struct buf name;
	buf_init(&name, BUF_MAX_DEFAULT);
	replica_name(core->replica, node_id, &name);
	return offline_lacks(core, "storage", buf_str(&name),
	    "offline, and not all of it was read, or its bytes had to make"
	    " room");
}

/* The object's stream, made if there is none. 0; -ENODATA: nobody can be asked;
 * or as stream_new. */
static int get(
    struct streams *streams, int64_t node_id, struct stream **ret_stream)
{
	if (!streams->core->api)
		return lacks(streams->core, node_id);
	struct entry *entry = find(streams, node_id);
	if (!entry)
		return add(streams, node_id, ret_stream);
	on_used(entry);
	*ret_stream = entry->stream;
	return 0;
}

/* ---- reading ---- */

int streams_prefetch(void *ctx, int64_t node_id)
{
	struct streams *streams = ctx;
	struct stream *stream;
	if (find(streams, node_id))
		return 0;
	int r = add(streams, node_id, &stream);
	if (r < 0)
		return r;
	r = stream_fetch_ahead(stream);
	if (r != 0)
		drop(stream_ctx(stream));
	return r;
}

void streams_read(void *ctx, struct sync_op *op)
{
	struct streams *streams = ctx;
	struct stream *stream = NULL;
	int r = get(streams, op->node_id, &stream);
	if (r < 0) {
		op_finish(op, r);
		return;
	}
	bool first =
	    op->offset == 0 && stream_is_unread(stream) && op->tries++ == 0;
	struct node node = *stream_node(stream);
	stream_read(stream, op);
	/* Afterwards: what is fetched ahead may take an idle stream's room, and
	 * this one may be idle by now. */
	if (first)
		prefetch_observe(streams->prefetch, &node);
}

void streams_measure(void *ctx, struct sync_op *op)
{
	struct streams *streams = ctx;
	struct stream *stream = NULL;
	op->measures = true;
	int r = replica_get(streams->core->replica, op->node_id, &op->node);
	if (r == 0 && !op->node.proven)
		r = get(streams, op->node_id, &stream);
	if (r < 0 || op->node.proven)
		op_finish(op, r);
	else
		stream_measure(stream, op);
}

/* ---- what was handed out without asking ---- */

static void take_note(struct streams *streams, struct ready_range *shown,
    const struct ready_use *use)
{
	struct stream *stream = shown->owner;
	struct node node = *stream_node(stream);
	bool first = use->from_begin && stream_is_unread(stream);
	stream_was_read(stream, shown, use);
	if (first)
		prefetch_observe(streams->prefetch, &node);
}

void streams_read_notes(struct streams *streams)
{
	struct ready_range *shown;
	struct ready_use use;
	while ((shown = ready_note(&streams->ready, &use)))
		take_note(streams, shown, &use);
}

static void on_notes(void *ctx)
{
	streams_read_notes(ctx);
}

struct blob *streams_take(struct streams *streams, int64_t node, int64_t pos,
    int64_t end, bool asked, const char **ret_data)
{
	bool wake;
	struct blob *blob =
	    ready_take(&streams->ready, node, pos, end, asked, ret_data, &wake);
	if (wake)
		http_post(streams->core->http, &streams->notes_task);
	return blob;
}

/* ---- life ---- */

struct streams *streams_new(struct core *core)
{
	struct streams *streams = calloc(1, sizeof(*streams));
	if (!streams)
		return NULL;
	streams->core = core;
	streams->notes_task =
	    (struct http_task){.fn = on_notes, .ctx = streams};
	TAILQ_INIT(&streams->entries);
	ready_init(&streams->ready);
	streams->prefetch = prefetch_new(core, streams_prefetch, streams);
	streams->slab = slab_new((size_t)RANGE_FIRST, RANGES_KEPT);
	if (streams->prefetch && streams->slab)
		return streams;
	streams_free(streams);
	return NULL;
}

void streams_drop_all(struct streams *streams)
{
	struct entry *entry;
	http_timer_stop(streams->core->http, streams->idle_timer);
	streams->idle_timer = NULL;
	while ((entry = TAILQ_FIRST(&streams->entries)))
		drop(entry);
}

void streams_free(struct streams *streams)
{
	if (!streams)
		return;
	streams_drop_all(streams);
	prefetch_free(streams->prefetch);
	ready_done(&streams->ready);
	slab_free(streams->slab);
	free(streams);
}

size_t streams_count(const struct streams *streams)
{
	const struct entry *entry;
	size_t count = 0;
	TAILQ_FOREACH (entry, &streams->entries, link)
		count++;
	return count;
}

_Atomic int64_t *streams_account(struct streams *streams)
{
	return slab_account(streams->slab);
}

size_t streams_spare(struct streams *streams)
{
	return slab_kept(streams->slab);
}
