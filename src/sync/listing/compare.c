#include "sync/listing/compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/cleanup.h"
#include "sync/core/core.h"
#include "sync/core/folder.h"
#include "sync/listing/ids.h"
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
	struct ids ids;	 /* that came */
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
	free(compare);
}

/* Whether a record is listed (or found since) with just this text: 1, 0, or
 * -errno of the replica. */
static int knows(const struct compare *compare, const struct record *record)
{
	const struct replica_listing *listing = compare->listing;
	struct replica *replica = compare->core->replica;
	struct node node;
	CLEANUP_BUF struct buf name, text;
	buf_init(&name, NAME_WORK_MAX);
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = name_of_record(buf_str(&record->id), record->id.len, &name);
	if (r == 0)
		r = replica_lookup(
		    replica, compare->folder->id, buf_str(&name), &node);
	if (r == 0 && (node.pos[listing->side] <= listing->base ||
			  node.size != (int64_t)record->text.len))
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

static int on_record(void *ctx, const char *text, size_t len)
{
	struct compare *compare = ctx;
	struct compared *compared = &compare->compared;
	struct record record;
	int r = record_parse(text, len, &record);
	if (r < 0)
		return r;
	int64_t ms = date_of(&record, compare->field);
	r = knows(compare, &record);
	compared->came++;
	compared->form = date_form_add(compared->form,
	    compare->field == DATE_UPDATED ? record.updated_form
					   : record.created_form);
	compared->known += r > 0;
	compared->dateless += record.updated_ms == RECORD_NO_DATE &&
			      record.created_ms == RECORD_NO_DATE;
	if (ms > compared->newest_ms)
		compared->newest_ms = ms;
	if (ms != NO_DATE) {
		compared->rises |=
		    compare->last_ms != NO_DATE && ms > compare->last_ms;
		compare->last_ms = ms;
	}
	if (r >= 0)
		r = ids_add(&compare->ids, ids_hash(&record.id));
	record_done(&record);
	return r;
}

static void on_restart(void *ctx)
{
	struct compare *compare = ctx;
	compare->compared = (struct compared){.newest_ms = NO_DATE};
	compare->last_ms = NO_DATE;
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
	on_restart(compare);
	compare->listing = listing;
	compare->field = field;
	compare->done = done;
	compare->call = api_list(compare->core->api, query, &sink, compare);
	return compare->call ? 0 : -ENOMEM;
}
