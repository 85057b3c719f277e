/* Writing: one thread, between replica_begin and replica_commit. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/timestamp.h"
#include "replica/internal.h"
#include "replica/views.h"
#include "replica/within.h"

static int run_simple(struct replica *replica, enum statement which)
{
	return connection_run(
	    replica->writer, connection_statement(replica->writer, which));
}

/*
 * What is committed together is committed whole or not at all: once a part of
 * it failed, the rest is not written, be the transaction gone by itself or not.
 */
static int wrote(struct replica *replica, int r)
{
	if (r < 0 && r != -EEXIST && within(replica))
		replica->failed = r;
	return r;
}

int writer_may_go_on(struct replica *replica)
{
	/* SQLite itself has taken back what was written, as it does where a
	 * read fails: the rest would be written all the same. */
	if (!replica->failed && within(replica) &&
	    sqlite3_get_autocommit(replica->writer->db))
		replica->failed = -EIO;
	return replica->failed;
}

int replica_begin(struct replica *replica)
{
	replica->failed = 0;
	replica->written = (struct replica_totals){0};
	int r = run_simple(replica, ST_BEGIN);
	if (r == 0)
		within_set(replica);
	return r;
}

static int64_t known_bytes(int64_t size)
{
	return size > 0 ? size : 0;
}

static void add_written(struct replica *replica)
{
	lock_acquire(&replica->lock);
	replica->totals.nodes += replica->written.nodes;
	replica->totals.bytes += replica->written.bytes;
	lock_release(&replica->lock);
}

int replica_commit(struct replica *replica)
{
	int r = writer_may_go_on(replica);
	if (r == 0)
		r = run_simple(replica, ST_COMMIT);
	within_set(NULL);
	if (r == 0)
		add_written(replica);
	else
		replica_rollback(replica);
	return r;
}

void replica_rollback(struct replica *replica)
{
	within_set(NULL);
	replica->expects_new = false;
	if (!sqlite3_get_autocommit(replica->writer->db))
		run_simple(replica, ST_ROLLBACK);
}

/* Run a statement whose parameters are all numbers. */
static int run_numbers(struct replica *replica, enum statement which,
    const int64_t *numbers, int count)
{
	sqlite3_stmt *s = connection_statement(replica->writer, which);
	if (writer_may_go_on(replica) < 0)
		return replica->failed;
	if (!s)
		return wrote(replica, -EIO);
	for (int i = 0; i < count; i++)
		sqlite3_bind_int64(s, i + 1, numbers[i]);
	return wrote(replica, connection_run(replica->writer, s));
}

#define RUN(replica, which, ...)                                               \
	run_numbers(replica, which, (const int64_t[]){__VA_ARGS__},            \
	    (int)ARRAY_SIZE(((const int64_t[]){__VA_ARGS__})))

/* Whether the one blob that a statement finds for id is these bytes:
 * 1, 0, or -errno. */
static int blob_is(struct replica *replica, enum statement which, int64_t id,
    const void *data, size_t len)
{
	sqlite3_stmt *s = connection_statement(replica->writer, which);
	if (!s)
		return -EIO;
	sqlite3_bind_int64(s, 1, id);
	int r = sqlite3_step(s), same = 0;
	if (r == SQLITE_ROW) {
		const void *blob = sqlite3_column_blob(s, 0);
		same = (size_t)sqlite3_column_bytes(s, 0) == len &&
		       (len == 0 || memcmp(blob, data, len) == 0);
	}
	int err = connection_error(replica->writer, r);
	sqlite3_reset(s);
	return err < 0 ? err : same;
}

int64_t replica_reserve_ids(struct replica *replica, int64_t count_ids)
{
	int64_t first = replica->next_id;
	replica->next_id += count_ids;
	return first;
}

static int insert_text(
    struct replica *replica, int64_t id, const struct replica_row *row)
{
	sqlite3_stmt *s = connection_statement(replica->writer, ST_INSERT_TEXT);
	if (!s)
		return wrote(replica, -EIO);
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_blob64(s, 2, row->text, row->text_len, SQLITE_STATIC);
	int r = wrote(replica, connection_run(replica->writer, s));
	sqlite3_clear_bindings(s);
	return r;
}

