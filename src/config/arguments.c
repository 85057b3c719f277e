#include "config/arguments.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "config/complain.h"
#include "config/setting.h"
#include "config/similar.h"

/* ---- what -o sets ---- */

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
static int pass_on(const char *option, struct options *options)
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
	return r < 0 || !options->mount_options ? failed_for_memory() : 0;
}

static int unknown_option(const char *name)
{
	struct similar similar;
	similar_init(&similar, name);
	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].option)
			similar_try(&similar, settings[i].option);
	}
	if (similar.best)
		return complain("unknown option '%s': did you mean %s?", name,
		    similar.best);
	return complain("unknown option '%s': bkendfs --help lists them", name);
}

/* before: the option before it; or NULL. */
static int apply_one(
    const char *option, const char *before, struct options *options)
{
	size_t len = strcspn(option, "=");
	const char *value = option[len] ? option + len + 1 : NULL;
	const struct setting *setting = setting_of_option(option, len);
	if (setting)
		return setting_apply(setting, "", value, options);
	CLEANUP_FREE char *name = strndup(option, len);
	if (!name)
		return failed_for_memory();
	if (is_one_of(name, ignored) || strncasecmp(name, "x-", 2) == 0)
		return 0;
	if (is_one_of(name, passed_on))
		return pass_on(option, options);
	if (setting_of_key(name) || strstr(name, "key") ||
	    strstr(name, "password") || strstr(name, "token"))
		return complain(
		    "option '%s': secrets are not taken from the command line,"
		    " but from the environment or a profile",
		    name);
	if (!value && before && strncmp(before, "tables=", 7) == 0)
		return complain("unknown option '%s': a colon separates"
				" tables, as in %s:%s",
		    name, before, name);
	return unknown_option(name);
}

int arguments_apply(const struct arguments *arguments, struct options *options)
{
	int status = 0;
	for (size_t i = 0; !status && i < arguments->count; i++)
		status = apply_one(arguments->list[i],
		    i > 0 ? arguments->list[i - 1] : NULL, options);
	if (!status && arguments->mountpoint)
		status = options_set_string(
		    &options->mountpoint, arguments->mountpoint);
	options->foreground = arguments->foreground;
	options->debug = arguments->debug;
	options->single_threaded = arguments->single_threaded;
	return status;
}

void arguments_done(struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++)
		free(arguments->list[i]);
	free(arguments->list);
	*arguments = (struct arguments){0};
}

/* ---- reading ---- */

static int add_option(
    struct arguments *arguments, const char *option, size_t len)
{
	if (len == 0)
		return 0;
	char **list =
	    reallocarray(arguments->list, arguments->count + 1, sizeof(*list));
	if (!list)
		return failed_for_memory();
	arguments->list = list;
	if (!(list[arguments->count] = strndup(option, len)))
		return failed_for_memory();
	arguments->count++;
	return 0;
}

/* "a,b=c\,d": a backslash takes the next character as it is. */
static int option_list(const char *list, struct arguments *arguments)
{
	CLEANUP_FREE char *option = malloc(strlen(list) + 1);
	size_t used = 0;
	int status = 0;
	if (!option)
		return failed_for_memory();
	for (; !status && *list; list++) {
		if (*list == ',') {
			status = add_option(arguments, option, used);
			used = 0;
			continue;
		}
		if (*list == '\\' && list[1])
			list++;
		option[used++] = *list;
	}
	return status ? status : add_option(arguments, option, used);
}

static bool is_answered_at_once(enum command command)
{
	return command == COMMAND_HELP || command == COMMAND_SETTINGS ||
	       command == COMMAND_VERSION;
}

static const struct {
	const char *name;
	enum command command;
} commands[] = {
    {"--demo", COMMAND_DEMO},
    {"--check", COMMAND_CHECK},
    {"--fetch", COMMAND_FETCH},
    {"--login", COMMAND_LOGIN},
    {"--logout", COMMAND_LOGOUT},
    {"--help", COMMAND_HELP},
    {"--help=all", COMMAND_SETTINGS},
    {"--version", COMMAND_VERSION},
};

