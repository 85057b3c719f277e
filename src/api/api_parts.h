/*
 * What an api is made of: for api.c, which puts it together, and for list.c,
 * get.c and probe.c, which ask for something by its parts. Loop thread only,
 * but for counts and shortfalls.
 */
#ifndef API_API_PARTS_H
#define API_API_PARTS_H

#include <stdint.h>

#include "api/counts.h"
#include "api/redact.h"

struct auth;
struct calls;
struct failures;
struct probe;
struct shortfalls;
struct storage;
struct token;

struct api {
	/* Immutable after new. */
	int64_t patience_ms; /* with a failing server */
	bool lacks_specs;    /* see struct api_config */
	struct redact redact;
	struct calls *calls;
	struct failures *failures; /* borrowed */
	struct storage *storage;
	struct token *token; /* NULL: no account */
	struct auth *auth;   /* with an account */
	/* Loop thread only. */
	struct probe *probe; /* under way, with an account; owned */
	struct counts counts;
	struct shortfalls *shortfalls; /* any thread */
};

#endif
