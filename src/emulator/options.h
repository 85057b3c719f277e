/* The command line. */
#ifndef EMULATOR_OPTIONS_H
#define EMULATOR_OPTIONS_H

#include "emulator/emulator.h"

struct options {
	const char *data; /* NULL: the sample project */
	const char *listen;
	bool no_demo;
	bool done; /* --help or --version was answered: exit 0 */
};

/* Fill options, and the emulator's switches. 0, or -EINVAL with a line on
 * stderr that says what is wrong. Strings are borrowed from argv. */
int options_parse(int argc, char **argv, struct emulator *emulator,
    struct options *ret_options);

#endif
