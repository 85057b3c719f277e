/*
 * All that is asked to find out which tables there are: bounded in number and
 * time, with a place for what is found and a word on what failed. One thread;
 * calls wait, as web.h says. Made by finder.c, used by tool_finder.c and
 * resource_finder.c.
 */
#ifndef MCP_INQUIRY_H
#define MCP_INQUIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "mcp/candidates.h"
#include "mcp/conversation.h"
#include "mcp/error.h"
#include "mcp/items.h"

struct inquiry {
	struct conversation *conversation;
	struct candidates *candidates;
	/* Told of what failed while others went well; error is borrowed. */
	void (*note)(void *ctx, const struct mcp_error *error);
	void *ctx;
	unsigned questions; /* asked so far */
	int64_t until;	    /* on the clock of timestamp_mono_ms */
	bool told;	    /* a list of tables came */
};

/* Pages of one list, at most. */
#define INQUIRY_PAGES_MAX 100

/* Ask, as conversation_ask does. -E2BIG: it has been enough. */
int inquiry_ask(struct inquiry *inquiry, const char *method, const char *params,
    const char *what, struct rpc_answer *ret_answer, struct mcp_error *error);

/* Whether an error ends all of it, not one list alone. */
bool inquiry_is_over(const struct mcp_error *error);

/* Note an error that others may survive: 0. One that ends all: as it is. */
int inquiry_tolerate(struct inquiry *inquiry, const struct mcp_error *error);

/* Note that what is meant for a human. */
void inquiry_complain(
    struct inquiry *inquiry, const char *what, const char *message);

/* The items of an answer, as items_read: 0, or error->err; then there are none
 * to be freed. */
int inquiry_items(const struct rpc_answer *answer, const char *what,
    struct items **ret_items, struct mcp_error *error);

/* Ask for all pages of a list that goes by cursors; take is handed each, and
 * may end it by -errno. 0, or error->err. */
int inquiry_by_cursor(struct inquiry *inquiry, const char *method,
    int (*take)(void *ctx, const struct rpc_answer *answer), void *ctx,
    struct mcp_error *error);

/* A table that stands in an item, and to which group that belongs: what the
 * item does not say of it, group does. 0 or -ENOMEM. */
int inquiry_take_table(struct inquiry *inquiry, const struct items *items,
    size_t index, const char *group);

#endif
