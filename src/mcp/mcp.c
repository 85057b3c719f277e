#include "mcp/mcp.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "mcp/conversation.h"
#include "mcp/finder.h"
#include "mcp/grant.h"
#include "mcp/login.h"
#include "mcp/web.h"

struct mcp {
	struct http *http;
	struct failures *failures;
	char *url;
	struct web *web;
	struct grants *grants;
	/* mcp_find's; the loop's, but while the thread runs. */
	bool running;
	pthread_t thread;
	mcp_found_fn found;
	void *ctx;
	struct candidates *candidates;
	struct mcp_error error;
	struct http_task task;
	struct lock lock;
	struct login *login; /* under lock; NULL: nobody logs in */
};

int mcp_new(const struct mcp_config *config, struct mcp **ret_mcp)
{
	struct mcp *mcp = calloc(1, sizeof(*mcp));
	if (!mcp)
		return -ENOMEM;
	lock_init(&mcp->lock);
	mcp->http = config->http;
	mcp->failures = config->failures;
	mcp->url = strdup(config->url);
	mcp->web = web_new(config->http);
	if (!mcp->url || !mcp->web ||
	    grants_new(config->url, config->identity, &mcp->grants) < 0) {
		mcp_free(mcp);
		return -ENOMEM;
	}
	*ret_mcp = mcp;
	return 0;
}

void mcp_stop(struct mcp *mcp)
{
	if (!mcp)
		return;
	web_cancel(mcp->web);
	if (mcp->running)
		pthread_join(mcp->thread, NULL);
	mcp->running = false;
}

void mcp_free(struct mcp *mcp)
{
	if (!mcp)
		return;
	if (mcp->web)
		mcp_stop(mcp);
	candidates_free(mcp->candidates);
	grants_free(mcp->grants);
	web_free(mcp->web);
	free(mcp->url);
	lock_done(&mcp->lock);
	free(mcp);
}

bool mcp_has_login(const struct mcp *mcp)
{
	return grants_exist(mcp->grants);
}

/* ---- tables ---- */

static void note(void *ctx, const struct mcp_error *error)
{
	struct mcp *mcp = ctx;
	if (error->err == -ECANCELED)
		return;
	log_warn("%s: %s (status %d)",
	    error->request[0] ? error->request : "MCP", error->message,
	    error->status);
	if (mcp->failures)
		failures_add(mcp->failures, "(tables)",
		    error->request[0] ? error->request : "MCP", error->status,
		    error->err, error->code, error->message);
}

int mcp_find_now(struct mcp *mcp, struct candidates **ret_candidates,
    struct mcp_error *error)
{
	struct candidates *candidates = candidates_new();
	struct conversation *conversation =
	    conversation_new(mcp->web, mcp->url, mcp->grants);
	int r = -ENOMEM;
	*error = (struct mcp_error){.err = -ENOMEM};
	if (candidates && conversation)
		r = finder_run(conversation, candidates, note, mcp, error);
	conversation_end(conversation);
	if (r < 0) {
		candidates_free(candidates);
		return r;
	}
	*ret_candidates = candidates;
	return 0;
}

static void on_found(void *ctx)
{
	struct mcp *mcp = ctx;
	pthread_join(mcp->thread, NULL);
	mcp->running = false;
	mcp->found(mcp->ctx, TAKE(mcp->candidates), &mcp->error);
}

static void *find(void *ctx)
{
	struct mcp *mcp = ctx;
	pthread_setname_np(pthread_self(), "mcp");
	if (mcp_find_now(mcp, &mcp->candidates, &mcp->error) < 0) {
		mcp->candidates = NULL;
		note(mcp, &mcp->error);
	}
	http_post(mcp->http, &mcp->task);
	return NULL;
}

int mcp_find(struct mcp *mcp, mcp_found_fn found, void *ctx)
{
	mcp->found = found;
	mcp->ctx = ctx;
	mcp->task = (struct http_task){.fn = on_found, .ctx = mcp};
	int r = pthread_create(&mcp->thread, NULL, find, mcp);
	mcp->running = r == 0;
	return -r;
}

/* ---- logins ---- */

static void set_login(struct mcp *mcp, struct login *login)
{
	lock_acquire(&mcp->lock);
	mcp->login = login;
	lock_release(&mcp->lock);
}

void mcp_cancel(struct mcp *mcp)
{
	lock_acquire(&mcp->lock);
	if (mcp->login)
		login_cancel(mcp->login);
	lock_release(&mcp->lock);
	web_cancel(mcp->web);
}

int mcp_log_in(struct mcp *mcp, int64_t patience_ms,
    void (*show)(void *ctx, const char *address), void *ctx,
    struct mcp_error *error)
{
	struct grant grant = {0};
	struct login *login = login_new(mcp->web);
	*error = (struct mcp_error){.err = -ENOMEM};
	if (!login)
		return -ENOMEM;
	set_login(mcp, login);
	int r =
	    login_run(login, mcp->url, patience_ms, show, ctx, &grant, error);
	if (r == 0)
		r = grants_put(mcp->grants, &grant, error);
	login_conclude(login, r == 0,
	    r == 0 ? "bkendfs may look up now which tables there are. You can"
		     " close this page."
		   : error->message);
	set_login(mcp, NULL);
	login_free(login);
	grant_done(&grant);
	return r;
}

int mcp_log_out(struct mcp *mcp, bool *ret_forgotten, struct mcp_error *error)
{
	struct grant grant;
	*ret_forgotten = false;
	if (!mcp_has_login(mcp))
		return -ENOENT;
	int r = grants_take(mcp->grants, &grant, error);
	if (r < 0)
		return r;
	*ret_forgotten = true;
	r = login_revoke(mcp->web, &grant, error);
	grant_done(&grant);
	return r;
}
