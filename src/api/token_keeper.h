/* What auth.c asks of whoever keeps tokens between mounts: set by the command,
 * through struct api_config. */
#ifndef API_TOKEN_KEEPER_H
#define API_TOKEN_KEEPER_H

#include "api/answer.h"

/*
 * Who keeps the refresh token of a session that came from elsewhere, also for
 * other mounts of it. Called on the loop thread; must not block.
 */
struct api_keeper {
	/*
	 * Ask for a pair: taken is called on the loop thread, not before this
	 * returns. With an access token: another mount has got it. With a
	 * refresh token alone: it is ours to use, and everybody else waits
	 * until keep is called. The pair's members are taken's to free.
	 * err: 0; -EAGAIN: another mount uses it just now, so ask again soon;
	 * -ENOENT: there is none any more; or why it cannot be had. One at a
	 * time; it cannot be cancelled, but for the loop's end.
	 */
	void (*take)(void *ctx,
	    void (*taken)(void *ctx, int err, struct answer_tokens *pair),
	    void *taken_ctx);
	/* What came of it: the new pair, the same token alone if it was
	 * never sent, or NULL: it is used up, and nothing came. Borrowed. It
	 * counts for the next take, and is written down meanwhile. */
	void (*keep)(void *ctx, const struct answer_tokens *pair);
	void *ctx;
};

#endif
