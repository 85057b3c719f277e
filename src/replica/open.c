/* Opening and closing a replica, and what is known of it without asking the
 * database. See replica.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/own_dir.h"
#include "replica/archive.h"
#include "replica/checkpoint.h"
#include "replica/edition.h"
#include "replica/internal.h"
#include "replica/private.h"
#include "replica/renew.h"
#include "replica/within.h"

/* Of the database's name, for SQLite's own files. */
static const char *const file_tails[] = {"", "-wal", "-shm", "-journal"};

static int take_lock(struct replica *replica)
{
	struct stat st;
	CLEANUP_FREE char *path = edition_lock_path(replica->path);
	if (!path)
		return -ENOMEM;
	replica->lock_fd =
	    open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (replica->lock_fd < 0)
		return -errno;
	if (flock(replica->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	/* Whoever has removed it since thought that nobody wants it. */
	if (fstat(replica->lock_fd, &st) < 0)
		return -errno;
	return st.st_nlink ? 0 : -EWOULDBLOCK;
}

/* What SQLite will open must be nobody else's, nor lead elsewhere. */
static int check_files(const struct replica *replica)
{
	for (size_t i = 0; i < ARRAY_SIZE(file_tails); i++) {
		CLEANUP_FREE char *path = NULL;
		if (asprintf(&path, "%s%s", replica->path, file_tails[i]) < 0)
			return -ENOMEM;
		int r = own_file_check(path);
		if (r < 0)
			return r;
	}
	return 0;
}

static uint64_t hash_of(const char *text)
{
	return hash_fnv1a(HASH_FNV1A_INIT, text, strlen(text));
}

static int name_path(
    struct replica *replica, const char *own, const char *project)
{
	return asprintf(&replica->path, "%s/%016" PRIx64 ".db", own,
		   hash_of(project)) < 0
		   ? -ENOMEM
		   : 0;
}

/* Those of one project have a beginning in common. */
static int name_edition(struct replica *replica, const char *own,
    const char *project, const char *edition)
{
	return asprintf(&replica->path, "%s/%016" PRIx64 "-%016" PRIx64 ".db",
		   own, hash_of(project), hash_of(edition)) < 0
		   ? -ENOMEM
		   : 0;
}

static int choose_private(struct replica *replica, const char *own)
{
	int r = private_make(own, &replica->private_dir, &replica->lock_fd);
	if (r < 0)
		return r;
	return asprintf(&replica->path, "%s/replica.db", replica->private_dir) <
		       0
		   ? -ENOMEM
		   : 0;
}

/* Whether a replica is there which cannot be written. */
static bool is_archive(const struct replica *replica, const char *own)
{
	return access(replica->path, F_OK) == 0 &&
	       (access(own, W_OK) < 0 || access(replica->path, W_OK) < 0);
}

/* edition: NULL where there is only one. */
static int choose_path(struct replica *replica, const char *dir,
    const char *project, const char *edition, bool private)
{
	CLEANUP_FREE char *own = NULL;
	int r = own_dir_make(dir, &own);
	if (r < 0)
		return r;
	private_sweep(own);
	if (private)
		return choose_private(replica, own);
	r = edition ? name_edition(replica, own, project, edition)
		    : name_path(replica, own, project);
	if (r == 0 && is_archive(replica, own))
		r = -EROFS;
	if (r == 0)
		r = take_lock(replica);
	return r < 0 ? r : check_files(replica);
}

/* ---- totals ---- */

/* Of a million nodes that takes a quarter of a second. */
static int count_totals(struct replica *replica)
{
	sqlite3_stmt *s = connection_statement(replica->writer, ST_COUNT);
	if (!s)
		return -EIO;
	int r = sqlite3_step(s);
	if (r == SQLITE_ROW) {
		replica->totals.nodes = sqlite3_column_int64(s, 0);
		replica->totals.bytes = sqlite3_column_int64(s, 1);
	}
	int err = connection_error(replica->writer, r);
	sqlite3_reset(s);
	return err;
}

/* Whether opening it began a run: one that is read where it is has none. */
static bool begins_run(const struct replica *replica)
{
	return !replica->archived || replica->copy;
}

/*
 * The totals are kept at the end of a run, with its number: who finds that of
 * another one than the last knows that it had no end.
 */
static int load_meta(struct replica *replica)
{
	sqlite3_stmt *s = connection_statement(replica->writer, ST_META);
	bool counted = false;
	if (!s)
		return -EIO;
	int r = sqlite3_step(s);
	if (r == SQLITE_ROW) {
		replica->made_ms = sqlite3_column_int64(s, 0);
		replica->run = sqlite3_column_int64(s, 1);
		int64_t last = replica->run - begins_run(replica);
		counted = sqlite3_column_int64(s, 2) == last;
		replica->totals.nodes = sqlite3_column_int64(s, 3);
		replica->totals.bytes = sqlite3_column_int64(s, 4);
		replica->next_id = sqlite3_column_int64(s, 5) + 1;
	}
	int err = connection_error(replica->writer, r);
	sqlite3_reset(s);
	if (err == 0 && !counted)
		err = count_totals(replica);
	/* They are no reason to keep anybody from what is not damaged. */
	return err == -EIO && r == SQLITE_ROW ? 0 : err;
}

/* Where it fails, the next run counts. */
static void keep_totals(struct replica *replica)
{
	if (!replica->writer || replica->archived || replica->private_dir)
		return;
	sqlite3_stmt *s = connection_statement(replica->writer, ST_KEEP_TOTALS);
	if (!s)
		return;
	sqlite3_bind_int64(s, 1, replica->totals.nodes);
	sqlite3_bind_int64(s, 2, replica->totals.bytes);
	connection_run(replica->writer, s);
}

/* ---- opening ---- */

static struct replica *replica_new(void)
{
	struct replica *replica = calloc(1, sizeof(*replica));
	if (!replica)
		return NULL;
	replica->lock_fd = -1;
	replica->patience_ms = INT64_MAX;
	replica->readers = CONNECTION_READER;
	lock_init(&replica->lock);
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	return replica;
}

/* What is the same for all, once there is a connection. */
static int finish_open(
    struct replica *replica, int r, struct replica **ret_replica)
{
	if (r == 0)
		r = pool_new(replica->copy ? replica->copy : replica->path,
		    replica->readers, &replica->pool);
	if (r == 0)
		r = load_meta(replica);
	if (r < 0)
		replica_close(replica);
	else
		*ret_replica = replica;
	return r;
}

static int open_edition(const char *dir, const char *project,
    const char *edition, bool private, struct replica **ret_replica)
{
	struct replica *replica = replica_new();
	if (!replica)
		return -ENOMEM;
	/* All that is made here is for the owner alone. */
	mode_t mask = umask(0077);
	int r = choose_path(replica, dir, project, edition, private);
	if (r == 0)
		r = renew_database(replica->path, replica->lock_fd);
	replica->renewed = r == 0;
	if (r == 0)
		r = connection_open(
		    replica->path, CONNECTION_WRITER, &replica->writer);
	if (r == 0)
		r = checkpointer_new(
		    replica->path, replica->writer, &replica->checkpointer);
	umask(mask);
	return finish_open(replica, r, ret_replica);
}

int replica_open(const char *dir, const char *project, bool private,
    struct replica **ret_replica)
{
	return open_edition(dir, project, NULL, private, ret_replica);
}

/* Remove the other ones. */
static void sweep(const struct replica *replica)
{
	CLEANUP_FREE char *path = strdup(replica->path);
	if (!path)
		return;
	char *own = strrchr(path, '/') + 1;
	own[-1] = own[strlen(own) - strlen(".db")] = '\0';
	CLEANUP_FREE char *prefix = strndup(own, strcspn(own, "-") + 1);
	if (prefix)
		edition_sweep(path, prefix, own);
}

int replica_open_edition(const char *dir, const char *project,
    const char *edition, struct replica **ret_replica)
{
	int r = open_edition(dir, project, edition, false, ret_replica);
	if (r == 0)
		sweep(*ret_replica);
	return r;
}

int replica_open_archived(
    const char *dir, const char *project, struct replica **ret_replica)
{
	CLEANUP_FREE char *own = NULL;
	struct replica *replica = replica_new();
	if (!replica)
		return -ENOMEM;
	replica->archived = true;
	mode_t mask = umask(0077);
	int r = own_dir_make(dir, &own);
	if (r == 0)
		r = name_path(replica, own, project);
	if (r == 0)
		r = check_files(replica);
	if (r == 0 && access(replica->path, F_OK) < 0)
		r = -ENOENT;
	/* Where others could write, they must not while it is read. */
	if (r == 0 && take_lock(replica) == -EWOULDBLOCK)
		r = -EWOULDBLOCK;
	if (r == 0)
		r = archive_open(replica);
	umask(mask);
	return finish_open(replica, r, ret_replica);
}

/* ---- the end ---- */

void replica_hurry(struct replica *replica, int64_t ms)
{
	if (replica)
		replica->patience_ms = ms;
}

/* Whether SQLite need not empty the log: nobody will read it again, or there
 * was no time for it. */
static bool leaves_log(struct replica *replica)
{
	if (replica->private_dir)
		return true;
	return replica->checkpointer && replica->patience_ms < INT64_MAX &&
	       !checkpointer_finish(
		   replica->checkpointer, replica->patience_ms);
}

void replica_close(struct replica *replica)
{
	if (!replica)
		return;
	if (within(replica))
		replica_rollback(replica);
	pool_free(replica->pool);
	keep_totals(replica);
	if (replica->writer && leaves_log(replica))
		connection_leave_log(replica->writer);
	checkpointer_free(replica->checkpointer);
	connection_close(replica->writer);
	if (replica->renewed && !replica->private_dir)
		renew_end(replica->path, replica->lock_fd);
	if (replica->private_dir)
		private_remove(replica->private_dir);
	free(replica->private_dir);
	if (replica->lock_fd >= 0)
		close(replica->lock_fd);
	lock_done(&replica->lock);
	free(replica->copy);
	free(replica->path);
	free(replica);
}

/* ---- facts ---- */

bool replica_is_archived(const struct replica *replica)
{
	return replica->archived;
}

const char *replica_path(const struct replica *replica)
{
	return replica->path;
}

int64_t replica_made_ms(const struct replica *replica)
{
	return replica->made_ms;
}

int64_t replica_run(const struct replica *replica)
{
	return replica->run;
}

void replica_totals(struct replica *replica, struct replica_totals *ret_totals)
{
	lock_acquire(&replica->lock);
	*ret_totals = replica->totals;
	lock_release(&replica->lock);
}
