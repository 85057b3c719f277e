#include "sync/listing/pass.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "base/activity.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/position.h"
#include "sync/listing/part.h"
#include "sync/listing/ranges.h"
#include "sync/listing/round.h"
#include "sync/listing/spec.h"
#include "sync/record/batch.h"

struct pass {
	struct core *core;
	const struct folder *folder;
	const struct pass_events *events;
	void *ctx;
	bool running;
	bool want_all;		    /* somebody needs the listing whole */
	bool has_brought;	    /* a record, or is about to */
	bool is_again;		    /* a listing was whole before */
	struct batch_before before; /* the listing that was known */
	int side;
	int64_t base;
	int64_t began;	     /* a moment */
	int64_t wall_ms;     /* our own clock when it began */
	int64_t done_slot;   /* slots up to here are in the replica */
	int64_t reader_slot; /* as far as anyone has read */
	unsigned window;     /* pages to fetch ahead of the reader */
	int64_t ceiling;     /* positions up to here were given away */
	struct spec *spec;   /* in slot 0 */
	struct round *round;
	struct batches *batches;
	struct parts parts; /* under way or not yet in turn */
	struct activity activity;
};

static void on_spec(void *ctx, int err);

struct pass *pass_new(struct core *core, const struct folder *folder,
    const struct pass_events *events, void *ctx)
{
	struct pass *pass = calloc(1, sizeof(*pass));
	if (!pass)
		return NULL;
	pass->core = core;
	pass->folder = folder;
	pass->events = events;
	pass->ctx = ctx;
	TAILQ_INIT(&pass->parts);
	pass->round = round_new();
	pass->batches = batches_new(core);
	pass->spec = spec_new(core, folder, on_spec, pass);
	if (!pass->round || !pass->spec || !pass->batches) {
		pass_free(pass);
		return NULL;
	}
	return pass;
}

void pass_free(struct pass *pass)
{
	if (!pass)
		return;
	if (pass->round && pass->spec)
		pass_stop(pass);
	activity_over(&pass->activity);
	spec_free(pass->spec);
	round_free(pass->round);
	batches_free(pass->batches);
	free(pass);
}

struct pass_state pass_state(const struct pass *pass)
{
	return (struct pass_state){
	    .base = pass->base,
	    .began = pass->began,
	    .side = pass->side,
	    .frontier = slot_start(pass->base, pass->done_slot + 1),
	    .total = round_total(pass->round),
	    .is_empty = pass->done_slot == 0,
	    .has_brought = pass->has_brought,
	};
}

void pass_want_all(struct pass *pass, bool want)
{
	pass->want_all = want;
}

/* ---- ending ---- */

static void stop_asking(struct pass *pass)
{
	struct part *part;
	while ((part = TAILQ_LAST(&pass->parts, parts))) {
		part_take_back(part);
		/* A range is asked for again when the pass is taken up. */
		struct id_range *range = part_take_range(part);
		if (range)
			ranges_put_back(round_ranges(pass->round), range);
		part_free(part);
	}
	spec_stop(pass->spec);
	round_rewind(pass->round, pass->done_slot);
	pass->window = 1;
}

/* For a person who looks at a silent `ls`. */
static void say_where(struct pass *pass)
{
	struct activities *board = pass->core->config.activities;
	int64_t last, page = round_page(pass->round, pass->done_slot, &last);
	if (!page)
		activity_say(board, &pass->activity,
		    "listing %s, looking again for what changed meanwhile",
		    pass->folder->title);
	else if (last)
		activity_say(board, &pass->activity,
		    "listing %s, page %" PRId64 " of %" PRId64,
		    pass->folder->title, page, last);
	else
		activity_say(board, &pass->activity,
		    "listing %s, page %" PRId64, pass->folder->title, page);
}

static void rest(struct pass *pass)
{
	activity_over(&pass->activity);
	batches_rest(pass->batches);
	pass->running = false;
}

void pass_stop(struct pass *pass)
{
	stop_asking(pass);
	rest(pass);
}

void pass_forget(struct pass *pass)
{
	pass_stop(pass);
	round_forget(pass->round);
	if (pass->base)
		pass->ceiling = slot_start(pass->base, pass->done_slot + 1);
	pass->base = 0;
}

static void fail(struct pass *pass, int err)
{
	pass_stop(pass);
	pass->events->failed(pass->ctx, err);
}

/* What it says cannot be, or never rests: not to be taken up. */
static void give_up(struct pass *pass, int err, const char *message)
{
	folder_explain(pass->folder, pass->core, err, message);
	pass_forget(pass);
	pass->events->failed(pass->ctx, err);
}

