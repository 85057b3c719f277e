#include "sync/record/put.h"

#include <errno.h>
#include <string.h>

#include "api/record.h"
#include "base/timestamp.h"
#include "base/log.h"
#include "json/json.h"
#include "sync/core/core.h"
#include "sync/core/write.h"
#include "tree/name.h"

int put_metadata_of(struct core *core, int64_t object, struct buf *out)
{
	CLEANUP_BUF struct buf key, name;
	struct node node = {0};
	buf_init(&key, RECORD_ID_MAX);
	buf_init(&name, NAME_WORK_MAX);
	int r = replica_key(core->replica, object, &key);
	if (r == 0)
		r = name_of_record(buf_str(&key), key.len, &name);
	if (r == 0)
		r = replica_lookup(
		    core->replica, NODE_FILES, buf_str(&name), &node);
	return r < 0 ? r : replica_text(core->replica, node.id, out);
}

/* The original name of the stored file that a node of storage/ stands for. */
static int original_name(struct core *core, const struct node *object,
    struct buf *key, struct buf *ret_original)
{
	CLEANUP_BUF struct buf text;
	struct record record;
	buf_init(&text, BUF_MAX_DEFAULT);
	int r = replica_key(core->replica, object->id, key);
	if (r == 0)
		r = put_metadata_of(core, object->id, &text);
	if (r == 0)
		r = record_parse(buf_str(&text), text.len, &record);
	if (r != 0)
		return r;
	r = buf_add(ret_original, buf_str(&record.original_name),
	    record.original_name.len);
	record_done(&record);
	return r;
}

/* Two stored files of one name: the one with the greater id is marked. */
static int put_twin(struct core *core, const struct node *other,
    const struct record *record, struct replica_row *row,
    const struct placement *place)
{
	CLEANUP_BUF struct buf key, original, name;
	struct node node;
	bool again;
	buf_init(&key, RECORD_ID_MAX);
	buf_init(&original, RECORD_ID_MAX);
	buf_init(&name, NAME_WORK_MAX);
	int r = original_name(core, other, &key, &original);
	if (r < 0)
		return r;
	if (buf_compare(&key, &record->id) < 0) {
		r = name_of_object_twin(buf_str(&record->id), record->id.len,
		    buf_str(&record->original_name), record->original_name.len,
		    &name);
		row->name = buf_str(&name);
	} else {
		r = name_of_object_twin(buf_str(&key), key.len,
		    buf_str(&original), original.len, &name);
		if (r == 0)
			r = replica_rename(
			    core->replica, other, buf_str(&name), &node);
	}
	if (r == 0)
		r = replica_put(core->replica, row, &place->in, &node, &again);
	return r == -EEXIST ? -EPROTO : r;
}

static int put_object(struct core *core, const struct record *record,
    const struct placement *place)
{
	CLEANUP_BUF struct buf name;
	struct node node;
	bool again;
	buf_init(&name, NAME_WORK_MAX);
	int r = name_of_object(buf_str(&record->id), record->id.len,
	    buf_str(&record->original_name), record->original_name.len, &name);
	if (r < 0)
		return r;
	struct replica_row row = {
	    .id = place->object_id,
	    .dir = NODE_STORAGE,
	    .kind = NODE_KIND_OBJECT,
	    .key = buf_str(&record->id),
	    .key_len = record->id.len,
	    .name = buf_str(&name),
	    .mtime_ms = record->mtime_ms,
	    .size = record->size,
	    .other_size = record->size,
	    .checked = place->checked,
	};
	r = replica_put(core->replica, &row, &place->in, &node, &again);
	if (r == -EEXIST)
		r = put_twin(core, &node, record, &row, place);
	else if (r == 0 && node.replaced)
		write_changes_name(core->write, row.dir, row.name);
	return r;
}

static int64_t date_or_none(int64_t ms)
{
	return ms == RECORD_NO_DATE ? INT64_MIN : ms;
}

int put_row_of(int64_t dir, const struct record *record, struct buf *name,
    struct put_row *ret_row)
{
	size_t before = name->len;
	int r = name_of_record(buf_str(&record->id), record->id.len, name);
	if (r < 0)
		return r;
	*ret_row = (struct put_row){
	    .row =
		{
		    .dir = dir,
		    .kind = NODE_KIND_RECORD,
		    .key = buf_str(&record->id),
		    .key_len = record->id.len,
		    .name = buf_str(name) + before,
		    .name_len = name->len - before,
		    .text = record->text.text,
		    .text_len = record->text.len,
		    .mtime_ms = record->mtime_ms,
		    .size = (int64_t)record->text.len,
		    .other_size = (int64_t)record->pretty_size,
		},
	    .updated_ms = date_or_none(record->updated_ms),
	    .created_ms = date_or_none(record->created_ms),
	};
	return 0;
}

/*
 * A text took over the place of another one in a listing, whose own proof does
 * not know of it, and may never: so the listing's newest date has to. Else it
 * would seem to be all there once the server's database was put back to where
 * that date fits again.
 */
static int raise_listing(struct core *core, const struct put_row *row)
{
	return replica_raise_listing(
	    core->replica, row->row.dir, row->updated_ms, row->created_ms);
}

