/*
 * The directory of a replica's segment files: how much they take up, and which
 * were used longest ago. Nothing is remembered per file: the directory itself
 * is walked. For the content cache's thread, but for segments_dir.
 */
#ifndef CONTENT_SEGMENTS_H
#define CONTENT_SEGMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "replica/replica.h"

struct segments;

/* Open a replica's, made if need be. What an earlier replica of the same
 * project left is removed. 0 or -errno. */
int segments_open(struct replica *replica, struct segments **ret_segments);

/* Its end; the files stay. NULL is fine. */
void segments_close(struct segments *segments);

/* A descriptor of the directory of a replica's, if it is there: nothing is made
 * or removed. Or -errno. */
int segments_look(struct replica *replica);

/* The directory; borrowed. Any thread. */
int segments_dir(const struct segments *segments);

/* Count a part of what was there already. True: all is counted. */
bool segments_count_some(struct segments *segments);

/* Bytes on the disk, directories included, as far as counted. */
int64_t segments_bytes(const struct segments *segments);

/* A segment of node takes up so many bytes more. */
void segments_added(struct segments *segments, int64_t node, int64_t bytes);

/* Remove files until all take up at most so many bytes, as far as they can be
 * removed: first those whose object is gone, then the longest unused; never
 * those of an object that is pinned, and current. */
void segments_shrink(struct segments *segments, int64_t bytes);

/* Files removed by segments_shrink. */
uint64_t segments_removed(const struct segments *segments);

#endif