static void finish(struct pass *pass)
{
	struct replica_listing listing = {
	    .side = pass->side,
	    .base = pass->base,
	    .end = slot_start(pass->base, pass->done_slot + 1),
	    .listed_ms = pass->wall_ms,
	    .proven_ms = pass->wall_ms,
	};
	round_describe(pass->round, &listing);
	rest(pass);
	pass->events->whole(pass->ctx, &listing);
}

/* ---- rounds ---- */

static void begin_round(struct pass *pass)
{
	int r = 0;
	log_info("%s: cannot be sure to have seen all of it, looking again",
	    pass->folder->title);
	pass->want_all = true;
	if (round_begin_next(pass->round, pass->done_slot) == ROUND_RANGES)
		r = ranges_plan(round_ranges(pass->round), pass->core->replica,
		    pass->folder->id, pass->base, pass->done_slot);
	if (r < 0)
		fail(pass, r);
	else
		pass_pump(pass);
}

static void give_up_round(struct pass *pass)
{
	stop_asking(pass);
	round_give_up(pass->round);
	begin_round(pass);
}

static void judge(struct pass *pass)
{
	char message[200];
	switch (round_judge(pass->round)) {
	case ROUND_PROVEN:
		finish(pass);
		break;
	case ROUND_AGAIN:
		begin_round(pass);
		break;
	case ROUND_BAD:
		round_problem(pass->round, message, sizeof(message));
		give_up(pass, -EPROTO, message);
		break;
	case ROUND_RESTLESS:
		give_up(pass, -EIO,
		    "the listing changes faster than it can be read");
		break;
	}
}

/* ---- taking in ---- */

static struct part *next_in_turn(struct pass *pass)
{
	struct part *part = TAILQ_FIRST(&pass->parts);
	if (pass->done_slot == 0 && !spec_is_done(pass->spec))
		return NULL;
	for (; part; part = part_next(part)) {
		if (part_slot(part) == pass->done_slot + 1)
			return part_is_done(part) ? part : NULL;
	}
	return NULL;
}

/* New records that the other parts brought so far. */
static int64_t found_by_others(const struct pass *pass, const struct part *part)
{
	const struct part *other = TAILQ_FIRST(&pass->parts);
	int64_t found = 0;
	for (; other; other = part_next(other))
		found += other == part ? 0 : part_answer(other)->unique;
	return found;
}

static enum round_step absorb(struct pass *pass, const struct part *part)
{
	bool alone = part == TAILQ_FIRST(&pass->parts) && !part_next(part);
	return round_absorb(
	    pass->round, part_answer(part), found_by_others(pass, part), alone);
}

/* Take in the parts whose turn has come; whether there was one. */
static bool take_in(struct pass *pass, enum round_step *step)
{
	struct part *part;
	bool moved = false;
	*step = ROUND_GOES_ON;
	while (!round_is_over(pass->round) && (part = next_in_turn(pass))) {
		*step = absorb(pass, part);
		if (*step != ROUND_GOES_ON)
			break;
		pass->done_slot = part_slot(part);
		part_free(part);
		moved = true;
	}
	return moved;
}

/* Pages beyond the end may still be under way. */
static void take_back_parts(struct pass *pass)
{
	struct part *part;
	while ((part = TAILQ_FIRST(&pass->parts))) {
		part_take_back(part);
		part_free(part);
	}
}

/* Publish what has come in order, then see what is next. */
static void advance(struct pass *pass)
{
	enum round_step step;
	bool moved = take_in(pass, &step);
	if (moved)
		say_where(pass);
	if (moved)
		pass->events->advanced(pass->ctx);
	if (!pass->running)
		return;
	if (step == ROUND_GIVES_UP) {
		give_up_round(pass);
	} else if (step == ROUND_NO_MEMORY) {
		fail(pass, -ENOMEM);
	} else if (round_is_over(pass->round) && spec_is_done(pass->spec)) {
		take_back_parts(pass);
		judge(pass);
	} else {
		pass_pump(pass);
	}
}

static void on_spec(void *ctx, int err)
{
	struct pass *pass = ctx;
	if (err < 0)
		fail(pass, err);
	else
		advance(pass);
}

/* Whether a failure tells no more than that the server does not do this. */
static bool is_refusal(const struct part *part, int status)
{
	const struct id_range *range = part_answer(part)->range;
	return status == 400 || status == 422 || (range && range->numbers);
}

/* Whether something else can be asked for than what is refused. */
static bool fall_back(struct pass *pass)
{
	bool another_kind;
	if (!round_refused(pass->round, pass->done_slot, &another_kind))
		return false;
	if (another_kind) {
		give_up_round(pass);
	} else {
		stop_asking(pass);
		pass_pump(pass);
	}
	return true;
}

static int on_brings(void *ctx)
{
	struct pass *pass = ctx;
	if (pass->has_brought)
		return 0;
	pass->has_brought = true;
	return pass->events->brings(pass->ctx);
}

