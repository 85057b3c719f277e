/* A server's words may repeat what it was sent: no secret gets through. */
#include <string.h>

#include "api/call.h"

/* Shorter than that, a "secret" would blot out ordinary words. */
#define SECRET_LEAST 6

static void blot(char *text, size_t len)
{
	memset(text, '*', len);
}

static void blot_out(char *text, size_t len, const char *secret)
{
	size_t size = secret ? strlen(secret) : 0;
	char *at;
	if (size < SECRET_LEAST)
		return;
	while ((at = memmem(text, len, secret, size)))
		blot(at, size);
}

/* What follows word, up to the end of the text's own word. */
static void blot_after(char *text, size_t len, const char *word)
{
	char *end = text + len, *at = text;
	while ((at = memmem(at, (size_t)(end - at), word, strlen(word)))) {
		at += strlen(word);
		while (at < end && *at > ' ' && !strchr("\"',<>", *at))
			*at++ = '*';
	}
}

/* The query of each URL: it may be signed. */
static void blot_queries(char *text, size_t len)
{
	char *end = text + len, *at = text;
	while ((at = memmem(at, (size_t)(end - at), "://", 3))) {
		bool query = false;
		for (; at < end && *at > ' ' && !strchr("\"'<>", *at); at++) {
			if (query)
				*at = '*';
			query = query || *at == '?';
		}
	}
}

void api_fill_error(
    struct api *api, const char *body, size_t len, struct api_error *error)
{
	CLEANUP_BUF struct buf copy;
	buf_init(&copy, len);
	if (buf_add(&copy, body, len) < 0)
		return;
	char *text = copy.data;
	blot_out(text, len, api->config.key);
	blot_out(text, len, api->config.password);
	blot_out(text, len, api->config.mfa_code);
	blot_out(text, len, api->auth.tokens.access);
	blot_out(text, len, api->auth.tokens.refresh);
	blot_after(text, len, "Bearer ");
	blot_after(text, len, "pk_");
	blot_after(text, len, "sk_");
	blot_queries(text, len);
	answer_error(text, len, error);
}
