/* What stat says. Any thread; asks nobody. */
#ifndef FS_ATTR_H
#define FS_ATTR_H

#include <stdbool.h>
#include <sys/stat.h>

#include "replica/replica.h"

/* What the attributes of all files depend on. */
struct attrs {
	uid_t uid;
	gid_t gid;
	bool raw;	    /* record text is shown as it came */
	int64_t made_ms;    /* when the replica was made */
	int64_t started_ms; /* when the mount was: both on the wall clock */
};

/* Of a node. */
void attr_of_node(
    const struct attrs *attrs, const struct node *node, struct stat *out);

/* Of a directory that always exists. False: there is none of that number. */
bool attr_of_fixed(const struct attrs *attrs, int64_t id, struct stat *out);

/* Of a file of .bkendfs: its size in bytes, and when its content was made. */
void attr_of_snapshot(const struct attrs *attrs, int64_t id, int64_t size,
    int64_t made_ms, struct stat *out);

/* Whether a node's content is text that the server sent: a record, a spec. */
bool attr_is_text(const struct node *node);

/* What tells a node from one that had its number in a replica before this one:
 * file handles (NFS) outlive mounts, and may outlive a replica. */
uint64_t attr_generation(const struct attrs *attrs, int64_t id);

#endif
