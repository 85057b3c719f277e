#include "emulator/command_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "emulator/help.h"

#ifndef BKENDFS_VERSION
#define BKENDFS_VERSION "unknown"
#endif

/* Days for a client, and more connections than there are ports. */
#define COMMAND_LINE_NUMBER_MAX 100000

/* The option's name, without the dashes. */
static int usage(const char *name, const char *problem)
{
	fprintf(
	    stderr, "bkend-emulator: --%s: %s (see --help)\n", name, problem);
	return -EINVAL;
}

static int refuse_value(const char *name, const char *value)
{
	fprintf(stderr, "bkend-emulator: --%s: not a valid value: %s\n", name,
	    value);
	return -EINVAL;
}

static int refuse_argument(const char *argument)
{
	fprintf(stderr, "bkend-emulator: %s: not an option (see --help)\n",
	    argument);
	return -EINVAL;
}

/* One of the options without a value: true when it was one. */
static bool set_flag(
    const char *name, struct emulator *emulator, struct command_line *options)
{
	if (strcmp(name, "no-demo") == 0)
		options->no_demo = true;
	else if (strcmp(name, "control") == 0)
		emulator->control = true;
	else
		return false;
	return true;
}

static int set_switch(
    const char *name, const char *value, struct emulator *emulator)
{
	int r = emulator_set(emulator, name, value);
	if (r == -ENOENT && strcmp(name, "log") != 0)
		return usage(name, "no such option");
	if (r == -EEXIST)
		return usage(name, "was given before");
	if (r == -EINVAL)
		return refuse_value(name, value);
	if (r < 0)
		fprintf(stderr, "bkend-emulator: --%s %s: %s\n", name, value,
		    strerror(-r));
	return r;
}

static int add_host(struct host_names *hosts, const char *name)
{
	if (hosts->count == HOST_NAMES_MAX)
		return usage("allow-host", "given too often");
	if (!*name)
		return usage("allow-host", "a host's name is missing");
	hosts->names[hosts->count++] = name;
	return 0;
}

static int add_origin(struct origins *origins, const char *origin)
{
	if (origins->count == ORIGINS_MAX)
		return usage("allow-origin", "given too often");
	if (!origin_is_valid(origin))
		return usage(
		    "allow-origin", "not an origin, as https://example.com");
	origins->items[origins->count++] = origin;
	return 0;
}

static int set_number(const char *name, const char *value, int64_t *ret)
{
	if (number_parse(value, 1, COMMAND_LINE_NUMBER_MAX, ret) < 0)
		return refuse_value(name, value);
	return 0;
}

static int set_socket(
    const char *name, const char *value, struct server_config *config)
{
	int64_t fd;
	if (number_parse(value, 0, COMMAND_LINE_NUMBER_MAX, &fd) < 0 ||
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		return usage(name, "not an open socket");
	config->socket = (int)fd;
	return 0;
}

static int set_value(const char *name, const char *value,
    struct emulator *emulator, struct command_line *options)
{
	if (strcmp(name, "data") == 0) {
		options->data = value;
		return 0;
	}
	if (strcmp(name, "listen") == 0) {
		options->server.address = value;
		return 0;
	}
	if (strcmp(name, "socket") == 0)
		return set_socket(name, value, &options->server);
	if (strcmp(name, "credentials") == 0) {
		options->credentials = value;
		return 0;
	}
	if (strcmp(name, "allow-host") == 0)
		return add_host(&options->server.hosts, value);
	if (strcmp(name, "allow-origin") == 0)
		return add_origin(&options->server.origins, value);
	if (strcmp(name, "client-timeout") == 0)
		return set_number(
		    name, value, &options->server.client_timeout_s);
	if (strcmp(name, "connections") == 0)
		return set_number(name, value, &options->server.connections);
	if (strcmp(name, "generate-files") == 0) {
		options->generate_files = value;
		return 0;
	}
	if (strcmp(name, "generate") == 0) {
		if (options->generate_count == COMMAND_LINE_GENERATE_MAX)
			return usage("generate", "given too often");
		options->generate[options->generate_count++] = value;
		return 0;
	}
	return set_switch(name, value, emulator);
}

/* --name=value or --name value; *i moves over what was used. */
static int take_option(int argc, char **argv, int *i, struct emulator *emulator,
    struct command_line *options)
{
	char name[64];
	const char *argument = argv[*i] + 2;
	const char *equals = strchr(argument, '=');
	size_t len = equals ? (size_t)(equals - argument) : strlen(argument);
	if (len >= sizeof(name))
		return usage(argument, "no such option");
	memcpy(name, argument, len);
	name[len] = '\0';
	if (!equals && set_flag(name, emulator, options))
		return 0;
	if (!equals && *i + 1 == argc)
		return usage(
		    argument, "no such option, or its value is missing");
	return set_value(
	    name, equals ? equals + 1 : argv[++*i], emulator, options);
}

int command_line_parse(int argc, char **argv, struct emulator *emulator,
    struct command_line *ret_options)
{
	struct command_line options = {
	    .server =
		{
		    .address = "127.0.0.1:0",
		    .socket = -1,
		    .client_timeout_s = SERVER_CLIENT_TIMEOUT_S,
		    .connections = SERVER_CONNECTIONS,
		},
	};
	int r = 0;
	for (int i = 1; r == 0 && i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			for (size_t j = 0; help_text[j]; j++)
				fputs(help_text[j], stdout);
			options.done = true;
			break;
		}
		if (strcmp(argv[i], "--version") == 0 ||
		    strcmp(argv[i], "-V") == 0) {
			printf("bkend-emulator %s\nlibmicrohttpd %s\n",
			    BKENDFS_VERSION, server_library_version());
			options.done = true;
			break;
		}
		if (strncmp(argv[i], "--", 2) == 0 && argv[i][2])
			r = take_option(argc, argv, &i, emulator, &options);
		else
			r = refuse_argument(argv[i]);
	}
	if (r < 0)
		return -EINVAL;
	*ret_options = options;
	return 0;
}

int command_line_generate(
    const struct command_line *options, struct emulator *emulator)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < options->generate_count; i++)
		r = set_switch("generate", options->generate[i], emulator);
	if (r == 0 && options->generate_files)
		r = set_switch(
		    "generate-files", options->generate_files, emulator);
	return r;
}
