/* The command line. */
#ifndef EMULATOR_COMMAND_LINE_H
#define EMULATOR_COMMAND_LINE_H

#include "emulator/service/emulator.h"

/* More --generate options than this are refused. */
#define OPTIONS_GENERATE_MAX 64

struct options {
	const char *data; /* NULL: the sample project */
	const char *listen;
	const char *credentials; /* the file; NULL: our choice */
	const char *generate[OPTIONS_GENERATE_MAX]; /* after the data */
	size_t generate_count;
	const char *generate_files;
	bool no_demo;
	bool done; /* --help or --version was answered: exit 0 */
};

/* Add what --generate and --generate-files ask for; as above. */
int options_generate(const struct options *options, struct emulator *emulator);

/* Fill options, and the emulator's switches. 0, or -EINVAL with a line on
 * stderr that says what is wrong. Strings are borrowed from argv. */
int options_parse(int argc, char **argv, struct emulator *emulator,
    struct options *ret_options);

#endif
