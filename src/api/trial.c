#include "api/trial.h"

#include "api/call.h"
#include "api/token.h"

static void on_done(void *ctx, const struct api_error *error)
{
	struct token *token = ctx;
	token_checked(token, error->err == 0);
}

static void on_release(void *ctx)
{
	(void)ctx;
}

/* Who we are is nobody's business here. */
static const struct call_ops ops = {
    .done = on_done,
    .release = on_release,
};

void trial_begin(struct calls *calls, struct token *token)
{
	struct call_spec spec = {
	    .method = "GET",
	    .path = "/v1/auth/me",
	    .subject = "(sign-in)",
	    .with_token = true,
	    .tries_token = true,
	    .may_fail = true,
	    .urgent = true,
	};
	if (!call_start(calls, &spec, &ops, token))
		token_checked(token, false);
}
