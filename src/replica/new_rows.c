#include "replica/new_rows.h"

#include <stdint.h>
#include <stdlib.h>

struct table {
	sqlite3_vtab base;
	const struct new_rows *source;
};

struct cursor {
	sqlite3_vtab_cursor base;
	size_t at;
};

enum column { DIR, KIND, NAME, KEY, MTIME, SIZE, OTHER, POS, POS_1, ID, TEXT };

static const char declaration[] =
    "CREATE TABLE new_rows(dir, kind, name, key, mtime, size, other_size, pos,"
    " pos1, id, text)";

static int on_connect(sqlite3 *db, void *source, int argc,
    const char *const *argv, sqlite3_vtab **ret_table, char **ret_error)
{
	(void)argc;
	(void)argv;
	(void)ret_error;
	int r = sqlite3_declare_vtab(db, declaration);
	if (r != SQLITE_OK)
		return r;
	struct table *table = calloc(1, sizeof(*table));
	if (!table)
		return SQLITE_NOMEM;
	table->source = source;
	*ret_table = &table->base;
	return SQLITE_OK;
}

static int on_disconnect(sqlite3_vtab *table)
{
	free(table);
	return SQLITE_OK;
}

static int on_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
	(void)table;
	(void)info;
	return SQLITE_OK; /* there is one way: from the first to the last */
}

static int on_open(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
	struct cursor *cursor = calloc(1, sizeof(*cursor));
	(void)table;
	if (!cursor)
		return SQLITE_NOMEM;
	*ret_cursor = &cursor->base;
	return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *base)
{
	free(base);
	return SQLITE_OK;
}

static int on_filter(sqlite3_vtab_cursor *base, int number, const char *string,
    int argc, sqlite3_value **argv)
{
	(void)number;
	(void)string;
	(void)argc;
	(void)argv;
	((struct cursor *)base)->at = 0;
	return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *base)
{
	((struct cursor *)base)->at++;
	return SQLITE_OK;
}

static const struct new_rows *rows_of(const sqlite3_vtab_cursor *base)
{
	return ((const struct table *)base->pVtab)->source;
}

static int on_eof(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->at >= rows_of(base)->count;
}

/* Where it stands in the generation of a side. */
static sqlite3_int64 place(const struct new_rows *rows, size_t at, int side)
{
	return rows->first.side == side ? rows->first.pos + (sqlite3_int64)at
					: 0;
}

static int on_column(
    sqlite3_vtab_cursor *base, sqlite3_context *out, int column)
{
	const struct new_rows *rows = rows_of(base);
	size_t at = ((struct cursor *)base)->at;
	const struct replica_row *row = &rows->rows[at];
	switch ((enum column)column) {
	case DIR:
		sqlite3_result_int64(out, row->dir);
		break;
	case KIND:
		sqlite3_result_int(out, row->kind);
		break;
	case NAME:
		sqlite3_result_text(out, row->name,
		    row->name_len ? (int)row->name_len : -1, SQLITE_STATIC);
		break;
	case KEY:
		sqlite3_result_blob64(
		    out, row->key, row->key_len, SQLITE_STATIC);
		break;
	case MTIME:
		sqlite3_result_int64(out, row->mtime_ms);
		break;
	case SIZE:
		sqlite3_result_int64(out, row->size);
		break;
	case OTHER:
		sqlite3_result_int64(out, row->other_size);
		break;
	case POS:
		sqlite3_result_int64(out, place(rows, at, 0));
		break;
	case POS_1:
		sqlite3_result_int64(out, place(rows, at, 1));
		break;
	case ID:
		sqlite3_result_int64(out, row->id);
		break;
	case TEXT:
		sqlite3_result_blob64(
		    out, row->text, row->text_len, SQLITE_STATIC);
		break;
	}
	return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_rowid)
{
	*ret_rowid = (sqlite3_int64)((struct cursor *)base)->at;
	return SQLITE_OK;
}

/* Without xCreate it is there by itself, in the schema of nobody. */
static const sqlite3_module module = {
    .iVersion = 1,
    .xConnect = on_connect,
    .xBestIndex = on_best_index,
    .xDisconnect = on_disconnect,
    .xOpen = on_open,
    .xClose = on_close,
    .xFilter = on_filter,
    .xNext = on_next,
    .xEof = on_eof,
    .xColumn = on_column,
    .xRowid = on_rowid,
};

int new_rows_register(sqlite3 *db, const struct new_rows *source)
{
	/* It is not written through. */
	return sqlite3_create_module(
	    db, "new_rows", &module, (void *)(uintptr_t)source);
}
