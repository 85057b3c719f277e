/* The signed URL that a stream's requests go to. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"
#include "sync/stream.h"

/* A signed URL is not used in its last moments, in milliseconds. */
#define URL_MARGIN_MS 2000

void url_forget(struct stream *stream)
{
	free_secret(TAKE(stream->url));
}

bool url_is_usable(const struct stream *stream)
{
	return stream->url && (stream->url_expires_ms < 0 ||
				  http_now(stream->core->http) <
				      stream->url_expires_ms - URL_MARGIN_MS);
}

static void on_url(void *ctx, const struct api_error *error,
    const struct answer_download *download)
{
	struct stream *stream = ctx;
	stream->url_call = NULL;
	if (error->err) {
		stream_fail(stream, error->err, error->status, NULL);
		return;
	}
	const char *problem = http_url_problem(download->url);
	if (problem) {
		char message[200];
		snprintf(message, sizeof(message),
		    "the download URL is not one to follow: %s", problem);
		stream_fail(stream, -EPROTO, error->status, message);
		return;
	}
	url_forget(stream);
	stream->url_serial++;
	stream->url = strdup(download->url);
	if (!stream->url) {
		stream_fail(stream, -ENOMEM, 0, NULL);
		return;
	}
	stream->url_expires_ms = download->expires_ms;
	/* A clock that differs from the server's must not keep us from trying:
	 * the store itself knows best. */
	if (!url_is_usable(stream))
		stream->url_expires_ms = -1;
	int r = range_send_waiting(stream);
	if (r < 0)
		stream_fail(stream, r, 0, NULL);
}

int url_want(struct stream *stream)
{
	if (stream->url_call)
		return 0;
	url_forget(stream);
	stream->url_call = api_download_url(stream->core->api, stream->subject,
	    buf_str(&stream->file_id), stream->file_id.len, stream->prefetched,
	    on_url, stream);
	return stream->url_call ? 0 : -ENOMEM;
}
