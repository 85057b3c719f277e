#include "sync/object/intake.h"

#include <errno.h>
#include <stdlib.h>

#include "api/download.h"
#include "api/record.h"
#include "base/buf.h"
#include "http/page.h"
#include "sync/core/core.h"
#include "sync/object/held.h"
#include "sync/object/pace.h"
#include "sync/object/size.h"
#include "sync/object/spool.h"
#include "sync/object/version.h"

struct intake {
	struct core *core;
	struct size *size;
	struct held *held;
	struct spool *spool;
	struct version *version;
	struct download *download;
	struct pace *pace;
	const struct intake_events *events;
	void *ctx;
	bool whole; /* the store ignores Range */
	bool plain; /* the store dislikes it: ask without */
	bool speculative;
	struct held_range *spooler; /* whose answer fills the spool */
};

/* Why an answer's bytes are not wanted; or -errno. */
enum reason {
	NOT_NEEDED = 1, /* one copy is enough */
	NOT_AWAITED,	/* the whole is to be fetched when somebody waits */
	ANOTHER,	/* it is of another version */
};

static void fail(
    struct intake *intake, int err, int status, const char *message)
{
	intake->events->failed(intake->ctx, err, status, message);
}

/* ---- requests ---- */

static void send_waiting(void *ctx)
{
	struct intake *intake = ctx;
	int r = held_send_waiting(intake->held);
	if (r < 0)
		fail(intake, r, 0, NULL);
}

static void on_no_url(void *ctx, int err, int status, const char *message)
{
	fail(ctx, err, status, message);
}

static const struct download_events download_events = {send_waiting, on_no_url};

static void on_ask(void *ctx, struct range_request *ret_request)
{
	const struct intake *intake = held_ctx(ctx);
	bool alone = version_is_alone(intake->version);
	ret_request->validator = version_validator(intake->version);
	ret_request->whole = intake->whole || intake->plain ||
			     (alone && size_node(intake->size)->proven);
	ret_request->speculative = intake->speculative;
	/* When another one is done. */
	ret_request->later =
	    !intake->whole &&
	    pace_is_full(intake->pace, held_under_way(intake->held));
}

static int on_over(void *ctx)
{
	const struct intake *intake = held_ctx(ctx);
	return pace_over(intake->pace);
}

/* ---- answers ---- */

/* The true size is told. 0 or as size_learn. */
static int learn_size(struct intake *intake, int64_t total)
{
	char version[VERSION_TEXT];
	bool known = size_true(intake->size) >= 0;
	version_text(intake->version, spool_hash(intake->spool), version);
	int r = size_learn(intake->size, total, version);
	if (r == 0 && !known && !size_is_being_written(intake->size))
		intake->events->known(intake->ctx);
	return r;
}

/* An object that is stored in an encoding has that, and its claimed size. One
 * that was encoded on the way is another one's bytes. */
static int check_encoding(
    const struct intake *intake, const struct http_head *head, int64_t total)
{
	bool stored = total >= 0 && total == size_node(intake->size)->size;
	return head->encoded && !stored ? -EPROTO : 0;
}

static int check_version(struct intake *intake, const struct http_head *head)
{
	bool is_first = size_proven(intake->size) < 0;
	return version_check(intake->version, head, is_first);
}

static enum range_verdict stop(struct held_range *range, int reason)
{
	held_answer(range)->reason = reason;
	return RANGE_STOP;
}

/* Whether an answer of another version is to be believed: not the first one, as
 * a proxy may have given it; and of a page in the place of what the API says it
 * is, none. */
static bool shows_another(
    const struct intake *intake, const struct http_head *head)
{
	return !(head->page && download_is_no_page(intake->download)) &&
	       version_is_another(intake->version, head);
}

/* What to do when something did not go well with an answer. */
static enum range_verdict verdict_of(
    struct held_range *range, const struct http_head *head, int err)
{
	if (err == -EPROTO)
		return RANGE_WRONG;
	if (err != -ESTALE)
		return stop(range, err);
	return shows_another(held_ctx(range), head) ? stop(range, ANOTHER)
						    : RANGE_WRONG;
}

/* How much there is at most, where nobody told: 0: any. */
static int64_t untold_most(const struct intake *intake)
{
	int64_t most = intake->core->config.untold_max;
	int64_t true_size = size_true(intake->size);
	int64_t claimed = size_node(intake->size)->size;
	if (most == 0)
		return 0;
	if (most < true_size)
		most = true_size;
	return most < claimed ? claimed : most;
}

