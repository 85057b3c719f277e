#include "command/local.h"

#include "command/local_server.h"
#include "command/mount.h"
#include "config/config.h"
#include "config/secrets.h"

/* For background_run, so in the process and the thread that serves: the server
 * ends with that. */
static int serve(struct options *options, void (*on_live)(void *ctx), void *ctx)
{
	struct local_server *server = NULL;
	int status = local_server_start(options, &server);
	/* What is kept has to be known again. */
	if (!status && options->directory && !local_server_edition(server))
		options->nocache = true;
	if (!status)
		status = mount_serve(options, on_live, ctx);
	local_server_end(server);
	return status;
}

static int mount_local(int status, struct options *options)
{
	secrets_forget();
	if (!status)
		status = mount_run(options, serve);
	options_done(options);
	return status;
}

int local_demo(const struct arguments *arguments)
{
	struct options options;
	int status = config_read_sample(arguments, &options);
	options.nocache = true;
	return mount_local(status, &options);
}

int local_directory(const struct arguments *arguments)
{
	struct options options;
	int status = config_read(arguments, &options);
	return mount_local(status, &options);
}
