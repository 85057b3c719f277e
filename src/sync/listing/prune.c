#include "sync/listing/prune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/position.h"
#include "sync/listing/entries.h"
#include "sync/listing/facts.h"

/* A listed record of the page that is being compared. */
struct known {
	int64_t node;
	struct buf key;
};

struct prune {
	struct core *core;
	const struct folder *folder;
	struct replica_listing *listing;
	prune_done_fn done;
	void *ctx;
	struct api_call *call;
	int64_t total; /* records that the server has */
	int64_t gone;  /* to be found */
	int64_t found;
	int64_t newest_ms; /* that the server has */
	int64_t *nodes;	   /* those found; room for gone */
	int64_t low;	   /* pages below this one are settled */
	int64_t high;	   /* this one has a gap; pages: none is known to */
	bool whole_page;   /* what was asked for: a page, or one record */
	int64_t asked;	   /* which: its page; the record is the page's last */
	int64_t came;	   /* records */
	bool fits;	   /* what came fits what is known */
	struct known *known; /* whole_page: what may come */
	int64_t known_count;
	int64_t next; /* of known */
	bool complete;
};

static void forget_known(struct prune *prune)
{
	for (int64_t i = 0; i < prune->known_count; i++)
		buf_done(&prune->known[i].key);
	free(TAKE(prune->known));
	prune->known_count = prune->next = 0;
}

void prune_free(struct prune *prune)
{
	if (!prune)
		return;
	api_cancel(prune->call);
	forget_known(prune);
	free(prune->nodes);
	free(prune);
}

int64_t prune_found(const struct prune *prune)
{
	return prune && prune->complete ? prune->found : 0;
}

static int64_t pages_of(int64_t total)
{
	return (total + PAGE_LIMIT - 1) / PAGE_LIMIT;
}

/* The server's index of a page's last record. */
static int64_t last_of(const struct prune *prune, int64_t page)
{
	int64_t end = (page + 1) * PAGE_LIMIT;
	return (end < prune->total ? end : prune->total) - 1;
}

/* ---- what is known ---- */

/* Load up to count records from the index-th of the listing on. */
static int load_known(struct prune *prune, int64_t index, int64_t count)
{
	struct replica *replica = prune->core->replica;
	forget_known(prune);
	prune->known = calloc((size_t)count, sizeof(*prune->known));
	int64_t *ids = calloc((size_t)count, sizeof(*ids)), loaded = 0;
	int r = prune->known && ids ? 0 : -ENOMEM;
	if (r == 0)
		r = replica_nth(replica, prune->folder->id,
		    slot_start(prune->listing->base, 1), index, count, ids,
		    &loaded);
	for (int64_t i = 0; r == 0 && i < loaded; i++) {
		struct known *known = &prune->known[prune->known_count++];
		known->node = ids[i];
		buf_init(&known->key, RECORD_ID_MAX);
		r = replica_key(replica, ids[i], &known->key);
	}
	free(ids);
	return r;
}

/* One that was expected here did not come: it is gone. */
static bool skip_known(struct prune *prune)
{
	if (prune->found >= prune->gone)
		return false;
	prune->nodes[prune->found++] = prune->known[prune->next++].node;
	return true;
}

/* Compare a record that came with what is known to come. */
static void compare(struct prune *prune, const struct buf *id)
{
	while (prune->fits && prune->next < prune->known_count) {
		const struct buf *key = &prune->known[prune->next].key;
		if (buf_compare(key, id) == 0) {
			prune->next++;
			return;
		}
		/* A lone record is no proof that one before it is gone. */
		prune->fits = prune->whole_page && skip_known(prune);
	}
	prune->fits = false;
}

/* ---- asking ---- */

static void go_on(struct prune *prune);

static int on_record(void *ctx, const char *text, size_t len)
{
	struct prune *prune = ctx;
	struct record record;
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	compare(prune, &record.id);
	prune->came++;
	record_done(&record);
	return 0;
}

/* What was found gone in a page goes with it; there is no harm in listing
 * anew instead, and answers that begin again are rare. */
static void on_restart(void *ctx)
{
	struct prune *prune = ctx;
	prune->fits = prune->came == 0;
}

static void end(struct prune *prune, enum prune_verdict verdict, int err)
{
	prune->done(prune->ctx, verdict, err);
}

static void on_answer(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct prune *prune = ctx;
	prune->call = NULL;
	if (error->err && error->err != -EPROTO) {
		end(prune, PRUNE_FAILED, error->err);
		return;
	}
	int64_t expected = 1;
	if (prune->whole_page)
		expected = last_of(prune, prune->asked) -
			   prune->asked * PAGE_LIMIT + 1;
	if (error->err || page->total != prune->total ||
	    prune->came != expected || (prune->whole_page && !prune->fits)) {
		end(prune, PRUNE_ANEW, 0);
		return;
	}
	if (!prune->fits)
		prune->high = prune->asked;
	else
		prune->low = prune->asked + 1;
	if (prune->whole_page)
		prune->high = pages_of(prune->total);
	go_on(prune);
}

