/* Reading: on any thread, each question on a connection that is its own for as
 * long. See replica.h. */
#include <errno.h>

#include "replica/internal.h"
#include "replica/within.h"

/* Where, in a row that begins with NODE_COLUMNS, the others do. */
#define OTHER_COLUMNS 14

/* From a row that begins with NODE_COLUMNS. */
static void node_from_row(sqlite3_stmt *row, struct node *ret_node)
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
		node_from_row(q.statement, ret_node);
	return close_question(replica, &q, r);
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
		node_from_row(q.statement, ret_node);
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

int replica_text(struct replica *replica, int64_t id, struct buf *out)
{
	return one_blob(replica, ST_TEXT, id, out);
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

int replica_text_part(struct replica *replica, int64_t id, uint64_t offset,
    size_t len, struct buf *out)
{
	struct connection *connection = NULL;
	sqlite3_blob *blob = NULL;
	int r = borrow(replica, &connection);
	if (r < 0)
		return r;
	int result = sqlite3_blob_open(
	    connection->db, "main", "text", "text", id, 0, &blob);
	if (result == SQLITE_OK)
		r = read_part(connection, blob, offset, len, out);
	else if (result == SQLITE_ERROR)
		r = -ENOENT; /* there is no such row */
	else
		r = connection_error(connection, result);
	sqlite3_blob_close(blob);
	give_back(replica, connection);
	return r;
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
		const char *text = sqlite3_column_blob(q.statement, 1);
		size_t len = (size_t)sqlite3_column_bytes(q.statement, 1);
		r = text ? fn(ctx, sqlite3_column_int64(q.statement, 0), text,
			       len)
			 : -ENOMEM;
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

/* Hand out rows of NODE_COLUMNS, name, pos. */
static int walk(struct question *q, replica_entry_fn fn, void *ctx)
{
	struct node node;
	int r;
	while ((r = next_row(q)) == 1) {
		node_from_row(q->statement, &node);
		r = fn(ctx, &node,
		    (const char *)sqlite3_column_text(
			q->statement, OTHER_COLUMNS),
		    sqlite3_column_int64(q->statement, OTHER_COLUMNS + 1));
		if (r != 0)
			return r;
	}
	return r;
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
	return close_question(replica, &q, walk(&q, fn, ctx));
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
	return close_question(replica, &q, walk(&q, fn, ctx));
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
