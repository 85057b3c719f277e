/*
 * A stream brings one object's bytes: it holds the signed URL, knows the true
 * size once the object has answered, and keeps ranges that are under way or
 * were not yet read. A range is written only by its own transfer, in order.
 *
 * Every answer is held against the first one: total size and ETag (or date)
 * must stay the same, so that a read never mixes two versions. A store that
 * ignores Range is read in one go, into a spool file; so is one whose answers
 * have neither ETag nor date.
 *
 * Loop thread only.
 */
#ifndef SYNC_OBJECT_STREAM_H
#define SYNC_OBJECT_STREAM_H

#include "api/range.h"
#include "replica/content.h"
#include "sync/core/core.h"
#include "sync/core/op.h"
#include "sync/core/write.h"
#include "sync/object/prefetch.h"
#include "sync/object/ready.h"

/* A lone read fetches this much, so that random access stays small. All ranges
 * begin at a block, and end at one or at the object's end. */
#define RANGE_SMALL CONTENT_BLOCK

/* Sequential reading fetches in ranges from the first to the second size. */
#define RANGE_FIRST ((int64_t)1 << 20)
#define RANGE_LARGEST ((int64_t)2 << 20)

/* How far ahead of a reader a stream gets at most, and all together. */
#define AHEAD_MAX ((int64_t)32 << 20)
#define AHEAD_ALL_MAX ((int64_t)64 << 20)

/* Reads that arrive out of order by so much still count as sequential. */
#define OUT_OF_ORDER ((int64_t)1 << 20)

/* A store that gives a first-size range in so many milliseconds is next to us:
 * more than so many at once only get into each other's way. Measured with nginx
 * on the same machine of two cores: 1 GiB in 0.65 s rather than 0.9 s. */
#define NEAR_MS 2
#define FAR_MS 20 /* no, it is not */
#define NEAR_RANGES 3

/* What waits to be kept on the disk: beyond this, who reads waits as well, and
 * looks again after so many milliseconds. */
#define BACKLOG_MAX ((int64_t)16 << 20)
#define BACKLOG_WAIT_MS 5

/* Readers of one object that are told apart. */
#define READERS 4

/* Ranges that were fetched and not read, of one stream, at most; what its
 * readers are on their way to may be more, and is bounded by their windows. */
#define HELD_MAX (AHEAD_MAX + ((int64_t)8 << 20))

/* A stream that nobody reads any more is given up after this time, one that
 * was fetched ahead and not read yet after the second one. */
#define STREAM_IDLE_MS 10000
#define STREAM_UNREAD_MS 60000

struct held_range {
	struct stream *stream;
	int64_t first;
	int64_t len; /* as asked for; cut when the object turns out shorter */
	int64_t filled;
	int64_t served; /* bytes handed out */
	uint64_t used;	/* when, by the stream's count */
	struct blob *blob;
	bool kept; /* handed to the content cache */
	struct ready_range shown;
	struct range *transfer;
	bool spools;  /* the answer goes to the spool ... */
	int64_t told; /* ... and shall have so many bytes; -1: not said */
	int refused;  /* why the answer is not wanted; 0 or -errno */
	TAILQ_ENTRY(held_range) link;
};

/* One who reads an object. */
struct reader {
	int64_t pos;	  /* the furthest position read */
	int64_t window;	  /* how far to get ahead; 0: reads here and there */
	int64_t grown_at; /* the window may grow again beyond this position */
	uint64_t used;	  /* when, by the stream's count; 0: nobody */
	int64_t used_ms;  /* http_now */
	bool fresh;	  /* has not had to wait yet */
};

/* All of them. */
struct streams {
	struct core *core;
	TAILQ_HEAD(, stream) list; /* the longest unused first */
	struct http_timer *idle_timer;
	struct ready ready;	     /* any thread's */
	struct http_task notes_task; /* posted by who ready_take tells to */
	_Atomic int64_t bytes_held;  /* of ranges, until the last one lets go */
	struct prefetch_streak streaks[4];
	uint64_t streak_clock;
	/* Learns what was read without asking. */
	void (*read_notes)(void *streams);
};