/* Whether a whole of so many bytes (-1: not told) may be something else. One as
 * long as was claimed is the object, and of one that has answered its version
 * tells. */
static bool may_be_another(const struct intake *intake, int64_t told)
{
	int64_t claimed = size_node(intake->size)->size;
	return size_proven(intake->size) < 0 &&
	       !(claimed > 0 && told == claimed);
}

/* Whether it may be a page in the place of what the API says it is. */
static bool may_be_page(const struct intake *intake, int64_t told)
{
	return may_be_another(intake, told) &&
	       download_is_no_page(intake->download);
}

/* The size that a whole was said to have. Of one that is alone, another attempt
 * may have another. */
static int learn_told(struct intake *intake)
{
	int64_t told = spool_told(intake->spool);
	return told < 0 || version_is_alone(intake->version)
		   ? 0
		   : learn_size(intake, told);
}

/* The spool takes what comes. told: so many bytes; -1: not said. */
static int begin_spool(struct held_range *range, int64_t told)
{
	struct intake *intake = held_ctx(range);
	struct spool_plan plan = {.told = told,
	    .most = untold_most(intake),
	    .alone = version_is_alone(intake->version)};
	int r = spool_begin(intake->spool, &plan);
	/* What may be a page has to show first what it is. */
	if (r == 0 && !may_be_page(intake, told))
		r = learn_told(intake);
	if (r < 0)
		return r;
	intake->whole = true;
	intake->spooler = range;
	held_answer(range)->is_whole = true;
	return 0;
}

/* The whole object comes, in one answer: its bytes go to the spool. */
static enum range_verdict take_whole(
    struct held_range *range, const struct http_head *head, int64_t told)
{
	struct intake *intake = held_ctx(range);
	if (spool_is_whole(intake->spool) ||
	    (intake->spooler && intake->spooler != range))
		return stop(range, NOT_NEEDED);
	int r = check_encoding(intake, head, told);
	if (r == 0 && told > RECORD_SIZE_MAX)
		r = -EFBIG;
	if (r == 0)
		r = begin_spool(range, told);
	return r < 0 ? verdict_of(range, head, r) : RANGE_TAKE_WHOLE;
}

/* A part is of no use. */
static enum range_verdict want_whole(struct held_range *range)
{
	struct intake *intake = held_ctx(range);
	intake->plain = true;
	return intake->speculative ? stop(range, NOT_AWAITED) : RANGE_AGAIN;
}

/* Of an object that is alone, no part is of use, unless it is all. */
static enum range_verdict take_alone(
    struct held_range *range, const struct http_head *head)
{
	if (head->range_start == 0 && head->range_end == head->range_total - 1)
		return take_whole(range, head, head->range_total);
	return want_whole(range);
}

/* 206 */
static enum range_verdict take_part(
    struct held_range *range, const struct http_head *head)
{
	struct intake *intake = held_ctx(range);
	if (head->range_total < 0)
		return want_whole(range); /* it tells no end */
	int r = check_version(intake, head);
	if (r == 0 && version_is_alone(intake->version))
		return take_alone(range, head);
	if (r == 0)
		r = check_encoding(intake, head, head->range_total);
	if (r == 0)
		r = learn_size(intake, head->range_total);
	if (r < 0)
		return verdict_of(range, head, r);
	version_stands(intake->version);
	held_cut(range, head->range_total);
	return RANGE_TAKE;
}

/*
 * Whether an answer may be a proxy's page, or what is left of half a body:
 * these come as a whole, too. HTML that was to be something else is doubted for
 * good, another size than was claimed until it comes twice.
 */
static bool is_doubtful(
    const struct intake *intake, const struct http_head *head)
{
	int64_t told = head->content_length;
	if (head->page && may_be_page(intake, told))
		return true;
	return size_node(intake->size)->size > 0 &&
	       may_be_another(intake, told) &&
	       !version_confirms(intake->version, head);
}

/* 200: the whole object comes, whatever was asked for. */
static enum range_verdict take_all(
    struct held_range *range, const struct http_head *head)
{
	if (is_doubtful(held_ctx(range), head))
		return RANGE_WRONG;
	int r = check_version(held_ctx(range), head);
	return r < 0 ? verdict_of(range, head, r)
		     : take_whole(range, head, head->content_length);
}

