#include "base/home.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* What mount(8)'s helper makes of it where nobody has said, as at boot, and for
 * each user whom an fstab line lets mount: mount(8) has taken theirs away. */
#define OF_ROOT "/root"

const char *home_dir(void)
{
	struct stat st;
	const char *home = getenv("HOME");
	if (home && *home && (geteuid() == 0 || strcmp(home, OF_ROOT) != 0))
		return home;
	const struct passwd *user = geteuid() == 0 ? NULL : getpwuid(geteuid());
	if (!user || user->pw_dir[0] != '/' || stat(user->pw_dir, &st) < 0)
		return NULL;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() ? user->pw_dir
							     : NULL;
}

static bool is_roots_own(const char *home)
{
	return geteuid() == 0 && strcmp(home, OF_ROOT) == 0;
}

int home_find(const char *place, char **ret_path)
{
	const char *home = home_dir();
	char *name;
	if (!home)
		return -ENOENT;
	if (asprintf(&name, "%s/%s", home, place) < 0)
		return -ENOMEM;
	CLEANUP_FREE char *path = name;
	if (is_roots_own(home) && access(path, F_OK) < 0)
		return -ENOENT;
	*ret_path = TAKE(path);
	return 0;
}
