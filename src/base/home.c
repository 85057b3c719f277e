#include "base/home.h"

#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *home_dir(void)
{
	struct stat st;
	const char *home = getenv("HOME");
	if (home && *home)
		return home;
	const struct passwd *user = geteuid() == 0 ? NULL : getpwuid(geteuid());
	if (!user || user->pw_dir[0] != '/' || stat(user->pw_dir, &st) < 0)
		return NULL;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() ? user->pw_dir
							     : NULL;
}
