#include "replica/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/percent.h"
#include "replica/page_vfs.h"
#include "replica/replica.h"
#include "replica/schema.h"
#include "replica/sql.h"

/* The writer waits for readers at most so long: they hold nothing for long. */
#define BUSY_MS 10000

#define NODE_COLUMNS                                                           \
	"n.id, n.dir, n.kind, n.live, n.mtime, n.size, n.other_size,"          \
	" n.proven, n.checked, n.pos, n.pos1, n.salt, n.pinned, n.taken"

static const char *const statement_sql[STATEMENTS] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ROLLBACK] = "ROLLBACK",
    [ST_GET] = "SELECT " NODE_COLUMNS " FROM node n WHERE id = ?1",
    [ST_LOOKUP] = "SELECT " NODE_COLUMNS " FROM node n"
		  " WHERE dir = ?1 AND name = ?2 AND live = 1",
    [ST_TEXT] = "SELECT text FROM text WHERE node = ?1",
    [ST_TEXTS] = "SELECT node, text FROM text WHERE node BETWEEN ?1 AND ?2"
		 " ORDER BY node",
    [ST_KEY] = "SELECT key FROM node WHERE id = ?1",
    [ST_NAME] = "SELECT name FROM node WHERE id = ?1",
    [ST_ETAG] = "SELECT etag FROM node WHERE id = ?1",
    [ST_SPOIL] = "UPDATE node SET proven = 2 WHERE id = ?1",
    [ST_ENTRIES] = "SELECT " NODE_COLUMNS ", n.name, e.pos"
		   " FROM entry e CROSS JOIN node n ON n.id = e.node"
		   " WHERE e.dir = ?1 AND e.pos > ?2 AND e.pos < ?3"
		   " ORDER BY e.pos",
    [ST_TABLES] = "SELECT " NODE_COLUMNS ", n.name, n.id FROM node n"
		  " WHERE dir = 1 AND live = 1 AND pos > 0 AND id > ?1"
		  " ORDER BY id",
    [ST_LAST] = "SELECT node FROM entry WHERE dir = ?1 AND pos < ?2"
		" ORDER BY pos DESC LIMIT 1",
    [ST_NTH] = "SELECT node FROM entry WHERE dir = ?1 AND pos >= ?2"
	       " ORDER BY pos LIMIT ?4 OFFSET ?3",
    [ST_LISTING] = "SELECT l.base, l.end, l.listed, l.count, l.newest,"
		   " l.side, l.flags, l.proven, l.since, l.created,"
		   " l.created_since, l.dateless,"
		   " (SELECT max(pos) FROM entry e WHERE e.dir = ?1)"
		   " FROM (SELECT 1) LEFT JOIN listing l ON l.dir = ?1",
    [ST_SHORTFALL] = "SELECT lacks FROM listing WHERE dir = ?1",
    [ST_INSERT] =
	"INSERT OR IGNORE INTO node(dir, kind, live, name, key, mtime, size,"
	" other_size, checked, pos, pos1, id, taken)"
	" VALUES(?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [ST_INSERT_TEXT] = "INSERT INTO text(node, text) VALUES(?1, ?2)",
    [ST_NEW_NODES] =
	"INSERT OR IGNORE INTO node(dir, kind, live, name, key, mtime, size,"
	" other_size, pos, pos1, id, taken)"
	" SELECT dir, kind, 1, name, key, mtime, size, other_size, pos, pos1,"
	" id, ?1 FROM new_rows",
    [ST_NEW_TEXTS] = "INSERT INTO text(node, text)"
		     " SELECT id, text FROM new_rows",
    [ST_NEW_ENTRIES] = "INSERT OR REPLACE INTO entry(dir, pos, node)"
		       " SELECT dir, max(pos, pos1), id FROM new_rows",
    [ST_TAKE_BACK] = "DELETE FROM node WHERE id BETWEEN ?1 AND ?2",
    [ST_BURY] = "UPDATE node SET live = 0 WHERE id = ?1",
    [ST_SEEN] = "UPDATE node SET pos = ?2 WHERE id = ?1",
    [ST_SEEN_1] = "UPDATE node SET pos1 = ?2 WHERE id = ?1",
    [ST_CHECKED] = "UPDATE node SET checked = ?2 WHERE id = ?1",
    [ST_PUT_ENTRY] = "INSERT OR REPLACE INTO entry(dir, pos, node)"
		     " VALUES(?1, ?2, ?3)",
    [ST_MOVE_ENTRY] = "UPDATE entry SET node = ?3"
		      " WHERE dir = ?1 AND pos = ?2 AND node = ?4",
    [ST_SWEEP] = "UPDATE node SET live = 0 WHERE dir = ?1 AND live = 1"
		 " AND pos <= ?2 AND checked < ?3 RETURNING name",
    [ST_SWEEP_1] = "UPDATE node SET live = 0 WHERE dir = ?1 AND live = 1"
		   " AND pos1 <= ?2 AND checked < ?3 RETURNING name",
    [ST_TRIM] = "DELETE FROM entry WHERE dir = ?1 AND pos < ?2",
    [ST_UNLIST] = "DELETE FROM entry WHERE dir = ?1"
		  " AND pos >= ?2 AND pos <= ?3",
    [ST_UNSEE] = "UPDATE node SET pos = 0 WHERE pos >= ?2 AND pos <= ?3"
		 " AND id IN (SELECT node FROM entry"
		 " WHERE dir = ?1 AND pos >= ?2 AND pos <= ?3)",
    [ST_UNSEE_1] = "UPDATE node SET pos1 = 0 WHERE pos1 >= ?2 AND pos1 <= ?3"
		   " AND id IN (SELECT node FROM entry"
		   " WHERE dir = ?1 AND pos >= ?2 AND pos <= ?3)",
    [ST_SET_LISTING] = "INSERT OR REPLACE INTO listing(dir, base, end, listed,"
		       " count, newest, side, flags, proven, since, created,"
		       " created_since, dateless, lacks)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
		       " ?12, ?13, coalesce((SELECT lacks FROM listing"
		       " WHERE dir = ?1), ''))",
    [ST_RAISE_LISTING] = "UPDATE listing SET newest = max(newest, ?2),"
			 " created = max(created, ?3) WHERE dir = ?1",
    [ST_SET_SHORTFALL] = "UPDATE listing SET lacks = ?2 WHERE dir = ?1",
    [ST_SET_SIZE] = "UPDATE node SET size = ?2, proven = 1, etag = ?3,"
		    " salt = ?4, taken = iif(size = ?2, taken, ?5)"
		    " WHERE id = ?1",
    [ST_PIN_OBJECTS] = "UPDATE node SET pinned = 1 WHERE dir = ?1"
		       " AND live = 1 AND pinned = 0",
    [ST_PINNED] = "SELECT CAST(total(max(size, 0)) AS INTEGER) FROM node"
		  " WHERE dir = ?1 AND live = 1 AND pinned = 1",
    [ST_SHOW_TABLE] = "UPDATE node SET pos = 1 WHERE id = ?1 AND pos = 0",
    [ST_TELL_TABLE] = "UPDATE node SET pos = 2 WHERE id = ?1 AND pos = 1",
    [ST_META] = "SELECT made, run, counted, nodes, bytes,"
		" (SELECT seq FROM sqlite_sequence WHERE name = 'node')"
		" FROM meta",
    [ST_COUNT] = "SELECT count(*), CAST(total(max(size, 0)) AS INTEGER)"
		 " FROM node",
    [ST_KEEP_TOTALS] = "UPDATE meta SET counted = run, nodes = ?1, bytes = ?2",
};

