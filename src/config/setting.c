#include "config/setting.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/number.h"
#include "base/utf8.h"
#include "config/complain.h"
#include "tree/name.h"

#define CONNECTIONS_MAX 256
#define SECONDS_MAX (INT64_C(100) * 365 * 24 * 3600)

#define TO(field) offsetof(struct options, field)

const struct setting settings[] = {
    {"url", "BKEND_API_URL", "url", "URL",
	"the API, with or without /v1 at its end",
	"https://api-client.bkend.ai", SETTING_STRING, TO(url)},
    {NULL, "BKEND_PUBLISHABLE_KEY", "publishable_key", "pk_…",
	"the project's key, for an account or for a guest", NULL,
	SETTING_SECRET, TO(publishable_key)},
    {NULL, NULL, "publishable_key_command", "COMMAND",
	"what prints it, for the shell", NULL, SETTING_STRING,
	TO(publishable_key_command)},
    {NULL, "BKEND_SECRET_KEY", "secret_key", "sk_…",
	"the other key, which needs no account and sees everything", NULL,
	SETTING_SECRET, TO(secret_key)},
    {NULL, NULL, "secret_key_command", "COMMAND",
	"what prints it, for the shell", NULL, SETTING_STRING,
	TO(secret_key_command)},
    {NULL, "BKEND_EMAIL", "email", "ADDRESS", "the account", NULL,
	SETTING_STRING, TO(email)},
    {NULL, "BKEND_PASSWORD", "password", "PASSWORD",
	"its password; asked for on a terminal where it is not given", NULL,
	SETTING_SECRET, TO(password)},
    {NULL, NULL, "password_command", "COMMAND", "what prints it, for the shell",
	NULL, SETTING_STRING, TO(password_command)},
    {NULL, "BKEND_MFA_CODE", NULL, "CODE",
	"a fresh code, where the account asks for a second factor", NULL,
	SETTING_SECRET, TO(mfa_code)},
    {NULL, "BKEND_REFRESH_TOKEN", NULL, "TOKEN",
	"in place of a password: of a session that came from elsewhere, as a"
	" social sign-in; used once, and the next ones are kept",
	NULL, SETTING_SECRET, TO(refresh_token)},
    {NULL, NULL, "refresh_token_command", "COMMAND",
	"what prints it, for the shell; run when none is kept", NULL,
	SETTING_STRING, TO(refresh_token_command)},
    {"tables", "BKEND_TABLES", "tables", "a:b", "tables to show from the start",
	NULL, SETTING_TABLES, TO(tables)},
    {"json", NULL, "json", "pretty|raw",
	"lay records out, or the server's own bytes", "pretty", SETTING_JSON,
	TO(raw)},
    {"ttl", NULL, "ttl", "SECONDS", "believe a listing so long", "60",
	SETTING_SECONDS, TO(ttl_ms)},
    {"connections", NULL, "connections", "N", "requests at once", "16",
	SETTING_COUNT, TO(connections)},
    {"retry", NULL, "retry", "SECONDS", "patience with a failing server", "120",
	SETTING_SECONDS, TO(retry_ms)},
    {"cache_dir", "BKENDFS_CACHE_DIR", "cache_dir", "DIR",
	"where the replica lives, yours alone ($XDG_CACHE_HOME/bkendfs)", NULL,
	SETTING_PATH, TO(cache_dir)},
    {"cache_size", NULL, "cache_size", "SIZE",
	"what the replica may take up, file contents first to go", "10G",
	SETTING_SIZE, TO(cache_size)},
    {"nocache", NULL, "nocache", NULL, "a replica for this mount alone", NULL,
	SETTING_FLAG, TO(nocache)},
    {"offline", NULL, NULL, NULL, "serve the replica, ask nobody", NULL,
	SETTING_FLAG, TO(offline)},
    {"xattr", NULL, "xattr", NULL,
	"tell what the server said in extended attributes", NULL, SETTING_FLAG,
	TO(xattr)},
    {"verify_sizes", NULL, "verify_sizes", NULL,
	"ask each stored file for its size at stat", NULL, SETTING_FLAG,
	TO(verify_sizes)},
    {"mcp_url", "BKEND_MCP_URL", "mcp_url", "URL",
	"the server that lists tables, after --login (https://api.bkend.ai/mcp;"
	" for any other API URL, that with /mcp behind)",
	NULL, SETTING_STRING, TO(mcp_url)},
    {"cacert", NULL, "cacert", "FILE", "trust this CA instead of the system's",
	NULL, SETTING_PATH, TO(cacert)},
    {"log", NULL, "log", "FILE",
	"where the log goes (stderr with -f, else syslog)", NULL, SETTING_PATH,
	TO(log_path)},
    {"log_level", NULL, "log_level", "error|warn|info|debug",
	"how much it says", "info", SETTING_LEVEL, TO(log_level)},
    {"max_threads", NULL, NULL, "N", "threads that answer the kernel, at most",
	NULL, SETTING_COUNT, TO(max_threads)},
    {"max_idle_threads", NULL, NULL, "N", "of those, how many wait for work",
	NULL, SETTING_COUNT, TO(max_idle_threads)},
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

const struct setting *setting_of_key(const char *name)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *s = &settings[i];
		if (s->key && strcmp(s->key, name) == 0)
			return s;
	}
	return NULL;
}

