/* bkendfs: do what the command line asks for. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "command/check.h"
#include "command/fetch_all.h"
#include "command/local.h"
#include "command/log_in.h"
#include "command/log_out.h"
#include "command/mount.h"
#include "command/versions.h"
#include "config/arguments.h"
#include "config/complain.h"
#include "config/config.h"
#include "config/secrets.h"
#include "config/usage.h"

/* Whatever is opened would get their numbers, and be written to. */
static void open_standard_descriptors(void)
{
	int fd;
	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd < STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static int run(const struct arguments *arguments)
{
	switch (arguments->command) {
	case COMMAND_HELP:
		usage_print_overview();
		return 0;
	case COMMAND_SETTINGS:
		usage_print_help();
		return 0;
	case COMMAND_VERSION:
		versions_print();
		return 0;
	case COMMAND_CHECK:
		return check_project(arguments);
	case COMMAND_FETCH:
		return fetch_all(arguments);
	case COMMAND_LOGIN:
		return log_in(arguments);
	case COMMAND_LOGOUT:
		return log_out(arguments);
	case COMMAND_DEMO:
		return local_demo(arguments);
	case COMMAND_MOUNT:
		break;
	}
	return config_wants_directory(arguments) ? local_directory(arguments)
						 : mount_project(arguments);
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	secrets_protect();
	open_standard_descriptors();
	if (secrets_take() < 0)
		return failed_for_memory();
	int status = arguments_parse(argc, argv, &arguments);
	if (!status)
		status = run(&arguments);
	/* A report that nobody can read is none. */
	if (!status && (fflush(stdout) != 0 || ferror(stdout)))
		status = failed("cannot write to the standard output");
	secrets_forget();
	arguments_done(&arguments);
	return status;
}
