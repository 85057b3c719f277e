#include "config/setting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "config/complain.h"
#include "tree/name.h"

#define CONNECTIONS_MAX 256
#define SECONDS_MAX (INT64_C(100) * 365 * 24 * 3600)

#define TO(field) offsetof(struct options, field)

const struct setting settings[] = {
    {"url", "BKEND_API_URL", "URL", "the API, with or without /v1 at its end",
	"https://api-client.bkend.ai", SETTING_STRING, TO(url)},
    {NULL, "BKEND_PUBLISHABLE_KEY", "pk_…",
	"the project's key, for an account or for a guest", NULL,
	SETTING_SECRET, TO(publishable_key)},
    {NULL, "BKEND_SECRET_KEY", "sk_…",
	"the other key, which needs no account and sees everything", NULL,
	SETTING_SECRET, TO(secret_key)},
    {NULL, "BKEND_EMAIL", "ADDRESS", "the account", NULL, SETTING_STRING,
	TO(email)},
    {NULL, "BKEND_PASSWORD", "PASSWORD",
	"its password; asked for on a terminal where it is not given", NULL,
	SETTING_SECRET, TO(password)},
    {NULL, "BKEND_MFA_CODE", "CODE",
	"a fresh code, where the account asks for a second factor", NULL,
	SETTING_SECRET, TO(mfa_code)},
    {"tables", "BKEND_TABLES", "a:b", "tables to show from the start", NULL,
	SETTING_TABLES, TO(tables)},
    {"json", NULL, "pretty|raw", "lay records out, or the server's own bytes",
	"pretty", SETTING_JSON, TO(raw)},
    {"ttl", NULL, "SECONDS", "believe a listing so long", "60", SETTING_SECONDS,
	TO(ttl_ms)},
    {"connections", NULL, "N", "requests at once", "16", SETTING_COUNT,
	TO(connections)},
    {"retry", NULL, "SECONDS", "patience with a failing server", "120",
	SETTING_SECONDS, TO(retry_ms)},
    {"cache_dir", "BKENDFS_CACHE_DIR", "DIR",
	"where the replica lives, yours alone ($XDG_CACHE_HOME/bkendfs)", NULL,
	SETTING_PATH, TO(cache_dir)},
    {"cache_size", NULL, "SIZE",
	"what the replica may take up, file contents first to go", "10G",
	SETTING_SIZE, TO(cache_size)},
    {"nocache", NULL, NULL, "a replica for this mount alone", NULL,
	SETTING_FLAG, TO(nocache)},
    {"offline", NULL, NULL, "serve the replica, ask nobody", NULL, SETTING_FLAG,
	TO(offline)},
    {"xattr", NULL, NULL, "tell what the server said in extended attributes",
	NULL, SETTING_FLAG, TO(xattr)},
    {"verify_sizes", NULL, NULL, "ask each stored file for its size at stat",
	NULL, SETTING_FLAG, TO(verify_sizes)},
    {"cacert", NULL, "FILE", "trust this CA instead of the system's", NULL,
	SETTING_PATH, TO(cacert)},
    {"log", NULL, "FILE", "where the log goes (stderr with -f, else syslog)",
	NULL, SETTING_PATH, TO(log_path)},
    {"log_level", NULL, "error|warn|info|debug", "how much it says", "info",
	SETTING_LEVEL, TO(log_level)},
    {"max_threads", NULL, "N", "threads that answer the kernel, at most", NULL,
	SETTING_COUNT, TO(max_threads)},
    {"max_idle_threads", NULL, "N", "of those, how many wait for work", NULL,
	SETTING_COUNT, TO(max_idle_threads)},
};

const size_t settings_count = ARRAY_SIZE(settings);

const struct setting *setting_of_option(const char *name, size_t len)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *s = &settings[i];
		if (s->option && strlen(s->option) == len &&
		    memcmp(s->option, name, len) == 0)
			return s;
	}
	return NULL;
}

const struct setting *setting_of_variable(const char *name)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *s = &settings[i];
		if (s->variable && strcmp(s->variable, name) == 0)
			return s;
	}
	return NULL;
}

/* ---- values ---- */