struct stream {
	struct core *core;
	struct streams *streams;
	struct node node;    /* as it was when the stream began */
	char *subject;	     /* "storage/<id>", for .bkendfs/errors */
	int64_t size;	     /* true size; -1: not known yet */
	char validator[128]; /* ETag or date of the first answer; or "" */
	bool alone; /* an answer is tied to no other: only a whole counts */
	bool hash_known; /* of an object that is alone and has answered ... */
	uint64_t hash;	 /* ... this */
	struct download *download;
	bool no_range;		    /* the store ignores Range */
	bool plain;		    /* the store dislikes it: ask without */
	struct held_range *spooler; /* whose transfer fills the spool */
	bool prefetched;	    /* nobody has read it yet */
	bool changed;		    /* the object is another by now */
	bool wrong_claim;	    /* the size is another than was told ... */
	struct node corrected;	    /* ... and this node has the true one */
	bool restart_all;	    /* the size has become known */
	struct http_timer *progress_timer;
	struct http_timer *backlog_timer;
	struct http_timer *send_timer;
	int spool;	      /* file descriptor; -1: none */
	int64_t spooled;      /* bytes in it, of this attempt */
	bool spool_whole;     /* all of the object */
	uint64_t spool_hash;  /* of what is in it, where that is needed */
	int64_t spool_looked; /* at how many bytes the disk was looked at */
	struct {
		int64_t size;
		uint64_t hash;
	} before;	 /* what the last attempt brought */
	bool spool_kept; /* handed to the content cache */
	int64_t served;	 /* bytes handed out */
	uint64_t uses;	 /* counts the ranges' and readers' uses */
	struct reader readers[READERS];
	bool near; /* the store is so close that few ranges at once suffice */
	/* What the content cache has of one segment, as of when it was asked.
	 */
	int64_t kept_segment; /* -1: not asked */
	uint64_t kept_blocks;
	int64_t used_ms;		 /* http_now of the last read */
	struct commit_hook size_hook;	 /* of the true size's write */
	TAILQ_HEAD(, held_range) ranges; /* by first */
	struct wait_list waiting;
	TAILQ_ENTRY(stream) link;
};

/* None yet. read_notes: streams.c's. NULL: out of memory. */
struct streams *streams_new(
    struct core *core, void (*read_notes)(void *streams));

/* Give up all of them. Nobody may wait for one. */
void streams_drop_all(struct streams *streams);

/* NULL is fine. Nobody may wait for one. */
void streams_free(struct streams *streams);

/* Begin op of streams: learn an object's true size. */
void streams_measure(void *streams, struct sync_op *op);

/* Begin to fetch an object that is likely to be read soon. 0; 1: it is here
 * already; -ENOSPC: there is no room for more ahead; or another error. */
int stream_prefetch(struct streams *streams, int64_t node_id);

/* ---- intake.c ---- */

/* Begin to fetch [first, first + len). 0 or -ENOMEM. */
int range_start(struct stream *stream, int64_t first, int64_t len);
void range_drop(struct held_range *range);

/* All ranges that wait for a URL, or for others to end, may go. 0 or -errno. */
int range_send_waiting(struct stream *stream);

/* ---- held.c ---- */

/* Bytes that a stream's ranges take up. */
int64_t stream_bytes_held(const struct stream *stream);

/* The range that pos lies in, whether its bytes have come or not; or NULL. */
struct held_range *stream_range_at(struct stream *stream, int64_t pos);

/* Whether all of [pos, end) is there. */
bool stream_holds(struct stream *stream, int64_t pos, int64_t end);

/* Copy what is there from pos on; how much that was. */
int64_t stream_copy(struct stream *stream, int64_t pos, char *out, int64_t len);

/* Hand to the content cache what has come and is sure. */
void stream_keep(struct stream *stream);

/* Some of a range's bytes are handed out. */
void stream_serve(
    struct stream *stream, struct held_range *range, int64_t bytes);

/* Let go of what was handed out, and of what is too much. */
void stream_drop_read(struct stream *stream);

