/*
 * Who reads an object, how far each one is, and how far to get ahead of it.
 * Pure. Loop thread only.
 */
#ifndef SYNC_OBJECT_READER_H
#define SYNC_OBJECT_READER_H

#include <stdbool.h>
#include <stdint.h>

/* Readers of one object that are told apart. */
#define READERS 4

/* Reads that arrive out of order by so much still count as sequential. */
#define OUT_OF_ORDER ((int64_t)1 << 20)

/* All of one object. Times are http_now's. */
struct readers;

struct reader;

/* None yet. NULL: out of memory. */
struct readers *readers_new(void);

/* NULL is fine. */
void readers_free(struct readers *readers);

/* The reader that reads at pos now: the one that was close before, or a new one
 * in the place of the longest unused. Borrowed until the next call of this. */
struct reader *readers_at(struct readers *readers, int64_t pos, int64_t now_ms);

/* How many of them read sequentially, and are at work. */
unsigned readers_sequential(const struct readers *readers, int64_t now_ms);

/* Whether one is on the way to [first, end). */
bool readers_expect(
    const struct readers *readers, int64_t first, int64_t end, int64_t now_ms);

/* Whether it has a window at all. */
bool reader_is_sequential(const struct reader *reader);

/* The furthest position that it has got to. */
int64_t reader_pos(const struct reader *reader);

/* It begins at the object's first byte: taken for sequential at once. */
void reader_begins(struct reader *reader);

/* It has got everything up to end. */
void reader_moved(struct reader *reader, int64_t end);

/* It waits for the bytes at pos: the window doubles. */
void reader_stalled(struct reader *reader, int64_t pos);

/* How far to get ahead of it; 0: it reads here and there. share: of the room
 * that all have together. */
int64_t reader_window(const struct reader *reader, int64_t share);

#endif
