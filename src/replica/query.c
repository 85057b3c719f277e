/* Reading: on any thread, each question on a connection that is its own for as
 * long. See replica.h. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "replica/internal.h"
#include "replica/row_sum.h"
#include "replica/within.h"

/* Where, in a row that begins with NODE_COLUMNS, these and the others are. */
enum { COLUMN_KEY = 14, COLUMN_NAME, COLUMN_SUM, OTHER_COLUMNS };

/* Said once. -EIO. */
static int damaged(struct replica *replica, int64_t id)
{
	if (!replica->told_of_damage)
		log_error("the replica is damaged on the disk (row %" PRId64
			  "): move %s away, and what is in it is fetched again",
		    id, replica->path);
	replica->told_of_damage = true;
	return -EIO;
}

/* Whether a row is as it was put, by its checksum. 0 or -EIO. */
static int check_sum(
    struct replica *replica, int64_t id, int64_t kept, int64_t is)
{
	return kept == is || kept == ROW_SUM_NONE ? 0 : damaged(replica, id);
}

/* Whether that is why a column could not be had. */
static bool is_out_of_memory(sqlite3_stmt *row)
{
	return sqlite3_errcode(sqlite3_db_handle(row)) == SQLITE_NOMEM;
}

static int check_node(
    struct replica *replica, sqlite3_stmt *row, const struct node *node)
{
	const struct replica_row is = {
	    .dir = node->dir,
	    .kind = node->kind,
	    .key = sqlite3_column_blob(row, COLUMN_KEY),
	    .key_len = (size_t)sqlite3_column_bytes(row, COLUMN_KEY),
	    .name = (const char *)sqlite3_column_text(row, COLUMN_NAME),
	    .name_len = (size_t)sqlite3_column_bytes(row, COLUMN_NAME),
	    .mtime_ms = node->mtime_ms,
	    .size = node->size,
	    .other_size = node->other_size,
	};
	if (!is.name)
		return is_out_of_memory(row) ? -ENOMEM
					     : damaged(replica, node->id);
	return check_sum(replica, node->id,
	    sqlite3_column_int64(row, COLUMN_SUM), row_sum(&is, node->id));
}

/* From a row that begins with NODE_COLUMNS. 0 or -errno. */
static int node_from_row(
    struct replica *replica, sqlite3_stmt *row, struct node *ret_node)
{
	*ret_node = (struct node){
	    .id = sqlite3_column_int64(row, 0),
	    .dir = sqlite3_column_int64(row, 1),
	    .kind = (enum node_kind)sqlite3_column_int(row, 2),
	    .live = sqlite3_column_int(row, 3) != 0,
	    .mtime_ms = sqlite3_column_int64(row, 4),
	    .size = sqlite3_column_int64(row, 5),
	    .other_size = sqlite3_column_int64(row, 6),
	    .proven = sqlite3_column_int(row, 7) != 0,
	    .spoiled = sqlite3_column_int(row, 7) == 2,
	    .checked = sqlite3_column_int64(row, 8),
	    .pos = {sqlite3_column_int64(row, 9),
		sqlite3_column_int64(row, 10)},
	    .salt = (uint64_t)sqlite3_column_int64(row, 11),
	    .pinned = sqlite3_column_int64(row, 12) != 0,
	    .taken_ms = sqlite3_column_int64(row, 13),
	};
	return check_node(replica, row, ret_node);
}

/* A connection for the time of one question: who writes sees what he wrote. */
static int borrow(struct replica *replica, struct connection **ret)
{
	if (within(replica)) {
		*ret = replica->writer;
		return 0;
	}
	return pool_borrow(replica->pool, ret);
}

static void give_back(struct replica *replica, struct connection *connection)
{
	if (connection != replica->writer)
		pool_return(replica->pool, connection);
}

/* A question that is bound and asked on a borrowed connection. */
struct question {
	struct connection *connection;
	sqlite3_stmt *statement;
};

static int ask(
    struct replica *replica, enum statement which, struct question *question)
{
	int r = borrow(replica, &question->connection);
	if (r < 0)
		return r;
	question->statement = connection_statement(question->connection, which);
	if (question->statement)
		return 0;
	give_back(replica, question->connection);
	return -EIO;
}

