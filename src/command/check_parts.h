/* What the parts of --check share: who asks, and what a full backup would take,
 * as far as it is told by now. Main thread. */
#ifndef COMMAND_CHECK_PARTS_H
#define COMMAND_CHECK_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command/contact.h"
#include "command/own_replica.h"
#include "command/survey.h"
#include "config/options.h"
#include "mcp/mcp.h"

struct check {
	const struct options *options;
	struct contact *contact;
	struct survey *survey;
	struct mcp *mcp;
	struct candidates *told; /* who lists tables; NULL: nobody did */
	struct own_table *found; /* tables that only the replica names */
	/* What a full backup takes. */
	int64_t requests;
	int64_t downloads;
	double bytes;
	bool at_least;	   /* a server did not tell all of it */
	size_t tables;	   /* that are known */
	bool is_api;	   /* something that was asked for is there */
	int signal;	   /* that ended the question for them; 0: none */
	unsigned problems; /* that would make it fail */
};

/* Say so where the server itself says that something of it is missing: the
 * copy that it has is not whole, so that no backup of it is. */
void check_tell_incomplete(
    struct check *check, const struct survey_listing *listing);

/* Add what it takes to have a listing. */
void check_count_listing(
    struct check *check, const struct survey_listing *listing);

#endif
