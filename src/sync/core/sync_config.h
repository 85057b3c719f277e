/* What sync is made with: what it works on, and how. */
#ifndef SYNC_CORE_SYNC_CONFIG_H
#define SYNC_CORE_SYNC_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "content/content.h"
#include "replica/replica.h"

struct mcp;

/* Borrowed for the life of the sync. */
struct sync_config {
	struct http *http;
	struct api *api; /* NULL: offline */
	struct mcp *mcp; /* who lists tables; NULL: nobody */
	struct replica *replica;
	struct content *content; /* NULL: file contents are not kept */
	struct failures *failures;
	struct activities *activities; /* NULL: nobody asks what is done */
	const char *const *tables;     /* named in the settings; NULL ends */
	int64_t ttl_ms;
	unsigned connections;
	bool verify_sizes;
	/* An object that nobody told the length of has at most so many bytes;
	 * 0: any. */
	int64_t untold_max;
	/* A name leads to another node now. Called on the loop thread, must
	 * not block; may be NULL. */
	void (*name_changed)(void *ctx, int64_t dir, const char *name);
	/* Every name is due for a check. Likewise. */
	void (*names_expired)(void *ctx);
	void *ctx;
};

#endif