/* The first request of all: one range, which tells the size as well. */
int stream_fetch_first(struct stream *stream, int64_t pos, int64_t end);

/* See to it that [pos, end) will come, and what its reader is likely to read
 * next. stalled: it waits. */
int stream_fetch(struct stream *stream, int64_t pos, int64_t end, bool stalled);

/* ---- reader.c ---- */

/* The reader that reads at pos: the one that was close before, or a new one in
 * the place of the longest unused. */
struct reader *stream_reader(struct stream *stream, int64_t pos);

/* It has got everything up to end. */
void reader_moved(struct reader *reader, int64_t end);

/* It waits for the bytes at pos: the window doubles. */
void reader_stalled(struct reader *reader, int64_t pos);

/* Its window, or less when others want their share of the room. */
int64_t reader_window(const struct stream *stream, const struct reader *reader);

/* Whether one is on his way to a range. */
bool reader_expects(
    const struct stream *stream, const struct held_range *range);

/* ---- streams.c ---- */

/* Learn what was read without asking: of streams, for streams_new. */
void streams_read_notes(void *streams);

/* Begin op of streams: read. */
void streams_read(void *streams, struct sync_op *op);

/* ---- stream.c, for the others ---- */

/* The object's stream, made if there is none. */
int stream_get(
    struct streams *streams, int64_t node_id, struct stream **ret_stream);
void stream_free(struct stream *stream);

/* Somebody waits for it. */
bool stream_is_busy(const struct stream *stream);

/* Note that it was used just now. */
void stream_use(struct stream *stream);

/* How much more may be held ahead of readers, all together: the longest unused
 * streams make room. */
int64_t stream_room_left(struct stream *for_stream);

/* The object has answered: its true size. 0; -ESTALE: it was another before;
 * or an error of the replica. */
int stream_learn_size(struct stream *stream, int64_t size);

/* The object turned out to be another than what was read so far: whoever reads
 * fails, and its name leads to a new node from now on. */
void stream_changed(struct stream *stream);

/* News: ranges have grown. The stream may be gone afterwards. */
void stream_progress(struct stream *stream);

/* The same, soon, and safe from within a transfer's callbacks. */
void stream_schedule_progress(struct stream *stream);

/* Nothing more is fetched until the disk has caught up. 0 or -ENOMEM. */
int stream_wait_for_disk(struct stream *stream);

/* The stream cannot go on: everybody gets err. The stream is gone. message,
 * if not NULL, goes to .bkendfs/errors and the log. */
void stream_fail(
    struct stream *stream, int err, int status, const char *message);
void stream_report(
    struct stream *stream, int err, int status, const char *message);

/* ---- version.c ---- */

/* Enough for a validator, or what stands for one. */
#define VERSION_TEXT 128

/* Take what was kept of the version that answered before; may be empty. */
void version_load(struct stream *stream, const char *kept);

/* What is to be kept of it. */
void version_text(const struct stream *stream, char out[VERSION_TEXT]);

/* Learn from the first answer, and hold others against it: 0; -ESTALE: it is of
 * another version. */
int version_check(struct stream *stream, const struct http_head *head);

enum whole {
	WHOLE_SURE,
	WHOLE_CUT,     /* there is more of it */
	WHOLE_UNSURE,  /* another attempt will tell */
	WHOLE_ANOTHER, /* than what was read before */
};

/* What an answer has brought into the spool. told: how much it was to be; -1:
 * not said. */
enum whole version_judge_whole(
    const struct stream *stream, int64_t told, bool ends_by_close);

/* ---- spool.c: what comes in one answer ---- */

/* Begin the spool file. 0 or -errno. */
int spool_open(struct stream *stream);

/* Forget what came; another attempt begins. */
void spool_restart(struct stream *stream);

/* 0; -EFBIG: it seems to have no end; -ENOSPC; or another error. */
int spool_add(struct stream *stream, const void *data, size_t len);

/* Whether readers may have all up to end. */
bool spool_holds(const struct stream *stream, int64_t end);

/* Read what it holds: len, or -errno. */
int64_t spool_read(struct stream *stream, int64_t pos, char *out, int64_t len);

#endif
