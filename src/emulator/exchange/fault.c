#include "emulator/exchange/fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/lock.h"
#include "base/number.h"
#include "base/random.h"
#include "base/timestamp.h"
#include "emulator/exchange/told_waits.h"

#define SCRIPTS_MAX 64
/* How many requests are told apart: those that fall together share a count. */
#define COUNTS_MAX 65536
/* A random 429 says so. */
#define LIMITED_S 1

struct faults {
	struct lock lock;
	/* Under lock. */
	struct script scripts[SCRIPTS_MAX];
	size_t script_count;
	int64_t window_start_ms;
	int64_t window_used;
	struct told_waits told;
	uint16_t counts[COUNTS_MAX]; /* how often each request came */
	uint64_t seed;		     /* where no other one is set */
};

int faults_new(struct faults **ret_faults)
{
	struct faults *faults = calloc(1, sizeof(*faults));
	if (!faults)
		return -ENOMEM;
	lock_init(&faults->lock);
	faults->seed = random_seed();
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

static void reply_limited(
    const struct request *request, struct reply *reply, int64_t wait_s)
{
	reply_error(reply, request, 429, "data/rate-limit-exceeded",
	    "Too many requests");
	reply_add_header(reply, "Retry-After", "%" PRId64, wait_s);
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
	int64_t left = faults->window_start_ms + window - now;
	reply_limited(request, reply, (left + 999) / 1000);
	return true;
}

/* ---- random faults ---- */

/* What is asked. Of an object the path: each of its URLs is another one. */
static uint64_t key_of(const struct request *request)
{
	const char *what =
	    request_is_storage(request) ? request->path : request->uri;
	uint64_t key = hash_fnv1a(
	    HASH_FNV1A_INIT, request->method, strlen(request->method));
	return hash_fnv1a(key, what, strlen(what));
}

/* [0, 100), by the seed, the request, how often that came, and the fault; not
 * by what came in between. */
static double draw(uint64_t seed, uint64_t key, uint16_t count, int fault)
{
	const uint64_t from[] = {seed, key, count, (uint64_t)fault};
	uint64_t state = hash_fnv1a(HASH_FNV1A_INIT, from, sizeof(from)) | 1;
	for (int i = 0; i < 3; i++)
		random_next(&state);
	return (double)(state >> 11) * 100 / 9007199254740992.0;
}

static void reply_page(struct reply *reply)
{
	reply->type = "text/html";
	buf_adds(&reply->body, "<!doctype html><title>Proxy</title>"
			       "<p>Please wait a little\n");
}

/* Whether that is an answer of its own. */
static bool fail(
    enum fault_kind kind, const struct request *request, struct reply *reply)
{
	switch (kind) {
	case FAULT_500:
		reply_error(reply, request, 500, "common/internal-error",
		    "Told to fail");
		return true;
	case FAULT_503:
		reply_error(reply, request, 503, "common/service-unavailable",
		    "Told to fail");
		return true;
	case FAULT_429:
		reply_limited(request, reply, LIMITED_S);
		return true;
	case FAULT_PAGE:
		reply_page(reply);
		return true;
	default:
		reply->fault = kind;
		return false;
	}
}

/* Objects are whatever bytes there are, and their store limits nobody. */
static bool concerns(const struct fail *fail, bool storage)
{
	if (!storage)
		return fail->api;
	return fail->storage && fail->kind != FAULT_429 &&
	       fail->kind != FAULT_PAGE && fail->kind != FAULT_HALF;
}

static bool fail_locked(struct faults *faults, const struct request *request,
    struct reply *reply) REQUIRES(faults->lock)
{
	const struct switches *switches = &request->switches;
	uint64_t key = key_of(request);
	uint64_t seed =
	    switches->seed ? (uint64_t)switches->seed : faults->seed;
	uint16_t count = faults->counts[key % COUNTS_MAX]++;
	for (int i = 0; i < switches->fail_count; i++) {
		const struct fail *one = &switches->fails[i];
		if (concerns(one, request_is_storage(request)) &&
		    draw(seed, key, count, i) < one->percent)
			return fail(one->kind, request, reply);
	}
	return false;
}

/* ---- who comes too early ---- */

static void watch_waits_locked(struct faults *faults,
    const struct request *request, struct reply *reply) REQUIRES(faults->lock)
{
	int64_t now = timestamp_mono_ms(), wait_s;
	uint64_t key = key_of(request);
	reply->early = told_waits_is_early(&faults->told, key, now);
	for (int i = 0; i < reply->header_count; i++) {
		const struct reply_header *header = &reply->headers[i];
		if (strcmp(header->name, "Retry-After") == 0 &&
		    number_parse(header->value, 0, 1 << 30, &wait_s) == 0)
			told_waits_add(&faults->told, key, now + wait_s * 1000);
	}
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
	watch_waits_locked(faults, request, reply);
	lock_release(&faults->lock);
	return answered;
}
