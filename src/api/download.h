/*
 * The signed URL that one stored file's bytes are fetched from: asked for when
 * it is wanted, once for all who want it, and anew when it has expired or was
 * refused. It is a secret. range.c sends to it; sync/object owns it.
 *
 * Loop thread only.
 */
#ifndef API_DOWNLOAD_H
#define API_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;
struct download;

struct download_events {
	/* There is a URL: what waited for it may go. */
	void (*ready)(void *ctx);
	/* None is to be had. message is for .bkendfs/errors; NULL: it stands
	 * there. The download may be freed from here. */
	void (*failed)(void *ctx, int err, int status, const char *message);
};

/* The download of the stored file of an id. subject is as in api.h; both are
 * copied. NULL: out of memory. */
struct download *download_new(struct api *api, const char *subject,
    const char *id, size_t id_len, const struct download_events *events,
    void *ctx);

/* No event comes any more. NULL is fine. */
void download_free(struct download *download);

/* The URL, borrowed until the next call of any other function here; NULL: none
 * is there, or it has expired. */
const char *download_url(const struct download *download);

/* Which URL that is: each further one has a higher number. */
uint64_t download_serial(const struct download *download);

/* Whether the file is said to be something else than a page of HTML. */
bool download_is_no_page(const struct download *download);

/* Ask for a new one, unless that is done: ready follows, or failed, but neither
 * before this returns. speculative: nobody waits yet. 0 or -ENOMEM. */
int download_want(struct download *download, bool speculative);

/* The store has refused the URL of that number: unless it is another by now, it
 * is not used any more. */
void download_refused(struct download *download, uint64_t serial);

#endif
