#include "status/status.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/activity.h"
#include "base/failures.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "content/content.h"
#include "replica/replica.h"
#include "status/metrics.h"
#include "status/known_tables.h"

struct status {
	struct status_source source;
	int64_t started_ms; /* wall clock */
	struct status_file files[4];
};

const char *status_warning(const struct status *status)
{
	/* A directory shows all that it holds. */
	if (status->source.directory || tables_count(&status->source) > 0)
		return NULL;
	if (!status->source.api)
		return "no table is known, so a backup of this mount would"
		       " hold none: nothing was read into this replica; bring"
		       " all in by bkendfs --fetch, with the same URL, key and"
		       " account and without -o offline";
	return "no table is known, so a backup of this mount would hold none:"
	       " name them with -o tables=A:B or BKEND_TABLES, list each one"
	       " once, or have them listed: bkendfs --login";
}

int status_incomplete(const struct status *status, struct buf *out)
{
	return tables_warn(&status->source, out);
}

/* What a person who waits wants to know. */
static int print_doing(const struct status_source *source,
    const struct api_counters *counters, struct buf *out)
{
	char until[TIMESTAMP_SIZE];
	size_t count;
	int r = activities_print(source->activities, "doing: ", out, &count);
	if (r == 0 && counters->held_until_ms > timestamp_now_ms())
		r = buf_printf(out,
		    "doing: waiting for the quota until %s: the server allows"
		    " no request before\n",
		    timestamp_format(counters->held_until_ms, until));
	else if (r == 0 && count == 0)
		r = buf_printf(out, "doing: nothing that anybody waits for\n");
	return r;
}

static int print_status(void *ctx, struct buf *out)
{
	const struct status *status = ctx;
	const struct status_source *source = &status->source;
	struct replica_totals totals;
	struct content_totals content;
	struct api_counters counters = {.quota_left = -1};
	char since[TIMESTAMP_SIZE];
	char what[2 * PATH_MAX];
	log_make_safe(source->directory ? source->directory : source->url, what,
	    sizeof(what));
	replica_totals(source->replica, &totals);
	content_totals(source->content, &content);
	if (source->api)
		api_counters(source->api, &counters);
	int r = buf_printf(out,
	    "version: %s\n%s: %s\nmode: %s\nrecords: %s\nmounted: %s\n"
	    "replica: %s\nsandbox: %s\ntables: %" PRId64 "\n"
	    "requests: %" PRIu64 "\nobject_requests: %" PRIu64
	    "\nretries: %" PRIu64 "\nfailures: %" PRIu64
	    "\nreplica_nodes: %" PRId64 "\nreplica_bytes: %" PRId64
	    "\ncontent_bytes: %" PRId64 "\ncontent_limit: %" PRId64 "\n",
	    BKENDFS_VERSION, source->directory ? "directory" : "url", what,
	    source->api ? "online" : "offline", source->raw ? "raw" : "pretty",
	    timestamp_format(status->started_ms, since),
	    replica_path(source->replica), source->sandbox,
	    tables_count(source), counters.requests, counters.objects,
	    counters.retries, failures_count(source->failures), totals.nodes,
	    totals.bytes, content.bytes, content.limit);
	if (r == 0 && counters.quota_left >= 0)
		r = buf_printf(
		    out, "quota_left: %" PRId64 "\n", counters.quota_left);
	if (r == 0)
		r = print_doing(source, &counters, out);
	if (r == 0)
		r = tables_print(source, out);
	/* Tables have lines of their own. */
	if (r == 0)
		r = tables_print_shortfall(source, NODE_FILES,
		    "files: INCOMPLETE, as the server itself says: ", "\n",
		    out);
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