/* 416: nothing is there at that position; the answer may tell the size. */
static enum range_verdict take_nothing(
    struct held_range *range, const struct http_head *head)
{
	struct intake *intake = held_ctx(range);
	int64_t total = head->range_total;
	if (total < 0 && held_first(range) == 0) {
		intake->plain = true; /* ask for the whole instead */
		return RANGE_AGAIN;
	}
	if (total < 0)
		return RANGE_WRONG;
	if (total == 0 || size_proven(intake->size) >= 0) {
		int r = learn_size(intake, total);
		return r < 0 ? verdict_of(range, head, r) : RANGE_TAKE;
	}
	/* It is shorter than was claimed. Its beginning says how long it is,
	 * and of which version that is; this is the only range. */
	held_move_to_start(range);
	return RANGE_FROM_START;
}

static enum range_verdict on_head(void *ctx, const struct http_head *head)
{
	held_answer(ctx)->is_whole = false;
	switch (head->status) {
	case 206:
		return take_part(ctx, head);
	case 200:
		return take_all(ctx, head);
	default:
		return take_nothing(ctx, head);
	}
}

/* The store may heed ranges, after all. */
static enum range_verdict forget_doubtful(struct intake *intake)
{
	if (size_proven(intake->size) < 0)
		version_forget(intake->version);
	intake->whole = false;
	intake->spooler = NULL;
	return RANGE_WRONG;
}

/* The first bytes of what may be a page. 0: it is none, and has its size. */
static int judge_beginning(struct intake *intake, const void *data, size_t len)
{
	int r = page_begins(data, len) ? -EPROTO : learn_told(intake);
	if (r == -ESTALE)
		r = -EPROTO;
	if (r == -EPROTO)
		forget_doubtful(intake);
	return r;
}

/* The next bytes of a whole. A page that does not say that it is one begins as
 * they all do. */
static int add_to_whole(struct intake *intake, const void *data, size_t len)
{
	int r = 0;
	if (spool_size(intake->spool) == 0 &&
	    may_be_page(intake, spool_told(intake->spool)))
		r = judge_beginning(intake, data, len);
	return r < 0 ? r : spool_add(intake->spool, data, len);
}

static int on_body(void *ctx, const void *data, size_t len)
{
	struct intake *intake = held_ctx(ctx);
	intake->events->grown(intake->ctx);
	if (held_answer(ctx)->is_whole)
		return add_to_whole(intake, data, len);
	held_fill(ctx, data, len);
	return 0;
}

/* ---- the end ---- */

static enum range_verdict on_whole(
    void *ctx, const struct http_head *head, const char **ret_reason)
{
	struct intake *intake = held_ctx(ctx);
	const struct whole whole = {
	    .size = spool_size(intake->spool),
	    .hash = spool_hash(intake->spool),
	    .told = spool_told(intake->spool),
	    .proven = size_proven(intake->size),
	    .claimed = size_node(intake->size)->size,
	    .unframed = head->unframed,
	};
	switch (version_judge_whole(intake->version, &whole)) {
	case WHOLE_ANOTHER:
		return stop(ctx, ANOTHER);
	case WHOLE_CUT:
		*ret_reason =
		    "the object store's answers end before the object does";
		return RANGE_AGAIN;
	case WHOLE_UNSURE:
		*ret_reason =
		    "the object store does not tell where its answers end";
		return RANGE_AGAIN;
	case WHOLE_DOUBTED:
		return forget_doubtful(intake);
	default:
		return RANGE_TAKE_WHOLE;
	}
}

/* A whole object has come: now its size is sure, if it was not before. */
static void take_up_whole(struct intake *intake, struct held_range *range)
{
	int r = learn_size(intake, spool_size(intake->spool));
	held_empty(range);
	if (r == -ESTALE) {
		intake->events->changed(intake->ctx);
	} else if (r < 0) {
		fail(intake, r, 200, NULL);
	} else {
		spool_finish(intake->spool);
		intake->events->came(intake->ctx);
	}
}

