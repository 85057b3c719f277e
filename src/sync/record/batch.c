#include "sync/record/batch.h"

#include <stdlib.h>
#include <string.h>

#include "api/record.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "replica/replica.h"
#include "sync/core/core.h"
#include "sync/core/write.h"
#include "sync/record/put.h"

/* A page of records of some KB; larger ones gain little by company. */
#define BATCH_RECORDS 128
#define BATCH_BYTES ((size_t)192 << 10)

/* As many as may fill at the same time in most mounts. */
#define SPARES 4

struct batches {
	struct core *core;
	struct batch *spares[SPARES]; /* their memory alone */
	size_t count;
};

struct batch {
	struct core *core;
	struct batches *batches;
	int64_t dir;
	const struct batch_before *before;
	batch_placed_fn placed;
	void *ctx;
	struct deferred_write deferred;
	int err; /* of one that was put on the way */
	struct replica_place first;
	size_t count;
	struct replica_row rows[BATCH_RECORDS];
	struct {
		int64_t updated_ms;
		int64_t created_ms;
	} dates[BATCH_RECORDS];
	struct buf name; /* of the one that is being added */
	size_t used;	 /* of the bytes, to which the rows point */
	char bytes[BATCH_BYTES];
};

static void on_deferred(void *ctx);

struct batches *batches_new(struct core *core)
{
	struct batches *batches = calloc(1, sizeof(*batches));
	if (batches)
		batches->core = core;
	return batches;
}

void batches_rest(struct batches *batches)
{
	while (batches && batches->count)
		free(batches->spares[--batches->count]);
}

void batches_free(struct batches *batches)
{
	batches_rest(batches);
	free(batches);
}

/* Fresh memory costs more than what is written to it. */
static struct batch *take_spare(struct batches *batches)
{
	return batches->count ? batches->spares[--batches->count]
			      : malloc(sizeof(struct batch));
}

struct batch *batch_new(struct batches *batches, int64_t dir,
    const struct batch_before *before, batch_placed_fn placed, void *ctx)
{
	struct batch *batch = take_spare(batches);
	if (!batch)
		return NULL;
	batch->batches = batches;
	batch->core = batches->core;
	batch->dir = dir;
	batch->before = before;
	batch->placed = placed;
	batch->ctx = ctx;
	batch->deferred =
	    (struct deferred_write){.fn = on_deferred, .ctx = batch};
	batch->err = 0;
	batch->count = batch->used = 0;
	buf_init(&batch->name, NAME_WORK_MAX);
	return batch;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	struct batches *batches = batch->batches;
	write_undefer(&batch->deferred);
	buf_done(&batch->name);
	if (batches->count < SPARES)
		batches->spares[batches->count++] = batch;
	else
		free(batch);
}

/* ---- putting ---- */

static bool was_listed(const struct batch *batch, const struct put_place *place)
{
	return place->other > batch->before->base &&
	       place->other <= batch->before->end;
}

static int put_each(struct batch *batch)
{
	struct replica_place in = batch->first;
	int64_t placed = 0, held = 0;
	int r = 0;
	for (size_t i = 0; r == 0 && i < batch->count; i++, in.pos++) {
		struct put_row row = {
		    .row = batch->rows[i],
		    .updated_ms = batch->dates[i].updated_ms,
		    .created_ms = batch->dates[i].created_ms,
		};
		struct put_place now = {0};
		r = put_row(batch->core, &row, &in, &now);
		placed += now.at == in.pos;
		held += now.at == in.pos && was_listed(batch, &now);
	}
	batch->placed(batch->ctx, placed, held);
	return r;
}

static int put_all(struct batch *batch)
{
	if (batch->count == 0)
		return 0;
	int r = replica_put_new(
	    batch->core->replica, batch->rows, batch->count, &batch->first);
	if (r == 0)
		return put_each(batch);
	if (r == 1)
		batch->placed(batch->ctx, (int64_t)batch->count, 0);
	return r < 0 ? r : 0;
}

static void on_deferred(void *ctx)
{
	struct batch *batch = ctx;
	int r = put_all(batch);
	if (batch->err == 0)
		batch->err = r;
	batch->count = batch->used = 0;
}

int batch_put(struct batch *batch)
{
	write_undefer(&batch->deferred);
	on_deferred(batch);
	return batch->err;
}

/* ---- adding ---- */

static const char *keep(struct batch *batch, const char *data, size_t len)
{
	char *kept = batch->bytes + batch->used;
	memcpy(kept, data, len);
	batch->used += len;
	return kept;
}

/* Whether one that takes up so many bytes can stand behind those that are
 * there. */
static bool follows(
    const struct batch *batch, size_t size, const struct placement *place)
{
	int64_t count = (int64_t)batch->count;
	return count < BATCH_RECORDS && size <= BATCH_BYTES - batch->used &&
	       (count == 0 || (place->id == batch->rows[0].id + count &&
				  place->in.pos == batch->first.pos + count));
}

/* Stored files have objects beside them. */
static bool goes_alone(
    const struct batch *batch, size_t size, const struct placement *place)
{
	return batch->dir == NODE_FILES || !place->id || size > BATCH_BYTES;
}

static int put_alone(struct batch *batch, const struct record *record,
    const struct placement *place)
{
	struct put_place now;
	int r = put_record(batch->core, batch->dir, record, place, &now);
	if (r == 0 && now.at == place->in.pos)
		batch->placed(batch->ctx, 1, was_listed(batch, &now));
	return r;
}

static int add(struct batch *batch, const struct put_row *row,
    const struct placement *place)
{
	struct replica_row *own = &batch->rows[batch->count];
	int r = write_defer(batch->core->write, &batch->deferred);
	if (r < 0)
		return r;
	if (batch->count == 0)
		batch->first = place->in;
	*own = row->row;
	own->id = place->id;
	own->checked = place->checked;
	own->text = keep(batch, own->text, own->text_len);
	own->key = keep(batch, own->key, own->key_len);
	own->name = keep(batch, own->name, strlen(own->name) + 1);
	batch->dates[batch->count].updated_ms = row->updated_ms;
	batch->dates[batch->count].created_ms = row->created_ms;
	batch->count++;
	return 0;
}

int batch_add(struct batch *batch, const struct record *record,
    const struct placement *place)
{
	struct put_row row;
	buf_clear(&batch->name);
	int r = put_row_of(batch->dir, record, &batch->name, &row);
	if (r < 0)
		return r;
	size_t size = row.row.text_len + row.row.key_len + batch->name.len + 1;
	bool alone = goes_alone(batch, size, place);
	if (alone || !follows(batch, size, place))
		r = batch_put(batch);
	if (r == 0)
		r = alone ? put_alone(batch, record, place)
			  : add(batch, &row, place);
	return r < 0 ? r : batch->err;
}
