#include "sync/listing/part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "json/json.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/position.h"
#include "sync/core/write.h"
#include "sync/listing/entries.h"
#include "sync/listing/order.h"
#include "sync/listing/ranges.h"
#include "sync/record/batch.h"
#include "sync/record/put.h"

/* Inode numbers set aside for a page. */
#define IDS_RESERVED 128

struct part {
	struct core *core;
	const struct folder *folder;
	const struct part_sizes *sizes; /* which others learn meanwhile */
	const struct part_events *events;
	void *ctx;
	struct api_call *call; /* NULL when the answer has come */
	struct commit_hook hook;
	struct batch *batch; /* records on their way; NULL: none came yet */
	struct part_question question; /* its range is ours */
	struct part_answer answer;
	int64_t first_node; /* inode numbers reserved for it */
	bool is_done;	    /* in the replica */
	struct parts *parts;
	TAILQ_ENTRY(part) link;
};

void part_free(struct part *part)
{
	if (!part)
		return;
	api_cancel(part->call);
	write_unhook(&part->hook);
	batch_free(part->batch);
	TAILQ_REMOVE(part->parts, part, link);
	id_range_free(part->question.range);
	buf_done(&part->answer.first_id);
	buf_done(&part->answer.last_id);
	buf_done(&part->answer.split_id);
	ids_done(&part->answer.ids);
	free(part);
}

struct part *part_next(const struct part *part)
{
	return TAILQ_NEXT(part, link);
}

int64_t part_slot(const struct part *part)
{
	return part->question.slot;
}

bool part_is_done(const struct part *part)
{
	return part->is_done;
}

const struct part_answer *part_answer(const struct part *part)
{
	return &part->answer;
}

struct id_range *part_take_range(struct part *part)
{
	part->answer.range = NULL;
	return TAKE(part->question.range);
}

/* Inode numbers rise with the position, in whatever order pages come: programs
 * like cp read by inode. Twice as many, for files and their objects. */
static void reserve_ids(struct part *part)
{
	part->first_node =
	    replica_reserve_ids(part->core->replica, 2 * IDS_RESERVED);
}

static void forget_records(struct part_answer *answer)
{
	buf_clear(&answer->first_id);
	buf_clear(&answer->last_id);
	buf_clear(&answer->split_id);
	answer->count = answer->unique = answer->held = 0;
	answer->facts = FACTS_INIT;
	ids_clear(&answer->ids);
	answer->orders = ORDER_ANY;
	answer->out_of_range = false;
}

/* The position before its first one. */
static int64_t start(const struct part *part)
{
	return slot_start(part->question.base, part->question.slot);
}

void part_take_back(struct part *part)
{
	bool any = part->answer.count > 0;
	batch_free(TAKE(part->batch));
	forget_records(&part->answer);
	if (!any)
		return;
	reserve_ids(part); /* some of the old ones are taken */
	entries_unlist(part->core, part->folder, start(part),
	    start(part) + (INT64_C(1) << PAGE_BITS) - 1);
}

/* Where a range with more records than an answer holds is split: in the middle
 * of the answer, also where its size is the server's own. */
static int64_t half_a_page(const struct part *part)
{
	const struct part_sizes *sizes = part->sizes;
	int64_t size = part->question.limit;
	if (sizes->told)
		size = sizes->told;
	else if (!size || (sizes->most && sizes->most < size))
		size = sizes->most;
	return size / 2;
}

/* Watch the order of ids, and whether a filter was heeded. */
static int watch_id(struct part *part, const struct record *record)
{
	struct part_answer *answer = &part->answer;
	const struct buf *id = &record->id;
	const struct id_range *range = part->question.range;
	int r = 0;
	if (range && !id_range_has(range, id))
		answer->out_of_range = true;
	if (answer->last_id.len)
		answer->orders =
		    order_after(answer->orders, &answer->last_id, id);
	else
		r = buf_add(&answer->first_id, buf_str(id), id->len);
	if (answer->count == 0)
		answer->first_number = record->number;
	answer->last_number = record->number;
	buf_clear(&answer->last_id);
	if (r == 0)
		r = buf_add(&answer->last_id, buf_str(id), id->len);
	if (r == 0 && range && answer->count == half_a_page(part))
		r = buf_add(&answer->split_id, buf_str(id), id->len);
	return r;
}

