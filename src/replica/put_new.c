/* Writing many rows that nobody knows yet, all at once. */
#include <errno.h>

#include "base/timestamp.h"
#include "replica/internal.h"
#include "replica/new_rows.h"

/* Run a statement that reads them. */
static int run(struct replica *replica, enum statement which)
{
	sqlite3_stmt *s = connection_statement(replica->writer, which);
	return connection_run(replica->writer, s);
}

static int put_nodes(struct replica *replica)
{
	sqlite3_stmt *s = connection_statement(replica->writer, ST_NEW_NODES);
	if (!s)
		return -EIO;
	sqlite3_bind_int64(s, 1, timestamp_now_ms());
	return connection_run(replica->writer, s);
}

/* Take back those that were new where not all were. Their numbers were given to
 * nobody else. */
static int take_back(struct replica *replica, int64_t first, size_t count)
{
	sqlite3_stmt *s = connection_statement(replica->writer, ST_TAKE_BACK);
	if (!s)
		return -EIO;
	sqlite3_bind_int64(s, 1, first);
	sqlite3_bind_int64(s, 2, first + (int64_t)count - 1);
	return connection_run(replica->writer, s);
}

static void add_written(struct replica *replica, const struct new_rows *rows)
{
	replica->written.nodes += (int64_t)rows->count;
	for (size_t i = 0; i < rows->count; i++)
		replica->written.bytes += rows->rows[i].size;
}

/* 1, 0, or -errno. */
static int put_all(struct replica *replica, const struct new_rows *rows)
{
	sqlite3 *db = replica->writer->db;
	int r = put_nodes(replica);
	if (r < 0)
		return r;
	if ((size_t)sqlite3_changes(db) < rows->count)
		return take_back(replica, rows->rows->id, rows->count);
	r = run(replica, ST_NEW_TEXTS);
	if (r == 0)
		r = run(replica, ST_NEW_ENTRIES);
	if (r < 0)
		return r;
	add_written(replica, rows);
	return 1;
}

int replica_put_new(struct replica *replica, const struct replica_row *rows,
    size_t count, const struct replica_place *first)
{
	struct node node;
	if (writer_may_go_on(replica) < 0)
		return replica->failed;
	/* What comes after a row that was new is mostly new as well. */
	int r = replica->expects_new
		    ? -ENOENT
		    : replica_lookup(replica, rows->dir, rows->name, &node);
	if (r != -ENOENT)
		return r;
	replica->writer->new_rows = (struct new_rows){rows, count, *first};
	r = put_all(replica, &replica->writer->new_rows);
	replica->writer->new_rows = (struct new_rows){0};
	replica->expects_new = r == 1;
	if (r < 0)
		replica->failed = r;
	return r;
}