int connection_error(struct connection *connection, int result)
{
	return sql_error(connection ? connection->db : NULL, result);
}

/* What each kind of connection begins with. */
#define WRITER_PRAGMAS                                                         \
	("PRAGMA journal_mode = WAL;"                                          \
	 "PRAGMA synchronous = NORMAL;"                                        \
	 "PRAGMA cache_size = -4096;"                                          \
	 "PRAGMA temp_store = MEMORY;"                                         \
	 "PRAGMA wal_autocheckpoint = 0")
#define READER_PRAGMAS                                                         \
	("PRAGMA cache_size = -512;"                                           \
	 "PRAGMA query_only = 1;"                                              \
	 "PRAGMA schema_version")

static const char *const pragmas[] = {
    [CONNECTION_WRITER] = WRITER_PRAGMAS,
    [CONNECTION_READER] = READER_PRAGMAS,
    [CONNECTION_ARCHIVE] = READER_PRAGMAS,
    [CONNECTION_ARCHIVE_TRUSTING] = READER_PRAGMAS,
};

/* immutable: SQLite makes no file beside it, and locks nothing. */
static int open_archive(const char *path, bool trusting, sqlite3 **ret_db)
{
	CLEANUP_BUF struct buf uri;
	buf_init(&uri, BUF_MAX_DEFAULT);
	int r = buf_printf(&uri, "file:");
	if (r == 0)
		r = percent_encode(path, strlen(path), &uri);
	if (r == 0)
		r = buf_printf(&uri, "?immutable=1");
	return r < 0 ? SQLITE_NOMEM
		     : sqlite3_open_v2(buf_str(&uri), ret_db,
			   SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX |
			       SQLITE_OPEN_URI,
			   page_vfs(trusting));
}

