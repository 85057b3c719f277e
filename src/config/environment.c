#include "config/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/home.h"
#include "config/complain.h"
#include "config/secrets.h"
#include "config/setting.h"

/* NULL when unset or empty. */
static const char *get(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static const char *value_of(const struct setting *setting)
{
	if (!setting->variable)
		return NULL;
	const char *secret = secrets_get(setting);
	return secret && *secret ? secret : get(setting->variable);
}

int environment_apply(struct options *options)
{
	int status = 0;
	for (size_t i = 0; !status && i < settings_count; i++) {
		const struct setting *s = &settings[i];
		const char *value = value_of(s);
		if (value)
			status = setting_apply(s, value, options);
	}
	return status;
}

int environment_cache_dir(char **ret_dir)
{
	const char *xdg = get("XDG_CACHE_HOME");
	const char *home = home_dir();
	char *dir;
	int len;
	if (xdg && xdg[0] == '/')
		len = asprintf(&dir, "%s/bkendfs", xdg);
	else if (home)
		len = asprintf(&dir, "%s/.cache/bkendfs", home);
	else if (geteuid() == 0)
		len = asprintf(&dir, "/var/cache/bkendfs");
	else
		len =
		    asprintf(&dir, "/var/tmp/bkendfs-%u", (unsigned)geteuid());
	if (len < 0)
		return failed_for_memory();
	*ret_dir = dir;
	return 0;
}
