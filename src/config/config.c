#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own_dir.h"
#include "config/complain.h"
#include "config/environment.h"
#include "config/profile.h"
#include "config/setting.h"

static int apply_defaults(struct options *options)
{
	int status = 0;
	options->tables = calloc(1, sizeof(*options->tables));
	if (!options->tables ||
	    own_dir_default(OWN_DIR_CACHE, &options->cache_dir) < 0)
		return failed_for_memory();
	for (size_t i = 0; !status && i < settings_count; i++) {
		if (settings[i].value)
			status = setting_apply(
			    &settings[i], "", settings[i].value, options);
	}
	return status;
}

static int check(const struct options *options)
{
	if (options->cacert && access(options->cacert, R_OK) < 0)
		return complain(
		    "cacert=%s: %s", options->cacert, strerror(errno));
	return 0;
}

static int apply_sources(
    const struct arguments *arguments, struct options *options)
{
	const char *source = arguments->source;
	if (source && strstr(source, "://")) {
		/* A profile's keys are not this server's. */
		int status = environment_apply(options);
		return status ? status
			      : options_set_string(&options->url, source);
	}
	if (source && (strchr(source, '/') || strcmp(source, ".") == 0))
		return complain("'%s' is no profile's name, and no URL (with"
				" ://)",
		    source);
	int status = profile_apply(source, options);
	return status ? status : environment_apply(options);
}

static int finish(const struct arguments *arguments, int status,
    struct options *options, struct options *ret_options)
{
	if (!status)
		status = arguments_apply(arguments, options);
	if (!status)
		status = check(options);
	if (status)
		options_done(options);
	*ret_options = *options;
	return status;
}

int config_read(const struct arguments *arguments, struct options *ret_options)
{
	struct options options = {0};
	int status = apply_defaults(&options);
	if (!status)
		status = apply_sources(arguments, &options);
	return finish(arguments, status, &options, ret_options);
}

int config_read_arguments(
    const struct arguments *arguments, struct options *ret_options)
{
	struct options options = {0};
	int status = apply_defaults(&options);
	return finish(arguments, status, &options, ret_options);
}
