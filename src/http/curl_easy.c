#include "http/curl_easy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/trust.h"

/* Finished easy handles kept for the next transfers. */
#define IDLE_HANDLES_MAX 64

/* Receive buffers: small answers, and objects at line speed. */
#define BUFFER_API ((long)128 << 10)
#define BUFFER_OBJECT ((long)256 << 10)

struct easy_pool {
	char *cacert; /* or NULL */
	struct trust trust;
	char *no_proxy; /* hosts that are spoken to directly */
	char *socket;	/* who is spoken to, whatever a URL names; or NULL */
	CURL *idle[IDLE_HANDLES_MAX];
	size_t count;
};

/*
 * The hosts that need no proxy: this machine, whatever the environment says. A
 * proxy elsewhere could not even reach it, but would be told the key. What the
 * environment names comes on top, since curl asks one list only. NULL when out
 * of memory.
 */
static char *hosts_without_proxy(void)
{
	static const char loopback[] = "localhost,127.0.0.0/8,::1";
	const char *more = getenv("no_proxy");
	char *list;
	if (!more)
		more = getenv("NO_PROXY");
	/* All hosts, which is only known by standing alone. */
	if (more && strcmp(more, "*") == 0)
		return strdup(more);
	return asprintf(&list, "%s%s%s", loopback, more ? "," : "",
		   more ? more : "") < 0
		   ? NULL
		   : list;
}

struct easy_pool *easy_pool_new(const char *cacert)
{
	struct easy_pool *pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;
	pool->cacert = cacert ? strdup(cacert) : NULL;
	pool->no_proxy = hosts_without_proxy();
	if ((cacert && !pool->cacert) || !pool->no_proxy) {
		easy_pool_free(pool);
		return NULL;
	}
	trust_init(&pool->trust,
	    cacert ? pool->cacert : curl_version_info(CURLVERSION_NOW)->cainfo);
	return pool;
}

void easy_pool_free(struct easy_pool *pool)
{
	if (!pool)
		return;
	while (pool->count)
		curl_easy_cleanup(pool->idle[--pool->count]);
	free(pool->cacert);
	free(pool->no_proxy);
	free(pool->socket);
	free(pool);
}

int easy_pool_set_socket(struct easy_pool *pool, const char *path)
{
	free(pool->socket);
	pool->socket = strdup(path);
	return pool->socket ? 0 : -ENOMEM;
}

/* A redirect may lead from this machine to http:// on another: nothing is sent
 * there in the clear. */
static int before_request(void *ctx, char *own_address, char *their_address,
    int own_port, int their_port)
{
	const char *url = NULL;
	(void)own_address;
	(void)their_address;
	(void)own_port;
	(void)their_port;
	curl_easy_getinfo(ctx, CURLINFO_EFFECTIVE_URL, &url);
	return url && !http_url_is_clear_remote(url) ? CURL_PREREQFUNC_OK
						     : CURL_PREREQFUNC_ABORT;
}

static void set_deadlines(CURL *e, int64_t silence_ms)
{
	if (!silence_ms)
		silence_ms = HTTP_SILENCE_MS;
	long connect_ms = HTTP_CONNECT_MS;
	if (silence_ms < connect_ms)
		connect_ms = (long)silence_ms;
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)HTTP_DRIP_BYTES);
	curl_easy_setopt(
	    e, CURLOPT_LOW_SPEED_TIME, (long)((silence_ms + 999) / 1000));
}

static void set_body(CURL *e, const struct http_request *r)
{
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(
	    e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
	curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, r->body ? r->body : "");
}

/*
 * On a kept connection that turns out to be closed, curl sends again by itself:
 * right for what may be repeated, and only for that. What goes out fresh is
 * mostly a secret, which would stay in the connection's buffers while that is
 * kept: it goes with it. Nor does HTTP/2 bring anything to one request, but
 * nghttp2 would leave a copy in memory that we do not overwrite.
 */
static void set_connection(CURL *e, const struct http_request *r, bool tls)
{
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, r->fresh ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, r->fresh ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
	    r->fresh ? (long)CURL_HTTP_VERSION_1_1
		     : (long)CURL_HTTP_VERSION_2TLS);
	/* Over TLS, wait and see whether the connection can be shared. */
	curl_easy_setopt(e, CURLOPT_PIPEWAIT, tls && !r->fresh ? 1L : 0L);
}

static void set_trust(struct easy_pool *pool, CURL *e)
{
	curl_easy_setopt(
	    e, CURLOPT_CA_CACHE_TIMEOUT, trust_kept_s(&pool->trust));
	if (pool->cacert) {
		curl_easy_setopt(e, CURLOPT_CAINFO, pool->cacert);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
}

static void set_options(
    struct easy_pool *pool, CURL *e, const struct http_request *r)
{
	bool tls = strncasecmp(r->url, "https:", 6) == 0;
	curl_easy_setopt(e, CURLOPT_URL, r->url);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	/* A thread that asks for a name is left alone, not waited for. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	/* A redirect may not leave TLS, except where there was none. */
	curl_easy_setopt(
	    e, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, r->redirects ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)HTTP_REDIRECTS_MAX);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, e);
	curl_easy_setopt(e, CURLOPT_NOPROXY, pool->no_proxy);
	curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, pool->socket);
	/* What is meant for the server is not for the proxy on the way. */
	curl_easy_setopt(e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	set_connection(e, r, tls);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "bkendfs/" BKENDFS_VERSION);
	set_deadlines(e, r->silence_ms);
	curl_easy_setopt(
	    e, CURLOPT_BUFFERSIZE, r->compressed ? BUFFER_API : BUFFER_OBJECT);
	set_trust(pool, e); /* a redirect may lead to TLS */
	if (r->compressed)
		curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
	if (strcmp(r->method, "POST") == 0)
		set_body(e, r);
	else if (strcmp(r->method, "DELETE") == 0)
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, "DELETE");
}

CURL *easy_take(struct easy_pool *pool, const struct http_request *request)
{
	CURL *easy = pool->count ? pool->idle[--pool->count] : curl_easy_init();
	if (easy)
		set_options(pool, easy, request);
	return easy;
}

void easy_give(struct easy_pool *pool, CURL *easy)
{
	if (pool->count == IDLE_HANDLES_MAX) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
	pool->idle[pool->count++] = easy;
}
