/*
 * Reading the settings, weakest first: built-in defaults, the environment, the
 * command line, each over the one before it. One thread.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "config/arguments.h"
#include "config/options.h"

/*
 * Read them. With use_environment false that is left out: what it says is of
 * another project. 0, or an exit status after a complaint; then *ret_options is
 * all zeros.
 */
int config_read(const struct arguments *arguments, bool use_environment,
    struct options *ret_options);

#endif
