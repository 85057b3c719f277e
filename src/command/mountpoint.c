#include "command/mountpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

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

bool mounts_is_fuse(const char *path)
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