/* Step: 1 a row, 0 none left, or -errno. */
static int next_row(struct question *question)
{
	int r = sqlite3_step(question->statement);
	if (r == SQLITE_ROW)
		return 1;
	return connection_error(question->connection, r);
}

/* Step to the only row that there may be. 0, -ENOENT, or another error. */
static int only_row(struct question *question)
{
	int r = next_row(question);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

static int close_question(
    struct replica *replica, struct question *question, int r)
{
	sqlite3_reset(question->statement);
	sqlite3_clear_bindings(question->statement);
	give_back(replica, question->connection);
	return r;
}

int replica_get(struct replica *replica, int64_t id, struct node *ret_node)
{
	struct question q;
	int r = ask(replica, ST_GET, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, id);
	r = only_row(&q);
	if (r == 0)
		r = node_from_row(replica, q.statement, ret_node);
	return close_question(replica, &q, r);
}

/* The index led to it: it may be another row than was asked for. */
static int found_from_row(struct replica *replica, sqlite3_stmt *row,
    int64_t dir, const char *name, struct node *ret_node)
{
	int r = node_from_row(replica, row, ret_node);
	if (r < 0)
		return r;
	const char *its = (const char *)sqlite3_column_text(row, COLUMN_NAME);
	return ret_node->dir == dir && ret_node->live && strcmp(its, name) == 0
		   ? 0
		   : damaged(replica, ret_node->id);
}

int replica_lookup(struct replica *replica, int64_t dir, const char *name,
    struct node *ret_node)
{
	struct question q;
	int r = ask(replica, ST_LOOKUP, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, dir);
	sqlite3_bind_text(q.statement, 2, name, -1, SQLITE_STATIC);
	r = only_row(&q);
	if (r == 0)
		r = found_from_row(replica, q.statement, dir, name, ret_node);
	return close_question(replica, &q, r);
}

static int one_blob(
    struct replica *replica, enum statement which, int64_t id, struct buf *out)
{
	struct question q;
	int r = ask(replica, which, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, id);
	r = only_row(&q);
	if (r == 0) {
		const void *data = sqlite3_column_blob(q.statement, 0);
		int len = sqlite3_column_bytes(q.statement, 0);
		r = buf_add(out, data, (size_t)len);
	}
	return close_question(replica, &q, r);
}

/* The text of a row of text, node, sum; borrowed. 0 or -errno. */
static int text_from_row(struct replica *replica, sqlite3_stmt *row,
    const char **ret_text, size_t *ret_len)
{
	int64_t id = sqlite3_column_int64(row, 1);
	*ret_text = sqlite3_column_blob(row, 0);
	*ret_len = (size_t)sqlite3_column_bytes(row, 0);
	if (!*ret_text && is_out_of_memory(row))
		return -ENOMEM;
	return check_sum(replica, id, sqlite3_column_int64(row, 2),
	    row_sum_of_text(id, *ret_text, *ret_len));
}

int replica_text(struct replica *replica, int64_t id, struct buf *out)
{
	struct question q;
	const char *text;
	size_t len;
	int r = ask(replica, ST_TEXT, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, id);
	r = only_row(&q);
	if (r == 0)
		r = text_from_row(replica, q.statement, &text, &len);
	if (r == 0)
		r = buf_add(out, text, len);
	return close_question(replica, &q, r);
}

static int read_part(struct connection *connection, sqlite3_blob *blob,
    uint64_t offset, size_t len, struct buf *out)
{
	uint64_t size = (uint64_t)sqlite3_blob_bytes(blob);
	if (offset > size)
		offset = size;
	if (len > size - offset)
		len = (size_t)(size - offset);
	int r = buf_reserve(out, len);
	if (r == 0 && len > 0)
		r = connection_error(
		    connection, sqlite3_blob_read(blob, out->data + out->len,
				    (int)len, (int)offset));
	if (r < 0 || len == 0)
		return r;
	out->len += len;
	out->data[out->len] = '\0';
	return 0;
}

/* A text that is read bit by bit, on a borrowed connection. */
struct text_reading {
	struct connection *connection;
	sqlite3_blob *blob;
};

static int close_text(
    struct replica *replica, struct text_reading *reading, int r)
{
	sqlite3_blob_close(reading->blob);
	give_back(replica, reading->connection);
	return r;
}

static int open_text(
    struct replica *replica, int64_t id, struct text_reading *reading)
{
	*reading = (struct text_reading){0};
	int r = borrow(replica, &reading->connection);
	if (r < 0)
		return r;
	int result = sqlite3_blob_open(reading->connection->db, "main", "text",
	    "text", id, 0, &reading->blob);
	if (result == SQLITE_OK)
		return 0;
	return close_text(replica, reading,
	    result == SQLITE_ERROR
		? -ENOENT /* there is no such row */
		: connection_error(reading->connection, result));
}

int replica_text_part(struct replica *replica, int64_t id, uint64_t offset,
    size_t len, struct buf *out)
{
	struct text_reading reading;
	int r = open_text(replica, id, &reading);
	if (r < 0)
		return r;
	return close_text(replica, &reading,
	    read_part(reading.connection, reading.blob, offset, len, out));
}

/* What the checksum of a whole text shall be. */
static int text_sum(struct replica *replica, int64_t id, int64_t *ret_sum)
{
	struct question q;
	int r = ask(replica, ST_TEXT_SUM, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, id);
	r = only_row(&q);
	if (r == 0)
		*ret_sum = sqlite3_column_int64(q.statement, 0);
	return close_question(replica, &q, r);
}

/* So much is held of a text that is looked over. */
#define PIECE ((size_t)256 << 10)

static int sum_up(const struct text_reading *reading, int64_t id,
    struct buf *piece, int64_t *ret_sum)
{
	struct row_sum_state state;
	int r = row_sum_begin(&state, id);
	if (r < 0)
		return r;
	uint64_t at = 0, size = (uint64_t)sqlite3_blob_bytes(reading->blob);
	for (; r == 0 && at < size; at += piece->len) {
		buf_clear(piece);
		r = read_part(
		    reading->connection, reading->blob, at, PIECE, piece);
		row_sum_add(&state, buf_str(piece), piece->len);
	}
	*ret_sum = row_sum_end(&state);
	return r;
}

int replica_check_text(struct replica *replica, int64_t id)
{
	struct text_reading reading;
	int64_t kept = ROW_SUM_NONE, is;
	CLEANUP_BUF struct buf piece;
	buf_init(&piece, PIECE);
	int r = text_sum(replica, id, &kept);
	if (r < 0 || kept == ROW_SUM_NONE)
		return r;
	r = open_text(replica, id, &reading);
	if (r < 0)
		return r;
	r = close_text(replica, &reading, sum_up(&reading, id, &piece, &is));
	return r < 0 ? r : check_sum(replica, id, kept, is);
}

int replica_texts(struct replica *replica, int64_t first, int64_t last,
    replica_text_fn fn, void *ctx)
{
	struct question q;
	int r = ask(replica, ST_TEXTS, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, first);
	sqlite3_bind_int64(q.statement, 2, last);
	while ((r = next_row(&q)) == 1) {
		const char *text;
		size_t len;
		r = text_from_row(replica, q.statement, &text, &len);
		if (r == 0)
			r = fn(ctx, sqlite3_column_int64(q.statement, 1), text,
			    len);
		if (r != 0)
			break;
	}
	return close_question(replica, &q, r);
}

int replica_key(struct replica *replica, int64_t id, struct buf *out)
{
	return one_blob(replica, ST_KEY, id, out);
}

int replica_name(struct replica *replica, int64_t id, struct buf *out)
{
	return one_blob(replica, ST_NAME, id, out);
}

int replica_etag(struct replica *replica, int64_t id, struct buf *out)
{
	return one_blob(replica, ST_ETAG, id, out);
}

int replica_shortfall(struct replica *replica, int64_t dir, struct buf *out)
{
	int r = one_blob(replica, ST_SHORTFALL, dir, out);
	return r == -ENOENT ? 0 : r;
}

int replica_pinned(struct replica *replica, int64_t *ret_bytes)
{
	struct question q;
	int r = ask(replica, ST_PINNED, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, NODE_STORAGE);
	r = only_row(&q);
	if (r == 0)
		*ret_bytes = sqlite3_column_int64(q.statement, 0);
	return close_question(replica, &q, r);
}

/* Hand out a row of NODE_COLUMNS, pos. */
static int hand_out(
    struct replica *replica, sqlite3_stmt *row, replica_entry_fn fn, void *ctx)
{
	struct node node;
	int r = node_from_row(replica, row, &node);
	if (r < 0)
		return r;
	return fn(ctx, &node,
	    (const char *)sqlite3_column_text(row, COLUMN_NAME),
	    sqlite3_column_int64(row, OTHER_COLUMNS));
}

/* Whether a row of NODE_COLUMNS, pos, node, sum is an entry as it was put, and
 * leads to a node of its directory. */
static int check_entry(struct replica *replica, sqlite3_stmt *row, int64_t dir)
{
	int64_t pos = sqlite3_column_int64(row, OTHER_COLUMNS);
	int64_t node = sqlite3_column_int64(row, OTHER_COLUMNS + 1);
	if (sqlite3_column_int64(row, 0) != node ||
	    sqlite3_column_int64(row, 1) != dir)
		return damaged(replica, node);
	return check_sum(replica, node,
	    sqlite3_column_int64(row, OTHER_COLUMNS + 2),
	    row_sum_of_entry(dir, pos, node));
}

int replica_entries(struct replica *replica, int64_t dir, int64_t after,
    int64_t before, replica_entry_fn fn, void *ctx)
{
	struct question q;
	int r = ask(replica, ST_ENTRIES, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, dir);
	sqlite3_bind_int64(q.statement, 2, after);
	sqlite3_bind_int64(q.statement, 3, before);
	while ((r = next_row(&q)) == 1) {
		r = check_entry(replica, q.statement, dir);
		if (r == 0)
			r = hand_out(replica, q.statement, fn, ctx);
		if (r != 0)
			break;
	}
	return close_question(replica, &q, r);
}

int replica_nth(struct replica *replica, int64_t dir, int64_t pos,
    int64_t index, int64_t count, int64_t *nodes, int64_t *ret_count)
{
	struct question q;
	int64_t found = 0;
	int r = ask(replica, ST_NTH, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, dir);
	sqlite3_bind_int64(q.statement, 2, pos);
	sqlite3_bind_int64(q.statement, 3, index);
	sqlite3_bind_int64(q.statement, 4, count);
	while (found < count && (r = next_row(&q)) == 1)
		nodes[found++] = sqlite3_column_int64(q.statement, 0);
	r = close_question(replica, &q, r == 1 ? 0 : r);
	if (r == 0)
		*ret_count = found;
	return r;
}

int replica_last(
    struct replica *replica, int64_t dir, int64_t pos, int64_t *ret_node)
{
	struct question q;
	int r = ask(replica, ST_LAST, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, dir);
	sqlite3_bind_int64(q.statement, 2, pos);
	r = only_row(&q);
	if (r == 0)
		*ret_node = sqlite3_column_int64(q.statement, 0);
	return close_question(replica, &q, r);
}

int replica_tables(
    struct replica *replica, int64_t after, replica_entry_fn fn, void *ctx)
{
	struct question q;
	int r = ask(replica, ST_TABLES, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, after);
	while ((r = next_row(&q)) == 1 &&
	       (r = hand_out(replica, q.statement, fn, ctx)) == 0)
		;
	return close_question(replica, &q, r);
}

int replica_listing(
    struct replica *replica, int64_t dir, struct replica_listing *ret_listing)
{
	struct question q;
	int r = ask(replica, ST_LISTING, &q);
	if (r < 0)
		return r;
	sqlite3_bind_int64(q.statement, 1, dir);
	r = next_row(&q);
	if (r < 0)
		return close_question(replica, &q, r);
	*ret_listing = (struct replica_listing){
	    .base = sqlite3_column_int64(q.statement, 0),
	    .end = sqlite3_column_int64(q.statement, 1),
	    .listed_ms = sqlite3_column_int64(q.statement, 2),
	    .count = sqlite3_column_int64(q.statement, 3),
	    .newest_ms = sqlite3_column_int64(q.statement, 4),
	    .side = sqlite3_column_int64(q.statement, 5) != 0,
	    .flags = (unsigned)sqlite3_column_int(q.statement, 6),
	    .proven_ms = sqlite3_column_int64(q.statement, 7),
	    .since_ms = sqlite3_column_int64(q.statement, 8),
	    .created_ms = sqlite3_column_int64(q.statement, 9),
	    .created_since_ms = sqlite3_column_int64(q.statement, 10),
	    .dateless = sqlite3_column_int64(q.statement, 11),
	    .ceiling = sqlite3_column_int64(q.statement, 12),
	};
	return close_question(replica, &q, 0);
}