static void on_placed(void *ctx, int64_t count, int64_t held)
{
	struct part *part = ctx;
	part->answer.unique += count;
	part->answer.held += held;
}

static int put(struct part *part, const struct record *record)
{
	const struct part_question *question = &part->question;
	struct part_answer *answer = &part->answer;
	struct placement place = {
	    .in = {question->side, question->base,
		start(part) + 1 + answer->count},
	};
	if (answer->count < IDS_RESERVED) {
		place.id = part->first_node + answer->count;
		place.object_id = place.id + IDS_RESERVED;
	}
	int r = part->events->brings(part->ctx);
	if (r == 0 && !part->batch) {
		part->batch = batch_new(part->question.batches,
		    part->folder->id, part->question.before, on_placed, part);
		r = part->batch ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = batch_add(part->batch, record, &place);
	if (r < 0)
		return r;
	answer->count++;
	return facts_record(&answer->facts, &answer->ids, record);
}

static int on_record(void *ctx, const char *text, size_t len)
{
	struct part *part = ctx;
	struct record record;
	if (part->answer.count >= PAGE_RECORDS_MAX)
		return -EPROTO;
	int r = record_parse(text, len, &record);
	if (r < 0) {
		if (r == -EPROTO && json_check(text, len) == 0)
			folder_explain(part->folder, part->core, r,
			    "a record in the listing has no id");
		return r;
	}
	r = watch_id(part, &record);
	if (r == 0)
		r = put(part, &record);
	record_done(&record);
	return r;
}

static int on_end(void *ctx)
{
	struct part *part = ctx;
	int r = part->batch ? batch_put(part->batch) : 0;
	batch_free(TAKE(part->batch));
	return r;
}

static void on_restart(void *ctx)
{
	part_take_back(ctx);
}

static void on_commit(void *ctx, int err)
{
	struct part *part = ctx;
	part->is_done = err == 0;
	part->events->done(part->ctx, part, err, 0);
}

static void on_page(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct part *part = ctx;
	struct part_answer *answer = &part->answer;
	part->call = NULL;
	if (error->err) {
		part->events->done(part->ctx, part, error->err, error->status);
		return;
	}
	answer->info = *page;
	answer->facts.twice = ids_are_twice(&answer->ids);
	int r = write_begin(part->core->write);
	if (r < 0)
		part->events->done(part->ctx, part, r, 0);
	else
		write_hook(part->core->write, &part->hook);
}

static int ask(struct part *part)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .end = on_end,
	    .checks = true,
	    .restart = on_restart,
	    .done = on_page,
	};
	const struct part_question *question = &part->question;
	const struct id_range *range = question->range;
	CLEANUP_BUF struct buf filter;
	buf_init(&filter, 4 * RECORD_ID_MAX);
	struct api_query query = {
	    .subject = part->folder->title,
	    .table = part->folder->table,
	    .page = question->page,
	    .limit = question->limit,
	    .speculative = question->speculative,
	    .presence = question->presence,
	};
	if (range && (range->numbers || range->low.len || range->high.len)) {
		int r = id_range_filter(range, &filter);
		if (r < 0)
			return r;
		query.filters = buf_str(&filter);
		query.may_fail = range->numbers;
	}
	part->call = api_list(part->core->api, &query, &sink, part);
	return part->call ? 0 : -ENOMEM;
}

int part_new(struct core *core, const struct folder *folder,
    const struct part_question *question, const struct part_sizes *sizes,
    struct parts *parts, const struct part_events *events, void *ctx)
{
	struct part *part = calloc(1, sizeof(*part));
	if (!part)
		return -ENOMEM;
	*part = (struct part){
	    .core = core,
	    .folder = folder,
	    .sizes = sizes,
	    .events = events,
	    .ctx = ctx,
	    .hook = {.fn = on_commit, .ctx = part},
	    .question = *question,
	    .parts = parts,
	    .answer = {.page = question->page,
		.limit = question->limit,
		.range = question->range},
	};
	buf_init(&part->answer.first_id, RECORD_ID_MAX);
	buf_init(&part->answer.last_id, RECORD_ID_MAX);
	buf_init(&part->answer.split_id, RECORD_ID_MAX);
	forget_records(&part->answer);
	reserve_ids(part);
	TAILQ_INSERT_TAIL(parts, part, link);
	int r = ask(part);
	if (r < 0) {
		part_take_range(part);
		part_free(part);
	}
	return r;
}