static int insert(struct replica *replica, const struct replica_row *row,
    const int64_t pos[2], struct node *ret_node)
{
	sqlite3_stmt *s = connection_statement(replica->writer, ST_INSERT);
	if (writer_may_go_on(replica) < 0)
		return replica->failed;
	if (!s)
		return wrote(replica, -EIO);
	sqlite3_bind_int64(s, 1, row->dir);
	sqlite3_bind_int(s, 2, row->kind);
	sqlite3_bind_text(s, 3, row->name, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(
	    s, 4, row->key_len ? row->key : "", row->key_len, SQLITE_STATIC);
	sqlite3_bind_int64(s, 5, row->mtime_ms);
	sqlite3_bind_int64(s, 6, row->size);
	sqlite3_bind_int64(s, 7, row->other_size);
	sqlite3_bind_int64(s, 8, row->checked);
	sqlite3_bind_int64(s, 9, pos[0]);
	sqlite3_bind_int64(s, 10, pos[1]);
	int64_t id = row->id ? row->id : replica->next_id++;
	int64_t now_ms = timestamp_now_ms();
	sqlite3_bind_int64(s, 11, id);
	sqlite3_bind_int64(s, 12, now_ms);
	int r = wrote(replica, connection_run(replica->writer, s));
	sqlite3_clear_bindings(s);
	if (r == 0 && sqlite3_changes(replica->writer->db) == 0)
		r = -EEXIST;
	if (r == 0 && row->text)
		r = insert_text(replica, id, row);
	if (r < 0)
		return r;
	replica->written.nodes++;
	replica->written.bytes += known_bytes(row->size);
	*ret_node = (struct node){
	    .id = id,
	    .dir = row->dir,
	    .kind = row->kind,
	    .live = true,
	    .mtime_ms = row->mtime_ms,
	    .taken_ms = now_ms,
	    .size = row->size,
	    .other_size = row->other_size,
	    .checked = row->checked,
	    .pos = {pos[0], pos[1]},
	};
	return 0;
}

/* Whether the node there is what row says: 1, 0, or -errno. */
static int is_same(struct replica *replica, const struct node *node,
    const struct replica_row *row)
{
	if (node->kind != row->kind || node->other_size != row->other_size ||
	    node->mtime_ms != row->mtime_ms)
		return 0;
	if (!row->text)
		return 1;
	return blob_is(replica, ST_TEXT, node->id, row->text, row->text_len);
}

/* Give the node its place in the generation, unless it has one. */
static int take_place(struct replica *replica, struct node *node,
    const struct replica_place *place, bool *ret_again)
{
	int64_t *pos = &node->pos[place->side];
	*ret_again = place->pos && *pos > place->base;
	if (!place->pos || *ret_again)
		return 0;
	int r = RUN(replica, ST_PUT_ENTRY, node->dir, place->pos, node->id);
	if (r == 0 && *pos != place->pos)
		r = RUN(replica, place->side ? ST_SEEN_1 : ST_SEEN, node->id,
		    place->pos);
	*pos = place->pos;
	return r;
}

/* A new version: it takes over the old one's name and entries. */
static int supersede(struct replica *replica, const struct node *old,
    const struct replica_row *row, struct node *ret_node)
{
	int r = RUN(replica, ST_BURY, old->id);
	if (r == 0)
		r = insert(replica, row, old->pos, ret_node);
	for (int side = 0; side < 2; side++) {
		if (r == 0 && old->pos[side])
			r = RUN(replica, ST_MOVE_ENTRY, old->dir,
			    old->pos[side], ret_node->id, old->id);
	}
	if (r == 0)
		ret_node->replaced = true;
	return r;
}

/*
 * Insert a row unless a live node has its name: 0; -EEXIST: *ret_old is that
 * node. What comes after a row that was new is mostly new as well: then the
 * attempt saves the question.
 */
static int insert_unless_known(struct replica *replica,
    const struct replica_row *row, const struct replica_place *place,
    struct node *ret_node, struct node *ret_old)
{
	int64_t pos[2] = {0};
	int r = -ENOENT;
	pos[place->side] = place->pos;
	if (!replica->expects_new)
		r = replica_lookup(replica, row->dir, row->name, ret_old);
	if (r == 0)
		return -EEXIST;
	if (r == -ENOENT)
		r = insert(replica, row, pos, ret_node);
	replica->expects_new = r == 0;
	if (r != -EEXIST)
		return r;
	r = replica_lookup(replica, row->dir, row->name, ret_old);
	return r == 0 ? -EEXIST : r == -ENOENT ? -EIO : r;
}

int replica_put(struct replica *replica, const struct replica_row *row,
    const struct replica_place *place, struct node *ret_node, bool *ret_again)
{
	struct node old = {0};
	*ret_again = false;
	int r = insert_unless_known(replica, row, place, ret_node, &old);
	if (r == 0 && place->pos)
		r = RUN(
		    replica, ST_PUT_ENTRY, row->dir, place->pos, ret_node->id);
	if (r != -EEXIST)
		return r;
	r = blob_is(replica, ST_KEY, old.id, row->key, row->key_len);
	if (r < 0)
		return r;
	if (r == 0) {
		*ret_node = old;
		return -EEXIST;
	}
	r = is_same(replica, &old, row);
	if (r < 0)
		return r;
	if (r == 1) {
		*ret_node = old;
		r = 0;
		if (row->checked)
			r = RUN(replica, ST_CHECKED, old.id, row->checked);
	} else {
		r = supersede(replica, &old, row, ret_node);
	}
	return r < 0 ? r : take_place(replica, ret_node, place, ret_again);
}

/* What an object's old node knew of it. */
static int inherit(
    struct replica *replica, const struct node *old, struct node *node)
{
	CLEANUP_BUF struct buf etag;
	buf_init(&etag, 64 << 10);
	int r = replica_etag(replica, old->id, &etag);
	if (r == 0)
		r = replica_set_object(
		    replica, node->id, old->size, buf_str(&etag), &node->salt);
	if (r == 0)
		node->proven = true;
	return r;
}

int replica_rename(struct replica *replica, const struct node *node,
    const char *name, struct node *ret_node)
{
	struct buf key;
	buf_init(&key, BUF_MAX_DEFAULT);
	int r = replica_key(replica, node->id, &key);
	if (r == 0) {
		struct replica_row row = {
		    .dir = node->dir,
		    .kind = node->kind,
		    .key = buf_str(&key),
		    .key_len = key.len,
		    .name = name,
		    .mtime_ms = node->mtime_ms,
		    .size = node->size,
		    .other_size = node->other_size,
		    .checked = node->checked,
		};
		r = supersede(replica, node, &row, ret_node);
	}
	if (r == 0 && node->proven)
		r = inherit(replica, node, ret_node);
	buf_done(&key);
	return r;
}

int replica_bury(struct replica *replica, const struct node *node, int side)
{
	int64_t pos = node->pos[side];
	int r = RUN(replica, ST_BURY, node->id);
	if (r == 0 && pos)
		r = RUN(replica, ST_UNLIST, node->dir, pos, pos);
	return r;
}

int replica_put_table(struct replica *replica, const char *table,
    const char *name, bool listed, int64_t *ret_id)
{
	struct node node;
	int r = replica_lookup(replica, NODE_ROOT, name, &node);
	if (r == -ENOENT) {
		struct replica_row row = {
		    .dir = NODE_ROOT,
		    .kind = NODE_KIND_TABLE,
		    .key = table,
		    .key_len = strlen(table),
		    .name = name,
		    .mtime_ms = timestamp_now_ms(),
		};
		r = insert(replica, &row, (const int64_t[2]){0, 0}, &node);
	}
	if (r == 0 && listed && !node.pos[0])
		r = RUN(replica, ST_SHOW_TABLE, node.id);
	if (r == 0)
		*ret_id = node.id;
	return r;
}

int replica_tell_table(struct replica *replica, int64_t id)
{
	return RUN(replica, ST_TELL_TABLE, id);
}

int replica_sweep(struct replica *replica, int64_t dir, int side, int64_t base,
    int64_t since, replica_name_fn fn, void *ctx)
{
	sqlite3_stmt *s =
	    connection_statement(replica->writer, side ? ST_SWEEP_1 : ST_SWEEP);
	int r;
	if (writer_may_go_on(replica) < 0)
		return replica->failed;
	if (!s)
		return wrote(replica, -EIO);
	sqlite3_bind_int64(s, 1, dir);
	sqlite3_bind_int64(s, 2, base);
	sqlite3_bind_int64(s, 3, since);
	/* All is done with the first step; the others tell the names. */
	while ((r = sqlite3_step(s)) == SQLITE_ROW) {
		const unsigned char *name = sqlite3_column_text(s, 0);
		if (fn && name)
			fn(ctx, (const char *)name);
	}
	int err = wrote(replica, connection_error(replica->writer, r));
	sqlite3_reset(s);
	return err;
}

int replica_trim(struct replica *replica, int64_t dir, int64_t pos)
{
	return RUN(replica, ST_TRIM, dir, pos);
}

int replica_unlist(
    struct replica *replica, int64_t dir, int64_t first, int64_t last)
{
	int r = RUN(replica, ST_UNSEE, dir, first, last);
	if (r == 0)
		r = RUN(replica, ST_UNSEE_1, dir, first, last);
	return r < 0 ? r : RUN(replica, ST_UNLIST, dir, first, last);
}

int replica_set_listing(
    struct replica *replica, int64_t dir, const struct replica_listing *listing)
{
	int r = RUN(replica, ST_SET_LISTING, dir, listing->base, listing->end,
	    listing->listed_ms, listing->count, listing->newest_ms,
	    listing->side, listing->flags, listing->proven_ms,
	    listing->since_ms, listing->created_ms, listing->created_since_ms,
	    listing->dateless);
	if (r == 0 && listing->end)
		r = wrote(replica, views_show(replica->writer->db, dir));
	return r;
}

int replica_raise_listing(
    struct replica *replica, int64_t dir, int64_t newest_ms, int64_t created_ms)
{
	return RUN(replica, ST_RAISE_LISTING, dir, newest_ms, created_ms);
}

int replica_set_shortfall(
    struct replica *replica, int64_t dir, const char *words)
{
	sqlite3_stmt *s =
	    connection_statement(replica->writer, ST_SET_SHORTFALL);
	if (writer_may_go_on(replica) < 0)
		return replica->failed;
	if (!s)
		return wrote(replica, -EIO);
	sqlite3_bind_int64(s, 1, dir);
	sqlite3_bind_text(s, 2, words, -1, SQLITE_STATIC);
	int r = connection_run(replica->writer, s);
	sqlite3_clear_bindings(s);
	if (r == 0)
		r = views_show(replica->writer->db, dir);
	return wrote(replica, r);
}

/* What a node's new size adds to the totals. */
static int add_growth(struct replica *replica, int64_t id, int64_t size)
{
	struct node node;
	int r = replica_get(replica, id, &node);
	if (r == 0)
		replica->written.bytes +=
		    known_bytes(size) - known_bytes(node.size);
	return r == -ENOENT ? 0 : r;
}

int replica_set_object(struct replica *replica, int64_t id, int64_t size,
    const char *etag, uint64_t *ret_salt)
{
	uint64_t salt;
	sqlite3_stmt *s = connection_statement(replica->writer, ST_SET_SIZE);
	if (writer_may_go_on(replica) < 0)
		return replica->failed;
	if (!s || getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
		return wrote(replica, -EIO);
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, size);
	sqlite3_bind_text(s, 3, etag, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 4, (int64_t)salt);
	sqlite3_bind_int64(s, 5, timestamp_now_ms());
	int r = add_growth(replica, id, size);
	if (r == 0)
		r = connection_run(replica->writer, s);
	sqlite3_clear_bindings(s);
	if (wrote(replica, r) == 0)
		*ret_salt = salt;
	return r;
}

int replica_pin_objects(struct replica *replica)
{
	return RUN(replica, ST_PIN_OBJECTS, NODE_STORAGE);
}

int replica_renew_object(struct replica *replica, const struct node *node,
    int64_t size, const char *etag, struct node *ret_node)
{
	struct buf name;
	struct node fresh = {0}, old = *node;
	buf_init(&name, 64 << 10);
	int r = RUN(replica, ST_SPOIL, node->id);
	if (r == 0)
		r = replica_name(replica, node->id, &name);
	old.size = size;
	old.proven = false;
	if (r == 0 && node->live)
		r = replica_rename(replica, &old, buf_str(&name), &fresh);
	if (r == 0 && fresh.id && size >= 0) {
		r = replica_set_object(
		    replica, fresh.id, size, etag, &fresh.salt);
		fresh.proven = true;
	}
	buf_done(&name);
	if (r == 0)
		*ret_node = fresh;
	return r;
}
