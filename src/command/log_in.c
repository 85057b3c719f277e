#include "command/log_in.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command/browser.h"
#include "command/contact.h"
#include "command/mount.h"
#include "command/own_mcp.h"
#include "config/account.h"
#include "config/complain.h"
#include "config/config.h"
#include "config/secrets.h"

/* As long as a code is good for. */
#define PATIENCE_MS (10 * 60 * 1000)

struct attempt {
	struct mcp *mcp;
	int signal; /* that ended it; 0: none */
};

static void on_signal(void *ctx, int number)
{
	struct attempt *attempt = ctx;
	attempt->signal = number;
	mcp_cancel(attempt->mcp);
}

static void show(void *ctx, const char *address)
{
	(void)ctx;
	printf("To let bkendfs look up the tables, allow it in the browser. If"
	       " none opens, open\n\n  %s\n\n",
	    address);
	fflush(stdout);
	browser_open(address);
}

static int judge(const struct options *options, const struct attempt *attempt,
    int r, const struct mcp_error *error)
{
	if (r == -ECANCELED)
		return failed("the login was ended by a signal (%s)",
		    strsignal(attempt->signal));
	if (r < 0)
		return own_mcp_complain(options, "log in to", error);
	printf("Logged in: mounts of this project show the tables that %s"
	       " tells of.\n",
	    options->mcp_url);
	return 0;
}

static int run_attempt(const struct options *options, struct contact *contact)
{
	struct attempt attempt = {0};
	struct mcp_error error;
	if (own_mcp_new(options, contact_http(contact), NULL, &attempt.mcp) < 0)
		return failed_for_memory();
	signals_watch(contact_signals(contact), on_signal, &attempt);
	int r = mcp_log_in(attempt.mcp, PATIENCE_MS, show, NULL, &error);
	signals_watch(contact_signals(contact), NULL, NULL);
	int status = judge(options, &attempt, r, &error);
	contact_stop(contact);
	mcp_free(attempt.mcp);
	return status;
}

static int run(const struct options *options)
{
	struct contact *contact;
	signals_block();
	int status = contact_open(options, &contact);
	if (status)
		return status;
	status = run_attempt(options, contact);
	contact_stop(contact);
	contact_free(contact);
	return status;
}

int log_in(const struct arguments *arguments)
{
	struct options options;
	int status = config_read(arguments, &options);
	if (!status && options.directory)
		status = complain("a directory has no server to log in to");
	if (!status && options.offline)
		status = complain("--login asks the server: not with offline");
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
