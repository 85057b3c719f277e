#include "sync/listing/compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/listing/ids.h"
#include "sync/listing/sorting.h"
#include "sync/record/put.h"
#include "tree/name.h"

struct compare {
	struct core *core;
	const struct folder *folder;
	void *ctx;
	/* The question under way. */
	compare_done_fn done;
	struct api_call *call;
	const struct replica_listing *listing;
	enum date_field field;
	struct compared compared;
	int64_t last_ms; /* of the record before; NO_DATE */
	struct sorting sorting;
	struct ids ids;
};

struct compare *compare_new(
    struct core *core, const struct folder *folder, void *ctx)
{
	struct compare *compare = calloc(1, sizeof(*compare));
	if (!compare)
		return NULL;
	compare->core = core;
	compare->folder = folder;
	compare->ctx = ctx;
	sorting_init(&compare->sorting);
	return compare;
}

void compare_stop(struct compare *compare)
{
	api_cancel(TAKE(compare->call));
	ids_done(&compare->ids);
}

void compare_free(struct compare *compare)
{
	if (!compare)
		return;
	compare_stop(compare);
	sorting_done(&compare->sorting);
	ids_done(&compare->ids);
	free(compare);
}

struct probe_facts compare_facts(const struct compared *compared)
{
	return (struct probe_facts){
	    .total = compared->total,
	    .came = compared->came,
	    .newest_ms = compared->newest_ms,
	    .known = compared->known == compared->came,
	    .rises = compared->rises,
	    .twice = compared->twice,
	};
}

/* Whether a record is listed (or found since) with just this text: 1, 0, or
 * -errno of the replica. *ret_pos: where it stands, whatever its text; else 0.
 */
static int knows(const struct compare *compare, const struct record *record,
    int64_t *ret_pos)
{
	const struct replica_listing *listing = compare->listing;
	struct replica *replica = compare->core->replica;
	struct node node = {0};
	CLEANUP_BUF struct buf name, text;
	buf_init(&name, NAME_WORK_MAX);
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = name_of_record(buf_str(&record->id), record->id.len, &name);
	if (r == 0)
		r = replica_lookup(
		    replica, compare->folder->id, buf_str(&name), &node);
	if (r == 0 && node.pos[listing->side] <= listing->base)
		r = -ENOENT;
	if (r == 0)
		*ret_pos = node.pos[listing->side];
	if (r == 0 && node.size != (int64_t)record->text.len)
		r = -ENOENT;
	if (r == 0)
		r = replica_text(replica, node.id, &text);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return text.len == record->text.len &&
	       memcmp(buf_str(&text), record->text.text, text.len) == 0;
}

static int64_t date_of(const struct record *record, enum date_field field)
{
	int64_t ms =
	    field == DATE_UPDATED ? record->updated_ms : record->created_ms;
	return ms == RECORD_NO_DATE ? NO_DATE : ms;
}

static void watch_date(struct compare *compare, int64_t ms)
{
	struct compared *compared = &compare->compared;
	if (ms > compared->newest_ms)
		compared->newest_ms = ms;
	if (ms == NO_DATE)
		return;
	compared->rises |= compare->last_ms != NO_DATE && ms > compare->last_ms;
	compare->last_ms = ms;
}

/* Hold a record against what is listed. 0 or -errno. */
static int check(struct compare *compare, const struct record *record)
{
	struct compared *compared = &compare->compared;
	int64_t ms = date_of(record, compare->field), pos = 0;
	int known = knows(compare, record, &pos);
	if (known < 0)
		return known;
	compared->known += known;
	if (!known && ms < compared->strange_ms)
		compared->strange_ms = ms;
	watch_date(compare, ms);
	int r = ids_add(&compare->ids, ids_hash(&record->id));
	if (r == 0 && pos)
		r = sorting_record(&compare->sorting, &record->id, pos, ms);
	return r;
}

static int on_record(void *ctx, const char *text, size_t len)
{
	struct compare *compare = ctx;
	struct compared *compared = &compare->compared;
	struct record record;
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	compared->came++;
	compared->form = date_form_add(compared->form,
	    compare->field == DATE_UPDATED ? record.updated_form
					   : record.created_form);
	compared->dateless += record.updated_ms == RECORD_NO_DATE &&
			      record.created_ms == RECORD_NO_DATE;
	r = check(compare, &record);
	record_done(&record);
	return r;
}

static void on_restart(void *ctx)
{
	struct compare *compare = ctx;
	compare->compared =
	    (struct compared){.newest_ms = NO_DATE, .strange_ms = INT64_MAX};
	compare->last_ms = NO_DATE;
	sorting_begin(&compare->sorting);
	ids_clear(&compare->ids);
}

static void on_page(
    void *ctx, const struct api_error *error, const struct api_page *page)
{
	struct compare *compare = ctx;
	compare->call = NULL;
	if (!error->err) {
		compare->compared.total = page->total;
		compare->compared.date_ms = page->date_ms;
		compare->compared.sorted =
		    !compare->compared.rises &&
		    sorting_is_by_date(&compare->sorting);
		compare->compared.twice = ids_are_twice(&compare->ids);
	}
	ids_done(&compare->ids);
	compare->done(compare->ctx, error->err, &compare->compared);
}

int compare_ask(struct compare *compare, const struct api_query *query,
    const struct replica_listing *listing, enum date_field field,
    compare_done_fn done)
{
	static const struct api_page_sink sink = {
	    .record = on_record,
	    .restart = on_restart,
	    .done = on_page,
	};
	struct api_query asked = *query;
	asked.presence = API_LISTED;
	on_restart(compare);
	compare->listing = listing;
	compare->field = field;
	compare->done = done;
	compare->call = api_list(compare->core->api, &asked, &sink, compare);
	return compare->call ? 0 : -ENOMEM;
}
