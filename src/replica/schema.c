#include "replica/schema.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "replica/replica.h"

/*
 * Bytes a page of the database. Records are about 1 KB, of which SQLite's
 * 4096 hold three and waste the rest; larger ones cost more where a write
 * touches few rows.
 */
#define PAGE_SIZE "8192"

/* The writer waits for readers at most so long: they hold nothing for long. */
#define BUSY_MS 10000

/*
 * Attributes and text are kept apart, so that a walk over a directory does
 * not drag every record's text through the cache. AUTOINCREMENT: an inode
 * number is never given twice.
 */
static const char first_sql[] =
    "CREATE TABLE node("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, dir INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, live INTEGER NOT NULL,"
    " name TEXT NOT NULL, key BLOB NOT NULL,"
    " mtime INTEGER NOT NULL, size INTEGER NOT NULL,"
    " other_size INTEGER NOT NULL, proven INTEGER NOT NULL DEFAULT 0,"
    " checked INTEGER NOT NULL DEFAULT 0, pos INTEGER NOT NULL DEFAULT 0,"
    " etag TEXT NOT NULL DEFAULT '');"
    "CREATE UNIQUE INDEX node_by_name ON node(dir, name) WHERE live = 1;"
    "CREATE INDEX node_buried ON node(id) WHERE live = 0;"
    "CREATE TABLE text(node INTEGER PRIMARY KEY, text BLOB NOT NULL);"
    "CREATE TABLE entry("
    " dir INTEGER NOT NULL, pos INTEGER NOT NULL, node INTEGER NOT NULL,"
    " PRIMARY KEY(dir, pos)) WITHOUT ROWID;"
    "CREATE TABLE listing("
    " dir INTEGER PRIMARY KEY, base INTEGER NOT NULL, end INTEGER NOT NULL,"
    " listed INTEGER NOT NULL, count INTEGER NOT NULL,"
    " newest INTEGER NOT NULL);"
    "CREATE TABLE meta(made INTEGER NOT NULL);"
    "INSERT INTO meta VALUES"
    "(CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));"
    "INSERT INTO sqlite_sequence(name, seq) VALUES('node', 127);";

/*
 * An object's kept contents are bound to its row by a random number, given
 * when the object answers: see replica_set_object. What version 1 kept is
 * bound to nothing but a node's id, and is not believed (segments.c). Nor is
 * an object known that answered without a strong validator: now a hash of its
 * bytes stands in the place of that.
 */
static const char second_sql[] =
    "ALTER TABLE node ADD COLUMN salt INTEGER NOT NULL DEFAULT 0;"
    "UPDATE node SET proven = 0 WHERE proven = 1"
    " AND (etag = '' OR etag GLOB 'W/*');"
    "UPDATE node SET salt = random() WHERE proven != 0;"
    /* Places on two sides, and what a listing is judged by. One of version 1
     * is read offline as it is; the server's newest record never matches it,
     * so that it is listed anew. */
    "ALTER TABLE node ADD COLUMN pos1 INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE listing ADD COLUMN side INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE listing ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE listing ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE listing ADD COLUMN since INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE listing ADD COLUMN created INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE listing ADD COLUMN created_since INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE listing ADD COLUMN dateless INTEGER NOT NULL DEFAULT 0;"
    "UPDATE listing SET newest = 9223372036854775807;"
    "ALTER TABLE meta ADD COLUMN run INTEGER NOT NULL DEFAULT 0;";

/*
 * steps[n] makes version n + 1 from version n; 0 is an empty file. A new
 * database takes all of them, so that it is the same as one that grew old. A
 * step that a release had is never changed: add another one.
 */
static const char *const steps[SCHEMA_VERSION] = {first_sql, second_sql};

#define NODE_COLUMNS                                                           \
	"n.id, n.dir, n.kind, n.live, n.mtime, n.size, n.other_size,"          \
	" n.proven, n.checked, n.pos, n.pos1, n.salt"

