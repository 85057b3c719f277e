#include "config/cache_dir.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/home.h"
#include "config/complain.h"

int cache_dir_default(char **ret_dir)
{
	const char *xdg = options_environment("XDG_CACHE_HOME");
	const char *home = home_dir();
	char *dir;
	int r;
	if (xdg && xdg[0] == '/')
		r = asprintf(&dir, "%s/bkendfs", xdg);
	else if (home)
		r = asprintf(&dir, "%s/.cache/bkendfs", home);
	else if (geteuid() == 0)
		r = asprintf(&dir, "/var/cache/bkendfs");
	else
		r = asprintf(&dir, "/var/tmp/bkendfs-%u", (unsigned)geteuid());
	if (r < 0)
		return -ENOMEM;
	*ret_dir = dir;
	return 0;
}
