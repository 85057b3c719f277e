/* A file of .bkendfs, as fs shows it: whoever has something to tell has a row,
 * and fs needs not know what it tells. */
#ifndef STATUS_FILE_H
#define STATUS_FILE_H

#include "base/buf.h"

struct status_file {
	const char *name; /* NULL: the end of a list of rows */
	/* Append the content of this moment. Any thread, and soon: it never
	 * waits for the network. 0 or -errno. */
	int (*print)(void *ctx, struct buf *out);
	void *ctx;
};

#endif
