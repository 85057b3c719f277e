#include "replica/sql.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/disk.h"
#include "base/lock.h"
#include "base/log.h"
#include "replica/replica.h"

/* Whether what file was last refused, it was for want of room. */
static bool was_full(sqlite3_file *file)
{
	int err = 0;
	return file && file->pMethods &&
	       file->pMethods->xFileControl(
		   file, SQLITE_FCNTL_LAST_ERRNO, &err) == SQLITE_OK &&
	       disk_error(err) == -ENOSPC;
}

/* A write to the database, or to its log. */
static bool was_write_full(sqlite3 *db)
{
	sqlite3_file *file = NULL, *log = NULL;
	sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &file);
	sqlite3_file_control(db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log);
	return was_full(file) || was_full(log);
}

/* SQLite does not know that a quota is a disk, too, nor what it is that its
 * other files lack. */
static bool is_full(sqlite3 *db, int result)
{
	int kind = result & 0xff;
	if (kind == SQLITE_FULL)
		return true;
	if (!db || (kind != SQLITE_IOERR && kind != SQLITE_CANTOPEN))
		return false;
	return sqlite3_extended_errcode(db) == SQLITE_IOERR_WRITE
		   ? was_write_full(db)
		   : disk_error(sqlite3_system_errno(db)) == -ENOSPC;
}

/* Whether the file is not what was written to it. */
static bool is_damaged(int result)
{
	int kind = result & 0xff;
	return kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB;
}

/* Who wants to know, and whether he does. */
static struct {
	struct lock lock;
	void (*fn)(void *ctx, const char *path);
	void *ctx;
} damage = {.lock = {PTHREAD_MUTEX_INITIALIZER}};

void replica_on_damage(void (*fn)(void *ctx, const char *path), void *ctx)
{
	lock_acquire(&damage.lock);
	damage.fn = fn;
	damage.ctx = ctx;
	lock_release(&damage.lock);
}

/* Once: each read that comes upon it has an error of its own. */
static void tell_of_damage(sqlite3 *db)
{
	static atomic_bool logged;
	const char *path = db ? sqlite3_db_filename(db, "main") : NULL;
	if (!path)
		path = "its database";
	if (!atomic_exchange(&logged, true))
		log_error("the replica is damaged on the disk: not all of it"
			  " can be read; if its server is there, unmount and"
			  " move %s away, and all is fetched again",
		    path);
	lock_acquire(&damage.lock);
	if (damage.fn)
		damage.fn(damage.ctx, path);
	damage.fn = NULL;
	lock_release(&damage.lock);
}

int sql_error(sqlite3 *db, int result)
{
	if (is_full(db, result)) {
		log_error("the replica cannot grow: the disk is full");
		return -ENOSPC;
	}
	if (is_damaged(result)) {
		tell_of_damage(db);
		return -EIO;
	}
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_INTERRUPT:
		return -EINTR;
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