static const char *const statement_sql[STATEMENTS] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ROLLBACK] = "ROLLBACK",
    [ST_GET] = "SELECT " NODE_COLUMNS " FROM node n WHERE id = ?1",
    [ST_LOOKUP] = "SELECT " NODE_COLUMNS " FROM node n"
		  " WHERE dir = ?1 AND name = ?2 AND live = 1",
    [ST_TEXT] = "SELECT text FROM text WHERE node = ?1",
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
    [ST_NAMES] = "SELECT name FROM node WHERE dir = ?1 AND name > ?2"
		 " AND live = 1 ORDER BY name",
    [ST_LAST] = "SELECT node FROM entry WHERE dir = ?1 AND pos < ?2"
		" ORDER BY pos DESC LIMIT 1",
    [ST_NTH] = "SELECT node FROM entry WHERE dir = ?1 AND pos >= ?2"
	       " ORDER BY pos LIMIT ?4 OFFSET ?3",
    [ST_LISTING] = "SELECT l.base, l.end, l.listed, l.count, l.newest,"
		   " l.side, l.flags, l.proven, l.since, l.created,"
		   " l.created_since, l.dateless,"
		   " (SELECT max(pos) FROM entry e WHERE e.dir = ?1)"
		   " FROM (SELECT 1) LEFT JOIN listing l ON l.dir = ?1",
    [ST_INSERT] =
	"INSERT OR IGNORE INTO node(dir, kind, live, name, key, mtime, size,"
	" other_size, checked, pos, pos1, id)"
	" VALUES(?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [ST_INSERT_TEXT] = "INSERT INTO text(node, text) VALUES(?1, ?2)",
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
		       " created_since, dateless)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
		       " ?12, ?13)",
    [ST_RAISE_LISTING] = "UPDATE listing SET newest = max(newest, ?2),"
			 " created = max(created, ?3) WHERE dir = ?1",
    [ST_SET_SIZE] = "UPDATE node SET size = ?2, proven = 1, etag = ?3,"
		    " salt = ?4 WHERE id = ?1",
    [ST_SHOW_TABLE] = "UPDATE node SET pos = 1 WHERE id = ?1 AND pos = 0",
    [ST_TOTALS] = "SELECT count(*), CAST(total(max(size, 0)) AS INTEGER),"
		  " (SELECT made FROM meta),"
		  " (SELECT seq FROM sqlite_sequence WHERE name = 'node'),"
		  " (SELECT run FROM meta)"
		  " FROM node",
};

int connection_error(struct connection *connection, int result)
{
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		log_error("the replica cannot grow: the disk is full");
		return -ENOSPC;
	default:
		log_error("the replica failed: %s",
		    connection ? sqlite3_errmsg(connection->db)
			       : sqlite3_errstr(result));
		return -EIO;
	}
}

static int execute(struct connection *connection, const char *sql)
{
	return connection_error(
	    connection, sqlite3_exec(connection->db, sql, NULL, NULL, NULL));
}

static int user_version(struct connection *connection, int *ret)
{
	sqlite3_stmt *statement;
	int r = sqlite3_prepare_v2(
	    connection->db, "PRAGMA user_version", -1, &statement, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_step(statement);
	if (r == SQLITE_ROW)
		*ret = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return connection_error(connection, r);
}

/* Throw away what earlier mounts left over: nobody can hold it now. */
static int collect(struct connection *connection)
{
	return execute(connection,
	    "BEGIN IMMEDIATE;"
	    "DELETE FROM entry WHERE node IN"
	    " (SELECT id FROM node WHERE live = 0)"
	    " AND pos <= (SELECT base FROM listing l WHERE l.dir = entry.dir);"
	    "DELETE FROM text WHERE node IN (SELECT id FROM node WHERE live = 0"
	    " AND id NOT IN (SELECT node FROM entry));"
	    "DELETE FROM node WHERE live = 0"
	    " AND id NOT IN (SELECT node FROM entry);"
	    "COMMIT");
}

static bool has_buried(struct connection *connection)
{
	sqlite3_stmt *statement = NULL;
	bool found = sqlite3_prepare_v2(connection->db,
			 "SELECT 1 FROM node WHERE live = 0 LIMIT 1", -1,
			 &statement, NULL) == SQLITE_OK &&
		     sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_finalize(statement);
	return found;
}

/* All steps from a version on, or none: where one fails, closing the
 * connection takes them back. */
static int bring_up(struct connection *connection, int version)
{
	char done[64];
	if (version == SCHEMA_VERSION)
		return 0;
	snprintf(done, sizeof(done), "PRAGMA user_version = %d; COMMIT",
	    SCHEMA_VERSION);
	int r = execute(connection, "BEGIN IMMEDIATE");
	while (r == 0 && version < SCHEMA_VERSION)
		r = execute(connection, steps[version++]);
	return r < 0 ? r : execute(connection, done);
}

static int prepare_schema(struct connection *connection)
{
	int version = 0;
	int r = user_version(connection, &version);
	if (r < 0)
		return r;
	if (version < 0 || version > SCHEMA_VERSION)
		return -EBADMSG;
	r = bring_up(connection, version);
	return r == 0 && has_buried(connection) ? collect(connection) : r;
}

int connection_open(
    const char *path, bool create, struct connection **ret_connection)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	if (!connection)
		return -ENOMEM;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_NOFOLLOW | (create ? SQLITE_OPEN_CREATE : 0);
	int r = connection_error(
	    connection, sqlite3_open_v2(path, &connection->db, flags, NULL));
	if (r == 0) {
		sqlite3_busy_timeout(connection->db, BUSY_MS);
		r = execute(connection, create ? "PRAGMA page_size = " PAGE_SIZE
						 ";"
						 "PRAGMA journal_mode = WAL;"
						 "PRAGMA synchronous = NORMAL;"
						 "PRAGMA cache_size = -4096;"
						 "PRAGMA wal_autocheckpoint = 0"
					       : "PRAGMA cache_size = -512;"
						 "PRAGMA query_only = 1;"
						 "PRAGMA schema_version");
	}
	if (r == 0 && create)
		r = prepare_schema(connection);
	if (r == 0 && create)
		r = execute(connection, "UPDATE meta SET run = run + 1");
	if (r < 0) {
		connection_close(connection);
		return r;
	}
	*ret_connection = connection;
	return 0;
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
