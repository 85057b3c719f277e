#include "sync/listing/known.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/write.h"
#include "sync/listing/entries.h"
#include "sync/listing/facts.h"
#include "sync/listing/sorting.h"

struct known {
	struct core *core;
	const struct folder *folder;
	known_settled_fn settled;
	void *ctx;
	struct replica_listing listing;
	int64_t proven;
	bool incomplete;
	struct commit_hook hook; /* of the next one's last write */
	bool settling;		 /* which waits for its commit */
	struct replica_listing next;
	int64_t next_proven;
	bool next_incomplete;
};

/* ---- life ---- */

/* What the server itself said was missing, when it was listed last. */
static int was_incomplete(const struct known *known, bool *ret_incomplete)
{
	CLEANUP_BUF struct buf words;
	buf_init(&words, BUF_MAX_DEFAULT);
	int r =
	    replica_shortfall(known->core->replica, known->folder->id, &words);
	if (r == 0)
		*ret_incomplete = words.len > 0;
	return r;
}

static void on_commit(void *ctx, int err)
{
	struct known *known = ctx;
	known->settling = false;
	if (err == 0) {
		known->listing = known->next;
		known->proven = known->next_proven;
		known->incomplete = known->next_incomplete;
	}
	known->settled(known->ctx, err);
}

struct known *known_new(struct core *core, const struct folder *folder,
    known_settled_fn settled, void *ctx)
{
	struct known *known = calloc(1, sizeof(*known));
	if (!known)
		return NULL;
	known->core = core;
	known->folder = folder;
	known->settled = settled;
	known->ctx = ctx;
	known->hook = (struct commit_hook){.fn = on_commit, .ctx = known};
	int r = replica_listing(core->replica, folder->id, &known->listing);
	if (r == 0)
		r = was_incomplete(known, &known->incomplete);
	if (r == 0)
		return known;
	free(known);
	return NULL;
}

void known_free(struct known *known)
{
	if (!known)
		return;
	known_stop(known);
	free(known);
}

void known_stop(struct known *known)
{
	write_unhook(&known->hook);
	known->settling = false;
}

/* ---- what it is ---- */

const struct replica_listing *known_listing(const struct known *known)
{
	return &known->listing;
}

int64_t known_proven(const struct known *known)
{
	return known->proven;
}

bool known_is_incomplete(const struct known *known)
{
	return known->incomplete;
}

bool known_is_settling(const struct known *known)
{
	return known->settling;
}

/* ---- what is noted of it ---- */

int known_doubt(struct known *known)
{
	struct replica_listing doubted = known->listing;
	doubted.flags |= LISTING_LOOSE;
	doubted.newest_ms = doubted.created_ms = NO_DATE;
	known->listing.flags |= LISTING_LOOSE;
	return entries_set_listing(known->core, known->folder, &doubted);
}

void known_keep_sorting(struct known *known, bool in_replica)
{
	struct core *core = known->core;
	struct replica_listing stored;
	known->listing.flags |= sorting_flags(core);
	if (!in_replica ||
	    replica_listing(core->replica, known->folder->id, &stored) < 0)
		return;
	stored.flags |= sorting_flags(core);
	int r = entries_set_listing(core, known->folder, &stored);
	if (r < 0)
		log_debug(
		    "%s: that it is sorted is not kept", known->folder->title);
}

/* ---- the next one ---- */

static void raise_date(int64_t *date_ms, int64_t raised_ms, int64_t known_ms)
{
	if (raised_ms > known_ms && raised_ms > *date_ms)
		*date_ms = raised_ms;
}

static int heed_raised(struct known *known, enum known_raised raised)
{
	const struct replica_listing *listing = &known->listing;
	struct replica_listing *next = &known->next, stored;
	bool any = raised == RAISED_ANY;
	if (raised == RAISED_NONE)
		return 0;
	int r =
	    replica_listing(known->core->replica, known->folder->id, &stored);
	if (r < 0)
		return r;
	raise_date(&next->newest_ms, stored.newest_ms,
	    any ? NO_DATE : listing->newest_ms);
	raise_date(&next->created_ms, stored.created_ms,
	    any ? NO_DATE : listing->created_ms);
	return 0;
}

/* What is listed now may be all that the server has, and yet, as it says
 * itself, not all that there is: that is kept with the listing. */
static int heed_shortfall(struct known *known)
{
	char words[API_SHORTFALL_SIZE] = "";
	known->next_incomplete = api_shortfall(
	    known->core->api, known->folder->table, words, sizeof(words));
	return replica_set_shortfall(
	    known->core->replica, known->folder->id, words);
}

int known_settle(struct known *known, const struct replica_listing *next,
    int64_t proven, enum known_raised raised)
{
	struct core *core = known->core;
	known->next = *next;
	known->next_proven = proven;
	sorting_recall(core, known->listing.flags);
	known->next.flags |= sorting_flags(core);
	int r = heed_raised(known, raised);
	if (r == 0)
		r = entries_set_listing(core, known->folder, &known->next);
	if (r == 0)
		r = heed_shortfall(known);
	if (r < 0)
		return r;
	known->settling = true;
	write_hook(core->write, &known->hook);
	return 0;
}
