#include "command/mountpoint.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "config/complain.h"

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The kernel writes a blank, a tab, a newline and a backslash, and whatever
 * else would end a field or a line, as three octal digits. In place. */
static void unescape(char *field)
{
	char *out = field;
	for (const char *in = field; *in; out++) {
		if (in[0] == '\\' && is_octal(in[1]) && is_octal(in[2]) &&
		    is_octal(in[3])) {
			*out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 |
				      (in[3] - '0'));
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

/* "SOURCE TARGET TYPE OPTIONS 0 0" */
static bool is_fuse_at(char *line, const char *path)
{
	char *rest = line;
	strsep(&rest, " ");
	char *target = strsep(&rest, " ");
	char *type = strsep(&rest, " ");
	if (!target || !type || strncmp(type, "fuse", 4) != 0)
		return false;
	unescape(target);
	return strcmp(target, path) == 0;
}

/* It is absolute and free of links. */
static bool is_fuse_mount(const char *path)
{
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *mounts = fopen("/proc/self/mounts", "re");
	while (mounts && !found && getline(&line, &size, mounts) > 0)
		found = is_fuse_at(line, path);
	if (mounts)
		fclose(mounts);
	return found;
}

/* Whether one of two real paths is the other, or lies in it. */
static bool is_within(const char *inner, const char *outer)
{
	size_t len = strlen(outer);
	/* The root's name ends in a slash. */
	if (len == 1)
		return true;
	return strncmp(inner, outer, len) == 0 &&
	       (!inner[len] || inner[len] == '/');
}

/* What is read would be hidden by the mount, or would become a part of it. */
static int check_apart(const struct options *options)
{
	const char *source = options->directory, *target = options->mountpoint;
	if (source && (is_within(source, target) || is_within(target, source)))
		return failed("%s cannot be mounted on %s: one lies in the"
			      " other; choose a mount point elsewhere",
		    source, target);
	return 0;
}

int mountpoint_check(struct options *options)
{
	struct stat st;
	const char *path = options->mountpoint;
	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return failed(
			    "the mount point %s does not exist: create it with"
			    " mkdir %s",
			    path, path);
		if (errno == ENOTCONN)
			return failed(
			    "%s is left over from a mount that ended: free it"
			    " with fusermount3 -u %s",
			    path, path);
		return failed("the mount point %s: %s", path, strerror(errno));
	}
	if (!S_ISDIR(st.st_mode))
		return failed("the mount point %s is not a directory", path);
	char *absolute = realpath(path, NULL);
	if (!absolute)
		return failed("the mount point %s: %s", path, strerror(errno));
	free(options->mountpoint);
	options->mountpoint = absolute;
	if (is_fuse_mount(absolute))
		return failed("%s is busy: something is mounted there already;"
			      " unmount it with fusermount3 -u %s",
		    absolute, absolute);
	return check_apart(options);
}
