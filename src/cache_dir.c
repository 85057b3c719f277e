#include "cache_dir.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings.h"

/* Where the environment does not say, as in a service: the home that the user
 * database gives, if there is such a directory. NULL: none. */
static const char *home_of_user(void)
{
	struct stat st;
	const struct passwd *user = getpwuid(geteuid());
	if (!user || user->pw_dir[0] != '/' || stat(user->pw_dir, &st) < 0)
		return NULL;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() ? user->pw_dir
							     : NULL;
}

int cache_dir_default(char **ret_dir)
{
	const char *xdg = options_environment("XDG_CACHE_HOME");
	const char *home = options_environment("HOME");
	bool root = geteuid() == 0;
	char *dir;
	int r;
	if (!home && !root)
		home = home_of_user();
	if (xdg && xdg[0] == '/')
		r = asprintf(&dir, "%s/bkendfs", xdg);
	else if (home)
		r = asprintf(&dir, "%s/.cache/bkendfs", home);
	else if (root)
		r = asprintf(&dir, "/var/cache/bkendfs");
	else
		r = asprintf(&dir, "/var/tmp/bkendfs-%u", (unsigned)geteuid());
	if (r < 0)
		return -ENOMEM;
	*ret_dir = dir;
	return 0;
}
