#include "replica/schema.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "replica/sql.h"
#include "replica/views.h"

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

/* Which directories have a view, and what it is called: see views.c. */
static const char third_sql[] =
    "CREATE TABLE shown(dir INTEGER PRIMARY KEY, name TEXT NOT NULL);";

/* Which objects' kept contents stay: see replica_pin_objects. */
static const char fourth_sql[] =
    "ALTER TABLE node ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;";

/* What the server itself says is missing of a listing; empty: nothing. */
static const char fifth_sql[] =
    "ALTER TABLE listing ADD COLUMN lacks TEXT NOT NULL DEFAULT '';";

/* What replica_totals tells, as it was at the end of a run: see open.c. */
static const char sixth_sql[] =
    "ALTER TABLE meta ADD COLUMN counted INTEGER NOT NULL DEFAULT -1;"
    "ALTER TABLE meta ADD COLUMN nodes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE meta ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;";

/* Since when a node is shown as it is: see struct node. */
static const char seventh_sql[] =
    "ALTER TABLE node ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;";

/* From here on the pages of a new database have checksums, which an earlier
 * program would write past: see page_sum.h. */
static const char eighth_sql[] = "";

/*
 * steps[n] makes version n + 1 from version n; 0 is an empty file. A new
 * database takes all of them, so that it is the same as one that grew old. A
 * step that a release had is never changed: add another one.
 */
static const char *const steps[SCHEMA_VERSION] = {first_sql, second_sql,
    third_sql, fourth_sql, fifth_sql, sixth_sql, seventh_sql, eighth_sql};

/* Throw away what earlier mounts left over: nobody can hold it now. */
static int collect(sqlite3 *db)
{
	return sql_execute(db,
	    "BEGIN IMMEDIATE;"
	    "DELETE FROM entry WHERE node IN"
	    " (SELECT id FROM node WHERE live = 0)"
	    " AND pos <= (SELECT base FROM listing l WHERE l.dir = entry.dir);"
	    "DELETE FROM text WHERE node IN (SELECT id FROM node WHERE live = 0"
	    " AND id NOT IN (SELECT node FROM entry));"
	    "DELETE FROM node WHERE live = 0"
	    " AND id NOT IN (SELECT node FROM entry);"
	    "UPDATE meta SET counted = -1;"
	    "COMMIT");
}

static bool has_buried(sqlite3 *db)
{
	sqlite3_stmt *statement = NULL;
	bool found =
	    sqlite3_prepare_v2(db, "SELECT 1 FROM node WHERE live = 0 LIMIT 1",
		-1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_finalize(statement);
	return found;
}

/* All steps from a version on, or none: where one fails, closing the
 * connection takes them back. */
static int bring_up(sqlite3 *db, int64_t version)
{
	char done[64];
	if (version == SCHEMA_VERSION)
		return 0;
	snprintf(done, sizeof(done), "PRAGMA user_version = %d; COMMIT",
	    SCHEMA_VERSION);
	int r = sql_execute(db, "BEGIN IMMEDIATE");
	while (r == 0 && version < SCHEMA_VERSION)
		r = sql_execute(db, steps[version++]);
	if (r == 0)
		r = views_show_all(db);
	return r < 0 ? r : sql_execute(db, done);
}

int schema_prepare(sqlite3 *db)
{
	int64_t version = 0;
	int r = sql_number(db, "PRAGMA user_version", &version);
	if (r < 0)
		return r;
	if (version < 0 || version > SCHEMA_VERSION)
		return -EBADMSG;
	r = bring_up(db, version);
	if (r < 0 || !has_buried(db))
		return r;
	r = collect(db);
	if (r == -EIO) {
		/* A part of it that is damaged keeps nobody from the rest. */
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		r = 0;
	}
	return r;
}
