#include "base/own_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/home.h"

static const struct {
	const char *variable, *service, *in_home, *of_root, *nowhere;
} places[] = {
    [OWN_DIR_CACHE] = {"XDG_CACHE_HOME", "CACHE_DIRECTORY", ".cache/bkendfs",
	"/var/cache/bkendfs",
	"there is no home directory: set HOME or XDG_CACHE_HOME (or, in a"
	" service, CacheDirectory=)"},
    [OWN_DIR_STATE] = {"XDG_STATE_HOME", "STATE_DIRECTORY",
	".local/state/bkendfs", "/var/lib/bkendfs",
	"there is no home directory: set HOME or XDG_STATE_HOME (or, in a"
	" service, StateDirectory=)"},
};

/* Where systemd has made one for a service (CacheDirectory=, StateDirectory=).
 * NULL: it has not, or it is not told which of several is meant. */
static const char *of_service(const char *variable)
{
	const char *path = getenv(variable);
	return path && path[0] == '/' && !strchr(path, ':') ? path : NULL;
}

/* A place that others can write to, too, is none. */
static const char *without_home(enum own_dir_kind kind)
{
	const char *path = of_service(places[kind].service);
	return path || geteuid() != 0 ? path : places[kind].of_root;
}

int own_dir_default(enum own_dir_kind kind, char **ret_path)
{
	const char *xdg = getenv(places[kind].variable);
	char *path = NULL;
	int r = 0;
	if (xdg && xdg[0] == '/')
		r = asprintf(&path, "%s/bkendfs", xdg) < 0 ? -ENOMEM : 0;
	else
		r = home_find(places[kind].in_home, &path);
	if (r == -ENOENT) {
		const char *other = without_home(kind);
		if (!other)
			return -ENOENT;
		path = strdup(other);
		r = path ? 0 : -ENOMEM;
	}
	if (r == 0)
		*ret_path = path;
	return r;
}

const char *own_dir_nowhere(enum own_dir_kind kind)
{
	return places[kind].nowhere;
}

/* mkdir -p, each new part 0700. */
static int make_dirs(const char *path)
{
	CLEANUP_FREE char *part = strdup(path);
	if (!part || !*part)
		return part ? -ENOENT : -ENOMEM;
	for (char *slash = part + 1;; slash++) {
		slash += strcspn(slash, "/");
		char end = *slash;
		*slash = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
		if (!end)
			return 0;
		*slash = end;
	}
}

static bool is_ours_alone(const struct stat *st)
{
	return st->st_uid == geteuid() && (st->st_mode & 077) == 0;
}

/* The directory's own name, which must lead to what was checked. */
static int name_without_links(const char *path, int fd, char **ret_path)
{
	struct stat there, here;
	CLEANUP_FREE char *name = realpath(path, NULL);
	if (!name || lstat(name, &there) < 0 || fstat(fd, &here) < 0)
		return -errno;
	if (there.st_dev != here.st_dev || there.st_ino != here.st_ino)
		return -ELOOP;
	*ret_path = TAKE(name);
	return 0;
}

int own_dir_make(const char *path, char **ret_path)
{
	struct stat st;
	CLEANUP_FREE char *bare = strdup(path);
	if (!bare)
		return -ENOMEM;
	/* With a slash behind it, a link would be followed. */
	for (size_t len = strlen(bare); len > 1 && bare[len - 1] == '/';)
		bare[--len] = '\0';
	int r = make_dirs(bare);
	if (r < 0)
		return r;
	if (lstat(bare, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	CLEANUP_CLOSE int fd =
	    open(bare, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && st.st_uid != geteuid())
		return -ENOTUNIQ;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!is_ours_alone(&st))
		return -ENOTUNIQ;
	return name_without_links(bare, fd, ret_path);
}

int own_file_check(const char *path)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	return S_ISREG(st.st_mode) && st.st_uid == geteuid() ? 0 : -ENOTUNIQ;
}

const char *own_dir_problem(int err)
{
	switch (err) {
	case -ELOOP:
		return "there is a symbolic link in its place; name the"
		       " directory itself";
	case -ENOTUNIQ:
		return "it is not yours alone; it must belong to you, with"
		       " mode 0700";
	default:
		return strerror(-err);
	}
}
