#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/own_dir.h"
#include "config/account.h"
#include "config/complain.h"
#include "config/environment.h"
#include "config/profile.h"
#include "config/setting.h"

/* No network gets better: what does not answer for so long is gone. */
#define DIRECTORY_RETRY_MS 5000

static int apply_defaults(struct options *options)
{
	int status = 0;
	options->tables = calloc(1, sizeof(*options->tables));
	if (!options->tables)
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

/* Only who has said nothing else needs a home. */
static int find_cache(struct options *options)
{
	int r = options->cache_dir
		    ? 0
		    : own_dir_default(OWN_DIR_CACHE, &options->cache_dir);
	if (r == -ENOENT)
		return complain("no place for the replica: %s, or give -o"
				" cache_dir=DIR",
		    own_dir_nowhere(OWN_DIR_CACHE));
	return r < 0 ? failed_for_memory() : 0;
}

static bool is_url(const char *source)
{
	return strstr(source, "://") != NULL;
}

bool config_wants_directory(const struct arguments *arguments)
{
	const char *source = arguments->source;
	return source && !is_url(source) &&
	       (strchr(source, '/') || strcmp(source, ".") == 0 ||
		   strcmp(source, "..") == 0);
}

/* ---- a directory ---- */

static int no_directory(const char *path, int err)
{
	switch (err) {
	case ENOENT:
		return failed("there is no directory %s to mount (a profile's"
			      " name has no / in it, and a URL has ://)",
		    path);
	case ENOTDIR:
		return failed("%s is no directory: what is mounted is the"
			      " directory that a backup is in; a packed one has"
			      " to be unpacked first",
		    path);
	case EACCES:
		return failed("%s cannot be read: permission denied; it takes"
			      " the right to list it, and what is in it",
		    path);
	default:
		return failed("%s cannot be read: %s", path, strerror(err));
	}
}

/* A daemon leaves the directory that path may begin at. */
static int find_directory(const char *path, struct options *options)
{
	DIR *dir = opendir(path);
	if (!dir)
		return no_directory(path, errno);
	closedir(dir);
	options->directory = realpath(path, NULL);
	return options->directory ? 0 : no_directory(path, errno);
}

/* What is set for a server, elsewhere, is not for the one of our own. */
static int apply_directory(const char *path, struct options *options)
{
	free(TAKE(options->url));
	options->retry_ms = DIRECTORY_RETRY_MS;
	int status = find_directory(path, options);
	return status ? status : environment_apply_here(options);
}

/* What a server of our own leaves nobody to choose: that of a directory, or of
 * the sample project. */
struct words {
	const char *offline, *url, *tables;
};

static const struct words of_directory = {
    "a directory needs no network, and is read itself: leave out offline"
    " (which is for what was read once of a server)",
    "SOURCE is a directory: leave out url=",
    "a directory shows the tables that it holds: leave out tables="};

static const struct words of_sample = {
    "the sample project needs no network: leave out offline",
    "the sample project is served here: leave out url=, or --demo",
    "the sample project shows the tables that it has: leave out tables="};

static int check_own_server(
    const struct words *words, const struct options *options)
{
	if (options->offline)
		return complain("%s", words->offline);
	if (options->url)
		return complain("%s", words->url);
	if (options->tables[0])
		return complain("%s", words->tables);
	return 0;
}

/* ---- a profile ---- */

/* What a profile says of its server, which is of no use to another one. */
struct servers {
	char *url;
	char *mcp_url; /* both owned; NULL: not said */
};

static void servers_done(struct servers *servers)
{
	free(servers->url);
	free(servers->mcp_url);
}

/* A login to the one would be shown, and its tokens go, to whoever lists the
 * tables of the other: so mcp_url is put aside until it is known which server
 * is mounted. */
static int set_aside(struct options *options, struct servers *ret)
{
	if (!options->mcp_url)
		return 0;
	ret->url = strdup(options->url);
	if (!ret->url)
		return failed_for_memory();
	ret->mcp_url = TAKE(options->mcp_url);
	return 0;
}

/* Whoever gave another mcp_url meant that one. */
static void put_back(struct servers *servers, struct options *options)
{
	if (!options->mcp_url && servers->mcp_url && options->url &&
	    account_is_same_url(options->url, servers->url))
		options->mcp_url = TAKE(servers->mcp_url);
}

/* ---- all of it ---- */

static int apply_sources(const struct arguments *arguments,
    struct options *options, struct servers *ret_servers)
{
	const char *source = arguments->source;
	if (config_wants_directory(arguments))
		return apply_directory(source, options);
	if (source && is_url(source)) {
		/* A profile's keys are not this server's. */
		int status = environment_apply(options);
		return status ? status
			      : options_set_string(&options->url, source);
	}
	int status = profile_apply(source, options);
	if (!status)
		status = set_aside(options, ret_servers);
	return status ? status : environment_apply(options);
}

/* `words`: of the server of our own that there is to be. */
static int finish(const struct arguments *arguments, int status,
    struct servers *servers, const struct words *words, struct options *options,
    struct options *ret_options)
{
	if (!status)
		status = arguments_apply(arguments, options);
	if (!status)
		put_back(servers, options);
	servers_done(servers);
	if (!status)
		status = find_cache(options);
	if (!status)
		status = check(options);
	if (!status && words)
		status = check_own_server(words, options);
	if (status)
		options_done(options);
	*ret_options = *options;
	return status;
}

int config_read(const struct arguments *arguments, struct options *ret_options)
{
	struct options options = {0};
	struct servers servers = {0};
	int status = apply_defaults(&options);
	if (!status)
		status = apply_sources(arguments, &options, &servers);
	return finish(arguments, status, &servers,
	    config_wants_directory(arguments) ? &of_directory : NULL, &options,
	    ret_options);
}

int config_read_sample(
    const struct arguments *arguments, struct options *ret_options)
{
	struct options options = {0};
	struct servers servers = {0};
	int status = apply_defaults(&options);
	free(TAKE(options.url));
	return finish(
	    arguments, status, &servers, &of_sample, &options, ret_options);
}
