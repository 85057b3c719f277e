/*
 * Easy handles: kept for the next transfer when one is done, and set up for a
 * request. What a transfer hears of, curl_transfer.c sets itself. Loop thread
 * only.
 */
#ifndef HTTP_CURL_EASY_H
#define HTTP_CURL_EASY_H

#include <curl/curl.h>

#include "http/http.h"

struct easy_pool;

/* cacert: a PEM file that replaces the system's store, copied; or NULL. NULL:
 * out of memory. */
struct easy_pool *easy_pool_new(const char *cacert);

/* From the next handle on, connections are made to the AF_UNIX socket at path,
 * which is copied. 0 or -ENOMEM. */
int easy_pool_set_socket(struct easy_pool *pool, const char *path);

/* All handles have been given back. NULL is fine. */
void easy_pool_free(struct easy_pool *pool);

/* A handle that asks for what the request says, but for its headers: the
 * caller's until easy_give. NULL: out of memory. */
CURL *easy_take(struct easy_pool *pool, const struct http_request *request);

/* Give a handle back; no multi handle knows it any more. */
void easy_give(struct easy_pool *pool, CURL *easy);

#endif
