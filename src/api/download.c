#include "api/download.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/timestamp.h"

/* A signed URL is not used in its last moments, in milliseconds. */
#define URL_MARGIN_MS 2000

struct download {
	struct api *api;
	char *subject;
	char *id;
	size_t id_len;
	const struct download_events *events;
	void *ctx;
	char *url;	    /* a secret; NULL: none */
	int64_t expires_ms; /* timestamp_mono_ms; -1: not said */
	uint64_t serial;    /* counts the URLs */
	bool no_page;	    /* as the last answer said */
	struct api_call *call;
};

struct download *download_new(struct api *api, const char *subject,
    const char *id, size_t id_len, const struct download_events *events,
    void *ctx)
{
	struct download *download = calloc(1, sizeof(*download));
	if (!download)
		return NULL;
	download->api = api;
	download->events = events;
	download->ctx = ctx;
	download->expires_ms = -1;
	download->id_len = id_len;
	download->subject = strdup(subject);
	download->id = malloc(id_len + 1);
	if (!download->subject || !download->id) {
		download_free(download);
		return NULL;
	}
	memcpy(download->id, id, id_len);
	return download;
}

/* The next request asks for a new one. */
static void forget(struct download *download)
{
	free_secret(TAKE(download->url));
}

void download_free(struct download *download)
{
	if (!download)
		return;
	api_cancel(download->call);
	forget(download);
	free(download->subject);
	free(download->id);
	free(download);
}

const char *download_url(const struct download *download)
{
	int64_t until_ms = download->expires_ms - URL_MARGIN_MS;
	if (download->expires_ms >= 0 && timestamp_mono_ms() >= until_ms)
		return NULL;
	return download->url;
}

uint64_t download_serial(const struct download *download)
{
	return download->serial;
}

bool download_is_no_page(const struct download *download)
{
	return download->no_page;
}

static void fail(
    struct download *download, int err, int status, const char *message)
{
	download->events->failed(download->ctx, err, status, message);
}

/* A URL's end is told by the clock of who signed it: what is left by that one
 * passes on ours, which nobody sets. */
static int64_t expiry(const struct answer_download *answer)
{
	int64_t now = answer->date_ms;
	if (now < 0)
		now = timestamp_now_ms();
	if (answer->expires_ms < 0)
		return -1;
	return timestamp_mono_ms() + answer->expires_ms - now;
}

static void on_url(void *ctx, const struct api_error *error,
    const struct answer_download *answer)
{
	struct download *download = ctx;
	download->call = NULL;
	if (error->err) {
		fail(download, error->err, error->status, NULL);
		return;
	}
	const char *problem = http_url_problem(answer->url);
	if (problem) {
		char message[200];
		snprintf(message, sizeof(message),
		    "the download URL is not one to follow: %s", problem);
		fail(download, -EPROTO, error->status, message);
		return;
	}
	forget(download);
	download->serial++;
	download->url = strdup(answer->url);
	if (!download->url) {
		fail(download, -ENOMEM, 0, NULL);
		return;
	}
	download->no_page = answer->no_page;
	download->expires_ms = expiry(answer);
	/* A clock that differs from the server's must not keep us from trying:
	 * the store itself knows best. */
	if (!download_url(download))
		download->expires_ms = -1;
	download->events->ready(download->ctx);
}

int download_want(struct download *download, bool speculative)
{
	if (download->call)
		return 0;
	forget(download);
	download->call = api_download_url(download->api, download->subject,
	    download->id, download->id_len, speculative, on_url, download);
	return download->call ? 0 : -ENOMEM;
}

void download_refused(struct download *download, uint64_t serial)
{
	if (download->serial == serial)
		forget(download);
}
