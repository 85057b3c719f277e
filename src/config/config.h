/*
 * Reading the settings, weakest first: built-in defaults, a profile, the
 * environment, the command line, each over the one before it. One thread.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "config/arguments.h"
#include "config/options.h"

/* Whether what is to be mounted is a directory, which is served by an emulator
 * of our own: anything with a / that is no URL, or "." or "..". */
bool config_wants_directory(const struct arguments *arguments);

/*
 * Read them all. The source is a profile's name, or a URL (anything with ://),
 * which stands for no profile, or a directory, of which the environment and the
 * profiles know nothing: who serves it sets what is missing then (the URL, the
 * key, the tables), before account_complete. 0, or an exit status after a
 * complaint; then *ret_options is all zeros.
 */
int config_read(const struct arguments *arguments, struct options *ret_options);

/* The same for the sample project, of the command line alone: what the rest
 * says is of another one. */
int config_read_sample(
    const struct arguments *arguments, struct options *ret_options);

#endif
