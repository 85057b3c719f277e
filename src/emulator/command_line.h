/* The command line, which main hands over before anything else happens. */
#ifndef EMULATOR_COMMAND_LINE_H
#define EMULATOR_COMMAND_LINE_H

#include "emulator/server/server.h"

/* More --generate options than this are refused. */
#define COMMAND_LINE_GENERATE_MAX 64

struct command_line {
	const char *data; /* NULL: the sample project */
	struct server_config server;
	const char *credentials; /* the file; NULL: our choice */
	const char *generate[COMMAND_LINE_GENERATE_MAX]; /* after the data */
	size_t generate_count;
	const char *generate_files;
	bool no_demo;
	bool done; /* --help or --version was answered: exit 0 */
};

/* Add what --generate and --generate-files ask for, after the data. 0, or
 * -errno with a line on stderr. */
int command_line_generate(
    const struct command_line *options, struct emulator *emulator);

/* Fill options, and the emulator's switches. 0, or -EINVAL with a line on
 * stderr that says what is wrong. Strings are borrowed from argv. */
int command_line_parse(int argc, char **argv, struct emulator *emulator,
    struct command_line *ret_options);

#endif