/* Only one thing can be done at a time; help goes before all. */
static int set_command(enum command command, struct arguments *arguments)
{
	enum command before = arguments->command;
	if (before != COMMAND_MOUNT && before != command &&
	    !is_answered_at_once(command))
		return complain("two commands were given: choose one of --demo,"
				" --check, --fetch, --login and --logout");
	arguments->command = command;
	return 0;
}

static int long_option(const char *arg, struct arguments *arguments)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(arg, commands[i].name) == 0)
			return set_command(commands[i].command, arguments);
	}
	/* What stands behind a = may be a secret. */
	size_t len = strcspn(arg, "=");
	return complain("unknown option '%.*s%s': bkendfs --help lists them",
	    (int)len, arg, arg[len] ? "=…" : "");
}

/* "-fdo opts": letters in one argument; -o takes the rest or the next one. */
static int short_options(
    int argc, char **argv, int *index, struct arguments *arguments)
{
	for (const char *c = argv[*index] + 1; *c; c++) {
		switch (*c) {
		case 'f':
			arguments->foreground = true;
			break;
		case 'd':
			arguments->debug = arguments->foreground = true;
			break;
		case 's':
			arguments->single_threaded = true;
			break;
		case 'h':
			return long_option("--help", arguments);
		case 'V':
			return long_option("--version", arguments);
		case 'o':
			if (c[1])
				return option_list(c + 1, arguments);
			if (*index + 1 >= argc)
				return complain("-o needs options after it");
			return option_list(argv[++*index], arguments);
		default:
			return complain(
			    "unknown option '-%c': bkendfs --help lists them",
			    *c);
		}
	}
	return 0;
}

/* What mounts nothing. */
static bool has_no_mountpoint(enum command command)
{
	return command == COMMAND_CHECK || command == COMMAND_FETCH ||
	       command == COMMAND_LOGIN || command == COMMAND_LOGOUT;
}

/* [SOURCE] MOUNTPOINT, of which the sample project has no source, and some
 * commands have no mount point. */
static int positional(
    const char *const *names, size_t count, struct arguments *arguments)
{
	bool source = arguments->command != COMMAND_DEMO;
	bool mountpoint = !has_no_mountpoint(arguments->command);
	if (count < mountpoint)
		return complain(
		    "no mount point given: bkendfs [options] [SOURCE]"
		    " MOUNTPOINT");
	if (count > (size_t)source + mountpoint)
		return complain("too many arguments: bkendfs [options]%s%s",
		    source ? " [SOURCE]" : "", mountpoint ? " MOUNTPOINT" : "");
	if (mountpoint)
		arguments->mountpoint = names[--count];
	if (mountpoint && !*arguments->mountpoint)
		return complain("the mount point is an empty word: a variable"
				" that is not set?");
	if (count)
		arguments->source = names[0];
	return 0;
}

int arguments_parse(int argc, char **argv, struct arguments *ret_arguments)
{
	struct arguments arguments = {.command = COMMAND_MOUNT};
	const char *names[3];
	size_t count = 0;
	bool only_names = false;
	int status = 0;
	for (int i = 1;
	     !status && i < argc && !is_answered_at_once(arguments.command);
	     i++) {
		if (only_names || argv[i][0] != '-' || !argv[i][1]) {
			if (count < ARRAY_SIZE(names))
				names[count++] = argv[i];
		} else if (strcmp(argv[i], "--") == 0) {
			only_names = true;
		} else if (argv[i][1] == '-') {
			status = long_option(argv[i], &arguments);
		} else {
			status = short_options(argc, argv, &i, &arguments);
		}
	}
	if (!status && !is_answered_at_once(arguments.command))
		status = positional(names, count, &arguments);
	if (status)
		arguments_done(&arguments);
	*ret_arguments = arguments;
	return status;
}
