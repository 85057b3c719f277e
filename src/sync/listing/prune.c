#include "sync/listing/prune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "sync/listing/refresh.h"

/* A listed record of the page that is being compared. */
struct known {
	int64_t node;
	struct buf key;
};

struct prune {
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
	forget_known(prune);
	free(prune->nodes);
	free(prune);
}

int64_t prune_found(const struct lister *lister)
{
	const struct prune *prune = lister->prune;
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
static int load_known(struct lister *lister, int64_t index, int64_t count)
{
	struct prune *prune = lister->prune;
	struct replica *replica = lister->core->replica;
	forget_known(prune);
	prune->known = calloc((size_t)count, sizeof(*prune->known));
	int64_t *ids = calloc((size_t)count, sizeof(*ids)), loaded = 0;
	int r = prune->known && ids ? 0 : -ENOMEM;
	if (r == 0)
		r = replica_nth(replica, lister->folder.id,
		    lister->delta.next.base + (INT64_C(1) << PAGE_BITS), index,
		    count, ids, &loaded);
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

static void go_on(struct lister *lister);

static int on_record(void *ctx, const char *text, size_t len)
{
	struct lister *lister = ctx;
	struct record record;
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	compare(lister->prune, &record.id);
	lister->prune->came++;
	record_done(&record);
	return 0;
}

/* What was found gone in a page goes with it; there is no harm in listing
 * anew instead, and answers that begin again are rare. */
static void on_restart(void *ctx)
{
	struct lister *lister = ctx;
	lister->prune->fits = lister->prune->came == 0;
}

static void on_answer(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct lister *lister = ctx;
	struct prune *prune = lister->prune;
	lister->probe_call = NULL;
	if (error->err && error->err != -EPROTO) {
		lister_failed(lister, error->err);
		return;
	}
	int64_t expected = 1;
	if (prune->whole_page)
		expected = last_of(prune, prune->asked) -
			   prune->asked * PAGE_LIMIT + 1;
	if (error->err || page->total != prune->total ||
	    prune->came != expected || (prune->whole_page && !prune->fits)) {
		refresh_anew(lister);
		return;
	}
	if (!prune->fits)
		prune->high = prune->asked;
	else
		prune->low = prune->asked + 1;
	if (prune->whole_page)
		prune->high = pages_of(prune->total);
	go_on(lister);
}

/* Ask for a page, or for its last record. */
static void ask(struct lister *lister, int64_t page, bool whole)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .restart = on_restart,
	    .done = on_answer,
	};
	struct prune *prune = lister->prune;
	int64_t index = whole ? page * PAGE_LIMIT : last_of(prune, page);
	struct api_query query = {
	    .subject = lister->folder.title,
	    .table = lister->folder.table,
	    .page = (whole ? page : index) + 1,
	    .limit = whole ? PAGE_LIMIT : 1,
	};
	prune->whole_page = whole;
	prune->asked = page;
	prune->came = 0;
	prune->fits = true;
	int r = load_known(lister, index + prune->found,
	    whole ? PAGE_LIMIT + prune->gone - prune->found : 1);
	if (r == 0) {
		lister->probe_call =
		    api_list(lister->core->api, &query, &sink, lister);
		r = lister->probe_call ? 0 : -ENOMEM;
	}
	if (r < 0)
		lister_failed(lister, r);
}

/* What stands behind the server's last record is gone. */
static int take_rest(struct lister *lister)
{
	struct prune *prune = lister->prune;
	int64_t rest = prune->gone - prune->found;
	if (rest == 0)
		return 0;
	int r = load_known(lister, prune->total + prune->found, rest);
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
static int relearn_newest(struct lister *lister)
{
	struct replica_listing *next = &lister->delta.next;
	struct relearn relearn = {lister->prune, NO_DATE};
	if (lister->prune->newest_ms >= next->newest_ms)
		return 0;
	int r = replica_entries(lister->core->replica, lister->folder.id,
	    next->base, next->end, look_through, &relearn);
	if (r == 0) {
		next->newest_ms = relearn.newest_ms;
		if (next->since_ms > next->newest_ms)
			next->since_ms = next->newest_ms;
	}
	return r;
}

/* Settled are all pages below low; the first gap is in a page up to high. */
static void go_on(struct lister *lister)
{
	struct prune *prune = lister->prune;
	int64_t pages = pages_of(prune->total);
	if (prune->low >= pages) {
		if (take_rest(lister) < 0 || relearn_newest(lister) < 0) {
			refresh_anew(lister);
			return;
		}
		log_debug("%s: %lld records are gone", lister->folder.title,
		    (long long)prune->found);
		prune->complete = true;
		refresh_probe(lister);
	} else if (prune->high == pages) {
		/* Either all the rest is as it was, or there is a gap. */
		ask(lister, pages - 1, false);
	} else if (prune->found == prune->gone) {
		refresh_anew(lister); /* a gap too many */
	} else if (prune->low < prune->high) {
		ask(lister, prune->low + (prune->high - prune->low) / 2, false);
	} else {
		ask(lister, prune->low, true);
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

bool prune_run(struct lister *lister, int64_t total, int64_t newest_ms)
{
	const struct replica_listing *next = &lister->delta.next;
	int64_t gone = next->count - total;
	if (lister->prune || gone <= 0 || !(next->flags & LISTING_ORDERED) ||
	    !is_worth_it(gone, total) || view_has_readers(lister->view, 0) ||
	    (newest_ms < next->newest_ms && !can_relearn(next)))
		return false;
	struct prune *prune = calloc(1, sizeof(*prune));
	if (!prune)
		return false;
	lister->prune = prune;
	prune->total = total;
	prune->gone = gone;
	prune->newest_ms = newest_ms;
	prune->high = pages_of(prune->total);
	prune->nodes = calloc((size_t)gone, sizeof(*prune->nodes));
	if (!prune->nodes)
		return false;
	go_on(lister);
	return true;
}

static int bury(struct lister *lister, const struct node *node)
{
	struct core *core = lister->core;
	int r = replica_bury(core->replica, node, lister->delta.next.side);
	return r < 0 ? r : write_changes_name_of(core->write, node);
}

/* A stored file is gone with its metadata. */
static int bury_twin(struct lister *lister, int64_t pos)
{
	struct replica *replica = lister->core->replica;
	struct node twin;
	int64_t id, found = 0;
	int r =
	    replica_nth(replica, lister->folder.twin, pos, 0, 1, &id, &found);
	if (r == 0 && found)
		r = replica_get(replica, id, &twin);
	if (r == 0 && found && twin.pos[lister->delta.next.side] == pos)
		r = bury(lister, &twin);
	return r;
}

int prune_adopt(struct lister *lister)
{
	struct prune *prune = lister->prune;
	int64_t found = prune_found(lister);
	int r = found ? write_begin(lister->core->write) : 0;
	for (int64_t i = 0; r == 0 && i < found; i++) {
		struct node node;
		r = replica_get(lister->core->replica, prune->nodes[i], &node);
		if (r == 0 && lister->folder.twin)
			r = bury_twin(
			    lister, node.pos[lister->delta.next.side]);
		if (r == 0)
			r = bury(lister, &node);
	}
	if (r == 0)
		lister->delta.next.count -= found;
	return r;
}
