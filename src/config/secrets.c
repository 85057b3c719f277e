#include "config/secrets.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/cleanup.h"

static struct secret {
	const char *name;
	char *value; /* owned; NULL: none */
} secrets[] = {
    {"BKEND_PUBLISHABLE_KEY", NULL},
    {"BKEND_SECRET_KEY", NULL},
    {"BKEND_PASSWORD", NULL},
    {"BKEND_MFA_CODE", NULL},
};

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
static int take(struct secret *secret)
{
	for (char **variable = environ; variable && *variable; variable++) {
		char *value = value_of(*variable, secret->name);
		if (!value)
			continue;
		if (!secret->value && !(secret->value = strdup(value)))
			return -ENOMEM;
		explicit_bzero(value, strlen(value));
	}
	unsetenv(secret->name);
	return 0;
}

int secrets_take(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		int r = take(&secrets[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

const char *secrets_get(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		if (strcmp(name, secrets[i].name) == 0)
			return secrets[i].value;
	}
	return NULL;
}

void secrets_forget(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		free_secret(TAKE(secrets[i].value));
}