static void fail_of(
    struct intake *intake, int err, const struct range_outcome *outcome)
{
	const char *message = outcome->message;
	if (err == -EFBIG)
		message = "the object is larger than anything is taken to be";
	else if (err == -ENOSPC && outcome->end == RANGE_FAILED)
		message = "there is no room for it in the directory for"
			  " temporary files (TMPDIR)";
	fail(intake, err, outcome->status, message);
}

/* It was to be fetched whole only for who waits. */
static void go_on_if_awaited(struct intake *intake, struct held_range *range)
{
	int r = intake->events->is_awaited(intake->ctx) ? held_send(range)
							: -ENODATA;
	if (r < 0)
		fail(intake, r, 0, NULL);
}

static void on_stopped(struct intake *intake, struct held_range *range,
    const struct range_outcome *outcome)
{
	int reason = held_answer(range)->reason;
	switch (reason) {
	case NOT_AWAITED:
		go_on_if_awaited(intake, range);
		break;
	case NOT_NEEDED:
		held_drop(range);
		break;
	case ANOTHER:
		intake->events->changed(intake->ctx);
		break;
	default:
		fail_of(intake, reason, outcome);
		break;
	}
}

static void on_done(void *ctx, const struct range_outcome *outcome)
{
	struct held_range *range = ctx;
	struct intake *intake = held_ctx(range);
	switch (outcome->end) {
	case RANGE_FAILED:
		fail_of(intake, outcome->err, outcome);
		break;
	case RANGE_STOPPED:
		on_stopped(intake, range, outcome);
		break;
	case RANGE_BEYOND:
		held_empty(range);
		intake->events->came(intake->ctx);
		break;
	case RANGE_CAME:
		if (held_answer(range)->is_whole) {
			take_up_whole(intake, range);
			break;
		}
		if (outcome->took_ms >= 0)
			pace_learn(
			    intake->pace, held_len(range), outcome->took_ms);
		intake->events->came(intake->ctx);
		break;
	}
}

/* ---- life ---- */

static const struct range_events range_events = {
    on_ask, on_head, on_body, on_whole, on_over, on_done};

int intake_fetch(struct intake *intake, int64_t first, int64_t len)
{
	const struct held_source source = {.api = intake->core->api,
	    .download = intake->download,
	    .events = &range_events,
	    .ctx = intake};
	return held_fetch(
	    intake->held, size_node(intake->size)->id, first, len, &source);
}

bool intake_is_whole(const struct intake *intake)
{
	return intake->whole;
}

void intake_set_speculative(struct intake *intake, bool speculative)
{
	intake->speculative = speculative;
}

/* The stored file whose object this is. */
static int new_download(struct intake *intake, const char *subject)
{
	CLEANUP_BUF struct buf id;
	buf_init(&id, RECORD_ID_MAX);
	int r = replica_key(
	    intake->core->replica, size_node(intake->size)->id, &id);
	if (r < 0)
		return r;
	intake->download = download_new(intake->core->api, subject,
	    buf_str(&id), id.len, &download_events, intake);
	return intake->download ? 0 : -ENOMEM;
}

/* What was kept of the object when it answered before. */
static int load_version(struct intake *intake)
{
	const struct node *node = size_node(intake->size);
	CLEANUP_BUF struct buf kept;
	buf_init(&kept, 64 << 10);
	int r = replica_etag(intake->core->replica, node->id, &kept);
	if (r < 0)
		return r;
	intake->version = version_new(buf_str(&kept), node->proven);
	return intake->version ? 0 : -ENOMEM;
}

int intake_new(struct core *core, const char *subject, struct size *size,
    struct held *held, struct spool *spool, const struct intake_events *events,
    void *ctx, struct intake **ret_intake)
{
	struct intake *intake = calloc(1, sizeof(*intake));
	if (!intake)
		return -ENOMEM;
	intake->core = core;
	intake->size = size;
	intake->held = held;
	intake->spool = spool;
	intake->events = events;
	intake->ctx = ctx;
	intake->pace = pace_new(core->http, send_waiting, intake);
	int r = intake->pace ? load_version(intake) : -ENOMEM;
	if (r == 0)
		r = new_download(intake, subject);
	if (r < 0) {
		intake_free(intake);
		return r;
	}
	*ret_intake = intake;
	return 0;
}

void intake_free(struct intake *intake)
{
	if (!intake)
		return;
	pace_free(intake->pace);
	download_free(intake->download);
	version_free(intake->version);
	free(intake);
}
