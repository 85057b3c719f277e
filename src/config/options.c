#include "config/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/complain.h"

bool options_name_table(const struct options *options, const char *table)
{
	for (size_t i = 0; options->tables[i]; i++) {
		if (strcmp(options->tables[i], table) == 0)
			return true;
	}
	return false;
}

int options_set_string(char **where, const char *value)
{
	char *copy = strdup(value);
	if (!copy)
		return failed_for_memory();
	free_secret(*where);
	*where = copy;
	return 0;
}

const char *options_source(const struct options *options)
{
	return options->directory ? options->directory : options->url;
}

void options_done(struct options *options)
{
	for (size_t i = 0; options->tables && options->tables[i]; i++)
		free(options->tables[i]);
	free(options->tables);
	free(options->mountpoint);
	free(options->url);
	free(options->directory);
	free(options->publishable_key_command);
	free(options->secret_key_command);
	free(options->password_command);
	free(options->refresh_token_command);
	free(options->email);
	free(options->cache_dir);
	free(options->mcp_url);
	free(options->cacert);
	free(options->log_path);
	free(options->mount_options);
	free_secret(options->publishable_key);
	free_secret(options->secret_key);
	free_secret(options->key);
	free_secret(options->refresh_token);
	free_secret(options->password);
	free_secret(options->mfa_code);
	*options = (struct options){0};
}
