#include "config/options.h"

#include "config/complain.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "config/cache_dir.h"
#include "config/secrets.h"
#include "tree/name.h"

#define URL_DEFAULT "https://api-client.bkend.ai"

#define CONNECTIONS_MAX 256
/* What is said on stderr is cut to this. */
#define MESSAGE_SIZE 2048

#define SECONDS_MAX (100LL * 365 * 24 * 3600)

static const char help[] =
    "Usage: bkendfs [options] [API_URL] MOUNTPOINT\n"
    "       bkendfs --demo [options] MOUNTPOINT\n"
    "\n"
    "Mount a bkend project, read-only: tables as directories of JSON files,\n"
    "stored files under storage/, their metadata under files/.\n"
    "\n"
    "  --demo                 mount a sample project; needs no account\n"
    "  -f                     stay in the foreground\n"
    "  -d                     the same, with a trace of FUSE requests\n"
    "  -s                     serve with one thread\n"
    "  -h, --help             show this\n"
    "  -V, --version          show the versions\n"
    "\n"
    "Settings, each after -o (several with commas between them):\n"
    "  url=URL                the API, with or without /v1 at its end\n"
    "                         (" URL_DEFAULT ")\n"
    "  tables=a:b             tables to show from the start\n"
    "  json=pretty|raw        lay records out, or the server's own bytes\n"
    "  ttl=SECONDS            believe a listing so long (60)\n"
    "  connections=N          requests at once (16)\n"
    "  retry=SECONDS          patience with a failing server (120)\n"
    "  cache_dir=DIR          where the replica lives, yours alone\n"
    "                         ($XDG_CACHE_HOME/bkendfs)\n"
    "  cache_size=SIZE        what the replica may take up, file contents "
    "first to\n"
    "                         go (10G)\n"
    "  nocache                a replica for this mount alone\n"
    "  offline                serve the replica, ask nobody\n"
    "  xattr                  tell what the server said in extended "
    "attributes\n"
    "  verify_sizes           ask each stored file for its size at stat\n"
    "  cacert=FILE            trust this CA instead of the system's\n"
    "  log=FILE, log_level=error|warn|info|debug\n"
    "and the usual mount options (allow_other, auto_unmount, ...).\n"
    "\n"
    "Environment: BKEND_API_URL, BKEND_PUBLISHABLE_KEY or BKEND_SECRET_KEY,\n"
    "BKEND_EMAIL, BKEND_PASSWORD, BKEND_MFA_CODE, BKEND_TABLES,\n"
    "BKENDFS_CACHE_DIR. Secrets are only taken from there, or asked for.\n"
    "\n"
    "Unmount with: fusermount3 -u MOUNTPOINT\n";

void options_say(const char *format, va_list args)
{
	char text[MESSAGE_SIZE], line[MESSAGE_SIZE];
	vsnprintf(text, sizeof(text), format, args);
	log_make_safe(text, line, sizeof(line));
	fprintf(stderr, "bkendfs: %s\n", line);
}

int options_complain(int *ret_status, int status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	options_say(format, args);
	va_end(args);
	*ret_status = status;
	return -EINVAL;
}

static int out_of_memory(int *ret_status)
{
	return options_complain(ret_status, EXIT_COULD_NOT, "out of memory");
}

int options_set_string(char **where, const char *value, int *ret_status)
{
	char *copy = strdup(value);
	if (!copy)
		return out_of_memory(ret_status);
	free(*where);
	*where = copy;
	return 0;
}

const char *options_environment(const char *name)
{
	const char *value = secrets_get(name);
	if (!value)
		value = getenv(name);
	return value && *value ? value : NULL;
}

/* ---- values ---- */

static int parse_number(const char *name, const char *value, long long least,
    long long most, long long *ret, int *ret_status)
{
	char *end;
	errno = 0;
	long long number = strtoll(value, &end, 10);
	if (end == value || *end || errno || number < least || number > most)
		return options_complain(ret_status, EXIT_USAGE,
		    "%s=%s: give a whole number from %lld to %lld", name, value,
		    least, most);
	*ret = number;
	return 0;
}

