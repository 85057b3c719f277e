/*
 * The files of .bkendfs/tables, each under an inode number of its own, until
 * the kernel has forgotten it. They are made on a thread of their own: to go
 * over a million entries takes the disk's time. Any thread, unless said.
 */
#ifndef FS_NDJSONS_H
#define FS_NDJSONS_H

#include <sys/queue.h>

#include "fs/text.h"
#include "replica/replica.h"

/* Inode numbers of these files. */
#define NDJSON_FIRST (INT64_C(1) << 61)

struct ndjsons;

/* A listing that is whole. version: a number by which it is known when it is
 * met again; 0: it is not. */
struct ndjson_job {
	int64_t dir;
	int64_t base;
	int64_t end;
	uint64_t version;
	/* Called once, on the thread: id is the file's number, which the kernel
	 * is to be told once more; or -errno. */
	void (*done)(void *ctx, int64_t id);
	void *ctx;
	STAILQ_ENTRY(ndjson_job) link;
};

/* Of a replica and its texts, which must outlive it. NULL: out of memory. */
struct ndjsons *ndjsons_new(struct replica *replica, struct texts *texts);

/* NULL is fine. */
void ndjsons_free(struct ndjsons *ndjsons);

/* Jobs that are left end with -EIO; the thread ends. */
void ndjsons_end(struct ndjsons *ndjsons);

/* Make one, or find it again: done gets -ENFILE where too many are in use, or
 * what ndjson_make says. */
void ndjsons_make(struct ndjsons *ndjsons, struct ndjson_job *job);

/* The kernel has forgotten the number so many times, of those it was told. */
void ndjsons_forget(struct ndjsons *ndjsons, int64_t id, uint64_t count);

/* Its size, and when it was made, on the wall clock. 0 or -ESTALE. */
int ndjsons_facts(struct ndjsons *ndjsons, int64_t id, int64_t *ret_size,
    int64_t *ret_made_ms);

/* See ndjson_read; -ESTALE. */
int ndjsons_read(struct ndjsons *ndjsons, int64_t id, int64_t offset,
    size_t len, struct buf *out);

#endif
