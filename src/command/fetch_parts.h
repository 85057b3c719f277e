/*
 * What the parts of --fetch share. The main thread shows how far it has got,
 * and takes in signals; another one goes through the project, and reads the
 * stored files by some more.
 */
#ifndef COMMAND_FETCH_PARTS_H
#define COMMAND_FETCH_PARTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/lock.h"
#include "command/contact.h"
#include "command/progress.h"
#include "config/options.h"
#include "content/content.h"
#include "mcp/mcp.h"
#include "replica/replica.h"
#include "sync/sync.h"

/* A stored file that is to be there whole. */
struct fetch_object {
	int64_t id; /* its current node's */
	int err;    /* why it is not; 0: it seems to be */
	bool kept;  /* it was found on the disk */
};

struct fetch {
	/* Immutable while the threads live. */
	const struct options *options;
	struct contact *contact;
	struct replica *replica;
	struct content *content; /* NULL: contents cannot be kept */
	struct mcp *mcp;
	struct sync *sync;
	struct progress *progress;
	/* The walk's own. */
	struct fetch_object *objects;
	size_t object_count;
	int64_t records;
	size_t tables;
	struct buf gone; /* names of tables that are not there any more */
	int64_t bytes;	 /* of the objects, as far as known */
	bool too_small;
	struct lock lock;
	pthread_cond_t news;
	/* Under lock. */
	bool walked; /* the walk has ended */
	bool over;   /* nothing is answered any more */
	int signal;  /* that ended it; 0: none */
	char **missing;
	size_t missing_count;
	size_t next_object;
};

/* A question to sync, which has to live until it is answered. */
struct fetch_question {
	struct sync_op op;
	struct fetch *fetch;
	bool answered;
	int err;
};

/* Ask it, and wait: 0 or what it ended with. -EINTR: nothing is answered any
 * more. Any thread but main. */
int fetch_ask(struct fetch *fetch, struct fetch_question *question,
    void (*start)(struct sync *sync, struct sync_op *op));

/* Whether nothing is answered any more. Any thread. */
bool fetch_is_over(struct fetch *fetch);

/* Something will not be in the replica. Any thread. */
void fetch_misses(struct fetch *fetch, const char *what, const char *why);

/* Bring all tables with their specs, and the list of files, into the replica;
 * find out which objects there are. The walk's thread. */
void fetch_tables(struct fetch *fetch);

/* Whether the cache can hold the objects; says so where not. The walk's
 * thread. */
bool fetch_has_room(struct fetch *fetch);

/* Read all objects whole. The walk's thread. */
void fetch_objects(struct fetch *fetch);

/* Look at what is kept of them, once nobody writes any more. Main thread. */
void fetch_prove_objects(struct fetch *fetch);

#endif
