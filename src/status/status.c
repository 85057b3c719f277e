#include "status/status.h"

#include <inttypes.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/failures.h"
#include "base/timestamp.h"
#include "content/content.h"
#include "replica/replica.h"
#include "status/metrics.h"

struct status {
	struct status_source source;
	int64_t started_ms; /* wall clock */
	struct status_file files[4];
};

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
static int64_t count_tables(const struct status_source *source)
{
	int64_t count = 0;
	replica_tables(source->replica, 0, count_table, &count);
	return count;
}

const char *status_warning(const struct status *status)
{
	return count_tables(&status->source) > 0
		   ? NULL
		   : "no table is known, so a backup of this mount would hold"
		     " none: name them with -o tables=A:B or BKEND_TABLES, or"
		     " list each one once";
}

static int print_status(void *ctx, struct buf *out)
{
	const struct status *status = ctx;
	const struct status_source *source = &status->source;
	struct replica_totals totals;
	struct content_totals content;
	struct api_counters counters = {.quota_left = -1};
	char since[TIMESTAMP_SIZE];
	replica_totals(source->replica, &totals);
	content_totals(source->content, &content);
	if (source->api)
		api_counters(source->api, &counters);
	int r = buf_printf(out,
	    "version: %s\nurl: %s\nmode: %s\nrecords: %s\nmounted: %s\n"
	    "replica: %s\ntables: %" PRId64 "\n"
	    "requests: %" PRIu64 "\nobject_requests: %" PRIu64
	    "\nretries: %" PRIu64 "\nfailures: %" PRIu64
	    "\nreplica_nodes: %" PRId64 "\nreplica_bytes: %" PRId64
	    "\ncontent_bytes: %" PRId64 "\ncontent_limit: %" PRId64 "\n",
	    BKENDFS_VERSION, source->url, source->api ? "online" : "offline",
	    source->raw ? "raw" : "pretty",
	    timestamp_format(status->started_ms, since),
	    replica_path(source->replica), count_tables(source),
	    counters.requests, counters.objects, counters.retries,
	    failures_count(source->failures), totals.nodes, totals.bytes,
	    content.bytes, content.limit);
	if (r == 0 && counters.quota_left >= 0)
		r = buf_printf(
		    out, "quota_left: %" PRId64 "\n", counters.quota_left);
	const char *warning = status_warning(status);
	if (r == 0 && warning)
		r = buf_printf(out, "warning: %s\n", warning);
	return r;
}

static int print_metrics(void *ctx, struct buf *out)
{
	const struct status *status = ctx;
	return metrics_print(&status->source, out);
}

static int print_errors(void *ctx, struct buf *out)
{
	const struct status *status = ctx;
	return failures_print(status->source.failures, out);
}

struct status *status_new(const struct status_source *source)
{
	struct status *status = calloc(1, sizeof(*status));
	if (!status)
		return NULL;
	status->source = *source;
	status->started_ms = timestamp_now_ms();
	status->files[0] = (struct status_file){"status", print_status, status};
	status->files[1] =
	    (struct status_file){"metrics", print_metrics, status};
	status->files[2] = (struct status_file){"errors", print_errors, status};
	return status;
}

void status_free(struct status *status)
{
	free(status);
}

const struct status_file *status_files(const struct status *status)
{
	return status->files;
}
