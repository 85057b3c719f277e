/*
 * Where a browser is sent back to with an answer, in the client's words: which
 * addresses may be registered at all, and which of them a request may name
 * (OAuth 2.1, and RFC 8252 for programs on this machine). Pure.
 */
#ifndef EMULATOR_REDIRECT_H
#define EMULATOR_REDIRECT_H

#include <stdbool.h>

#include "base/buf.h"

/* No longer one is taken. */
#define REDIRECT_MAX 512

/* Whether it may be registered: https, http on the loopback interface, or a
 * scheme of the program's own (com.example.app:/back); no fragment, no user's
 * name, and nothing that an URI does not hold. */
bool redirect_is_fit(const char *uri);

/* Whether a request that names given means registered: the very same, but for
 * the port of one on the loopback interface, which is any free one. */
bool redirect_fits(const char *registered, const char *given);

/* Append what a Content-Security-Policy has to name, so that a form's answer
 * may lead to this (fit) address. 0, -ENOMEM or -EMSGSIZE. */
int redirect_add_source(const char *uri, struct buf *out);

/* Append the query's next parameter, value encoded. 0, -ENOMEM or -EMSGSIZE. */
int redirect_add_param(const char *name, const char *value, struct buf *uri);

#endif
