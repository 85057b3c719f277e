#include "sync/listing/sort_trial.h"

#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/record.h"
#include "base/cleanup.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/core/position.h"
#include "sync/listing/sort_field.h"
#include "sync/listing/sorting.h"
#include "sync/record/put.h"
#include "tree/name.h"

/* Records that are asked for. */
#define TRIAL_RECORDS 20

/* Records that a field is chosen by, neighbours from all over the listing, and
 * fields that are looked at. */
#define SAMPLES 16
#define FIELDS_MAX 16

struct sort_trial {
	struct core *core;
	const struct folder *folder;
	void (*sorts)(void *ctx);
	void *ctx;
	struct api_call *call;
	struct replica_listing listing;
	struct sort_field field;
	int64_t rank; /* falls and rises as the field's values do */
	struct sorting sorting;
};

struct sort_trial *sort_trial_new(struct core *core,
    const struct folder *folder, void (*sorts)(void *ctx), void *ctx)
{
	struct sort_trial *trial = calloc(1, sizeof(*trial));
	if (!trial)
		return NULL;
	trial->core = core;
	trial->folder = folder;
	trial->sorts = sorts;
	trial->ctx = ctx;
	buf_init(&trial->field.last, 0);
	sorting_init(&trial->sorting);
	return trial;
}

void sort_trial_free(struct sort_trial *trial)
{
	if (!trial)
		return;
	api_cancel(trial->call);
	sort_field_done(&trial->field);
	sorting_done(&trial->sorting);
	free(trial);
}

/* ---- which field ---- */

struct fields {
	struct sort_field all[FIELDS_MAX];
	size_t count;
	int64_t last_pos;
	int64_t last_ms;
	bool falls; /* the dates do, somewhere: a check will tell */
};

static void note_field(void *ctx, struct json_span name, struct json_span value)
{
	struct fields *fields = ctx;
	(void)value;
	if (fields->count < FIELDS_MAX &&
	    sort_field_init(&fields->all[fields->count], name))
		fields->count++;
}

static int add_text(struct fields *fields, const struct buf *text)
{
	const char *names[FIELDS_MAX];
	struct json_span values[FIELDS_MAX];
	int r = 0;
	if (!fields->count)
		r = json_plain_members(
		    buf_str(text), text->len, note_field, fields);
	for (size_t i = 0; i < fields->count; i++)
		names[i] = fields->all[i].name;
	if (r == 0)
		r = json_members(
		    buf_str(text), text->len, names, fields->count, values);
	for (size_t i = 0; r == 0 && i < fields->count; i++)
		r = sort_field_add(&fields->all[i], values[i]);
	return r;
}

/* The index-th record, or one near it; those behind the one before count. */
static int add_sample(
    const struct sort_trial *trial, int64_t index, struct fields *fields)
{
	struct replica *replica = trial->core->replica;
	const struct replica_listing *listing = &trial->listing;
	int64_t first = slot_start(listing->base, 1 + index / PAGE_LIMIT);
	int64_t id, found = 0;
	struct node node;
	CLEANUP_BUF struct buf text;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = replica_nth(replica, trial->folder->id, first,
	    index % PAGE_LIMIT, 1, &id, &found);
	if (r < 0 || !found)
		return r;
	r = replica_get(replica, id, &node);
	if (r < 0 || node.pos[listing->side] <= fields->last_pos)
		return r;
	fields->falls |= node.mtime_ms < fields->last_ms;
	fields->last_ms = node.mtime_ms;
	fields->last_pos = node.pos[listing->side];
	r = replica_text(replica, id, &text);
	return r < 0 ? r : add_text(fields, &text);
}

/* One whose values are in no order where the records are in that of the pages.
 */
static bool choose_field(struct sort_trial *trial)
{
	struct fields fields = {.last_ms = INT64_MIN};
	bool found = false;
	int r = 0;
	for (int64_t i = 0; r == 0 && i < SAMPLES; i++)
		r = add_sample(trial,
		    i / 2 * 2 * trial->listing.count / SAMPLES + i % 2,
		    &fields);
	for (size_t i = 0; i < fields.count; i++) {
		struct sort_field *field = &fields.all[i];
		if (r == 0 && !found && !fields.falls && field->falls &&
		    field->rises && !field->broken) {
			memcpy(trial->field.name, field->name,
			    sizeof(field->name));
			found = true;
		}
		sort_field_done(field);
	}
	return found;
}

/* ---- asking ---- */

/* Where a record stands; 0: it is not listed. */
static int64_t position_of(
    const struct sort_trial *trial, const struct record *record)
{
	const struct replica_listing *listing = &trial->listing;
	struct node node;
	CLEANUP_BUF struct buf name;
	buf_init(&name, NAME_WORK_MAX);
	if (name_of_record(buf_str(&record->id), record->id.len, &name) < 0 ||
	    replica_lookup(trial->core->replica, trial->folder->id,
		buf_str(&name), &node) < 0 ||
	    node.pos[listing->side] <= listing->base)
		return 0;
	return node.pos[listing->side];
}

static int watch(struct sort_trial *trial, const struct record *record)
{
	const char *names[] = {trial->field.name};
	struct json_span value;
	int64_t pos = position_of(trial, record);
	int r =
	    json_members(record->text.text, record->text.len, names, 1, &value);
	if (r == 0)
		r = sort_field_add(&trial->field, value);
	if (r < 0 || !pos)
		return r;
	trial->rank += trial->field.step;
	return sorting_record(&trial->sorting, &record->id, pos, trial->rank);
}

static int on_record(void *ctx, const char *text, size_t len)
{
	struct record record;
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	r = watch(ctx, &record);
	record_done(&record);
	return r;
}

static void on_restart(void *ctx)
{
	struct sort_trial *trial = ctx;
	struct sort_field *field = &trial->field;
	buf_clear(&field->last);
	field->told = field->broken = field->falls = field->rises = false;
	trial->rank = 0;
	sorting_begin(&trial->sorting);
}

static void on_page(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct sort_trial *trial = ctx;
	(void)page;
	trial->call = NULL;
	if (error->err || trial->field.broken ||
	    !sorting_is_by_date(&trial->sorting))
		return;
	sorting_learn(trial->core, DATE_UPDATED);
	sorting_learn(trial->core, DATE_CREATED);
	trial->sorts(trial->ctx);
}

static bool is_worth_it(
    const struct core *core, const struct replica_listing *listing)
{
	return core->api && !core->tried_sorting &&
	       !sorting_is_known(core, DATE_UPDATED) &&
	       listing->count > PAGE_LIMIT &&
	       (listing->flags & LISTING_BY_ID) &&
	       !(listing->flags & (LISTING_LOOSE | LISTING_LEVEL));
}

void sort_trial_begin(
    struct sort_trial *trial, const struct replica_listing *listing)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .restart = on_restart,
	    .done = on_page,
	};
	struct api_query query = {
	    .subject = trial->folder->title,
	    .table = trial->folder->table,
	    .page = 1,
	    .limit = TRIAL_RECORDS,
	    .sort_by = trial->field.name,
	    .descending = true,
	    .speculative = true,
	    .may_fail = true,
	};
	trial->listing = *listing;
	if (!is_worth_it(trial->core, listing) || !choose_field(trial))
		return;
	trial->core->tried_sorting = true;
	on_restart(trial);
	trial->call = api_list(trial->core->api, &query, &sink, trial);
}
