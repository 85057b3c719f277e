/* A server's words may repeat what it was sent: no secret gets through. */
#include <stdio.h>
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
	char *end = text + len, *at = text;
	if (size < SECRET_LEAST)
		return;
	while ((at = memmem(at, (size_t)(end - at), secret, size))) {
		blot(at, size);
		at += size;
	}
}

/* What follows word, up to the end of the text's own word. */
static void blot_after(char *text, size_t len, const char *word)
{
	char *end = text + len, *at = text;
	while ((at = memmem(at, (size_t)(end - at), word, strlen(word)))) {
		at += strlen(word);
		while (at<end && * at> ' ' && !strchr("\"',<>", *at))
			*at++ = '*';
	}
}

/* The query of each URL: it may be signed. */
static void blot_queries(char *text, size_t len)
{
	char *end = text + len, *at = text;
	while ((at = memmem(at, (size_t)(end - at), "://", 3))) {
		bool query = false;
		for (; at<end && * at> ' ' && !strchr("\"'<>", *at); at++) {
			if (query)
				*at = '*';
			query = query || *at == '?';
		}
	}
}

static void blot_all(struct api *api, struct buf *words)
{
	const struct api_config *config = &api->config;
	const struct auth *auth = &api->auth;
	const char *const secrets[] = {config->key, config->password,
	    config->mfa_code, auth->tokens.access, auth->tokens.refresh,
	    auth->previous.access, auth->previous.refresh};
	static const char *const prefixes[] = {"Bearer ", "pk_", "sk_"};
	if (!words->len)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		blot_out(words->data, words->len, secrets[i]);
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		blot_after(words->data, words->len, prefixes[i]);
	blot_queries(words->data, words->len);
}

void api_fill_error(
    struct api *api, const char *body, size_t len, struct api_error *error)
{
	CLEANUP_BUF struct buf code, message;
	buf_init_secret(&code, ANSWER_MAX);
	buf_init_secret(&message, ANSWER_MAX);
	answer_error(body, len, &code, &message);
	/* First blot, then cut: half a secret is one, too. */
	blot_all(api, &code);
	blot_all(api, &message);
	snprintf(error->code, sizeof(error->code), "%s", buf_str(&code));
	snprintf(
	    error->message, sizeof(error->message), "%s", buf_str(&message));
}