/* What people call it: the option, the key or the variable. */
static const char *setting_name(const struct setting *setting)
{
	return setting->option ? setting->option
	       : setting->key  ? setting->key
			       : setting->variable;
}

/* ---- values ---- */

/* A value, and what a complaint about it needs. */
struct given {
	const char *where;
	const char *name;
	const char *value;
};

static int parse_number(
    const struct given *given, int64_t least, int64_t most, int64_t *ret)
{
	if (number_parse(given->value, least, most, ret) < 0)
		return complain("%s%s=%s: give a whole number from %" PRId64
				" to %" PRId64,
		    given->where, given->name, given->value, least, most);
	return 0;
}

static int parse_seconds(const struct given *given, int64_t *ret_ms)
{
	int64_t number;
	int status = parse_number(given, 0, SECONDS_MAX, &number);
	if (!status)
		*ret_ms = number * 1000;
	return status;
}

static int parse_count(const struct given *given, unsigned *ret)
{
	int64_t number;
	int status = parse_number(given, 1, CONNECTIONS_MAX, &number);
	if (!status)
		*ret = (unsigned)number;
	return status;
}

static int parse_size(const struct given *given, int64_t *ret)
{
	static const char units[] = "KMGT";
	CLEANUP_FREE char *digits = strdup(given->value);
	if (!digits)
		return failed_for_memory();
	int shift = 0;
	char *last = digits + strlen(digits) - 1;
	const char *unit = strchr(units, toupper((unsigned char)*last));
	if (unit) {
		shift = 10 * (int)(unit - units + 1);
		*last = '\0';
	}
	int64_t number;
	if (number_parse(digits, 0, INT64_MAX >> shift, &number) < 0)
		return complain("%s%s=%s: give a size as 500M or 10G",
		    given->where, given->name, given->value);
	*ret = number << shift;
	return 0;
}

/* Table names, with ':' or ',' between them. */
static int parse_tables(const struct given *given, char ***where)
{
	size_t count = 0;
	for (size_t i = 0; *where && (*where)[i]; i++)
		free((*where)[i]);
	free(*where);
	char **tables = *where =
	    calloc(strlen(given->value) + 1, sizeof(char *));
	CLEANUP_FREE char *copy = strdup(given->value);
	if (!tables || !copy)
		return failed_for_memory();
	char *state;
	for (char *name = strtok_r(copy, ":,", &state); name;
	     name = strtok_r(NULL, ":,", &state)) {
		if (!name_is_table(name))
			return complain("%s'%s' is no table name: a letter,"
					" then letters, digits, '_' or '-', 64"
					" at most",
			    given->where, name);
		if (!name_to_table(name_of_table_dir(name)))
			continue; /* files/ is always there */
		if (!(tables[count++] = strdup(name)))
			return failed_for_memory();
	}
	return 0;
}

static int parse_path(const struct given *given, char **where)
{
	if (given->value[0] == '/')
		return options_set_string(where, given->value);
	char *path;
	CLEANUP_FREE char *cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&path, "%s/%s", cwd, given->value) < 0)
		return failed_for_memory();
	free(*where);
	*where = path;
	return 0;
}

/* A password and a key go into JSON, and on to other machines. */
static int parse_text(const struct given *given, char **where)
{
	if (!utf8_is_valid(given->value, strlen(given->value)))
		return complain("%sthe value of %s is not UTF-8", given->where,
		    given->name);
	return options_set_string(where, given->value);
}

static int parse_json(const struct given *given, bool *ret_raw)
{
	bool raw = strcmp(given->value, "raw") == 0;
	if (!raw && strcmp(given->value, "pretty") != 0)
		return complain("%s%s=%s: it is pretty or raw", given->where,
		    given->name, given->value);
	*ret_raw = raw;
	return 0;
}

static int parse_level(const struct given *given, enum log_level *ret_level)
{
	if (log_level_parse(given->value, ret_level) < 0)
		return complain("%s%s=%s: it is error, warn, info or debug",
		    given->where, given->name, given->value);
	return 0;
}

static int set_flag(const struct given *given, bool *ret)
{
	if (given->value)
		return complain(
		    "%s%s takes no value", given->where, given->name);
	*ret = true;
	return 0;
}

int setting_apply(const struct setting *setting, const char *where,
    const char *value, struct options *options)
{
	void *field = (char *)options + setting->offset;
	const struct given given = {where, setting_name(setting), value};
	if (setting->kind == SETTING_FLAG)
		return set_flag(&given, field);
	if (!value || !*value)
		return complain(
		    "%s%s needs a value: %s=…", where, given.name, given.name);
	switch (setting->kind) {
	case SETTING_PATH:
		return parse_path(&given, field);
	case SETTING_SECONDS:
		return parse_seconds(&given, field);
	case SETTING_COUNT:
		return parse_count(&given, field);
	case SETTING_SIZE:
		return parse_size(&given, field);
	case SETTING_TABLES:
		return parse_tables(&given, field);
	case SETTING_JSON:
		return parse_json(&given, field);
	case SETTING_LEVEL:
		return parse_level(&given, field);
	default:
		return parse_text(&given, field);
	}
}