static int parse_size(const char *value, int64_t *ret, int *ret_status)
{
	static const char units[] = "KMGT";
	char *end;
	errno = 0;
	long long number = strtoll(value, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	int shift = unit ? 10 * (int)(unit - units + 1) : 0;
	if (end == value || number < 0 || errno || (*end && !unit) ||
	    (unit && end[1]) || number > INT64_MAX >> shift)
		return options_complain(ret_status, EXIT_USAGE,
		    "cache_size=%s: give a size as 500M or 10G", value);
	*ret = number << shift;
	return 0;
}

/* Table names, with ':' or ',' between them. */
static int parse_tables(
    const char *list, struct options *options, int *ret_status)
{
	size_t count = 0;
	for (size_t i = 0; options->tables && options->tables[i]; i++)
		free(options->tables[i]);
	free(options->tables);
	options->tables = calloc(strlen(list) + 1, sizeof(char *));
	CLEANUP_FREE char *copy = strdup(list);
	if (!options->tables || !copy)
		return out_of_memory(ret_status);
	char *state;
	for (char *name = strtok_r(copy, ":,", &state); name;
	     name = strtok_r(NULL, ":,", &state)) {
		if (!name_is_table(name))
			return options_complain(ret_status, EXIT_USAGE,
			    "'%s' is no table name: a letter, then letters,"
			    " digits, '_' or '-', 64 at most",
			    name);
		if (!name_to_table(name_of_table_dir(name)))
			continue; /* files/ is always there */
		if (!(options->tables[count++] = strdup(name)))
			return out_of_memory(ret_status);
	}
	return 0;
}

/* ---- -o ---- */

enum kind { STRING, FLAG, SECONDS, COUNT, SIZE, TABLES, JSON, LEVEL };

static const struct setting {
	const char *name;
	enum kind kind;
	size_t offset;
} settings[] = {
    {"url", STRING, offsetof(struct options, url)},
    {"cache_dir", STRING, offsetof(struct options, cache_dir)},
    {"cacert", STRING, offsetof(struct options, cacert)},
    {"log", STRING, offsetof(struct options, log_path)},
    {"log_level", LEVEL, offsetof(struct options, log_level)},
    {"tables", TABLES, 0},
    {"json", JSON, offsetof(struct options, raw)},
    {"ttl", SECONDS, offsetof(struct options, ttl_ms)},
    {"retry", SECONDS, offsetof(struct options, retry_ms)},
    {"connections", COUNT, offsetof(struct options, connections)},
    {"cache_size", SIZE, offsetof(struct options, cache_size)},
    {"max_threads", COUNT, offsetof(struct options, max_threads)},
    {"max_idle_threads", COUNT, offsetof(struct options, max_idle_threads)},
    {"nocache", FLAG, offsetof(struct options, nocache)},
    {"offline", FLAG, offsetof(struct options, offline)},
    {"xattr", FLAG, offsetof(struct options, xattr)},
    {"verify_sizes", FLAG, offsetof(struct options, verify_sizes)},
};

static int apply_number(const struct setting *setting, const char *value,
    void *where, int *ret_status)
{
	long long number = 0;
	int r;
	if (setting->kind == SIZE)
		return parse_size(value, where, ret_status);
	if (setting->kind == SECONDS) {
		r = parse_number(
		    setting->name, value, 0, SECONDS_MAX, &number, ret_status);
		if (r == 0)
			*(int64_t *)where = number * 1000;
		return r;
	}
	r = parse_number(
	    setting->name, value, 1, CONNECTIONS_MAX, &number, ret_status);
	if (r == 0)
		*(unsigned *)where = (unsigned)number;
	return r;
}

static int apply(const struct setting *setting, const char *value,
    struct options *options, int *ret_status)
{
	void *where = (char *)options + setting->offset;
	if (setting->kind == FLAG) {
		if (value)
			return options_complain(ret_status, EXIT_USAGE,
			    "%s takes no value", setting->name);
		*(bool *)where = true;
		return 0;
	}
	if (!value || !*value)
		return options_complain(ret_status, EXIT_USAGE,
		    "%s needs a value: %s=…", setting->name, setting->name);
	switch (setting->kind) {
	case STRING:
		return options_set_string(where, value, ret_status);
	case TABLES:
		return parse_tables(value, options, ret_status);
	case JSON:
		if (strcmp(value, "raw") != 0 && strcmp(value, "pretty") != 0)
			return options_complain(ret_status, EXIT_USAGE,
			    "json=%s: it is pretty or raw", value);
		*(bool *)where = strcmp(value, "raw") == 0;
		return 0;
	case LEVEL:
		if (log_level_parse(value, where) < 0)
			return options_complain(ret_status, EXIT_USAGE,
			    "log_level=%s: it is error, warn, info or debug",
			    value);
		return 0;
	default:
		return apply_number(setting, value, where, ret_status);
	}
}

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++) {
		if (strcmp(name, *list) == 0)
			return true;
	}
	return false;
}

/* What mount(8) and fstab add, what this mount is anyway, and what libfuse
 * refuses without need: nobody's access times are written here. */
static const char *const ignored[] = {"ro", "rw", "defaults", "auto", "noauto",
    "user", "nouser", "users", "nousers", "owner", "noowner", "group",
    "nogroup", "_netdev", "nofail", "dev", "suid", "clone_fd", "nodev",
    "nosuid", "default_permissions", "diratime", "nodiratime", "relatime",
    "norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime",
    "iversion", "noiversion", "mand", "nomand", "silent", "loud", "symfollow",
    "nosymfollow", "max_read", "comment", "helper", "uhelper", NULL};

