#include "config/environment.h"

#include <stdlib.h>

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