static void on_part(void *ctx, struct part *part, int err, int status)
{
	struct pass *pass = ctx;
	if (err == 0)
		advance(pass);
	else if (!is_refusal(part, status) || !fall_back(pass))
		fail(pass, err);
}

static const struct part_events part_events = {
    .brings = on_brings,
    .done = on_part,
};

/* ---- asking ---- */

/* Pages to fetch ahead of a reader who has read the page of that number: one
 * who only looks costs little, one who goes on has all connections from here.
 */
static const unsigned ramp[] = {1, 5, 4, 3, 2, 1};

void pass_reader_at(struct pass *pass, int64_t pos)
{
	int64_t slot = (pos - pass->base) >> PAGE_BITS;
	if (slot <= pass->reader_slot)
		return;
	pass->reader_slot = slot;
	pass->window = slot < (int64_t)ARRAY_SIZE(ramp) ? ramp[slot] : UINT_MAX;
	/* Twice the connections: while pages that came are taken in, as many
	 * are under way. The gate keeps the rest waiting. */
	if (pass->window > 2 * pass->core->config.connections)
		pass->window = 2 * pass->core->config.connections;
}

static int ask(struct pass *pass, struct part_question *question)
{
	question->side = pass->side;
	question->base = pass->base;
	question->batches = pass->batches;
	question->before = &pass->before;
	question->speculative = question->slot > pass->done_slot + 1;
	question->presence =
	    pass->is_again || pass->done_slot > 0 ? API_LISTED : API_TOLD_OF;
	int r = part_new(pass->core, pass->folder, question,
	    round_sizes(pass->round), &pass->parts, &part_events, pass);
	if (r < 0 && question->range)
		ranges_put_back(round_ranges(pass->round), question->range);
	return r;
}

/* Ask for parts up to a slot. */
static void ask_up_to(struct pass *pass, int64_t last_slot)
{
	struct round *round = pass->round;
	while (!round_is_over(round) && round_next_slot(round) <= last_slot) {
		struct part_question question;
		enum round_question what =
		    round_next(round, !TAILQ_EMPTY(&pass->parts), &question);
		if (what == ROUND_NO_WINDOW)
			give_up_round(pass);
		if (what != ROUND_ASK)
			return;
		int r = ask(pass, &question);
		if (r < 0) {
			fail(pass, r);
			return;
		}
	}
}

static int want_spec(struct pass *pass)
{
	struct replica_place in = {pass->side, pass->base, pass->base + 1};
	return spec_want(
	    pass->spec, &in, moment_believed(pass->core, pass->began));
}

void pass_pump(struct pass *pass)
{
	int64_t ahead = pass->window, reader = pass->reader_slot;
	if (!pass->running)
		return;
	if (pass->want_all) {
		ahead = 2 * (int64_t)pass->core->config.connections;
		if (pass->done_slot > reader)
			reader = pass->done_slot;
	}
	int r = want_spec(pass);
	if (r < 0)
		fail(pass, r);
	else
		ask_up_to(pass, reader + ahead);
}

/* ---- beginning ---- */

/* Go on where it was left: with the verdict, if only that was missing. */
static void take_up(struct pass *pass)
{
	pass->events->advanced(pass->ctx);
	/* Who was restarted may have ended it. */
	if (pass->running)
		advance(pass);
}

/* The highest position that was ever given away. */
static int last_position(const struct pass *pass,
    const struct replica_listing *known, int64_t *ret_last)
{
	struct replica_listing stored;
	int r = replica_listing(pass->core->replica, pass->folder->id, &stored);
	if (r < 0)
		return r;
	*ret_last = stored.ceiling;
	if (*ret_last < pass->ceiling)
		*ret_last = pass->ceiling;
	if (*ret_last < known->end)
		*ret_last = known->end;
	return 0;
}

static int begin(struct pass *pass, const struct replica_listing *known)
{
	int64_t last;
	int r = last_position(pass, known, &last);
	if (r < 0)
		return r;
	pass->side = !known->side;
	pass->base = ((last >> PAGE_BITS) + 1) << PAGE_BITS;
	pass->began = moment_event(pass->core);
	pass->wall_ms = timestamp_now_ms();
	pass->done_slot = pass->reader_slot = 0;
	pass->window = 1;
	pass->has_brought = false;
	pass->is_again = known->end > 0;
	pass->before = (struct batch_before){known->base, known->end};
	pass->ceiling = pass->base;
	spec_begin(pass->spec);
	round_begin_first(pass->round, pass->wall_ms, known->count);
	return 0;
}

void pass_run(struct pass *pass, const struct replica_listing *known)
{
	pass->running = true;
	if (pass->base) {
		say_where(pass);
		take_up(pass);
		return;
	}
	int r = begin(pass, known);
	if (r == 0)
		say_where(pass);
	if (r < 0)
		fail(pass, r);
	else
		pass_pump(pass);
}
