#include "replica/sql.h"

#include <errno.h>
#include <stddef.h>

#include "base/log.h"
#include "replica/replica.h"

int sql_error(sqlite3 *db, int result)
{
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_INTERRUPT:
		return -EINTR;
	case SQLITE_FULL:
		log_error("the replica cannot grow: the disk is full");
		return -ENOSPC;
	default:
		log_error("the replica failed: %s",
		    db ? sqlite3_errmsg(db) : sqlite3_errstr(result));
		return -EIO;
	}
}

int sql_execute(sqlite3 *db, const char *sql)
{
	return sql_error(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int sql_number(sqlite3 *db, const char *sql, int64_t *ret_number)
{
	sqlite3_stmt *statement;
	int r = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_step(statement);
	if (r == SQLITE_ROW)
		*ret_number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return sql_error(db, r);
}

const char *replica_library_version(void)
{
	return sqlite3_libversion();
}
