#include "emulator/exchange/fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/random.h"
#include "base/timestamp.h"

#define SCRIPTS_MAX 64

struct faults {
	struct lock lock;
	/* Under lock. */
	struct script scripts[SCRIPTS_MAX];
	size_t script_count;
	int64_t window_start_ms;
	int64_t window_used;
	uint64_t random;
};

int faults_new(struct faults **ret_faults)
{
	struct faults *faults = calloc(1, sizeof(*faults));
	if (!faults)
		return -ENOMEM;
	lock_init(&faults->lock);
	faults->random = (uint64_t)timestamp_now_ms() | 1;
	*ret_faults = faults;
	return 0;
}

static void script_done(struct script *script)
{
	free(script->path);
	buf_done(&script->body);
}

void faults_free(struct faults *faults)
{
	if (!faults)
		return;
	for (size_t i = 0; i < faults->script_count; i++)
		script_done(&faults->scripts[i]);
	lock_done(&faults->lock);
	free(faults);
}

int faults_add_script(struct faults *faults, struct script *script)
{
	int r = 0;
	lock_acquire(&faults->lock);
	if (faults->script_count == SCRIPTS_MAX)
		r = -ENOMEM;
	else
		faults->scripts[faults->script_count++] = *script;
	lock_release(&faults->lock);
	if (r < 0)
		script_done(script);
	return r;
}

static void drop_script_locked(struct faults *faults, size_t i)
    REQUIRES(faults->lock)
{
	script_done(&faults->scripts[i]);
	faults->script_count--;
	memmove(&faults->scripts[i], &faults->scripts[i + 1],
	    (faults->script_count - i) * sizeof(faults->scripts[0]));
}

static bool play_script_locked(struct faults *faults,
    const struct request *request, struct reply *reply, bool *ret_found)
    REQUIRES(faults->lock)
{
	for (size_t i = 0; i < faults->script_count; i++) {
		struct script *script = &faults->scripts[i];
		if (strncmp(
			request->path, script->path, strlen(script->path)) != 0)
			continue;
		*ret_found = true;
		reply->fault = script->kind;
		bool whole = script->status != 0;
		if (whole) {
			reply_error(reply, request, script->status,
			    "common/scripted", "This answer was scripted");
			if (script->body.len > 0) {
				buf_clear(&reply->body);
				buf_add(&reply->body, script->body.data,
				    script->body.len);
			}
		}
		if (script->retry_after_s >= 0)
			reply_add_header(reply, "Retry-After", "%" PRId64,
			    script->retry_after_s);
		if (--script->count <= 0)
			drop_script_locked(faults, i);
		return whole;
	}
	return false;
}

static bool limit_locked(struct faults *faults, const struct request *request,
    struct reply *reply) REQUIRES(faults->lock)
{
	const struct switches *switches = &request->switches;
	if (switches->rate_limit == 0 || request_is_storage(request))
		return false;
	int64_t now = timestamp_mono_ms();
	int64_t window = switches->rate_window_s * 1000;
	if (now - faults->window_start_ms >= window ||
	    faults->window_start_ms == 0) {
		faults->window_start_ms = now;
		faults->window_used = 0;
	}
	bool over = faults->window_used >= switches->rate_limit;
	if (!over)
		faults->window_used++;
	reply_add_header(
	    reply, "X-RateLimit-Limit", "%" PRId64, switches->rate_limit);
	reply_add_header(reply, "X-RateLimit-Remaining", "%" PRId64,
	    switches->rate_limit - faults->window_used);
	if (!over)
		return false;
	reply_error(reply, request, 429, "data/rate-limit-exceeded",
	    "Too many requests");
	int64_t left = faults->window_start_ms + window - now;
	reply_add_header(reply, "Retry-After", "%" PRId64, (left + 999) / 1000);
	return true;
}

/* [0, 100) */
static double draw_locked(struct faults *faults) REQUIRES(faults->lock)
{
	uint64_t random = random_next(&faults->random);
	return (double)(random >> 11) * 100 / 9007199254740992.0;
}

static bool fail_locked(struct faults *faults, const struct request *request,
    struct reply *reply) REQUIRES(faults->lock)
{
	const struct switches *switches = &request->switches;
	bool storage = request_is_storage(request);
	for (int i = 0; i < switches->fail_count; i++) {
		const struct fail *fail = &switches->fails[i];
		if (!(storage ? fail->storage : fail->api) ||
		    draw_locked(faults) >= fail->percent)
			continue;
		if (fail->kind > FAULT_503) {
			reply->fault = fail->kind;
			return false;
		}
		if (fail->kind == FAULT_500)
			reply_error(reply, request, 500,
			    "common/internal-error", "Told to fail");
		else
			reply_error(reply, request, 503,
			    "common/service-unavailable", "Told to fail");
		return true;
	}
	return false;
}

bool faults_answer(
    struct faults *faults, const struct request *request, struct reply *reply)
{
	bool found = false;
	lock_acquire(&faults->lock);
	bool answered = play_script_locked(faults, request, reply, &found);
	if (!found)
		answered = limit_locked(faults, request, reply) ||
			   fail_locked(faults, request, reply);
	lock_release(&faults->lock);
	return answered;
}
