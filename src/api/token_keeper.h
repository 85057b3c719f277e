/* What auth.c asks of whoever keeps tokens between mounts: set by the command,
 * through struct api_config. */
#ifndef API_TOKEN_KEEPER_H
#define API_TOKEN_KEEPER_H

#include "api/answer.h"

/*
 * Who keeps the refresh token of a session that came from elsewhere, also for
 * other mounts of it. Called on the loop thread; must not block for long.
 */
struct api_keeper {
	/*
	 * A pair with an access token: another mount has got it. One with a
	 * refresh token alone: it is ours to use, and everybody else waits
	 * until keep is called. The members are the caller's.
	 * 0; -EAGAIN: another mount uses it just now, so ask again soon;
	 * -ENOENT: there is none any more; or why it cannot be had.
	 */
	int (*take)(void *ctx, struct answer_tokens *ret_pair);
	/* What came of it: the new pair, the same token alone if it was
	 * never sent, or NULL: it is used up, and nothing came. */
	void (*keep)(void *ctx, const struct answer_tokens *pair);
	void *ctx;
};

#endif
