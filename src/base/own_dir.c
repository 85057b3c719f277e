#include "base/own_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/home.h"

/* Where systemd has made one for a service (CacheDirectory=, StateDirectory=).
 * NULL: it has not, or it is not told which of several is meant. */
static const char *of_service(const char *variable)
{
	const char *path = getenv(variable);
	return path && path[0] == '/' && !strchr(path, ':') ? path : NULL;
}

int own_dir_default(enum own_dir_kind kind, char **ret_path)
{
	static const struct {
		const char *variable, *service, *in_home, *of_root;
	} places[] = {
	    [OWN_DIR_CACHE] = {"XDG_CACHE_HOME", "CACHE_DIRECTORY", ".cache",
		"/var/cache"},
	    [OWN_DIR_STATE] = {"XDG_STATE_HOME", "STATE_DIRECTORY",
		".local/state", "/var/lib"},
	};
	const char *xdg = getenv(places[kind].variable);
	const char *service = of_service(places[kind].service);
	const char *home = home_dir();
	char *path;
	int r;
	if (xdg && xdg[0] == '/')
		r = asprintf(&path, "%s/bkendfs", xdg);
	else if (home)
		r = asprintf(
		    &path, "%s/%s/bkendfs", home, places[kind].in_home);
	else if (service)
		r = asprintf(&path, "%s", service);
	else if (geteuid() == 0)
		r = asprintf(&path, "%s/bkendfs", places[kind].of_root);
	else
		r = asprintf(&path, "/var/tmp/bkendfs-%u", (unsigned)geteuid());
	if (r < 0)
		return -ENOMEM;
	*ret_path = path;
	return 0;
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