static const char *const passed_on[] = {"allow_other", "allow_root",
    "auto_unmount", "exec", "noexec", "atime", "noatime", "sync", "async",
    "dirsync", "fsname", "subtype", "context", "fscontext", "defcontext",
    "rootcontext", NULL};

/* For FUSE: commas and backslashes in it are escaped again. */
static int pass_on(const char *option, struct options *options, int *ret_status)
{
	struct buf list;
	buf_init(&list, BUF_MAX_DEFAULT);
	int r = 0;
	if (options->mount_options)
		r = buf_printf(&list, "%s,", options->mount_options);
	for (; r == 0 && *option; option++) {
		if (*option == ',' || *option == '\\')
			r = buf_addc(&list, '\\');
		if (r == 0)
			r = buf_addc(&list, *option);
	}
	free(options->mount_options);
	options->mount_options = buf_steal(&list);
	return r < 0 || !options->mount_options ? out_of_memory(ret_status) : 0;
}

static int one_option(char *option, struct options *options, int *ret_status)
{
	char *value = strchr(option, '=');
	size_t len = value ? (size_t)(value - option) : strlen(option);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strlen(settings[i].name) == len &&
		    memcmp(settings[i].name, option, len) == 0)
			return apply(&settings[i], value ? value + 1 : NULL,
			    options, ret_status);
	}
	CLEANUP_FREE char *name = strndup(option, len);
	if (!name)
		return out_of_memory(ret_status);
	if (is_one_of(name, ignored) || strncasecmp(name, "x-", 2) == 0)
		return 0;
	if (is_one_of(name, passed_on))
		return pass_on(option, options, ret_status);
	if (strstr(name, "key") || strstr(name, "password"))
		return options_complain(ret_status, EXIT_USAGE,
		    "option '%s': secrets are not taken from the command line,"
		    " but from the environment",
		    name);
	return options_complain(ret_status, EXIT_USAGE,
	    "unknown option '%s': bkendfs --help lists them", name);
}

/* "a,b=c\,d": a backslash takes the next character as it is. */
static int option_list(
    const char *list, struct options *options, int *ret_status)
{
	CLEANUP_FREE char *option = malloc(strlen(list) + 1);
	size_t used = 0;
	if (!option)
		return out_of_memory(ret_status);
	for (;; list++) {
		if (*list == '\\' && list[1]) {
			option[used++] = *++list;
			continue;
		}
		if (*list && *list != ',') {
			option[used++] = *list;
			continue;
		}
		option[used] = '\0';
		if (used) {
			int r = one_option(option, options, ret_status);
			if (r < 0)
				return r;
		}
		used = 0;
		if (!*list)
			return 0;
	}
}

/* ---- the command line ---- */

static int long_option(
    const char *arg, struct options *options, int *ret_status)
{
	if (strcmp(arg, "--demo") == 0) {
		options->demo = true;
		return 0;
	}
	if (strcmp(arg, "--help") == 0) {
		fputs(help, stdout);
		*ret_status = EXIT_SUCCESS;
		return -EINVAL;
	}
	if (strcmp(arg, "--version") == 0) {
		printf("bkendfs %s\n", BKENDFS_VERSION);
		*ret_status = EXIT_SUCCESS;
		return -EINVAL;
	}
	return options_complain(ret_status, EXIT_USAGE,
	    "unknown option '%s': bkendfs --help lists them", arg);
}

/* "-fdo opts": letters in one argument; -o takes the rest or the next one. */
static int short_options(
    int argc, char **argv, int *index, struct options *options, int *ret_status)
{
	for (const char *c = argv[*index] + 1; *c; c++) {
		switch (*c) {
		case 'f':
			options->foreground = true;
			break;
		case 'd':
			options->debug = options->foreground = true;
			break;
		case 's':
			options->single_threaded = true;
			break;
		case 'h':
			return long_option("--help", options, ret_status);
		case 'V':
			return long_option("--version", options, ret_status);
		case 'o':
			if (c[1])
				return option_list(c + 1, options, ret_status);
			if (*index + 1 >= argc)
				return options_complain(ret_status, EXIT_USAGE,
				    "-o needs options after it");
			return option_list(argv[++*index], options, ret_status);
		default:
			return options_complain(ret_status, EXIT_USAGE,
			    "unknown option '-%c': bkendfs --help lists them",
			    *c);
		}
	}
	return 0;
}

