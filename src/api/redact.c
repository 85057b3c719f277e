#include "api/redact.h"

#include <stdio.h>
#include <string.h>

#include "api/token.h"
#include "base/buf.h"

/* However short it is, and whatever else of the text goes with it. It is looked
 * for in what was said, of which text is a copy that others were blotted out
 * of: they may be a part of it. */
static void blot_out(char *text, const struct buf *said, const char *secret)
{
	size_t size = secret ? strlen(secret) : 0;
	const char *end = said->data + said->len, *at = said->data;
	while (
	    size > 0 && (at = memmem(at, (size_t)(end - at), secret, size))) {
		memset(text + (at - said->data), '*', size);
		at++;
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

static void blot_all(const struct redact *redact, struct buf *words)
{
	const char *secrets[3 + TOKEN_SECRETS] = {
	    redact->key, redact->password, redact->mfa_code};
	static const char *const prefixes[] = {"Bearer ", "pk_", "sk_"};
	CLEANUP_BUF struct buf said;
	buf_init_secret(&said, words->len);
	if (!words->len)
		return;
	if (buf_add(&said, words->data, words->len) < 0) {
		buf_clear(words); /* rather nothing than a secret */
		return;
	}
	if (redact->token)
		token_secrets(redact->token, secrets + 3);
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		blot_out(words->data, &said, secrets[i]);
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		blot_after(words->data, words->len, prefixes[i]);
	blot_queries(words->data, words->len);
}

void redact_text(
    const struct redact *redact, const char *text, char *out, size_t size)
{
	CLEANUP_BUF struct buf words;
	buf_init_secret(&words, ANSWER_MAX);
	buf_adds(&words, text);
	blot_all(redact, &words);
	snprintf(out, size, "%s", buf_str(&words));
}

void redact_redirect(
    const struct redact *redact, const char *location, struct api_error *error)
{
	CLEANUP_BUF struct buf message;
	buf_init_secret(&message, ANSWER_MAX);
	buf_printf(&message, "it redirects to %s", location);
	blot_all(redact, &message);
	snprintf(
	    error->message, sizeof(error->message), "%s", buf_str(&message));
}

void redact_error(const struct redact *redact, const char *body, size_t len,
    struct api_error *error)
{
	CLEANUP_BUF struct buf code, message;
	buf_init_secret(&code, ANSWER_MAX);
	buf_init_secret(&message, ANSWER_MAX);
	answer_error(body, len, &code, &message);
	/* First blot, then cut: half a secret is one, too. */
	blot_all(redact, &code);
	blot_all(redact, &message);
	snprintf(error->code, sizeof(error->code), "%s", buf_str(&code));
	snprintf(
	    error->message, sizeof(error->message), "%s", buf_str(&message));
}
