#include "replica/views.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "replica/replica.h"
#include "replica/sql.h"

/* Dates are those that the server wrote; mtime is what ls shows. */
#define VIEW                                                                   \
	"CREATE VIEW \"%w\" AS SELECT CAST(n.key AS TEXT) AS id,"              \
	" CAST(t.text AS TEXT) AS json,"                                       \
	" json_extract(CAST(t.text AS TEXT), '$.createdAt') AS created_at,"    \
	" json_extract(CAST(t.text AS TEXT), '$.updatedAt') AS updated_at,"    \
	" strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', n.mtime / 1000.0,"              \
	" 'unixepoch') AS mtime"                                               \
	" FROM listing l CROSS JOIN entry e ON e.dir = l.dir"                  \
	" AND e.pos > l.base AND e.pos < l.end"                                \
	" CROSS JOIN node n ON n.id = e.node"                                  \
	" CROSS JOIN text t ON t.node = n.id"                                  \
	" WHERE l.dir = %lld AND n.kind = %d;"                                 \
	"INSERT INTO shown(dir, name) VALUES(%lld, '%q')"

static void free_sql(char **sql)
{
	sqlite3_free(*sql);
}

/* Whether a view can have the name. */
static int is_free(sqlite3 *db, const char *name, bool *ret_free)
{
	int64_t count = 0;
	/* SQLite keeps all such names for itself. */
	if (sqlite3_strnicmp(name, "sqlite_", strlen("sqlite_")) == 0) {
		*ret_free = false;
		return 0;
	}
	CLEANUP(free_sql)
	char *sql = sqlite3_mprintf("SELECT count(*) FROM sqlite_schema"
				    " WHERE name = '%q' COLLATE NOCASE",
	    name);
	int r = sql ? sql_number(db, sql, &count) : -ENOMEM;
	if (r == 0)
		*ret_free = count == 0;
	return r;
}

static int make(sqlite3 *db, int64_t dir, const char *name)
{
	CLEANUP(free_sql)
	char *sql = sqlite3_mprintf(
	    VIEW, name, (long long)dir, NODE_KIND_RECORD, (long long)dir, name);
	return sql ? sql_execute(db, sql) : -ENOMEM;
}

/* No name of a table has a dot in it. What the server itself calls incomplete
 * is never found under a name that looks whole. */
#define WHOLE "table."
#define INCOMPLETE "incomplete."

/* One of them is free: no other directory has that number. */
#define NAMES 3

static void name_of(
    int which, const char *name, int64_t dir, bool lacks, char out[128])
{
	const char *prefix = lacks ? INCOMPLETE : which > 0 ? WHOLE : "";
	if (which < NAMES - 1)
		snprintf(out, 128, "%s%s", prefix, name);
	else
		snprintf(out, 128, "%s%s.%" PRId64, prefix, name, dir);
}

static int make_named(sqlite3 *db, int64_t dir, const char *name, bool lacks)
{
	char full[128];
	bool free = false;
	int r = 0;
	for (int i = 0; r == 0 && !free && i < NAMES; i++) {
		name_of(i, name, dir, lacks, full);
		r = is_free(db, full, &free);
	}
	return r < 0 ? r : make(db, dir, full);
}

/* A directory's name; the root's own ones have no row. 0 or -errno; -ENOENT. */
static int dir_name(sqlite3 *db, int64_t dir, char out[128])
{
	sqlite3_stmt *s;
	if (dir == NODE_FILES) {
		strcpy(out, "files");
		return 0;
	}
	int r = sqlite3_prepare_v2(db,
	    "SELECT name FROM node WHERE id = ?1 AND kind = ?2", -1, &s, NULL);
	if (r == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, dir);
		sqlite3_bind_int(s, 2, NODE_KIND_TABLE);
		r = sqlite3_step(s);
	}
	int err = r == SQLITE_ROW    ? 0
		  : r == SQLITE_DONE ? -ENOENT
				     : sql_error(db, r);
	if (r == SQLITE_ROW)
		snprintf(out, 128, "%s", sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return err;
}

/* The name under which a directory has a view; empty: it has none. */
static int shown_name(sqlite3 *db, int64_t dir, char out[128])
{
	sqlite3_stmt *s;
	int r = sqlite3_prepare_v2(
	    db, "SELECT name FROM shown WHERE dir = ?1", -1, &s, NULL);
	*out = '\0';
	if (r == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, dir);
		r = sqlite3_step(s);
	}
	if (r == SQLITE_ROW)
		snprintf(out, 128, "%s", sqlite3_column_text(s, 0));
	int err = sql_error(db, r);
	sqlite3_finalize(s);
	return err;
}

static int drop(sqlite3 *db, int64_t dir, const char *name)
{
	CLEANUP(free_sql)
	char *sql = sqlite3_mprintf("DROP VIEW IF EXISTS \"%w\";"
				    "DELETE FROM shown WHERE dir = %lld",
	    name, (long long)dir);
	return sql ? sql_execute(db, sql) : -ENOMEM;
}

/* Whether the server itself calls the listing incomplete. */
static int is_lacking(sqlite3 *db, int64_t dir, bool *ret_lacks)
{
	char sql[96];
	int64_t lacks = 0;
	snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM listing WHERE lacks != '' AND dir = %" PRId64,
	    dir);
	int r = sql_number(db, sql, &lacks);
	if (r == 0)
		*ret_lacks = lacks != 0;
	return r;
}

int views_show(sqlite3 *db, int64_t dir)
{
	char name[128], shown[128];
	bool lacks = false;
	int r = is_lacking(db, dir, &lacks);
	if (r == 0)
		r = shown_name(db, dir, shown);
	if (r == 0 && *shown) {
		if (lacks ==
		    (strncmp(shown, INCOMPLETE, strlen(INCOMPLETE)) == 0))
			return 0;
		r = drop(db, dir, shown);
	}
	if (r == 0)
		r = dir_name(db, dir, name);
	if (r == -ENOENT)
		return 0; /* the stored files themselves */
	return r < 0 ? r : make_named(db, dir, name, lacks);
}

int views_show_all(sqlite3 *db)
{
	int64_t dir = 0;
	int r;
	do {
		char sql[128];
		snprintf(sql, sizeof(sql),
		    "SELECT coalesce(min(dir), 0) FROM listing"
		    " WHERE end > 0 AND dir > %" PRId64,
		    dir);
		r = sql_number(db, sql, &dir);
		if (r == 0 && dir)
			r = views_show(db, dir);
	} while (r == 0 && dir);
	return r;
}
