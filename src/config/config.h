/*
 * Reading the settings, weakest first: built-in defaults, a profile, the
 * environment, the command line, each over the one before it. One thread.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "config/arguments.h"
#include "config/options.h"

/*
 * Read them all. The source is a profile's name, or a URL (anything with ://),
 * which stands for no profile. 0, or an exit status after a complaint; then
 * *ret_options is all zeros.
 */
int config_read(const struct arguments *arguments, struct options *ret_options);

/* The same, of the command line alone: what the rest says is of another
 * project. */
int config_read_arguments(
    const struct arguments *arguments, struct options *ret_options);

#endif