int put_row(struct core *core, const struct put_row *row,
    const struct replica_place *in, struct put_place *ret_place)
{
	struct node node;
	bool again;
	int r = replica_put(core->replica, &row->row, in, &node, &again);
	if (r == -EEXIST) {
		log_error("two records share the name %s", row->row.name);
		return -EPROTO;
	}
	if (r == 0 && node.replaced)
		write_changes_name(core->write, row->row.dir, row->row.name);
	if (r == 0 && node.replaced && node_pos(&node))
		r = raise_listing(core, row);
	if (r == 0)
		*ret_place =
		    (struct put_place){node.pos[in->side], node.pos[!in->side]};
	return r;
}

int put_record(struct core *core, int64_t dir, const struct record *record,
    const struct placement *place, struct put_place *ret_place)
{
	CLEANUP_BUF struct buf name;
	struct put_row row;
	struct put_place now;
	buf_init(&name, NAME_WORK_MAX);
	int r = put_row_of(dir, record, &name, &row);
	if (r == 0)
		r = write_begin(core->write);
	if (r < 0)
		return r;
	row.row.id = place->id;
	row.row.checked = place->checked;
	r = put_row(core, &row, &place->in, &now);
	if (r == 0 && dir == NODE_FILES)
		r = put_object(core, record, place);
	if (r == 0)
		*ret_place = now;
	return r;
}

/* Whether that is the name of the record's object. */
static int is_name_of(const struct record *record, const char *name)
{
	CLEANUP_BUF struct buf plain, twin;
	buf_init(&plain, NAME_WORK_MAX);
	buf_init(&twin, NAME_WORK_MAX);
	int r = name_of_object(buf_str(&record->id), record->id.len,
	    buf_str(&record->original_name), record->original_name.len, &plain);
	if (r == 0)
		r = name_of_object_twin(buf_str(&record->id), record->id.len,
		    buf_str(&record->original_name), record->original_name.len,
		    &twin);
	return r < 0 ? r
		     : strcmp(name, buf_str(&plain)) == 0 ||
			   strcmp(name, buf_str(&twin)) == 0;
}

int put_left_name(struct core *core, const struct record *record, int64_t at)
{
	CLEANUP_BUF struct buf name;
	int64_t object, found = 0;
	buf_init(&name, NAME_WORK_MAX);
	/* Both stand at one position, each in its directory. */
	int r =
	    replica_nth(core->replica, NODE_STORAGE, at, 0, 1, &object, &found);
	if (r == 0 && found == 1)
		r = replica_name(core->replica, object, &name);
	if (r == 0 && found == 1)
		r = is_name_of(record, buf_str(&name));
	return r < 0 ? r : r == 0;
}

/* Only then there are two ids of that name. */
static bool looks_like_a_number(const struct buf *id)
{
	char first = *buf_str(id);
	return first == '-' || (first >= '0' && first <= '9');
}

int put_would_oust(struct core *core, int64_t dir, const struct record *record,
    const struct replica_place *in)
{
	CLEANUP_BUF struct buf name, text;
	struct record other = {0};
	struct node node = {0};
	buf_init(&name, NAME_WORK_MAX);
	buf_init(&text, BUF_MAX_DEFAULT);
	if (!looks_like_a_number(&record->id))
		return 0;
	int r = name_of_record(buf_str(&record->id), record->id.len, &name);
	if (r == 0)
		r = replica_lookup(core->replica, dir, buf_str(&name), &node);
	if (r == 0 && node.pos[in->side] <= in->base)
		r = -ENOENT;
	if (r == 0)
		r = replica_text(core->replica, node.id, &text);
	if (r == 0)
		r = record_parse(buf_str(&text), text.len, &other);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	bool another = other.number != record->number;
	record_done(&other);
	return another;
}

/* 2000-01-01, and twenty years, in milliseconds. */
#define DATES_FROM INT64_C(946684800000)
#define DATES_SPAN (INT64_C(20) * 365 * 24 * 3600 * 1000)

/*
 * A spec carries no date, but rsync and backup tools go by one: another text
 * must have another, and the same text the same, also for a replica that was
 * made anew. So its date is made from the text: from its tokens, for how they
 * are laid out is not what it says.
 */
static int date_of_text(const char *text, size_t len, int64_t *ret_ms)
{
	uint64_t hash;
	int r = json_hash(text, len, &hash);
	if (r == 0)
		*ret_ms = DATES_FROM + (int64_t)(hash % DATES_SPAN);
	return r;
}

int put_spec(struct core *core, int64_t dir, const char *text, size_t len,
    const struct replica_place *in, int64_t checked)
{
	struct node node;
	bool again;
	uint64_t pretty;
	int64_t date_ms = 0;
	int r = json_pretty_size(text, len, &pretty);
	if (r == 0)
		r = date_of_text(text, len, &date_ms);
	if (r < 0)
		return r;
	struct replica_row row = {
	    .dir = dir,
	    .kind = NODE_KIND_SPEC,
	    .key = ".spec",
	    .key_len = 5,
	    .name = ".spec.json",
	    .text = text,
	    .text_len = len,
	    .mtime_ms = date_ms,
	    .size = (int64_t)len,
	    .other_size = (int64_t)pretty,
	    .checked = checked,
	};
	return replica_put(core->replica, &row, in, &node, &again);
}
