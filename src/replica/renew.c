#include "replica/renew.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/disk.h"
#include "replica/connection.h"
#include "replica/page_sum.h"
#include "replica/page_vfs.h"
#include "replica/schema.h"
#include "replica/sql.h"

/* Bytes of the database and its log; 0 where there is none. */
static int64_t size_of(const char *path)
{
	struct stat st;
	return stat(path, &st) < 0 ? 0 : st.st_size;
}

/* What is larger takes too long for a start that says nothing of it: bytes. */
#define ANEW_MOST (INT64_C(512) << 20)

/* Room for another one, and for what the log has to become of this one. */
static bool has_room(const char *path, int64_t size)
{
	int64_t room;
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	return fd >= 0 && disk_room(fd, INT64_MAX, &room) == 0 &&
	       room > 2 * size;
}

static int write_copy(sqlite3 *db, void *ctx)
{
	const char *copy = ctx;
	sqlite3_stmt *statement = NULL;
	int64_t version = 0;
	int r = sql_number(db, "PRAGMA user_version", &version);
	if (r == 0 && version > SCHEMA_VERSION)
		r = -EBADMSG; /* who knows what that may be */
	if (r < 0)
		return r;
	r = page_vfs_keep(db);
	if (r == SQLITE_OK)
		r = sqlite3_prepare_v2(
		    db, "VACUUM INTO ?1", -1, &statement, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_bind_text(statement, 1, copy, -1, SQLITE_STATIC);
	if (r == SQLITE_OK)
		r = sqlite3_step(statement);
	r = sql_error(db, r);
	sqlite3_finalize(statement);
	return r;
}

/* SQLite writes pages before the one that tells of their room for sums. */
static int make_copy(const char *path, char *copy)
{
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(path, &db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
	    page_vfs(false));
	r = sql_error(db, r);
	if (r == 0)
		r = connection_patiently(db, write_copy, copy);
	sqlite3_close(db);
	return r < 0 ? r : page_sum_complete(copy, connection_is_given_up);
}

static void sync_dir_of(const char *path)
{
	CLEANUP_FREE char *dir = strndup(path, strrchr(path, '/') - path);
	if (dir)
		disk_sync_dir(dir);
}

/* Who still has the other one open has a log there, be it empty, which would be
 * the new one's. */
static int take_place(const char *path, const char *copy, const char *log)
{
	if (access(log, F_OK) == 0)
		return -EBUSY;
	sync_dir_of(path); /* that it is gone */
	if (rename(copy, path) < 0)
		return -errno;
	sync_dir_of(path);
	return 0;
}

/* Where that cannot be, the replica is used as it is. */
static int write_anew(const char *path, const char *log)
{
	CLEANUP_FREE char *copy = NULL;
	int64_t size = size_of(path) + size_of(log);
	if (asprintf(&copy, "%s-new", path) < 0)
		return -ENOMEM;
	unlink(copy); /* what a crash has left */
	if (size > ANEW_MOST || !has_room(path, size))
		return 0;
	int r = make_copy(path, copy);
	if (r == 0)
		r = take_place(path, copy, log);
	if (r < 0)
		unlink(copy);
	return r == -EINTR || r == -ENOMEM ? r : 0;
}

int renew_database(const char *path, int mark_fd)
{
	unsigned char header[PAGE_SUM_HEADER];
	CLEANUP_FREE char *log = NULL;
	int r = 0;
	if (asprintf(&log, "%s-wal", path) < 0)
		return -ENOMEM;
	enum page_sum_state state = page_sum_header(path, header) < 0
					? PAGE_SUM_UNKNOWN
					: page_sum_state(header);
	if (state == PAGE_SUM_WITHOUT)
		r = write_anew(path, log);
	else if (state == PAGE_SUM_WITH && size_of(log) == 0 &&
		 !page_sum_is_marked(path, mark_fd))
		r = page_sum_complete(path, connection_is_given_up);
	if (r == -EBADMSG)
		r = 0; /* what is missing of it is found when it is read */
	page_vfs_saw_none(); /* what came before is another one's */
	return r < 0 ? r : page_sum_unmark(mark_fd);
}

void renew_end(const char *path, int mark_fd)
{
	CLEANUP_FREE char *log = NULL;
	if (asprintf(&log, "%s-wal", path) >= 0 && size_of(log) == 0 &&
	    !page_vfs_saw_none())
		page_sum_mark(path, mark_fd);
}
