#include "sync/discovery.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/activity.h"
#include "base/log.h"
#include "mcp/mcp.h"
#include "sync/core/core.h"
#include "sync/core/op.h"
#include "sync/core/write.h"
#include "sync/tables.h"
#include "tree/name.h"

/* Tables come and go seldom, and to ask takes a dozen requests: not sooner than
 * that, however short ttl is. */
#define PERIOD_MS 30000

/* A name that is not shown, as that of another project, is not asked for again
 * that soon. */
#define ANSWER_MS (INT64_C(60) * 60 * 1000)

/* Names that are asked for at once. */
#define PROBES_MAX 8

/* What came of a name that is not shown. */
struct answer {
	char *name; /* NULL: unused */
	int64_t asked;
	enum candidates_verdict verdict;
};

/* A name that is being asked for. */
struct probe {
	struct sync_op op; /* first */
	struct discovery *discovery;
	size_t index;
	bool busy;
};

struct discovery {
	struct core *core;
	struct tables *tables;
	struct mcp *mcp; /* NULL: nobody could tell */
	/* When the last one that is over began; a moment. Any thread's. */
	_Atomic int64_t asked;
	bool running;
	bool ended;
	int64_t began;
	struct wait_list waiting;
	struct candidates *candidates;
	struct probe probes[PROBES_MAX];
	size_t probing;
	struct answer answers[CANDIDATES_NAMES_MAX];
	size_t next_answer;
	struct commit_hook hook;
	struct activity activity;
};

static void on_commit(void *ctx, int err);

struct discovery *discovery_new(struct core *core, struct tables *tables)
{
	struct discovery *discovery = calloc(1, sizeof(*discovery));
	if (!discovery)
		return NULL;
	discovery->core = core;
	discovery->tables = tables;
	discovery->mcp = core->api ? core->config.mcp : NULL;
	discovery->asked = INT64_MIN;
	discovery->hook =
	    (struct commit_hook){.fn = on_commit, .ctx = discovery};
	wait_init(&discovery->waiting, NULL, NULL);
	return discovery;
}

void discovery_end(struct discovery *discovery)
{
	if (discovery)
		discovery->ended = true;
}

void discovery_free(struct discovery *discovery)
{
	if (!discovery)
		return;
	write_unhook(&discovery->hook);
	activity_over(&discovery->activity);
	candidates_free(discovery->candidates);
	for (size_t i = 0; i < CANDIDATES_NAMES_MAX; i++)
		free(discovery->answers[i].name);
	free(discovery);
}

/* The earliest event that is younger than that. All events of one millisecond
 * get old at once. */
static int64_t younger_than(const struct core *core, int64_t ms)
{
	return moment_now(core) - (ms - 1) * MOMENTS_PER_MS;
}

/* The earliest one that may be believed: younger than ttl, or not worth asking
 * again, and after everything was due. */
static int64_t believed(const struct core *core)
{
	int64_t since = younger_than(core, core->config.ttl_ms);
	int64_t least = younger_than(core, PERIOD_MS);
	int64_t expired = core->expired + 1;
	if (since > least)
		since = least;
	return since > expired ? since : expired;
}

bool discovery_is_due(const struct discovery *discovery)
{
	return discovery->mcp && discovery->asked < believed(discovery->core) &&
	       mcp_has_login(discovery->mcp);
}

/* ---- names that are not shown ---- */

static const struct answer *find_answer(
    const struct discovery *discovery, const char *name)
{
	const struct core *core = discovery->core;
	int64_t since = younger_than(core, ANSWER_MS);
	if (since < core->expired + 1)
		since = core->expired + 1;
	for (size_t i = 0; i < CANDIDATES_NAMES_MAX; i++) {
		const struct answer *answer = &discovery->answers[i];
		if (answer->name && answer->asked >= since &&
		    strcmp(answer->name, name) == 0)
			return answer;
	}
	return NULL;
}

static void remember(struct discovery *discovery, const char *name,
    enum candidates_verdict verdict)
{
	size_t next = discovery->next_answer++ % CANDIDATES_NAMES_MAX;
	struct answer *answer = &discovery->answers[next];
	free(answer->name);
	*answer = (struct answer){.name = strdup(name),
	    .asked = discovery->began,
	    .verdict = verdict};
}

/* ---- the end ---- */

static void conclude(struct discovery *discovery)
{
	struct wait_list waiting;
	discovery->running = false;
	discovery->asked = discovery->began;
	activity_over(&discovery->activity);
	candidates_free(discovery->candidates);
	discovery->candidates = NULL;
	wait_init(&waiting, NULL, NULL);
	wait_move(&discovery->waiting, &waiting);
	wait_finish(&waiting, 0);
}

