#include "config/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
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

static const char *named(const char *variable)
{
	return value_of(setting_of_variable(variable));
}

static void drop(char **where)
{
	free_secret(TAKE(*where));
}

/* What a profile says and the environment makes void, beyond what it sets. */
static void drop_replaced(struct options *options)
{
	if (named("BKEND_PUBLISHABLE_KEY") || named("BKEND_SECRET_KEY")) {
		drop(&options->publishable_key);
		drop(&options->publishable_key_command);
		drop(&options->secret_key);
		drop(&options->secret_key_command);
	}
	const char *email = named("BKEND_EMAIL");
	bool another =
	    email && options->email && strcmp(email, options->email) != 0;
	if (another)
		drop(&options->password);
	if (another || named("BKEND_REFRESH_TOKEN"))
		drop(&options->refresh_token_command);
	if (another || named("BKEND_PASSWORD"))
		drop(&options->password_command);
}

static int apply_one(const struct setting *setting, struct options *options)
{
	const char *value = value_of(setting);
	CLEANUP_FREE char *where = NULL;
	if (!value)
		return 0;
	if (asprintf(&where, "%s: ", setting->variable) < 0)
		return failed_for_memory();
	return setting_apply(setting, where, value, options);
}

int environment_apply(struct options *options)
{
	int status = 0;
	drop_replaced(options);
	for (size_t i = 0; !status && i < settings_count; i++)
		status = apply_one(&settings[i], options);
	return status;
}

int environment_apply_here(struct options *options)
{
	return apply_one(setting_of_variable("BKENDFS_CACHE_DIR"), options);
}

int environment_config_file(char **ret_path)
{
	const char *xdg = get("XDG_CONFIG_HOME");
	char *path = NULL;
	int r;
	if (xdg && xdg[0] == '/')
		r = asprintf(&path, "%s/bkendfs/config", xdg) < 0 ? -ENOMEM : 0;
	else
		r = home_find(".config/bkendfs/config", &path);
	if (r == -ENOENT) {
		path = strdup("/etc/bkendfs/config");
		r = path ? 0 : -ENOMEM;
	}
	if (r < 0)
		return failed_for_memory();
	*ret_path = path;
	return 0;
}
