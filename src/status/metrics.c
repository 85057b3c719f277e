#include "status/metrics.h"

#include <inttypes.h>

#include "api/api.h"
#include "base/failures.h"
#include "content/content.h"
#include "replica/replica.h"

static int metric(struct buf *out, const char *name, const char *type,
    const char *help, uint64_t value)
{
	return buf_printf(out,
	    "# HELP bkendfs_%s %s\n# TYPE bkendfs_%s %s\nbkendfs_%s %" PRIu64
	    "\n",
	    name, help, name, type, name, value);
}

int metrics_print(const struct status_source *source, struct buf *out)
{
	struct replica_totals totals;
	struct content_totals content;
	struct api_counters c = {.quota_left = -1};
	replica_totals(source->replica, &totals);
	content_totals(source->content, &content);
	if (source->api)
		api_counters(source->api, &c);
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
		failures_count(source->failures)},
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