static void on_commit(void *ctx, int err)
{
	(void)err; /* the next one says so again */
	conclude(ctx);
}

/* What is there was told of: remembered, where that is news. Whether there is
 * something to write. */
static bool tell(struct discovery *discovery)
{
	const struct candidates *candidates = discovery->candidates;
	struct core *core = discovery->core;
	bool written = false;
	for (size_t i = 0; i < candidates_count(candidates); i++) {
		struct node node;
		const char *name =
		    name_of_table_dir(candidates_name(candidates, i));
		if (!candidates_is_there(candidates, i) ||
		    replica_lookup(core->replica, NODE_ROOT, name, &node) < 0 ||
		    node.pos[0] != TABLE_SHOWN)
			continue;
		if (!written && write_begin(core->write) < 0)
			return false;
		written = true;
		replica_tell_table(core->replica, node.id);
	}
	return written;
}

static void complete(struct discovery *discovery)
{
	if (tell(discovery))
		write_hook(discovery->core->write, &discovery->hook);
	else
		conclude(discovery);
}

/* ---- asking for each ---- */

static void pump(struct discovery *discovery);

static void begin_probe(void *ctx, struct sync_op *op)
{
	struct probe *probe = ctx;
	const struct core *core = probe->discovery->core;
	int r = replica_lookup(core->replica, NODE_ROOT, op->name, &op->node);
	if (r == 0 && op->node.pos[0])
		op_finish(op, 0);
	else if (r < 0 && r != -ENOENT)
		op_finish(op, r);
	else
		tables_try(probe->discovery->tables, op);
}

static void on_probed(struct sync_op *op, int err)
{
	struct probe *probe = (struct probe *)op;
	struct discovery *discovery = probe->discovery;
	probe->busy = false;
	discovery->probing--;
	if (discovery->ended)
		return;
	const char *name = candidates_name(discovery->candidates, probe->index);
	enum candidates_verdict verdict = err == 0	   ? CANDIDATES_THERE
					  : err == -ENOENT ? CANDIDATES_ABSENT
							   : CANDIDATES_UNKNOWN;
	/* What broke may go well the next time. */
	if (err == -ENOENT || err == -EACCES || (err == 0 && !op->node.pos[0]))
		remember(discovery, name, verdict);
	candidates_tell(discovery->candidates, probe->index, verdict);
	pump(discovery);
}

static void start_probe(struct discovery *discovery, size_t index)
{
	struct probe *probe = discovery->probes;
	while (probe->busy)
		probe++;
	*probe = (struct probe){
	    .discovery = discovery, .index = index, .busy = true};
	probe->op.id = ops_id(discovery->core->ops);
	probe->op.done = on_probed;
	probe->op.dir = NODE_ROOT;
	probe->op.name =
	    name_of_table_dir(candidates_name(discovery->candidates, index));
	discovery->probing++;
	op_start(discovery->core, &probe->op, begin_probe, probe);
}

static void pump(struct discovery *discovery)
{
	struct candidates *candidates = discovery->candidates;
	size_t index;
	while (discovery->probing < PROBES_MAX &&
	       candidates_next(candidates, &index)) {
		const struct answer *answer =
		    find_answer(discovery, candidates_name(candidates, index));
		if (answer)
			candidates_tell(candidates, index, answer->verdict);
		else
			start_probe(discovery, index);
	}
	if (!discovery->probing)
		complete(discovery);
}

/* ---- the question ---- */

static void on_found(
    void *ctx, struct candidates *candidates, const struct mcp_error *error)
{
	struct discovery *discovery = ctx;
	(void)error; /* has been noted */
	discovery->candidates = candidates;
	if (!candidates) {
		conclude(discovery);
		return;
	}
	log_info("%zu tables are told of", candidates_count(candidates));
	pump(discovery);
}

static void begin(struct discovery *discovery)
{
	discovery->running = true;
	discovery->began = moment_event(discovery->core);
	activity_say(discovery->core->config.activities, &discovery->activity,
	    "asking which tables there are");
	int r = mcp_find(discovery->mcp, on_found, discovery);
	if (r < 0) {
		log_warn("cannot ask which tables there are: %s", strerror(-r));
		conclude(discovery);
	}
}

void discovery_await(struct discovery *discovery, struct sync_op *op)
{
	if (!discovery_is_due(discovery)) {
		op_finish(op, 0);
		return;
	}
	wait_add(&discovery->waiting, op);
	if (!discovery->running)
		begin(discovery);
}
