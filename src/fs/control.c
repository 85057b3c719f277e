/*
 * .bkendfs: status, metrics, errors. Each lookup makes the content of that
 * moment, under an inode number of its own; so these files are as immutable as
 * all others. Each is kept until the kernel has forgotten it: for as long as
 * somebody has it open.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "base/timestamp.h"
#include "fs/internal.h"

/* Contents that are held at once, at most. The kernel keeps no more than one a
 * name by itself: the others are open. */
#define SNAPSHOTS_MAX 4096

struct snapshot {
	int64_t id;
	int64_t made_ms;
	struct buf text;
	LIST_ENTRY(snapshot) link;
};

struct control {
	struct fs *fs;
	struct lock lock;
	/* Under lock. */
	int64_t next_id;
	size_t count;
	LIST_HEAD(, snapshot) snapshots; /* the latest one first */
};

struct control *control_new(struct fs *fs)
{
	struct control *control = calloc(1, sizeof(*control));
	if (!control)
		return NULL;
	control->fs = fs;
	control->next_id = CONTROL_FIRST;
	lock_init(&control->lock);
	LIST_INIT(&control->snapshots);
	return control;
}

static void snapshot_free(struct snapshot *snapshot)
{
	LIST_REMOVE(snapshot, link);
	buf_done(&snapshot->text);
	free(snapshot);
}

void control_free(struct control *control)
{
	if (!control)
		return;
	struct snapshot *snapshot;
	while ((snapshot = LIST_FIRST(&control->snapshots)))
		snapshot_free(snapshot);
	lock_done(&control->lock);
	free(control);
}

/* ---- contents ---- */

static int count_table(
    void *ctx, const struct node *node, const char *name, int64_t pos)
{
	(void)node;
	(void)name;
	(void)pos;
	++*(int64_t *)ctx;
	return 0;
}

/* A replica that cannot be read knows none, for all one can tell. */
static int64_t count_tables(struct fs *fs)
{
	int64_t count = 0;
	replica_tables(fs->config.replica, 0, count_table, &count);
	return count;
}

const char *fs_warning(struct fs *fs)
{
	return count_tables(fs) > 0
		   ? NULL
		   : "no table is known, so a backup of this mount would hold"
		     " none: name them with -o tables=A:B or BKEND_TABLES, or"
		     " list each one once";
}

static int print_status(struct fs *fs, struct buf *out)
{
	const struct fs_config *config = &fs->config;
	struct replica_totals totals;
	struct content_totals content;
	struct api_counters counters = {.quota_left = -1};
	char since[TIMESTAMP_SIZE];
	replica_totals(config->replica, &totals);
	content_totals(config->content, &content);
	if (config->api)
		api_counters(config->api, &counters);
	int r = buf_printf(out,
	    "version: %s\nurl: %s\nmode: %s\nrecords: %s\nmounted: %s\n"
	    "tables: %" PRId64 "\n"
	    "requests: %" PRIu64 "\nobject_requests: %" PRIu64
	    "\nretries: %" PRIu64 "\nfailures: %" PRIu64
	    "\nreplica_nodes: %" PRId64 "\nreplica_bytes: %" PRId64
	    "\ncontent_bytes: %" PRId64 "\ncontent_limit: %" PRId64 "\n",
	    BKENDFS_VERSION, config->url, config->api ? "online" : "offline",
	    config->raw ? "raw" : "pretty",
	    timestamp_format(fs->started_ms, since), count_tables(fs),
	    counters.requests, counters.objects, counters.retries,
	    failures_count(config->failures), totals.nodes, totals.bytes,
	    content.bytes, content.limit);
	if (r == 0 && counters.quota_left >= 0)
		r = buf_printf(
		    out, "quota_left: %" PRId64 "\n", counters.quota_left);
	const char *warning = fs_warning(fs);
	if (r == 0 && warning)
		r = buf_printf(out, "warning: %s\n", warning);
	return r;
}

static int metric(struct buf *out, const char *name, const char *type,
    const char *help, uint64_t value)
{
	return buf_printf(out,
	    "# HELP bkendfs_%s %s\n# TYPE bkendfs_%s %s\nbkendfs_%s %" PRIu64
	    "\n",
	    name, help, name, type, name, value);
}

