#include "command/log_out.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command/contact.h"
#include "command/mount.h"
#include "command/own_mcp.h"
#include "config/account.h"
#include "config/complain.h"
#include "config/config.h"
#include "config/secrets.h"

static void on_signal(void *ctx, int number)
{
	(void)number;
	mcp_cancel(ctx);
}

/* What is forgotten here is of no use any more, whatever the server says. */
static int judge(const struct options *options, int r, bool forgotten,
    const struct mcp_error *error)
{
	if (r == -ENOENT && !forgotten) {
		printf("There is no login to %s.\n", options->mcp_url);
		return 0;
	}
	if (!forgotten)
		return own_mcp_complain(options, "forget the login to", error);
	printf("Logged out of %s.\n", options->mcp_url);
	if (r == -ECANCELED)
		fprintf(stderr, "bkendfs: the server was not told of it\n");
	else if (r < 0)
		own_mcp_complain(options,
		    "tell of it, so that it may still"
		    " know the login:",
		    error);
	return 0;
}

static int run(const struct options *options)
{
	struct contact *contact;
	struct mcp *mcp;
	struct mcp_error error = {0};
	bool forgotten;
	signals_block();
	int status = contact_open(options, &contact);
	if (status)
		return status;
	if (own_mcp_new(options, contact_http(contact), NULL, &mcp) < 0) {
		contact_stop(contact);
		contact_free(contact);
		return failed_for_memory();
	}
	signals_watch(contact_signals(contact), on_signal, mcp);
	int r = mcp_log_out(mcp, &forgotten, &error);
	signals_watch(contact_signals(contact), NULL, NULL);
	status = judge(options, r, forgotten, &error);
	contact_stop(contact);
	mcp_free(mcp);
	contact_free(contact);
	return status;
}

int log_out(const struct arguments *arguments)
{
	struct options options;
	int status = config_read(arguments, &options);
	if (!status && options.directory)
		status = complain("a directory has no server to log out of");
	if (!status)
		status = account_identify(&options);
	secrets_forget();
	if (!status)
		status = mount_open_log(&options);
	if (!status)
		status = run(&options);
	options_done(&options);
	return status;
}
