/*
 * HTTP as bytes: a request, a sink for its body, and one loop thread.
 *
 * struct http is a vtable, so that tests can put a scripted transport in its
 * place. Everything but http_post runs on the loop thread; callbacks are made
 * there and must not block on the network. What the layers above do on the
 * loop thread therefore needs no lock.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct http;
struct http_call;
struct http_timer;

/* What is asked for. Strings are borrowed until http_start returns. */
struct http_request {
	const char *method; /* "GET", "POST" or "DELETE" */
	const char *url;
	const char *const *headers; /* "Name: value", NULL ends; may be NULL */
	const char *body;	    /* NULL: none; sent with Content-Length */
	size_t body_len;
	bool compressed; /* accept any encoding that is decoded for us */
	bool fresh;	 /* on a connection of its own: sent once, whatever */
	bool redirects;	 /* follow up to HTTP_REDIRECTS_MAX, http(s) only */
	int64_t silence_ms; /* see HTTP_SILENCE_MS; 0: that */
};

#define HTTP_REDIRECTS_MAX 5

/* A transfer that brings next to nothing for so long is ended, in milliseconds:
 * before its first byte, and after it. Next to nothing is less than
 * HTTP_DRIP_BYTES a second. */
#define HTTP_SILENCE_MS 30000
#define HTTP_DRIP_BYTES 100

/* A peer that does not even acknowledge is gone after so long, likewise. */
#define HTTP_GONE_MS 30000

/* A connection must stand within, in milliseconds; or within silence_ms, where
 * that is less. */
#define HTTP_CONNECT_MS 15000

/* What is known of an answer once its header is whole. */
struct http_head {
	int status;
	int64_t content_length; /* -1: not said */
	int64_t range_start;	/* Content-Range; -1: none */
	int64_t range_end;	/* inclusive */
	int64_t range_total;	/* -1: none or '*' */
	int64_t retry_after_ms; /* -1: none */
	char retry_after[40];	/* the same as it stands; "" when none */
	int64_t date_ms;	/* Date, since the epoch; -1: none */
	int64_t quota_left;	/* X-RateLimit-Remaining; -1: none */
	char etag[128];		/* "" when none, or too long to compare */
	char modified[64];	/* Last-Modified as it stands; likewise */
	int64_t modified_ms;	/* the same, since the epoch; -1: none */
	/* Where a redirect leads, for a human: cut short, without what may be
	 * secret (query, fragment, user). "" when nowhere. */
	char location[200];
	/* What the server says is missing of what it lists: X-Incomplete. ""
	 * when it says nothing; other words where it says too much. */
	char incomplete[512];
	bool unframed; /* nothing tells a whole body from a cut one */
	bool encoded;  /* Content-Encoding is there */
	bool page;     /* Content-Type is that of a page for people */
};

/* What tells an answer's version from others, byte for byte: its ETag, unless
 * that is a weak one, or else Last-Modified, where that is certain to change
 * with the content. "" when neither. Borrowed from head. */
const char *http_head_validator(const struct http_head *head);

/* Whether an answer has a validator that an earlier one had. */
bool http_head_matches(const struct http_head *head, const char *validator);

/* Where an answer goes. All of them are called on the loop thread. */
struct http_sink {
	/* The header of the final answer (after redirects), once, before any
	 * body byte. Non-zero (-errno) ends the transfer with that error. */
	int (*head)(void *ctx, const struct http_head *head);
	/* The next bytes of the body. Non-zero ends the transfer likewise. */
	int (*body)(void *ctx, const void *data, size_t len);
	/* Exactly once, unless cancelled before: 0 when the whole body came,
	 * else what a sink returned or how the transfer broke:
	 * -ECONNREFUSED (no connection), -EHOSTUNREACH (no such host),
	 * -EMFILE or -ENFILE (no descriptor for one), -ETIMEDOUT (no
	 * connection in time), -EKEYREJECTED (certificate), -EPROTO (not
	 * HTTP, a bad redirect: detail names where it led), -EPIPE (cut
	 * short, reset, silent). detail is one line for a human, free of
	 * secrets. */
	void (*done)(void *ctx, int err, const char *detail);
	/* A field of the header, before head: for who needs one that struct
	 * http_head has not. Both are borrowed; lines that are too long are
	 * left out. May be NULL. */
	void (*field)(void *ctx, const char *name, const char *value);
};

/* Work for the loop thread. Its owner sets fn and ctx, and keeps it where it is
 * until fn is called, which may free it: so no memory is needed to hand it
 * over. */