static int print_metrics(struct fs *fs, struct buf *out)
{
	const struct fs_config *config = &fs->config;
	struct replica_totals totals;
	struct content_totals content;
	struct api_counters c = {.quota_left = -1};
	replica_totals(config->replica, &totals);
	content_totals(config->content, &content);
	if (config->api)
		api_counters(config->api, &c);
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} metrics[] = {
	    {"api_requests_total", "counter", "Requests sent to the API.",
		c.requests},
	    {"object_requests_total", "counter",
		"Requests sent to the object store.", c.objects},
	    {"retries_total", "counter", "Requests sent again.", c.retries},
	    {"sign_ins_total", "counter", "Sign-ins.", c.sign_ins},
	    {"token_refreshes_total", "counter", "Token refreshes.",
		c.refreshes},
	    {"rate_limited_total", "counter", "Answers 429.", c.limited},
	    {"received_bytes_total", "counter", "Bytes of bodies received.",
		c.bytes},
	    {"failures_total", "counter", "Requests that failed for good.",
		failures_count(config->failures)},
	    {"replica_nodes", "gauge", "Files and directories known.",
		(uint64_t)totals.nodes},
	    {"replica_known_bytes", "gauge", "Bytes of what is known.",
		(uint64_t)totals.bytes},
	    {"content_bytes", "gauge", "Bytes of file contents on the disk.",
		(uint64_t)content.bytes},
	    {"content_reads_total", "counter",
		"Reads of file contents answered from the disk.", content.hits},
	    {"content_damaged_total", "counter",
		"Blocks on the disk that did not fit their checksum.",
		content.damaged},
	    {"content_removed_total", "counter",
		"Segments removed from the disk to make room.",
		content.removed},
	};
	int r = 0;
	for (size_t i = 0; i < ARRAY_SIZE(metrics) && r == 0; i++)
		r = metric(out, metrics[i].name, metrics[i].type,
		    metrics[i].help, metrics[i].value);
	return r;
}

static int print_errors(struct fs *fs, struct buf *out)
{
	return failures_print(fs->config.failures, out);
}

const char *const control_names[] = {"status", "metrics", "errors", NULL};

static int (*const printers[])(struct fs *, struct buf *) = {
    print_status, print_metrics, print_errors};

/* Keep a content, which is the control's from here on; its inode number, or
 * -errno. */
static int64_t keep(struct control *control, struct buf *text)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	int64_t id = snapshot ? -ENFILE : -ENOMEM;
	lock_acquire(&control->lock);
	if (snapshot && control->count < SNAPSHOTS_MAX) {
		id = control->next_id++;
		*snapshot = (struct snapshot){.id = id,
		    .made_ms = timestamp_now_ms(),
		    .text = *TAKE(text)};
		LIST_INSERT_HEAD(&control->snapshots, snapshot, link);
		control->count++;
	}
	lock_release(&control->lock);
	if (text) {
		buf_done(text);
		free(snapshot);
	}
	return id;
}

int64_t control_lookup(struct control *control, const char *name)
{
	size_t which = 0;
	while (control_names[which] && strcmp(control_names[which], name) != 0)
		which++;
	if (!control_names[which])
		return -ENOENT;
	struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = printers[which](control->fs, &text);
	if (r < 0) {
		buf_done(&text);
		return r;
	}
	return keep(control, &text);
}

/* ---- reading ---- */

static struct snapshot *find_locked(struct control *control, int64_t id)
    REQUIRES(control->lock)
{
	struct snapshot *snapshot;
	LIST_FOREACH (snapshot, &control->snapshots, link) {
		if (snapshot->id == id)
			break;
	}
	return snapshot;
}

void control_forget(struct control *control, int64_t id)
{
	lock_acquire(&control->lock);
	struct snapshot *snapshot = find_locked(control, id);
	if (snapshot) {
		snapshot_free(snapshot);
		control->count--;
	}
	lock_release(&control->lock);
}

int control_attr(struct control *control, int64_t id, struct stat *out)
{
	int r = -ESTALE;
	lock_acquire(&control->lock);
	struct snapshot *snapshot = find_locked(control, id);
	if (snapshot) {
		struct node node = {
		    .id = id,
		    .kind = NODE_KIND_OBJECT,
		    .mtime_ms = snapshot->made_ms,
		    .size = (int64_t)snapshot->text.len,
		};
		attr_of_node(control->fs, &node, out);
		r = 0;
	}
	lock_release(&control->lock);
	return r;
}

int control_read(struct control *control, int64_t id, size_t offset, size_t len,
    struct buf *out)
{
	int r = -ESTALE;
	lock_acquire(&control->lock);
	struct snapshot *snapshot = find_locked(control, id);
	if (snapshot) {
		size_t size = snapshot->text.len;
		if (offset > size)
			offset = size;
		if (len > size - offset)
			len = size - offset;
		r = buf_add(out, buf_str(&snapshot->text) + offset, len);
	}
	lock_release(&control->lock);
	return r;
}