static int parse_number(const struct setting *setting, const char *value,
    int64_t least, int64_t most, int64_t *ret)
{
	if (number_parse(value, least, most, ret) < 0)
		return complain("%s=%s: give a whole number from %" PRId64
				" to %" PRId64,
		    setting->option, value, least, most);
	return 0;
}

static int parse_seconds(
    const struct setting *setting, const char *value, int64_t *ret_ms)
{
	int64_t number;
	int status = parse_number(setting, value, 0, SECONDS_MAX, &number);
	if (!status)
		*ret_ms = number * 1000;
	return status;
}

static int parse_count(
    const struct setting *setting, const char *value, unsigned *ret)
{
	int64_t number;
	int status = parse_number(setting, value, 1, CONNECTIONS_MAX, &number);
	if (!status)
		*ret = (unsigned)number;
	return status;
}

static int parse_size(
    const struct setting *setting, const char *value, int64_t *ret)
{
	static const char units[] = "KMGT";
	CLEANUP_FREE char *digits = strdup(value);
	if (!digits)
		return failed_for_memory();
	int shift = 0;
	char *last = digits + strlen(digits) - 1;
	const char *unit = strchr(units, *last);
	if (unit) {
		shift = 10 * (int)(unit - units + 1);
		*last = '\0';
	}
	int64_t number;
	if (number_parse(digits, 0, INT64_MAX >> shift, &number) < 0)
		return complain("%s=%s: give a size as 500M or 10G",
		    setting->option, value);
	*ret = number << shift;
	return 0;
}

/* Table names, with ':' or ',' between them. */
static int parse_tables(const char *list, char ***where)
{
	size_t count = 0;
	for (size_t i = 0; *where && (*where)[i]; i++)
		free((*where)[i]);
	free(*where);
	char **tables = *where = calloc(strlen(list) + 1, sizeof(char *));
	CLEANUP_FREE char *copy = strdup(list);
	if (!tables || !copy)
		return failed_for_memory();
	char *state;
	for (char *name = strtok_r(copy, ":,", &state); name;
	     name = strtok_r(NULL, ":,", &state)) {
		if (!name_is_table(name))
			return complain(
			    "'%s' is no table name: a letter, then letters,"
			    " digits, '_' or '-', 64 at most",
			    name);
		if (!name_to_table(name_of_table_dir(name)))
			continue; /* files/ is always there */
		if (!(tables[count++] = strdup(name)))
			return failed_for_memory();
	}
	return 0;
}

static int parse_path(const char *value, char **where)
{
	if (value[0] == '/')
		return options_set_string(where, value);
	char *path;
	CLEANUP_FREE char *cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&path, "%s/%s", cwd, value) < 0)
		return failed_for_memory();
	free(*where);
	*where = path;
	return 0;
}

static int parse_json(
    const struct setting *setting, const char *value, bool *ret_raw)
{
	bool raw = strcmp(value, "raw") == 0;
	if (!raw && strcmp(value, "pretty") != 0)
		return complain(
		    "%s=%s: it is pretty or raw", setting->option, value);
	*ret_raw = raw;
	return 0;
}

static int parse_level(
    const struct setting *setting, const char *value, enum log_level *ret_level)
{
	if (log_level_parse(value, ret_level) < 0)
		return complain("%s=%s: it is error, warn, info or debug",
		    setting->option, value);
	return 0;
}

static int set_flag(const struct setting *setting, const char *value, bool *ret)
{
	if (value)
		return complain("%s takes no value", setting->option);
	*ret = true;
	return 0;
}

int setting_apply(
    const struct setting *setting, const char *value, struct options *options)
{
	void *where = (char *)options + setting->offset;
	if (setting->kind == SETTING_FLAG)
		return set_flag(setting, value, where);
	if (!value || !*value)
		return complain(
		    "%s needs a value: %s=…", setting->option, setting->option);
	switch (setting->kind) {
	case SETTING_PATH:
		return parse_path(value, where);
	case SETTING_SECONDS:
		return parse_seconds(setting, value, where);
	case SETTING_COUNT:
		return parse_count(setting, value, where);
	case SETTING_SIZE:
		return parse_size(setting, value, where);
	case SETTING_TABLES:
		return parse_tables(value, where);
	case SETTING_JSON:
		return parse_json(setting, value, where);
	case SETTING_LEVEL:
		return parse_level(setting, value, where);
	default:
		return options_set_string(where, value);
	}
}