static int positional(const char *const *names, size_t count,
    struct options *options, int *ret_status)
{
	if (count == 0)
		return options_complain(ret_status, EXIT_USAGE,
		    "no mount point given: bkendfs [options] [API_URL]"
		    " MOUNTPOINT");
	if (count > 2 || (count == 2 && options->demo))
		return options_complain(ret_status, EXIT_USAGE,
		    "too many arguments: bkendfs [options] [API_URL]"
		    " MOUNTPOINT");
	if (count == 2 && !strstr(names[0], "://"))
		return options_complain(ret_status, EXIT_USAGE,
		    "no profile '%s': give the API's URL (with ://) instead",
		    names[0]);
	if (count == 2 && !options->url) {
		int r = options_set_string(&options->url, names[0], ret_status);
		if (r < 0)
			return r;
	}
	return options_set_string(
	    &options->mountpoint, names[count - 1], ret_status);
}

static int parse_arguments(
    int argc, char **argv, struct options *options, int *ret_status)
{
	const char *names[3];
	size_t count = 0;
	bool only_names = false;
	for (int i = 1; i < argc; i++) {
		int r = 0;
		if (only_names || argv[i][0] != '-' || !argv[i][1]) {
			if (count < ARRAY_SIZE(names))
				names[count++] = argv[i];
		} else if (strcmp(argv[i], "--") == 0) {
			only_names = true;
		} else if (argv[i][1] == '-') {
			r = long_option(argv[i], options, ret_status);
		} else {
			r = short_options(argc, argv, &i, options, ret_status);
		}
		if (r < 0)
			return r;
	}
	return positional(names, count, options, ret_status);
}

/* ---- environment and defaults ---- */

static int from_environment(const char *name, char **where, int *ret_status)
{
	const char *value = options_environment(name);
	return *where || !value ? 0
				: options_set_string(where, value, ret_status);
}

static int fill_in(struct options *options, int *ret_status)
{
	static const struct {
		const char *name;
		size_t offset;
	} variables[] = {
	    {"BKEND_API_URL", offsetof(struct options, url)},
	    {"BKEND_EMAIL", offsetof(struct options, email)},
	    {"BKEND_PASSWORD", offsetof(struct options, password)},
	    {"BKEND_MFA_CODE", offsetof(struct options, mfa_code)},
	    {"BKENDFS_CACHE_DIR", offsetof(struct options, cache_dir)},
	};
	const char *tables = options_environment("BKEND_TABLES");
	int r = 0;
	for (size_t i = 0;
	     !options->demo && r == 0 && i < ARRAY_SIZE(variables); i++)
		r = from_environment(variables[i].name,
		    (void *)((char *)options + variables[i].offset),
		    ret_status);
	if (r == 0 && !options->tables)
		r = parse_tables(tables && !options->demo ? tables : "",
		    options, ret_status);
	if (r == 0 && !options->url)
		r = options_set_string(&options->url, URL_DEFAULT, ret_status);
	if (r == 0 && !options->cache_dir &&
	    cache_dir_default(&options->cache_dir) < 0)
		r = out_of_memory(ret_status);
	return r;
}

/* The program leaves its directory when it goes to the background. */
static int make_absolute(char **path, int *ret_status)
{
	char *absolute;
	if (!*path || (*path)[0] == '/')
		return 0;
	CLEANUP_FREE char *cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&absolute, "%s/%s", cwd, *path) < 0)
		return out_of_memory(ret_status);
	free(*path);
	*path = absolute;
	return 0;
}

int options_parse(
    int argc, char **argv, struct options *ret_options, int *ret_status)
{
	struct options options = {
	    .log_level = LOG_LEVEL_INFO,
	    .ttl_ms = 60 * 1000,
	    .retry_ms = 120 * 1000,
	    .cache_size = INT64_C(10) << 30,
	    .connections = 16,
	};
	int r = parse_arguments(argc, argv, &options, ret_status);
	if (r == 0)
		r = fill_in(&options, ret_status);
	if (r == 0)
		r = make_absolute(&options.cache_dir, ret_status);
	if (r == 0)
		r = make_absolute(&options.cacert, ret_status);
	if (r == 0)
		r = make_absolute(&options.log_path, ret_status);
	if (r == 0 && options.cacert && access(options.cacert, R_OK) < 0)
		r = options_complain(ret_status, EXIT_USAGE, "cacert=%s: %s",
		    options.cacert, strerror(errno));
	if (r < 0) {
		options_done(&options);
		return r;
	}
	if (options.demo)
		options.nocache = true;
	*ret_options = options;
	return 0;
}

void options_done(struct options *options)
{
	for (size_t i = 0; options->tables && options->tables[i]; i++)
		free(options->tables[i]);
	free(options->tables);
	free(options->mountpoint);
	free(options->url);
	free(options->email);
	free(options->cache_dir);
	free(options->cacert);
	free(options->log_path);
	free(options->mount_options);
	free_secret(options->key);
	free_secret(options->password);
	free_secret(options->mfa_code);
	*options = (struct options){0};
}
