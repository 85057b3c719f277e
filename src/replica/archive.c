#include "replica/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/disk.h"
#include "replica/edition.h"
#include "replica/internal.h"
#include "replica/page_sum.h"
#include "replica/private.h"
#include "replica/schema.h"
#include "replica/sql.h"

/* Bytes copied at once. */
#define PIECE ((size_t)1 << 20)

static int copy_bytes(int in, int out)
{
	CLEANUP_FREE char *piece = malloc(PIECE);
	ssize_t n;
	if (!piece)
		return -ENOMEM;
	while ((n = read(in, piece, PIECE)) > 0) {
		for (ssize_t done = 0; done < n;) {
			ssize_t some =
			    write(out, piece + done, (size_t)(n - done));
			if (some < 0)
				return disk_error(errno);
			done += some;
		}
	}
	return n < 0 ? -errno : 0;
}

static int copy_file(const char *from, const char *to)
{
	CLEANUP_CLOSE int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0)
		return errno == ENOENT ? 0 : -errno;
	CLEANUP_CLOSE int out =
	    open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return out < 0 ? disk_error(errno) : copy_bytes(in, out);
}

/* The database, and its log. */
static int copy_files(const char *from, const char *to)
{
	static const char *const tails[] = {"", "-wal"};
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(tails); i++) {
		CLEANUP_FREE char *source = NULL, *target = NULL;
		if (asprintf(&source, "%s%s", from, tails[i]) < 0 ||
		    asprintf(&target, "%s%s", to, tails[i]) < 0)
			return -ENOMEM;
		r = copy_file(source, target);
	}
	return r;
}

/* Whether the database can be read where it is: nothing is left in its log, and
 * it has today's form. 1, 0, or -errno; -EBADMSG: a newer version's. */
static int is_ready(const struct replica *replica)
{
	struct stat log;
	int64_t version = 0;
	struct connection *connection;
	CLEANUP_FREE char *path = NULL;
	if (asprintf(&path, "%s-wal", replica->path) < 0)
		return -ENOMEM;
	if (stat(path, &log) == 0 && log.st_size > 0)
		return 0;
	int r = connection_open(
	    replica->path, CONNECTION_ARCHIVE_TRUSTING, &connection);
	if (r < 0)
		return r;
	r = sql_number(connection->db, "PRAGMA user_version", &version);
	connection_close(connection);
	if (r == 0 && version > SCHEMA_VERSION)
		r = -EBADMSG;
	return r < 0 ? r : version >= SCHEMA_READABLE;
}

const char *replica_copy_parent(void)
{
	const char *tmp = getenv("TMPDIR");
	return tmp && *tmp == '/' ? tmp : P_tmpdir;
}

/* What was made for the next one that is opened. */
static struct {
	char *path; /* NULL: none was */
	int lock;
} prepared;

int replica_copy_prepare(const char **ret_path)
{
	const char *parent = replica_copy_parent();
	if (!prepared.path) {
		private_sweep_shared(parent);
		int r =
		    private_make_shared(parent, &prepared.path, &prepared.lock);
		if (r < 0)
			return r;
	}
	*ret_path = prepared.path;
	return 0;
}

void replica_copy_forget(void)
{
	if (!prepared.path)
		return;
	private_remove(prepared.path);
	close(prepared.lock);
	free(TAKE(prepared.path));
}

/* A copy, with its log, in a directory of ours that is gone afterwards. */
static int copy_archive(struct replica *replica)
{
	const char *place;
	int r = replica_copy_prepare(&place);
	if (r < 0)
		return r;
	/* The project's lock is held for as long as it is copied. */
	int project_lock = replica->lock_fd;
	replica->lock_fd = prepared.lock;
	replica->private_dir = TAKE(prepared.path);
	if (asprintf(&replica->copy, "%s/replica.db", replica->private_dir) < 0)
		r = -ENOMEM;
	else
		r = copy_files(replica->path, replica->copy);
	if (project_lock >= 0)
		close(project_lock);
	return r;
}

/* Whether all pages have checksums, as far as was noted. */
static bool is_marked(const struct replica *replica)
{
	CLEANUP_FREE char *lock = edition_lock_path(replica->path);
	if (!lock)
		return false;
	CLEANUP_CLOSE int fd = open(lock, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && page_sum_is_marked(replica->path, fd);
}

int archive_open(struct replica *replica)
{
	int r = is_ready(replica);
	if (r == 1) {
		replica->readers = is_marked(replica)
				       ? CONNECTION_ARCHIVE
				       : CONNECTION_ARCHIVE_TRUSTING;
		return connection_open(
		    replica->path, replica->readers, &replica->writer);
	}
	if (r == 0)
		r = copy_archive(replica);
	return r < 0 ? r
		     : connection_open(
			   replica->copy, CONNECTION_WRITER, &replica->writer);
}
