/*
 * What a server says of an error, free of our own secrets: its words may repeat
 * what it was sent. Called where an answer is found to be none that was asked
 * for (call.c, auth.c, list.c, get.c). Loop thread only.
 */
#ifndef API_REDACT_H
#define API_REDACT_H

#include <stddef.h>

#include "api/answer.h"

struct token;

/* The secrets; borrowed. NULL: there is none of the kind. */
struct redact {
	const char *key;
	const char *password;
	const char *mfa_code;
	const struct token *token;
};

/* Fill in code and message from an error's body, as far as it has some. */
void redact_error(const struct redact *redact, const char *body, size_t len,
    struct api_error *error);

/* The same of any text: a copy of it, cut to fit. */
void redact_text(
    const struct redact *redact, const char *text, char *out, size_t size);

/* The same of an answer that sends on to another place, which it names: the
 * message says so. */
void redact_redirect(
    const struct redact *redact, const char *location, struct api_error *error);

#endif
