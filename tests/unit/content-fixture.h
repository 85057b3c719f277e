/*
 * A content cache beside a real replica, in a directory of its own. Objects are
 * made of bytes that tell their node and position apart.
 */
#ifndef CONTENT_FIXTURE_H
#define CONTENT_FIXTURE_H

#include "content/content.h"
#include "content/segment.h"

#define KIB ((int64_t)1 << 10)
#define MIB ((int64_t)1 << 20)
#define BLOCK CONTENT_BLOCK
#define AMPLE (1024 * MIB)

extern struct content *content;
extern struct replica *replica;
extern char cache_dir[64];

/* Added to the clock that the cache goes by, in milliseconds. */
extern _Atomic int64_t clock_ahead_ms;

int fixture_setup(void **state); /* opens with AMPLE */
int fixture_teardown(void **state);

void cache_open(int64_t limit);
void cache_close(void);

/* Everything is written; the cache is open anew, with the same limit. */
void settle(void);

/* Put objects of a size into the replica; the first one's node id. */
int64_t put_objects(int count, int64_t size);

/* The bytes of an object, [first, first + len); the caller frees them. */
char *object_bytes(int64_t node, int64_t first, int64_t len);

/* Hand bytes of an object to the cache. */
void keep(int64_t node, int64_t size, int64_t first, int64_t len);
void keep_whole(int64_t node, int64_t size);

/* A node whose size is proven. */
struct node proven(int64_t node, int64_t size);

/* What content_read says; what it gave must be right. */
int try_read(int64_t node, int64_t size, int64_t offset, int64_t len);

void assert_kept_at(int64_t node, int64_t size, int64_t offset, int64_t len,
    const char *file, int line);
void assert_absent_at(int64_t node, int64_t size, int64_t offset, int64_t len,
    const char *file, int line);
#define assert_kept(node, size, offset, len)                                   \
	assert_kept_at(node, size, offset, len, __FILE__, __LINE__)
#define assert_absent(node, size, offset, len)                                 \
	assert_absent_at(node, size, offset, len, __FILE__, __LINE__)

/* Wait, for as long as a slow machine needs, until a whole object is kept and
 * all is written: what waits to be is read from memory. */
void await_kept(int64_t node, int64_t size);

struct content_totals totals(void);

/* ---- what is on the disk ---- */

/* The one directory that holds segments, or what matches there. */
void content_path(const char *below, char out[256]);

/* A segment's file. */
void segment_file(int64_t node, int64_t segment, char out[256]);

/* Bytes that a tree takes up, as du counts them. */
int64_t disk_usage(const char *path);

/* Change a byte of a file. */
void flip(const char *path, int64_t offset);

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
