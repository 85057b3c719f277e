#include "sync/core/core.h"

#include "base/timestamp.h"

void core_init(struct core *core, const struct sync_config *config)
{
	*core = (struct core){
	    .config = *config,
	    .http = config->http,
	    .api = config->api,
	    .replica = config->replica,
	};
}

int64_t moment_now(const struct core *core)
{
	int64_t now = timestamp_mono_ms() * MOMENTS_PER_MS;
	return now > core->last_event ? now : core->last_event;
}

int64_t moment_event(struct core *core)
{
	core->last_event = moment_now(core) + 1;
	return core->last_event;
}

int64_t moment_believed(const struct core *core, int64_t now)
{
	int64_t ttl_ms = core->config.ttl_ms, expired = core->expired + 1;
	/* All events of one millisecond get old at once. */
	int64_t since =
	    ttl_ms > 0 ? now - (ttl_ms - 1) * MOMENTS_PER_MS : now + 1;
	return since > expired ? since : expired;
}

int64_t moment_valid_ms(const struct core *core, int64_t since)
{
	if (since == MOMENT_FOREVER || !core->api)
		return INT32_MAX;
	int64_t believed = moment_believed(core, moment_now(core));
	return since < believed ? 0 : (since - believed) / MOMENTS_PER_MS + 1;
}

/* A moment takes the lower bits: those of 34 years. */
#define RUN_SHIFT 44
#define MOMENT_MASK ((INT64_C(1) << RUN_SHIFT) - 1)

int64_t confirmation(const struct core *core, int64_t moment)
{
	return replica_run(core->replica) << RUN_SHIFT | (moment & MOMENT_MASK);
}

int64_t confirmed_at(const struct core *core, const struct node *node)
{
	if (node->checked >> RUN_SHIFT != replica_run(core->replica))
		return 0;
	return node->checked & MOMENT_MASK;
}

bool core_size_is_known(const struct core *core, const struct node *node)
{
	if (node->kind != NODE_KIND_OBJECT || node->proven)
		return true;
	/* Offline nobody can be asked, and a claim serves: reading tells that
	 * the bytes are not there. An empty file would not be read. */
	return node->size > 0 && !(core->api && core->config.verify_sizes);
}
