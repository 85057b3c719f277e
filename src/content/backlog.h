/*
 * What waits to be written to the disk: bytes in memory, or a file. Until it is
 * written it can be read from here. The content cache puts jobs in, on any
 * thread; its keeper takes them out.
 */
#ifndef CONTENT_BACKLOG_H
#define CONTENT_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/blob.h"

struct backlog;

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

/* NULL: out of memory. */
struct backlog *backlog_new(void);

/* Nobody uses it any more; it is empty. NULL is fine. */
void backlog_free(struct backlog *backlog);

/* Add a copy of a job; its reference to the blob, or its descriptor, is the
 * backlog's from here on. What is too much is dropped. Any thread. */
void backlog_add(struct backlog *backlog, const struct job *job);

/* What backlog_next found. */
enum backlog_news {
	BACKLOG_JOB,
	BACKLOG_NONE,	    /* at the moment */
	BACKLOG_IDLE,	    /* for as long as was waited */
	BACKLOG_IN_THE_WAY, /* what is kept is to make way: told once */
	BACKLOG_OVER,	    /* nor will there be any: it is to end */
};

/* The oldest job, lent until backlog_written. wait: for a few seconds, where
 * there is none. The keeper's thread. */
enum backlog_news backlog_next(
    struct backlog *backlog, bool wait, const struct job **ret_job);

/* The oldest job is on the disk, or will never be. The keeper's thread. */
void backlog_written(struct backlog *backlog);

/* What is kept is in the way of something that comes first: backlog_next tells
 * of it, before any job. Any thread. */
void backlog_make_way(struct backlog *backlog);

/* No more jobs come: backlog_next tells when all are written. Any thread. */
void backlog_end(struct backlog *backlog);

/* What waits is only worth being written for so long from now on, in
 * milliseconds: see backlog_is_late. Any thread. */
void backlog_hurry(struct backlog *backlog, int64_t ms);

/* Whether that time is over: then jobs are taken out, and dropped. Any
 * thread. */
bool backlog_is_late(struct backlog *backlog);

/* Whether nothing waits, nor is being written. Any thread. */
bool backlog_is_empty(struct backlog *backlog);

/* Bytes of memory that wait. Any thread. */
int64_t backlog_bytes(struct backlog *backlog);

/* Copy what one job has of [offset, end) of an object, from offset on, to out:
 * so many bytes, or 0. Any thread. */
int64_t backlog_read(struct backlog *backlog, int64_t node, int64_t offset,
    int64_t end, char *out);

#endif