static int open_live(const char *path, bool create, sqlite3 **ret_db)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_NOFOLLOW | (create ? SQLITE_OPEN_CREATE : 0);
	return sqlite3_open_v2(path, ret_db, flags, page_vfs(false));
}

/* Steps of SQLite's machine between two questions whether to go on: well below
 * a hundredth of a second. */
#define STEPS 10000

static struct {
	bool (*over)(void *ctx);
	void *ctx;
} give_up;

void replica_give_up_when(bool (*over)(void *ctx), void *ctx)
{
	give_up.over = over;
	give_up.ctx = ctx;
}

static int on_progress(void *ctx)
{
	(void)ctx;
	return give_up.over(give_up.ctx);
}

bool connection_is_given_up(void)
{
	return give_up.over && give_up.over(give_up.ctx);
}

int connection_patiently(
    sqlite3 *db, int (*fn)(sqlite3 *db, void *ctx), void *ctx)
{
	if (give_up.over)
		sqlite3_progress_handler(db, STEPS, on_progress, NULL);
	int r = fn(db, ctx);
	sqlite3_progress_handler(db, 0, NULL, NULL);
	return r;
}

static int prepare(sqlite3 *db, void *ctx)
{
	(void)ctx;
	return schema_prepare(db);
}

int connection_open(const char *path, enum connection_kind kind,
    struct connection **ret_connection)
{
	bool writes = kind == CONNECTION_WRITER;
	struct connection *connection = calloc(1, sizeof(*connection));
	if (!connection)
		return -ENOMEM;
	int r = connection_error(connection,
	    kind == CONNECTION_ARCHIVE || kind == CONNECTION_ARCHIVE_TRUSTING
		? open_archive(path, kind == CONNECTION_ARCHIVE_TRUSTING,
		      &connection->db)
		: open_live(path, writes, &connection->db));
	if (r == 0) {
		sqlite3_busy_timeout(connection->db, BUSY_MS);
		if (writes)
			r = connection_error(
			    connection, page_vfs_keep(connection->db));
	}
	if (r == 0)
		r = sql_execute(connection->db, pragmas[kind]);
	if (r == 0 && writes)
		r = connection_error(connection,
		    new_rows_register(connection->db, &connection->new_rows));
	if (r == 0 && writes)
		r = connection_patiently(connection->db, prepare, NULL);
	if (r == 0 && writes)
		r = sql_execute(
		    connection->db, "UPDATE meta SET run = run + 1");
	if (r < 0) {
		connection_close(connection);
		return r;
	}
	*ret_connection = connection;
	return 0;
}

void connection_leave_log(struct connection *connection)
{
	sqlite3_db_config(
	    connection->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

void connection_close(struct connection *connection)
{
	if (!connection)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(connection->statements[i]);
	sqlite3_close(connection->db);
	free(connection);
}

sqlite3_stmt *connection_statement(
    struct connection *connection, enum statement which)
{
	sqlite3_stmt **statement = &connection->statements[which];
	if (!*statement &&
	    sqlite3_prepare_v3(connection->db, statement_sql[which], -1,
		SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK)
		connection_error(connection, sqlite3_errcode(connection->db));
	return *statement;
}

int connection_run(struct connection *connection, sqlite3_stmt *statement)
{
	if (!statement)
		return -EIO;
	int r = sqlite3_step(statement);
	int err = r == SQLITE_ROW ? 0 : connection_error(connection, r);
	sqlite3_reset(statement);
	return err;
}