struct http_task {
	void (*fn)(void *ctx);
	void *ctx;
	/* For http_vtable.post. */
	_Atomic bool posted; /* and fn has not been called yet */
	STAILQ_ENTRY(http_task) link;
};

struct http_vtable {
	struct http_call *(*start)(struct http *http,
	    const struct http_request *request, const struct http_sink *sink,
	    void *ctx);
	void (*cancel)(struct http *http, struct http_call *call);
	void (*post)(struct http *http, struct http_task *task);
	struct http_timer *(*timer_start)(struct http *http, int64_t delay_ms,
	    void (*fn)(void *ctx), void *ctx);
	void (*timer_stop)(struct http *http, struct http_timer *timer);
	int64_t (*now)(struct http *http);
	void (*stop)(struct http *http);
	void (*free)(struct http *http);
};

struct http {
	const struct http_vtable *vtable;
};

/* ---- for who implements post ---- */

/* Whether the task is to be put in line: else it is there already, and putting
 * it there again would lose those between its two places. */
static inline bool http_task_claim(struct http_task *task)
{
	return !atomic_exchange(&task->posted, true);
}

/* It has been taken out of the line. */
static inline void http_task_run(struct http_task *task)
{
	atomic_store(&task->posted, false);
	task->fn(task->ctx);
}

/* Begin a transfer. NULL when out of memory or the URL is none that is spoken
 * here; sink->done is not called then, otherwise never before this returns. */
static inline struct http_call *http_start(struct http *http,
    const struct http_request *request, const struct http_sink *sink, void *ctx)
{
	return http->vtable->start(http, request, sink, ctx);
}

/* End a transfer; no callback comes any more. Allowed within callbacks, its
 * own included. NULL is fine. */
static inline void http_cancel(struct http *http, struct http_call *call)
{
	if (call)
		http->vtable->cancel(http, call);
}

/* Run a task on the loop thread, soon, in the order of posting. One that is
 * posted already is run once, at its old place. Any thread. */
static inline void http_post(struct http *http, struct http_task *task)
{
	http->vtable->post(http, task);
}

/* Run fn after delay_ms. The timer is gone when fn is called, or stopped.
 * NULL when out of memory. */
static inline struct http_timer *http_timer_start(
    struct http *http, int64_t delay_ms, void (*fn)(void *), void *ctx)
{
	return http->vtable->timer_start(http, delay_ms, fn, ctx);
}

/* Let it never fire. It is gone. NULL is fine. */
static inline void http_timer_stop(struct http *http, struct http_timer *timer)
{
	if (timer)
		http->vtable->timer_stop(http, timer);
}

/* Milliseconds on a monotonic clock (a test's own, where one is injected). */
static inline int64_t http_now(struct http *http)
{
	return http->vtable->now(http);
}

/* End the loop: no callback comes any more, and what belongs to the loop
 * thread may be called by the caller, who must not be on it. */
static inline void http_stop(struct http *http)
{
	http->vtable->stop(http);
}

/* Drop what is under way (no callbacks) and free all; stops the loop before,
 * where that was not done. NULL is fine. */
static inline void http_free(struct http *http)
{
	if (http)
		http->vtable->free(http);
}

/*
 * The transport for real: one curl multi handle in a thread of its own.
 * connections bounds the connections to one host; cacert is a PEM file that
 * replaces the system's store, or NULL. 0; -ENOMEM; -ENOENT or -EINVAL when
 * cacert cannot be used.
 */
int http_curl_new(
    unsigned connections, const char *cacert, struct http **ret_http);

/* Of libcurl and what it uses, as they run: "libcurl/7.88.1 OpenSSL/3.0 …". Any
 * thread. */
const char *http_curl_version(void);

/*
 * For such a transport, before it is asked for anything: all connections are
 * made to the AF_UNIX socket at path, whatever a URL names, and through no
 * proxy. 0 or -ENOMEM.
 */
int http_curl_connect_to(struct http *http, const char *path);

/* Whether url is http://, with a host that is no loopback. Such a URL would
 * send credentials in the clear. */
bool http_url_is_clear_remote(const char *url);

/* Why nobody should follow a URL that came from elsewhere: it is none, is not
 * http or https, or leads to another host in the clear. A text that lives for
 * ever, or NULL: nothing is wrong with it. */
const char *http_url_problem(const char *url);

/* Whether url is well formed for this transport: http:// or https://. */
bool http_url_is_http(const char *url);

#endif
