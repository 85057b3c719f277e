/*
 * Reads of a stored file as fs/ makes them, and what they ask the store for.
 */
#ifndef READER_FIXTURE_H
#define READER_FIXTURE_H

#include "stream-fixture.h"

#define STEP CONTENT_BLOCK

/* What the store has. */
extern int64_t object_size;
extern const char *object_etag;

/* A new object, mounted with a content cache. */
int64_t kept_file(int64_t size);

/* Serve URLs and ranges of the object until nothing is asked for. */
void serve_object(void);

struct node node_of(int64_t id);

/* Read as fs/ does: at once, or by asking. How it ended. */
int read_as_fs(int64_t id, int64_t offset, int64_t len);

/* Bytes that were asked for since a number of calls. */
int64_t asked_since(size_t number);

/* How far was asked for, of [first, end). */
int64_t asked_until(int64_t first, int64_t end);

#endif
