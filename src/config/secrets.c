#include "config/secrets.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/cleanup.h"

/* One for each row of the settings, owned; NULL: none. */
static char **values;

/* The sanitizers need to look into the process themselves. */
void secrets_protect(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* The value of a NAME=value of the environment, if that is its name. */
static char *value_of(char *variable, const char *name)
{
	size_t len = strlen(name);
	bool is_it = strncmp(variable, name, len) == 0 && variable[len] == '=';
	return is_it ? variable + len + 1 : NULL;
}

/* A name may stand there more than once: the first one counts, as for getenv,
 * but all are overwritten where they are. */
static int take(const char *name, char **where)
{
	for (char **variable = environ; variable && *variable; variable++) {
		char *value = value_of(*variable, name);
		if (!value)
			continue;
		if (!*where && !(*where = strdup(value)))
			return -ENOMEM;
		explicit_bzero(value, strlen(value));
	}
	unsetenv(name);
	return 0;
}

int secrets_take(void)
{
	int r = 0;
	values = calloc(settings_count, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < settings_count; i++) {
		if (settings[i].kind == SETTING_SECRET && settings[i].variable)
			r = take(settings[i].variable, &values[i]);
	}
	return r;
}

const char *secrets_get(const struct setting *setting)
{
	return values ? values[setting - settings] : NULL;
}

void secrets_forget(void)
{
	for (size_t i = 0; values && i < settings_count; i++)
		free_secret(values[i]);
	free(TAKE(values));
}
