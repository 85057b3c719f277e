/*
 * The whole of an object from one answer, in a file without a name: of stores
 * that ignore Range, or that say nothing by which two answers could be told to
 * be of one version.
 *
 * intake.c fills it, stream.c reads it. Loop thread only.
 */
#ifndef SYNC_OBJECT_SPOOL_H
#define SYNC_OBJECT_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "content/content.h"

struct spool;

/* An empty one, without a file yet. NULL: out of memory. */
struct spool *spool_new(void);

/* NULL is fine. */
void spool_free(struct spool *spool);

/* What is to come. */
struct spool_plan {
	int64_t told; /* so many bytes; -1: not said ... */
	int64_t most; /* ... but no more than that; 0: any */
	bool alone;   /* readers may have none of it before it is whole */
};

/* An answer begins: forget what came before. 0 or -errno. */
int spool_begin(struct spool *spool, const struct spool_plan *plan);

/* Its next bytes. 0; -EPROTO: more than was told; -EFBIG: it seems to have no
 * end; -ENOSPC; or another error. */
int spool_add(struct spool *spool, const void *data, size_t len);

/* What has come is the whole object. */
void spool_finish(struct spool *spool);

/* Whether that was said. */
bool spool_is_whole(const struct spool *spool);

/* How much the last answer brought. */
int64_t spool_size(const struct spool *spool);

/* How much it was to bring, as planned; -1: that was not told. */
int64_t spool_told(const struct spool *spool);

/* The hash of what it brought, where the plan was alone, or told is -1. */
uint64_t spool_hash(const struct spool *spool);

/* Whether readers may have all up to end. */
bool spool_holds(const struct spool *spool, int64_t end);

/* Read what it holds: len, or -errno. */
int64_t spool_read(struct spool *spool, int64_t pos, char *out, int64_t len);

/* Hand the whole to the content cache, once, as a node's: if that is sure. */
void spool_keep(
    struct spool *spool, struct content *content, const struct node *node);

#endif
