#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/complain.h"
#include "config/environment.h"
#include "config/setting.h"

static int apply_defaults(struct options *options)
{
	int status = environment_cache_dir(&options->cache_dir);
	options->tables = calloc(1, sizeof(*options->tables));
	if (!options->tables)
		return failed_for_memory();
	for (size_t i = 0; !status && i < settings_count; i++) {
		if (settings[i].value)
			status = setting_apply(
			    &settings[i], settings[i].value, options);
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

int config_read(const struct arguments *arguments, bool use_environment,
    struct options *ret_options)
{
	struct options options = {0};
	int status = apply_defaults(&options);
	if (!status && use_environment)
		status = environment_apply(&options);
	if (!status && arguments->source)
		status = options_set_string(&options.url, arguments->source);
	if (!status)
		status = arguments_apply(arguments, &options);
	if (!status)
		status = check(&options);
	if (status)
		options_done(&options);
	*ret_options = options;
	return status;
}
