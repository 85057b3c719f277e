/* The replica's own state, which opening, reading (query.c) and writing share:
 * inside replica/ only. */
#ifndef REPLICA_INTERNAL_H
#define REPLICA_INTERNAL_H

#include "base/lock.h"
#include "replica/replica.h"
#include "replica/connection.h"
#include "replica/pool.h"

struct replica {
	/* Immutable after open. */
	char *path;	   /* of the database, or of the one archived */
	char *copy;	   /* an archived one's, that is used in its place */
	char *private_dir; /* to be removed at the end; NULL: none */
	int lock_fd;	   /* holds the project's lock, or private_dir's */
	bool archived;	   /* nothing of it is written */
	enum connection_kind readers; /* how those of the pool are opened */
	bool renewed;		      /* renew_end is owed */
	int64_t made_ms;
	int64_t run;
	int64_t next_id;  /* the writing thread's */
	bool expects_new; /* the same: the last row put was new */
	int failed; /* the same: -errno of what was not written of all that is
		       committed together; 0 */
	int64_t patience_ms;	       /* at the end; INT64_MAX: for ever */
	struct replica_totals written; /* the same: not committed yet */
	struct checkpointer *checkpointer;
	struct connection *writer; /* the writing thread's */
	struct pool *pool;	   /* connections for who reads */
	struct lock lock;
	/* Under lock. */
	struct replica_totals totals;
};

/* Between replica_begin and replica_commit: whether what is written now would
 * be a part of that. 0, or why not, which replica->failed is then. */
int writer_may_go_on(struct replica *replica);

#endif