/* Ask for a page, or for its last record. */
static void ask(struct prune *prune, int64_t page, bool whole)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .restart = on_restart,
	    .done = on_answer,
	};
	int64_t index = whole ? page * PAGE_LIMIT : last_of(prune, page);
	struct api_query query = {
	    .subject = prune->folder->title,
	    .table = prune->folder->table,
	    .page = (whole ? page : index) + 1,
	    .limit = whole ? PAGE_LIMIT : 1,
	    .presence = API_LISTED,
	};
	prune->whole_page = whole;
	prune->asked = page;
	prune->came = 0;
	prune->fits = true;
	int r = load_known(prune, index + prune->found,
	    whole ? PAGE_LIMIT + prune->gone - prune->found : 1);
	if (r == 0) {
		prune->call = api_list(prune->core->api, &query, &sink, prune);
		r = prune->call ? 0 : -ENOMEM;
	}
	if (r < 0)
		end(prune, PRUNE_FAILED, r);
}

/* What stands behind the server's last record is gone. */
static int take_rest(struct prune *prune)
{
	int64_t rest = prune->gone - prune->found;
	if (rest == 0)
		return 0;
	int r = load_known(prune, prune->total + prune->found, rest);
	while (r == 0 && prune->next < prune->known_count)
		skip_known(prune);
	return r == 0 && prune->found < prune->gone ? -EPROTO : r;
}

/* ---- the newest one that is left ---- */

/* So many records are looked through, on the loop thread. */
#define RELEARN_MAX 100000

static bool can_relearn(const struct replica_listing *listing)
{
	return listing->count <= RELEARN_MAX &&
	       !(listing->flags & LISTING_UNDATED);
}

struct relearn {
	const struct prune *prune;
	int64_t newest_ms;
};

static int look_through(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	struct relearn *relearn = ctx;
	const struct prune *prune = relearn->prune;
	(void)name;
	(void)pos;
	if (node->kind != NODE_KIND_RECORD ||
	    node->mtime_ms <= relearn->newest_ms)
		return 0;
	for (int64_t i = 0; i < prune->found; i++) {
		if (prune->nodes[i] == node->id)
			return 0;
	}
	relearn->newest_ms = node->mtime_ms;
	return 0;
}

/*
 * The newest one may be gone itself. Then the newest that is left must be the
 * server's: in a database that was put back, what changed since is newer.
 */
static int relearn_newest(struct prune *prune)
{
	struct replica_listing *next = prune->listing;
	struct relearn relearn = {prune, NO_DATE};
	if (prune->newest_ms >= next->newest_ms)
		return 0;
	int r = replica_entries(prune->core->replica, prune->folder->id,
	    next->base, next->end, look_through, &relearn);
	if (r == 0) {
		next->newest_ms = relearn.newest_ms;
		if (next->since_ms > next->newest_ms)
			next->since_ms = next->newest_ms;
	}
	return r;
}

/* Settled are all pages below low; the first gap is in a page up to high. */
static void go_on(struct prune *prune)
{
	int64_t pages = pages_of(prune->total);
	if (prune->low >= pages) {
		if (take_rest(prune) < 0 || relearn_newest(prune) < 0) {
			end(prune, PRUNE_ANEW, 0);
			return;
		}
		log_debug("%s: %lld records are gone", prune->folder->title,
		    (long long)prune->found);
		prune->complete = true;
		end(prune, PRUNE_FOUND, 0);
	} else if (prune->high == pages) {
		/* Either all the rest is as it was, or there is a gap. */
		ask(prune, pages - 1, false);
	} else if (prune->found == prune->gone) {
		end(prune, PRUNE_ANEW, 0); /* a gap too many */
	} else if (prune->low < prune->high) {
		ask(prune, prune->low + (prune->high - prune->low) / 2, false);
	} else {
		ask(prune, prune->low, true);
	}
}

/* ---- beginning, and its use ---- */

/* Questions for one gap: whether there is one, which page, what is in it. */
static bool is_worth_it(int64_t gone, int64_t total)
{
	int64_t pages = pages_of(total), each = 2;
	for (int64_t left = pages; left > 1; left = (left + 1) / 2)
		each++;
	return gone <= pages && gone * each + 1 <= pages / 2;
}

struct prune *prune_new(struct core *core, const struct folder *folder,
    struct replica_listing *listing, int64_t total, int64_t newest_ms,
    prune_done_fn done, void *ctx)
{
	int64_t gone = listing->count - total;
	if (gone <= 0 || !(listing->flags & LISTING_ORDERED) ||
	    !is_worth_it(gone, total) ||
	    (newest_ms < listing->newest_ms && !can_relearn(listing)))
		return NULL;
	struct prune *prune = calloc(1, sizeof(*prune));
	if (!prune)
		return NULL;
	*prune = (struct prune){
	    .core = core,
	    .folder = folder,
	    .listing = listing,
	    .done = done,
	    .ctx = ctx,
	    .total = total,
	    .gone = gone,
	    .newest_ms = newest_ms,
	    .high = pages_of(total),
	    .nodes = calloc((size_t)gone, sizeof(*prune->nodes)),
	};
	if (!prune->nodes) {
		prune_free(prune);
		return NULL;
	}
	return prune;
}

void prune_run(struct prune *prune)
{
	go_on(prune);
}

int prune_adopt(struct prune *prune)
{
	int64_t found = prune_found(prune);
	if (!found)
		return 0;
	int r = entries_bury(prune->core, prune->folder, prune->listing->side,
	    prune->nodes, found);
	if (r == 0)
		prune->listing->count -= found;
	return r;
}
